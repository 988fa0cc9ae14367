//! Reading a document: finding words in it, going from heading to heading and from document to document, and handing it to an editor.

use std::sync::Arc;

use jiff::Timestamp;

use super::Effect;
use super::actions::Context;
use super::field::Field;
use super::list;
use super::state::{Cockpit, Mode};
use crate::model::Clean;
use crate::page::markdown::Reading;
use crate::page::{Find, Flat, Line, RowKey, Shelf, Tone};

/// Lines that stay above a place that was gone to.
const ABOVE: usize = 2;

impl Cockpit {
    /// The documents of the open tab, in the view that lists them.
    fn shelf(&self) -> Option<&'static Shelf> {
        self.here()?.shelf().filter(|_| self.facet() == 0)
    }

    /// What is opened is a document.
    pub(super) fn reads(&self) -> bool {
        self.shelf().is_some()
    }

    /// The list is in the order of the best fit.
    pub(super) fn by_fit(&self) -> bool {
        let Some((look, seat)) = self.look().zip(self.seat()) else { return false };
        self.shelf().is_some()
            && look.sort == crate::page::Sort::default()
            && !look.filter.plain(&seat.columns).is_empty()
    }

    fn reading(&self) -> Option<Arc<Reading>> {
        let key = self.look()?.opened.clone()?;
        (self.shelf()?.reading)(&self.scene(), &key)
    }

    /// The lines on which a place begins, in order, each once. A frame asks more than once: only other words, another
    /// width or another board look again, and only the latter two walk the text.
    fn hits(&self) -> Arc<Vec<usize>> {
        let words = self.look().map(|look| look.find.words()).unwrap_or_default();
        let opened = self.look().and_then(|look| look.opened.clone());
        let (Some(key), false) = (opened, words.is_empty()) else { return Arc::default() };
        let scene = self.scene();
        let width = usize::from(scene.frame.main_width());
        scene.memo.hits.get(&scene, (key.clone(), width, words.clone()), || {
            let Some(reading) = self.reading() else { return Vec::new() };
            let flat = scene.memo.flat.get(&scene, (key, width), || Flat::of(&reading.lines));
            flat.begins(&words)
        })
    }

    fn go_to_line(&mut self, line: usize) {
        let most = self.most_scroll();
        if let Some(seat) = self.seat_mut() {
            seat.look.scroll = line.saturating_sub(ABOVE).min(most);
        }
    }

    /// A document opened from a filtered list begins where the words stand.
    pub(super) fn led_here(&mut self) {
        let reads = self.reads();
        let Some(seat) = self.seat_mut().filter(|seat| reads && !seat.look.filter.text.is_empty())
        else {
            return;
        };
        seat.look.find.led = seat.look.filter.plain(&seat.columns);
        if let Some(first) = self.hits().first()
            && *first >= usize::from(self.frame.body_height()) / 2
        {
            self.go_to_line(*first);
        }
    }

    pub(super) fn start_find(&mut self) {
        let (text, from) = self.look().map(|l| (l.find.text.clone(), l.scroll)).unwrap_or_default();
        self.mode = Mode::Find(Field::of(&text), from);
    }

    /// The words looked for changed: the first place at or below where the search began comes in sight.
    pub(super) fn find(&mut self, text: String, from: usize) {
        if let Some(seat) = self.seat_mut() {
            seat.look.find = Find { text, led: Vec::new() };
        }
        let hits = self.hits();
        let next = hits.iter().find(|line| **line >= from).or_else(|| hits.first()).copied();
        match next {
            Some(line) => self.go_to_line(line),
            None => self.set_scroll(from),
        }
    }

    pub(super) fn leave_find(&mut self, from: usize) {
        self.mode = Mode::Browse;
        if let Some(seat) = self.seat_mut() {
            seat.look.find = Find::default();
        }
        self.set_scroll(from);
    }

    fn set_scroll(&mut self, to: usize) {
        if let Some(seat) = self.seat_mut() {
            seat.look.scroll = to;
        }
        self.clamp_scroll();
    }

    pub(super) fn next_hit(&mut self, now: Timestamp, forward: bool) {
        let hits = self.hits();
        let at = self.look().map_or(0, |look| look.scroll);
        // Near the end many places share one scroll: the one gone to last is remembered by where it is looked for.
        let seen = at.saturating_add(ABOVE.min(at));
        let next = if forward {
            hits.iter().find(|line| **line > seen && self.scroll_of(**line) > at)
        } else {
            hits.iter().rev().find(|line| **line < seen && self.scroll_of(**line) < at)
        };
        let around = if forward { hits.first() } else { hits.last() };
        match (next.or(around).copied(), next.is_none()) {
            (None, _) => self.say(now, Line::plain("nothing is looked for: / finds words here")),
            (Some(line), wrapped) => {
                self.go_to_line(line);
                if wrapped {
                    let words = if forward { "from the top again" } else { "from the end again" };
                    self.say(now, Line::of(words, Tone::Dim));
                }
            }
        }
    }

    fn scroll_of(&self, line: usize) -> usize {
        line.saturating_sub(ABOVE).min(self.most_scroll())
    }

    pub(super) fn next_heading(&mut self, forward: bool) {
        let Some(reading) = self.reading() else { return };
        let at = self.look().map_or(0, |look| look.scroll);
        let mut heads = reading.outline.iter().map(|head| head.line);
        let next = if forward {
            heads.find(|line| *line > at)
        } else {
            heads.rfind(|line| *line < at).or(Some(0))
        };
        if let Some(line) = next {
            self.set_scroll(line);
        }
    }

    pub(super) fn next_document(&mut self, now: Timestamp, step: isize) {
        let rows = self.seat().map_or(1, |seat| seat.rows).max(1);
        let Some(look) = self.look() else { return };
        let at = look.opened.as_ref().and_then(|key| look.order.iter().position(|k| k == key));
        let to = at.map_or(0, |at| at.saturating_add_signed(step));
        if to >= look.order.len() || at == Some(to) {
            let words = if step > 0 { "this is the last document" } else { "this is the first" };
            return self.say(now, Line::plain(words));
        }
        let place = Clean::line(format_args!("{} of {}", to + 1, look.order.len()));
        if let Some(seat) = self.seat_mut() {
            list::select(&mut seat.look, to, rows);
            seat.look.opened = seat.look.selected.clone();
            seat.look.scroll = 0;
        }
        self.led_here();
        self.say(now, Line::of(place, Tone::Dim));
    }

    /// The opened document, else the selected one.
    fn document(&self) -> Option<RowKey> {
        let look = self.look()?;
        look.opened.clone().or_else(|| look.selected.clone())
    }

    fn file(&self) -> Option<Box<str>> {
        (self.here()?.shelf()?.file)(&self.scene(), &self.document()?)
    }

    pub(super) fn has_file(&self) -> bool {
        self.file().is_some()
    }

    pub(super) fn edit(&mut self, now: Timestamp) -> Vec<Effect> {
        if let Some(file) = self.file() {
            // What was written is read again at once.
            let mut effects = vec![Effect::Edit(file)];
            effects.extend(self.refresh_quietly());
            return effects;
        }
        self.say(now, Line::plain("this row is no file that could be edited"));
        Vec::new()
    }

    /// What the prompt says while words are looked for.
    pub(super) fn find_says(&self) -> Line {
        match self.found_says() {
            Some(says) => Line::of(says, Tone::Plain).and(" · enter keeps, esc clears", Tone::Dim),
            None => Line::of("words in this document; enter keeps, esc clears", Tone::Dim),
        }
    }

    /// `/pool, on 4 lines`: what is looked for in the opened document, and how often it is there.
    pub(super) fn found_says(&self) -> Option<Clean> {
        if self.context_below() != Context::Reader {
            return None;
        }
        let words = self.look()?.find.words();
        if words.is_empty() {
            return None;
        }
        let says = match self.hits().len() {
            0 => format!("/{} is not in here", words.join(" ")),
            1 => format!("/{}, on 1 line", words.join(" ")),
            n => format!("/{}, on {n} lines", words.join(" ")),
        };
        Some(Clean::line(says))
    }
}
