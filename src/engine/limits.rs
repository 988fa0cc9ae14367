//! How long, how often, how many: every number the engine obeys, in one place.

use std::path::PathBuf;
use std::time::Duration;

/// The engine's limits. The defaults are for people; tests make them short.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Looking a name up, connecting and the TLS handshake.
    pub connect: Duration,
    /// Decompressed bytes of a body, where the configuration says nothing.
    pub cap: usize,
    /// Bytes of all answers of one poll together.
    pub poll_bytes: usize,
    /// Requests in the air at once.
    pub in_flight: usize,
    /// Bytes kept of unchanged answers, for conditional requests.
    pub kept: usize,
    /// How often one poll may ask for more.
    pub rounds: usize,
    /// Polls start on moments of this grid, so that many sources wake the machine as often as one.
    pub grid: Duration,
    /// Polls after a wake-up are spread over this much.
    pub spread: Duration,
    /// The longest back-off of a source with a shorter interval.
    pub longest_back_off: Duration,
    /// After a refused credential: hammering locks accounts.
    pub after_refusal: Duration,
    /// The longest wait an upstream may ask for.
    pub longest_wait: Duration,
    /// Wall clock against monotonic clock: more than this apart means the machine slept.
    pub slept: Duration,
    /// With nothing due, the clocks are compared this often.
    pub look: Duration,
    /// How long a program that prints a secret may take.
    pub secret: Duration,
    /// Answers with more bytes than this are read on a blocking thread.
    pub inline_bytes: usize,
    /// The folder in which processes of this user tell each other what upstreams asked of a credential. `None` keeps it
    /// to this process.
    pub shared: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            cap: 8 << 20,
            poll_bytes: 16 << 20,
            in_flight: 8,
            kept: 16 << 20,
            rounds: 10,
            grid: Duration::from_secs(1),
            spread: Duration::from_secs(3),
            longest_back_off: Duration::from_secs(300),
            after_refusal: Duration::from_secs(60),
            longest_wait: Duration::from_secs(3600),
            slept: Duration::from_secs(5),
            look: Duration::from_secs(8),
            secret: Duration::from_secs(10),
            inline_bytes: 256 << 10,
            shared: None,
        }
    }
}

impl Limits {
    /// Eight requests in the air carry 60 polls a second while answers take an eighth of one; beyond that the number grows
    /// to 64, which carries as many though answers take a whole second.
    #[must_use]
    pub fn for_polls_a_second(mut self, polls: f64) -> Self {
        if polls > 60.0 {
            let wanted = (8.0 * (polls - 59.0)).ceil() as usize;
            self.in_flight = self.in_flight.max(wanted.min(64));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_in_the_air_grows_only_for_many_polls() {
        for (polls, lanes) in [(0.5, 8), (60.0, 8), (61.0, 16), (66.7, 62), (10_000.0, 64)] {
            assert_eq!(Limits::default().for_polls_a_second(polls).in_flight, lanes, "{polls}");
        }
    }
}
