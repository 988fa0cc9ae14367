//! The first run: what this is, one key to the demo, and the few lines that set it up.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::mpsc;

use color_eyre::eyre::{Result, WrapErr as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;

use super::cli::Common;
use super::{cockpit, gather, out};
use crate::cockpit::{Code, Effect, Key, Message};
use crate::config::{Places, load_text};
use crate::engine::run::{Screenful, run as run_loop};
use crate::engine::terminal::Terminal;
use crate::model::{Clean, Health};
use crate::page::{
    Block, Foot, Frame, Head, Hint, Layout, Line, Noun, Prose, Screen, Size, Skin, Tone, room,
};
use crate::view::{Depth, Theme, paint};

/// Text is easiest to read up to here.
const COLUMNS: usize = 96;

/// Shows the welcome until somebody leaves it; `d` goes on with the demo in its place.
///
/// Ends well: nothing was asked for that could have failed.
pub fn run(common: &Common, places: &Places) -> Result<ExitCode> {
    // Flags are judged as ever: a theme that does not exist is said before anything is drawn.
    let flagged = load_text("", Path::new("/"), &gather::flags(common))
        .map_err(|problems| color_eyre::eyre::eyre!("{problems}"))?;
    let (depth, ascii) = cockpit::drawing(common, &flagged.ui);
    let term = std::env::var("TERM").ok();
    let (sender, news) = mpsc::channel();
    // The mouse stays the terminal's own: the commands shown are there to be copied.
    let mut terminal = match Terminal::open(&sender, term.as_deref(), false) {
        Ok(terminal) => terminal,
        Err(error) => {
            out::words(&format!("andon: {error}"));
            return Ok(ExitCode::from(cockpit::NO_SCREEN));
        }
    };
    let mut welcome = Welcome {
        size: terminal.size(),
        skin: flagged.ui.skin,
        depth,
        ascii,
        steps: steps(places),
        scroll: 0,
        dirty: true,
        demo: false,
    };
    run_loop(&mut terminal, &news, &mut welcome, cockpit::setting(depth), &mut |_| {});
    if welcome.demo {
        return go_to_demo(common);
    }
    // What was on the screen is gone: the commands stay in sight here.
    out::words(&format!("To set andon up for your own team:\n{}", indented(&steps(places))));
    Ok(ExitCode::SUCCESS)
}

/// The demo takes this process over: no thread of the welcome is left to hear its keys.
fn go_to_demo(common: &Common) -> Result<ExitCode> {
    let program = std::env::current_exe().wrap_err("the demo could not be started")?;
    let mut demo = Command::new(program);
    demo.arg("demo");
    if let Some(theme) = &common.theme {
        demo.args(["--theme", theme]);
    }
    if common.ascii {
        demo.arg("--ascii");
    }
    demo.args(["--color", common.color.word()]);
    Err(demo.exec()).wrap_err("the demo could not be started")
}

/// The commands that set andon up, as they are typed into a shell.
pub fn steps(places: &Places) -> Vec<String> {
    let file = places.user.clone().unwrap_or_else(|| "andon.toml".into());
    let typed = typed(&file, std::env::var_os("HOME").as_deref().map(Path::new));
    let folder = file.parent().filter(|folder| !folder.is_dir()).map(|folder| {
        let home = std::env::var_os("HOME");
        format!("mkdir -p {}", self::typed(folder, home.as_deref().map(Path::new)))
    });
    folder.into_iter().chain([format!("andon config example > {typed}")]).collect()
}

fn indented(steps: &[String]) -> String {
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "  {step}");
    }
    text.push_str("  andon check");
    text
}

/// A path as a shell takes it, with `~` for home.
fn typed(path: &Path, home: Option<&Path>) -> String {
    let plain =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%,:".contains(c));
    let below = home.and_then(|home| path.strip_prefix(home).ok()).map(|p| p.display().to_string());
    match below {
        Some(rest) if plain(&rest) => format!("~/{rest}"),
        _ => {
            let whole = path.display().to_string();
            if plain(&whole) { whole } else { format!("'{}'", whole.replace('\'', r"'\''")) }
        }
    }
}

struct Welcome {
    size: Size,
    skin: Skin,
    depth: Depth,
    ascii: bool,
    steps: Vec<String>,
    scroll: usize,
    dirty: bool,
    /// The demo was chosen.
    demo: bool,
}

impl Screenful for Welcome {
    fn update(&mut self, _now: Timestamp, message: Message) -> Vec<Effect> {
        self.dirty = true;
        match message {
            Message::Resized(size) => self.size = size,
            Message::Key(key) => return self.press(key),
            _ => {}
        }
        Vec::new()
    }

    fn wake(&self) -> Option<Timestamp> {
        None
    }

    fn is_dirty(&self) -> bool {
        self.dirty
    }

    fn paint(&mut self, _now: Timestamp, buffer: &mut Buffer) {
        let screen = screen(self.size, self.skin, &self.steps, self.scroll);
        self.scroll = screen.scroll;
        paint(&screen, &Theme::new(screen.skin, self.depth, self.ascii), buffer);
        self.dirty = false;
    }
}

