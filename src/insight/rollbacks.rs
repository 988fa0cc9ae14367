//! Which deploys took a version back: the same version as an earlier deploy there, and not the one just before.

use std::collections::{BTreeMap, HashMap};

use super::matching::{moment, version};
use crate::model::{Board, Clean, Deploy, Key, Outcome};

/// A deploy that went back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// What ran just before it.
    pub from: Clean,
    /// The deploy that it undid: the first one after the version it went back to.
    pub undone: Key,
}

/// Every rollback on the board, by the deploy that made it.
///
/// Only deploys that succeeded count, in the order they ended, in each environment of each repository or application.
/// A deploy of the version that already runs is none.
pub fn rollbacks(board: &Board) -> HashMap<Key, Rollback> {
    let mut places: BTreeMap<(&str, &str, &str), Vec<&Deploy>> = BTreeMap::new();
    for deploy in board.deploys.all().map(|r| &r.what) {
        if deploy.outcome == Outcome::Succeeded && moment(deploy).is_some() {
            let place = (deploy.repo.as_str(), deploy.app.as_str(), deploy.environment.as_str());
            places.entry(place).or_default().push(deploy);
        }
    }
    let mut found = HashMap::new();
    for mut line in places.into_values() {
        line.sort_by(|a, b| (moment(a), &a.key).cmp(&(moment(b), &b.key)));
        // Where each version was deployed last.
        let mut seen: HashMap<Clean, usize> = HashMap::new();
        for (i, deploy) in line.iter().enumerate() {
            let own = version(deploy);
            let before = i.checked_sub(1).and_then(|n| line.get(n));
            if let (Some(target), Some(before)) = (seen.get(&own), before)
                && !own.is_empty()
                && version(before) != own
                && let Some(undone) = line.get(target + 1)
            {
                let rollback = Rollback { from: version(before), undone: undone.key.clone() };
                found.insert(deploy.key.clone(), rollback);
            }
            seen.insert(own, i);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;
    use jiff::Timestamp;

    fn said(line: &str) -> Vec<String> {
        let mut board = Board::default();
        for (i, word) in line.split_whitespace().enumerate() {
            let at = Timestamp::from_second(i64::try_from(i).unwrap() * 3_600).unwrap();
            let (version, failed) = word.strip_suffix('!').map_or((word, false), |v| (v, true));
            let deploy = Deploy {
                // Upstreams number as they like: only the moment says what came first.
                key: Key::new(&Name::new("gh"), format!("{:02}", 99 - i)),
                repo: "o/r".into(),
                app: Clean::default(),
                environment: "production".into(),
                version: Clean::line(version),
                sha: Clean::default(),
                started: None,
                finished: Some(at),
                outcome: if failed { Outcome::Failed } else { Outcome::Succeeded },
                who: Clean::default(),
                description: Clean::default(),
                committed: None,
                url: None,
            };
            board.deploys.see(deploy.key.clone(), deploy, at);
        }
        let nth = |key: &Key| 99 - key.id.raw().parse::<usize>().unwrap();
        let mut found: Vec<String> = rollbacks(&board)
            .iter()
            .map(|(k, r)| format!("{}: from {}, undoes {}", nth(k), r.from, nth(&r.undone)))
            .collect();
        found.sort();
        found
    }

    /// The examples of domain.md §2.4.
    #[test]
    fn going_back_undoes_the_first_deploy_after_what_it_went_back_to() {
        assert_eq!(said("v1 v2 v3 v1"), ["3: from v3, undoes 1"]);
        assert_eq!(said("v1 v1"), [""; 0], "a redeploy is no rollback");
        assert_eq!(said("v1 v2 v1 v2"), ["2: from v2, undoes 1", "3: from v1, undoes 2"]);
        assert_eq!(said("v1 v2! v1"), [""; 0], "what failed never ran");
    }
}
