//! What a status line says, to whom, and what remote words cannot do in it.

use proptest::prelude::*;

use super::*;
use crate::insight::Verdict;
use crate::model::{Clean, Name};

const NOW: i64 = 1_800_000_000;

/// An outage, heard 5 s ago.
fn outage() -> Glance {
    Glance {
        written: NOW - 5,
        heard: Some(NOW - 5),
        stale_at: NOW + 25,
        gone_at: NOW + 295,
        verdict: Verdict {
            worst: Health::Down,
            named: vec![Name::new("checkout")],
            down: 1,
            degraded: 2,
            incidents: 2,
            unacked: 1,
            sources: 2,
            ..Verdict::default()
        },
        services: 12,
        freeze: Some(("weekend".into(), Some(NOW + 3600))),
        release: Some(("2026.48".into(), NOW + 7200)),
        incident: "Checkout answers 500".into(),
        on_call: "Ada".into(),
        team: "Shop".into(),
        sources: vec![
            Upstream {
                name: "prom".into(),
                kind: "prometheus".into(),
                status: "ok".into(),
                last_ok: Some(NOW - 5),
                stale_after: 30,
                ..Upstream::default()
            },
            Upstream { name: "pd".into(), status: "auth".into(), ..Upstream::default() },
        ],
        ..Glance::default()
    }
}

fn calm() -> Glance {
    Glance {
        verdict: Verdict { worst: Health::Ok, sources: 2, ..Verdict::default() },
        freeze: None,
        incident: Clean::default(),
        ..outage()
    }
}

fn wish(format: Format) -> Wish<'static> {
    Wish { format, template: None, ascii: false, now: NOW }
}

fn said(glance: &Glance, format: Format) -> String {
    line(Ok(glance), &wish(format))
}

fn later(glance: &Glance, by: i64) -> String {
    line(Ok(glance), &Wish { now: NOW + by, ..wish(Format::Plain) })
}

#[test]
fn the_worst_comes_first_by_name_and_count() {
    assert_eq!(
        said(&outage(), Format::Plain),
        "✖ 1 down: checkout ▲ 2 degraded · 1 unacked · frozen: weekend"
    );
    assert_eq!(said(&calm(), Format::Plain), "● 12 ok");
    let ascii = line(Ok(&outage()), &Wish { ascii: true, ..wish(Format::Plain) });
    assert!(ascii.starts_with("X 1 down: checkout ! 2 degraded"), "{ascii}");
}

#[test]
fn what_grew_old_says_so_and_what_is_too_old_concludes_nothing() {
    assert_eq!(later(&calm(), 25), "● 12 ok");
    assert_eq!(later(&calm(), 55), "● 12 ok · 1 m old");
    let gone = later(&calm(), 3595);
    assert!(gone.starts_with("? ") && gone.ends_with("old · was ● 12 ok"), "{gone}");
    let at = |by| Wish { now: NOW + by, ..wish(Format::Json) };
    let read = |by| serde_json::from_str::<Value>(&line(Ok(&outage()), &at(by))).unwrap();
    assert_eq!(read(0)["worst"], "down");
    assert_eq!(read(100)["worst"], "down");
    assert_eq!(read(100)["stale"], true);
    assert_eq!(read(400)["worst"], "unknown");
    assert_eq!(read(400)["down"], Value::Null);
    assert_eq!(read(400)["age_s"], 405);
}

#[test]
fn before_the_first_answer_nothing_looks_fine() {
    let mut glance = Glance { heard: None, stale_at: NOW, gone_at: NOW, ..calm() };
    glance.verdict.awaited_sources = 2;
    assert_eq!(said(&glance, Format::Plain), "? asking");
    glance.verdict.failing_sources = 2;
    assert_eq!(said(&glance, Format::Plain), "? no source answers");
    for absence in
        [Absence::Unconfigured, Absence::NothingYet(true), Absence::Unreadable, Absence::Late]
    {
        let words = line(Err(absence), &wish(Format::Plain));
        assert!(words.contains("andon") && !words.contains("ok"), "{words}");
        let read: Value = serde_json::from_str(&line(Err(absence), &wish(Format::Json))).unwrap();
        assert_eq!((&read["worst"], &read["down"]), (&json!("unknown"), &Value::Null));
    }
}

#[test]
fn the_document_keeps_the_contract() {
    let read: Value = serde_json::from_str(&said(&outage(), Format::Json)).unwrap();
    assert_eq!(read["andon"], env!("CARGO_PKG_VERSION"));
    assert_eq!(read["moment"], "2027-01-15T08:00:00Z");
    for (key, value) in [
        ("worst", json!("down")),
        ("down", json!(1)),
        ("degraded", json!(2)),
        ("unknown", json!(0)),
        ("incidents", json!(2)),
        ("unacked", json!(1)),
        ("next_release_s", json!(7200)),
        ("freeze", json!("weekend")),
        ("age_s", json!(5)),
    ] {
        assert_eq!(read[key], value, "{key}");
    }
    assert_eq!(
        read["sources"],
        json!([
            { "name": "prom", "kind": "prometheus", "status": "ok", "age_s": 5, "message": null },
            { "name": "pd", "kind": "", "status": "auth", "age_s": null, "message": null },
        ])
    );
}

