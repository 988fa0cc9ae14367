//! JSON Pointer (RFC 6901) over unread JSON: only the way to the number is looked at, and its digits are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use super::super::wire;
use crate::model::{Clean, Measure, Trouble};

/// `/today/signups`; `~1` is a slash and `~0` a tilde inside a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: Box<str>,
    steps: Vec<Box<str>>,
}

impl Pointer {
    /// The error says what is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = match text.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if text.is_empty() => None,
            None => return Err(format!("`{text}` is no JSON Pointer: it begins with /")),
        };
        let mut steps = Vec::new();
        for step in rest.into_iter().flat_map(|rest| rest.split('/')) {
            let bare = step.replace("~0", "").replace("~1", "");
            if bare.contains('~') {
                return Err(format!("`{text}` is no JSON Pointer: write ~0 for ~ and ~1 for /"));
            }
            steps.push(step.replace("~1", "/").replace("~0", "~").into());
        }
        Ok(Self { text: text.into(), steps })
    }

    /// As it is written: empty for the whole body.
    pub fn raw(&self) -> &str {
        &self.text
    }

    pub fn is_root(&self) -> bool {
        self.text.is_empty()
    }

    pub fn as_str(&self) -> &str {
        if self.text.is_empty() { "(the whole body)" } else { &self.text }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One JSON text; of several lines that are each JSON, the last.
pub struct Document<'a> {
    root: &'a RawValue,
}

/// What stands at a pointer.
pub struct Found {
    pub measure: Measure,
    pub note: Option<String>,
    /// The pointer leads nowhere, or to something that is no number.
    pub missing: bool,
}

impl<'a> Document<'a> {
    pub fn of(text: &'a str) -> Result<Self, Trouble> {
        let whole = wire::json(text.as_bytes());
        let root = match whole {
            Ok(root) => root,
            Err(trouble) => {
                let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
                let first = text.trim_start().split('\n').next().unwrap_or_default();
                let lines = serde_json::from_str::<&RawValue>(first).is_ok() && last != first;
                match serde_json::from_str(last) {
                    Ok(root) if lines => root,
                    _ => return Err(trouble),
                }
            }
        };
        Ok(Self { root })
    }

    pub fn at(&self, pointer: &Pointer) -> Option<&'a str> {
        self.all([pointer]).first().copied().flatten()
    }

    /// What stands at each pointer, in their order. Every list and object on the way is read once, however many
    /// pointers lead through it.
    pub fn all<'p>(&self, pointers: impl IntoIterator<Item = &'p Pointer>) -> Vec<Option<&'a str>> {
        let mut found = Vec::new();
        // Those with the same beginning stand together.
        let mut ways: Vec<(usize, &'p [Box<str>])> = Vec::new();
        for (i, pointer) in pointers.into_iter().enumerate() {
            found.push(None);
            ways.push((i, &pointer.steps));
        }
        ways.sort_by_key(|(_, steps)| *steps);
        let mut todo = vec![(self.root, ways)];
        while let Some((here, ways)) = todo.pop() {
            let (arrived, onward): (Vec<_>, Vec<_>) =
                ways.into_iter().partition(|(_, steps)| steps.is_empty());
            for (i, _) in arrived {
                if let Some(place) = found.get_mut(i) {
                    *place = Some(here.get());
                }
            }
            if onward.is_empty() {
                continue;
            }
            let Some(inside) = Inside::of(here) else { continue };
            for branch in onward.chunk_by(|(_, a), (_, b)| a.first() == b.first()) {
                let step = branch.first().and_then(|(_, steps)| steps.first());
                let Some(next) = step.and_then(|step| inside.at(step)) else { continue };
                let rest = branch.iter().filter_map(|(i, steps)| Some((*i, steps.get(1..)?)));
                todo.push((next, rest.collect()));
            }
        }
        found
    }

    /// The numbers at these pointers, in their order.
    pub fn numbers<'p>(&self, pointers: impl IntoIterator<Item = &'p Pointer>) -> Vec<Found> {
        self.all(pointers).into_iter().map(Found::of).collect()
    }
}

