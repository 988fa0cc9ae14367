//! What was found, as something to ask: each number of many services in one question, told apart by their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::nan;
use super::presets::{self, Number, Preset};
use super::promql::{self, mark};
use super::selector::matcher;
use super::watched::{Sought, Watched};
use crate::model::{
    Bound, Clean, Discovered, Key, Measure, Metric, MetricId, Name, Role, SourceName, Unit,
};

/// One number of one service, and the labels that select its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub service: Name,
    /// Of its number in `presets::all`.
    pub place: usize,
    pub labels: Vec<(String, String)>,
    /// The first look around that saw nothing of it any more.
    pub lost: Option<Timestamp>,
}

/// Everything that was found, in the order of the services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub entries: Vec<Entry>,
}

/// One question and whom its answers are for: values of its labels, and the entry with them.
#[derive(Debug)]
pub struct Question {
    pub query: String,
    pub labels: Vec<String>,
    pub answers: BTreeMap<Vec<String>, usize>,
    /// It asks what the number is a share of.
    pub whole: bool,
}

/// Bytes of the names in one question: more would make a query longer than stores and proxies take.
const BYTES: usize = promql::BYTES * 3 / 4;

/// A number whose series are gone is asked for this long all the same: what is down tells nothing, and its past is
/// needed just then. Somebody who took it away for good sees it missing for a day.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Entry {
    pub fn number(&self) -> Option<(&'static Preset, &'static Number)> {
        presets::all().nth(self.place)
    }

    /// Whether it says what is good.
    pub fn is_judged(&self) -> bool {
        self.number().is_some_and(|(_, n)| !n.good.is_empty() || !n.bad.is_empty())
    }

    /// The number as anybody else would have configured it, with a question for it alone.
    pub fn discovered(&self, source: &SourceName, apart: bool) -> Option<Discovered> {
        let (preset, number) = self.number()?;
        let name = if apart { format!("{} ({source})", number.name) } else { number.name.into() };
        let name = Name::new(&name);
        let labels = self.labels.iter().map(|(k, v)| (k.as_str(), [v.as_str()].into()));
        let metric = Metric {
            id: MetricId { service: Some(self.service.clone()), metric: name.clone() },
            source: source.clone(),
            query: asked(number.query, &labels.collect::<Vec<_>>(), false).into(),
            unit: Unit::parse(number.unit),
            role: number.role,
            good: Bound::parse(number.good),
            bad: Bound::parse(number.bad),
            weight: number.weight,
        };
        let key = Key::new(source, Discovered::id(&self.service, &name));
        Some(Discovered { key, preset: Clean::from(preset.name), metric })
    }
}

impl Plan {
    /// Adds what an earlier look around found and this one did not: it is missing, not gone, unless something else
    /// stands in its place.
    #[must_use]
    pub fn keep(mut self, before: Self, watched: &[Watched], now: Timestamp) -> Self {
        if before.entries.is_empty() {
            return self;
        }
        let mut had: BTreeMap<&Name, (BTreeSet<&str>, BTreeSet<Role>)> = BTreeMap::new();
        for entry in &self.entries {
            let Some((_, number)) = entry.number() else { continue };
            let (names, roles) = had.entry(&entry.service).or_default();
            names.insert(number.name);
            roles.insert(number.role);
        }
        let is_missing = |entry: &Entry| {
            let Some((_, number)) = entry.number() else { return false };
            let stands = had.get(&entry.service).is_some_and(|(names, roles)| {
                names.contains(number.name) || (number.is_single() && roles.contains(&number.role))
            });
            !stands && entry.lost.is_none_or(|lost| now.duration_since(lost) < KEPT)
        };
        let missing: Vec<Entry> = before.entries.into_iter().filter(is_missing).collect();
        let missing =
            missing.into_iter().map(|entry| Entry { lost: entry.lost.or(Some(now)), ..entry });
        self.entries.extend(missing);
        let order: BTreeMap<&Name, usize> =
            watched.iter().enumerate().map(|(i, one)| (&one.name, i)).collect();
        self.entries.sort_by_key(|entry| (order.get(&entry.service).copied(), entry.place));
        self
    }

    /// Every question, in a stable order.
    pub fn questions(&self) -> Vec<Question> {
        let mut groups: BTreeMap<(usize, Vec<&str>), Vec<usize>> = BTreeMap::new();
        for (i, entry) in self.entries.iter().enumerate() {
            let labels = entry.labels.iter().map(|(name, _)| name.as_str()).collect();
            groups.entry((entry.place, labels)).or_default().push(i);
        }
        let mut questions = Vec::new();
        for ((place, labels), members) in groups {
            let Some((_, number)) = presets::all().nth(place) else { continue };
            let whole = number.of.map_or("", |(whole, _)| whole);
            let times = [number.query, whole].map(|text| text.matches("$s").count());
            let times = times.into_iter().max().unwrap_or(1);
            for members in self.in_parts(&members, times) {
                questions.push(self.question(number.query, &labels, &members, false));
                if let Some((whole, _)) = number.of {
                    questions.push(self.question(whole, &labels, &members, true));
                }
            }
        }
        questions
    }

