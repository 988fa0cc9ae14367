//! How many commits each deploy brought: GitLab gives no number, so that a page of the commits between two is counted.

use super::records::{self, Deployed, Origin};
use super::{GitLab, Part, judge};
use crate::model::{Brought, Clean, Key};
use crate::source::brought::{self, Pair, Uncounted};
use crate::source::rows::{self, Gaps};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Request, wire};

/// Commits asked for at once; more than that is "at least".
const PAGE: usize = 100;

impl GitLab {
    /// What waits to be counted in every project of the turn, with the deployments heard in this poll.
    pub fn uncounted(
        &self,
        turn: &[usize],
        asking: &Asking<'_>,
        heard: &[Exchange],
    ) -> Vec<(usize, Uncounted)> {
        let mut all = Vec::new();
        for &i in turn {
            let Some(project) = self.projects.get(i) else { continue };
            let mut queue = Uncounted::of(asking, &project.told);
            let known = self.known(i, asking, heard);
            let origin = Origin { source: &self.name, project, known: &known };
            for page in 1..=Part::Deployments.pages() {
                let Some(exchange) = wire::heard(heard, &Part::Deployments.tag(i, page)) else {
                    break;
                };
                let Ok(items) = judge(exchange).and_then(|a| rows::items(&a.body)) else { break };
                let told: Vec<Deployed> =
                    Gaps::default().read("", &items, |row| records::deployment(row, origin));
                let own = told.iter().map(|d| &d.deploy);
                queue.note(own.filter(|d| self.is_followed(&d.environment)));
            }
            all.push((i, queue));
        }
        all
    }

    /// The comparisons that have not been heard yet.
    pub fn counts(&self, uncounted: &[(usize, Uncounted)], heard: &[Exchange]) -> Vec<Request> {
        brought::counts(uncounted, heard, |i, pair, tag| {
            let query = [
                ("ref_name", format!("{}..{}", pair.base, pair.head)),
                ("per_page", PAGE.to_string()),
            ];
            Some(self.get(tag, &self.projects.get(i)?.path("repository/commits"), &query))
        })
    }

    pub fn tell_counts(
        &self,
        uncounted: Vec<(usize, Uncounted)>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        let shown = |i: usize| self.known(i, asking, heard).shown();
        let whose = |i: usize| self.projects.get(i).map(|project| (&*project.told, shown(i)));
        let read = |i: usize, pair: &Pair, exchange: &Exchange| {
            let id = self.projects.get(i)?.id(&format!("compare/{}", pair.name()));
            let read = judge(exchange).and_then(|answer| {
                Ok(Brought {
                    key: Key::new(&self.name, id),
                    repo: shown(i),
                    base: Clean::line(&pair.base),
                    head: Clean::line(&pair.head),
                    ahead: rows::items(&answer.body)?.len() as u64,
                    at_least: wire::next_page(answer).is_some(),
                    behind: None,
                })
            });
            Some(read)
        };
        brought::tell_counts(uncounted, asking, heard, tale, whose, read);
    }
}
