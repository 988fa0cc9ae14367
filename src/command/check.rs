//! `andon check`: every source one line, and an exit code a cron job or Nagios understands.

use std::fmt::Write as _;
use std::process::ExitCode;

use color_eyre::eyre::{Result, eyre};
use jiff::SignedDuration;

use super::cli::{Check, CheckFormat, Common};
use super::{can_deploy, gather, out};
use crate::insight::Verdict;
use crate::insight::follow_up::{Task, tally};
use crate::model::{AlertState, Clean, Freshness, Health, Name, Status};
use crate::page::words::near;
use crate::page::{Memo, POST_MORTEMS, Scene, listed};
use crate::print;

pub fn run(common: &Common, options: &Check) -> Result<ExitCode> {
    if options.actions {
        return actions(common, options);
    }
    if let Some(service) = &options.can_deploy {
        return can_deploy::answer(common, service, options.format, &options.world, true);
    }
    let gathered = gather::gather(common, &options.world)?;
    if gathered.board.sources.is_empty() {
        // Nothing asked is nothing known: that must not look like all is well.
        return Err(eyre!(
            "there is nothing to ask\nhint: add a [[source]]; `andon help sources` lists the kinds"
        ));
    }
    let memo = Memo::default();
    let scene = gathered.scene(120, 40, &memo);
    let text = match options.format {
        CheckFormat::Json => {
            let mut told = print::json(&scene, "sources", None);
            let mut health = print::json(&scene, "health", None);
            if let Some((told, services)) =
                told.as_object_mut().zip(health.get_mut("services").map(serde_json::Value::take))
            {
                told.insert("services".to_owned(), services);
            }
            format!("{}\n", serde_json::to_string_pretty(&told)?)
        }
        CheckFormat::Text => lines(&scene),
    };
    out::data(&text)?;
    Ok(ExitCode::from(code(&scene)))
}

/// The weekly check: 0 when no action is late, without an owner or done in the text alone, 1 when one is, 2 when nobody
/// can say.
fn actions(common: &Common, options: &Check) -> Result<ExitCode> {
    let kinds = POST_MORTEMS.kinds;
    let gathered = gather::gather_from(common, &options.world, |u| {
        kinds.contains(&u.kind) || u.source.tracks()
    })?;
    if gathered.board.sources.is_empty() {
        return Err(eyre!(
            "there is no source of post-mortems\nhint: add a [[source]] of kind markdown with the path of their folder"
        ));
    }
    let memo = Memo::default();
    let scene = gathered.scene(120, 40, &memo);
    let issues = listed::issues(&scene);
    let tasks = listed::actions(&scene, &issues);
    let counted = tally(&tasks);
    let text = match options.format {
        CheckFormat::Json => {
            format!("{}\n", serde_json::to_string_pretty(&print::actions(&scene))?)
        }
        CheckFormat::Text => {
            let mut text = format!("{}\n", listed::tally_line(counted).text());
            let wrong = |t: &&Task<'_>| t.overdue || t.is_unowned() || t.standing.conflict;
            for task in tasks.iter().filter(wrong) {
                let owner = task.owner().unwrap_or_else(|| "nobody".into());
                let due = task.due.map_or_else(|| "no date".to_owned(), |d| format!("due {d}"));
                let late = if task.overdue { ", late" } else { "" };
                let issue = task.standing.words().map(|w| format!("; {w}")).unwrap_or_default();
                let line = task.action.line + 1;
                let p = task.post_mortem;
                let _ = writeln!(
                    text,
                    "{}:{line}: {} ({owner}, {due}{late}{issue})",
                    p.path, task.action.text
                );
            }
            text
        }
    };
    out::data(&text)?;
    let mut unread = 0_u8;
    for (name, fresh) in &gathered.board.sources {
        if !fresh.status.is_good() {
            out::words(&format!("andon: {name}: {}", fresh.message));
            // Without a tracker that tells of no documents the actions stand as these say.
            unread = if kinds.contains(&fresh.kind) { 2 } else { unread };
        }
        for note in fresh.notes.iter().filter(|note| note.as_str().contains("linked issues")) {
            out::words(&format!("andon: {name}: {note}"));
        }
    }
    let attention = u8::from(counted.overdue + counted.unowned + counted.conflicts > 0);
    Ok(ExitCode::from(unread.max(attention)))
}

/// 0 all fine, 1 something needs attention, 2 something is down or unreachable.
fn code(scene: &Scene<'_>) -> u8 {
    let sources = scene.board.sources.values().map(|f| match f.shown(scene.now) {
        Status::Ok => 0,
        Status::Partial | Status::Stale | Status::RateLimited => 1,
        _ => 2,
    });
    let services = match scene.survey.verdict.worst {
        Health::Ok => 0,
        Health::Unknown if scene.survey.services.is_empty() => 0,
        Health::Unknown | Health::Degraded => 1,
        Health::Down => 2,
    };
    // A pipeline that tells nothing is as bad as what it would tell of.
    let dead = if scene.survey.verdict.dead_man.is_empty() { 0 } else { 2 };
    sources.chain([services, dead]).max().unwrap_or(0)
}

