//! A link to the user's browser: a validated address, an argument list, no shell.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::model::Link;

/// Browsers waited for at once: an opener that hangs must not pile up.
const MOST: usize = 8;
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// What a browser may know of our environment: the way to the display and its own settings, never a token.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
    "XDG_DATA_DIRS",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DESKTOP_SESSION",
    "BROWSER",
    "TMPDIR",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "WSLENV",
];

/// The commands to try, in order: each entry of `BROWSER` (`%s` stands for the address), then the desktop's own.
pub fn commands(browser: Option<&str>, link: &Link) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = browser
        .unwrap_or_default()
        .split(':')
        .map(|entry| entry.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .map(|words| with_address(words, link.as_str()))
        .collect();
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    all.push(vec![usual.to_owned(), link.as_str().to_owned()]);
    all
}

fn with_address(mut words: Vec<String>, address: &str) -> Vec<String> {
    if words.iter().skip(1).any(|word| word.contains("%s")) {
        for word in words.iter_mut().skip(1) {
            *word = word.replace("%s", address);
        }
    } else {
        words.push(address.to_owned());
    }
    words
}

/// Starts the first command that exists. It may outlive us, and is never a zombie.
///
/// # Errors
/// When none could be started, or too many still run.
pub fn open(link: &Link) -> io::Result<()> {
    if OPEN.load(Ordering::SeqCst) >= MOST {
        return Err(io::Error::other("eight browsers are still being opened"));
    }
    let browser = std::env::var("BROWSER").ok();
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for words in commands(browser.as_deref(), link) {
        match start(&words) {
            Ok(()) => return Ok(()),
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn start(words: &[String]) -> io::Result<()> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
    let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(kept.collect::<Vec<(&str, OsString)>>())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    OPEN.fetch_add(1, Ordering::SeqCst);
    let waiting = thread::Builder::new().name("browser".into()).spawn(move || {
        let _ = child.wait();
        OPEN.fetch_sub(1, Ordering::SeqCst);
    });
    if waiting.is_err() {
        OPEN.fetch_sub(1, Ordering::SeqCst);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_argument_whatever_it_contains() {
        let link = Link::parse("https://ex.org/a?b=$(reboot);c&d=e f").unwrap();
        let shown = link.as_str().to_owned();
        let words = commands(Some("firefox --new-tab:w3m -o x=%s"), &link);
        assert_eq!(words[0], ["firefox", "--new-tab", &shown]);
        assert_eq!(words[1], ["w3m", "-o", &format!("x={shown}")]);
        assert_eq!(words.last().unwrap().last(), Some(&shown));
    }

    #[test]
    fn without_a_browser_the_desktop_is_asked() {
        let link = Link::parse("https://ex.org/").unwrap();
        assert_eq!(commands(None, &link).len(), 1);
        assert_eq!(commands(Some(" : "), &link).len(), 1);
    }
}
