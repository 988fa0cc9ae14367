//! One frame in flight: the next is drawn when the terminal says it has read the last, so a slow link shows the newest state.

use std::time::{Duration, Instant};

/// Asks the terminal for a sign of life (DSR 5): its answer means that everything before was read.
pub const ASK: &[u8] = b"\x1b[5n";

/// No two frames are closer, keys excepted.
const FRAME: Duration = Duration::from_millis(16);
/// How long an answer is waited for, unless this terminal is known to take longer.
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);
/// Without answers: the gap between frames, and the bytes a second a poor link is believed to carry.
const FREE_GAP: Duration = Duration::from_millis(250);
const FREE_BYTES_A_SECOND: u64 = 2_000;

/// When the next frame may go out. Time is an argument: the state machine is tested without a terminal.
#[derive(Debug, Default)]
pub struct Pacer {
    /// The frame last sent.
    last: Option<Instant>,
    bytes: usize,
    /// The question that is not answered yet.
    asked: Option<Instant>,
    /// How long this terminal took to answer; `None` until it did once.
    took: Option<Duration>,
}

impl Pacer {
    /// The earliest moment for the next frame; a key's frame is urgent. In the past means now.
    pub fn next(&self, now: Instant, urgent: bool) -> Instant {
        let Some(last) = self.last else { return now };
        let soon = if urgent { now } else { last + FRAME };
        match (self.asked, self.took) {
            (None, _) => soon,
            // It answers, so the frame before is still on its way.
            (Some(asked), Some(took)) => asked + (took * 3).clamp(PATIENCE, LONGEST_PATIENCE),
            // It never answered: a mute terminal must not make a key wait.
            (Some(_), None) if urgent => last + FRAME,
            (Some(_), None) => {
                let carried = Duration::from_millis(self.bytes as u64 * 1000 / FREE_BYTES_A_SECOND);
                last + FREE_GAP.max(carried.min(LONGEST_PATIENCE))
            }
        }
    }

    /// A frame of so many bytes goes out, with a question behind it.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        self.last = Some(now);
        self.bytes = bytes;
        self.asked = Some(now);
    }

    /// The terminal answered. A late answer may belong to an older frame: at most one frame too many is in flight.
    pub fn answered(&mut self, now: Instant) {
        if let Some(asked) = self.asked.take() {
            self.took = Some(now.saturating_duration_since(asked));
        }
    }

    /// How long an answer on its way is worth waiting for before leaving, so that it is not read by the shell.
    pub fn straggler(&self) -> Option<Duration> {
        let took = self.took.filter(|took| *took <= Duration::from_millis(300))?;
        self.asked.map(|_| (took * 2).max(Duration::from_millis(10)))
    }

    /// The screen starts anew: what was asked before is void.
    pub fn restart(&mut self) {
        *self = Self { took: self.took, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_first_frame_goes_at_once() {
        let now = Instant::now();
        assert_eq!(Pacer::default().next(now, false), now);
    }

    #[test]
    fn the_next_frame_waits_for_the_answer_even_for_a_key() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.sent(start, 100);
        pacer.answered(start + ms(80));
        assert!(pacer.next(start + ms(90), true) <= start + ms(90));
        pacer.sent(start + ms(100), 100);
        assert_eq!(pacer.next(start + ms(120), true), start + ms(1100));
        pacer.answered(start + ms(180));
        assert!(pacer.next(start + ms(181), true) <= start + ms(181));
    }

    #[test]
    fn answered_frames_are_still_sixteen_milliseconds_apart_except_for_keys() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.sent(start, 10);
        pacer.answered(start + ms(1));
        assert_eq!(pacer.next(start + ms(2), false), start + ms(16));
        assert_eq!(pacer.next(start + ms(2), true), start + ms(2));
    }

    #[test]
    fn a_mute_terminal_runs_free_slower_for_larger_frames_and_never_delays_a_key() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.sent(start, 100);
        assert_eq!(pacer.next(start, false), start + ms(250));
        assert_eq!(pacer.next(start, true), start + ms(16));
        pacer.sent(start, 8_000);
        assert_eq!(pacer.next(start, false), start + ms(4000));
    }

    #[test]
    fn a_terminal_that_stops_answering_is_believed_for_a_second_and_a_slow_one_for_longer() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.sent(start, 100);
        pacer.answered(start + ms(900));
        pacer.sent(start + ms(1000), 100);
        assert_eq!(pacer.next(start + ms(1001), false), start + ms(3700));
    }

    #[test]
    fn pacing_comes_back_with_the_next_answer() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        for i in 0..5 {
            pacer.sent(start + ms(300 * i), 10);
        }
        pacer.answered(start + ms(1300));
        pacer.sent(start + ms(1400), 10);
        assert_eq!(pacer.next(start + ms(1401), true), start + ms(2400));
    }
}