fn lines(scene: &Scene<'_>) -> String {
    let mut text = String::new();
    let names = scene.board.sources.keys().map(|n| n.clean().width()).max().unwrap_or(0);
    for (name, fresh) in &scene.board.sources {
        let pad = " ".repeat(names.saturating_sub(name.clean().width()));
        let status = fresh.shown(scene.now).word();
        let _ = writeln!(
            text,
            "{name}{pad}  {:<12}  {status:<13}  {:>8}  {}",
            fresh.kind,
            latency(fresh),
            told(scene, name, fresh)
        );
        if let Some(hint) = &fresh.hint {
            let _ = writeln!(text, "{}hint: {hint}", " ".repeat(names + 2));
        }
        for note in &fresh.notes {
            let _ = writeln!(text, "{}note: {note}", " ".repeat(names + 2));
        }
        if let Some(alert) = always_fires(scene, name, fresh) {
            let _ = writeln!(
                text,
                "{}hint: {alert} always fires; andon says when it stops, and alerting is dead, with\n{}expects = [{{ name = \"{}\", labels = {{ alertname = \"{alert}\" }} }}]",
                " ".repeat(names + 2),
                " ".repeat(names + 8),
                alert.as_str().to_lowercase(),
            );
        }
    }
    if !scene.survey.services.is_empty() {
        let _ = writeln!(text, "\n{}", verdict(&scene.survey.verdict, scene.survey.services.len()));
        for dead in &scene.survey.verdict.dead_man {
            let since = near(dead.since, scene.now, scene.zone);
            let (name, labels, source) = (&dead.name, &dead.labels, &dead.source);
            let _ = writeln!(
                text,
                "unknown   alerting is broken: {name} ({labels}) does not arrive at {source} since {since}"
            );
        }
        let red = || scene.survey.services.iter().filter(|s| s.health != Health::Ok);
        let names = red().map(|s| s.name.clean().width()).max().unwrap_or(0);
        for state in red() {
            let pad = " ".repeat(names.saturating_sub(state.name.clean().width()));
            let (word, name) = (state.health.word(), &state.name);
            let _ = writeln!(text, "{word:<9} {name}{pad}  {}", state.reason);
        }
    }
    text
}

/// An alert that is made to fire always, told by a source that does not expect it yet.
fn always_fires<'a>(scene: &Scene<'a>, source: &Name, fresh: &Freshness) -> Option<&'a Clean> {
    let made_for_it = |name: &str| {
        let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        let usual = ["watchdog", "deadmansswitch", "deadmanswitch", "deadman", "alwaysfiring"];
        usual.contains(&letters.to_lowercase().as_str())
    };
    let alerts = scene.board.alerts.present().map(|r| &r.what);
    let mut told = alerts.filter(|a| a.key.source == *source && a.state == AlertState::Firing);
    told.find(|a| fresh.expected.is_empty() && made_for_it(a.name.as_str())).map(|a| &a.name)
}

fn latency(fresh: &Freshness) -> String {
    fresh
        .latency
        .map_or_else(|| "—".to_owned(), |l: SignedDuration| format!("{} ms", l.as_millis()))
}

/// What was read, or what went wrong, in words.
fn told(scene: &Scene<'_>, name: &Name, fresh: &Freshness) -> String {
    if !fresh.status.is_good() {
        return fresh.message.to_string();
    }
    if let Some(result) = listed::probed(scene, name, fresh) {
        return result.words.to_string();
    }
    let mut words = format!("{} fact{}", fresh.facts, if fresh.facts == 1 { "" } else { "s" });
    if !fresh.about.is_empty() {
        let _ = write!(words, ", {}", fresh.about);
    }
    if let Some(rate) = fresh.rate {
        let of = rate.limit.map(|l| format!(" of {l}")).unwrap_or_default();
        let _ = write!(words, ", {}{of} requests left", rate.left);
    }
    if let Some(skew) = fresh.clock_skew.filter(|s| s.abs() > SignedDuration::from_secs(5)) {
        let _ = write!(words, ", its clock is {} s off", skew.as_secs());
    }
    if !fresh.message.is_empty() {
        let _ = write!(words, "; {}", fresh.message);
    }
    words
}

fn verdict(verdict: &Verdict, services: usize) -> String {
    let ok =
        services.saturating_sub(verdict.down + verdict.degraded + verdict.unknown + verdict.folded);
    format!(
        "{ok} of {services} services ok, {} down, {} degraded, {} unknown, {} folded under those; {} incidents open, {} without anybody",
        verdict.down,
        verdict.degraded,
        verdict.unknown,
        verdict.folded,
        verdict.incidents,
        verdict.unacked
    )
}
