//! What happened when: entries of a timeline from headings, lists and tables, with the dates and zones around them.

use std::ops::Range;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::outline::plain;
use super::passage::{Lines, bullet, cells, short};
use super::sections::kind;
use super::stamp::{Day, Hour, Stamp, in_year, spotted, stamp};
use super::zones::{self, Zone};
use crate::model::{Clean, Happening, SectionKind};

/// Entries kept of one document.
const MOST: usize = 1_000;
/// Without a section, so many lines that begin with a time make a timeline.
const ENOUGH: usize = 3;
/// A clock that goes back by more than this has passed midnight.
const MIDNIGHT: i64 = 6;

/// The timeline of a document that is about `dated`.
pub fn timeline(lines: &Lines<'_>, dated: Option<Date>) -> Vec<Happening> {
    let whole = zone(lines);
    let mut found = Vec::new();
    let mut after = 0;
    for (i, heading) in lines.outline.headings.iter().enumerate() {
        if heading.item
            || kind(&plain(&heading.text)) != SectionKind::Timeline
            || heading.line < after
        {
            continue;
        }
        let range = reach(lines, i);
        after = range.end;
        let mut reader = Reader {
            lines,
            dated,
            date: above(lines, i, dated),
            zone: zone_of(lines, range.clone()).or_else(|| whole.clone()),
            last: None,
            prose: true,
            found: Vec::new(),
        };
        reader.read(range);
        found.append(&mut reader.found);
        if found.len() >= MOST {
            break;
        }
    }
    if after == 0 {
        let mut reader = Reader {
            lines,
            dated,
            date: dated,
            zone: whole,
            last: None,
            prose: false,
            found: Vec::new(),
        };
        reader.read(0..lines.all.len());
        reader.found.retain(|h| h.time.is_some());
        if reader.found.len() >= ENOUGH {
            found = reader.found;
        }
    }
    found.truncate(MOST);
    found
}

/// The zone the whole document names for its times.
pub fn zone(lines: &Lines<'_>) -> Option<Zone> {
    zone_of(lines, 0..lines.all.len())
}

/// From a heading to the next one of its level or above that does not itself say when.
fn reach(lines: &Lines<'_>, at: usize) -> Range<usize> {
    let headings = &lines.outline.headings;
    let Some(first) = headings.get(at) else { return 0..0 };
    let ends = |line: usize| first.line + 1..line;
    for next in headings.iter().skip(at + 1) {
        // A label ends at every heading, and at labels that stand alone.
        let closes = next.level <= first.level && !next.item;
        let says_when = !next.label && stamp(&next.text).is_some();
        let inside = first.label && next.label && kind(&plain(&next.text)) == SectionKind::Other;
        if closes && !says_when && !inside {
            return ends(next.line);
        }
    }
    ends(lines.all.len())
}

/// The date of the headings a section stands under: `### October 21, 2025 - Redis`.
fn above(lines: &Lines<'_>, at: usize, dated: Option<Date>) -> Option<Date> {
    let headings = &lines.outline.headings;
    let mut level = headings.get(at)?.level;
    let upper = headings.get(..at)?.iter().rev().filter(|h| !h.label && h.level > 1);
    for heading in upper {
        if heading.level < level {
            level = heading.level;
            if let Some(date) = spotted(&plain(&heading.text), dated) {
                return Some(date);
            }
        }
    }
    dated
}

/// The zone that a line about times names, if it is no entry itself.
fn zone_of(lines: &Lines<'_>, range: Range<usize>) -> Option<Zone> {
    range.filter_map(|i| lines.get(i)).find_map(|line| {
        let words = bullet(line.trim()).map_or(line, |(_, words)| words);
        let says = zones::told(line)?;
        stamp(words.trim_start_matches(['#', '|', ' '])).is_none().then_some(says)
    })
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    /// The date of the document.
    dated: Option<Date>,
    /// The date entries without one belong to.
    date: Option<Date>,
    zone: Option<Zone>,
    /// The time of the entry before.
    last: Option<Time>,
    /// Whether a paragraph may be an entry.
    prose: bool,
    found: Vec<Happening>,
}

