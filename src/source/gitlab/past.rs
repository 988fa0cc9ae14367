//! The last ninety days of GitLab's deployments and releases: one page of one project a poll.

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::part::{Part, since};
use super::records::Origin;
use super::{GitLab, judge, row_of};
use crate::model::{Fact, Trouble};
use crate::source::history::{self, Edge, Walk};
use crate::source::rows::{self, Gaps};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Http, HttpAnswer, Request, wire};

const TAG: &str = "past";

/// What is known of the past of one list.
#[derive(Debug)]
pub struct Past {
    i: usize,
    part: Part,
    walk: Walk,
}

impl GitLab {
    /// How far back each list is known after the pages that every poll reads.
    pub fn pasts(&self, turn: &[usize], asking: &Asking<'_>, heard: &[Exchange]) -> Vec<Past> {
        let mut pasts = Vec::new();
        for &i in turn {
            let Some(project) = self.projects.get(i) else { continue };
            for part in [Part::Deployments, Part::Releases] {
                if let Some(edge) = self.edge(i, part, asking, heard) {
                    let walk = Walk::of(asking, part.past(project), &edge);
                    pasts.push(Past { i, part, walk });
                }
            }
        }
        pasts
    }

    /// Where the pages heard of a list end; `None` when not all of them could be had.
    fn edge(&self, i: usize, part: Part, asking: &Asking<'_>, heard: &[Exchange]) -> Option<Edge> {
        let (mut dates, mut more, mut pages) = (Vec::new(), true, 0);
        for page in 1..=part.pages() {
            let Some(exchange) = wire::heard(heard, &part.tag(i, page)) else { break };
            let answer = judge(exchange).ok()?;
            dates.extend(dates_of(part, &rows::items(&answer.body).ok()?));
            more = wire::next_page(answer).is_some();
            pages = page;
        }
        if pages == 0 {
            return None;
        }
        let dates = dates.into_iter();
        if part == Part::Releases {
            return Some(Edge::of(dates, more.then(|| number(pages + 1))));
        }
        // What is asked for every time is what changed lately, not the list: it never ends there.
        let project = self.projects.get(i)?;
        let since = since(part, project, asking);
        let bottom = if more { dates.min()?.max(since) } else { since };
        let next = Some(before(bottom).to_string().into());
        Some(Edge { newest: Some(asking.now), oldest: Some(bottom), next })
    }

    /// Tells how far back the changes of each project are known: deployments, and what was pushed where there are none.
    pub fn tell_known(
        &self,
        turn: &[usize],
        pasts: &[Past],
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        for &i in turn {
            let Some(project) = self.projects.get(i) else { continue };
            let deploys = pasts.iter().find(|past| past.i == i && past.part == Part::Deployments);
            let pushes = self.edge(i, Part::Pipelines, asking, heard).and_then(|edge| edge.oldest);
            let from = deploys.zip(pushes).map(|(past, bottom)| {
                let key = format!("known/pushes/{}", project.told);
                let (from, words) = history::reach(asking, &key, bottom);
                tale.remember(&key, words);
                from.max(past.walk.from())
            });
            tale.known(self.known(i, asking, heard).path, from);
        }
    }