/// A list or an object, one level deep.
enum Inside<'a> {
    Object(BTreeMap<Cow<'a, str>, &'a RawValue>),
    List(Vec<&'a RawValue>),
}

impl<'a> Inside<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        match raw.get().as_bytes().first()? {
            b'{' => serde_json::from_str(raw.get()).ok().map(Self::Object),
            b'[' => serde_json::from_str(raw.get()).ok().map(Self::List),
            _ => None,
        }
    }

    fn at(&self, step: &str) -> Option<&'a RawValue> {
        match self {
            Self::Object(members) => members.get(step).copied(),
            Self::List(items) => {
                let plain = step == "0" || !step.starts_with('0');
                let digits = plain && step.bytes().all(|b| b.is_ascii_digit());
                let i: usize = digits.then(|| step.parse().ok())??;
                items.get(i).copied()
            }
        }
    }
}

impl Found {
    /// The number that this is. Text that is a number counts, `"1,234"` does not; `true` is 1.
    fn of(raw: Option<&str>) -> Self {
        let Some(raw) = raw else {
            let note = Some("nothing is there".to_owned());
            return Self { measure: Measure::NoData, note, missing: true };
        };
        let good = |measure| Self { measure, note: None, missing: false };
        match raw.as_bytes().first() {
            Some(b'n') => Self { note: Some("null".to_owned()), ..good(Measure::NoData) },
            Some(b't') => good(Measure::Number(1.0)),
            Some(b'f') => good(Measure::Number(0.0)),
            Some(b'{') => unreadable("an object, not a number"),
            Some(b'[') => unreadable("a list, not a number"),
            Some(b'"') => {
                let text: Cow<'_, str> = serde_json::from_str(raw).unwrap_or_default();
                if let Ok(number) = text.trim().parse() {
                    return good(Measure::of(number));
                }
                let head: String = text.chars().take(40).collect();
                unreadable(&format!("text, not a number: {head:?}"))
            }
            _ => match raw.parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    Self { note: exact(raw, number), ..good(Measure::Number(number)) }
                }
                _ => unreadable("a number too large to hold"),
            },
        }
    }
}

fn unreadable(words: &str) -> Found {
    Found { measure: Measure::Unreadable(Clean::line(words)), note: None, missing: true }
}

