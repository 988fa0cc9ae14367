//! Chance that is always the same: hashes, smooth noise, and the rhythm of days and weeks.

use std::fmt::Write as _;

use super::clock::Secs;

/// A well mixed number from a seed and a place (the finaliser of splitmix64).
pub fn mix(seed: u64, place: u64) -> u64 {
    let mut z = seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Evenly spread in [0, 1).
pub fn unit(seed: u64, place: u64) -> f64 {
    (mix(seed, place) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Smooth noise in [-1, 1] with features about `grain` seconds long.
pub fn smooth(seed: u64, at: Secs, grain: f64) -> f64 {
    let x = at / grain;
    let cell = x.floor();
    let (a, b) = (unit(seed, cell as i64 as u64), unit(seed, (cell as i64 + 1) as u64));
    let f = x - cell;
    let ease = f * f * (3.0 - 2.0 * f);
    (a + (b - a) * ease) * 2.0 - 1.0
}

/// Noise as measurements have it: slow drift, minutes, and jitter.
pub fn texture(seed: u64, at: Secs) -> f64 {
    0.45 * smooth(seed, at, 2_700.0)
        + 0.30 * smooth(seed ^ 1, at, 240.0)
        + 0.25 * smooth(seed ^ 2, at, 20.0)
}

/// How busy a shop is, 0.15 at night to about 1: lunch, evening, and a weekend that buys more.
///
/// `local` is in seconds of the team's own clock.
pub fn rhythm(local: Secs) -> f64 {
    let days = local / 86_400.0;
    let hour = days.rem_euclid(1.0) * 24.0;
    // The epoch was a Thursday; 0 is Monday here.
    let day = (days + 3.0).rem_euclid(7.0);
    let bump = |middle: f64, width: f64| {
        let away = (hour - middle).abs();
        let away = away.min(24.0 - away) / width;
        (-away * away / 2.0).exp()
    };
    let shape = 0.16 + 0.52 * bump(12.6, 3.1) + 0.62 * bump(20.2, 2.2) + 0.12 * bump(8.5, 1.4);
    let week = 1.0 + 0.09 * ((day - 5.6) / 7.0 * std::f64::consts::TAU).cos();
    shape * week
}

/// Rises from 0 at `a` to 1 at `b`, stays until `c`, is back to 0 at `d`.
#[expect(
    clippy::many_single_char_names,
    reason = "the corners of a trapezoid have no better names"
)]
pub fn trapezoid(at: f64, a: f64, b: f64, c: f64, d: f64) -> f64 {
    let ease = |x: f64| {
        let x = x.clamp(0.0, 1.0);
        x * x * (3.0 - 2.0 * x)
    };
    if at <= a || at >= d {
        0.0
    } else if at < b {
        ease((at - a) / (b - a))
    } else if at <= c {
        1.0
    } else {
        ease((d - at) / (d - c))
    }
}

/// Eight hexadecimal digits at a time, as commits and fingerprints are written.
pub fn hex(seed: u64, place: u64, digits: usize) -> String {
    let mut out = String::with_capacity(digits + 16);
    let mut part = 0;
    while out.len() < digits {
        let word = mix(seed ^ 0x5EED, place.wrapping_mul(31).wrapping_add(part));
        // Writing to a string cannot fail.
        let _ = write!(out, "{word:016x}");
        part += 1;
    }
    out.truncate(digits);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stays_in_its_bounds_and_is_smooth() {
        for i in 0..20_000 {
            let at = 1.8e9 + f64::from(i) * 1.7;
            assert!(texture(7, at).abs() <= 1.0);
            assert!((smooth(7, at, 60.0) - smooth(7, at + 0.1, 60.0)).abs() < 0.02);
        }
    }

    #[test]
    fn nights_are_quiet_and_evenings_are_busy() {
        let monday = 4.0 * 86_400.0;
        let at = |hour: f64| rhythm(monday + hour * 3600.0);
        assert!(at(4.0) < 0.25 && at(20.0) > 0.7 && at(12.5) > 0.6);
        assert!(rhythm(monday + 5.0 * 86_400.0 + 72_000.0) > at(20.0));
    }

    #[test]
    fn a_trapezoid_is_nothing_outside_and_whole_inside() {
        assert!(trapezoid(0.0, 1.0, 2.0, 3.0, 4.0) == 0.0);
        assert!((trapezoid(2.5, 1.0, 2.0, 3.0, 4.0) - 1.0).abs() < f64::EPSILON);
        assert!(trapezoid(4.0, 1.0, 2.0, 3.0, 4.0) == 0.0);
    }
}
