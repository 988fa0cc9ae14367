//! Sync windows: which applications each one is about, and when it is on.

use jiff::{SignedDuration, tz::TimeZone};

use super::app::App;
use super::glob::fits;
use crate::model::{Clean, Cron, Gate, GateKind, Key, Place, Schedule, SourceName};
use crate::source::rows::Row;

/// A window of a project as it is written there.
#[derive(Debug, Clone)]
pub struct Window {
    pub gate: Gate,
    applications: Vec<String>,
    namespaces: Vec<String>,
    clusters: Vec<String>,
    and: bool,
}

/// Reads one entry of `spec.syncWindows`; `place` is where it stands in its project.
pub fn window(row: &Row<'_>, project: &str, place: usize, source: &SourceName) -> Window {
    let list = |path: &str| row.texts(path).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (applications, namespaces, clusters) =
        (list("/applications"), list("/namespaces"), list("/clusters"));
    let kind = match row.raw("/kind") {
        "allow" => GateKind::Allow,
        "deny" => GateKind::Deny,
        word => GateKind::Other(Clean::line(word)),
    };
    let and = row.flag("/andOperator");
    let by_hand = row.flag("/manualSync");
    let mut scope: Vec<String> = Vec::new();
    for (what, list) in
        [("applications", &applications), ("clusters", &clusters), ("namespaces", &namespaces)]
    {
        if !list.is_empty() {
            scope.push(format!("{what} {}", list.join(", ")));
        }
    }
    // Windows have no identity of their own: what they say is the nearest to one.
    let words = format!("{}|{}|{}", row.raw("/kind"), row.raw("/schedule"), row.raw("/duration"));
    let gate = Gate {
        key: Key::new(source, format!("projects/{project}/windows/{place}/{words}")),
        kind,
        schedule: schedule(row).unwrap_or_else(|why| Schedule::Unreadable(Clean::line(why))),
        scope: Clean::line(scope.join(if and { " and " } else { " or " })),
        repo: Clean::default(),
        apps: Vec::new(),
        by_hand,
        overrun: row.flag("/syncOverrun"),
        description: row.text("/description"),
        how_to_override: if by_hand {
            "sync by hand: this window allows it".into()
        } else {
            Clean::default()
        },
        url: None,
    };
    Window { gate, applications, namespaces, clusters, and }
}

/// What stands for windows that may not be read: nobody may say that there are none.
pub fn unknown(apps: &[App], source: &SourceName) -> Gate {
    Gate {
        key: Key::new(source, "projects/unknown"),
        kind: GateKind::Deny,
        schedule: Schedule::Unreadable("sync windows could not be read".into()),
        scope: Clean::default(),
        repo: Clean::default(),
        apps: apps.iter().map(App::place).collect(),
        by_hand: false,
        overrun: false,
        description: Clean::default(),
        how_to_override: Clean::default(),
        url: None,
    }
}

/// A zone nobody knows is UTC for Argo CD as well; a cron or a length it cannot read refuses every sync.
fn schedule(row: &Row<'_>) -> Result<Schedule, String> {
    let start = Cron::parse(row.raw("/schedule")).map_err(|e| e.to_string())?;
    let length = row.raw("/duration");
    let length = go_duration(length).ok_or_else(|| format!("`{length}` is no length of time"))?;
    let zone = match row.raw("/timeZone") {
        "" => TimeZone::UTC,
        name if name.len() > 64 => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or_else(|_| {
            row.odd("/timeZone", "no zone anybody knows: read as UTC, as Argo CD does");
            TimeZone::UTC
        }),
    };
    Ok(Schedule::After { start, length, zone })
}

/// `time.ParseDuration` of Go: `1h30m`, `1.5h`, `300ms`; no days.
pub fn go_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() || text.len() > 64 {
        return None;
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let number: f64 = number.parse().ok()?;
        let stop = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(stop)?;
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number * unit;
        rest = after;
    }
    // Go's durations end at 292 years.
    let length = (seconds < 9.2e9).then(|| SignedDuration::from_secs_f64(seconds))?;
    Some(if negative { -length } else { length })
}

impl Window {
    /// `SyncWindows.Matches`: by default any list that names the application will do; with the operator, every list that
    /// is there must. Namespaces and clusters are where the application is installed.
    pub fn holds_for(&self, app: &App) -> bool {
        let any = |patterns: &[String], texts: &[&str]| {
            patterns.iter().any(|p| texts.iter().any(|t| fits(p, t)))
        };
        let clusters: Vec<&str> =
            [&*app.cluster, &*app.server].into_iter().filter(|t| !t.is_empty()).collect();
        let lists: [(&[String], &[&str]); 3] = [
            (&self.applications, &[&app.name]),
            (&self.clusters, &clusters),
            (&self.namespaces, &[&app.namespace]),
        ];
        let mut there = lists.iter().filter(|(patterns, _)| !patterns.is_empty()).peekable();
        if there.peek().is_none() {
            return false;
        }
        if self.and {
            there.all(|(patterns, texts)| any(patterns, texts))
        } else {
            there.any(|(patterns, texts)| any(patterns, texts))
        }
    }

