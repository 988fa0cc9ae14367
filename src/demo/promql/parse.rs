//! A query becomes a tree: numbers, selectors, functions, aggregations and operators with their precedence.

use super::Refusal;

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Number(f64),
    Text(String),
    Selector(Selector),
    Call {
        name: String,
        arguments: Vec<Expr>,
    },
    Aggregate {
        name: String,
        by: Grouping,
        parameter: Option<Box<Expr>>,
        of: Box<Expr>,
    },
    Binary {
        op: String,
        bool: bool,
        on: Option<Grouping>,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Negative(Box<Expr>),
    /// `(of)[range:step]`.
    Subquery {
        of: Box<Expr>,
        range: f64,
        step: f64,
    },
}

/// `metric{label="value"}[range] offset 1w`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selector {
    pub matchers: Vec<Matcher>,
    pub range: Option<f64>,
    pub offset: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    pub label: String,
    pub op: &'static str,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    pub labels: Vec<String>,
    /// `without` and `ignoring`.
    pub without: bool,
}

const AGGREGATIONS: &[&str] = &["sum", "avg", "min", "max", "count", "topk", "bottomk", "group"];
/// Sentences nested deeper than this are refused, so that nobody overflows the stack.
const DEEPEST: usize = 48;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(f64),
    Duration(f64),
    Text(String),
    Sign(&'static str),
}

pub fn parse(query: &str) -> Result<Expr, Refusal> {
    if query.trim().is_empty() {
        return Err(Refusal::Parse(
            "unknown position: parse error: no expression found in input".into(),
        ));
    }
    if query.len() > 64 * 1024 {
        return Err(Refusal::Parse("query is longer than 64 KiB".into()));
    }
    let mut parser = Parser { tokens: tokens(query)?, at: 0, depth: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(unexpected(token)),
    }
}

/// One or more selectors, as in `match[]=up{job="web"}`.
pub fn parse_selector(text: &str) -> Result<Selector, Refusal> {
    match parse(text)? {
        Expr::Selector(selector) if selector.range.is_none() => Ok(selector),
        _ => {
            Err(Refusal::Parse("invalid parameter \"match[]\": expected a series selector".into()))
        }
    }
}

fn unexpected(token: &Token) -> Refusal {
    let shown = match token {
        Token::Word(w) => format!("identifier {w:?}"),
        Token::Number(n) => format!("number {n}"),
        Token::Duration(d) => format!("duration {d}s"),
        Token::Text(t) => format!("string {t:?}"),
        Token::Sign(s) => format!("{s:?}"),
    };
    Refusal::Parse(format!("parse error: unexpected {shown}"))
}

/// `5m`, `1h30m`, `250ms`, in seconds.
pub fn duration(text: &str) -> Option<f64> {
    let (mut total, mut rest) = (0.0, text);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let (unit, seconds) = [
            ("ms", 0.001),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3_600.0),
            ("d", 86_400.0),
            ("w", 604_800.0),
            ("y", 31_536_000.0),
        ]
        .into_iter()
        .find(|(unit, _)| rest.starts_with(unit))?;
        total += n * seconds;
        rest = rest.get(unit.len()..)?;
    }
    Some(total)
}

fn tokens(query: &str) -> Result<Vec<Token>, Refusal> {
    const SIGNS: &[&str] = &[
        "=~", "!~", "!=", "==", "<=", ">=", "=", "<", ">", "(", ")", "{", "}", "[", "]", ",", "+",
        "-", "*", "/", "%", "^", "@", ":",
    ];
    let mut out = Vec::new();
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
        } else if c == '#' {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if matches!(c, '"' | '\'' | '`') {
            let (text, after) = quoted(rest, c)?;
            out.push(Token::Text(text));
            rest = after;
        } else if c.is_ascii_digit() || (c == '.' && rest.len() > 1) {
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
            let (mut word, mut after) = rest.split_at(end);
            if word.ends_with(['e', 'E']) && after.starts_with(['+', '-']) {
                let more = after.get(1..).unwrap_or("");
                let digits = more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len());
                (word, after) = rest.split_at(end + 1 + digits);
            }
            out.push(match (word.parse::<f64>(), duration(word)) {
                (Ok(n), _) => Token::Number(n),
                (_, Some(d)) => Token::Duration(d),
                _ => {
                    return Err(Refusal::Parse(format!(
                        "parse error: bad number or duration {word:?}"
                    )));
                }
            });
            rest = after;
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            out.push(Token::Word(word.to_owned()));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            out.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or("");
        } else {
            return Err(Refusal::Parse(format!("parse error: unexpected character: {c:?}")));
        }
    }
    Ok(out)
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), Refusal> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((out, text.get(at + quote.len_utf8()..).unwrap_or(""))),
            '\\' if quote != '`' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, c)) => out.push(c),
                None => break,
            },
            _ => out.push(c),
        }
    }
    Err(Refusal::Parse("parse error: unterminated quoted string".into()))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

