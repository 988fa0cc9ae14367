//! What the one who polls and those who follow say to each other over a socket, as frames of bounded length.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::cockpit::{Heard, Which};
use crate::model::{Freshness, Report, SourceName, Trouble};

/// Bytes a frame from the one who polls may have: a report of the largest answers.
pub const TOLD_CAP: u32 = 64 * 1024 * 1024;
/// Bytes a frame from a follower may have.
pub const SAID_CAP: u32 = 256 * 1024;

/// From the one who polls.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub enum Told {
    /// The first frame: who it is.
    Hello {
        pid: u32,
    },
    /// To a `Ping`.
    Pong,
    Asking {
        source: SourceName,
        at: Timestamp,
    },
    Heard(HeardFrame),
}

/// A poll that ended.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub struct HeardFrame {
    source: SourceName,
    at: Timestamp,
    outcome: Result<Report, Trouble>,
    freshness: Freshness,
}

/// The same, borrowed: variants and fields in the same order.
#[derive(Debug, Serialize)]
pub enum Telling<'a> {
    Hello {
        pid: u32,
    },
    Pong,
    Asking {
        source: &'a SourceName,
        at: Timestamp,
    },
    Heard {
        source: &'a SourceName,
        at: Timestamp,
        outcome: &'a Result<Report, Trouble>,
        freshness: &'a Freshness,
    },
}

impl<'a> From<&'a Heard> for Telling<'a> {
    fn from(heard: &'a Heard) -> Self {
        Self::Heard {
            source: &heard.source,
            at: heard.at,
            outcome: &heard.outcome,
            freshness: &heard.freshness,
        }
    }
}

impl HeardFrame {
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// As the own watch would have told it; the kind is known from the configuration, and never sent.
    pub fn heard(self, kind: &'static str) -> Heard {
        let freshness = Freshness { kind, ..self.freshness };
        Heard { source: self.source, at: self.at, outcome: self.outcome, freshness }
    }
}

/// From a follower.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// Is anybody there?
    Ping,
    /// Somebody wants fresh data: of these sources, or of all.
    Poll(Option<Vec<SourceName>>),
    /// You did not answer, and somebody else polls now: look at the lock.
    Deposed,
}

impl From<Which> for Said {
    fn from(which: Which) -> Self {
        match which {
            Which::All => Self::Poll(None),
            Which::Sources(names) => Self::Poll(Some(names)),
        }
    }
}

/// A frame: its length in four bytes, then its content. `None` for what is too long to be sent.
pub fn frame(content: &impl Serialize) -> Option<Arc<[u8]>> {
    let mut bytes = postcard::to_extend(content, vec![0; 4]).ok()?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|length| *length <= TOLD_CAP)?;
    bytes.get_mut(..4)?.copy_from_slice(&length.to_le_bytes());
    Some(bytes.into())
}

/// Reads a frame.
///
/// # Errors
/// When the other side left, or what it says is no frame.
pub async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    cap: u32,
) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length);
    if length > cap {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut bytes = Vec::new();
    // Memory grows with what arrives, not with what was announced.
    from.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}
