//! Dates as people write them in titles and prose: found, never completed, and never repaired.

use jiff::civil::Date;

/// A date in a text, or the range of days it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spotted {
    pub date: Date,
    /// Last day of `January 14-19, 2026`.
    pub until: Option<Date>,
    /// Only the year and the month are written; the day is the first.
    pub month_only: bool,
}

impl Spotted {
    fn day(date: Date) -> Self {
        Self { date, until: None, month_only: false }
    }

    /// Whether a date says the same as this, as far as this says anything.
    pub fn agrees(&self, other: Date) -> bool {
        if self.month_only {
            return (self.date.year(), self.date.month()) == (other.year(), other.month());
        }
        (self.date..=self.until.unwrap_or(self.date)).contains(&other)
    }
}

/// Years a post-mortem may be about: the oldest one met is of 1969.
const YEARS: std::ops::RangeInclusive<i64> = 1960..=2100;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    /// Value and how many digits it has.
    Number(i64, usize),
    Word(&'a str),
    Mark(char),
}

/// The first full date of a text; with `name`, the shapes of file names too (`20190123`, `2018-05`).
pub fn first(text: &str, name: bool) -> Option<Spotted> {
    let tokens = tokens(text);
    let full = (0..tokens.len()).find_map(|i| date_at(&tokens, i, name));
    full.or_else(|| name.then(|| (0..tokens.len()).find_map(|i| month_at(&tokens, i))).flatten())
}

/// The first year a name holds: 2020 of `PM2020-003 - Title`.
pub fn year(name: &str) -> Option<i16> {
    tokens(name).into_iter().find_map(|token| match token {
        Token::Number(year, 4) if (1990..=*YEARS.end()).contains(&year) => year.try_into().ok(),
        _ => None,
    })
}

/// Years with a digit too many in what is otherwise a date: `20202-01-16`.
pub fn typo_years(text: &str) -> Vec<i64> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for window in tokens.windows(5) {
        if let [
            Token::Number(year, 5),
            Token::Mark('-'),
            Token::Number(m, 2),
            Token::Mark('-'),
            Token::Number(d, 2),
        ] = window
            && (1..=12).contains(m)
            && (1..=31).contains(d)
            && !found.contains(year)
        {
            found.push(*year);
        }
    }
    found
}

