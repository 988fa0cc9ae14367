//! What was found, as something to ask: each number of many services in one question, told apart by their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::presets::{self, Number, Preset};
use super::promql::{self, mark};
use super::selector::matcher;
use super::watched::Watched;
use crate::model::{Bound, Clean, Discovered, Key, Metric, MetricId, Name, SourceName, Unit};

/// One number of one service, and the labels that select its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub service: Name,
    /// Of its number in `presets::all`.
    pub place: usize,
    pub labels: Vec<(String, String)>,
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

impl Entry {
    pub fn number(&self) -> Option<(&'static Preset, &'static Number)> {
        presets::all().nth(self.place)
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
    pub fn write(&self, watched: &[Watched]) -> String {
        let mut text = world(watched);
        for Entry { service, place, labels } in &self.entries {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("\t{name}\t{value}")).collect();
            let _ = write!(text, "\n{service}\t{place}{}", labels.concat());
        }
        text
    }

    pub fn read(text: &str, watched: &[Watched]) -> Self {
        let mut lines = text.split('\n');
        if lines.next() != Some(&world(watched)) {
            return Self::default();
        }
        let entry = |line: &str| {
            let mut words = line.split('\t');
            let (service, place) = (Name::new(words.next()?), words.next()?.parse().ok()?);
            let mut labels = Vec::new();
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                labels.push((name.to_owned(), value.to_owned()));
            }
            Some(Entry { service, place, labels })
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

    pub fn services(&self) -> BTreeSet<&Name> {
        self.entries.iter().map(|entry| &entry.service).collect()
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
fn world(watched: &[Watched]) -> String {
    let table = presets::all().map(|(preset, n)| format!("{}{}{}", preset.name, n.query, n.with));
    let services = watched.iter().map(|one| format!("{one:?}"));
    mark(&table.chain(services).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Service;

    fn watched(names: &[&str]) -> Vec<Watched> {
        let service = |name: &&str| Service { name: Name::new(name), ..Service::default() };
        Watched::all(&names.iter().map(service).collect::<Vec<_>>())
    }

    fn place(series: &str, name: &str) -> usize {
        presets::all().position(|(_, n)| n.series == series && n.name == name).unwrap()
    }

    fn entry(service: &str, place: usize, labels: &[(&str, &str)]) -> Entry {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Entry { service: Name::new(service), place, labels }
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
    fn a_plan_is_read_again_only_where_it_still_fits() {
        let (one, two) = (watched(&["web"]), watched(&["web", "api"]));
        let plan = Plan { entries: vec![entry("web", 3, &[("job", "web"), ("env", "a b=c")])] };
        let text = plan.write(&one);
        assert_eq!(Plan::read(&text, &one), plan);
        assert_eq!(Plan::read(&text, &two), Plan::default());
        assert_eq!(Plan::read("", &one), Plan::default());
        assert_eq!(Plan::read(&format!("{text}\nrot\nweb\tx"), &one).entries.len(), 1);
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
