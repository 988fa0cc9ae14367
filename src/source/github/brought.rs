//! How many commits each deploy brought: a comparison for each pair of deploys, a few a poll, and each only once.

use super::graphql::Told;
use super::repo::Repo;
use super::{GitHub, answer, behind};
use crate::model::{Brought, Clean, Key, Trouble};
use crate::source::brought::{self, Pair, Uncounted};
use crate::source::rows::{self, Gaps};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Request};

impl GitHub {
    /// What waits to be counted in every repository of the turn, with the deploys that GraphQL just told.
    pub fn uncounted(
        &self,
        turn: &[usize],
        told: &[(&[usize], Told<'_>)],
        asking: &Asking<'_>,
    ) -> Vec<(usize, Uncounted)> {
        let mut all: Vec<(usize, Uncounted)> = turn
            .iter()
            .filter_map(|&i| Some((i, Uncounted::of(asking, self.repo(i)?.shown.as_str()))))
            .collect();
        for (batch, answer) in told {
            for (place, i) in batch.iter().enumerate() {
                let Some(repo) = self.repo(*i) else { continue };
                let found = answer.repository(place, repo, &self.name, &mut Gaps::default());
                let own = all.iter_mut().find(|(own, _)| own == i);
                if let (Ok(Some(found)), Some((_, queue))) = (found, own) {
                    queue.note(found.deploys.iter());
                }
            }
        }
        all
    }

    /// The comparisons that have not been heard yet.
    pub fn counts(&self, uncounted: &[(usize, Uncounted)], heard: &[Exchange]) -> Vec<Request> {
        brought::counts(uncounted, heard, |i, pair, tag| {
            // Files and their changes come with the first page only; the numbers stand on every page.
            let path = self.repo(i)?.path(&compare(pair));
            Some(self.get(tag, &path, &[("per_page", "1"), ("page", "2")]))
        })
    }

    pub fn tell_counts(
        &self,
        uncounted: Vec<(usize, Uncounted)>,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) {
        let whose = |i: usize| self.repo(i).map(|repo| (repo.shown.as_str(), repo.shown.clone()));
        let read = |i: usize, pair: &Pair, exchange: &Exchange| {
            let repo = self.repo(i)?;
            let answer = answer::judge(exchange, asking.now);
            Some(answer.and_then(|answer| self.brought(repo, pair, &answer.body)))
        };
        brought::tell_counts(uncounted, asking, heard, tale, whose, read);
    }

    fn brought(&self, repo: &Repo, pair: &Pair, body: &[u8]) -> Result<Brought, Trouble> {
        let (ahead, behind) = behind::apart(&rows::members(body)?)?;
        Ok(Brought {
            key: Key::new(&self.name, repo.path(&compare(pair))),
            repo: repo.shown.clone(),
            base: Clean::line(&pair.base),
            head: Clean::line(&pair.head),
            ahead,
            at_least: false,
            behind: Some(behind),
        })
    }
}

fn compare(pair: &Pair) -> String {
    format!("compare/{}", pair.name())
}