/// Addresses hold digits of their own and are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |of: fn(&char) -> bool| rest.find(|c| !of(&c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            let length = run(char::is_ascii_digit);
            let digits = rest.get(..length).unwrap_or_default();
            out.push(Token::Number(digits.parse().unwrap_or(i64::MAX), length));
            length
        } else if first.is_alphabetic() {
            let length = run(|c| c.is_alphabetic());
            let word = rest.get(..length).unwrap_or_default();
            if rest.get(length..).is_some_and(|after| after.starts_with("://")) {
                rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | ']'))
                    .unwrap_or(rest.len())
            } else {
                out.push(Token::Word(word));
                length
            }
        } else {
            // One blank is as good as many.
            let mark = if first.is_whitespace() { ' ' } else { first };
            if mark != ' ' || out.last() != Some(&Token::Mark(' ')) {
                out.push(Token::Mark(mark));
            }
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

fn date_at(tokens: &[Token<'_>], i: usize, name: bool) -> Option<Spotted> {
    match *tokens.get(i)? {
        Token::Number(year, 4) => numeric(tokens, i, year),
        Token::Number(all, 8) if name => day(all / 10_000, all / 100 % 100, all % 100),
        Token::Number(d, 1 | 2) => day_first(tokens, i, d),
        Token::Word(word) => month_first(tokens, i, month(word)?),
        _ => None,
    }
}

/// `2019-12-04`, `2019/12/4`, `2018_01_04`.
fn numeric(tokens: &[Token<'_>], at: usize, year: i64) -> Option<Spotted> {
    match *tokens.get(at + 1..at + 5)? {
        [Token::Mark(a), Token::Number(m, 1 | 2), Token::Mark(b), Token::Number(d, 1 | 2)]
            if a == b && matches!(a, '-' | '/' | '.' | '_') =>
        {
            day(year, m, d)
        }
        _ => None,
    }
}

/// `29 November 2019`, `9th of June 2020`, `3. February 2020`.
fn day_first(tokens: &[Token<'_>], i: usize, d: i64) -> Option<Spotted> {
    let mut rest = Rest { tokens, at: i + 1 };
    rest.ordinal();
    rest.marks(&['.', ' ']);
    if rest.word("of") {
        rest.marks(&[' ']);
    }
    let Token::Word(word) = *tokens.get(rest.at)? else { return None };
    let month = month(word)?;
    rest.at += 1;
    rest.marks(&['.', ',', ' ']);
    day(rest.year()?, month, d)
}

/// `September 29, 2025`, `January 23rd, 2019`, `Sep 27 2017`, `January 14-19, 2026`.
fn month_first(tokens: &[Token<'_>], i: usize, month: i64) -> Option<Spotted> {
    let mut rest = Rest { tokens, at: i + 1 };
    rest.marks(&['.', ' ']);
    let d = rest.number()?;
    rest.ordinal();
    let mut until = None;
    if let Some(Token::Mark('-' | '–')) = tokens.get(rest.at) {
        rest.at += 1;
        until = Some(rest.number()?);
        rest.ordinal();
    }
    rest.marks(&[',', ' ']);
    let year = rest.year()?;
    let mut spotted = day(year, month, d)?;
    spotted.until = until.and_then(|last| day(year, month, last)).map(|last| last.date);
    Some(spotted)
}

/// `2018-05` in a file name, with nothing more of a date behind it.
fn month_at(tokens: &[Token<'_>], i: usize) -> Option<Spotted> {
    match *tokens.get(i..i + 3)? {
        [Token::Number(year, 4), Token::Mark('-' | '_' | '.'), Token::Number(m, 2)] => {
            Some(Spotted { month_only: true, ..day(year, m, 1)? })
        }
        _ => None,
    }
}

struct Rest<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
}

impl Rest<'_> {
    fn marks(&mut self, marks: &[char]) {
        while matches!(self.tokens.get(self.at), Some(Token::Mark(c)) if marks.contains(c)) {
            self.at += 1;
        }
    }

    fn word(&mut self, wanted: &str) -> bool {
        let here = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(wanted));
        self.at += usize::from(here);
        here
    }

    fn ordinal(&mut self) {
        let _ = ["st", "nd", "rd", "th"].into_iter().any(|end| self.word(end));
    }

    fn number(&mut self) -> Option<i64> {
        let Some(Token::Number(n, 1 | 2)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(*n)
    }

    fn year(&self) -> Option<i64> {
        match self.tokens.get(self.at) {
            Some(Token::Number(year, 4)) => Some(*year),
            _ => None,
        }
    }
}

fn day(year: i64, month: i64, day: i64) -> Option<Spotted> {
    if !YEARS.contains(&year) {
        return None;
    }
    let date =
        Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    Some(Spotted::day(date))
}

/// English month names, whole or shortened to three letters.
pub fn month(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let short = word.len() == 3 || word == "sept";
    let at = NAMES.iter().position(|name| *name == word || (short && name.starts_with(&word)))?;
    i64::try_from(at).ok().map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_as_people_write_them() {
        for (text, date) in [
            ("2017-09-27, Hub 403", "2017-09-27"),
            ("incident date: 2019-02-20, kubectl logs", "2019-02-20"),
            ("On Friday 29 November 2019, we", "2019-11-29"),
            ("On Tuesday 9th of June 2020, a", "2020-06-09"),
            ("On Monday 3. February 2020, a planned", "2020-02-03"),
            ("January 23rd, 2019 Prow Outage", "2019-01-23"),
            ("Outage - September 29, 2025", "2025-09-29"),
            ("### Sep 27 2017 13:06", "2017-09-27"),
            ("[x](https://h/2011/01/02/y) then 2020-01-05", "2020-01-05"),
        ] {
            assert_eq!(first(text, false).unwrap().date.to_string(), date, "{text}");
        }
    }

    #[test]
    fn what_is_no_full_date_stays_unread() {
        for text in [
            "PM2020-003 - Postmortem",
            "on 28th February, flags went down",
            "20202-01-16 12:00",
            "version 1.270.0",
            "2026-13-45",
            "build 20190123",
            "October 2025",
            "https://ex.org/2020-01-01",
            "May 12 1500 users",
        ] {
            assert_eq!(first(text, false), None, "{text}");
        }
    }

    #[test]
    fn file_names_may_write_dates_shorter() {
        assert_eq!(first("20190123-prow", true).unwrap().date.to_string(), "2019-01-23");
        let month = first("2018-05 outage", true).unwrap();
        assert!(month.month_only && month.agrees("2018-05-17".parse().unwrap()));
        assert_eq!(first("PM2020-003 - x", true), None);
    }

    #[test]
    fn a_range_agrees_with_the_days_inside_it() {
        let range = first("January 14-19, 2026", false).unwrap();
        assert!(range.agrees("2026-01-17".parse().unwrap()));
        assert!(!range.agrees("2026-01-20".parse().unwrap()));
    }

    #[test]
    fn a_year_with_five_digits_is_seen_as_such() {
        assert_eq!(typo_years("| 20202-01-16 12:00 | x | 20202-01-17"), [20202]);
        assert_eq!(typo_years("10000-01 and 12345"), Vec::<i64>::new());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(?s).{0,200}|[0-9a-zJ\\-/. ]{0,80}") {
            let _ = (first(&text, true), first(&text, false), typo_years(&text));
        }
    }
}
