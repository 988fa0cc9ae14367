//! Where a secret lies: in the environment, a file, or the output of a program. The value is read by the engine, when needed.

use std::fmt;
use std::path::{Path, PathBuf};

/// A reference to a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
    /// A program and its arguments; no shell.
    Cmd(Vec<String>),
    /// Written in the configuration itself: accepted only from a file nobody else can read.
    Inline(String),
}

impl Secret {
    /// Reads `env:NAME`, `file:PATH`, `cmd:PROGRAM ARGS`, or a value written out. Paths are below `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("env:") {
            let legal =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            return if legal {
                Ok(Self::Env(name.to_owned()))
            } else {
                Err(format!("`env:{name}` names no environment variable"))
            };
        }
        if let Some(path) = text.strip_prefix("file:") {
            return if path.is_empty() {
                Err("`file:` needs a path".to_owned())
            } else {
                Ok(Self::File(below(folder, path)))
            };
        }
        if let Some(command) = text.strip_prefix("cmd:") {
            let words = words(command)?;
            return if words.is_empty() {
                Err("`cmd:` needs a program".to_owned())
            } else {
                Ok(Self::Cmd(words))
            };
        }
        if text.is_empty() {
            return Err("an empty secret: use \"env:NAME\", \"file:PATH\" or \"cmd:PROGRAM ARGS\""
                .to_owned());
        }
        Ok(Self::Inline(text.to_owned()))
    }
}

/// Never shows a value, whatever formats it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            // Arguments may hold account names or paths of vaults: the program says enough.
            Self::Cmd(argv) => write!(f, "cmd:{} …", argv.first().map_or("", String::as_str)),
            Self::Inline(_) => f.write_str("(written in the file)"),
        }
    }
}

/// A path as a person writes it: `~/` is home, relative is below the file that says it.
pub fn below(folder: &Path, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if !home.is_empty() => Path::new(&home).join(rest),
        _ => folder.join(path),
    }
}

/// Splits a command at blanks, honouring '…' and "…"; there is no shell, so nothing else is special.
fn words(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote in this command does not end".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Secret, String> {
        Secret::parse(text, Path::new("/etc/andon"))
    }

    #[test]
    fn references_are_read_and_values_are_never_shown() {
        assert_eq!(parse("env:TOKEN"), Ok(Secret::Env("TOKEN".into())));
        assert_eq!(parse("file:t"), Ok(Secret::File("/etc/andon/t".into())));
        assert_eq!(
            parse("cmd:op read 'op://a b/c'"),
            Ok(Secret::Cmd(vec!["op".into(), "read".into(), "op://a b/c".into()]))
        );
        let inline = parse("hunter2").unwrap();
        assert!(!format!("{inline} {inline:?}").contains("hunter2"));
    }

    #[test]
    fn broken_references_are_said() {
        for bad in ["env:", "env:A-B", "file:", "cmd:", "cmd:a 'b", ""] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
