//! How the wall looks: the verdict in big letters, the page under it, and what is always in sight at the foot.

use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::big::{self, Grain};
use super::canvas::{Canvas, Spot, lines};
use super::spark;
use crate::model::Clean;
use crate::page::wall::{self, Figure, Lamp, Panel, Plate, Plates, Wall};
use crate::page::{Foot, Frame, Line, Tone};

/// Columns between two things side by side.
const GUTTER: u16 = 2;
/// The least that sentences beside the verdict get.
const SENTENCE: u16 = 22;

pub fn paint(canvas: &mut Canvas<'_>, frame: &Frame, wall: &Wall, foot: &Foot) {
    let rooms = wall::rooms(frame, wall.old.is_some());
    let (width, height) = (frame.size.width, frame.size.height);
    let edge = u16::from(width >= 30);
    let inner = Spot { x: edge, y: 0, width: width.saturating_sub(2 * edge), height };
    lamp(canvas, &wall.lamp, inner.top(rooms.lamp), rooms.letters);
    let mut rest = inner.below(rooms.lamp);
    if let Some(words) = &wall.old {
        warning(canvas, words, Spot { x: 0, width, ..rest.top(rooms.old) });
    }
    rest = rest.below(rooms.old);
    body(canvas, wall, rest.top(rooms.body), rooms.main);
    self::foot(canvas, wall, foot, rest.below(rooms.body));
}

/// The word with its shape at the left, its sentences beside it or, on a narrow wall, under it.
fn lamp(canvas: &mut Canvas<'_>, lamp: &Lamp, spot: Spot, letters: u16) {
    let style = canvas.style(lamp.tone).add_modifier(Modifier::BOLD);
    let ascii = canvas.theme.glyphs.ascii;
    let word = lamp.word.as_str();
    let dots = big::dots(word).map(|dots| dots + big::SHAPE + 2);
    let is_narrow = spot.height > letters + 1 || letters < 5;
    let least = if is_narrow { 0 } else { SENTENCE };
    let room = spot.width.saturating_sub(least);
    let grain = dots.and_then(|dots| Grain::fitting(dots, room, letters, ascii));
    let Some((grain, dots)) = grain.zip(dots) else {
        let mark = canvas.theme.glyphs.health(lamp.health);
        let said = Clean::line(format_args!("{mark} {}", word.to_uppercase()));
        let used = canvas.text(spot.x, spot.y, spot.width, said.as_str(), style);
        let beside = spot.beside(used + GUTTER);
        canvas.line(beside.x, beside.y, beside.width, &joined(&lamp.lines), Style::new());
        return;
    };
    let word_spot = spot.below((letters - grain.rows()) / 2);
    big::shape(canvas, word_spot, lamp.health, grain, style);
    big::word(canvas, word_spot.beside(grain.columns(big::SHAPE + 2)), word, grain, style);
    if is_narrow {
        let under = spot.below(letters);
        // The counts have a line of their own where there are several.
        let (first, rest) = lamp.lines.split_at(1.min(lamp.lines.len()));
        let said = if under.height > 1 {
            vec![joined(first), joined(rest)]
        } else {
            vec![joined(&lamp.lines)]
        };
        for (n, line) in said.iter().enumerate() {
            let Some(y) = under.line(n) else { break };
            canvas.line(under.x, y, under.width, line, Style::new());
        }
        return;
    }
    let beside = spot.beside(grain.columns(dots) + GUTTER + 1);
    let said = broken(&lamp.lines, usize::from(beside.width));
    let shown = (said.len() as u16).min(letters);
    let beside = beside.below((letters - shown) / 2).top(shown);
    for (n, line) in said.iter().enumerate() {
        let Some(y) = beside.line(n) else { break };
        canvas.line(beside.x, y, beside.width, line, Style::new());
    }
}

/// Lines that are too long, broken where something else begins.
fn broken(lines: &[Line], width: usize) -> Vec<Line> {
    let mut said = Vec::new();
    for line in lines {
        let mut part = Line::new();
        for piece in line.0.split(|span| span.text.as_str().trim() == "·") {
            let wide = piece.iter().map(|span| span.text.width()).sum::<usize>();
            if !part.0.is_empty() {
                if part.width() + wide + 3 > width {
                    said.push(std::mem::take(&mut part));
                } else {
                    part = part.dot();
                }
            }
            part.0.extend(piece.iter().cloned());
        }
        said.push(part);
    }
    said
}

