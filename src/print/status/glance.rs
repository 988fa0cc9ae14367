//! The board at a glance: the few values a status line is made of, and the small file that carries them between processes.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::{Format, escape};
use crate::insight::{DeadMan, Survey, Verdict};
use crate::model::{Board, Clean, Health, Name, Status, Team};

/// What a status line is made of, as of one moment. Moments are seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Glance {
    pub written: i64,
    /// The last good answer of the source that grows stale first, among those that were fresh.
    pub heard: Option<i64>,
    /// From when something that was fresh is stale.
    pub stale_at: i64,
    /// From when nothing may be concluded any more.
    pub gone_at: i64,
    pub verdict: Verdict,
    pub services: usize,
    /// What is frozen now, and until when.
    pub freeze: Option<(Clean, Option<i64>)>,
    /// The next planned release.
    pub release: Option<(Clean, i64)>,
    /// The title of the open incident that needs somebody most: nobody has it yet, it is severe, it is old.
    pub incident: Clean,
    pub on_call: Clean,
    /// Expected alerts that do not arrive: `watchdog at am`.
    pub dead: Vec<Clean>,
    pub team: Clean,
    /// Why nothing is polled, when that is so.
    pub trouble: Clean,
    pub sources: Vec<Upstream>,
    pub taste: Taste,
    pub teller: Teller,
}

/// One source, for the head that every machine output has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Upstream {
    pub name: Clean,
    pub kind: Clean,
    /// A word of `Status`.
    pub status: Clean,
    pub message: Clean,
    pub last_ok: Option<i64>,
    /// Age in seconds from which a good answer is stale.
    pub stale_after: i64,
}

/// What `[status]` of the configuration asks for: carried along, so that a status line reads one file only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taste {
    pub format: Option<Format>,
    pub template: Option<Clean>,
    pub ascii: bool,
    /// Push the line to tmux, as the user option `@andon`.
    pub tmux: bool,
}

/// Who wrote the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Teller {
    pub pid: u32,
    /// Polls for status lines only, and ends when nobody asks.
    pub background: bool,
    /// The name of the lock it holds while it polls.
    pub lock: Clean,
    /// When its configuration was read, in milliseconds: an older reading does not overwrite a newer one.
    pub loaded: i64,
}

/// The first line of the file.
const HEAD: &str = "andon status 1";
/// Columns kept of a title: a status line has no room for more.
const TITLE: usize = 60;

impl Glance {
    /// Everything a status line may say about a board.
    pub fn of(team: &Team, board: &Board, survey: &Survey, now: Timestamp) -> Self {
        let open = || board.incidents.present().map(|r| &r.what).filter(|i| i.status.is_open());
        let needed = open().min_by_key(|i| {
            let had = i.acked.is_some();
            (had, i.severity.is_none(), i.severity, i.started)
        });
        let frozen = survey.frozen.first();
        let mut glance = Self {
            written: now.as_second(),
            stale_at: now.as_second(),
            gone_at: now.as_second(),
            dead: survey.verdict.dead_man.iter().map(dead).collect(),
            // The words above are what is carried along.
            verdict: Verdict { dead_man: Vec::new(), ..survey.verdict.clone() },
            services: team.services.len(),
            freeze: frozen.map(|f| (short(&f.name), f.until.map(Timestamp::as_second))),
            release: survey.next_release.as_ref().map(|r| (short(&r.title), r.at.as_second())),
            incident: needed.map(|i| short(&i.title)).unwrap_or_default(),
            on_call: survey.on_call.first().map(|turn| short(&turn.who)).unwrap_or_default(),
            team: short(&team.name),
            ..Self::default()
        };
        glance.sources = board.sources.iter().map(|(name, f)| upstream(name, f, now)).collect();
        glance.ages(board, now);
        glance
    }

    /// Those who are fresh now decide from when the whole is stale; when none is, the newest answer says how old it is.
    fn ages(&mut self, board: &Board, now: Timestamp) {
        let plus = |at: i64, by: SignedDuration| at.saturating_add(by.as_secs());
        let mut first: Option<i64> = None;
        for freshness in board.sources.values() {
            let Some(last_ok) = freshness.last_ok.map(Timestamp::as_second) else { continue };
            let (stale, gone) = freshness.limits();
            let (stale, gone) = (plus(last_ok, stale), plus(last_ok, gone));
            if freshness.shown(now).is_good() {
                if first.is_none_or(|known| stale < known) {
                    first = Some(stale);
                    (self.heard, self.stale_at, self.gone_at) = (Some(last_ok), stale, gone);
                }
            } else if first.is_none() && self.heard.is_none_or(|known| known < last_ok) {
                (self.heard, self.gone_at) = (Some(last_ok), gone.max(self.written));
            }
        }
    }