    /// The page of the past that belongs to this poll, while it has not been heard.
    pub fn past_page(
        &self,
        pasts: &[Past],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Option<Request> {
        if wire::heard(heard, TAG).is_some() || history::rests(asking) {
            return None;
        }
        let Past { i, part, walk } = pasts.get(self.whose(pasts, asking)?)?;
        let (next, project) = (walk.next()?, self.projects.get(*i)?);
        let (path, mut query) = part.first(project, &self.environments, "", asking);
        if *part == Part::Releases {
            query.push(("page", next.to_owned()));
        } else {
            query.retain(|(key, _)| *key != "updated_after");
            query.push(("updated_after", before(walk.target()).to_string()));
            query.push(("updated_before", next.to_owned()));
        }
        let mut url = wire::join(&self.base, &path);
        url.query_pairs_mut().extend_pairs(query.iter().map(|(k, v)| (*k, v.as_str())));
        Some(Request::Http(Http::get(TAG, url)))
    }

    /// Lists take turns: a page that always fails holds nobody up.
    fn whose(&self, pasts: &[Past], asking: &Asking<'_>) -> Option<usize> {
        let open: Vec<usize> = pasts
            .iter()
            .enumerate()
            .filter(|(_, past)| past.walk.next().is_some())
            .map(|(at, _)| at)
            .collect();
        let round = usize::try_from(asking.round / self.turns()).ok()?;
        open.get(round.checked_rem(open.len())?).copied()
    }

    /// Tells what was heard of the past, and remembers how far it reaches.
    pub fn tell_pasts(
        &self,
        mut pasts: Vec<Past>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        let whose = self.whose(&pasts, asking).and_then(|at| pasts.get_mut(at));
        if let (Some(past), Some(exchange)) = (whose, wire::heard(heard, TAG)) {
            let known = self.known(past.i, asking, heard);
            let told =
                judge(exchange).and_then(|answer| self.tell_past(past, answer, asking, heard));
            match told {
                Ok((facts, gaps)) => {
                    tale.facts.extend(facts);
                    if let Some(words) = gaps.words() {
                        tale.late(format!("history: {words}"));
                    }
                }
                Err(trouble) => {
                    if let Some((key, words)) = history::rest(&trouble, asking.now) {
                        tale.remember(key, words);
                    }
                    let what = past.part.word();
                    tale.late(format!("{} history of {what}: {trouble}", known.path));
                }
            }
        }
        for past in &pasts {
            let (key, words) = past.walk.remember();
            tale.remember(key, words);
        }
        let words = Walk::words(pasts.iter().map(|past| &past.walk));
        tale.notes.extend(words.map(|words| words.to_string()));
    }

    fn tell_past(
        &self,
        past: &mut Past,
        answer: &HttpAnswer,
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Result<(Vec<Fact>, Gaps), Trouble> {
        let mut gaps = Gaps::default();
        let Some(project) = self.projects.get(past.i) else { return Ok((Vec::new(), gaps)) };
        let known = self.known(past.i, asking, heard);
        let origin = Origin { source: &self.name, project, known: &known };
        let items = rows::items(&answer.body)?;
        let place = format!("/{}/{}", known.path, past.part.word());
        let read = |row: &rows::Row<'_>| row_of(past.i, past.part, row, origin, asking, heard);
        let mut facts = gaps.read(&place, &items, read);
        facts.retain(|fact| self.is_wanted(fact));
        let dates = dates_of(past.part, &items);
        let more = wire::next_page(answer).is_some();
        let asked = past.walk.next().unwrap_or_default();
        let next = if past.part == Part::Releases {
            number(asked.parse::<usize>().unwrap_or_default() + 1)
        } else {
            let asked = asked.parse().unwrap_or(asking.now);
            let oldest =
                dates.iter().min().map_or(asked - SignedDuration::from_hours(24), |at| before(*at));
            // More in one second than a page holds is skipped: the past must come to an end.
            oldest.min(asked - SignedDuration::from_secs(1)).to_string().into()
        };
        past.walk.reached(Edge::of(dates.into_iter(), more.then_some(next)));
        Ok((facts, gaps))
    }
}

/// Nothing is lost by asking before the next whole second, whether the upstream means that second or not.
fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_add(1)).unwrap_or(at)
}

fn number(page: usize) -> Box<str> {
    page.to_string().into()
}

/// The dates by which a list is ordered. Releases that are dated ahead say nothing of the past.
fn dates_of(part: Part, items: &[&RawValue]) -> Vec<Timestamp> {
    let date = match part {
        Part::Releases => "/released_at",
        _ => "/updated_at",
    };
    let read = |row: &rows::Row<'_>| Some(row.time(date));
    Gaps::default().read("", items, read).into_iter().flatten().collect()
}
