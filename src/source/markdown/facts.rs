//! What a document says in so many words: severity, services, loss, duration, cause, trigger, detection, lessons, authors.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::front::Front;
use super::outline::{Field, Heading, plain};
use super::passage::{Lines, short};
use super::sections::kind;
use super::stamp::{Day, Hour, stamp};
use super::zones::Zone;
use super::{amount, span, timeline};
use crate::model::{
    Amount, Clean, Found, Interval, Lasted, Loss, PostMortem, Rated, ReadFrom, SectionKind,
    Severity,
};

/// Things kept of each kind.
const MOST: usize = 100;

/// Fills in everything that stands in the document's own words.
pub fn fill(p: &mut PostMortem, lines: &Lines<'_>, front: &Front, title: Option<usize>) {
    let reader = Facts { lines, front, title };
    p.severity = reader.severity();
    p.status = reader.one(&["status"], &["status"]);
    p.services = reader.many(SERVICES);
    p.authors = reader.authors();
    p.summary = reader.passage(SectionKind::Summary).or_else(|| reader.opening());
    p.root_cause = reader.passage(SectionKind::RootCause);
    p.trigger = reader.passage(SectionKind::Trigger);
    p.detection = reader.passage(SectionKind::Detection);
    p.loss = reader.loss();
    p.lessons = reader.lessons();
    p.intervals = reader.intervals();
    let (stated, flag) = reader.stated(&p.intervals);
    p.stated = stated;
    p.flags.extend(flag);
    reader.times(p);
}

const SERVICES: &[&str] = &[
    "services",
    "service",
    "affected services",
    "affected service",
    "services affected",
    "impacted services",
    "impacted service",
    "components",
    "component",
    "affected components",
    "systems",
    "affected systems",
    "subsystem",
];
const AUTHORS: &[&str] = &[
    "authors",
    "author",
    "created by",
    "written by",
    "owner",
    "post-mortem owner",
    "postmortem owner",
    "facilitator",
    "incident lead",
    "incident commander",
];
/// Labels whose value says what was lost.
const LOSS: &[&str] = &[
    "business loss",
    "loss",
    "losses",
    "cost",
    "revenue loss",
    "revenue impact",
    "lost revenue",
    "financial impact",
    "business impact",
    "customer impact",
    "user impact",
    "user-facing impact",
    "affected customers",
    "affected users",
    "customers affected",
    "users affected",
    "impacted customers",
    "impacted users",
    "accounts affected",
    "affected accounts",
];
/// Labels inside an impact section that say something else.
const NO_LOSS: &[&str] = &["severity", "duration", "status", "date", "start", "end", "priority"];
const STARTS: &[&str] =
    &["start time", "start_time", "started", "start", "incident start", "began"];
const ENDS: &[&str] =
    &["end time", "end_time", "ended", "end", "incident end", "resolved at", "resolved"];
/// A duration above this is told, and marked.
const WEEKS: i64 = 8;

struct Facts<'a> {
    lines: &'a Lines<'a>,
    front: &'a Front,
    title: Option<usize>,
}