/// Several lines as one.
fn joined(lines: &[Line]) -> Line {
    let mut sentence = Line::new();
    for line in lines.iter().filter(|line| !line.0.is_empty()) {
        sentence = if sentence.0.is_empty() { sentence } else { sentence.dot() };
        sentence.0.extend(line.0.iter().cloned());
    }
    sentence
}

/// Nobody overlooks that what is shown is old.
fn warning(canvas: &mut Canvas<'_>, words: &Clean, spot: Spot) {
    let style = canvas.style(Tone::Degraded).add_modifier(Modifier::BOLD);
    let ascii = canvas.theme.glyphs.ascii;
    let said = words.as_str();
    let inner = spot.beside(1).narrower(1);
    let grain = big::dots(said).and_then(|d| Grain::fitting(d, inner.width, spot.height, ascii));
    if let Some(grain) = grain {
        let down = (spot.height - grain.rows()) / 2;
        big::word(canvas, inner.below(down), said, grain, style);
    } else {
        let y = spot.y + lines(usize::from(spot.height / 2));
        let bar = Spot { y, height: 1, ..spot };
        let style = style.add_modifier(Modifier::REVERSED);
        canvas.blank(bar, style);
        canvas.text(inner.x, y, inner.width, &said.to_uppercase(), style);
    }
}

fn body(canvas: &mut Canvas<'_>, wall: &Wall, spot: Spot, main: u16) {
    let wide = matches!(&wall.main, Panel::Plates(plates) if plates.all.iter().any(|p| p.counts));
    let beside = !wall.beside.is_empty() && main < spot.width && !wide;
    if !beside {
        panel(canvas, &wall.main, spot);
        return;
    }
    panel(canvas, &wall.main, Spot { width: main.saturating_sub(spot.x), ..spot });
    let mut rest = spot.beside(main + GUTTER - spot.x);
    let mut left = wall.beside.len() as u16;
    for part in &wall.beside {
        // Each takes what it needs, and leaves the others their share.
        let wanted = wish(part).min(rest.height.saturating_sub((left - 1) * 4));
        panel(canvas, part, rest.top(wanted));
        rest = rest.below(wanted + 1);
        left -= 1;
    }
}

/// Lines a panel would like.
fn wish(panel: &Panel) -> u16 {
    match panel {
        Panel::Lines(_, all) => all.len() as u16 + 1,
        Panel::Figures(_, all) => all.len() as u16 * wall::BIG_ROW + 1,
        Panel::Plates(plates) => plates.all.len() as u16 * wall::BIG_ROW,
    }
}

fn panel(canvas: &mut Canvas<'_>, panel: &Panel, spot: Spot) {
    match panel {
        Panel::Plates(plates) => self::plates(canvas, plates, spot),
        Panel::Figures(title, all) => {
            heading(canvas, title, spot);
            let spot = spot.below(1);
            let each = (spot.height / (all.len() as u16).max(1)).clamp(1, wall::BIG_ROW);
            for (n, figure) in all.iter().enumerate() {
                let own = spot.below(each * n as u16).top(each);
                self::figure(canvas, figure, own);
            }
        }
        Panel::Lines(title, all) => {
            heading(canvas, title, spot);
            let spot = spot.below(1);
            // Sentences are read more easily with a line between them, where there is room.
            let step = if usize::from(spot.height) >= 2 * all.len() { 2 } else { 1 };
            for (n, line) in all.iter().enumerate() {
                let Some(y) = spot.line(n * step) else { break };
                canvas.line(spot.x, y, spot.width, line, Style::new());
            }
        }
    }
}

fn heading(canvas: &mut Canvas<'_>, title: &Clean, spot: Spot) {
    if spot.height > 0 {
        canvas.text(spot.x, spot.y, spot.width, title.as_str(), canvas.style(Tone::Dim));
    }
}

/// Services under each other, as high as their number lets them be.
fn plates(canvas: &mut Canvas<'_>, plates: &Plates, spot: Spot) {
    let more = u16::from(!plates.rest.0.is_empty());
    let count = (plates.all.len() as u16).max(1);
    // Large names say with each of their numbers what it is; small rows have a heading for it.
    let lines = spot.height.saturating_sub(more) / count;
    let header = u16::from(
        lines < wall::BIG_ROW && !plates.columns.is_empty() && spot.height > count + more,
    );
    if header > 0 {
        heads(canvas, &plates.columns, spot);
    }
    let spot = spot.below(header);
    let each = (spot.height.saturating_sub(more) / count).clamp(1, wall::BIG_ROW);
    for (n, plate) in plates.all.iter().enumerate() {
        let own = spot.below(each * n as u16).top(each);
        if own.height < each {
            break;
        }
        self::plate(canvas, plate, own);
    }
    if more > 0 {
        let y = (each * count).min(spot.height.saturating_sub(1));
        let under = spot.below(y);
        canvas.line(under.x, under.y, under.width, &plates.rest, Style::new());
    }
}