impl Reader<'_> {
    fn read(&mut self, range: Range<usize>) {
        for i in range.clone() {
            if self.found.len() >= MOST {
                return;
            }
            let Some(line) = self.lines.get(i) else { continue };
            let text = line.trim();
            if text.is_empty() || text.starts_with('>') {
                continue;
            }
            if self.lines.is_head(i) {
                self.heading(i, range.end);
            } else if text.starts_with('|') {
                self.row(i, text);
            } else {
                self.line(i, text, range.end);
            }
        }
    }

    fn heading(&mut self, i: usize, end: usize) {
        let Some(heading) = self.lines.outline.headings.iter().find(|h| h.line == i && !h.label)
        else {
            return;
        };
        let words = plain(&heading.text);
        let Some(found) = stamp(&words) else { return };
        let next = (i + 1..end).find(|n| self.lines.is_head(*n)).unwrap_or(end);
        let listed = (i + 1..next).filter_map(|n| self.lines.get(n)).any(|line| {
            let line = line.trim();
            let inner = bullet(line).map(|(_, words)| words);
            let inner = inner.or_else(|| line.strip_prefix('|').map(str::trim_start));
            inner.and_then(stamp).is_some_and(|s| matches!(s.time, Some(Hour::Known(_))))
        });
        // A date over entries of their own is no entry.
        if found.time.is_none() && listed {
            self.set_day(found.day);
            return;
        }
        let below = || self.lines.first_words(i + 1..next, |_| false).map(|(_, words)| words);
        let text = if found.rest.is_empty() { below() } else { None };
        let text = text.unwrap_or_else(|| short(found.rest));
        self.push(i, &found, &words, text);
    }

    fn row(&mut self, i: usize, text: &str) {
        let row = cells(text);
        let mut cells = row.iter().map(|cell| plain(cell));
        let Some(first) = cells.next() else { return };
        let rest: Vec<String> = cells.collect();
        // A number may stand before the time, and the date may have a column of its own.
        let (when, mut said) = match stamp(&first) {
            Some(found) => (first.clone(), Some((found.time.is_some(), 0))),
            None => (first.clone(), None),
        };
        let mut joined = when;
        if said.is_none_or(|(timed, _)| !timed)
            && let Some(second) = rest.first()
        {
            let both = if said.is_some() { format!("{joined} {second}") } else { second.clone() };
            if stamp(&both).is_some_and(|s| s.time.is_some() && s.rest.is_empty()) {
                joined = both;
                said = Some((true, 1));
            }
        }
        let Some((_, taken)) = said else { return };
        let Some(found) = stamp(&joined) else { return };
        let mut words: Vec<&str> = rest.iter().skip(taken).map(String::as_str).collect();
        if !found.rest.is_empty() {
            words.insert(0, found.rest);
        }
        words.retain(|w| !w.is_empty());
        let text = short(&words.join(" · "));
        self.push(i, &found, &joined, text);
    }

    fn line(&mut self, i: usize, text: &str, end: usize) {
        let item = bullet(text);
        let words = item.map_or(text, |(_, words)| words);
        let Some(found) = stamp(words) else { return };
        let bare = found.time.is_none();
        if bare && found.rest.is_empty() {
            // A date on a line of its own stands over what follows.
            self.set_day(found.day);
            return;
        }
        if item.is_none() && (bare || !self.prose || self.goes_on(i)) {
            return;
        }
        let mut told = found.rest.to_owned();
        for next in i + 1..end {
            let Some(line) = self.lines.get(next) else { break };
            let line = line.trim();
            if line.is_empty()
                || self.lines.is_head(next)
                || bullet(line).is_some()
                || line.starts_with(['|', '>', '<', '!'])
                || told.len() > 600
                || stamp(line).is_some_and(|s| s.time.is_some())
            {
                break;
            }
            told.push(' ');
            told.push_str(super::outline::head(line, 600));
        }
        let when = words.get(..words.len() - found.rest.len()).unwrap_or_default();
        self.push(i, &found, when, short(&plain(&told)));
    }

    /// A line in the middle of a paragraph may begin with a number that is no time of an entry.
    fn goes_on(&self, i: usize) -> bool {
        let above = i.checked_sub(1).and_then(|at| self.lines.get(at)).map_or("", str::trim);
        let is_entry = stamp(above).is_some_and(|s| s.time.is_some());
        !above.is_empty() && !self.lines.is_head(i - 1) && !is_entry
    }

    fn set_day(&mut self, day: Option<Day>) {
        self.date = match day {
            Some(Day::Whole(date)) => Some(date),
            Some(Day::OfYear(m, d)) => {
                self.date.or(self.dated).and_then(|near| in_year(m, d, near))
            }
            _ => self.date,
        };
        self.last = None;
    }

    fn push(&mut self, line: usize, found: &Stamp<'_>, when: &str, text: Clean) {
        let time = found.time.and_then(Hour::known);
        let date = match found.day {
            Some(Day::Whole(date)) => Some(date),
            Some(Day::OfYear(m, d)) => {
                self.dated.or(self.date).and_then(|near| in_year(m, d, near))
            }
            Some(Day::Odd) => None,
            None => {
                let back = match (self.last, time) {
                    (Some(last), Some(time)) => {
                        DateTime::from_parts(Date::ZERO, last)
                            .duration_since(DateTime::from_parts(Date::ZERO, time))
                            >= SignedDuration::from_hours(MIDNIGHT)
                    }
                    _ => false,
                };
                if back { self.date.and_then(|d| d.tomorrow().ok()) } else { self.date }
            }
        };
        if !matches!(found.day, Some(Day::Odd)) {
            self.date = date.or(self.date);
        }
        if time.is_some() {
            self.last = time;
        }
        if found.zone.is_some() {
            self.zone.clone_from(&found.zone);
        }
        // What is only known to have happened some time has no date of its own either.
        let date = if found.day.is_none() && time.is_none() { None } else { date };
        let at = match (date, time, &self.zone) {
            (Some(date), Some(time), Some(zone)) => zone.moment(DateTime::from_parts(date, time)),
            _ => None,
        };
        let head = when.strip_suffix(found.rest).unwrap_or(when);
        let marks = [' ', '-', '–', '—', ':', '*', '[', ']', '|'];
        self.found.push(Happening {
            at,
            date,
            time,
            zone: self.zone.as_ref().map(|zone| Clean::line(&zone.words)),
            when: Clean::line(head.trim_matches(marks)),
            text,
            line,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::markdown::outline::outline;

    fn read(text: &str, dated: &str) -> Vec<String> {
        let outline = outline(text, 0);
        let lines = Lines::new(text, &outline);
        timeline(&lines, dated.parse().ok())
            .into_iter()
            .map(|h| {
                let date = h.date.map(|d| d.to_string()).unwrap_or_default();
                let time = h.time.map(|t| t.strftime("%H:%M").to_string()).unwrap_or_default();
                let zone = h.zone.map(|z| z.to_string()).unwrap_or_default();
                format!(
                    "{date} {time} {zone}|{}|{}",
                    h.text,
                    h.at.map_or("-".into(), |a| a.to_string())
                )
            })
            .collect()
    }

    #[test]
    fn headings_with_times_are_a_timeline() {
        let text = "# T\n## Timeline\nAll times in PST\n### Sep 27 2017 13:06\nDeployed\nagain.\n\n### 13:35\nMore\n## Next\n### 14:00\nno";
        assert_eq!(
            read(text, "2017-09-27"),
            [
                "2017-09-27 13:06 PST|Deployed again.|2017-09-27T21:06:00Z",
                "2017-09-27 13:35 PST|More|2017-09-27T21:35:00Z"
            ]
        );
    }

    #[test]
    fn tables_may_give_the_date_a_column_of_its_own() {
        let text = "## Timeline\n| # | Time (UTC) | Event | Data |\n|---|---|---|---|\n| 1 | 2020-01-02 10:00 | down | x |\n";
        assert_eq!(read(text, ""), ["2020-01-02 10:00 UTC|down · x|2020-01-02T10:00:00Z"]);
        let text = "## Timeline\n| Date | Time | Event |\n|---|---|---|\n| 2020-01-02 | 10:00 | down |\n| 2020-01-03 | ? | up |\n";
        assert_eq!(read(text, ""), ["2020-01-02 10:00 |down|-", "2020-01-03  |? · up|-"]);
    }

    #[test]
    fn a_clock_that_goes_far_back_has_passed_midnight() {
        let text = "## Timeline\nAll times UTC.\n- 23:50 a\n- 23:40 b\n- 00:10 c\n";
        assert_eq!(
            read(text, "2020-01-01"),
            [
                "2020-01-01 23:50 UTC|a|2020-01-01T23:50:00Z",
                "2020-01-01 23:40 UTC|b|2020-01-01T23:40:00Z",
                "2020-01-02 00:10 UTC|c|2020-01-02T00:10:00Z"
            ]
        );
    }

    #[test]
    fn dates_over_lists_hold_for_what_follows() {
        let text =
            "## Timeline\n2019-01-22\n- 2:54 PM PST: merged\n\n2019-01-23\n- 4:49 AM: seen\n";
        assert_eq!(
            read(text, "2019-01-23"),
            [
                "2019-01-22 14:54 PST|merged|2019-01-22T22:54:00Z",
                "2019-01-23 04:49 PST|seen|2019-01-23T12:49:00Z"
            ]
        );
    }

    #[test]
    fn without_a_section_lines_that_begin_with_times_make_a_timeline() {
        let text = "# T (times in BST)\n### 5:02 PM\nx\n### 5:04 PM\ny\n### 6:00 PM\nz\n";
        assert_eq!(read(text, "2020-07-01").len(), 3);
        assert_eq!(read("# T\n- 10:00 open\n- 18:00 close\n", "2020-07-01").len(), 0);
    }

    #[test]
    fn without_a_zone_or_a_date_there_is_no_moment() {
        assert_eq!(read("## Timeline\n- 10:00 a\n", "2020-01-01"), ["2020-01-01 10:00 |a|-"]);
        assert_eq!(read("## Timeline\n- 10:00 UTC a\n", ""), [" 10:00 UTC|a|-"]);
    }
}
