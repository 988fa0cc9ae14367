//! What a key costs does not follow the size of the estate: counts, so that no slow machine can make it fail.

#![allow(clippy::unwrap_used)]

#[path = "common/estate.rs"]
mod estate;

use allocation_counter::measure;
use andon::cockpit::{Cockpit, Key, Message};
use andon::model::{Clean, Fact, Measure, Name, PostMortem, Report};
use andon::page::{Noun, Size, Skin};
use andon::view::encode::Encoder;
use andon::view::{Depth, Theme, paint};
use estate::{heard, moment, sample, team};
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZES: [Size; 2] = [Size { width: 80, height: 24 }, Size { width: 200, height: 60 }];
/// More than any of the screens shows.
const A_SCREENFUL: usize = 100;
const MANY: usize = 3_000;

/// The way of every frame, as the loop goes it.
struct Sight {
    cockpit: Cockpit,
    theme: Theme,
    buffer: Buffer,
    encoder: Encoder,
}

impl Sight {
    fn new(services: usize, size: Size) -> Self {
        let team = team(services);
        // Every number is the same, so that every row takes the same work.
        let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
        let told = sample(ids.map(|id| (id, Measure::Number(0.5))), moment());
        Self::of(estate::cockpit(team.clone(), size, told), size)
    }

    fn of(cockpit: Cockpit, size: Size) -> Self {
        let mut sight = Self {
            cockpit,
            theme: Theme::new(Skin::Terminal, Depth::True, false),
            buffer: Buffer::empty(Rect::new(0, 0, size.width, size.height)),
            encoder: Encoder::new(Depth::True),
        };
        sight.frame();
        sight
    }

    /// Bytes of the frame.
    fn frame(&mut self) -> usize {
        self.cockpit.settle(moment());
        paint(&self.cockpit.screen(moment()), &self.theme, &mut self.buffer);
        let mut bytes = Vec::with_capacity(1 << 16);
        self.encoder.frame(&self.buffer, &mut bytes);
        self.cockpit.drawn();
        bytes.len()
    }

    fn press(&mut self, key: &str) {
        let key = Key::parse(key).unwrap();
        self.cockpit.update(moment(), Message::Key(key));
        self.frame();
    }

    fn rows(&self) -> usize {
        let screen = self.cockpit.screen(moment());
        let rows = screen.blocks.iter().map(|block| match &block.noun {
            Noun::Table(table) => table.rows.len(),
            _ => 0,
        });
        rows.sum()
    }
}

#[test]
fn a_key_allocates_the_same_and_composes_the_same_rows_however_many_services_there_are() {
    for size in SIZES {
        let (mut few, mut many) = (Sight::new(A_SCREENFUL, size), Sight::new(MANY, size));
        // Twice: what is made at the first key of a kind is not what a key costs.
        for key in ["j", "k", "ctrl-d", "ctrl-u", "j", "k", "ctrl-d", "ctrl-u"] {
            let of_few = measure(|| few.press(key)).count_total;
            let of_many = measure(|| many.press(key)).count_total;
            assert_eq!(of_few, of_many, "{key} at {size:?}");
        }
        assert_eq!(few.rows(), many.rows());
        assert!(few.rows() <= usize::from(size.height));
    }
}

/// The survey and the order of a list are made once for what was heard, not once for each frame.
#[test]
fn a_frame_without_news_costs_the_same_however_many_services_there_are() {
    for size in SIZES {
        let (mut few, mut many) = (Sight::new(A_SCREENFUL, size), Sight::new(MANY, size));
        let of_few = measure(|| _ = few.frame()).count_total;
        let of_many = measure(|| _ = many.frame()).count_total;
        assert_eq!(of_few, of_many, "{size:?}");
    }
}

/// A history of hours in which nothing happened is not read point by point: five thousand of them are looked through
/// at every poll.
#[test]
fn a_poll_allocates_the_same_however_long_the_histories_are() {
    let heard_after = |minutes: i32| {
        let team = team(A_SCREENFUL);
        let mut cockpit =
            estate::cockpit(team.clone(), SIZES[0], estate::report(&team, moment(), minutes));
        let at = moment() + SignedDuration::from_secs(15);
        let ids = team.services.iter().flat_map(|s| s.metrics.iter().map(|m| m.id.clone()));
        let told = sample(ids.map(|id| (id, Measure::Number(0.5))), at);
        let message = heard(at, told);
        measure(|| {
            cockpit.update(at, message);
            cockpit.settle(at);
        })
    };
    let (short, long) = (heard_after(100), heard_after(600));
    let least = short.count_total.min(long.count_total);
    assert!(short.count_total.abs_diff(long.count_total) <= least / 20, "{short:?} {long:?}");
}

#[test]
fn a_cursor_on_an_opened_page_costs_the_same_however_many_services_there_are() {
    for size in SIZES {
        let (mut few, mut many) = (Sight::new(A_SCREENFUL, size), Sight::new(MANY, size));
        for sight in [&mut few, &mut many] {
            for key in ["enter", "h", "h", "l", "-", "+"] {
                sight.press(key);
            }
        }
        for key in ["h", "l", "h", "h", "l"] {
            let of_few = measure(|| few.press(key)).count_total;
            let of_many = measure(|| many.press(key)).count_total;
            assert_eq!(of_few, of_many, "{key} at {size:?}");
        }
    }
}

/// The text is walked for a word without being copied or laid out anew, so that a megabyte is read like a page.
#[test]
fn a_letter_in_find_allocates_hardly_more_however_long_the_document_is() {
    let reading = |bytes: usize| {
        let told = format!("# Long\n\n{}the latch\n", "One more line.\n\n".repeat(bytes / 16));
        let text = Clean::body(&told, 2 << 20);
        let key = andon::model::Key::new(&Name::new("prom"), "long.md");
        let paper = PostMortem::new(key, Clean::from("long.md"), Clean::from("Long"), text);
        let fact = Fact::PostMortem(Box::new(paper));
        let report = Report { facts: vec![fact], ..Report::default() };
        let mut sight = Sight::of(estate::cockpit(team(1), SIZES[0], report), SIZES[0]);
        // What is made at the first letter is not what a letter costs.
        for key in ["4", "enter", "/", "t", "h", "backspace"] {
            sight.press(key);
        }
        sight
    };
    let (mut page, mut megabyte) = (reading(20_000), reading(1 << 20));
    for key in ["h", "e", "space", "l", "a", "x", "backspace", "t"] {
        let of_page = measure(|| page.press(key));
        let of_megabyte = measure(|| megabyte.press(key));
        let (page, megabyte) = (of_page.bytes_total, of_megabyte.bytes_total);
        assert!(megabyte < page + page / 20, "{key}: {of_page:?} {of_megabyte:?}");
        let (page, megabyte) = (of_page.count_total, of_megabyte.count_total);
        assert!(megabyte < page + page / 2, "{key}: {of_page:?} {of_megabyte:?}");
    }
    let screen = megabyte.cockpit.screen(moment());
    assert!(format!("{screen:?}").contains("the lat"), "it was found at the end of it");
}

#[test]
fn an_answer_that_says_the_same_writes_nothing() {
    for size in SIZES {
        let mut sight = Sight::new(A_SCREENFUL, size);
        let id = team(1).services[0].metrics[0].id.clone();
        for second in 2..5 {
            let at = moment() + SignedDuration::from_secs(second);
            let told = sample([(id.clone(), Measure::Number(0.5))], at);
            sight.cockpit.update(at, heard(at, told));
            assert!(sight.cockpit.dirty());
            assert_eq!(sight.frame(), 0, "{size:?}");
        }
    }
}
