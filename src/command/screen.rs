//! The screen as text: what somebody would see after some keys, for scripts, tests and bug reports.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use color_eyre::eyre::{Result, eyre};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::gather::{Gathered, Stores};
use crate::cockpit::{Charted, Charting, Cockpit, Effect, Key, Message, Setup};
use crate::engine::charts;
use crate::model::{SourceName, Status, Trouble};
use crate::page::Size;
use crate::view::{Depth, Theme, paint};

/// Presses keys on a cockpit that knows what was gathered, and prints its screen; without a tab it is the wall.
pub fn after_keys(
    gathered: Gathered,
    tab: Option<usize>,
    size: Size,
    keys: &str,
    colours: bool,
) -> Result<String> {
    let setup = Setup {
        keymap: gathered.ui.keymap,
        skin: gathered.ui.skin,
        board: gathered.board,
        wall: tab.is_none().then_some(gathered.ui.wall),
        past: (gathered.now < gathered.clock).then_some(gathered.now),
        ..Setup::new(Arc::new(gathered.team), size, gathered.clock)
    };
    let mut cockpit = Cockpit::new(setup);
    let mut wish = None;
    let tab_key = tab.and_then(|tab| Key::parse(&(tab + 1).to_string()));
    let typed = keys.split_whitespace().map(|word| {
        Key::parse(word).ok_or_else(|| eyre!("`{word}` is no key\nhint: keys are separated by blanks: \"j j enter\", \"ctrl-d\", \"space\""))
    });
    for key in tab_key.into_iter().map(Ok).chain(typed) {
        for effect in cockpit.update(gathered.clock, Message::Key(key?)) {
            // Effects reach outside; a printed screen only looks, and asks for the curves it shows in the end.
            if let Effect::Chart(charting) = effect {
                wish = Some(charting);
            }
        }
        cockpit.settle(gathered.clock);
    }
    for message in wish.iter().flat_map(|wish| curves(&gathered.stores, wish)) {
        cockpit.update(gathered.clock, message);
    }
    cockpit.settle(gathered.clock);
    let screen = cockpit.screen(gathered.clock);
    let depth = if colours { Depth::True } else { Depth::None };
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    paint(&screen, &Theme::new(screen.skin, depth, gathered.ui.ascii), &mut buffer);
    Ok(text(&buffer, colours))
}

/// What metric stores tell of a window, or that they were not asked.
fn curves(stores: &Stores, wish: &Charting) -> Vec<Message> {
    if !stores.upstreams.is_empty() {
        return charts::ask(&stores.upstreams, wish, &stores.limits);
    }
    let sources: BTreeSet<_> = wish.numbers.iter().map(|m| &m.source).collect();
    let left = sources.len();
    let told = |(i, source): (usize, &SourceName)| {
        let trouble = Trouble::new(Status::Unknown, "not asked, --poll asks it");
        let told = Some((source.clone(), Err(trouble)));
        Message::Charted(Box::new(Charted { id: wish.id, told, more: i + 1 < left }))
    };
    sources.into_iter().enumerate().map(told).collect()
}

/// A buffer as lines; trailing blanks are dropped unless colours are kept.
pub fn text(buffer: &Buffer, colours: bool) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut style = Style::reset();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = unicode_columns(cell.symbol()).saturating_sub(1);
            if colours && cell.style() != style {
                style = cell.style();
                line.push_str(&sgr(style));
            }
            line.push_str(cell.symbol());
        }
        if colours {
            line.push_str("\x1b[0m");
        } else {
            line.truncate(line.trim_end().len());
        }
        let _ = writeln!(out, "{line}");
    }
    out
}

fn unicode_columns(symbol: &str) -> usize {
    crate::model::Clean::line(symbol).width()
}

/// One style as an escape sequence, from a reset.
fn sgr(style: Style) -> String {
    let mut codes = String::from("\x1b[0");
    let flags = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ];
    for (flag, code) in flags {
        if style.add_modifier.contains(flag) {
            let _ = write!(codes, ";{code}");
        }
    }
    for (color, base) in [(style.fg, 30), (style.bg, 40)] {
        match color {
            None | Some(Color::Reset) => {}
            Some(Color::Rgb(r, g, b)) => {
                let _ = write!(codes, ";{};2;{r};{g};{b}", base + 8);
            }
            Some(Color::Indexed(n)) => {
                let _ = write!(codes, ";{};5;{n}", base + 8);
            }
            Some(named) => {
                let _ = write!(codes, ";{}", named_code(named, base));
            }
        }
    }
    codes.push('m');
    codes
}

fn named_code(color: Color, base: u16) -> u16 {
    let (offset, bright) = match color {
        Color::Black => (0, false),
        Color::Red => (1, false),
        Color::Green => (2, false),
        Color::Yellow => (3, false),
        Color::Blue => (4, false),
        Color::Magenta => (5, false),
        Color::Cyan => (6, false),
        Color::Gray => (7, false),
        Color::DarkGray => (0, true),
        Color::LightRed => (1, true),
        Color::LightGreen => (2, true),
        Color::LightYellow => (3, true),
        Color::LightBlue => (4, true),
        Color::LightMagenta => (5, true),
        Color::LightCyan => (6, true),
        Color::White => (7, true),
        _ => (9, false),
    };
    base + offset + if bright { 60 } else { 0 }
}