    /// Seconds since the answer it rests on; `None` before any.
    pub fn age(&self, now: i64) -> Option<i64> {
        self.heard.map(|heard| now.saturating_sub(heard).max(0))
    }

    pub fn is_stale(&self, now: i64) -> bool {
        self.heard.is_none() || now > self.stale_at
    }

    /// So old that nothing may be concluded.
    pub fn is_gone(&self, now: i64) -> bool {
        self.heard.is_none() || now > self.gone_at
    }

    /// The worst health, which is unknown as soon as nothing may be concluded.
    pub fn worst(&self, now: i64) -> Health {
        if self.is_gone(now) { Health::Unknown } else { self.verdict.worst }
    }

    /// True when a reader would see the same, whatever the moments.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let timeless = |g: &Self| {
            let sources = g.sources.iter().map(|s| Upstream { last_ok: None, ..s.clone() });
            let sources = sources.collect();
            Self { written: 0, heard: None, stale_at: 0, gone_at: 0, sources, ..g.clone() }
        };
        self.heard.is_some() == other.heard.is_some() && timeless(self) == timeless(other)
    }

    /// Lines of a word and its value: read in microseconds, by eye too.
    pub fn encode(&self) -> String {
        let mut out = format!("{HEAD}\n");
        let v = &self.verdict;
        let numbers = [
            ("written", Some(self.written)),
            ("heard", self.heard),
            ("stale_at", Some(self.stale_at)),
            ("gone_at", Some(self.gone_at)),
            ("loaded", Some(self.teller.loaded)),
            ("pid", Some(self.teller.pid.into())),
            ("background", self.teller.background.then_some(1)),
            ("ascii", self.taste.ascii.then_some(1)),
            ("tmux", self.taste.tmux.then_some(1)),
        ];
        for (word, number) in numbers {
            if let Some(number) = number {
                line(&mut out, word, number);
            }
        }
        let counts = [
            ("services", self.services),
            ("down", v.down),
            ("degraded", v.degraded),
            ("unknown", v.unknown),
            ("stale", v.stale),
            ("folded", v.folded),
            ("maintained", v.maintained),
            ("incidents", v.incidents),
            ("unacked", v.unacked),
            ("failing", v.failing_sources),
            ("silent", v.stale_sources),
            ("awaited", v.awaited_sources),
            ("sources", self.sources.len()),
        ];
        for (word, count) in counts {
            line(&mut out, word, count);
        }
        line(&mut out, "worst", v.worst.word());
        let texts = [
            ("incident", &self.incident),
            ("on_call", &self.on_call),
            ("team", &self.team),
            ("trouble", &self.trouble),
            ("lock", &self.teller.lock),
        ];
        for (word, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            line(&mut out, word, text);
        }
        for name in &v.named {
            line(&mut out, "named", name);
        }
        for words in &self.dead {
            line(&mut out, "dead", words);
        }
        if let Some((name, until)) = &self.freeze {
            line(&mut out, "freeze", name);
            if let Some(until) = until {
                line(&mut out, "freeze_until", until);
            }
        }
        if let Some((title, at)) = &self.release {
            line(&mut out, "release", title);
            line(&mut out, "release_at", at);
        }
        self.taste.format.iter().for_each(|f| line(&mut out, "format", f.name()));
        self.taste.template.iter().for_each(|t| line(&mut out, "template", t));
        for s in &self.sources {
            line(&mut out, "source", &s.name);
            line(&mut out, "kind", &s.kind);
            line(&mut out, "status", &s.status);
            line(&mut out, "stale_after", s.stale_after);
            s.last_ok.iter().for_each(|at| line(&mut out, "last_ok", at));
            if !s.message.is_empty() {
                line(&mut out, "message", &s.message);
            }
        }
        out
    }

    /// Reads what `encode` wrote. Total: anything else is `None`, and its texts are cleaned again.
    pub fn decode(text: &str) -> Option<Self> {
        Self::read(text, |_| false)
    }

    /// The same without each single source.
    pub fn brief(text: &str) -> Option<Self> {
        Self::read(text, |word| word == "source")
    }

    fn read(text: &str, ends: impl Fn(&str) -> bool) -> Option<Self> {
        let rest = text.strip_prefix(HEAD)?.strip_prefix('\n')?;
        let mut glance = Self::default();
        let lines = rest.lines().filter_map(|line| line.split_once(' '));
        for (word, value) in lines.take_while(|(word, _)| !ends(word)) {
            glance.take(word, value);
        }
        Some(glance)
    }

    /// Takes one line; a word of a newer version is passed over.
    fn take(&mut self, word: &str, value: &str) {
        let number = || value.parse::<i64>().ok();
        let count = || value.parse::<usize>().unwrap_or_default();
        let text = || Clean::line(value);
        let v = &mut self.verdict;
        match word {
            "written" => self.written = number().unwrap_or_default(),
            "heard" => self.heard = number(),
            "stale_at" => self.stale_at = number().unwrap_or_default(),
            "gone_at" => self.gone_at = number().unwrap_or_default(),
            "loaded" => self.teller.loaded = number().unwrap_or_default(),
            "pid" => self.teller.pid = value.parse().unwrap_or_default(),
            "background" => self.teller.background = true,
            "ascii" => self.taste.ascii = true,
            "tmux" => self.taste.tmux = true,
            "services" => self.services = count(),
            "down" => v.down = count(),
            "degraded" => v.degraded = count(),
            "unknown" => v.unknown = count(),
            "stale" => v.stale = count(),
            "folded" => v.folded = count(),
            "maintained" => v.maintained = count(),
            "dead" => self.dead.push(text()),
            "incidents" => v.incidents = count(),
            "unacked" => v.unacked = count(),
            "failing" => v.failing_sources = count(),
            "silent" => v.stale_sources = count(),
            "awaited" => v.awaited_sources = count(),
            "sources" => v.sources = count(),
            "worst" => {
                let all = [Health::Ok, Health::Degraded, Health::Down];
                v.worst = all.into_iter().find(|h| h.word() == value).unwrap_or_default();
            }
            "incident" => self.incident = text(),
            "on_call" => self.on_call = text(),
            "team" => self.team = text(),
            "trouble" => self.trouble = text(),
            "lock" => self.teller.lock = text(),
            "named" => v.named.push(Name::new(value)),
            "freeze" => self.freeze = Some((text(), None)),
            "freeze_until" => {
                if let Some((_, until)) = &mut self.freeze {
                    *until = number();
                }
            }
            "release" => self.release = Some((text(), 0)),
            "release_at" => {
                if let Some((_, at)) = &mut self.release {
                    *at = number().unwrap_or_default();
                }
            }
            "format" => self.taste.format = Format::named(value),
            "template" => self.taste.template = Some(text()),
            "source" => self.sources.push(Upstream { name: text(), ..Upstream::default() }),
            _ => self.take_of_source(word, value),
        }
    }

    fn take_of_source(&mut self, word: &str, value: &str) {
        let Some(source) = self.sources.last_mut() else { return };
        match word {
            "kind" => source.kind = Clean::line(value),
            "status" => source.status = Clean::line(value),
            "stale_after" => source.stale_after = value.parse().unwrap_or_default(),
            "last_ok" => source.last_ok = value.parse().ok(),
            "message" => source.message = Clean::line(value),
            _ => {}
        }
    }
}

fn line(out: &mut String, word: &str, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{word} {value}");
}

fn dead(missing: &DeadMan) -> Clean {
    short(&Clean::line(format_args!("{} at {}", missing.name, missing.source)))
}

fn short(text: &Clean) -> Clean {
    if text.width() <= TITLE {
        text.clone()
    } else {
        Clean::line(escape::cut(text.as_str(), TITLE))
    }
}

fn upstream(name: &Name, freshness: &crate::model::Freshness, now: Timestamp) -> Upstream {
    Upstream {
        name: name.clean().clone(),
        kind: freshness.kind.into(),
        status: match freshness.shown(now) {
            // Age is judged when it is read.
            Status::Stale => freshness.status.word().into(),
            status => status.word().into(),
        },
        message: freshness.message.clone(),
        last_ok: freshness.last_ok.map(Timestamp::as_second),
        stale_after: freshness.limits().0.as_secs(),
    }
}
