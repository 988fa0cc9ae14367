//! Remote words on their way into somebody else's bar: every format has its own characters that would act.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::Format;

/// A text that the reader of `format` shows as it is. The text is clean already: no control character is in it.
pub fn escaped(text: &str, format: Format) -> Cow<'_, str> {
    match format {
        // tmux honours #[…] and expands #{…}, #S in what a command prints: ## is one #.
        Format::Tmux if text.contains('#') => Cow::Owned(text.replace('#', "##")),
        // polybar's %{A:…:} would be a button that runs a command, and it knows no escape: the pair is broken up.
        Format::Polybar if text.contains("%{") => Cow::Owned(text.replace("%{", "% {")),
        Format::Waybar if text.contains(['&', '<', '>', '"', '\'']) => Cow::Owned(markup(text)),
        // Lines for people and documents have no such characters.
        _ => Cow::Borrowed(text),
    }
}

/// As Pango wants it: entities for everything that could open a tag.
fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The first columns of a text, with `…` where it was cut.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut room = columns.saturating_sub(1);
    for cluster in text.graphemes(true) {
        let Some(left) = room.checked_sub(cluster.width()) else { break };
        room = left;
        out.push_str(cluster);
    }
    out.push('…');
    out
}