fn strength(op: &str) -> Option<u8> {
    Some(match op {
        "or" => 1,
        "and" | "unless" => 2,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => 3,
        "+" | "-" => 4,
        "*" | "/" | "%" => 5,
        "^" => 6,
        _ => return None,
    })
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, Refusal> {
        let token = self.peek().cloned();
        self.at += 1;
        token.ok_or_else(|| Refusal::Parse("parse error: unexpected end of input".into()))
    }

    fn take(&mut self, sign: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(hit);
        hit
    }

    fn take_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }

    fn want(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.take(sign) {
            return Ok(());
        }
        match self.peek() {
            Some(token) => Err(unexpected(token)),
            None => Err(Refusal::Parse(format!(
                "parse error: unexpected end of input, expected {sign:?}"
            ))),
        }
    }

    fn expression(&mut self, floor: u8) -> Result<Expr, Refusal> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::Parse("parse error: nested too deeply".into()));
        }
        let mut left = self.operand()?;
        loop {
            let op = match self.peek() {
                Some(Token::Sign(s)) => (*s).to_owned(),
                Some(Token::Word(w)) => w.to_ascii_lowercase(),
                _ => break,
            };
            let Some(strength) = strength(&op).filter(|s| *s > floor) else { break };
            self.at += 1;
            let bool = self.take_word("bool");
            let on = if self.take_word("on") {
                Some(Grouping { labels: self.labels()?, without: false })
            } else if self.take_word("ignoring") {
                Some(Grouping { labels: self.labels()?, without: true })
            } else {
                None
            };
            // A chain of `or` is read without recursion on its left; `^` binds to the right.
            let right = self.expression(if op == "^" { strength - 1 } else { strength })?;
            left = Expr::Binary { op, bool, on, left: Box::new(left), right: Box::new(right) };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, Refusal> {
        if self.take("-") {
            return Ok(Expr::Negative(Box::new(self.expression(5)?)));
        }
        if self.take("+") {
            return self.expression(5);
        }
        if self.take("(") {
            let inner = self.expression(0)?;
            self.want(")")?;
            if self.take("[") {
                let range = self.span()?;
                self.want(":")?;
                let step = self.span()?;
                self.want("]")?;
                return Ok(Expr::Subquery { of: Box::new(inner), range, step });
            }
            return Ok(inner);
        }
        if matches!(self.peek(), Some(Token::Sign("{"))) {
            return self.selector(None);
        }
        match self.next()? {
            Token::Number(n) | Token::Duration(n) => Ok(Expr::Number(n)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Word(word) => self.named(word),
            token @ Token::Sign(_) => Err(unexpected(&token)),
        }
    }

    fn named(&mut self, word: String) -> Result<Expr, Refusal> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "nan" => return Ok(Expr::Number(f64::NAN)),
            "inf" => return Ok(Expr::Number(f64::INFINITY)),
            _ => {}
        }
        let follows = |parser: &Self, words: &[&str]| match parser.peek() {
            Some(Token::Sign("(")) => true,
            Some(Token::Word(w)) => words.contains(&w.as_str()),
            _ => false,
        };
        if AGGREGATIONS.contains(&lower.as_str()) && follows(self, &["by", "without"]) {
            return self.aggregate(lower);
        }
        if matches!(self.peek(), Some(Token::Sign("("))) {
            if !super::names::is_known(&lower) {
                return Err(Refusal::Parse(format!(
                    "parse error: unknown function with name {word:?}"
                )));
            }
            let arguments = self.arguments()?;
            return Ok(Expr::Call { name: lower, arguments });
        }
        self.selector(Some(word))
    }

    fn aggregate(&mut self, name: String) -> Result<Expr, Refusal> {
        let mut by = self.grouping()?;
        let mut arguments = self.arguments()?;
        if by.is_none() {
            by = self.grouping()?;
        }
        let wrong = || {
            Refusal::Parse(format!("parse error: wrong number of arguments for aggregate {name:?}"))
        };
        let of = arguments.pop().ok_or_else(wrong)?;
        let parameter = arguments.pop().map(Box::new);
        if !arguments.is_empty()
            || parameter.is_some() != name.ends_with("topk") && name != "bottomk"
        {
            return Err(wrong());
        }
        let by = by.unwrap_or(Grouping { labels: Vec::new(), without: false });
        Ok(Expr::Aggregate { name, by, parameter, of: Box::new(of) })
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, Refusal> {
        let without = if self.take_word("by") {
            false
        } else if self.take_word("without") {
            true
        } else {
            return Ok(None);
        };
        Ok(Some(Grouping { labels: self.labels()?, without }))
    }

    fn labels(&mut self) -> Result<Vec<String>, Refusal> {
        self.want("(")?;
        let mut labels = Vec::new();
        while !self.take(")") {
            match self.next()? {
                Token::Word(label) => labels.push(label),
                token => return Err(unexpected(&token)),
            }
            if !self.take(",") {
                self.want(")")?;
                break;
            }
        }
        Ok(labels)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Refusal> {
        self.want("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression(0)?);
            if !self.take(",") {
                self.want(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    fn selector(&mut self, name: Option<String>) -> Result<Expr, Refusal> {
        let mut selector = Selector::default();
        if let Some(value) = name {
            selector.matchers.push(Matcher { label: "__name__".into(), op: "=", value });
        }
        if self.take("{") {
            while !self.take("}") {
                let label = match self.next()? {
                    Token::Word(label) => label,
                    token => return Err(unexpected(&token)),
                };
                let op = match self.next()? {
                    Token::Sign(op @ ("=" | "!=" | "=~" | "!~")) => op,
                    token => return Err(unexpected(&token)),
                };
                match self.next()? {
                    Token::Text(value) => selector.matchers.push(Matcher { label, op, value }),
                    token => return Err(unexpected(&token)),
                }
                if !self.take(",") {
                    self.want("}")?;
                    break;
                }
            }
        }
        if selector.matchers.iter().all(|m| m.value.is_empty()) {
            return Err(Refusal::Parse(
                "parse error: vector selector must contain at least one non-empty matcher".into(),
            ));
        }
        if self.take("[") {
            selector.range = Some(self.span()?);
            self.want("]")?;
        }
        if self.take_word("offset") {
            let sign = if self.take("-") { -1.0 } else { 1.0 };
            selector.offset = sign * self.span()?;
        }
        Ok(Expr::Selector(selector))
    }

    fn span(&mut self) -> Result<f64, Refusal> {
        match self.next()? {
            Token::Duration(d) if d > 0.0 => Ok(d),
            token => Err(unexpected(&token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_that_of_the_language() {
        let Expr::Binary { op, right, .. } = parse("1 + 2 * 3").unwrap() else { panic!() };
        assert_eq!(op, "+");
        assert!(matches!(*right, Expr::Binary { ref op, .. } if op == "*"));
        let Expr::Binary { op, left, .. } = parse("a or b or c").unwrap() else { panic!() };
        assert_eq!(op, "or");
        assert!(matches!(*left, Expr::Binary { .. }));
    }

    #[test]
    fn selectors_carry_matchers_range_and_offset() {
        let Expr::Call { name, arguments } =
            parse(r#"rate(http_requests_total{service="web", code=~"5.."}[1h30m] offset 1w)"#)
                .unwrap()
        else {
            panic!()
        };
        assert_eq!(name, "rate");
        let [Expr::Selector(s)] = &arguments[..] else { panic!() };
        assert_eq!(s.matchers.len(), 3);
        assert_eq!((s.range, s.offset), (Some(5_400.0), 604_800.0));
    }

    #[test]
    fn nonsense_is_a_parse_error_and_no_panic() {
        for bad in [
            "",
            "sum(",
            "up{",
            "up{a=}",
            "nope(1)",
            "1 +",
            "rate(x[])",
            "'a",
            "up)",
            "{}",
            "a b",
            "sum by (le (x)",
            "$",
            "up[5m",
            "99zz",
        ] {
            assert!(matches!(parse(bad), Err(Refusal::Parse(_))), "{bad}");
        }
        assert!(parse(&"(".repeat(10_000)).is_err());
        assert!(parse(&"-".repeat(10_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[a-z(){}\\[\\]\"=~!,+*0-9. ]{0,60}|\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
