//! Alertmanager: alert groups with the reason they are quiet, and silences.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::expects::{self, Expect};
use super::rows::{self, Gaps, Row};
use super::{Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source, wire};
use crate::model::{
    Alert, AlertState, Clean, Expected, Fact, Feed, Id, Key, Report, Severity, Silence,
    SilenceState, SourceName, Suppression, Trouble,
};

pub const KIND: Kind = Kind {
    name: "alertmanager",
    about: "Alertmanager: alert groups with the reason they are quiet, and silences",
    every: Duration::from_secs(15),
    default_url: None,
    needs_url: true,
    options: &[expects::OPTION],
    open,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    expects: Vec<Expect>,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let mut problems = Vec::new();
    let Options { expects } = Options::deserialize(opening.options).unwrap_or_else(|e| {
        problems.push(Problem::Toml(e));
        Options::default()
    });
    problems.extend(expects::problems(&expects));
    match opening.url {
        Some(base) if problems.is_empty() => {
            Ok(Box::new(Alertmanager { name: opening.name, base, expects }))
        }
        Some(_) => Err(problems),
        None => {
            let message = "an address is needed, such as http://127.0.0.1:9093".to_owned();
            problems.push(Problem::Key { key: "url", message });
            Err(problems)
        }
    }
}

#[derive(Debug)]
struct Alertmanager {
    name: SourceName,
    base: Url,
    expects: Vec<Expect>,
}

const GROUPS: &str = "groups";
const SILENCES: &str = "silences";
const ABOUT: &str = "about";
/// The version of a server seldom changes.
const ABOUT_EVERY: u64 = 20;
/// Bytes kept of a description.
const BODY: usize = 4 * 1024;

impl Source for Alertmanager {
    fn expects(&self) -> Vec<Expected> {
        expects::all(&self.expects)
    }

    /// Groups, because only they tell of mute intervals (0.28 and later); v1 is gone since 0.27.
    fn ask(&self, asking: &Asking<'_>) -> Vec<Request> {
        let get =
            |tag: &str, path: &str| Request::Http(Http::get(tag, wire::join(&self.base, path)));
        let mut requests =
            vec![get(GROUPS, "api/v2/alerts/groups"), get(SILENCES, "api/v2/silences")];
        if asking.round.is_multiple_of(ABOUT_EVERY) {
            requests.push(get(ABOUT, "api/v2/status"));
        }
        requests
    }

    fn read(&self, asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let mut report = Report::default();
        let mut partial = Vec::new();
        // Without its alerts a poll is no partial success: it would keep "no alert firing" fresh for ever.
        let (mut alerts, gaps, whole) = self.alerts(find(heard, GROUPS))?;
        let expected = expects::take(&self.expects, &mut alerts, asking.now);
        if whole {
            report.notes.extend(expects::notes(&expected));
            report.expected = Some(expected);
        }
        let facts = alerts.into_iter().map(Fact::Alert).collect();
        let alerts = Told { facts, gaps, whole };
        let answers = [
            ("alerts", Feed::Alerts, Ok(alerts)),
            ("silences", Feed::Silences, self.silences(find(heard, SILENCES))),
        ];
        for (what, feed, answer) in answers {
            match answer {
                Ok(told) => {
                    report.facts.extend(told.facts);
                    partial.extend(told.gaps.words().map(|words| format!("{what}: {words}")));
                    report.complete.extend(told.whole.then_some(feed));
                }
                Err(trouble) => partial.push(format!("{what}: {trouble}")),
            }
        }
        report.partial = (!partial.is_empty()).then(|| Clean::line(partial.join("; ")));
        report.about = find(heard, ABOUT)
            .and_then(version)
            .or_else(|| asking.memory.get(ABOUT).map(Clean::line));
        if let Some(about) = &report.about {
            report.remember.push((ABOUT.into(), about.as_str().into()));
        }
        Ok(Reading::Done(report))
    }
}

struct Told {
    facts: Vec<Fact>,
    gaps: Gaps,
    /// Everything the server has: what is missing is gone.
    whole: bool,
}

impl Alertmanager {
    /// An alert stands in one group per route that takes it: its fingerprint makes it one again.
    fn alerts(&self, exchange: Option<&Exchange>) -> Result<(Vec<Alert>, Gaps, bool), Trouble> {
        let body = body(exchange)?;
        let mut gaps = Gaps::default();
        let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
        let mut whole = true;
        gaps.read("", &rows::items(body)?, |group| {
            let rows = group.rows("/alerts");
            whole &= rows.len() < rows::MOST;
            for row in rows {
                let Some(print) = row.id("/fingerprint") else {
                    row.odd("/fingerprint", "missing, the alert is left out");
                    whole = false;
                    continue;
                };
                let alert = self.alert(&print, &row);
                match alerts.get_mut(&print) {
                    Some(known) => {
                        for receiver in alert.receivers {
                            if !known.receivers.contains(&receiver) {
                                known.receivers.push(receiver);
                            }
                        }
                    }
                    None => {
                        alerts.insert(print, alert);
                    }
                }
            }
            Some(())
        });
        let Told { gaps, whole, .. } = told(Vec::new(), gaps, whole)?;
        Ok((alerts.into_values().collect(), gaps, whole))
    }