/// Beyond 2⁵³ a double drops digits: the number as written is kept beside it.
fn exact(raw: &str, number: f64) -> Option<String> {
    let whole = raw.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    (whole && format!("{number:.0}") != raw).then(|| format!("exactly {raw}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(json: &str, at: &str) -> (Measure, Option<String>, bool) {
        let document = Document::of(json).unwrap();
        let found = document.numbers([&Pointer::parse(at).unwrap()]).remove(0);
        (found.measure, found.note, found.missing)
    }

    #[test]
    fn pointers_follow_the_standard() {
        let doc = r#"{"foo":["bar",5],"":0,"a/b":1,"c%d":2,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#;
        for (at, value) in [
            ("/foo/1", 5.0),
            ("/", 0.0),
            ("/a~1b", 1.0),
            ("/c%d", 2.0),
            ("/g|h", 4.0),
            ("/i\\j", 5.0),
            ("/k\"l", 6.0),
            ("/ ", 7.0),
            ("/m~0n", 8.0),
            ("/~01", 9.0),
        ] {
            assert_eq!(number(doc, at).0, Measure::Number(value), "{at}");
        }
        for nowhere in
            ["/foo/2", "/foo/-", "/foo/01", "/foo/+1", "/foo/ 1", "/fo", "/foo/1/x", "/a/b"]
        {
            assert_eq!(
                number(doc, nowhere),
                (Measure::NoData, Some("nothing is there".into()), true)
            );
        }
        for bad in ["foo", "#/foo", "/a~2", "/a~"] {
            assert!(Pointer::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(number("7", "").0, Measure::Number(7.0));
    }

    #[test]
    fn every_oddity_has_its_outcome() {
        for (json, measure) in [
            ("12.5", Measure::Number(12.5)),
            ("-0", Measure::Number(0.0)),
            ("true", Measure::Number(1.0)),
            ("false", Measure::Number(0.0)),
            ("null", Measure::NoData),
            (r#""12.5""#, Measure::Number(12.5)),
            (r#"" 7 ""#, Measure::Number(7.0)),
            (r#""1e3""#, Measure::Number(1000.0)),
            (r#""NaN""#, Measure::NoTraffic),
            (r#""-Infinity""#, Measure::Infinite(false)),
            (r#""1,234""#, Measure::Unreadable(r#"text, not a number: "1,234""#.into())),
            (r#""""#, Measure::Unreadable(r#"text, not a number: """#.into())),
            ("{}", Measure::Unreadable("an object, not a number".into())),
            ("[1]", Measure::Unreadable("a list, not a number".into())),
            ("1e400", Measure::Unreadable("a number too large to hold".into())),
        ] {
            assert_eq!(number(&format!("{{\"a\":{json}}}"), "/a").0, measure, "{json}");
        }
    }

    #[test]
    fn whole_numbers_beyond_a_double_are_kept_as_written() {
        let (measure, note, _) = number("{\"a\":9007199254740993}", "/a");
        assert_eq!(measure, Measure::Number(9_007_199_254_740_992.0));
        assert_eq!(note.as_deref(), Some("exactly 9007199254740993"));
        assert_eq!(number("{\"a\":9007199254740992}", "/a").1, None);
    }

    #[test]
    fn of_several_lines_the_last_is_read() {
        assert_eq!(number("{\"a\":1}\n{\"a\":2}\n", "/a").0, Measure::Number(2.0));
        assert_eq!(number("{\n\"a\":1\n}\n", "/a").0, Measure::Number(1.0));
        for bad in ["{\"a\":1}\nnope", "nope\n{\"a\":1}", "{\"a\":1} {\"a\":2}", ""] {
            assert!(Document::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn many_pointers_are_followed_together_as_each_is_alone() {
        let json = r#"{"a":{"b":[1,{"c":2}],"":{"":3}},"b":7,"b":8,"x":null}"#;
        let document = Document::of(json).unwrap();
        let texts = [
            "/b",
            "/a/b/1/c",
            "/a/b/0",
            "",
            "/a",
            "/a/b/0",
            "/a//",
            "/x",
            "/x/y",
            "/a/b/2",
            "/a/c",
            "/a/b/1/c/d",
            "/b",
        ];
        let pointers: Vec<Pointer> = texts.iter().map(|at| Pointer::parse(at).unwrap()).collect();
        let told = document.all(&pointers);
        let alone: Vec<_> = pointers.iter().map(|at| document.at(at)).collect();
        assert_eq!(told, alone);
        let expected = [Some("8"), Some("2"), Some("1"), Some(json)];
        assert_eq!(told[..4], expected);
        assert_eq!(told[5..10], [Some("1"), Some("3"), Some("null"), None, None]);
        assert!(document.all([]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn company_changes_nothing(
            ats in proptest::collection::vec("(/[ab0-2]){0,4}", 0..20),
            json in proptest::sample::select(vec![
                r#"{"a":{"b":[1,[2,3],{"a":4}]},"b":[[5],6,{"b":{"0":7}}],"0":8}"#,
                r#"[[1,{"a":[2,3]}],{"b":{"a":{"b":4}}},5]"#,
            ]),
        ) {
            let document = Document::of(json).unwrap();
            let pointers: Vec<Pointer> = ats.iter().map(|at| Pointer::parse(at).unwrap()).collect();
            let alone: Vec<_> = pointers.iter().map(|at| document.at(at)).collect();
            proptest::prop_assert_eq!(document.all(&pointers), alone);
        }

        #[test]
        fn nothing_makes_it_panic(text in "(?s).{0,60}", at in "[/~0-9a\\-]{0,12}") {
            if let (Ok(document), Ok(pointer)) = (Document::of(&text), Pointer::parse(&at)) {
                let _ = document.numbers([&pointer]);
            }
        }
    }
}
