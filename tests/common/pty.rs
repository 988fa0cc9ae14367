//! A real terminal for a program under test: a PTY, an emulator that answers questions, and a memory of every byte.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// How long anything may take before a test gives up: what hangs is found, what is slow on a busy machine is not.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Pty {
    /// `None` after a hang-up.
    master: Option<OwnedFd>,
    child: Option<Child>,
    pub screen: vt100::Parser,
    /// Every byte the program wrote.
    pub raw: Vec<u8>,
    /// How much of `raw` was searched for questions.
    answered: usize,
    /// A mute terminal answers nothing.
    pub mute: bool,
    before: Termios,
}

/// How a program ended: its exit code, 128 + n for a signal it did not catch.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n.max(1)).unwrap()
}

impl Pty {
    /// Runs a program in a session of its own whose terminal is ours.
    pub fn spawn(program: impl AsRef<OsStr>, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        Self::run(program, arguments, env, true)
    }

    /// The same with a stdout that is a terminal, but none that controls the session: no `/dev/tty`.
    pub fn spawn_uncontrolled(program: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        Self::run(program, arguments, &[], false)
    }

    fn run(
        program: impl AsRef<OsStr>,
        arguments: &[&str],
        env: &[(&str, &str)],
        controlled: bool,
    ) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        rustix::io::ioctl_fionbio(&master, true).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        set_size(&master, 80, 24);
        let before = tcgetattr(&slave).unwrap();
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let child = Command::new("setsid")
            .args(if controlled { &["-w", "-c"][..] } else { &["-w"][..] })
            .arg(program)
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("TMUX")
            .envs(env.iter().copied())
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("setsid, of util-linux, gives a program a terminal of its own");
        Self {
            master: Some(master),
            child: Some(child),
            screen: vt100::Parser::new(cells(24), cells(80), 0),
            raw: Vec::new(),
            answered: 0,
            mute: false,
            before,
        }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(self.child.as_ref().unwrap())
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Types, reading meanwhile, so that neither side waits for the other for ever.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        let end = Instant::now() + PATIENCE;
        let mut rest = bytes;
        while !rest.is_empty() {
            assert!(Instant::now() < end, "{} bytes could not be typed", rest.len());
            match rustix::io::write(self.master.as_ref().unwrap(), rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::AGAIN) => {
                    self.read(Duration::from_millis(5));
                }
                Err(e) => panic!("typing failed: {e}"),
            }
        }
    }

    /// Types a key that makes the program write, and reads nothing, until it can write no more.
    pub fn fill(&self, key: &[u8]) {
        let name = ptsname(self.master.as_ref().unwrap(), Vec::new()).unwrap();
        let end = Instant::now() + PATIENCE;
        let mut blocked = 0;
        while blocked < 3 {
            assert!(Instant::now() < end, "the terminal never filled");
            self.type_blindly(key);
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            let slave = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
            let mut fds = [PollFd::new(&slave, PollFlags::OUT)];
            let limit = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut fds, Some(&limit)).unwrap();
            let writable = fds[0].revents().contains(PollFlags::OUT);
            blocked = if writable { 0 } else { blocked + 1 };
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Types without reading: the program's output stays blocked.
    pub fn type_blindly(&self, bytes: &[u8]) {
        assert_eq!(rustix::io::write(self.master.as_ref().unwrap(), bytes), Ok(bytes.len()));
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        set_size(self.master.as_ref().unwrap(), width, height);
        if width > 0 && height > 0 {
            self.screen = vt100::Parser::new(cells(height.min(400)), cells(width.min(1000)), 0);
            self.screen.process(b"\x1b[?1049h\x1b[?25l\x1b[?7l");
        }
    }

    /// Reads what is there or comes within `limit`, answers questions; false when the terminal is closed.
    pub fn read(&mut self, limit: Duration) -> bool {
        let Some(master) = &self.master else { return false };
        let limit = Timespec {
            tv_sec: limit.as_secs().try_into().unwrap(),
            tv_nsec: limit.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(master, PollFlags::IN)];
        let _ = poll(&mut fds, Some(&limit));
        let mut bytes = vec![0; 65536];
        match rustix::io::read(master, &mut bytes) {
            Ok(0) => return false,
            Ok(n) => {
                self.raw.extend_from_slice(&bytes[..n]);
                self.screen.process(&bytes[..n]);
            }
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => return false,
        }
        self.answer();
        true
    }

    fn answer(&mut self) {
        const QUESTIONS: [(&[u8], &[u8]); 3] = [
            (b"\x1b[5n", b"\x1b[0n"),
            (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
            (b"\x1b[c", b"\x1b[?62;22c"),
        ];
        while self.answered < self.raw.len() {
            let rest = &self.raw[self.answered..];
            if let Some((question, reply)) = QUESTIONS.iter().find(|(q, _)| rest.starts_with(q)) {
                if !self.mute {
                    let _ = rustix::io::write(self.master.as_ref().unwrap(), reply);
                }
                self.answered += question.len();
            } else if rest[0] == 0x1b && rest.len() < 9 {
                // Perhaps the beginning of a question.
                return;
            } else {
                self.answered += 1;
            }
        }
    }

    /// Reads until the screen shows it; fails with the screen as it is.
    pub fn until(&mut self, what: &str, shown: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !shown(self.screen.screen()) {
            let open = self.read(Duration::from_millis(50));
            assert!(
                Instant::now() < end && (open || shown(self.screen.screen())),
                "{what}: not seen; the screen is\n{}",
                self.screen.screen().contents()
            );
        }
    }

    pub fn until_text(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Reads until these bytes were written, looking from `from` on.
    /// The end of the first find is returned.
    pub fn until_raw(&mut self, from: usize, bytes: &[u8]) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.raw[from..].windows(bytes.len()).position(|w| w == bytes) {
                return from + at + bytes.len();
            }
            let open = self.read(Duration::from_millis(50));
            assert!(
                open && Instant::now() < end,
                "{:?}",
                String::from_utf8_lossy(&self.raw[from..])
            );
        }
    }

    /// Waits for the end, reading on. The time it took is returned too.
    pub fn wait(&mut self) -> (i32, Duration) {
        self.end(true)
    }

    /// Waits for the end while nobody reads what the program writes.
    pub fn wait_blocked(&mut self) -> (i32, Duration) {
        self.end(false)
    }

    fn end(&mut self, reading: bool) -> (i32, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                while self.read(Duration::from_millis(20)) && self.more() {}
                self.child = None;
                return (code(status), start.elapsed());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "still running: {}",
                self.screen.screen().contents()
            );
            if !(reading && self.read(Duration::from_millis(5))) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn more(&self) -> bool {
        let mut fds = [PollFd::new(self.master.as_ref().unwrap(), PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::IN)
    }

    /// Closes the window.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.pid().as_raw_nonzero());
        let pages: u64 =
            std::fs::read_to_string(path).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    }

    /// The DEC private modes as the program left them.
    pub fn modes(&self) -> BTreeMap<u16, bool> {
        let text = String::from_utf8_lossy(&self.raw);
        let mut modes = BTreeMap::new();
        for piece in text.split("\x1b[?").skip(1) {
            let digits = piece.chars().take_while(char::is_ascii_digit).count();
            let on = match piece.as_bytes().get(digits) {
                Some(b'h') => true,
                Some(b'l') => false,
                _ => continue,
            };
            modes.insert(piece[..digits].parse().unwrap(), on);
        }
        modes
    }

    /// Fails unless the terminal is as it was before the program started.
    pub fn assert_restored(&self) {
        let modes = self.modes();
        for (mode, normal) in [
            (1049, false),
            (2004, false),
            (1000, false),
            (1006, false),
            (2026, false),
            (7, true),
            (25, true),
        ] {
            assert_eq!(
                modes.get(&mode).copied().unwrap_or(normal),
                normal,
                "mode {mode} in {modes:?}"
            );
        }
        assert!(!self.screen.screen().alternate_screen() && !self.screen.screen().hide_cursor());
        let after = tcgetattr(self.master.as_ref().unwrap()).unwrap();
        assert_eq!(format!("{after:?}"), format!("{:?}", self.before), "termios");
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn set_size(fd: impl AsFd, width: u16, height: u16) {
    let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(fd, size).unwrap();
}