fn plate(canvas: &mut Canvas<'_>, plate: &Plate, spot: Spot) {
    if plate.counts {
        counting(canvas, plate, spot);
        return;
    }
    let tone = plate.tone;
    let style = canvas.style(tone).add_modifier(Modifier::BOLD);
    let ascii = canvas.theme.glyphs.ascii;
    let name = plate.name.as_str();
    // Big names only where all of one fits beside its numbers.
    let grain = big::dots(name).map(|d| d + big::SHAPE + 2).and_then(|dots| {
        let room = spot.height.saturating_sub(2);
        Grain::fitting(dots, spot.width.saturating_sub(34), room.min(3), ascii).zip(Some(dots))
    });
    let Some((grain, dots)) = grain.filter(|_| spot.height >= wall::BIG_ROW) else {
        small_plate(canvas, plate, spot);
        return;
    };
    big::shape(canvas, spot, plate.health, grain, style);
    big::word(canvas, spot.beside(grain.columns(big::SHAPE + 2)), name, grain, style);
    let beside = spot.beside(grain.columns(dots) + 2 * GUTTER);
    let mut first = Line::of(plate.health.word(), tone);
    if !plate.since.is_empty() {
        first = first.space().and(Clean::line(format_args!("for {}", plate.since)), tone);
    }
    canvas.line(beside.x, beside.y, beside.width, &first, Style::new());
    let known = plate.figures.iter().filter(|figure| !figure.value.is_empty());
    let known: Vec<&Figure> = known.collect();
    // Two lines, and as many columns as it takes.
    let across = beside.width / known.len().div_ceil(2).max(1) as u16;
    for (n, figure) in known.iter().enumerate() {
        let own = beside.beside(across * (n / 2) as u16);
        let Some(y) = own.line(n % 2 + 1) else { break };
        let room = own.width.min(across.saturating_sub(GUTTER));
        canvas.line(own.x, y, room, &inline(figure), Style::new());
    }
    let under = spot.below(grain.rows());
    canvas.line(under.x, under.y, under.width, &plate.says, Style::new());
}

/// Columns of a number in a small row, and of a state with its age.
const NUMBER: u16 = 9;
const STATE: u16 = 17;

/// Where the parts of a small row begin: its state, and its first number.
fn tabs(spot: Spot) -> (Spot, Spot) {
    let name = (spot.width / 4).clamp(12, 24) + 3;
    let state = spot.beside(name);
    (state, state.beside(STATE))
}

fn heads(canvas: &mut Canvas<'_>, columns: &[Clean], spot: Spot) {
    let (_, mut rest) = tabs(spot);
    let style = canvas.style(Tone::Dim);
    for column in columns.iter().take(usize::from(rest.width / (NUMBER + 1))) {
        canvas.right(rest.x, rest.y, NUMBER, column.as_str(), style);
        rest = rest.beside(NUMBER + 1);
    }
}

/// One or two lines: mark, name, how long; then numbers, or what is wrong.
fn small_plate(canvas: &mut Canvas<'_>, plate: &Plate, spot: Spot) {
    let tone = plate.tone;
    let style = canvas.style(tone).add_modifier(Modifier::BOLD);
    let mark = canvas.theme.glyphs.health(plate.health);
    canvas.text(spot.x, spot.y, 1, mark, style);
    let (state, mut rest) = tabs(spot);
    let name = spot.beside(2);
    let room = (state.x - name.x).saturating_sub(1).min(name.width);
    canvas.text(name.x, name.y, room, plate.name.as_str(), canvas.style(Tone::Strong));
    let mut said = Line::of(plate.health.word(), tone);
    if !plate.since.is_empty() {
        said = said.space().and(plate.since.clone(), tone);
    }
    canvas.line(state.x, state.y, state.width.min(STATE), &said, style);
    // A single line has room for the trouble or for the numbers, and trouble is what is looked for.
    if spot.height < 2 && !plate.since.is_empty() {
        let rest = rest.beside(1);
        canvas.line(rest.x, rest.y, rest.width, &plate.says, Style::new());
        return;
    }
    let fits = usize::from(rest.width / (NUMBER + 1));
    for figure in plate.figures.iter().take(fits) {
        let style = canvas.style(figure.tone);
        canvas.right(rest.x, rest.y, NUMBER, figure.value.as_str(), style);
        rest = rest.beside(NUMBER + 1);
    }
    if spot.height > 1 {
        let under = spot.below(1).beside(2);
        canvas.line(under.x, under.y, under.width, &plate.says, Style::new());
    }
}