#[test]
fn a_past_release_or_freeze_is_no_longer_said() {
    let wish = Wish { now: NOW + 8000, ..wish(Format::Json) };
    let read: Value = serde_json::from_str(&line(Ok(&outage()), &wish)).unwrap();
    assert_eq!((&read["next_release_s"], &read["freeze"]), (&Value::Null, &Value::Null));
}

#[test]
fn every_format_has_its_colours_and_plain_has_none() {
    assert!(said(&outage(), Format::Tmux).starts_with("#[fg=red,bold]✖ 1 down"));
    assert!(said(&outage(), Format::Ansi).starts_with("\u{1b}[1;31m✖ 1 down"));
    assert!(said(&outage(), Format::Polybar).starts_with("%{F#e0483e}✖"));
    assert!(!said(&outage(), Format::Plain).contains(['\u{1b}', '#', '%']));
    let waybar: Value = serde_json::from_str(&said(&outage(), Format::Waybar)).unwrap();
    assert!(waybar["text"].as_str().unwrap().starts_with("<span foreground="));
    assert_eq!(waybar["class"], "down");
    assert!(waybar["tooltip"].as_str().unwrap().contains("on call: Ada"));
    let old = Wish { now: NOW + 100, ..wish(Format::Waybar) };
    let waybar: Value = serde_json::from_str(&line(Ok(&outage()), &old)).unwrap();
    assert_eq!(waybar["class"], json!(["down", "stale"]));
}

fn filled(template: &str, glance: &Glance, format: Format) -> String {
    let template = Template::parse(template).unwrap();
    line(Ok(glance), &Wish { template: Some(&template), ..wish(format) })
}

#[test]
fn a_template_says_what_somebody_wants_and_nothing_for_zero() {
    let template = "{mark}{down| {} down}{degraded| {} slow}{freeze| ({})}{stale| {}}";
    assert_eq!(filled(template, &outage(), Format::Plain), "✖ 1 down 2 slow (weekend)");
    assert_eq!(filled(template, &calm(), Format::Plain), "●");
    assert_eq!(filled("{{{down}}}", &outage(), Format::Plain), "{1}");
    assert_eq!(filled("{next_release|in {}}", &outage(), Format::Plain), "in 2 h");
    assert_eq!(
        filled("{incidents|{unacked|{} of }{} open}", &outage(), Format::Plain),
        "1 of 2 open"
    );
    assert_eq!(
        filled("{colour}{worst}{plain}", &outage(), Format::Tmux),
        "#[fg=red,bold]down#[default]"
    );
    assert_eq!(filled("[{line}]", &calm(), Format::Plain), "[● 12 ok]");
    let waybar: Value =
        serde_json::from_str(&filled("<b>{line}</b>", &calm(), Format::Waybar)).unwrap();
    assert_eq!(waybar["text"], "<b>● 12 ok</b>");
}

#[test]
fn every_field_can_be_said() {
    for (name, _) in FIELDS {
        let said = filled(&format!("{{{name}}}"), &outage(), Format::Tmux);
        assert!(!said.contains('{'), "{name}: {said}");
        // Each says something about an outage but these, which have nothing to say while all is fresh and heard.
        let silent = ["stale", "silent", "unknown", "dead"].contains(name);
        assert!(silent || (!said.is_empty() && said != "0"), "{name}: {said}");
    }
}

#[test]
fn a_wrong_template_is_explained() {
    let words = |text: &str| Template::parse(text).unwrap_err();
    assert!(words("{dwon}").contains("no field `dwon`; fields are line, worst"));
    assert!(words("{down").contains("without its"));
    assert!(words("down}").contains("too many"));
    assert!(words("{down|{degraded|{ok|{unknown|{age|x}}}}}").contains("deeper"));
    assert!(words(&"x".repeat(5000)).contains("longer"));
}

/// Words that act in one bar or another.
const HOSTILE: &[&str] = &[
    "#[bg=red]#(touch /tmp/x)#{pane_pid}#S##",
    "<b>&amp;</b> \"quoted\" 'too' </span>",
    "%{A1:touch /tmp/x:}click%{A}",
    "\u{1b}[31m\u{9b}31m\u{7}\r\n\u{202e}txet",
    "trailing;",
    "{down}{{",
];

