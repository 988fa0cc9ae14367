//! The template that new post-mortems begin with: read whole or refused with the reason; and what it says that is not filled in yet.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::{Clean, Name};
use crate::source::markdown::{File, Which, document};

/// A template of more than a few pages is something else.
const MOST: u64 = 256 * 1024;

/// The text of a template, cleaned: what is drafted from it may be printed.
///
/// # Errors
/// Why it cannot be one, in words that follow its name.
pub fn read(path: &Path) -> Result<Clean, String> {
    let known = fs::metadata(path).map_err(|error| error.to_string())?;
    if !known.is_file() {
        return Err("it is no file".to_owned());
    }
    if known.len() > MOST {
        return Err(format!("it is larger than a template may be ({} KiB)", MOST / 1024));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|b| *b == b'\n').count();
        format!("line {line} is no UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(Clean::body(text, bytes.len()))
}

/// The template that lies in a folder of documents: a Markdown file with `template` in its name.
pub fn of_folder(folder: &Path) -> Option<PathBuf> {
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let ending = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md"));
        name.contains("template") && ending && path.is_file()
    };
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|e| e.path());
    entries.filter(named).min()
}

/// The words a template has where a document has its own: read by the reader of documents, so that a document that still
/// says the same is found to say nothing.
pub fn unfilled(template: &Clean) -> BTreeSet<Clean> {
    let file = File {
        below: "template.md",
        path: Path::new("template.md"),
        bytes: template.as_str().as_bytes(),
        cut: false,
        which: Which::Document,
    };
    let Some(p) = document(&file, &Name::new("template"), jiff::civil::Date::MAX) else {
        return BTreeSet::new();
    };
    let single = [p.summary, p.root_cause, p.trigger, p.detection, p.loss.words];
    let single = single.into_iter().flatten().chain(p.lessons).chain(p.services);
    let mut words: BTreeSet<Clean> = single.map(|found| found.value).collect();
    words.extend(p.severity.map(|found| found.value.word));
    words.extend(p.stated.map(|found| found.value.words));
    words.extend(p.timeline.into_iter().map(|happening| happening.text));
    words.extend(p.actions.into_iter().map(|action| action.text));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_template_is_refused_with_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("template.md");
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path).unwrap_err()
        };
        assert_eq!(refused(b" \n"), "it is empty");
        assert_eq!(refused(b"# Title\n\n\xff"), "line 3 is no UTF-8");
        assert_eq!(
            refused(&vec![b'x'; 300 * 1024]),
            "it is larger than a template may be (256 KiB)"
        );
        assert_eq!(read(home.path()).unwrap_err(), "it is no file");
        assert!(read(&home.path().join("none.md")).unwrap_err().contains("No such file"));
        fs::write(&path, "\u{feff}# Title\x1b]52;c;eA==\x07\n").unwrap();
        let text = read(&path).unwrap();
        assert!(text.as_str().starts_with("# Title") && !text.as_str().contains('\x1b'));
    }

    #[test]
    fn the_template_of_a_folder_is_found_by_its_name() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(of_folder(home.path()), None);
        for name in ["2026-01-01-template-engine.txt", "TEMPLATE.md", "post-mortem.md"] {
            fs::write(home.path().join(name), "# x").unwrap();
        }
        assert_eq!(of_folder(home.path()), Some(home.path().join("TEMPLATE.md")));
    }
}
