//! How many commits each deploy brought: counted from what ran in its place before.

use std::collections::{BTreeMap, HashMap};

use super::matching::moment;
use crate::model::{Board, Brought, Clean, Deploy, Key, Outcome};

/// What a deploy carried, against what ran before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Commits that were new there.
    pub new: u64,
    /// There are more of them: the upstream counts no further.
    pub at_least: bool,
    /// Commits that were taken back; `None` where it is not told.
    pub back: Option<u64>,
}

impl Load {
    /// `12`, `100+`, `−3` for a way back, `4 −1` for another line of work.
    pub fn words(&self) -> Clean {
        let more = if self.at_least { "+" } else { "" };
        match (self.new, self.back.unwrap_or(0)) {
            (new, 0) => Clean::line(format_args!("{new}{more}")),
            (0, back) => Clean::line(format_args!("−{back}")),
            (new, back) => Clean::line(format_args!("{new}{more} −{back}")),
        }
    }
}

/// Each deploy with the one whose version ran in its place before: the newest that had succeeded by then.
///
/// A place is an environment of a repository or an application. Deploys without a commit or a moment are left out, and
/// so is the first one anywhere: what ran before it is not known.
pub fn steps<'a>(deploys: impl Iterator<Item = &'a Deploy>) -> Vec<(&'a Deploy, &'a Deploy)> {
    let mut places: BTreeMap<(&str, &str, &str), Vec<&Deploy>> = BTreeMap::new();
    for deploy in deploys.filter(|d| !d.sha.is_empty() && moment(d).is_some()) {
        let place = (deploy.repo.as_str(), deploy.app.as_str(), deploy.environment.as_str());
        places.entry(place).or_default().push(deploy);
    }
    let mut steps = Vec::new();
    for mut line in places.into_values() {
        line.sort_by(|a, b| (moment(a), &a.key).cmp(&(moment(b), &b.key)));
        let mut ran: Option<&Deploy> = None;
        for deploy in line {
            steps.extend(ran.map(|before| (before, deploy)));
            if deploy.outcome == Outcome::Succeeded {
                ran = Some(deploy);
            }
        }
    }
    steps
}

/// What each deploy carried, as far as somebody counted it.
pub fn loads(board: &Board) -> HashMap<Key, Load> {
    let told = board.brought.all().map(|r| &r.what);
    let told: HashMap<_, &Brought> =
        told.map(|b| ((b.repo.as_str(), b.base.as_str(), b.head.as_str()), b)).collect();
    let load = |before: &Deploy, deploy: &Deploy| {
        if before.sha == deploy.sha {
            return Some(Load { new: 0, at_least: false, back: Some(0) });
        }
        let pair = (deploy.repo.as_str(), before.sha.as_str(), deploy.sha.as_str());
        let Brought { ahead, at_least, behind, .. } = **told.get(&pair)?;
        Some(Load { new: ahead, at_least, back: behind })
    };
    let all = steps(board.deploys.all().map(|r| &r.what));
    all.into_iter().filter_map(|(a, b)| Some((b.key.clone(), load(a, b)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;
    use jiff::Timestamp;

    fn deploy(hour: i64, environment: &str, sha: &str, outcome: Outcome) -> Deploy {
        Deploy {
            // Upstreams number as they like: only the moment says what came first.
            key: Key::new(&Name::new("gh"), format!("{:02}", 99 - hour)),
            repo: "o/r".into(),
            app: Clean::default(),
            environment: Clean::line(environment),
            version: Clean::default(),
            sha: Clean::line(sha),
            started: None,
            finished: Timestamp::from_second(hour * 3_600).ok(),
            outcome,
            who: Clean::default(),
            description: Clean::default(),
            committed: None,
            url: None,
        }
    }

    fn brought(base: &str, head: &str, ahead: u64, behind: u64) -> Brought {
        Brought {
            key: Key::new(&Name::new("gh"), format!("{base}...{head}")),
            repo: "o/r".into(),
            base: Clean::line(base),
            head: Clean::line(head),
            ahead,
            at_least: false,
            behind: Some(behind),
        }
    }

    fn said(deploys: &[Deploy], told: &[Brought]) -> Vec<String> {
        let mut board = Board::default();
        for one in deploys {
            board.deploys.see(one.key.clone(), one.clone(), Timestamp::UNIX_EPOCH);
        }
        for one in told {
            board.brought.see(one.key.clone(), one.clone(), Timestamp::UNIX_EPOCH);
        }
        let loads = loads(&board);
        let word = |d: &Deploy| loads.get(&d.key).map_or("?".to_owned(), |l| l.words().to_string());
        deploys.iter().map(word).collect()
    }

    #[test]
    fn what_a_deploy_brought_is_counted_from_what_ran_there_and_never_guessed() {
        use Outcome::{Failed, Succeeded};
        let deploys = [
            deploy(1, "production", "aaa", Succeeded),
            deploy(2, "production", "bbb", Failed),
            deploy(3, "staging", "bbb", Succeeded),
            deploy(4, "production", "ccc", Succeeded),
            deploy(5, "production", "ccc", Succeeded),
            deploy(6, "production", "aaa", Succeeded),
            deploy(7, "production", "ddd", Succeeded),
        ];
        let told =
            [brought("aaa", "bbb", 2, 0), brought("aaa", "ccc", 5, 0), brought("ccc", "aaa", 0, 5)];
        assert_eq!(said(&deploys, &told), ["?", "2", "?", "5", "0", "−5", "?"]);
        let lines = Load { new: 100, at_least: true, back: Some(1) };
        assert_eq!(lines.words().as_str(), "100+ −1");
    }
}
