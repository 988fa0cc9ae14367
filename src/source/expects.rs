//! Alerts that fire always: what is expected of an alerting pipeline, so that its silence is heard.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::Problem;
use crate::model::{Alert, AlertState, Clean, Expected};

/// The option's name, and its sentence in the help.
pub const OPTION: (&str, &str) = (
    "expects",
    "alerts that fire always, and say that alerting is dead when they stop: [{ name = \"watchdog\", labels = { alertname = \"Watchdog\" } }]",
);

/// One of `expects`: an alert with all of these labels.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Expect {
    fn is_met_by(&self, alert: &Alert) -> bool {
        let told = |name: &str| alert.label(name).map_or("", Clean::as_str);
        // What is silenced did arrive; what only waits to fire did not.
        !matches!(alert.state, AlertState::Pending)
            && self.labels.iter().all(|(name, value)| told(name) == Clean::line(value).as_str())
    }

    fn words(&self) -> Clean {
        let pairs: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
        Clean::line(pairs.join(", "))
    }
}

/// What is wrong with them, one sentence each.
pub fn problems(expects: &[Expect]) -> Vec<Problem> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for expect in expects {
        let name = &expect.name;
        let legal = |label: &str| {
            let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
            label.starts_with(letter) && label.chars().all(|c| letter(c) || c.is_ascii_digit())
        };
        if name.trim().is_empty() {
            found.push("one of them has no name".to_owned());
        } else if !names.insert(name.trim()) {
            found.push(format!("two of them are called {name}"));
        }
        if expect.labels.is_empty() {
            found.push(format!(
                "{name} has no labels: any alert would do; such as labels = {{ alertname = \"Watchdog\" }}"
            ));
        }
        found.extend(
            expect
                .labels
                .keys()
                .filter(|label| !legal(label))
                .map(|label| format!("{name}: `{label}` is no label: letters, digits and _ are")),
        );
        found.extend(expect.labels.iter().filter(|(_, value)| value.is_empty()).map(
            |(label, _)| {
                format!("{name}: the label {label} is empty, which says that an alert has none")
            },
        ));
    }
    found.into_iter().map(|message| Problem::Key { key: OPTION.0, message }).collect()
}

/// Takes the expected alerts out of a whole answer: they are no trouble. What is left is; and who did not come is said.
pub fn take(expects: &[Expect], alerts: &mut Vec<Alert>, now: Timestamp) -> Vec<Expected> {
    let met = |expect: &Expect| alerts.iter().any(|alert| expect.is_met_by(alert));
    let told = all(expects).into_iter().zip(expects);
    let expected = told
        .map(|(known, expect)| Expected { missing_since: (!met(expect)).then_some(now), ..known });
    let expected = expected.collect();
    alerts.retain(|alert| !expects.iter().any(|expect| expect.is_met_by(alert)));
    expected
}

/// What is expected, before anybody knows whether it arrives.
pub fn all(expects: &[Expect]) -> Vec<Expected> {
    let expected = |expect: &Expect| Expected {
        name: Clean::line(&expect.name),
        labels: expect.words(),
        missing_since: None,
    };
    expects.iter().map(expected).collect()
}

/// Said of a source whose pipeline is dead.
pub fn notes(expected: &[Expected]) -> impl Iterator<Item = Clean> {
    expected.iter().filter(|e| e.missing_since.is_some()).map(|e| {
        let Expected { name, labels, .. } = e;
        Clean::line(format_args!("alerting is broken: {name} ({labels}) does not arrive"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Labels, SourceName};

    fn alert(labels: &[(&str, &str)], state: AlertState) -> Alert {
        let labels: Labels = labels.iter().map(|(k, v)| (Clean::line(k), Clean::line(v))).collect();
        Alert {
            key: Key::new(&SourceName::new("am"), "1"),
            name: labels.get(&Clean::from("alertname")).cloned().unwrap_or_default(),
            labels,
            summary: Clean::default(),
            description: Clean::default(),
            state,
            suppressed: Vec::new(),
            severity: None,
            started: None,
            receivers: Vec::new(),
            url: None,
            runbook: None,
        }
    }

    fn expect(name: &str, labels: &[(&str, &str)]) -> Expect {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Expect { name: name.to_owned(), labels }
    }

    #[test]
    fn what_arrives_is_no_trouble_and_what_does_not_is_missing() {
        let now = Timestamp::UNIX_EPOCH;
        let expects = [
            expect("watchdog", &[("alertname", "Watchdog"), ("instance", "prom-1")]),
            expect("other", &[("alertname", "Watchdog"), ("instance", "prom-2")]),
        ];
        let told = |state: AlertState| {
            let watchdog = [("alertname", "Watchdog"), ("instance", "prom-1"), ("region", "eu")];
            vec![alert(&watchdog, state), alert(&[("alertname", "Errors")], AlertState::Firing)]
        };
        for (state, arrives) in [
            (AlertState::Firing, true),
            // A silence stills it, but it did come.
            (AlertState::Suppressed, true),
            (AlertState::Pending, false),
        ] {
            let mut alerts = told(state);
            let expected = take(&expects, &mut alerts, now);
            let missing: Vec<bool> = expected.iter().map(|e| e.missing_since.is_some()).collect();
            assert_eq!(missing, [!arrives, true]);
            assert_eq!(alerts.len(), if arrives { 1 } else { 2 });
            assert_eq!(alerts.last().unwrap().name.as_str(), "Errors");
        }
    }

    #[test]
    fn a_label_more_or_an_empty_one_is_no_match() {
        let expects = [expect("watchdog", &[("alertname", "Watchdog"), ("severity", "none")])];
        let mut alerts = vec![alert(&[("alertname", "Watchdog")], AlertState::Firing)];
        assert!(take(&expects, &mut alerts, Timestamp::UNIX_EPOCH)[0].missing_since.is_some());
        assert_eq!(alerts.len(), 1);
    }

    #[test]
    fn every_problem_is_said_at_once() {
        let expects = [
            expect("a", &[]),
            expect("a", &[("alert name", "x")]),
            expect("", &[("alertname", "")]),
        ];
        let messages: Vec<String> = problems(&expects)
            .into_iter()
            .map(|p| match p {
                Problem::Key { key: "expects", message } => message,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(messages.len(), 5, "{messages:#?}");
    }
}
