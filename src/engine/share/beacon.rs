//! The light that others see: whoever polls keeps the status file fresh, and pushes the line to tmux where that is wished.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Place;
use super::place::read;
use crate::print::status::{Format, Glance, Teller, Template, Wish, line};

/// Writes glances, on a thread of its own: a slow disk holds up neither keys nor polls.
#[derive(Debug, Clone)]
pub struct Beacon {
    glances: Sender<Glance>,
    thread: Option<Arc<JoinHandle<()>>>,
}

impl Beacon {
    /// Starts the thread. It ends when the last clone is dropped. A configuration that can be named in two ways has
    /// two places.
    pub fn start(places: Vec<Place>, teller: Teller) -> Self {
        let (glances, taken) = channel();
        // Without the thread nothing is written, and status lines say how old they are.
        let thread = std::thread::Builder::new()
            .name("beacon".into())
            .spawn(move || Keeper { places, teller, pushed: None }.run(&taken));
        Self { glances, thread: thread.ok().map(Arc::new) }
    }

    /// Makes others see this, and waits until it is written: for a process that ends.
    pub fn finish(self, glance: Glance) {
        self.show(glance);
        drop(self.glances);
        if let Some(Ok(thread)) = self.thread.map(Arc::try_unwrap) {
            let _ = thread.join();
        }
    }

    /// Makes others see this.
    pub fn show(&self, glance: Glance) {
        // Fails only when the thread could not be started.
        let _ = self.glances.send(glance);
    }
}

struct Keeper {
    places: Vec<Place>,
    teller: Teller,
    /// What tmux was told last.
    pushed: Option<String>,
}

impl Keeper {
    fn run(mut self, glances: &Receiver<Glance>) {
        while let Ok(mut glance) = glances.recv() {
            // Only the newest counts.
            while let Ok(newer) = glances.try_recv() {
                glance = newer;
            }
            glance.teller = self.teller.clone();
            let text = glance.encode();
            for place in self.places.iter().filter(|place| self.may_write(place, &glance)) {
                // A full disk or a folder that was taken away: readers see the age grow, which is the truth.
                let _ = place.write(&place.status(), text.as_bytes());
            }
            if glance.taste.tmux {
                self.push(&glance);
            }
        }
    }

    /// Two readings of one file may be polled at the same time, before and after an edit: the newer one is shown.
    fn may_write(&self, place: &Place, glance: &Glance) -> bool {
        let other = read(&place.status()).ok().and_then(|text| Glance::decode(&text));
        other.is_none_or(|other| {
            other.teller.loaded <= self.teller.loaded || other.is_stale(glance.written)
        })
    }

    fn push(&mut self, glance: &Glance) {
        let template = glance.taste.template.as_ref();
        // A template that is wrong says so in the status line itself, and at the cockpit's start.
        let template = template.and_then(|t| Template::parse(t.as_str()).ok());
        let wish = Wish {
            format: Format::Tmux,
            template: template.as_ref(),
            ascii: glance.taste.ascii,
            now: glance.written,
        };
        let text = line(Ok(glance), &wish);
        if self.pushed.as_ref() != Some(&text) {
            push(&text);
            self.pushed = Some(text);
        }
    }
}

/// How long tmux may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sets tmux's user option `@andon`, without a shell. True when tmux took it.
pub fn push(text: &str) -> bool {
    // A last semicolon would end tmux's command.
    let text = match text.strip_suffix(';') {
        Some(rest) => format!("{rest}\\;"),
        None => text.to_owned(),
    };
    let spawned = Command::new("tmux")
        .args(["set-option", "-g", "--", "@andon", &text])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else { return false };
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}
