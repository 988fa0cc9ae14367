//! Many queries in one: each is labelled with its number, so that one answer tells them apart again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Queries asked in one request.
pub const BATCH: usize = 40;

/// The label that carries a query's number.
pub const LABEL: &str = "andon_query";

/// One query as it is; several as `label_replace((Q), "andon_query", "7", "", "") or …`.
///
/// Each query ends with a line end, so that a comment in it ends there. No query at all asks whether the
/// server can answer.
pub fn batch<'a>(queries: impl Iterator<Item = (usize, &'a str)>) -> String {
    let queries: Vec<_> = queries.collect();
    match queries.as_slice() {
        [] => "vector(1)".to_owned(),
        [(_, only)] => (*only).to_owned(),
        many => {
            let mut text = String::new();
            for (i, query) in many {
                if !text.is_empty() {
                    text.push_str(" or ");
                }
                let _ =
                    write!(text, "label_replace(({query}\n), \"{LABEL}\", \"{i}\", \"\", \"\")");
            }
            text
        }
    }
}

const ALONE: &str = "alone";

/// Marks of the queries that cannot be asked together with others: scalars, and those the server refuses.
pub fn alone(memory: &BTreeMap<Box<str>, Box<str>>) -> Vec<String> {
    let text = memory.get(ALONE).map_or("", |text| &**text);
    text.split(' ').filter(|mark| !mark.is_empty()).map(str::to_owned).collect()
}

pub fn remember_alone(marks: &BTreeSet<String>) -> (Box<str>, Box<str>) {
    let text: Vec<&str> = marks.iter().map(String::as_str).collect();
    (ALONE.into(), text.join(" ").into())
}

/// A short name of a query (FNV-1a), so that a changed query is tried in company again.
pub fn mark(query: &str) -> String {
    let hash = query.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_alone_is_asked_as_it_is_written() {
        assert_eq!(batch([(3, "up # why not")].into_iter()), "up # why not");
        assert_eq!(batch(std::iter::empty()), "vector(1)");
    }

    #[test]
    fn a_comment_in_one_query_does_not_swallow_the_next() {
        assert_eq!(
            batch([(0, "up # comment"), (7, "sum(x)")].into_iter()),
            "label_replace((up # comment\n), \"andon_query\", \"0\", \"\", \"\") \
             or label_replace((sum(x)\n), \"andon_query\", \"7\", \"\", \"\")"
        );
    }

    #[test]
    fn loners_are_remembered_by_their_text() {
        let marks: BTreeSet<String> = [mark("1"), mark("2")].into();
        let memory: BTreeMap<_, _> = [remember_alone(&marks)].into();
        assert_eq!(alone(&memory).into_iter().collect::<BTreeSet<_>>(), marks);
        assert_ne!(mark("1"), mark("1 "));
        assert!(alone(&BTreeMap::new()).is_empty());
    }
}
