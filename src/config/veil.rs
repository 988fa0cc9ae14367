//! What a problem may show of the text it is about: a secret somebody wrote out becomes stars, so that no error repeats it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Words of a line that may hold a secret, for texts whose structure cannot be trusted.
const TELLING: &[&str] = &["auth", "bearer", "token", "password", "secret", "value", "proxy"];

/// `text` with every written-out secret replaced by stars, byte for byte, so that places stay what they are.
///
/// Secrets are all strings of a source's `auth` that are neither references nor names, and addresses with credentials.
/// Where the text is `broken`, whole lines that may hold one lose their strings instead.
pub fn veiled(text: &str, table: &DeTable<'_>, broken: bool) -> String {
    let mut spans = Vec::new();
    for (key, value) in table {
        in_value(key.get_ref(), value, false, &mut spans);
    }
    if broken {
        in_lines(text, &mut spans);
    }
    let mut shown = text.as_bytes().to_vec();
    for byte in spans.iter().filter_map(|s| text.get(s.clone()).and(Some(s.clone()))).flatten() {
        if let Some(byte) = shown.get_mut(byte).filter(|b| !matches!(b, b'\n' | b'\r')) {
            *byte = b'*';
        }
    }
    // Only whole strings were replaced: what is left is text as before.
    String::from_utf8(shown).unwrap_or_default()
}

fn is_reference(text: &str) -> bool {
    ["env:", "file:", "cmd:"].iter().any(|prefix| text.starts_with(prefix))
}

fn in_value(key: &str, value: &Spanned<DeValue<'_>>, secret: bool, spans: &mut Vec<Range<usize>>) {
    let secret = secret || key == "auth";
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                in_value(key.get_ref(), value, secret, spans);
            }
        }
        DeValue::Array(list) => {
            for value in list {
                in_value(key, value, secret, spans);
            }
        }
        DeValue::String(text) => {
            let told = secret && !matches!(key, "user" | "name");
            if (told || has_credentials(text)) && !is_reference(text) {
                spans.push(within_quotes(&value.span()));
            }
        }
        _ => {}
    }
}

/// `scheme://user:password@host`.
fn has_credentials(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
}

fn within_quotes(span: &Range<usize>) -> Range<usize> {
    span.start + 1..span.end.saturating_sub(1).max(span.start + 1)
}

/// Strings of lines that tell of secrets; one that does not end takes the rest of its line.
fn in_lines(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        if TELLING.iter().any(|word| lower.contains(word)) || has_credentials(line) {
            in_line(line, start, spans);
        }
        start += line.len();
    }
}

fn in_line(line: &str, start: usize, spans: &mut Vec<Range<usize>>) {
    let mut open: Option<(char, usize)> = None;
    let mut hide = |from: usize, to: usize| {
        if line.get(from..to).is_some_and(|t| !is_reference(t)) {
            spans.push(start + from..start + to);
        }
    };
    for (at, c) in line.char_indices() {
        match open {
            Some((quote, from)) if c == quote => {
                hide(from, at);
                open = None;
            }
            None if matches!(c, '"' | '\'') => open = Some((c, at + 1)),
            _ => {}
        }
    }
    if let Some((_, from)) = open {
        hide(from, line.trim_end().len().max(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let (table, errors) = DeTable::parse_recoverable(text);
        veiled(text, table.get_ref(), !errors.is_empty())
    }

    #[test]
    fn a_secret_written_out_is_stars_and_a_reference_is_not() {
        let text = concat!(
            "[[source]]\nname = \"p\"\nurl = \"https://me:hunter2@p.example\"\n",
            "auth = [{ bearr = \"hunter2\" }, { header = { name = \"X-Org\", value = \"hunter2\" } },\n",
            "  { basic = { user = \"ops\", password = \"env:PW\" } }]\n",
            "[source.tls]\nca = \"ca.pem\"\n",
        );
        let said = shown(text);
        assert_eq!(said.len(), text.len());
        assert!(!said.contains("hunter2"), "{said}");
        for kept in ["\"p\"", "X-Org", "\"ops\"", "env:PW", "ca.pem"] {
            assert!(said.contains(kept), "{kept}: {said}");
        }
    }

    #[test]
    fn a_broken_text_shows_no_secret_either() {
        for text in [
            "[[source]]\nauth = { bearer = \"hunter2\n",
            "[[source]\nurl = 'https://me:hunter2@p.example\n",
            "auth = { token = 'hünter2' hunter\"\n",
        ] {
            let said = shown(text);
            assert!(!said.contains("nter2"), "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn places_stay_what_they_are(text in "(?s)(auth|token|\"|'|=|\\{|\\}|é|\n|[a-z]){0,60}") {
            let said = shown(&text);
            proptest::prop_assert_eq!(said.len(), text.len());
        }
    }
}
