//! iCalendar feeds and files: releases, freezes, on-call, maintenance, holidays.

mod decode;
mod read;
mod zone;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use super::wire;
use super::{Answer, Asking, Exchange, Http, Kind, Opening, Problem, Reading, Request, Source};
use crate::model::{Calendar, Clean, Fact, Purpose, Report, SourceName, Status, Trouble};

pub use read::calendar;

pub const KIND: Kind = Kind {
    name: "ical",
    about: "iCalendar feeds and files: releases, freezes, on-call, maintenance",
    every: Duration::from_secs(15 * 60),
    default_url: None,
    needs_url: false,
    options: &[
        ("path", "the calendar's file, instead of a url; relative to the configuration file"),
        ("as", "what its events mean: release, freeze, on-call, maintenance or holiday"),
    ],
    open,
};

/// Bytes of a feed that are read.
const CAP: usize = 2 * 1024 * 1024;
/// Publishers do not like to be asked more often.
const SHORTEST: Duration = Duration::from_secs(5 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    path: Option<PathBuf>,
    #[serde(default, rename = "as")]
    purpose: Purpose,
}

#[derive(Debug)]
enum Place {
    Feed(Url),
    File(PathBuf),
}

#[derive(Debug)]
struct Ical {
    name: SourceName,
    place: Place,
    purpose: Purpose,
    every: Duration,
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Source>, Vec<Problem>> {
    let options = Options::deserialize(opening.options).map_err(|e| vec![Problem::Toml(e)])?;
    let place = match (opening.url, options.path) {
        (Some(url), None) => Place::Feed(url),
        (None, Some(path)) => Place::File(opening.folder.join(path)),
        (Some(_), Some(_)) => {
            let message = "a calendar has a url or a path, not both".to_owned();
            return Err(vec![Problem::Key { key: "path", message }]);
        }
        (None, None) => {
            let message = "a calendar needs a url or a path".to_owned();
            return Err(vec![Problem::Key { key: "url", message }]);
        }
    };
    if matches!(&place, Place::Feed(url) if !is_near(url)) && opening.every < SHORTEST {
        let message = "calendars are asked every 5 minutes at most".to_owned();
        return Err(vec![Problem::Key { key: "every", message }]);
    }
    Ok(Box::new(Ical { name: opening.name, place, purpose: options.purpose, every: opening.every }))
}

/// A calendar served on this machine may be asked as often as wanted.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Source for Ical {
    fn ask(&self, _asking: &Asking<'_>) -> Vec<Request> {
        vec![match &self.place {
            Place::File(file) => Request::ReadFile { file: file.clone(), cap: CAP },
            Place::Feed(url) => {
                let mut http = Http::get("feed", url.clone())
                    .header("accept", "text/calendar, */*;q=0.5")
                    .conditional();
                http.cap = Some(CAP);
                Request::Http(http)
            }
        }]
    }

    fn read(&self, _asking: &Asking<'_>, heard: &[Exchange]) -> Result<Reading, Trouble> {
        let exchange =
            heard.last().ok_or_else(|| Trouble::new(Status::InternalError, "nothing was heard"))?;
        let (bytes, cut) = match &exchange.answer {
            Ok(Answer::File { bytes, cut }) => (&bytes[..], *cut),
            _ => (&wire::judge(exchange, wire::reason)?.body[..], false),
        };
        let mut calendar = calendar(bytes, &self.name, self.purpose)?;
        if cut {
            calendar.notes.push("longer than 2 MiB: what comes after is not read".into());
        }
        Ok(Reading::Done(self.report(calendar)))
    }

    fn tells_freezes(&self) -> bool {
        self.purpose == Purpose::Freeze
    }
}

impl Ical {
    fn report(&self, calendar: Calendar) -> Report {
        let mut notes = calendar.notes.clone();
        if let Some(refresh) = calendar.refresh
            && SignedDuration::try_from(self.every).is_ok_and(|every| refresh > every)
        {
            let minutes = refresh.as_mins();
            notes.push(Clean::line(format_args!(
                "the publisher asks for {} between two polls",
                if minutes % 60 == 0 {
                    format!("{} h", minutes / 60)
                } else {
                    format!("{minutes} min")
                }
            )));
        }
        let partial = (calendar.skipped > 0).then(|| {
            let all = calendar.skipped + calendar.events.len();
            Clean::line(format_args!("{} of {all} events could not be read", calendar.skipped))
        });
        Report {
            about: Some(calendar.name.clone()).filter(|name| !name.is_empty()),
            facts: vec![Fact::Calendar(Arc::new(calendar))],
            partial,
            notes,
            ..Report::default()
        }
    }
}

#[cfg(test)]
mod tests;