/// A row of numbers with a name at its left.
fn counting(canvas: &mut Canvas<'_>, plate: &Plate, spot: Spot) {
    let style = canvas.style(plate.tone).add_modifier(Modifier::BOLD);
    let mark = canvas.theme.glyphs.health(plate.health);
    canvas.text(spot.x, spot.y, 1, mark, style);
    let room = (spot.width / 5).max(12);
    let name = spot.beside(2);
    canvas.text(
        name.x,
        name.y,
        room.saturating_sub(3),
        plate.name.as_str(),
        canvas.style(Tone::Strong),
    );
    if spot.height > 1 {
        let mut word = Clean::from(plate.health.word());
        if !plate.since.is_empty() {
            word = Clean::line(format_args!("{word} {}", plate.since));
        }
        canvas.text(name.x, name.y + 1, room.saturating_sub(3), word.as_str(), style);
    }
    let numbers = spot.beside(room);
    // As many, from the first, as all fit in big digits; the rest has its turn elsewhere.
    let fits = |count: &usize| {
        let each = (numbers.width / *count as u16).saturating_sub(GUTTER);
        let ascii = canvas.theme.glyphs.ascii;
        plate.figures.iter().take(*count).all(|f| enlarged(f, each, spot.height, ascii).is_some())
    };
    let all = plate.figures.len();
    let count = (2..=all).rev().find(fits).unwrap_or(all).max(1);
    let each = numbers.width / count as u16;
    for (n, figure) in plate.figures.iter().take(count).enumerate() {
        let own = numbers.beside(each * n as u16);
        let own = Spot { width: each.saturating_sub(GUTTER).min(own.width), ..own };
        self::figure(canvas, figure, own);
    }
}

/// `orders 1,204`.
fn inline(figure: &Figure) -> Line {
    Line::of(figure.name.clone(), Tone::Dim).space().and(figure.value.clone(), figure.tone)
}

/// Letters of a number in a room, and the dots of its digits; `None` where it is written small.
fn enlarged(figure: &Figure, width: u16, height: u16, ascii: bool) -> Option<(Grain, u16)> {
    let (sign, digits, unit) = parted(figure.value.as_str());
    let small = [sign, unit].into_iter().filter(|word| !word.is_empty());
    let beside = small.map(|word| word.width() as u16 + 1).sum();
    let dots = big::dots(digits).filter(|dots| *dots > 0)?;
    // Its name stands below.
    let rows = height.saturating_sub(1).min(if ascii { 5 } else { 3 });
    Grain::fitting(dots, width.saturating_sub(beside), rows, ascii).zip(Some(dots))
}

/// A number: big digits with its unit beside them where there is room, its name and what it is about below.
fn figure(canvas: &mut Canvas<'_>, figure: &Figure, spot: Spot) {
    let style = canvas.style(figure.tone).add_modifier(Modifier::BOLD);
    let name = Line::of(figure.name.clone(), Tone::Dim);
    let ascii = canvas.theme.glyphs.ascii;
    if spot.height < 2 {
        let wide = (figure.value.width() as u16).min(spot.width);
        let value = spot.beside(spot.width - wide);
        canvas.text(value.x, value.y, value.width, figure.value.as_str(), style);
        let room = spot.width.saturating_sub(wide + 1);
        canvas.line(spot.x, spot.y, room, &joined(&[name, figure.about.clone()]), Style::new());
        return;
    }
    let rows = if let Some((grain, dots)) = enlarged(figure, spot.width, spot.height, ascii) {
        let (sign, digits, unit) = parted(figure.value.as_str());
        let mut rest = spot;
        if !sign.is_empty() {
            rest = rest.beside(1 + canvas.text(rest.x, rest.y, rest.width, sign, style));
        }
        big::word(canvas, rest, digits, grain, style);
        rest = rest.beside(grain.columns(dots));
        if !unit.is_empty() {
            let at = rest.below(grain.rows() - 1).beside(1);
            rest = rest.beside(1 + canvas.text(at.x, at.y, at.width, unit, style));
        }
        curve(canvas, figure, rest.beside(GUTTER).top(grain.rows()));
        grain.rows()
    } else {
        let used = canvas.text(spot.x, spot.y, spot.width, figure.value.as_str(), style);
        curve(canvas, figure, spot.beside(used + GUTTER).top(1));
        1
    };
    let under = spot.below(rows);
    let said = match under.height {
        0 => return,
        1 => vec![joined(&[name, figure.about.clone()])],
        _ => vec![name, figure.about.clone()],
    };
    for (n, line) in said.iter().enumerate() {
        let Some(y) = under.line(n) else { break };
        canvas.line(under.x, y, under.width, line, Style::new());
    }
}

