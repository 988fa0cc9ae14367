//! The fixture team: a month of its life, told in facts, ending a few minutes into an outage at night.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use andon::insight::{Survey, survey};
use andon::model::{
    Action, ActionState, Alert, AlertRule, AlertState, Board, Bound, Change, ChangeSource,
    ChangesOf, Clean, Clock, Dated, Deploy, Fact, Feed, Found, Freeze, FreezeRule, Freshness,
    Health, Incident, IncidentStatus, Key, Known, Labels, Lasted, Link, Loss, Matching, Measure,
    Metric, MetricId, Name, Outcome, PostMortem, Probe, ProbeResult, Purpose, Rated, ReadFrom,
    Release, Report, Role, RuleHealth, RuleState, Section, SectionKind, Service, Severity, Shift,
    Silence, SilenceState, SourceName, Status, Suppression, Team, Unit, Weight,
};
use andon::page::{Frame, Look, Memo, RowKey, Scene, Size, Tab};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Friday, 03:19 in London.
pub const NOW: &str = "2026-11-20T03:19:00Z";

pub struct World {
    pub board: Board,
    pub team: Team,
    pub now: Timestamp,
}

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn name(text: &str) -> Name {
    Name::new(text)
}

fn clean(text: &str) -> Clean {
    Clean::line(text)
}

fn id(service: &str, metric: &str) -> MetricId {
    let service = (!service.is_empty()).then(|| name(service));
    MetricId { service, metric: name(metric) }
}

pub fn metric(service: &str, what: &str, role: Role, unit: &str, good: &str, bad: &str) -> Metric {
    Metric {
        id: id(service, what),
        source: name("prom"),
        query: "up".into(),
        unit: Unit::parse(unit),
        role,
        good: Bound::parse(good),
        bad: Bound::parse(bad),
        weight: if role == Role::Business { Weight::Info } else { Weight::Critical },
    }
}

pub fn service(named: &str, needs: &[&str], metrics: Vec<Metric>) -> Service {
    Service {
        name: name(named),
        owner: clean("Checkout"),
        depends_on: needs.iter().map(|n| name(n)).collect(),
        repo: clean(&format!("acme/{named}")),
        runbook: Link::parse(&format!("https://wiki.example/{named}")),
        chat: clean("#checkout"),
        matching: Matching { pagerduty: format!("P{named}").into(), ..Matching::default() },
        metrics,
        slos: Vec::new(),
        members: Vec::new(),
        finds: true,
    }
}

fn golden(named: &str) -> Vec<Metric> {
    vec![
        metric(named, "p95", Role::Latency, "s", "< 0.3", "> 1"),
        metric(named, "errors", Role::Errors, "ratio", "< 0.01", "> 0.05"),
        metric(named, "rate", Role::Traffic, "per-second", "", ""),
        metric(named, "cpu", Role::Saturation, "ratio", "< 0.8", "> 0.95"),
    ]
}

pub fn team() -> Team {
    let mut checkout = golden("checkout");
    checkout.push(metric("checkout", "orders", Role::Business, "count", "", ""));
    let cron = |pattern: &str| Box::new(pattern.parse::<croner::Cron>().unwrap());
    let london = TimeZone::get("Europe/London").unwrap();
    Team {
        name: clean("Checkout"),
        zone: london.clone(),
        environments: vec![clean("staging"), clean("production")],
        services: vec![
            service("web", &["checkout", "search"], golden("web")),
            service("checkout", &["payments", "db"], checkout),
            service("payments", &[], golden("payments")),
            service("search", &["db"], golden("search")),
            service("db", &[], golden("db")),
            service(
                "mail",
                &[],
                vec![metric("mail", "queue", Role::Saturation, "count", "< 100", "> 1000")],
            ),
        ],
        metrics: vec![metric("", "revenue today", Role::Business, "GBP", "", "")],
        freezes: vec![Freeze {
            name: clean("weekend"),
            rule: FreezeRule::Cron {
                start: cron("0 18 * * 5"),
                end: cron("0 8 * * 1"),
                zone: london,
            },
            services: None,
            how_to_override: clean("ask the on-call lead"),
        }],
        freeze_sources: Vec::new(),
        change_sources: vec![
            ChangeSource {
                source: name("gh"),
                of: ChangesOf::Repos(REPOS.iter().map(|repo| clean(repo)).collect()),
                deploys: true,
            },
            ChangeSource { source: name("pd"), of: ChangesOf::Named, deploys: true },
        ],
        plans: Vec::new(),
        week_starts_sunday: false,
        review: andon::model::Review::default(),
    }
}

