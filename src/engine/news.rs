//! What the screen's loop hears: keys, sizes, and messages from whoever polls.

use super::terminal::Heard;
use crate::cockpit::Message;
use crate::page::Size;

/// What the loop hears, all through one channel.
#[derive(Debug)]
pub enum News {
    Terminal(Heard),
    Resized(Size),
    /// Continued after a stop: the screen is ours again and empty.
    Resumed(Size),
    /// From the watch, or anybody else with something for the cockpit.
    World(Message),
}

impl From<Message> for News {
    fn from(message: Message) -> Self {
        Self::World(message)
    }
}