#[test]
fn remote_words_never_act_in_a_bar() {
    for words in HOSTILE {
        let glance = Glance {
            freeze: Some((Clean::line(words), None)),
            incident: Clean::line(words),
            ..outage()
        };
        let both = |format| {
            let template = "{incident} | {freeze} | {line}";
            [said(&glance, format), filled(template, &glance, format)]
        };
        for format in Format::ALL {
            for text in both(format) {
                let escapes = text.replace("\u{1b}[", "");
                let own = format == Format::Ansi;
                assert!(!text.contains('\n'), "{format:?}: {text:?}");
                assert!(
                    !(if own { &escapes } else { &text }).chars().any(char::is_control),
                    "{text:?}"
                );
            }
        }
        for text in both(Format::Tmux) {
            let own = ["#[fg=red,bold]", "#[fg=yellow]", "#[default]", "#[fg=magenta]"];
            let rest = own.iter().fold(text, |text, own| text.replace(own, ""));
            assert!(rest.split("##").all(|part| !part.contains('#')), "{rest}");
        }
        for text in both(Format::Polybar) {
            assert!(!text.contains("%{A"), "{text}");
        }
        for text in both(Format::Waybar) {
            let read: Value = serde_json::from_str(&text).unwrap();
            let text = read["text"].as_str().unwrap();
            assert!(!text.contains("<b>") && !text.contains("</b>"), "{text}");
            assert_eq!(text.matches("<span").count(), text.matches("</span>").count(), "{text}");
            assert!(!read["tooltip"].as_str().unwrap().contains('<'));
        }
    }
}

#[test]
fn what_is_written_is_read_again() {
    let glance = Glance {
        trouble: "none".into(),
        taste: Taste {
            format: Some(Format::Tmux),
            template: Some("{down}".into()),
            ascii: true,
            tmux: true,
        },
        teller: Teller { pid: 42, background: true, lock: "poll-1".into(), loaded: 7 },
        ..outage()
    };
    assert_eq!(Glance::decode(&glance.encode()), Some(glance));
    let empty = Glance::default();
    assert_eq!(Glance::decode(&empty.encode()), Some(empty));
    for alien in ["", "andon status 2\n", "SQLite format 3\0", "andon status 1"] {
        assert_eq!(Glance::decode(alien), None, "{alien:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_can_be_read_and_said(text in "(?s).{0,400}", by in any::<i64>()) {
        let file = format!("andon status 1\n{text}");
        let glance = Glance::decode(&file).unwrap();
        for format in Format::ALL {
            let said = line(Ok(&glance), &Wish { now: by, ..wish(format) });
            prop_assert!(!said.contains('\n'));
        }
    }

    #[test]
    fn any_template_is_read_or_refused(text in "[{}|a-z_ #%<]{0,60}|(?s).{0,60}") {
        if let Ok(template) = Template::parse(&text) {
            for format in Format::ALL {
                let said = line(Ok(&outage()), &Wish { template: Some(&template), ..wish(format) });
                prop_assert!(!said.contains('\n'));
            }
        }
    }

    #[test]
    fn any_values_survive_the_file(
        named in proptest::collection::vec("\\PC{1,20}", 0..3), incident in "(?s).{0,80}", down in 0_usize..100,
        heard in proptest::option::of(any::<i64>()),
    ) {
        let mut glance = outage();
        glance.verdict.named = named.iter().map(|n| Name::new(n)).filter(|n| !n.as_str().is_empty()).collect();
        glance.verdict.down = down;
        glance.incident = Clean::line(incident);
        glance.heard = heard;
        prop_assert_eq!(Glance::decode(&glance.encode()), Some(glance));
    }
}

#[test]
fn dead_alerting_comes_first_and_nothing_looks_green_beside_it() {
    let dead = Glance { dead: vec!["watchdog at am".into()], ..calm() };
    let said = line(Ok(&dead), &wish(Format::Plain));
    assert!(
        said.starts_with("✖ alerting broken: no watchdog at am · ? nobody would tell"),
        "{said}"
    );
    assert!(!said.contains(" ok"), "{said}");
    let known = Glance { dead: vec!["watchdog at am".into()], ..outage() };
    let said = line(Ok(&known), &wish(Format::Plain));
    assert!(said.contains("✖ 1 down: checkout"), "{said}");
    let again = Glance::decode(&known.encode()).unwrap();
    assert_eq!(again.dead, known.dead);
}

#[test]
fn planned_work_is_said_and_is_no_outage() {
    let verdict = Verdict { maintained: 2, ..calm().verdict };
    let planned = Glance { verdict, ..calm() };
    let said = line(Ok(&planned), &wish(Format::Plain));
    assert!(said.starts_with("● 10 ok · 2 in maintenance"), "{said}");
    assert_eq!(Glance::decode(&planned.encode()).unwrap().verdict.maintained, 2);
}