/// What is followed on the code host: of mail's deploys nobody tells.
const REPOS: [&str; 5] = ["acme/web", "acme/checkout", "acme/payments", "acme/search", "acme/db"];

/// What a source knows since the moment it is asked for: months of everything.
fn known(kind: &str) -> Vec<Known> {
    let of: &[&str] = match kind {
        "github" => &REPOS,
        "pagerduty" => &[""],
        _ => &[],
    };
    of.iter().map(|of| Known { of: clean(of), from: Some(ago(90 * 24 * 60)) }).collect()
}

fn fresh(kind: &'static str, age_s: i64) -> Freshness {
    Freshness {
        kind,
        address: clean("https://example.org/"),
        every: SignedDuration::from_secs(60),
        status: Status::Ok,
        last_ok: Some(now() - SignedDuration::from_secs(age_s)),
        last_try: Some(now() - SignedDuration::from_secs(age_s)),
        latency: Some(SignedDuration::from_millis(42)),
        next_poll: Some(now() + SignedDuration::from_secs(60 - age_s)),
        facts: 120,
        changes: known(kind),
        about: clean("3.1.0"),
        ..Freshness::default()
    }
}

/// Three hours of one number, a point a minute; from `bend` minutes ago on it is `after`.
fn track(facts: &mut Vec<Fact>, of: MetricId, before: f64, after: f64, bend: i64) {
    let points = (0..180).map(|m| {
        let minutes = 179 - m;
        let ripple = 1.0 + f64::from(m * 7 % 5) / 100.0;
        let value = if i64::from(minutes) <= bend { after } else { before };
        (ago(i64::from(minutes)), Measure::of(value * ripple))
    });
    facts.push(Fact::History { id: of, points: points.collect() });
}

fn numbers() -> Vec<Fact> {
    let mut facts = Vec::new();
    for (named, p95, errors) in [
        ("web", (0.18, 0.42), (0.001, 0.021)),
        ("checkout", (0.21, 1.4), (0.002, 0.08)),
        ("payments", (0.09, 0.09), (0.001, 0.001)),
        ("search", (0.05, 0.05), (0.0, 0.0)),
        ("db", (0.004, 0.004), (0.0, 0.0)),
    ] {
        track(&mut facts, id(named, "p95"), p95.0, p95.1, 7);
        track(&mut facts, id(named, "errors"), errors.0, errors.1, 6);
        track(&mut facts, id(named, "rate"), 120.0, 118.0, 5);
        track(&mut facts, id(named, "cpu"), 0.31, 0.35, 5);
    }
    track(&mut facts, id("checkout", "orders"), 64.0, 3.0, 6);
    track(&mut facts, id("", "revenue today"), 1204.0, 1204.0, 0);
    facts.push(Fact::Sample {
        id: id("mail", "queue"),
        at: ago(0),
        measure: Measure::NoData,
        note: None,
    });
    facts
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(k, v)| (clean(k), clean(v))).collect()
}

pub fn alert(title: &str, service: &str, severity: u8, minutes: i64) -> Alert {
    Alert {
        key: Key::new(&name("am"), format!("{title}-{service}-{minutes}")),
        name: clean(title),
        labels: labels(&[("service", service), ("alertname", title)]),
        summary: clean(&format!("{service} is not as it should be")),
        description: Clean::default(),
        state: AlertState::Firing,
        suppressed: Vec::new(),
        severity: Some(Severity(severity)),
        started: Some(ago(minutes)),
        receivers: vec![clean("pager")],
        url: Link::parse("https://prom.example/graph"),
        runbook: Link::parse("https://wiki.example/runbook"),
    }
}