    /// The gate with the applications it is about.
    #[must_use]
    pub fn about(&self, apps: &[App]) -> Gate {
        let mut places: Vec<Place> =
            apps.iter().filter(|app| self.holds_for(app)).map(App::place).collect();
        places.dedup();
        Gate { apps: places, ..self.gate.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rows::{Gaps, items};

    fn of(json: &str) -> Window {
        let list = format!("[{json}]");
        let items = items(list.as_bytes()).unwrap();
        let name = SourceName::new("argo");
        Gaps::default().read("", &items, |row| Some(window(row, "default", 0, &name))).remove(0)
    }

    fn app(name: &str, namespace: &str, cluster: &str, server: &str) -> App {
        App {
            name: name.into(),
            namespace: namespace.into(),
            cluster: cluster.into(),
            server: server.into(),
            ..App::default()
        }
    }

    /// `SyncWindows.Matches` in argo-cd `pkg/apis/application/v1alpha1/types.go`, one row a branch of it.
    #[test]
    fn lists_are_alternatives_unless_the_operator_joins_them() {
        let shop = app("shop-prod", "shop", "east", "https://east.example");
        for (lists, or, and) in [
            ("", false, false),
            (r#""applications":["*-prod"]"#, true, true),
            (r#""applications":["cart"]"#, false, false),
            (r#""namespaces":["shop"]"#, true, true),
            (r#""clusters":["east"]"#, true, true),
            (r#""clusters":["https://east.*"]"#, true, true),
            (r#""clusters":["west"],"namespaces":["shop"]"#, true, false),
            (r#""applications":["cart"],"namespaces":["shop"]"#, true, false),
            (r#""applications":["shop-*"],"namespaces":["cart"]"#, true, false),
            (r#""applications":["shop-*"],"clusters":["west"]"#, true, false),
            (r#""applications":["shop-*"],"clusters":["east"],"namespaces":["shop"]"#, true, true),
            (r#""applications":["shop-*"],"clusters":["east"],"namespaces":["x"]"#, true, false),
            (r#""applications":[],"clusters":null,"namespaces":["shop"]"#, true, true),
        ] {
            let comma = if lists.is_empty() { "" } else { "," };
            let window = |operator: bool| {
                of(&format!(
                    r#"{{"kind":"deny","schedule":"* * * * *","duration":"1h","andOperator":{operator}{comma}{lists}}}"#
                ))
            };
            assert_eq!(window(false).holds_for(&shop), or, "or: {lists}");
            assert_eq!(window(true).holds_for(&shop), and, "and: {lists}");
        }
    }

    #[test]
    fn an_application_without_a_cluster_name_is_known_by_its_server() {
        let shop = app("shop", "shop", "", "https://kubernetes.default.svc");
        let by = |c: &str| {
            of(&format!(
                r#"{{"kind":"deny","schedule":"* * * * *","duration":"1h","clusters":["{c}"]}}"#
            ))
        };
        assert!(by("https://kubernetes.default.svc").holds_for(&shop));
        assert!(!by("in-cluster").holds_for(&shop), "its name is not in the application");
        let nowhere = app("shop", "shop", "", "");
        assert!(!by("*").holds_for(&nowhere), "Argo CD skips an empty destination");
    }

    #[test]
    fn lengths_are_gos() {
        for (text, seconds) in [
            ("1h", Some(3600.0)),
            ("1h30m", Some(5400.0)),
            ("1.5h", Some(5400.0)),
            ("300ms", Some(0.3)),
            ("-1m", Some(-60.0)),
            ("0", Some(0.0)),
            ("1d", None),
            ("60", None),
            ("", None),
            ("h", None),
            ("1h30", None),
            ("99999999999h", None),
        ] {
            assert_eq!(go_duration(text).map(|d| d.as_secs_f64()), seconds, "{text}");
        }
    }

    #[test]
    fn what_argo_cannot_read_is_kept_and_named() {
        for bad in [
            r#"{"kind":"deny","schedule":"soon","duration":"1h"}"#,
            r#"{"kind":"deny","schedule":"* * * * *","duration":"1 day"}"#,
            r#"{"kind":"deny"}"#,
        ] {
            assert!(matches!(of(bad).gate.schedule, Schedule::Unreadable(_)), "{bad}");
        }
        let zone =
            of(r#"{"kind":"deny","schedule":"* * * * *","duration":"1h","timeZone":"Mars/Base"}"#);
        assert!(
            matches!(zone.gate.schedule, Schedule::After { zone, .. } if zone == TimeZone::UTC)
        );
        assert_eq!(of(r#"{"kind":"maybe"}"#).gate.kind, GateKind::Other("maybe".into()));
    }
}
