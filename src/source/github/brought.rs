//! How many commits each deploy brought: a comparison for each pair of deploys, a few a poll, and each only once.

use super::graphql::Told;
use super::repo::Repo;
use super::{GitHub, answer};
use crate::model::{Brought, Clean, Fact, Key, Status, Trouble};
use crate::source::brought::{Pair, Uncounted, newest};
use crate::source::rows::{self, Gaps};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Request, wire};

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
        let unheard = newest(uncounted).into_iter().filter_map(|(i, pair)| {
            let (repo, tag) = (self.repo(i)?, tag(i, &pair));
            if wire::heard(heard, &tag).is_some() {
                return None;
            }
            let path = repo.path(&format!("compare/{}", pair.name()));
            // Files and their changes come with the first page only; the numbers stand on every page.
            Some(self.get(tag, &path, &[("per_page", "1"), ("page", "2")]))
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
            let Some(repo) = self.repo(i) else { continue };
            let Some(exchange) = wire::heard(heard, &tag(i, &pair)) else { continue };
            let read = answer::judge(exchange, asking.now)
                .and_then(|answer| rows::members(&answer.body))
                .and_then(|members| {
                    let number = |key: &str| rows::value_of(&members, key).as_u64();
                    let both = number("ahead_by").zip(number("behind_by"));
                    both.ok_or_else(|| Trouble::bad_data("a comparison without its numbers"))
                });
            match read {
                Ok((ahead, behind)) => {
                    tale.facts.push(Fact::Brought(self.brought(repo, &pair, ahead, behind)));
                }
                // A commit that a forced push removed, and histories without a common commit: nobody can count.
                Err(trouble) if matches!(trouble.status, Status::NotFound | Status::BadData) => {}
                Err(trouble) => {
                    tale.late(format!("{}: commits of deploys: {trouble}", repo.shown));
                    break;
                }
            }
            if let Some((_, queue)) = uncounted.iter_mut().find(|(own, _)| *own == i) {
                queue.settle(&pair);
            }
        }
        for (i, queue) in uncounted {
            if let Some(repo) = self.repo(i) {
                queue.keep(repo.shown.as_str(), &repo.shown, asking, tale);
            }
        }
    }

    fn brought(&self, repo: &Repo, pair: &Pair, ahead: u64, behind: u64) -> Brought {
        Brought {
            key: Key::new(&self.name, repo.path(&format!("compare/{}", pair.name()))),
            repo: repo.shown.clone(),
            base: Clean::line(&pair.base),
            head: Clean::line(&pair.head),
            ahead,
            at_least: false,
            behind: Some(behind),
        }
    }
}

fn tag(i: usize, pair: &Pair) -> String {
    format!("count/{i}/{}", pair.name())
}