fn alerts() -> Vec<Fact> {
    let silence = Key::new(&name("am"), "silence-1");
    let mut quiet = alert("CertificateExpires", "payments", 5, 3000);
    quiet.state = AlertState::Suppressed;
    quiet.suppressed = vec![Suppression::Silenced(silence.clone())];
    let mut hostile = alert("Disk\u{1b}[2J\u{202e}Full", "nobody", 3, 90);
    hostile.summary = clean("a | b `c` =cmd()");
    vec![
        Fact::Alert(alert("HighErrorRate", "checkout", 1, 5)),
        Fact::Alert(alert("SlowPages", "web", 3, 4)),
        Fact::Alert(quiet),
        Fact::Alert(hostile),
        Fact::Silence(Silence {
            key: silence,
            state: SilenceState::Active,
            starts: Some(ago(2000)),
            ends: Some(now() + SignedDuration::from_hours(9)),
            by: clean("grace"),
            comment: clean("renewal is booked"),
            matchers: vec![clean("alertname=CertificateExpires")],
        }),
        Fact::Rule(AlertRule {
            key: Key::new(&name("am"), "search;SearchLag"),
            name: clean("SearchLag"),
            group: clean("search"),
            query: clean("lag > "),
            state: RuleState::Inactive,
            health: RuleHealth::Broken,
            last_error: clean("unexpected end of input"),
            labels: labels(&[("service", "search")]),
            annotations: Labels::new(),
            waits: SignedDuration::from_mins(5),
            firing: 0,
        }),
    ]
}

pub fn deploy(service: &str, n: i64, minutes: i64, outcome: Outcome) -> Deploy {
    Deploy {
        key: Key::new(&name("gh"), format!("{service}-{n}")),
        repo: clean(&format!("acme/{service}")),
        app: Clean::default(),
        environment: clean("production"),
        version: clean(&format!("v{n}")),
        sha: clean(&format!("{n:040x}")),
        started: Some(ago(minutes + 4)),
        finished: Some(ago(minutes)),
        outcome,
        who: clean("ada"),
        description: clean("basket keeps its coupons"),
        committed: Some(ago(minutes + 120)),
        url: Link::parse("https://github.com/acme/checkout/deployments"),
    }
}

fn rollouts() -> Vec<Fact> {
    let mut facts: Vec<Fact> = (0..20)
        .map(|i| {
            let outcome = if i == 7 { Outcome::Failed } else { Outcome::Succeeded };
            Fact::Deploy(deploy("checkout", 392 + i, (20 - i) * 24 * 60 + 300, outcome))
        })
        .collect();
    facts.push(Fact::Deploy(deploy("checkout", 412, 14, Outcome::Succeeded)));
    facts.push(Fact::Deploy(deploy("payments", 88, 55, Outcome::Succeeded)));
    let mut staging = deploy("checkout", 413, 9, Outcome::Succeeded);
    staging.environment = clean("staging");
    facts.push(Fact::Deploy(staging));
    let mut odd = deploy("web", 51, 2000, Outcome::Other(clean("baking")));
    odd.who = Clean::default();
    facts.push(Fact::Deploy(odd));
    facts.push(Fact::Change(Change {
        key: Key::new(&name("pd"), "change-1"),
        summary: clean("coupon-v2 on"),
        origin: clean("flags"),
        who: clean("li"),
        at: Some(ago(48)),
        until: None,
        service_ids: vec!["Pcheckout".into()],
        service_names: Vec::new(),
        url: None,
    }));
    facts.push(Fact::Release(Release {
        key: Key::new(&name("gh"), "release-2.3"),
        repo: clean("acme/checkout"),
        tag: clean("2.3"),
        name: clean("Autumn"),
        draft: false,
        prerelease: false,
        published: Some(ago(9 * 24 * 60)),
        author: clean("ada"),
        url: None,
    }));
    facts
}

fn incident(n: i64, service: &str, title: &str, status: IncidentStatus, minutes: i64) -> Incident {
    let resolved = (status == IncidentStatus::Resolved).then(|| ago(minutes - 42));
    let acked = (status != IncidentStatus::Open).then(|| ago(minutes - 3));
    Incident {
        key: Key::new(&name("pd"), format!("Q{n}")),
        reference: clean(&format!("#{n}")),
        title: clean(title),
        service_id: format!("P{service}").into(),
        service_name: clean(service),
        status,
        severity: Some(Severity(2)),
        priority: clean("P2"),
        started: Some(ago(minutes)),
        acked,
        mitigated: None,
        resolved,
        who: vec![clean("ada")],
        policy: clean("Checkout"),
        url: Link::parse("https://acme.pagerduty.com/incidents/Q1"),
    }
}

