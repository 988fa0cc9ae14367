//! A file in the user's own editor: an argument list, no shell, the terminal lent for as long as it runs.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The command line: `VISUAL`, else `EDITOR`, else `vi`, with its own arguments and the file last.
pub fn command(visual: Option<&str>, editor: Option<&str>, file: &Path) -> Vec<String> {
    let words = |text: Option<&str>| -> Vec<String> {
        text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let mut all = words(visual);
    if all.is_empty() {
        all = words(editor);
    }
    if all.is_empty() {
        all.push("vi".to_owned());
    }
    let path = file.to_string_lossy();
    // A name that begins with a dash is a file all the same.
    all.push(if path.starts_with('-') { format!("./{path}") } else { path.into_owned() });
    all
}

/// Runs the editor on the terminal as it is, and waits until it is left.
///
/// # Errors
/// When it cannot be started; the words name the command.
pub fn run(file: &Path) -> io::Result<ExitStatus> {
    let var = |name: &str| std::env::var(name).ok();
    let words = command(var("VISUAL").as_deref(), var("EDITOR").as_deref(), file);
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
    Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_argument_behind_the_editors_own() {
        let file = Path::new("/team/post mortems/$(reboot).md");
        let words = command(Some("code --wait"), Some("nano"), file);
        assert_eq!(words, ["code", "--wait", "/team/post mortems/$(reboot).md"]);
        assert_eq!(command(Some(" "), Some("nano"), file)[0], "nano");
        assert_eq!(command(None, None, file)[0], "vi");
        assert_eq!(command(None, None, Path::new("-rf.md"))[1], "./-rf.md");
    }
}