    /// Entries whose labels fit into one question, which names them so many times.
    fn in_parts(&self, members: &[usize], times: usize) -> Vec<Vec<usize>> {
        let long = |i: &usize| {
            let labels = self.entries.get(*i).map_or(&[][..], |entry| &entry.labels);
            let bytes: usize = labels.iter().map(|(_, value)| value.len() + 2).sum();
            (*i, bytes * times)
        };
        promql::batches_of(usize::MAX, BYTES, members.iter().map(long))
    }

    fn question(&self, text: &str, labels: &[&str], members: &[usize], whole: bool) -> Question {
        let mut values: Vec<(&str, BTreeSet<&str>)> =
            labels.iter().map(|label| (*label, BTreeSet::new())).collect();
        let mut answers = BTreeMap::new();
        for i in members {
            let Some(entry) = self.entries.get(*i) else { continue };
            for (all, (_, value)) in values.iter_mut().zip(&entry.labels) {
                all.1.insert(value);
            }
            answers.insert(entry.labels.iter().map(|(_, value)| value.clone()).collect(), *i);
        }
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Question { query: asked(text, &values, true), labels, answers, whole }
    }

    /// As text for the next poll; `andon` reads it again only while table and services are what they were.
    pub fn write(&self, watched: &Sought) -> String {
        let mut text = watched.world().to_owned();
        for Entry { service, place, labels, lost } in &self.entries {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("\t{name}\t{value}")).collect();
            let lost = lost.map_or_else(String::new, |at| at.as_second().to_string());
            let _ = write!(text, "\n{service}\t{place}\t{lost}{}", labels.concat());
        }
        text
    }

    pub fn read(text: &str, watched: &Sought) -> Self {
        let mut lines = text.split('\n');
        if text.is_empty() || lines.next() != Some(watched.world()) {
            return Self::default();
        }
        let entry = |line: &str| {
            let mut words = line.split('\t');
            let (service, place) = (Name::new(words.next()?), words.next()?.parse().ok()?);
            let lost = match words.next()? {
                "" => None,
                second => Some(Timestamp::from_second(second.parse().ok()?).ok()?),
            };
            let mut labels = Vec::new();
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                labels.push((name.to_owned(), value.to_owned()));
            }
            Some(Entry { service, place, labels, lost })
        };
        Self { entries: lines.filter_map(entry).collect() }
    }

    /// `Micrometer, node_exporter`, in the table's order.
    pub fn presets(&self) -> Vec<&'static str> {
        let places: BTreeSet<usize> = self.entries.iter().map(|e| e.place).collect();
        let mut names: Vec<&'static str> = Vec::new();
        for (place, (preset, _)) in presets::all().enumerate() {
            if places.contains(&place) && !names.contains(&preset.name) {
                names.push(preset.name);
            }
        }
        names
    }

    /// What a value of one of the numbers says.
    pub fn reading(&self, i: usize, value: f64) -> Measure {
        let number = self.entries.get(i).and_then(Entry::number);
        number.map_or_else(|| Measure::of(value), |(_, n)| nan::reading(value, n.role, n.query))
    }

    /// What is there now: not what is missing.
    pub fn seen(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.lost.is_none())
    }

    /// Those of whom something is there.
    pub fn services(&self) -> BTreeSet<&Name> {
        self.seen().map(|entry| &entry.service).collect()
    }
}

/// A template as a question: about one service as it stands, about many told apart by their labels.
fn asked(template: &str, labels: &[(&str, BTreeSet<&str>)], many: bool) -> String {
    let matchers: Vec<String> = labels.iter().map(|(name, values)| matcher(name, values)).collect();
    let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let (by, le) = if many {
        (format!("by ({names}) "), format!("by (le, {names}) "))
    } else {
        (String::new(), "by (le) ".to_owned())
    };
    // The selector comes last: a value may hold anything, even a word of the template.
    let text = template.replace("$by ", &by).replace("$le ", &le);
    text.replace("$s", &matchers.join(","))
}

