//! The cockpit with its painter, as the loop drives it.

use jiff::Timestamp;
use ratatui::buffer::Buffer;

use super::run::Screenful;
use super::share::Lamp;
use crate::cockpit::{Cockpit, Effect, Message};
use crate::view::{self, Depth, Theme};

/// A cockpit on a terminal of known colours and letters.
pub struct Stage {
    cockpit: Cockpit,
    depth: Depth,
    ascii: bool,
    lamp: Option<Lamp>,
    /// What is begun once the first frame is drawn.
    then: Option<Box<dyn FnOnce()>>,
}

impl Stage {
    pub fn new(cockpit: Cockpit, depth: Depth, ascii: bool) -> Self {
        Self { cockpit, depth, ascii, lamp: None, then: None }
    }

    /// What this cockpit knows is shown to others, too.
    #[must_use]
    pub fn with_lamp(mut self, lamp: Option<Lamp>) -> Self {
        self.lamp = lamp;
        self
    }

    /// What is begun once the first frame is drawn: nothing that takes long stands between a start and its frame.
    #[must_use]
    pub fn and_then(mut self, begin: impl FnOnce() + 'static) -> Self {
        self.then = Some(Box::new(begin));
        self
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

    fn rest(&mut self, now: Timestamp) {
        if let Some(begin) = self.then.take() {
            begin();
        }
        let due =
            |lamp: &&mut Lamp| self.cockpit.is_whole() && lamp.is_due(self.cockpit.board(), now);
        let Some(lamp) = self.lamp.as_mut().filter(due) else { return };
        self.cockpit.settle(now);
        match self.cockpit.survey_of_now() {
            Some(survey) => lamp.show(self.cockpit.team(), self.cockpit.board(), survey, now),
            // The screen shows another moment, or is held still.
            None => lamp.look(self.cockpit.team(), self.cockpit.board(), now),
        }
    }
}
