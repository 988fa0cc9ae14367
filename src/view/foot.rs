//! The bottom line: the keys of this place, the line being typed with its completions, or a notice.

use ratatui::style::{Modifier, Style};

use super::canvas::{Canvas, Spot, lines};
use crate::page::{Completion, Foot, Hint, Prompt, Screen, Tone};

/// Completions shown at once.
const OFFERED: usize = 8;

pub fn paint(canvas: &mut Canvas<'_>, screen: &Screen) {
    let size = screen.frame.size;
    let Some(y) = size.height.checked_sub(1).map(i32::from) else { return };
    let line = Spot { x: 0, y, width: size.width, height: 1 };
    match &screen.foot {
        Foot::Hints(_) if screen.frame.below == 0 => {}
        Foot::Hints(hints) => self::hints(canvas, line, hints),
        Foot::Prompt(prompt) => self::prompt(canvas, line, prompt),
        Foot::Notice(words) => {
            canvas.blank(line, canvas.theme.base());
            canvas.line(1, y, size.width.saturating_sub(2), words, Style::new());
        }
    }
}

/// As many as fit, from the left; the last two (help and quit) keep their room.
fn hints(canvas: &mut Canvas<'_>, line: Spot, hints: &[Hint]) {
    let wide = |hint: &Hint| (hint.keys.width() + hint.word.width() + 3) as u16;
    let (first, last) = hints.split_at(hints.len().saturating_sub(2));
    let kept: u16 = last.iter().map(wide).sum();
    let mut x = line.x + 1;
    let end = line.x + line.width;
    let mut one = |x: &mut u16, hint: &Hint| {
        let key = canvas.style(Tone::Accent);
        *x += canvas.text(*x, line.y, end.saturating_sub(*x), hint.keys.as_str(), key) + 1;
        let word = canvas.style(Tone::Dim);
        *x += canvas.text(*x, line.y, end.saturating_sub(*x), hint.word.as_str(), word) + 2;
    };
    for hint in first {
        // The last word's gap reaches over the edge but for a column of air.
        if x + wide(hint) + kept > end + 1 {
            break;
        }
        one(&mut x, hint);
    }
    for hint in last {
        one(&mut x, hint);
    }
}

fn prompt(canvas: &mut Canvas<'_>, line: Spot, prompt: &Prompt) {
    canvas.blank(line, canvas.theme.base());
    let end = line.width.saturating_sub(1);
    let sign = canvas.style(Tone::Accent).add_modifier(Modifier::BOLD);
    let mut x = 1 + canvas.text(1, line.y, 1, prompt.sign.encode_utf8(&mut [0; 4]), sign);
    let plain = Style::new();
    // The end of what was typed stays in sight: the cursor is there.
    let room = usize::from(end.saturating_sub(x + 1));
    let before = tail(prompt.before.as_str(), room);
    x += canvas.text(x, line.y, end.saturating_sub(x), before, plain);
    let after = prompt.after.as_str();
    let first = unicode_segmentation::UnicodeSegmentation::graphemes(after, true).next();
    let cursor = plain.add_modifier(Modifier::REVERSED);
    x += canvas.text(x, line.y, 2.min(line.width.saturating_sub(x)), first.unwrap_or(" "), cursor);
    let rest = after.get(first.map_or(0, str::len)..).unwrap_or("");
    x += canvas.text(x, line.y, end.saturating_sub(x), rest, plain);
    let room = end.saturating_sub(x + 2);
    if room >= 12 {
        canvas.line_right(x + 2, line.y, room, &prompt.says, plain);
    }
    completions(canvas, line, &prompt.completions);
}

/// The end of a text that fits into `width` columns.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    let clusters = unicode_segmentation::UnicodeSegmentation::grapheme_indices(text, true);
    let mut from = text.len();
    for (at, cluster) in clusters.rev() {
        used += unicode_width::UnicodeWidthStr::width(cluster);
        if used > width {
            break;
        }
        from = at;
    }
    text.get(from..).unwrap_or("")
}

fn completions(canvas: &mut Canvas<'_>, line: Spot, offers: &[Completion]) {
    let picked = offers.iter().position(|c| c.here);
    let room = OFFERED.min(usize::try_from(line.y.saturating_sub(2)).unwrap_or(0));
    let from = picked.map_or(0, |i| (i + 1).saturating_sub(room));
    let shown = offers.get(from..).unwrap_or(&[]);
    let shown = shown.get(..room.min(shown.len())).unwrap_or(&[]);
    let names = offers.iter().map(|c| c.text.width()).max().unwrap_or(0).min(28) as u16;
    let abouts = offers.iter().map(|c| c.about.width()).max().unwrap_or(0) as u16;
    let width = (names.saturating_add(abouts).saturating_add(5)).min(line.width);
    let top = line.y - lines(shown.len());
    for (i, offer) in shown.iter().enumerate() {
        let y = top + lines(i);
        let spot = Spot { x: 0, y, width, height: 1 };
        canvas.blank(spot, canvas.theme.popup());
        let bar = canvas.style(Tone::Dim);
        canvas.text(0, y, 1, canvas.theme.glyphs.upright, bar);
        let text = canvas.style(Tone::Plain);
        canvas.text(2, y, names.min(width.saturating_sub(2)), offer.text.as_str(), text);
        let x = 2 + names + 2;
        let about = canvas.style(Tone::Dim);
        canvas.text(x, y, width.saturating_sub(x), offer.about.as_str(), about);
        if offer.here {
            canvas.tint(
                Spot { x: 1, y, width: width.saturating_sub(1), height: 1 },
                canvas.theme.selection(),
            );
        }
    }
}
