//! How many commits each deploy brought: GitLab gives no number, so that a page of the commits between two is counted.

use super::records::{self, Deployed, Origin};
use super::{GitLab, Part, judge};
use crate::model::{Brought, Clean, Fact, Key, Status};
use crate::source::brought::{Pair, Uncounted, newest};
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
        let unheard = newest(uncounted).into_iter().filter_map(|(i, pair)| {
            let (project, tag) = (self.projects.get(i)?, tag(i, &pair));
            if wire::heard(heard, &tag).is_some() {
                return None;
            }
            let query = [
                ("ref_name", format!("{}..{}", pair.base, pair.head)),
                ("per_page", PAGE.to_string()),
            ];
            Some(self.get(tag, &project.path("repository/commits"), &query))
        });
        unheard.collect()
    }

    pub fn tell_counts(
        &self,
        mut uncounted: Vec<(usize, Uncounted)>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        for (i, pair) in newest(&uncounted) {
            let Some(project) = self.projects.get(i) else { continue };
            let Some(exchange) = wire::heard(heard, &tag(i, &pair)) else { continue };
            let known = self.known(i, asking, heard);
            let read = judge(exchange).and_then(|answer| {
                let ahead = rows::items(&answer.body)?.len() as u64;
                Ok((ahead, wire::next_page(answer).is_some()))
            });
            match read {
                Ok((ahead, at_least)) => tale.facts.push(Fact::Brought(Brought {
                    key: Key::new(&self.name, project.id(&format!("compare/{}", pair.name()))),
                    repo: known.shown(),
                    base: Clean::line(&pair.base),
                    head: Clean::line(&pair.head),
                    ahead,
                    at_least,
                    behind: None,
                })),
                // A commit that a forced push removed: nobody can count.
                Err(trouble) if matches!(trouble.status, Status::NotFound | Status::BadData) => {}
                Err(trouble) => {
                    tale.late(format!("{}: commits of deploys: {trouble}", known.path));
                    break;
                }
            }
            if let Some((_, queue)) = uncounted.iter_mut().find(|(own, _)| *own == i) {
                queue.settle(&pair);
            }
        }
        for (i, queue) in uncounted {
            let Some(project) = self.projects.get(i) else { continue };
            queue.keep(&project.told, &self.known(i, asking, heard).shown(), asking, tale);
        }
    }
}

fn tag(i: usize, pair: &Pair) -> String {
    format!("count/{i}/{}", pair.name())
}
