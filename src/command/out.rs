//! Printing: data to standard output, words to standard error; a reader who left is no error.

use std::io::{self, IsTerminal as _, Write as _};

use super::cli::ColorWhen;

/// Writes data. A broken pipe is success: whoever read had enough.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line for a person. Nobody listening is no reason to fail.
pub fn words(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard output gets colours.
pub fn colours(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        }
    }
}