/// Columns of a curve, at least and at most.
const CURVE: std::ops::RangeInclusive<u16> = 8..=24;

fn curve(canvas: &mut Canvas<'_>, figure: &Figure, spot: Spot) {
    // One or two readings are no curve.
    let known = figure.trend.iter().flatten().count();
    if spot.width < *CURVE.start() || spot.height == 0 || known < 3 {
        return;
    }
    let width = spot.width.min(*CURVE.end());
    let y = spot.y + lines(usize::from(spot.height - 1));
    spark::paint(canvas, &figure.trend, spot.x, y, width, canvas.style(figure.tone));
}

/// A value's currency, digits and unit: `€`, `1,204` and nothing; nothing, `1.4` and `s`. A length of time is all
/// digits: its units stand between them.
fn parted(value: &str) -> (&str, &str, &str) {
    let (sign, value) = match value.split_once(' ') {
        Some((sign, rest)) if ["€", "$", "£", "¥"].contains(&sign) => (sign, rest),
        _ => ("", value),
    };
    let unit =
        value.rfind(|c: char| c.is_ascii_digit()).and_then(|last| value.split_at_checked(last + 1));
    let Some((digits, unit)) = unit else { return (sign, value, "") };
    let is_number = |c: char| !c.is_alphabetic();
    let (digits, unit) =
        if digits.chars().all(is_number) { (digits, unit.trim_start()) } else { (value, "") };
    (sign, digits, unit)
}

/// The rule with the page's name and the clock, and under it what is always in sight.
fn foot(canvas: &mut Canvas<'_>, wall: &Wall, foot: &Foot, spot: Spot) {
    if spot.height == 0 {
        return;
    }
    if spot.height > 1 {
        canvas.run(spot.x, spot.y, spot.width, canvas.theme.glyphs.rule, canvas.style(Tone::Dim));
        let label = |canvas: &mut Canvas<'_>, x: u16, line: &Line| {
            let room = (spot.x + spot.width).saturating_sub(x + 1);
            let used = canvas.line(x + 1, spot.y, room, line, Style::new());
            canvas.text(x, spot.y, 1, " ", Style::new());
            canvas.text(x + 1 + used, spot.y, 1, " ", Style::new());
        };
        label(canvas, spot.x + 1, &wall.title);
        let clock = Line::of(wall.clock.clone(), Tone::Dim);
        let wide = clock.width() as u16;
        if wide + 20 < spot.width {
            label(canvas, spot.x + spot.width - wide - 4, &clock);
        }
    }
    let spot = if spot.height > 1 { spot.below(1) } else { spot };
    let each = spot.width / (wall.foot.len() as u16).max(1);
    for (n, figure) in wall.foot.iter().enumerate() {
        let own = spot.beside(each * n as u16);
        let own = Spot { width: each.saturating_sub(GUTTER).min(own.width), ..own };
        if spot.height == 2 {
            // Two lines are too few for a number on its own.
            canvas.line(own.x, own.y, own.width, &inline(figure), Style::new());
            canvas.line(own.x, own.y + 1, own.width, &figure.about, Style::new());
        } else {
            self::figure(canvas, figure, own);
        }
    }
    if let Foot::Notice(words) = foot {
        let last = spot.below(spot.height.saturating_sub(1));
        canvas.blank(last, canvas.theme.base());
        canvas.line(last.x, last.y, last.width, words, Style::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_told_from_their_unit() {
        for (value, sign, digits, unit) in [
            ("1.4 s", "", "1.4", "s"),
            ("99.95 %", "", "99.95", "%"),
            ("€ 1,204", "€", "1,204", ""),
            ("€ 1.2 M", "€", "1.2", "M"),
            ("1.2k/s", "", "1.2", "k/s"),
            ("2 d 4 h", "", "2 d 4 h", ""),
            ("7 min", "", "7", "min"),
            ("< 1 min", "", "< 1", "min"),
            ("—", "", "—", ""),
            ("no traffic", "", "no traffic", ""),
            ("", "", "", ""),
        ] {
            assert_eq!(parted(value), (sign, digits, unit), "{value}");
        }
    }
}
