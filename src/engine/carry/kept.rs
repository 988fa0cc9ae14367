//! Kept answers: validators and bodies for conditional requests, bounded in bytes.
//!
//! They end with the process. A 304 says "the body you have", and what a source reads is the whole body: the list's end, what
//! is missing from it, the links to the next page. Facts in the memory are not that body, so that a validator kept without
//! it would let things stay that are gone; and bodies on the disk would be a second memory, of megabytes, with everything in
//! it that andon has no use for. A start asks each list once in full instead, which is one poll of an hour's hundreds; a
//! pane that takes over from another begins with full answers, too.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::source::HttpAnswer;

/// An answer is kept for one address, `Accept` and credential.
pub type Which = (String, String, u64);

/// The newest answers worth asking about again, the least recently used dropped first.
pub struct Kept {
    cap: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    used: u64,
    bytes: usize,
    answers: HashMap<Which, (u64, HttpAnswer)>,
}

impl Kept {
    pub fn new(cap: usize) -> Self {
        Self { cap, shelf: Mutex::default() }
    }

    /// The validators to send: `If-None-Match`, `If-Modified-Since`.
    pub fn validators(&self, which: &Which) -> Vec<(&'static str, String)> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, answer)) = shelf.answers.get(which) else { return Vec::new() };
        [("if-none-match", "etag"), ("if-modified-since", "last-modified")]
            .into_iter()
            .filter_map(|(ask, told)| Some((ask, answer.header(told)?.to_owned())))
            .collect()
    }

    /// Keeps a good answer that carries a validator; a new answer replaces the old in any case.
    pub fn keep(&self, which: Which, answer: &HttpAnswer) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = &mut *shelf;
        if let Some((_, old)) = shelf.answers.remove(&which) {
            shelf.bytes -= old.body.len();
        }
        let validated = answer.header("etag").or(answer.header("last-modified")).is_some();
        if answer.status != 200 || !validated || answer.body.len() > self.cap / 2 {
            return;
        }
        shelf.used += 1;
        shelf.bytes += answer.body.len();
        shelf.answers.insert(which, (shelf.used, answer.clone()));
        while shelf.bytes > self.cap || shelf.answers.len() > 1000 {
            let oldest = shelf.answers.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(which, _)| which.clone()) else { return };
            if let Some((_, old)) = shelf.answers.remove(&oldest) {
                shelf.bytes -= old.body.len();
            }
        }
    }

    /// The kept answer behind a 304, its headers brought up to date as RFC 9111 §4.3.4 says.
    pub fn refreshed(&self, which: &Which, unchanged: &HttpAnswer) -> Option<HttpAnswer> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.used += 1;
        let used = shelf.used;
        let (last_used, kept) = shelf.answers.get_mut(which)?;
        *last_used = used;
        for (name, value) in &unchanged.headers {
            if matches!(&**name, "content-length" | "content-type" | "content-encoding") {
                continue;
            }
            kept.headers.retain(|(n, _)| n != name);
            kept.headers.push((name.clone(), value.clone()));
        }
        Some(HttpAnswer { took: unchanged.took, ..kept.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answer(status: u16, etag: &str, body: &[u8]) -> HttpAnswer {
        let headers = vec![("etag".into(), etag.into()), ("date".into(), "then".into())];
        HttpAnswer {
            status,
            headers: if etag.is_empty() { Vec::new() } else { headers },
            body: body.into(),
            url: "http://ex.org/".parse().unwrap(),
            redirects: 0,
            took: Duration::ZERO,
        }
    }

    fn which(path: &str, credential: u64) -> Which {
        (format!("http://ex.org/{path}"), "application/json".into(), credential)
    }

    #[test]
    fn an_answer_kept_for_one_credential_is_not_shown_to_another() {
        let kept = Kept::new(1000);
        kept.keep(which("a", 1), &answer(200, "W/\"1\"", b"mine"));
        assert_eq!(kept.validators(&which("a", 1)), [("if-none-match", "W/\"1\"".to_owned())]);
        assert!(kept.validators(&which("a", 2)).is_empty());
        assert!(kept.refreshed(&which("a", 2), &answer(304, "W/\"1\"", b"")).is_none());
    }

    #[test]
    fn an_unchanged_answer_has_the_old_body_and_the_new_date() {
        let kept = Kept::new(1000);
        kept.keep(which("a", 1), &answer(200, "x", b"body"));
        let mut unchanged = answer(304, "x", b"");
        unchanged.headers[1].1 = "now".into();
        let again = kept.refreshed(&which("a", 1), &unchanged).unwrap();
        assert_eq!((again.status, &*again.body), (200, &b"body"[..]));
        assert_eq!(again.header("date"), Some("now"));
    }

    #[test]
    fn the_shelf_is_bounded_and_drops_what_was_not_used() {
        let kept = Kept::new(100);
        for path in ["a", "b"] {
            kept.keep(which(path, 1), &answer(200, "x", &[0; 40]));
        }
        kept.refreshed(&which("a", 1), &answer(304, "x", b"")).unwrap();
        kept.keep(which("c", 1), &answer(200, "x", &[0; 40]));
        let there = ["a", "b", "c"].map(|p| !kept.validators(&which(p, 1)).is_empty());
        assert_eq!(there, [true, false, true]);
        kept.keep(which("huge", 1), &answer(200, "x", &[0; 60]));
        assert!(kept.validators(&which("huge", 1)).is_empty());
    }

    #[test]
    fn without_a_validator_or_without_success_nothing_is_kept() {
        let kept = Kept::new(100);
        kept.keep(which("a", 1), &answer(200, "x", b"old"));
        kept.keep(which("a", 1), &answer(500, "x", b"error"));
        kept.keep(which("b", 1), &answer(200, "", b"new"));
        assert!(kept.validators(&which("a", 1)).is_empty());
        assert!(kept.validators(&which("b", 1)).is_empty());
    }
}