fn incidents() -> Vec<Fact> {
    vec![
        Fact::Incident(incident(
            1234,
            "checkout",
            "Checkout fails for half of the customers",
            IncidentStatus::Acked,
            6,
        )),
        Fact::Incident(incident(
            1229,
            "search",
            "Search index is late",
            IncidentStatus::Resolved,
            3 * 24 * 60,
        )),
        Fact::Incident(incident(
            1101,
            "db",
            "Disk almost full",
            IncidentStatus::Resolved,
            25 * 24 * 60,
        )),
        Fact::Shift(Shift {
            key: Key::new(&name("pd"), "shift-1"),
            who: clean("ada"),
            schedule: Some(clean("Primary")),
            policy: clean("Checkout"),
            level: 1,
            starts: Some(ago(3 * 24 * 60)),
            ends: Some(now() + SignedDuration::from_hours(6)),
            service_ids: Vec::new(),
        }),
    ]
}

fn calendar(source: &str, purpose: Purpose, events: &str) -> Fact {
    let text = format!("BEGIN:VCALENDAR\n{}\nEND:VCALENDAR\n", events.trim()).replace('\n', "\r\n");
    let read = andon::source::ical::calendar(text.as_bytes(), &name(source), purpose);
    Fact::Calendar(Arc::new(read.unwrap()))
}

fn post_mortem(path: &str, date: &str, title: &str, text: &str, sections: &[SectionKind]) -> Fact {
    let section = |(i, kind): (usize, &SectionKind)| Section {
        kind: *kind,
        heading: clean(&format!("{kind:?}")),
        level: 2,
        line: i * 3 + 2,
        end: i * 3 + 5,
    };
    let said = |kind: SectionKind, words: &str| {
        sections.contains(&kind).then(|| Found::new(clean(words), ReadFrom::Heading))
    };
    let key = Key::new(&name("reviews"), path);
    Fact::PostMortem(Box::new(PostMortem {
        file: path.into(),
        dated: date.parse().ok().map(|value| Dated {
            date: Found::new(value, ReadFrom::FrontMatter),
            conflicts: if path.contains("odd") {
                vec![Found::new("2026-10-31".parse().unwrap(), ReadFrom::FileName)]
            } else {
                Vec::new()
            },
        }),
        severity: (sections.len() > 2).then(|| {
            Found::new(Rated { word: clean("SEV-2"), level: Some(Severity(2)) }, ReadFrom::Table)
        }),
        sections: sections.iter().enumerate().map(section).collect(),
        loss: Loss {
            words: said(SectionKind::Impact, "About £ 4,200 of orders."),
            ..Loss::default()
        },
        root_cause: said(SectionKind::RootCause, "A cache key without the currency."),
        stated: sections.contains(&SectionKind::Impact).then(|| {
            let span = SignedDuration::from_mins(48);
            let lasted = Lasted { span, clock: Clock::Wall, words: clean("48 minutes") };
            Found::new(lasted, ReadFrom::Label)
        }),
        actions: sections
            .contains(&SectionKind::Actions)
            .then(|| Action {
                text: clean("alert on coupon errors"),
                owner: Some(clean("ada")),
                due: None,
                state: ActionState::Open,
                link: None,
                reference: None,
                group: None,
                place: ReadFrom::List,
                line: 9,
            })
            .into_iter()
            .collect(),
        flags: if path.contains("odd") { vec![clean("invalid UTF-8")] } else { Vec::new() },
        ..PostMortem::new(key, clean(path), clean(title), Clean::body(text, 1 << 20))
    }))
}

fn papers() -> Vec<Fact> {
    use SectionKind::{Actions, Impact, RootCause, Summary};
    let text = "# Checkout lost its coupons\n\n## Impact\nAbout £ 4,200 of orders.\n\n## Root cause\nA cache key without the currency.\n\n## Actions\n- [ ] alert on coupon errors @ada\n";
    vec![
        post_mortem(
            "2026-09-02-checkout.md",
            "2026-09-02",
            "Checkout lost its coupons",
            text,
            &[Impact, RootCause, Actions],
        ),
        post_mortem(
            "2026-10-30-odd-db.md",
            "2026-10-30",
            "db failover \u{1b}[31mstuck",
            "# db\n\nIt was stuck.\n",
            &[Summary],
        ),
        post_mortem("notes.md", "", "", "no headings at all\n", &[]),
    ]
}

