//! GitHub, GitLab, Argo CD and Jira from their own words: what is asked, what is understood, and what is said when something is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps
)]

mod common;

/// The facts of one kind, in the order they were told.
macro_rules! told {
    ($name:ident, $kind:ident) => {
        fn $name(report: &Report) -> Vec<&$kind> {
            let pick = |f| if let &Fact::$kind(ref x) = f { Some(x) } else { None };
            report.facts.iter().filter_map(pick).collect()
        }
    };
}

#[path = "releases/argocd.rs"]
mod argocd;
#[path = "releases/github.rs"]
mod github;
#[path = "releases/gitlab.rs"]
mod gitlab;
#[path = "releases/jira.rs"]
mod jira;

use andon::model::{Report, Trouble};
use common::mutate::Spoilt;

/// A spoilt field costs a record or a word, never both in silence, and never all of andon.
fn judge(spoilt: &Spoilt, whole: usize, told: Result<Report, Trouble>) {
    let Spoilt { at, how, leaf, .. } = spoilt;
    match told {
        Ok(report) => {
            let (facts, quiet) = (report.facts.len(), report.partial.is_none() && *leaf);
            assert!(!quiet || facts >= whole, "{at} {how}: {facts} of {whole} told, not a word");
            for fact in &report.facts {
                let shown = format!("{fact:?}");
                assert!(
                    !shown.contains("\\u{1b}") && !shown.contains("\\u{202e}")
                        || shown.contains("Id("),
                    "{at} {how}: {shown}"
                );
            }
        }
        Err(trouble) => assert!(!trouble.message.is_empty(), "{at} {how}"),
    }
}
