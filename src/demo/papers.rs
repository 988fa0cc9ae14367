//! The team's post-mortems, dated relative to the story and written into a private folder of this run.

use std::io;
use std::path::Path;

use jiff::{Span, civil::Date};

use super::cast;
use super::clock::instant;
use super::rollouts::rollouts;
use super::world::World;

struct Paper {
    /// Days before the story, on a working day if a release was involved.
    days: i64,
    working: bool,
    /// `{}` is the date.
    name: &'static str,
    text: &'static str,
}

macro_rules! paper {
    ($days:literal, $working:literal, $name:literal, $file:literal) => {
        Paper {
            days: $days,
            working: $working,
            name: $name,
            text: include_str!(concat!("../../assets/demo/post-mortems/", $file)),
        }
    };
}

const PAPERS: &[Paper] = &[
    paper!(5, false, "{}-card-payments-time-out.md", "card-payments-time-out.md"),
    paper!(9, false, "{}-database-failover.md", "database-failover.md"),
    paper!(16, true, "{}-checkout-connection-pool.md", "checkout-connection-pool.md"),
    paper!(23, false, "{}-bank-transfers-rejected.md", "bank-transfers-rejected.md"),
    paper!(29, false, "{}-sign-in-certificate.md", "sign-in-certificate.md"),
    paper!(58, true, "{}-checkout-double-orders.md", "checkout-double-orders.md"),
    paper!(75, true, "PM-014 - Ledger off by one cent.md", "ledger-off-by-one-cent.md"),
    paper!(365, false, "{}-sale-day.md", "sale-day.md"),
];

/// Writes every post-mortem below `folder/post-mortems`, and the template people copy.
pub fn write(world: &World, folder: &Path) -> io::Result<()> {
    let folder = folder.join("post-mortems");
    std::fs::create_dir(&folder)?;
    let (bad, good) = culprit(world);
    for paper in PAPERS {
        let day = instant(world.days_before(paper.days, 12.0, paper.working))
            .to_zoned(world.zone.clone())
            .date();
        let name = paper.name.replace("{}", &day.to_string());
        let text = dated(paper.text, day).replace("{{bad}}", &bad).replace("{{good}}", &good);
        std::fs::write(folder.join(name), text)?;
    }
    std::fs::write(
        folder.join("template.md"),
        include_str!("../../assets/demo/post-mortems/template.md"),
    )
}

/// The release of checkout that went wrong two weeks ago, and the one it was rolled back to.
fn culprit(world: &World) -> (String, String) {
    let back = cast::service("checkout")
        .and_then(|s| rollouts(world, s, world.clock.origin).into_iter().rfind(|r| r.rollback))
        .map_or(400, |r| r.version);
    (format!("v{}", back + 1), format!("v{back}"))
}

/// Puts dates in: `{{date}}`, `{{long}}`, and days later as `{{date+14}}`.
fn dated(text: &str, day: Date) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((word, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let (form, days) = word.split_once('+').unwrap_or((word, "0"));
        let later = day.saturating_add(Span::new().days(days.parse::<i64>().unwrap_or(0)));
        match form {
            "date" => out.push_str(&later.to_string()),
            "long" => out.push_str(&later.strftime("%-d %B %Y").to_string()),
            "weekday" => out.push_str(&later.strftime("%A").to_string()),
            _ => {
                out.push_str("{{");
                out.push_str(word);
                out.push_str("}}");
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_a_date() {
        let day = Date::constant(2026, 11, 9);
        for paper in PAPERS {
            let text = dated(paper.text, day).replace("{{bad}}", "v2").replace("{{good}}", "v1");
            assert!(!text.contains("{{"), "{}", paper.name);
            assert!(text.len() > 400, "{}", paper.name);
        }
        assert_eq!(
            dated("{{date+14}} {{long}} {{weekday}}", day),
            "2026-11-23 9 November 2026 Monday"
        );
    }
}