pub fn world() -> World {
    let mut board = Board::default();
    let tell = |board: &mut Board, source: &str, facts: Vec<Fact>, complete: &[Feed]| {
        let report = Report { facts, complete: complete.to_vec(), ..Report::default() };
        board.fold(&SourceName::new(source), ago(0), report);
    };
    tell(&mut board, "prom", numbers(), &[]);
    tell(&mut board, "am", alerts(), &[Feed::Alerts, Feed::Rules, Feed::Silences]);
    tell(&mut board, "gh", rollouts(), &[]);
    tell(&mut board, "pd", incidents(), &[Feed::Shifts]);
    let trains = "BEGIN:VEVENT\nUID:train\nDTSTART:20261124T093000Z\nDTEND:20261124T103000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4\nSUMMARY:Train 2.4\nEND:VEVENT\nBEGIN:VEVENT\nUID:rash\nDTSTART:20261121T100000Z\nDTEND:20261121T110000Z\nSUMMARY:Rash web launch\nSTATUS:TENTATIVE\nEND:VEVENT";
    tell(&mut board, "trains", vec![calendar("trains", Purpose::Release, trains)], &[]);
    let closed = "BEGIN:VEVENT\nUID:x\nDTSTART;VALUE=DATE:20261221\nDTEND;VALUE=DATE:20270104\nSUMMARY:Christmas freeze\nEND:VEVENT";
    tell(&mut board, "freezes", vec![calendar("freezes", Purpose::Freeze, closed)], &[]);
    let works = "BEGIN:VEVENT\nUID:m\nDTSTART:20261120T030000Z\nDTEND:20261120T040000Z\nSUMMARY:search reindex\nEND:VEVENT";
    tell(&mut board, "works", vec![calendar("works", Purpose::Maintenance, works)], &[]);
    tell(&mut board, "reviews", papers(), &[Feed::PostMortems]);
    let probe = Probe { service: name("db"), target: clean("db.example:5432"), means: "tcp" };
    let results = (0..30).map(|i| {
        Fact::Probe(ProbeResult {
            probe: probe.clone(),
            weight: Weight::Critical,
            at: ago(30 - i),
            health: Health::Ok,
            words: clean("open in 2 ms"),
            latency: Some(SignedDuration::from_millis(2)),
            expires: None,
        })
    });
    tell(&mut board, "probes", results.collect(), &[]);
    for (source, kind) in [
        ("prom", "prometheus"),
        ("am", "alertmanager"),
        ("gh", "github"),
        ("pd", "pagerduty"),
        ("trains", "ical"),
        ("freezes", "ical"),
        ("works", "ical"),
        ("reviews", "markdown"),
        ("probes", "probe"),
    ] {
        board.sources.insert(name(source), fresh(kind, 12));
    }
    if let Some(late) = board.sources.get_mut(&name("reviews")) {
        late.status = Status::Auth;
        late.message = clean("401 Unauthorized from https://example.org/");
        late.hint = Some(clean("the token may have expired"));
        late.failing_since = Some(ago(95));
        late.failures = 19;
        late.last_ok = Some(ago(96));
        late.clock_skew = Some(SignedDuration::from_secs(-9));
    }
    World { board, team: team(), now: now() }
}

impl World {
    pub fn survey(&self) -> Survey {
        survey(&self.board, &self.team, self.now)
    }

    /// The scene at a size.
    pub fn with<T>(&self, width: u16, height: u16, then: impl FnOnce(&Scene<'_>) -> T) -> T {
        let survey = self.survey();
        then(&Scene {
            board: &self.board,
            team: &self.team,
            survey: &survey,
            now: self.now,
            zone: &self.team.zone,
            frame: Frame::new(Size { width, height }),
            memo: &Memo::default(),
        })
    }
}

/// A look over everything a facet lists, in its own order.
pub fn look(scene: &Scene<'_>, tab: &Tab, facet: usize) -> Look {
    let order: Vec<RowKey> = (tab.entries)(scene, facet).into_iter().map(|e| e.key).collect();
    Look { total: order.len(), selected: order.first().cloned(), order, facet, ..Look::default() }
}