impl Facts<'_> {
    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.lines.outline.fields.iter().filter(|f| is_filled(&f.value))
    }

    fn labelled<'s>(&'s self, names: &'s [&str]) -> impl Iterator<Item = &'s Field> {
        self.fields().filter(|f| {
            let label = f.label.to_lowercase();
            names.contains(&label.trim_end_matches(':').trim())
        })
    }

    fn one(&self, keys: &[&str], labels: &[&str]) -> Option<Found<Clean>> {
        let front = self.front.get(keys).filter(|words| is_filled(words));
        front.map(|words| Found::new(short(words), ReadFrom::FrontMatter)).or_else(|| {
            let field = self.labelled(labels).next()?;
            Some(found(short(&field.value), field))
        })
    }

    /// Names in a list, or with commas between them.
    fn many(&self, names: &[&str]) -> Vec<Found<Clean>> {
        let front = names.iter().flat_map(|name| self.front.all(name)).filter(|w| is_filled(w));
        let mut all: Vec<Found<Clean>> = front
            .flat_map(split)
            .map(|word| Found::new(Clean::line(word), ReadFrom::FrontMatter))
            .collect();
        if all.is_empty() {
            all = self
                .labelled(names)
                .flat_map(|field| split(&field.value).map(|word| found(Clean::line(word), field)))
                .collect();
        }
        all.retain(|word| !word.value.is_empty());
        all.truncate(MOST);
        all
    }

    fn authors(&self) -> Vec<Found<Clean>> {
        let mut all = self.many(AUTHORS);
        for author in &mut all {
            let name = author.value.as_str().trim_matches(['[', ']', ' ']).to_owned();
            author.value = Clean::line(name);
        }
        all.dedup_by(|a, b| a.value == b.value);
        all
    }

    /// A severity in the document's own word; an unknown one where a label leaves no doubt what is meant.
    fn severity(&self) -> Option<Found<Rated>> {
        let front = self.front.get(&["severity", "sev", "impact_level"]).filter(|w| is_filled(w));
        if let Some(words) = front {
            return Some(Found::new(rated(words), ReadFrom::FrontMatter));
        }
        let named = ["severity", "incident severity", "sev", "severity level"];
        let field = self.labelled(&named).next().or_else(|| {
            self.labelled(&["priority"]).find(|field| rated(&field.value).level.is_some())
        })?;
        Some(found(rated(&field.value), field))
    }

    /// Sections of a kind, the most prominent first: a heading before a label, a higher before a lower one.
    fn of_kind(&self, wanted: SectionKind) -> Vec<(usize, &Heading)> {
        let mut found: Vec<(usize, &Heading)> = self
            .lines
            .outline
            .headings
            .iter()
            .enumerate()
            .filter(|(i, h)| Some(*i) != self.title && kind(&plain(&h.text)) == wanted)
            .collect();
        found.sort_by_key(|(i, h)| (h.item, h.level, *i));
        found
    }

    fn range(&self, at: usize, first: &Heading) -> Range<usize> {
        let next = self.lines.outline.headings.iter().skip(at + 1).find(|h| {
            if first.label { !h.item || first.item } else { !h.label && h.level <= first.level }
        });
        first.line + 1..next.map_or(self.lines.all.len(), |h| h.line)
    }

    fn field_at(&self, line: usize) -> Option<&Field> {
        let fields = &self.lines.outline.fields;
        fields.binary_search_by_key(&line, |f| f.line).ok().and_then(|at| fields.get(at))
    }

    /// A line that is bold and nothing else stands over others.
    fn is_lead(&self, line: usize) -> bool {
        self.field_at(line).is_some_and(|f| f.value.is_empty())
    }

    fn passage(&self, wanted: SectionKind) -> Option<Found<Clean>> {
        for (at, heading) in self.of_kind(wanted) {
            if heading.label
                && let Some(field) = self.field_at(heading.line).filter(|f| is_filled(&f.value))
            {
                return Some(found(short(&field.value), field));
            }
            if heading.item {
                continue;
            }
            let words = self.lines.first_words(self.range(at, heading), |i| self.is_lead(i));
            if let Some((line, words)) = words {
                return Some(Found::new(words, ReadFrom::Heading).at(line));
            }
        }
        let field = self.fields().find(|f| {
            kind(&f.label) == wanted && !f.label.contains(char::is_numeric) && f.value.len() > 3
        })?;
        Some(found(short(&field.value), field))
    }

    /// The first words below the title.
    fn opening(&self) -> Option<Found<Clean>> {
        let (line, words) = self.lines.first_words(self.intro(), |i| self.field_at(i).is_some())?;
        Some(Found::new(words, ReadFrom::Text).at(line))
    }

    /// From the title to the first heading of a part.
    fn intro(&self) -> Range<usize> {
        let headings = &self.lines.outline.headings;
        let title = self.title.and_then(|at| headings.get(at)).map(|h| h.line);
        let start = title.map_or(self.front.ends, |line| line + 1);
        let next = headings.iter().find(|h| !h.label && h.line >= start);
        start..next.map_or(self.lines.all.len(), |h| h.line)
    }

    fn loss(&self) -> Loss {
        let keys = ["loss", "business_loss", "cost", "revenue_loss", "business_impact", "impact"];
        if let Some(words) = self.front.get(&keys).filter(|w| is_filled(w)) {
            let amounts = amount::amounts(words);
            let words = Some(Found::new(short(words), ReadFrom::FrontMatter));
            let place = |a: Amount| Found::new(a, ReadFrom::FrontMatter);
            return Loss { words, amounts: amounts.into_iter().map(place).collect() };
        }
        let of_field = |field: &Field| Loss {
            words: Some(found(short(&field.value), field)),
            amounts: amount::amounts(&field.value).into_iter().map(|a| found(a, field)).collect(),
        };
        for (at, heading) in self.of_kind(SectionKind::Impact) {
            if heading.label
                && let Some(field) = self.field_at(heading.line).filter(|f| is_filled(&f.value))
            {
                return of_field(field);
            }
            let range = self.range(at, heading);
            if heading.item {
                continue;
            }
            let other = |i: usize| {
                self.field_at(i).is_some_and(|f| {
                    let label = f.label.to_lowercase();
                    f.value.is_empty() || NO_LOSS.contains(&label.as_str())
                })
            };
            let Some((line, words)) = self.lines.first_words(range.clone(), other) else {
                continue;
            };
            if let Some(field) = self.labelled(LOSS).find(|f| f.line == line) {
                return of_field(field);
            }
            let told: Vec<&str> = range
                .filter(|i| !other(*i) && !self.lines.is_head(*i))
                .filter_map(|i| self.lines.get(i))
                .map(|l| super::outline::head(l, 2_000))
                .take(200)
                .collect();
            let amounts = amount::amounts(&plain(&told.join("\n")));
            let place = |a: Amount| Found::new(a, ReadFrom::Heading).at(line);
            return Loss {
                words: Some(Found::new(words, ReadFrom::Heading).at(line)),
                amounts: amounts.into_iter().map(place).collect(),
            };
        }
        let own = self.labelled(LOSS).next();
        let own = own.or_else(|| self.fields().find(|f| kind(&f.label) == SectionKind::Impact));
        own.map(of_field).unwrap_or_default()
    }

    fn lessons(&self) -> Vec<Found<Clean>> {
        let mut found: Vec<Found<Clean>> = Vec::new();
        let mut after = 0;
        for (at, heading) in self.lines.outline.headings.iter().enumerate() {
            let lesson = kind(&plain(&heading.text)) == SectionKind::Lessons;
            if heading.item || !lesson || heading.line < after || found.len() >= MOST {
                continue;
            }
            let range = self.range(at, heading);
            after = range.end;
            let before = found.len();
            for item in self.lines.items(range.clone()) {
                let words = plain(&item.words);
                if words.chars().any(char::is_alphanumeric) {
                    found.push(Found::new(short(&words), ReadFrom::List).at(item.line));
                }
            }
            if found.len() == before
                && let Some((line, words)) = self.lines.first_words(range, |_| false)
            {
                found.push(Found::new(words, ReadFrom::Text).at(line));
            }
        }
        found.truncate(MOST);
        found
    }

    /// `Time to detection: 54 minutes`.
    fn intervals(&self) -> Vec<Interval> {
        let named = [
            "detection delay",
            "detection time",
            "recovery time",
            "resolution time",
            "mttr",
            "mttd",
        ];
        let is = |label: &str| {
            let label = label.to_lowercase();
            label.starts_with("time to ")
                || label.starts_with("time until ")
                || named.contains(&label.trim_end_matches(':'))
        };
        let mut found: Vec<Interval> = Vec::new();
        for field in self.fields().filter(|f| is(&f.label)) {
            let new = found.iter().all(|i| i.name.as_str() != field.label);
            if let Some(lasted) = lasted(&field.value).filter(|_| new && found.len() < MOST) {
                let lasted = self::found(lasted, field);
                found.push(Interval { name: Clean::line(&field.label), lasted });
            }
        }
        found
    }

    /// How long it lasted: said so, as the time to recovery, or in a sentence at the beginning.
    fn stated(&self, intervals: &[Interval]) -> (Option<Found<Lasted>>, Option<Clean>) {
        if let Some(found) = self.front.get(&["duration", "downtime"]).and_then(lasted) {
            return (Some(Found::new(found, ReadFrom::FrontMatter)), None);
        }
        let is = |label: &str| {
            let label = label.to_lowercase();
            label.contains("duration") || label.contains("downtime") && label.len() < 20
        };
        let mut said: Vec<Found<Lasted>> = Vec::new();
        for field in self.fields().filter(|f| is(&f.label)) {
            if let Some(lasted) = lasted(&field.value)
                && said.iter().all(|s| s.value.span != lasted.span)
            {
                said.push(found(lasted, field));
            }
        }
        if said.len() > 1 {
            let words = format!("{} durations: several incidents?", said.len());
            return (None, Some(Clean::line(words)));
        }
        if let Some(only) = said.pop() {
            let days = only.value.span.as_hours() / 24;
            let long =
                (days > WEEKS * 7).then(|| Clean::line(format_args!("lasted {} weeks?", days / 7)));
            return (Some(only), long);
        }
        let ends = ["recover", "resol", "restor", "mitigat", "fix", "repair", "mttr"];
        let recovery = intervals.iter().find(|i| {
            let name = i.name.as_str().to_lowercase();
            ends.iter().any(|end| name.contains(end))
        });
        if let Some(interval) = recovery {
            return (Some(interval.lasted.clone()), None);
        }
        let mut parts = vec![self.intro()];
        for wanted in [SectionKind::Summary, SectionKind::Impact] {
            let first = self.of_kind(wanted).into_iter().find(|(_, h)| !h.label);
            parts.extend(first.map(|(at, heading)| self.range(at, heading)));
        }
        for part in parts {
            let start = part.start;
            let told: Vec<&str> = part.filter_map(|i| self.lines.get(i)).take(200).collect();
            let told = told.join("\n");
            if let Some(found) = span::in_prose(&told) {
                let before = told.get(..found.start).unwrap_or_default();
                let lasted = Lasted {
                    span: found.length,
                    clock: span::clock(
                        told.get(found.end..)
                            .unwrap_or_default()
                            .split('.')
                            .next()
                            .unwrap_or_default(),
                    ),
                    words: Clean::line(told.get(found.start..found.end).unwrap_or_default()),
                };
                let line = start + before.matches('\n').count();
                return (Some(Found::new(lasted, ReadFrom::Text).at(line)), None);
            }
        }
        (None, None)
    }

    /// When it began and ended: by its own fields, else from the first to the last moment of the timeline.
    fn times(&self, p: &mut PostMortem) {
        let zone = timeline::zone(self.lines);
        let read = |keys: &[&str]| {
            let front = self.front.get(keys).and_then(|words| moment(words, zone.as_ref()));
            front.map(|at| Found::new(at, ReadFrom::FrontMatter)).or_else(|| {
                let mut fields = self.labelled(keys);
                fields.find_map(|field| Some(found(moment(&field.value, zone.as_ref())?, field)))
            })
        };
        p.began = read(STARTS);
        p.ended = read(ENDS);
        if let (Some(began), Some(ended)) = (&p.began, &p.ended) {
            if ended.value < began.value {
                p.flags.push("its end is before its start".into());
            }
            if let (Some(stated), Some(elapsed)) = (&p.stated, p.elapsed())
                && stated.value.clock == crate::model::Clock::Wall
            {
                let apart = (stated.value.span - elapsed).abs();
                if apart.as_mins() > 10 && apart.as_secs() * 5 > elapsed.as_secs() {
                    p.flags.push("its times contradict its duration".into());
                }
            }
            return;
        }
        let moments = || p.timeline.iter().filter_map(|h| Some((h.at?, h.line)));
        let place = |(at, line): (Timestamp, usize)| Found::new(at, ReadFrom::Timeline).at(line);
        if p.began.is_none() && p.ended.is_none() {
            p.began = moments().min_by_key(|m| m.0).map(place);
            p.ended = moments().max_by_key(|m| m.0).map(place);
        }
    }
}