impl Welcome {
    fn press(&mut self, key: Key) -> Vec<Effect> {
        match (key.code, key.ctrl) {
            (Code::Char('d'), false) => {
                self.demo = true;
                vec![Effect::Quit]
            }
            (Code::Char('q'), false) | (Code::Char('c'), true) => vec![Effect::Quit],
            (Code::Char('l'), true) => vec![Effect::Redraw],
            (Code::Char('j') | Code::Down, false) => {
                self.scroll += 1;
                Vec::new()
            }
            (Code::Char('k') | Code::Up, false) => {
                self.scroll = self.scroll.saturating_sub(1);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

/// The welcome as a plain value, for any size.
fn screen(size: Size, skin: Skin, steps: &[String], scroll: usize) -> Screen {
    let frame = Frame::new(size);
    let width = usize::from(size.width.saturating_sub(6)).min(COLUMNS);
    let blocks = if frame.layout <= Layout::Tiny {
        vec![said(
            "",
            vec![Line::plain("`andon config example`"), Line::plain("prints a first file")],
        )]
    } else {
        blocks(width, steps)
    };
    let tall = usize::from(room::plan(&frame, &blocks).tall);
    let most = tall.saturating_sub(usize::from(frame.body_height()));
    let verdict = if frame.layout <= Layout::Tiny {
        "no team yet: d demo, q leave"
    } else {
        "no team yet: nothing is watched"
    };
    Screen {
        frame,
        skin,
        zone: TimeZone::UTC,
        head: Head {
            health: Health::Unknown,
            verdict: Line::of(verdict, Tone::Strong),
            clock: Line::of(
                Clean::line(format_args!("andon {}", env!("CARGO_PKG_VERSION"))),
                Tone::Dim,
            ),
            ..Head::default()
        },
        tabs: Vec::new(),
        crumb: Line::of("Welcome", Tone::Plain),
        blocks,
        scroll: scroll.min(most),
        foot: Foot::Hints(vec![
            Hint { keys: "d".into(), word: "demo".into() },
            Hint { keys: "q".into(), word: "leave".into() },
        ]),
        over: None,
        wall: None,
    }
}

fn blocks(width: usize, steps: &[String]) -> Vec<Block> {
    let what = "A light over your services: what is broken, since when, what changed just before, who has it and \
        what to do. andon asks the endpoints your team already has, and changes nothing there.";
    let demo = "starts the demo: a small team, and an outage that begins within a minute. It needs no network and \
        no set-up.";
    let mut look = wrapped(demo, width.saturating_sub(4));
    for (n, line) in look.iter_mut().enumerate() {
        let sign = if n == 0 { "d" } else { " " };
        *line = Line::of(sign, Tone::Accent)
            .and("   ", Tone::Plain)
            .and(Clean::line(line.text()), Tone::Plain);
    }
    let command = |text: &str| Line::plain("    ").and(Clean::line(text), Tone::Code);
    let mut own: Vec<Line> = steps.iter().map(|step| command(step)).collect();
    own.extend(wrapped(
        "Edit that file: delete what you do not have, and name your own addresses. Then:",
        width,
    ));
    own.push(command("andon check").and("     asks every source once", Tone::Dim));
    own.push(command("andon").and("           the board", Tone::Dim));
    let more = "`andon help sources` lists everything that can be read. Another place for the file: \
        `andon --config FILE`.";
    vec![
        said("", wrapped(what, width)),
        said("Look around", look),
        said("Your own team, in two minutes", own),
        said("", wrapped(more, width)),
    ]
}

fn said(title: &'static str, lines: Vec<Line>) -> Block {
    let rows = lines.len();
    let prose = Prose { total: rows, lines, first: 0 };
    Block::main(title, Noun::Prose(prose)).exactly(u16::try_from(rows).unwrap_or(u16::MAX))
}

/// Words laid into lines of at most `width` columns; what stands in backticks is one word.
fn wrapped(text: &str, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut quoted = false;
    let words = text.split(|c: char| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    });
    for word in words {
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(Line::plain(Clean::line(&line)));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(Line::plain(Clean::line(&line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn drawn(width: u16, height: u16, scroll: usize) -> String {
        let steps = ["mkdir -p ~/.config/andon".to_owned(), "andon config example > f".to_owned()];
        let screen = screen(Size { width, height }, Skin::default(), &steps, scroll);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        paint(&screen, &Theme::new(screen.skin, Depth::None, false), &mut buffer);
        crate::view::text(&buffer)
    }

    #[test]
    fn the_way_to_the_demo_and_to_a_file_is_seen_at_every_usual_size() {
        for (width, height) in [(200, 60), (120, 40), (80, 24)] {
            let text = drawn(width, height, 0);
            for words in [
                "no team yet",
                "d   starts the demo",
                "mkdir -p",
                "andon config example >",
                "andon check",
                "q leave",
            ] {
                assert!(text.contains(words), "{width}x{height} lacks {words}:\n{text}");
            }
        }
        assert!(drawn(60, 15, 99).contains("--config FILE"), "{}", drawn(60, 15, 99));
        assert!(drawn(40, 8, 0).contains("d demo"), "{}", drawn(40, 8, 0));
    }

    #[test]
    fn no_size_makes_it_panic() {
        for (width, height) in [(0, 0), (1, 1), (5, 2), (29, 4), (30, 5), (59, 14), (300, 3)] {
            let _ = drawn(width, height, 7);
        }
    }

    #[test]
    fn a_path_is_typed_as_a_shell_takes_it() {
        let home = Some(Path::new("/home/me"));
        assert_eq!(
            typed(Path::new("/home/me/.config/andon/andon.toml"), home),
            "~/.config/andon/andon.toml"
        );
        assert_eq!(typed(Path::new("/srv/it's/andon.toml"), home), r"'/srv/it'\''s/andon.toml'");
    }
}
