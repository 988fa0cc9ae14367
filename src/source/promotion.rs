//! In which order environments are promoted, and which of them are compared with what to see how far they lie behind.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Against, Clean, Deploy, Outcome};

/// The place of an environment in promotion order, the last one counting most; `None` for one that is nobody's goal.
///
/// `listed` is the configured order, and decides alone where there is one.
pub fn rank(listed: &[String], name: &str, tier: &str) -> Option<usize> {
    if !listed.is_empty() {
        return listed.iter().position(|e| e.eq_ignore_ascii_case(name));
    }
    let name = name.to_ascii_lowercase();
    // Environments of a branch or a pull request come and go: `review/fix-login`, `pr-123`.
    if name.contains('/') && tier != "production" {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    match tier {
        "production" => Some(4),
        "staging" => Some(3),
        "testing" => Some(2),
        "development" => Some(1),
        _ if has(&["preprod", "pre-prod", "stag", "uat", "canary"]) => Some(3),
        _ if has(&["prod", "live"]) => Some(4),
        _ if name == "test" || has(&["testing", "qa", "integration"]) => Some(2),
        _ if name == "dev" || has(&["develop"]) => Some(1),
        _ => None,
    }
}

/// What runs in an environment, as far as is known: kept between polls, because lists hold only what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    pub sha: String,
    pub at: Timestamp,
    pub tier: String,
}

/// What runs, by environment.
pub type Running = BTreeMap<String, Runs>;

/// Environments compared of one repository.
const MOST: usize = 4;

/// Two commits to be compared: what runs in an environment, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub environment: String,
    pub base: String,
    pub against: Against,
    /// A commit, or the name of the branch.
    pub head: String,
}

/// Notes a deploy that succeeded, if it is newer than what ran and the environment is one that is promoted to.
pub fn note(running: &mut Running, deploy: &Deploy, sha: &str, tier: &str, listed: &[String]) {
    let Some(at) = deploy.finished.or(deploy.started) else { return };
    let name = deploy.environment.as_str();
    let good = deploy.outcome == Outcome::Succeeded && is_sha(sha);
    if good
        && rank(listed, name, tier).is_some()
        && running.get(name).is_none_or(|old| old.at <= at)
    {
        let runs = Runs { sha: sha.to_owned(), at, tier: tier.to_owned() };
        running.insert(name.to_owned(), runs);
    }
}

/// Every environment with the branch work is merged to (its name, and what stands for it in an address), and with the
/// environment before it. The one that counts comes first.
pub fn pairs(running: &Running, branch: Option<(&str, &str)>, listed: &[String]) -> Vec<Pair> {
    let mut order: Vec<(usize, &String, &Runs)> = running
        .iter()
        .filter(|(_, runs)| is_sha(&runs.sha))
        .filter_map(|(name, runs)| Some((rank(listed, name, &runs.tier)?, name, runs)))
        .collect();
    order.sort_by_key(|(rank, name, _)| (std::cmp::Reverse(*rank), (*name).clone()));
    order.truncate(MOST);
    let mut pairs = Vec::new();
    for (place, (own, name, runs)) in order.iter().enumerate() {
        let pair = |against, head: &str| Pair {
            environment: (*name).clone(),
            base: runs.sha.clone(),
            against,
            head: head.to_owned(),
        };
        if let Some((branch, head)) = branch {
            pairs.push(pair(Against::Branch(Clean::line(branch)), head));
        }
        let before = order.iter().skip(place + 1).find(|(rank, ..)| rank < own);
        if let Some((_, name, before)) = before {
            pairs.push(pair(Against::Environment(Clean::line(name)), &before.sha));
        }
    }
    pairs
}

/// It becomes part of an address.
pub fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_only_where_nobody_listed_an_order() {
        for (name, tier, expected) in [
            ("production", "", Some(4)),
            ("prod-eu", "", Some(4)),
            ("pre-prod", "", Some(3)),
            ("Staging", "", Some(3)),
            ("qa", "", Some(2)),
            ("dev", "", Some(1)),
            ("anything", "production", Some(4)),
            ("review/production-fix", "", None),
            ("review/production-fix", "development", None),
            ("github-pages", "", None),
        ] {
            assert_eq!(rank(&[], name, tier), expected, "{name} {tier}");
        }
        let listed = ["qa".to_owned(), "live".to_owned()];
        assert_eq!(rank(&listed, "Live", ""), Some(1));
        assert_eq!(rank(&listed, "production", "production"), None);
    }
}
