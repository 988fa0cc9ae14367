//! Post-mortems kept as issues: those with the configured label, open or closed, read like documents.

use super::repo::Repo;
use super::{GitHub, answer};
use crate::model::{Fact, Feed, Key, PostMortem, Trouble};
use crate::source::markdown::{Issue, issue};
use crate::source::tale::Tale;
use crate::source::{Asking, Exchange, Request, rows, wire};

impl GitHub {
    /// The newest hundred of each repository that have not been asked for in this poll.
    pub fn papers(&self, turn: &[usize], heard: &[Exchange]) -> Vec<Request> {
        let Some(label) = self.papers.as_deref() else { return Vec::new() };
        let query = [
            ("labels", label),
            ("state", "all"),
            ("sort", "updated"),
            ("direction", "desc"),
            ("per_page", "100"),
        ];
        let unheard = turn.iter().filter(|i| wire::heard(heard, &tag(**i)).is_none());
        unheard
            .filter_map(|&i| Some(self.get(tag(i), &self.repo(i)?.path("issues"), &query)))
            .collect()
    }

    pub fn tell_papers(
        &self,
        i: usize,
        asking: &Asking<'_>,
        heard: &[Exchange],
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let (Some(repo), Some(exchange)) = (self.repo(i), wire::heard(heard, &tag(i))) else {
            return Ok(());
        };
        let read = answer::judge(exchange, asking.now).and_then(|answer| {
            let items = rows::items(&answer.body)?;
            let place = format!("/{}/issues", repo.shown);
            let found = tale.gaps.read(&place, &items, |row| self.paper(repo, row, asking));
            Ok((found, wire::next_page(answer).is_none()))
        });
        match read {
            Ok((found, whole)) => {
                tale.good += 1;
                tale.whole(Feed::PostMortems, whole);
                let papers = found.into_iter().flatten();
                tale.facts.extend(papers.map(|p| Fact::PostMortem(Box::new(p))));
            }
            Err(trouble) => {
                tale.whole(Feed::PostMortems, false);
                tale.miss(format_args!("{} post-mortems", repo.shown), trouble)?;
            }
        }
        Ok(())
    }

    /// A pull request is an issue too, and no post-mortem; what cannot be read is counted by whoever asks.
    #[allow(clippy::option_option)]
    fn paper(
        &self,
        repo: &Repo,
        row: &rows::Row<'_>,
        asking: &Asking<'_>,
    ) -> Option<Option<PostMortem>> {
        let number = row.number("/number")?;
        if row.has("/pull_request") {
            return Some(None);
        }
        let labels = row.rows("/labels");
        let told = Issue {
            key: Key::new(&self.name, repo.path(&format!("issues/{number}"))),
            name: format!("{}#{number}", repo.shown),
            title: row.raw("/title"),
            body: row.raw("/body"),
            created: row.time("/created_at"),
            author: row.text("/user/login"),
            labels: labels.iter().map(|label| label.raw("/name")).collect(),
            state: row.text("/state"),
            url: row.link("/html_url").or_else(|| repo.page(&format!("issues/{number}"))),
        };
        Some(Some(issue(told, asking.now)))
    }
}

fn tag(i: usize) -> String {
    format!("papers/{i}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceName;
    use crate::source::wire::testing::reply;
    use std::collections::BTreeMap;
    use url::Url;

    fn github(label: Option<&str>) -> GitHub {
        GitHub {
            name: SourceName::new("gh"),
            base: Url::parse("https://api.github.com").unwrap(),
            repos: vec![Repo::parse("acme/shop").unwrap()],
            environments: Vec::new(),
            papers: label.map(str::to_owned),
        }
    }

    #[test]
    fn labelled_issues_are_post_mortems_and_pull_requests_are_not() {
        let source = github(Some("post mortem"));
        let asked = source.papers(&[0], &[]);
        let Some(Request::Http(http)) = asked.first() else { panic!("{asked:?}") };
        assert_eq!(http.url.path(), "/repos/acme/shop/issues");
        assert!(http.url.query().unwrap().starts_with("labels=post+mortem&state=all"));
        let heard = [reply(
            &asked[0],
            200,
            r###"[{"number":12,"title":"Checkout was down","body":"## Root cause\nA full disk.","state":"closed",
                "created_at":"2026-03-04T10:00:00Z","user":{"login":"ada"},"labels":[{"name":"sev-1"}],
                "html_url":"https://github.com/acme/shop/issues/12"},
               {"number":13,"title":"Fix it","body":null,"pull_request":{"url":"x"}}]"###,
        )];
        assert!(source.papers(&[0], &heard).is_empty(), "asked once in a poll");
        let memory = BTreeMap::new();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let asking = Asking { now, last_ok: None, round: 0, memory: &memory };
        let mut tale = Tale::default();
        source.tell_papers(0, &asking, &heard, &mut tale).unwrap();
        let [Fact::PostMortem(p)] = tale.facts.as_slice() else { panic!("{:?}", tale.facts) };
        assert_eq!((p.path.as_str(), p.level().unwrap().0), ("acme/shop#12", 1));
        assert_eq!(p.root_cause.as_ref().unwrap().value.as_str(), "A full disk.");
        assert_eq!(p.url.as_ref().unwrap().as_str(), "https://github.com/acme/shop/issues/12");
    }

    #[test]
    fn without_a_label_no_issue_is_asked_for() {
        assert!(github(None).papers(&[0], &[]).is_empty());
    }
}