/// What a plan depends on: the table of presets, and how services are found.
pub fn world(watched: &[Watched]) -> String {
    let table = presets::all().map(|(preset, n)| format!("{}{}{}", preset.name, n.query, n.with));
    let services = watched.iter().map(|one| format!("{one:?}"));
    mark(&table.chain(services).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Service;

    fn watched(names: &[&str]) -> Sought {
        let service = |name: &&str| Service { name: Name::new(name), ..Service::default() };
        Sought::of(&names.iter().map(service).collect::<Vec<_>>())
    }

    fn place(series: &str, name: &str) -> usize {
        presets::all().position(|(_, n)| n.series == series && n.name == name).unwrap()
    }

    fn entry(service: &str, place: usize, labels: &[(&str, &str)]) -> Entry {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Entry { service: Name::new(service), place, labels, lost: None }
    }

    #[test]
    fn one_question_asks_a_number_for_every_service() {
        let place = place("http_requests_total", "requests");
        let plan = Plan {
            entries: vec![
                entry("web", place, &[("job", "web")]),
                entry("api", place, &[("job", "shop/api")]),
                entry("db", place, &[("app", "db")]),
            ],
        };
        let questions = plan.questions();
        let told: Vec<&str> = questions.iter().map(|q| q.query.as_str()).collect();
        assert_eq!(
            told,
            [
                "sum by (app) (rate(http_requests_total{app=\"db\"}[5m]))",
                "sum by (job) (rate(http_requests_total{job=~\"shop/api|web\"}[5m]))",
            ]
        );
        assert_eq!(questions[1].answers.get(&vec!["shop/api".to_owned()]), Some(&1));
        let alone = plan.entries[1].discovered(&Name::new("prom"), false).unwrap();
        assert_eq!(&*alone.metric.query, "sum (rate(http_requests_total{job=\"shop/api\"}[5m]))");
    }

    #[test]
    fn a_found_share_of_nothing_is_no_traffic_and_a_found_gauge_without_a_number_is_not() {
        let up = entry("web", place("up", "targets up"), &[("job", "web")]);
        let gauge = entry("web", place("go_goroutines", "goroutines"), &[("job", "web")]);
        let plan = Plan { entries: vec![up, gauge] };
        assert_eq!(plan.reading(0, f64::NAN), Measure::NoTraffic);
        assert_eq!(plan.reading(1, f64::NAN), Measure::Unreadable(nan::NO_NUMBER.into()));
        assert_eq!(plan.reading(1, 7.0), Measure::Number(7.0));
    }

    #[test]
    fn a_plan_is_read_again_only_where_it_still_fits() {
        let (one, two) = (watched(&["web"]), watched(&["web", "api"]));
        let lost = Timestamp::from_second(1_000).ok();
        let gone = Entry { lost, ..entry("web", 4, &[("job", "web")]) };
        let plan =
            Plan { entries: vec![entry("web", 3, &[("job", "web"), ("env", "a b=c")]), gone] };
        let text = plan.write(&one);
        assert_eq!(Plan::read(&text, &one), plan);
        assert_eq!(Plan::read(&text, &two), Plan::default());
        assert_eq!(Plan::read("", &one), Plan::default());
        assert_eq!(Plan::read(&format!("{text}\nrot\nweb\tx"), &one).entries.len(), 2);
    }

    #[test]
    fn numbers_of_what_went_down_are_missing_and_not_forgotten() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let team = watched(&["web", "db"]);
        let [requests, up] = [("http_requests_total", "requests"), ("up", "targets up")]
            .map(|(series, name)| place(series, name));
        let labels = [("job", "web")];
        let all =
            Plan { entries: vec![entry("web", up, &labels), entry("web", requests, &labels)] };
        let seen = Plan { entries: vec![entry("web", up, &labels), entry("db", up, &labels)] };
        let kept = seen.clone().keep(all, &team, at(10));
        let told = |plan: &Plan| {
            let entries = plan.entries.iter();
            entries.map(|e| (e.service.to_string(), e.place, e.lost)).collect::<Vec<_>>()
        };
        let mut expected = vec![
            ("web".to_owned(), up, None),
            ("web".to_owned(), requests, Some(at(10))),
            ("db".to_owned(), up, None),
        ];
        expected[..2].sort_by_key(|(_, place, _)| *place);
        assert_eq!(told(&kept), expected);
        // It is missing since it was first, and after a day nobody waits for it.
        let later = seen.clone().keep(kept.clone(), &team, at(33));
        assert_eq!(told(&later), expected);
        assert_eq!(seen.clone().keep(later, &team, at(34)).entries.len(), 2);
        // Another exporter's number of the same kind stands in its place.
        let other = presets::all().position(|(preset, n)| {
            n.name == "requests" && preset.name != presets::all().nth(requests).unwrap().0.name
        });
        let seen = Plan { entries: vec![entry("web", other.unwrap(), &labels)] };
        let moved = seen.keep(kept, &team, at(11));
        assert!(moved.entries.iter().all(|entry| entry.place != requests));
    }

    #[test]
    fn every_template_is_whole() {
        for (preset, number) in presets::all() {
            let words = format!("{} {}", preset.name, number.name);
            for text in
                [Some(number.query), number.of.map(|(whole, _)| whole)].into_iter().flatten()
            {
                let many = asked(text, &[("job", ["a", "b"].into())], true);
                let one = asked(text, &[("job", ["a"].into())], false);
                assert!(!many.contains('$') && !one.contains('$'), "{words}: {many}");
                assert!(many.contains("by (") && many.contains("job=~\"a|b\""), "{words}: {many}");
                let depth = |open, close| one.matches(open).count() == one.matches(close).count();
                assert!(depth("(", ")") && depth("{", "}"), "{words}: {one}");
            }
            assert!(number.good.is_empty() || Bound::parse(number.good).is_some(), "{words}");
            assert!(number.bad.is_empty() || Bound::parse(number.bad).is_some(), "{words}");
        }
    }
}