/// Whether a value says anything: a placeholder of a template does not.
fn is_filled(value: &str) -> bool {
    let value = value.trim().trim_matches(['_', '*', '<', '>', '[', ']', '.', ' ']);
    let lower = value.to_lowercase();
    let nothing =
        ["", "-", "?", "n/a", "na", "tbd", "tba", "todo", "none", "unknown", "xxx", "yyy", "zzz"];
    !nothing.contains(&lower.as_str())
}

fn found<T>(value: T, field: &Field) -> Found<T> {
    Found::new(value, field.place).at(field.line)
}

fn rated(words: &str) -> Rated {
    let word = words.split([' ', '(', ',', ';', '/']).next().unwrap_or_default();
    Rated { word: short(words), level: Severity::parse(words).or_else(|| Severity::parse(word)) }
}

fn split(words: &str) -> impl Iterator<Item = &str> {
    words
        .split([',', ';', '&'])
        .flat_map(|part| part.split(" and "))
        .map(str::trim)
        .filter(|w| !w.is_empty())
}

fn lasted(words: &str) -> Option<Lasted> {
    let found = span::first(words)?;
    Some(Lasted { span: found.length, clock: span::clock(words), words: short(words) })
}

/// A moment with date, time and zone; the document's zone where the words have none.
fn moment(words: &str, zone: Option<&Zone>) -> Option<Timestamp> {
    if let Ok(at) = words.trim().parse::<Timestamp>() {
        return Some(at);
    }
    let found = stamp(words)?;
    let Some(Day::Whole(date)) = found.day else { return None };
    let time = found.time.and_then(Hour::known)?;
    found.zone.as_ref().or(zone)?.moment(DateTime::from_parts(date, time))
}