    fn alert(&self, print: &str, row: &Row<'_>) -> Alert {
        let silenced = row.texts("/status/silencedBy").into_iter();
        let inhibited = row.texts("/status/inhibitedBy").into_iter();
        let muted = row.texts("/status/mutedBy").into_iter();
        let suppressed: Vec<Suppression> = silenced
            .map(|id| Suppression::Silenced(Key { source: self.name.clone(), id: Id::new(id) }))
            .chain(inhibited.map(|by| Suppression::Inhibited(Clean::line(by))))
            .chain(muted.map(|name| Suppression::Muted(Clean::line(name))))
            .collect();
        let state = match row.raw("/status/state") {
            "active" | "unprocessed" if suppressed.is_empty() => AlertState::Firing,
            "active" | "unprocessed" | "suppressed" => AlertState::Suppressed,
            "" => AlertState::Other(Clean::from("not told")),
            other => AlertState::Other(Clean::line(wire::brief(other))),
        };
        let name = row.text("/labels/alertname");
        Alert {
            key: Key::new(&self.name, format!("{print}@{}", row.raw("/startsAt"))),
            name: if name.is_empty() { Clean::from("alert without a name") } else { name },
            labels: row.labels("/labels"),
            summary: row.first_text(&["/annotations/summary", "/annotations/message"]),
            description: Clean::body(row.raw("/annotations/description"), BODY),
            state,
            suppressed,
            severity: Severity::parse(row.raw("/labels/severity")),
            started: row.time("/startsAt"),
            receivers: row.rows("/receivers").iter().map(|r| r.text("/name")).collect(),
            url: row.link("/generatorURL"),
            runbook: row.link("/annotations/runbook_url"),
        }
    }

    fn silences(&self, exchange: Option<&Exchange>) -> Result<Told, Trouble> {
        let body = body(exchange)?;
        let mut gaps = Gaps::default();
        let silences = gaps.read("", &rows::items(body)?, |row| self.silence(row));
        told(silences.into_iter().map(Fact::Silence).collect(), gaps, true)
    }

    fn silence(&self, row: &Row<'_>) -> Option<Silence> {
        let id = row.id("/id")?;
        let mut matchers: Vec<Clean> = row.rows("/matchers").iter().map(matcher).collect();
        if matchers.is_empty() {
            // From 0.32 a silence may hold several sets; a plain list cannot say them.
            matchers.push(Clean::from("complex silence"));
        }
        Some(Silence {
            key: Key::new(&self.name, id),
            state: match row.raw("/status/state") {
                "active" => SilenceState::Active,
                "pending" => SilenceState::Pending,
                "expired" => SilenceState::Expired,
                "" => SilenceState::Other(Clean::from("not told")),
                other => SilenceState::Other(Clean::line(wire::brief(other))),
            },
            starts: row.time("/startsAt"),
            ends: row.time("/endsAt"),
            by: row.text("/createdBy"),
            comment: row.text("/comment"),
            matchers,
        })
    }
}

/// Nothing readable among many records is no good news: it is bad data.
fn told(facts: Vec<Fact>, gaps: Gaps, whole: bool) -> Result<Told, Trouble> {
    if gaps.lost_everything() {
        return Err(Trouble::bad_data(gaps.words().unwrap_or_default()));
    }
    let whole = whole && !gaps.lost_some();
    Ok(Told { facts, gaps, whole })
}

/// `name="value"`, `name!="value"`, `name=~"value"`, `name!~"value"`: `isEqual` is true where it is not told.
fn matcher(row: &Row<'_>) -> Clean {
    let equal = !row.has("/isEqual") || row.flag("/isEqual");
    let sign = match (equal, row.flag("/isRegex")) {
        (true, false) => "=",
        (false, false) => "!=",
        (true, true) => "=~",
        (false, true) => "!~",
    };
    let value = row.raw("/value").replace('\\', "\\\\").replace('"', "\\\"");
    Clean::line(format_args!("{}{sign}\"{value}\"", row.raw("/name")))
}

fn find<'a>(heard: &'a [Exchange], tag: &str) -> Option<&'a Exchange> {
    heard.iter().find(|e| matches!(&e.request, Request::Http(http) if &*http.tag == tag))
}

fn body(exchange: Option<&Exchange>) -> Result<&[u8], Trouble> {
    let exchange = exchange.ok_or_else(|| Trouble::bad_data("not asked"))?;
    let answer = wire::judge(exchange, wire::reason)?;
    Ok(wire::bare(&answer.body))
}

fn version(exchange: &Exchange) -> Option<Clean> {
    #[derive(Deserialize)]
    struct Status {
        #[serde(rename = "versionInfo")]
        info: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let answer = wire::judge(exchange, wire::reason).ok()?;
    let status: Status = wire::parse(answer).ok()?;
    Some(Clean::line(format_args!("Alertmanager {}", wire::brief(&status.info.version))))
}
