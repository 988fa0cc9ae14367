//! From written tables to the team and its upstreams; every semantic problem is located like a syntax error.

mod freezes;
mod memory;
mod plans;
mod post_mortems;
mod probes;
mod services;
mod site;
mod sources;

use std::collections::BTreeMap;
use std::time::Duration;

use super::digest::digest;
use super::problem::{Located, nearest};
use super::raw::{self, SOURCE_KEYS};
use super::read::only;
use super::tree::{Table, Texts, Value};
use super::{Config, STATUS_FORMATS, StatusLine, Ui, Upstream, zone};
use crate::cockpit::{Keymap, Turns};
use crate::model::{ChangeSource, Clean, Metric, Name, Service, Slo, Team};
use crate::page::Skin;
use crate::page::wall::LEAVES;
use crate::source::Services;

use freezes::build_freeze;
use memory::build_memory;
use plans::build_plan;
use post_mortems::{build_review, build_template, unfilled};
use probes::build_probes;
use services::{build_service, no_circles, own_service};
use site::{Site, known, list, unique};
use sources::{Wanted, build_source};

const SECTIONS: &[&str] = &[
    "include",
    "team",
    "source",
    "service",
    "freeze",
    "release",
    "ui",
    "status",
    "notify",
    "post_mortems",
    "delivery",
    "write",
    "store",
];
/// Named by the contract for what comes later; accepted, and said to be without effect yet.
const LATER: &[&str] = &["notify", "delivery", "write"];
/// Builds everything that can be built; what cannot is in `problems`.
pub fn build(table: &Table, texts: &Texts, problems: &mut Vec<Located>) -> Config {
    let mut site = Site { texts, problems };
    let mut notes = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if !SECTIONS.contains(&name) {
            let hint = nearest(name, SECTIONS.iter().copied()).map_or_else(
                || format!("sections are {}", SECTIONS.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            site.problem(&key.span(), format!("unknown section `{name}`"), Some(hint));
        }
        if LATER.contains(&name) && value.get_ref().as_table().is_some_and(|t| !t.is_empty()) {
            notes.push(Clean::line(format_args!("[{name}] is not used by this version yet")));
        }
    }
    let section = |name: &str| table.get(name);
    let written: raw::Team = section("team").and_then(|v| site.read(v)).unwrap_or_default();
    let zone =
        written.timezone.as_ref().and_then(|t| site.zone(t)).unwrap_or_else(zone::of_this_machine);
    let ui = section("ui")
        .and_then(|v| site.read(v))
        .map(|raw| build_ui(raw, &mut site))
        .unwrap_or_default();
    let status = section("status")
        .and_then(|v| site.read(v))
        .map(|raw| build_status(raw, &mut site))
        .unwrap_or_default();

    let memory = section("store")
        .and_then(|v| site.read(v))
        .map(|raw| build_memory(&raw, &mut site))
        .unwrap_or_default();
    let post_mortems =
        section("post_mortems").and_then(|v| site.read::<raw::PostMortems>(v)).unwrap_or_default();
    let template = build_template(&post_mortems, &mut site);
    let mut review = build_review(&post_mortems, &mut site);

    let services: Vec<raw::Service> =
        list(section("service"), &mut site).iter().filter_map(|v| site.read(v)).collect();
    let sources: Vec<(raw::Source, &Value)> = list(section("source"), &mut site)
        .iter()
        .filter_map(|v| Some((site.read(&only(v, SOURCE_KEYS))?, *v)))
        .collect();
    let names: Vec<&str> = sources.iter().map(|(s, _)| s.name.get_ref().as_str()).collect();
    unique(sources.iter().map(|(s, _)| &s.name), "source", &mut site);
    unique(services.iter().map(|s| &s.name), "service", &mut site);
    no_circles(&services, &mut site);
    let service_names: Vec<&str> = services.iter().map(|s| s.name.get_ref().as_str()).collect();

    let askable: Vec<&str> = sources
        .iter()
        .filter(|(s, _)| matches!(s.kind.get_ref().as_str(), "prometheus" | "json"))
        .map(|(s, _)| s.name.get_ref().as_str())
        .collect();
    let counting: Vec<&str> = sources
        .iter()
        .filter(|(s, _)| s.kind.get_ref() == "prometheus")
        .map(|(s, _)| s.name.get_ref().as_str())
        .collect();
    let mut built: Vec<Service> = services
        .iter()
        .map(|s| build_service(s, &service_names, &names, &askable, &counting, &mut site))
        .collect();

    let mut upstreams = Vec::new();
    let mut team_metrics = Vec::new();
    let delivered = sources.iter().any(|(raw, _)| raw.kind.get_ref() == "alertmanager");
    let all = Services::of(&built);
    for (raw, value) in &sources {
        let metrics = built
            .iter()
            .flat_map(|s| &s.metrics)
            .filter(|m| m.source.as_str() == raw.name.get_ref())
            .cloned();
        let metrics: Vec<Metric> = metrics.collect();
        let slos: Vec<(Name, Slo)> = built
            .iter()
            .flat_map(|s| s.slos.iter().map(|slo| (s.name.clone(), slo.clone())))
            .filter(|(_, slo)| slo.source.as_str() == raw.name.get_ref())
            .collect();
        let second = upstreams.iter().any(|u: &Upstream| u.kind == raw.kind.get_ref());
        let wanted = Wanted { metrics: &metrics, slos: &slos, services: &all, second };
        if let Some(upstream) = build_source(raw, value, &wanted, delivered, &zone, &mut site) {
            for metric in upstream.source.metrics() {
                own_service(&metric, value, &service_names, &mut site);
            }
            team_metrics.extend(upstream.source.metrics());
            upstreams.push(upstream);
        }
    }
    // A number that a source itself gives to a service stands with that service's own.
    for metric in team_metrics.extract_if(.., |m| m.id.service.is_some()) {
        if let Some(service) =
            built.iter_mut().find(|s| Some(&s.name) == metric.id.service.as_ref())
            && service.metrics.iter().all(|m| m.id != metric.id)
        {
            service.metrics.push(metric);
        }
    }
    for service in &services {
        build_probes(service, &mut upstreams, &mut site);
    }
    let freezes = list(section("freeze"), &mut site)
        .iter()
        .filter_map(|v| {
            let freeze = site.read::<raw::Freeze>(v)?;
            build_freeze(&freeze, &zone, &service_names, &mut site)
        })
        .collect();
    let plans = list(section("release"), &mut site)
        .iter()
        .filter_map(|v| {
            let plan = site.read::<raw::Release>(v)?;
            build_plan(&plan, &zone, &service_names, &mut site)
        })
        .collect();
    let telling = upstreams.iter().filter(|u| u.source.tells_freezes());
    let freeze_sources = telling.map(|u| u.name.clone()).collect();
    let change_sources = upstreams.iter().filter_map(|u| {
        let (of, deploys) = u.source.tells_changes()?;
        Some(ChangeSource { source: u.name.clone(), of, deploys })
    });
    let change_sources = change_sources.collect();
    review.unfilled =
        unfilled(template.as_deref(), upstreams.iter().filter_map(|u| u.source.folder()));
    let team = Team {
        name: Clean::line(written.name.unwrap_or_default()),
        zone,
        environments: written
            .environments
            .unwrap_or_default()
            .into_iter()
            .map(Clean::line)
            .collect(),
        services: built,
        metrics: team_metrics,
        freezes,
        freeze_sources,
        change_sources,
        plans,
        week_starts_sunday: written.week_starts == Some(raw::WeekStart::Sunday),
        review,
    };
    let files = texts.files().filter(|f| f.is_absolute()).map(std::path::Path::to_owned).collect();
    let digest = digest(table);
    Config { team, upstreams, ui, status, digest, memory, template, files, notes }
}

fn build_status(raw: raw::Status, site: &mut Site<'_>) -> StatusLine {
    let format = raw.format.filter(|word| known(word, STATUS_FORMATS, "format", site));
    StatusLine {
        format: format.map(toml::Spanned::into_inner),
        template: raw.template.map(|text| Clean::line(text.get_ref())),
        tmux: raw.tmux,
    }
}

fn build_wall(raw: &raw::Wall, site: &mut Site<'_>) -> Turns {
    let default = Turns::default();
    let names: Vec<&'static str> = LEAVES.iter().map(|leaf| leaf.name).collect();
    let usual = Duration::try_from(default.every).unwrap_or_default();
    let every = site.duration(raw.every.as_ref(), usual);
    let mut pages = Vec::new();
    for page in raw.pages.iter().flatten() {
        if known(page, &names, "page of the wall", site) {
            pages.extend(names.iter().find(|name| *name == page.get_ref()));
        }
    }
    Turns {
        every: every.try_into().unwrap_or(default.every),
        pages: if pages.is_empty() { default.pages } else { pages },
    }
}

fn build_ui(raw: raw::Ui, site: &mut Site<'_>) -> Ui {
    let default = Ui::default();
    let skins: Vec<&str> = Skin::ALL.iter().map(|s| s.name()).collect();
    let skin = match raw.theme {
        Some(theme) if known(&theme, &skins, "theme", site) => Skin::named(theme.get_ref()),
        _ => None,
    };
    let mut wishes = Vec::new();
    let mut spans = BTreeMap::new();
    for (action, written) in raw.keys {
        spans.insert(action.clone(), written.span());
        let keys = match written.into_inner() {
            raw::Keys::One(key) => vec![key],
            raw::Keys::Many(keys) => keys,
        };
        wishes.push((action, keys));
    }
    let keymap = Keymap::build(&wishes).unwrap_or_else(|problems| {
        for problem in problems {
            // A conflict may name an action that kept its default keys: any wish is then the cause.
            let words = problem.to_string();
            let named = || spans.iter().find(|(action, _)| words.contains(&format!("`{action}`")));
            let span = spans
                .get(problem.action())
                .or_else(|| named().map(|(_, span)| span))
                .or_else(|| spans.values().next())
                .cloned();
            site.problems.push(site.texts.locate(span.as_ref(), words, None));
        }
        Keymap::default()
    });
    Ui {
        skin: skin.unwrap_or(default.skin),
        ascii: raw.ascii.unwrap_or(default.ascii),
        mouse: raw.mouse.unwrap_or(default.mouse),
        keymap,
        wall: build_wall(&raw.wall, site),
    }
}
