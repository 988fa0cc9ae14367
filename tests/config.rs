//! The configuration as a user meets it: the example loads, and what is wrong is said all at once, with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use andon::config::{Config, Places, Problems, explained, load_text};
use andon::source::{Asking, Request};

fn read(text: &str) -> Result<Config, Problems> {
    load_text(text, Path::new("/home/me"), &[])
}

fn problems(text: &str) -> String {
    match read(text) {
        Ok(_) => panic!("this configuration should be refused:\n{text}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_example_loads_and_means_what_it_says() {
    let config =
        read(include_str!("../assets/andon.example.toml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.team.name.as_str(), "Checkout");
    assert_eq!(config.team.production().map(andon::model::Clean::as_str), Some("production"));
    let checkout = &config.team.services[0];
    assert_eq!(checkout.metrics.len(), 2);
    assert_eq!(checkout.slos[0].window.as_hours(), 30 * 24);
    assert_eq!(config.team.freezes.len(), 2);
    // Ten sources and two probes, each probe a source of its own.
    assert_eq!(config.upstreams.len(), 14);
    let prom = config.upstreams.iter().find(|u| u.name.as_str() == "prom").unwrap();
    assert_eq!((prom.every.as_secs(), prom.endpoint.auth.len()), (15, 2));
    assert_eq!(prom.endpoint.ca.as_deref(), Some(Path::new("/home/me/ca.pem")));
}

#[test]
fn the_first_file_of_the_readme_loads() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("<<'EOF'\n").unwrap();
    let (text, _) = rest.split_once("\nEOF\n").unwrap();
    let config = read(text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((config.upstreams.len(), config.team.services.len()), (1, 1));
    assert_eq!(config.team.services[0].metrics.len(), 1);
}

#[test]
fn what_fires_is_told_by_the_rules_where_no_alertmanager_tells_it() {
    let prometheus =
        "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:9090\"\n";
    let alertmanager =
        "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:9093\"\n";
    let memory = std::collections::BTreeMap::new();
    let asking =
        Asking { now: jiff::Timestamp::UNIX_EPOCH, last_ok: None, round: 0, memory: &memory };
    for (text, taken) in [
        (prometheus.to_owned(), Some(true)),
        (format!("{prometheus}alerts = false\n"), Some(false)),
        (format!("{prometheus}rules = false\n"), None),
        (format!("{prometheus}{alertmanager}"), Some(false)),
        (format!("{prometheus}alerts = true\n{alertmanager}"), Some(true)),
    ] {
        let config = read(&text).unwrap_or_else(|e| panic!("{e}"));
        let source = &config.upstreams.iter().find(|u| u.kind == "prometheus").unwrap().source;
        let asked = source.ask(&asking);
        let rules = asked.iter().find_map(|request| match request {
            Request::Http(http) if http.url.path().ends_with("/rules") => Some(&http.url),
            _ => None,
        });
        let whole = rules.map(|url| !url.as_str().contains("exclude_alerts"));
        assert_eq!(whole, taken, "{text}");
    }
}

#[test]
fn every_problem_is_said_at_once_with_its_place_and_the_nearest_word() {
    let said = problems(concat!(
        "[team]\nname = \"x\"\ntimezone = \"Europe/Londn\"\n",
        "[[source]]\nname = \"p\"\nkind = \"prometeus\"\nurl = \"https://p.example\"\n",
        "[[source]]\nname = \"a\"\nkind = \"alertmanager\"\nurl = \"ftp://a\"\nevry = \"5s\"\n",
        "[[service]]\nname = \"web\"\ndepends_on = [\"wb\"]\nownr = \"me\"\n",
        "[sorce]\n",
    ));
    for expected in [
        "andon.toml:3:12: no time zone is called `Europe/Londn`",
        "did you mean `Europe/London`?",
        "andon.toml:6:8: no kind of source is called `prometeus`",
        "did you mean `prometheus`?",
        "andon.toml:11:7: no http(s) address",
        "evry",
        "no service is called `wb`",
        "unknown field `ownr`",
        "did you mean `owner`?",
        "unknown section `sorce`",
        "did you mean `source`?",
    ] {
        assert!(said.contains(expected), "missing {expected:?} in:\n{said}");
    }
}

#[test]
fn a_wrong_kind_or_begin_hides_nothing_behind_it() {
    let said = problems(concat!(
        "[[source]]\nname = \"p\"\nkind = \"prometeus\"\nurl = \"ftp://p\"\nevry = \"5s\"\n",
        "[[source]]\nname = \"q\"\nkind = \"xyzzy\"\nurl = \"ftp://q\"\nevery = \"soon\"\n",
        "[[freeze]]\nname = \"f\"\nstart = \"0 99 * * 5\"\nend = \"x\"\nservices = [\"nobody\"]\n",
    ));
    for expected in [
        "andon.toml:3:8: no kind of source",
        "andon.toml:4:7: no http(s) address",
        "did you mean `every`?",
        "andon.toml:8:8: no kind of source",
        "andon.toml:9:7: no http(s) address",
        "andon.toml:10:9:",
        "andon.toml:13:9: no cron",
        "andon.toml:14:7: no cron",
        "no service is called `nobody`",
    ] {
        assert!(said.contains(expected), "missing {expected:?} in:\n{said}");
    }
}

#[test]
fn syntax_errors_are_located_and_all_of_them_are_said() {
    let said = problems("[team\nname = \"x\"\ny = = 2\n");
    assert!(said.contains("andon.toml:1:"), "{said}");
    assert!(said.contains("andon.toml:3:"), "{said}");
}

#[test]
fn a_metric_needs_a_source_that_exists() {
    let said =
        problems("[[service]]\nname = \"a\"\n[[service.metric]]\nname = \"m\"\nquery = \"up\"\n");
    assert!(said.contains("no source can answer this query"), "{said}");
    let said = problems(concat!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"http://p\"\n",
        "[[service]]\nname = \"a\"\n[[service.metric]]\nname = \"m\"\nsource = \"prmo\"\nquery = \"up\"\n",
    ));
    assert!(said.contains("did you mean `prom`?"), "{said}");
}

#[test]
fn credentials_in_an_address_are_refused_and_not_repeated() {
    let said = problems(
        "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"https://me:hunter2@p.example\"\n",
    );
    assert!(said.contains("credentials do not belong in an address"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn no_problem_repeats_a_secret() {
    for auth in [
        "{ bearr = \"hunter2\" }",
        "\"hunter2\"",
        "{ basic = \"hunter2\" }",
        "{ basic = { user = \"ops\", password = \"hunter2\", extra = 1 } }",
        "{ bearer = \"hunter2 }",
        "{ bearer = \"hunter2\" ",
    ] {
        let said = problems(&format!(
            "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"https://p.example\"\nauth = {auth}\n"
        ));
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("andon.toml:5:"), "{said}");
    }
}

#[test]
fn what_follows_from_a_syntax_error_is_no_problem_of_its_own() {
    let said = problems(
        "[[source]]\nname = \"p\nkind = \"prometheus\"\n[[service]]\nname = \"a\"\ndepends_on = [\"zz\"]\n",
    );
    assert!(said.contains("andon.toml:2:"), "{said}");
    assert!(!said.contains("url") && !said.contains("zz"), "{said}");
}

#[test]
fn a_share_of_what_goes_well_does_not_stand_among_the_errors() {
    let metric = |good: &str| {
        let text = concat!(
            "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:9\"\n",
            "[[service]]\nname = \"a\"\n[[service.metric]]\nname = \"m\"\nquery = \"up\"\nunit = \"ratio\"\n",
        );
        let config = read(&format!("{text}{good}\n")).unwrap();
        config.team.services[0].metrics[0].role.word().to_owned()
    };
    assert_eq!(metric("good = \"> 0.99\""), "business");
    assert_eq!(metric("good = \"< 0.01\""), "errors");
    assert_eq!(metric(""), "errors");
}

#[test]
fn one_slip_of_a_service_or_a_source_does_not_hide_the_next() {
    let said = problems(concat!(
        "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurll = \"https://p.example\"\ntimout = \"3s\"\n",
        "[[service]]\nname = \"a\"\n[[service.metric]]\nname = \"m\"\nquery = \"up\"\nrole = \"speed\"\n",
        "[[service.metric]]\nname = \"n\"\nqery = \"up\"\n",
        "[[service.probe]]\nhtp = \"http://x\"\n[[service.probe]]\ntls = \"x:99999\"\n",
    ));
    for expected in [
        "needs a url",
        "unknown field `urll`",
        "did you mean `url`?",
        "unknown field `timout`",
        "did you mean `timeout`?",
        "unknown variant `speed`",
        "unknown field `qery`",
        "unknown field `htp`",
        "expected host:port",
    ] {
        assert!(said.contains(expected), "missing {expected:?} in:\n{said}");
    }
}

#[test]
fn a_freeze_says_when_it_begins_and_ends() {
    for (freeze, expected) in [
        ("start = \"0 18 * * 5\"\n", "when does this freeze begin and end?"),
        ("start = \"0 18 * * 5\"\nend = \"whenever\"\n", "no cron"),
        ("start = \"0 0 30 2 *\"\nend = \"0 8 * * 1\"\n", "never fires"),
        ("from = 2027-01-03\nuntil = 2026-12-20\n", "a freeze ends after it begins"),
        (
            "from = 2026-12-20\nuntil = 2027-01-03\nservices = [\"web\"]\n",
            "no service is called `web`",
        ),
    ] {
        let said = problems(&format!("[[freeze]]\nname = \"f\"\n{freeze}"));
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_release_says_when_it_is_made() {
    for (release, expected) in [
        ("", "when is this release made?"),
        ("cron = \"0 10 * * 2\"\nat = 2026-12-01T10:00:00\n", "when is this release made?"),
        ("rule = \"FREQ=WEEKLY\"\n", "when is this release made?"),
        ("cron = \"often\"\n", "no cron"),
        ("at = 2026-12-01\nrule = \"FREQ=SOMETIMES\"\n", "its repeat rule cannot be read"),
        ("at = 2026-12-01\nrule = \"FREQ=SECONDLY\"\n", "repeats by the second"),
        ("at = 2026-12-01\nservices = [\"web\"]\n", "no service is called `web`"),
        ("at = 2026-12-01\nlasts = \"long\"\n", "no duration"),
    ] {
        let said = problems(&format!("[[release]]\nname = \"train\"\n{release}"));
        assert!(said.contains(expected), "{release}: {said}");
    }
}

#[test]
fn releases_are_planned_by_cron_by_rule_or_once() {
    let plans = |release: &str, from: &str, until: &str| -> Vec<String> {
        let text = format!(
            "[team]\ntimezone = \"Europe/London\"\n[[release]]\nname = \"train\"\n{release}"
        );
        let team = read(&text).unwrap_or_else(|e| panic!("{e}")).team;
        let window =
            andon::model::Window { from: from.parse().unwrap(), until: until.parse().unwrap() };
        let found =
            andon::insight::plans(&andon::model::Board::default(), &team, window, &team.zone);
        assert!(found.iter().all(|e| e.title.as_str() == "train"));
        found.iter().map(|e| e.start.to_string()).collect()
    };
    // The clocks go back on 25 October: ten o'clock stays ten o'clock.
    let october = ("2026-10-13T00:00:00Z", "2026-11-04T00:00:00Z");
    let tuesdays = [
        "2026-10-13T09:00:00Z",
        "2026-10-20T09:00:00Z",
        "2026-10-27T10:00:00Z",
        "2026-11-03T10:00:00Z",
    ];
    assert_eq!(plans("cron = \"0 10 * * 2\"\n", october.0, october.1), tuesdays);
    let weekly = "at = 2026-01-06T10:00:00\nrule = \"FREQ=WEEKLY\"\n";
    assert_eq!(plans(weekly, october.0, october.1), tuesdays);
    // The third Thursday, as GitLab releases.
    let third = "at = 2026-01-15T15:00:00Z\nrule = \"FREQ=MONTHLY;BYDAY=3TH\"\n";
    assert_eq!(
        plans(third, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ["2026-10-15T14:00:00Z", "2026-11-19T15:00:00Z"]
    );
    let once = "at = 2026-10-20\n";
    assert_eq!(plans(once, october.0, october.1), ["2026-10-19T23:00:00Z"], "a whole day");
}

#[test]
fn settings_name_their_origin_and_never_a_secret() {
    let flags = [("ui.theme".to_owned(), "\"dark\"".to_owned())];
    let text =
        "[[source]]\nname = \"p\"\nkind = \"pagerduty\"\nauth = { token = \"hunter2hunter2\" }\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("andon.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let places = Places { file: Some(file.clone()), flags: flags.into(), ..Places::default() };
    let (_, settings) = explained(&places).unwrap_or_else(|e| panic!("{e}")).unwrap();
    let theme = settings.iter().find(|s| s.key == "ui.theme").unwrap();
    assert_eq!((theme.value.as_str(), theme.origin.as_str()), ("\"dark\"", "command line"));
    let name = settings.iter().find(|s| s.key == "source[p].kind").unwrap();
    assert_eq!(name.origin, format!("{}:3", file.display()));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn the_schema_knows_every_section_and_every_kind() {
    let schema = andon::config::schema();
    for section in ["team", "source", "service", "freeze", "release", "ui", "include"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    let kinds = &schema["$defs"]["Source"]["properties"]["kind"]["enum"];
    assert_eq!(kinds.as_array().map(Vec::len), Some(andon::source::KINDS.len()));
    // A reference that points nowhere would make editors reject every file.
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"][name].is_object(), "{name}");
    }
}

#[test]
fn a_conflict_of_keys_is_said_at_the_wish_that_made_it() {
    let said = problems("[ui.keys]\nrefresh = [\"q\"]\nopen = [\"o\"]\n");
    for (line, words) in [(2, "`q` is both"), (3, "`o` is both")] {
        let found =
            said.lines().any(|l| l.contains(&format!("andon.toml:{line}:")) && l.contains(words));
        assert!(found, "{words}: {said}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_mutilated_example_makes_the_reader_panic(at in 0usize..4000, cut in 0usize..60) {
        let example = include_str!("../assets/andon.example.toml");
        let mut bytes = example.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.drain(at..end);
        let _ = read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_number_for_a_service_that_is_not_there_is_a_problem_and_not_silence() {
    let said = problems(
        r#"
[[source]]
name = "kpi"
kind = "json"
url = "https://bi.example/kpi.json"
metrics = [{ name = "orders", at = "/orders", service = "chekout" }]
[[service]]
name = "checkout"
"#,
    );
    assert!(said.contains("metric orders: no service is called `chekout`"), "{said}");
    assert!(said.contains("did you mean `checkout`?"), "{said}");
    assert!(said.contains(":6:"), "located at the metrics: {said}");
}

#[test]
fn a_service_may_be_made_of_others_and_of_nothing_else() {
    let services = |parts: &str| {
        format!(
            "[[service]]\nname = \"shop\"\nmembers = [{parts}]\n[[service]]\nname = \"eu\"\nmembers = [\"a\"]\n[[service]]\nname = \"a\"\n"
        )
    };
    let config = read(&services("\"eu\", \"a\"")).unwrap_or_else(|e| panic!("{e}"));
    let shop = &config.team.services[0];
    assert_eq!(shop.members.len(), 2);
    // Numbers are looked for where there is something to watch.
    assert_eq!(
        config.team.services.iter().map(|s| s.finds).collect::<Vec<_>>(),
        [false, false, true]
    );
    let refused = problems;
    for (parts, says) in [
        ("\"shop\"", "a service is no part of itself"),
        ("\"ue\"", "no service is called `ue`"),
        ("\"eu\", \"eu\"", "member of this service"),
    ] {
        let said = refused(&services(parts));
        assert!(said.contains(says), "{parts}: {said}");
    }
    let circle = services("\"eu\"").replace("members = [\"a\"]", "members = [\"shop\"]");
    let said = refused(&circle);
    assert!(said.contains("`shop` would be a part of itself, by way of this one"), "{said}");
}
