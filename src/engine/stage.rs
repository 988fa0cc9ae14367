//! The cockpit with its painter, as the loop drives it.

use jiff::Timestamp;
use ratatui::buffer::Buffer;

use super::run::Screenful;
use crate::cockpit::{Cockpit, Effect, Message};
use crate::view::{self, Depth, Theme};

/// A cockpit on a terminal of known colours and letters.
pub struct Stage {
    cockpit: Cockpit,
    depth: Depth,
    ascii: bool,
}

impl Stage {
    pub fn new(cockpit: Cockpit, depth: Depth, ascii: bool) -> Self {
        Self { cockpit, depth, ascii }
    }

    pub fn cockpit(&self) -> &Cockpit {
        &self.cockpit
    }
}

impl Screenful for Stage {
    fn update(&mut self, now: Timestamp, message: Message) -> Vec<Effect> {
        self.cockpit.update(now, message)
    }

    fn wake(&self) -> Option<Timestamp> {
        self.cockpit.wake()
    }

    fn is_dirty(&self) -> bool {
        self.cockpit.dirty()
    }

    fn paint(&mut self, now: Timestamp, buffer: &mut Buffer) {
        self.cockpit.settle(now);
        let screen = self.cockpit.screen(now);
        let theme = Theme::new(screen.skin, self.depth, self.ascii);
        view::paint(&screen, &theme, buffer);
        self.cockpit.drawn();
    }
}
