//! `[[service.probe]]`: each probe becomes a source of its own, so that one that hangs delays no other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::address::shown_address;
use crate::config::raw;
use crate::config::{BODY_CAP, Endpoint, Upstream};
use crate::model::{Clean, Name, SourceName};
use crate::source::{self, ProbeMeans, ProbeSpec};

use super::site::Site;
use super::sources::{POLL_DEADLINE, address};

const PROBE_EVERY: Duration = Duration::from_secs(30);
const WARN_DAYS: u32 = 14;

/// Each probe is a source of its own: one that hangs delays no other.
pub fn build_probes(raw: &raw::Service, upstreams: &mut Vec<Upstream>, site: &mut Site<'_>) {
    for (i, probe) in raw.probes.iter().enumerate() {
        let Some((means, shown)) = build_means(probe, &raw.name, site) else { continue };
        let every = site.duration(probe.every.as_ref(), PROBE_EVERY);
        let timeout = site.duration(probe.timeout.as_ref(), POLL_DEADLINE);
        let name = SourceName::new(&format!("probe {} {}", raw.name.get_ref(), i + 1));
        let shown = Clean::line(shown);
        let spec = ProbeSpec {
            service: Name::new(raw.name.get_ref()),
            means,
            weight: probe.weight,
            shown: shown.clone(),
        };
        let endpoint = Endpoint { shown, cap: BODY_CAP, ..Endpoint::default() };
        upstreams.push(Upstream {
            name,
            kind: "probe",
            source: source::probe::open(spec).into(),
            endpoint,
            every,
            timeout,
            memory: BTreeMap::new(),
            known: None,
            linked: crate::model::Linked::default(),
        });
    }
}

pub fn build_means(
    probe: &raw::Probe,
    near: &raw::Text,
    site: &mut Site<'_>,
) -> Option<(ProbeMeans, String)> {
    let given = [&probe.http, &probe.tcp, &probe.tls, &probe.dns].into_iter().flatten().count();
    if given != 1 {
        site.problem(&near.span(), "a probe asks exactly one of http, tcp, tls, dns", None);
        return None;
    }
    if let Some(text) = &probe.http {
        let url = address(text, site)?;
        let shown = shown_address(&url);
        return Some((
            ProbeMeans::Http {
                url,
                expect_status: probe.status,
                contains: probe.contains.as_deref().map(Into::into),
            },
            shown,
        ));
    }
    if let Some(text) = &probe.dns {
        return Some((
            ProbeMeans::Dns { host: text.get_ref().as_str().into() },
            text.get_ref().clone(),
        ));
    }
    let text = probe.tcp.as_ref().or(probe.tls.as_ref())?;
    let (host, port) = text
        .get_ref()
        .rsplit_once(':')
        .and_then(|(h, p)| Some((h, p.parse::<u16>().ok()?)))
        .or_else(|| {
            site.problem(
                &text.span(),
                "expected host:port",
                Some("db.example:5432, or [::1]:5432".to_owned()),
            );
            None
        })?;
    let host: Box<str> = host.trim_start_matches('[').trim_end_matches(']').into();
    let means = if probe.tls.is_some() {
        ProbeMeans::Tls { host, port, warn_days: probe.warn_days.unwrap_or(WARN_DAYS) }
    } else {
        ProbeMeans::Tcp { host, port }
    };
    Some((means, text.get_ref().clone()))
}
