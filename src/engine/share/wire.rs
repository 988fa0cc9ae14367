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
pub enum Told {
    /// The first frame: who it is.
    Hello {
        pid: u32,
        /// How he asks: whoever goes on after him asks nobody out of turn.
        seed: u64,
        origin: Timestamp,
    },
    /// To a `Ping`.
    Pong,
    Asking {
        source: SourceName,
        at: Timestamp,
    },
    Heard(Box<HeardFrame>),
}

/// A poll that ended.
#[derive(Debug, Deserialize)]
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
        /// How he asks: whoever goes on after him asks nobody out of turn.
        seed: u64,
        origin: Timestamp,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> io::Result<Told> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&mut &*bytes, TOLD_CAP))
    }

    fn hello(pid: u32) -> Telling<'static> {
        Telling::Hello { pid, seed: 3, origin: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn what_is_framed_is_read_again() {
        let source = SourceName::new("prom");
        let at = Timestamp::UNIX_EPOCH;
        let frame_of = |telling: &Telling<'_>| frame(telling).unwrap();
        assert!(matches!(told(&frame_of(&hello(7))), Ok(Told::Hello { pid: 7, seed: 3, .. })));
        assert!(matches!(told(&frame_of(&Telling::Pong)), Ok(Told::Pong)));
        let asking = told(&frame_of(&Telling::Asking { source: &source, at })).unwrap();
        assert!(matches!(asking, Told::Asking { source: s, at: a } if s == source && a == at));
        let trouble = Trouble::new(crate::model::Status::Auth, "401");
        let heard = Heard {
            source: source.clone(),
            at,
            outcome: Err(trouble.clone()),
            freshness: Freshness { kind: "json", failures: 3, ..Freshness::default() },
        };
        let Ok(Told::Heard(read)) = told(&frame_of(&Telling::from(&heard))) else {
            panic!("heard")
        };
        let read = read.heard("json");
        assert_eq!((read.source, read.at, read.outcome.unwrap_err()), (source, at, trouble));
        assert_eq!((read.freshness.kind, read.freshness.failures), ("json", 3));
    }

    #[test]
    fn words_that_cross_are_cleaned_again() {
        // A name with an escape in it, as no andon would send it.
        let mut bytes = vec![0; 4];
        bytes.extend([2, 6]);
        bytes.extend(b"a\x1b[31m");
        bytes.extend(postcard::to_stdvec(&Timestamp::UNIX_EPOCH).unwrap());
        let length = u32::try_from(bytes.len() - 4).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        let Ok(Told::Asking { source, .. }) = told(&bytes) else { panic!("asking") };
        assert_eq!(source.as_str(), "a␛[31m");
    }

    #[test]
    fn a_frame_that_is_cut_or_too_long_is_an_error() {
        let whole = frame(&hello(70_000)).unwrap();
        for end in 0..whole.len() {
            assert!(told(&whole[..end]).is_err());
        }
        assert!(told(&(TOLD_CAP + 1).to_le_bytes()).is_err());
        assert!(told(&TOLD_CAP.to_le_bytes()).is_err(), "announced, and never sent");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let mut framed = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
            framed.extend(&bytes);
            let _ = told(&framed);
            let _ = told(&bytes);
        }
    }
}
