//! What the screen's loop hears: keys, sizes, and messages from whoever polls.

use crate::cockpit::{Key, Message, Mouse};
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

/// Something heard from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    /// The last frame was read.
    Alive,
    /// Whether synchronized updates are understood.
    Synchronized(bool),
}
