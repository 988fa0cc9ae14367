//! What is wrong with a configuration: file, line, column, the line itself, what was expected, the nearest right word.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;

/// Everything wrong, in file order. Never empty when returned as an error.
#[derive(Debug, Default, thiserror::Error)]
pub struct Problems {
    pub list: Vec<Located>,
}

/// One problem at one place.
#[derive(Debug, PartialEq, Eq)]
pub struct Located {
    pub file: PathBuf,
    /// From 1; 0 when the problem is about the whole file.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The line as it stands in the file.
    pub text: String,
    /// How many characters the caret underlines.
    pub length: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl Located {
    pub fn whole_file(file: PathBuf, message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
            text: String::new(),
            length: 0,
            message: message.into(),
            hint,
        }
    }

    pub fn at(
        file: PathBuf,
        text: &str,
        span: &Range<usize>,
        message: String,
        hint: Option<String>,
    ) -> Self {
        let start = floor_boundary(text, span.start);
        let before = text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_text = text.get(line_start..).and_then(|t| t.lines().next()).unwrap_or("");
        let end = floor_boundary(text, span.end)
            .clamp(start, line_start + line_text.len().max(start - line_start));
        Self {
            file,
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).map_or(0, |t| t.chars().count()) + 1,
            text: line_text.to_owned(),
            length: text.get(start..end).map_or(1, |t| t.chars().count()).max(1),
            message,
            hint,
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_char('\n')?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            writeln!(f, "{}: {}", self.file.display(), self.message)?;
        } else {
            writeln!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.message)?;
            let number = self.line.to_string();
            let shown: String =
                self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(f, "  {number} | {shown}")?;
            let pad = " ".repeat(self.column.saturating_sub(1));
            writeln!(f, "  {} | {pad}{}", " ".repeat(number.len()), "^".repeat(self.length))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

/// The word somebody probably meant, if one is near enough.
pub fn nearest<'a>(wrong: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_ascii_lowercase().replace('_', "-");
    words
        .into_iter()
        .map(|word| {
            (strsim::jaro_winkler(&wrong, &word.to_ascii_lowercase().replace('_', "-")), word)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_and_points_at_it() {
        let text = "[team]\nname = \"é\"\ntimezome = \"UTC\"\n";
        let start = text.find("timezome").unwrap();
        let problem = Located::at(
            "a.toml".into(),
            text,
            &(start..start + 8),
            "unknown key".into(),
            Some("`timezone`?".into()),
        );
        assert_eq!(
            problem.to_string(),
            "a.toml:3:1: unknown key\n  3 | timezome = \"UTC\"\n    | ^^^^^^^^\n  hint: `timezone`?\n"
        );
    }

    #[test]
    fn nearest_finds_slips_and_nothing_far() {
        assert_eq!(nearest("prometeus", ["github", "prometheus", "json"]), Some("prometheus"));
        assert_eq!(nearest("postmortems", ["post-mortems", "health"]), Some("post-mortems"));
        assert_eq!(nearest("zzz", ["github", "prometheus"]), None);
    }
}
