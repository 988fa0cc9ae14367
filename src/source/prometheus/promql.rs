//! Many queries in one: each is labelled with its number, so that one answer tells them apart again.

use std::collections::{BTreeMap, BTreeSet};

/// Queries asked in one request at most.
pub const BATCH: usize = 100;
/// Bytes of text in one query: `VictoriaMetrics` refuses more than 16,384 (its `-search.maxQueryLen`).
pub const BYTES: usize = 14_000;
/// What a query in company costs beside its own text.
const FRAME: usize = 64;

/// Queries, each with the length of its text, in the batches they are asked in.
pub fn batches(most: usize, queries: impl IntoIterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    batches_of(
        most,
        BYTES,
        queries.into_iter().map(|(i, length)| (i, length.saturating_add(FRAME))),
    )
}

/// Things with their lengths, in groups of so many and so long.
pub fn batches_of(
    most: usize,
    longest: usize,
    things: impl Iterator<Item = (usize, usize)>,
) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (i, length) in things {
        match batches.last_mut() {
            Some(batch) if batch.len() < most && length.saturating_add(bytes) <= longest => {
                batch.push(i);
                bytes += length;
            }
            _ => {
                batches.push(vec![i]);
                bytes = length;
            }
        }
    }
    batches
}

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
        many => joined(many),
    }
}

fn joined(queries: &[(usize, &str)]) -> String {
    match queries {
        [] => String::new(),
        [(i, query)] => format!("label_replace(({query}\n), \"{LABEL}\", \"{i}\", \"\", \"\")"),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            let side = |part: &[(usize, &str)]| match part {
                [_] => joined(part),
                _ => format!("({})", joined(part)),
            };
            format!("{} or {}", side(left), side(right))
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
    fn many_are_joined_in_pairs() {
        let text = batch((0..5).map(|i| (i, "x")));
        let plain = text.replace(", \"andon_query\", ", " ").replace(", \"\", \"\"", "");
        let one = |i: usize| format!("label_replace((x\n) \"{i}\")");
        let all = [0, 1, 2, 3, 4].map(one);
        let [left, right] = [&all[..2], &all[3..]].map(|pair| pair.join(" or "));
        assert_eq!(plain, format!("({left}) or ({} or ({right}))", all[2]));
    }

    #[test]
    fn a_batch_is_as_long_as_every_server_takes_it() {
        let batched = batches(3, [(0, 10), (1, 10), (2, 10), (3, 10), (4, 99_999), (5, 1)]);
        assert_eq!(batched, [vec![0, 1, 2], vec![3], vec![4], vec![5]]);
        let queries: Vec<String> = (0..2_000).map(|i| format!("sum(x{{n=\"{i}\"}})")).collect();
        let batched = batches(BATCH, queries.iter().map(String::len).enumerate());
        assert_eq!(batched.concat(), (0..2_000).collect::<Vec<_>>());
        for one in &batched {
            let text = batch(one.iter().map(|i| (*i, queries[*i].as_str())));
            assert!(one.len() <= BATCH && text.len() < 16_384, "{} bytes", text.len());
        }
        assert!(batches(BATCH, []).is_empty());
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
