//! The demo's two clocks: the story counts its own seconds, and everything served is dated by the client's real clock.

use jiff::Timestamp;

/// Seconds since the epoch: the world is smooth, so its moments are numbers.
pub type Secs = f64;

/// Where the story's second 0 lies in real time, and how fast the story runs.
///
/// What happened before the story (a month of history) keeps its real length; the story itself is told `speed` times
/// faster. So nothing visible is ever dated in the reader's future, and a deploy "7 minutes ago" at speed 1 is that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    pub origin: Secs,
    pub speed: f64,
}

impl Clock {
    /// A clock that shows the story's second `at` when it is `now`.
    pub fn starting(now: Secs, at: f64, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed.clamp(0.1, 600.0) } else { 1.0 };
        let at = if at.is_finite() { at.clamp(-3600.0, 7.0 * 86_400.0) } else { 0.0 };
        let lead = if at > 0.0 { at / speed } else { at };
        Self { origin: now - lead, speed }
    }

    /// The story's second at a real moment; negative before the story.
    pub fn story(&self, real: Secs) -> f64 {
        let since = real - self.origin;
        if since > 0.0 { since * self.speed } else { since }
    }

    /// The real moment of a second of the story.
    pub fn real(&self, story: f64) -> Secs {
        self.origin + if story > 0.0 { story / self.speed } else { story }
    }
}

/// Seconds as an instant; the ends of time for what has no date.
pub fn instant(at: Secs) -> Timestamp {
    Timestamp::from_microsecond((at * 1e6) as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-11-22T11:44:42Z`, as the code host and the pager write it.
pub fn rfc3339(at: Secs) -> String {
    let whole = Timestamp::from_second(at.floor() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    whole.to_string()
}

/// `2026-11-22T11:44:42.039Z`, as Alertmanager and Prometheus write it.
pub fn rfc3339_ms(at: Secs) -> String {
    let ms = Timestamp::from_millisecond((at * 1e3) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{ms:.3}")
}

/// Seconds of an instant.
pub fn secs(at: Timestamp) -> Secs {
    at.as_microsecond() as f64 / 1e6
}

/// The chapters of the story, by name: `andon demo --at outage`.
pub const CHAPTERS: &[(&str, f64)] = &[
    ("calm", 0.0),
    ("deploy", 35.0),
    ("slow", 100.0),
    ("outage", 170.0),
    ("acked", 200.0),
    ("rollback", 310.0),
    ("recovery", 360.0),
    ("resolved", 480.0),
    ("mail", 575.0),
    ("quiet", 860.0),
    ("watchdog", 1_100.0),
];

/// Seconds into the story: a chapter (`outage`), `6m`, `1m30s`, `90s`, `90`, or `6:00`.
pub fn offset(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some((_, at)) = CHAPTERS.iter().find(|(name, _)| *name == text) {
        return Some(*at);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then_some(seconds);
    }
    if text.contains(':') {
        return text
            .split(':')
            .try_fold(0.0, |sum, part| Some(sum * 60.0 + f64::from(part.parse::<u32>().ok()?)));
    }
    let (mut sum, mut digits) = (0.0, String::new());
    for c in text.chars() {
        match c {
            '0'..='9' | '.' => digits.push(c),
            'h' | 'm' | 's' => {
                let n: f64 = digits.parse().ok()?;
                sum += n * match c {
                    'h' => 3600.0,
                    'm' => 60.0,
                    _ => 1.0,
                };
                digits.clear();
            }
            _ => return None,
        }
    }
    (digits.is_empty() && !text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_story_seen_so_far_lies_in_the_future() {
        for speed in [0.5, 1.0, 10.0, 60.0] {
            for at in [0.0, 90.0, 1_500.0] {
                let now = 1_800_000_000.0;
                let clock = Clock::starting(now, at, speed);
                assert!((clock.story(now) - at).abs() < 1e-3);
                assert!(clock.real(at) <= now + 1e-3);
                let later = clock.story(now + 30.0);
                assert!((later - at - 30.0 * speed).abs() < 1e-3);
                assert!((clock.real(clock.story(now - 5.0)) - (now - 5.0)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn history_keeps_its_length_at_any_speed() {
        let clock = Clock::starting(1_800_000_000.0, 0.0, 60.0);
        assert!((clock.real(-3_600.0) - (1_800_000_000.0 - 3_600.0)).abs() < 1e-6);
    }

    #[test]
    fn offsets_read_as_people_write_them() {
        for (text, want) in [
            ("6m", Some(360.0)),
            ("1m30s", Some(90.0)),
            ("90", Some(90.0)),
            ("6:00", Some(360.0)),
            ("outage", Some(170.0)),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("5x", None),
            ("m", None),
        ] {
            assert_eq!(offset(text), want, "{text}");
        }
    }

    #[test]
    fn times_are_written_as_the_vendors_write_them() {
        assert_eq!(rfc3339(1_795_347_881.9), "2026-11-22T11:44:41Z");
        assert_eq!(rfc3339_ms(1_795_347_881.5), "2026-11-22T11:44:41.500Z");
    }
}
