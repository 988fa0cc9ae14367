//! A small GraphQL executor: fields, aliases, arguments, variables, fragments and connections, over plain trees.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::super::clock::{Secs, rfc3339};

#[derive(Debug, Default)]
pub struct Document {
    root: Vec<Selection>,
    fragments: BTreeMap<String, Vec<Selection>>,
}

#[derive(Debug)]
enum Selection {
    Field { alias: String, name: String, arguments: Vec<(String, Input)>, set: Vec<Selection> },
    Spread(String),
    Inline(Vec<Selection>),
}

/// An argument as it is written.
#[derive(Debug, Clone)]
enum Input {
    Plain(Json),
    Variable(String),
    List(Vec<Input>),
    Object(Vec<(String, Input)>),
}

impl Input {
    fn resolve(&self, variables: &Json) -> Json {
        match self {
            Self::Plain(json) => json.clone(),
            Self::Variable(name) => variables.get(name).cloned().unwrap_or(Json::Null),
            Self::List(all) => all.iter().map(|i| i.resolve(variables)).collect(),
            Self::Object(all) => {
                Json::Object(all.iter().map(|(k, v)| (k.clone(), v.resolve(variables))).collect())
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Variable(String),
    Sign(char),
    Dots,
}

const DEEPEST: usize = 24;

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    let word = |first: Option<char>,
                chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
                more: fn(char) -> bool| {
        let mut word: String = first.into_iter().collect();
        while let Some(c) = chars.next_if(|c| more(*c)) {
            word.push(c);
        }
        word
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}' => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '.' => {
                if chars.next() != Some('.') || chars.next() != Some('.') {
                    return Err("Parse error on \".\"".into());
                }
                out.push(Token::Dots);
            }
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some('n') => text.push('\n'),
                            Some(c) => text.push(c),
                            None => return Err("Parse error on unterminated string".into()),
                        },
                        Some(c) => text.push(c),
                        None => return Err("Parse error on unterminated string".into()),
                    }
                }
                out.push(Token::Text(text));
            }
            '$' => out.push(Token::Variable(word(None, &mut chars, is_name))),
            '-' | '0'..='9' => {
                let digits = word(Some(c), &mut chars, |c| c.is_ascii_digit() || c == '.');
                let number = digits.parse().map_err(|_| format!("Parse error on {digits:?}"))?;
                out.push(Token::Number(number));
            }
            _ if c.is_ascii_alphabetic() || c == '_' => {
                out.push(Token::Name(word(Some(c), &mut chars, is_name)));
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '=' | '!' | '@' | '|' | '&' => {
                out.push(Token::Sign(c));
            }
            _ => return Err(format!("Parse error on {c:?}")),
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// Reads one operation and its fragments.
pub fn parse(text: &str) -> Result<Document, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut document = Document::default();
    while let Some(token) = parser.peek().cloned() {
        match token {
            Token::Sign('{') => document.root = parser.set(0)?,
            Token::Name(word) if word == "query" => {
                parser.at += 1;
                while !matches!(parser.peek(), Some(Token::Sign('{')) | None) {
                    parser.at += 1;
                    if matches!(parser.peek(), Some(Token::Sign('('))) {
                        parser.skip_variables()?;
                    }
                }
                document.root = parser.set(0)?;
            }
            Token::Name(word) if word == "fragment" => {
                parser.at += 1;
                let name = parser.name()?;
                if parser.name()? != "on" {
                    return Err("Parse error: expected on".into());
                }
                parser.name()?;
                let set = parser.set(0)?;
                document.fragments.insert(name, set);
            }
            Token::Name(word) if word == "mutation" => {
                return Err("The demo's code host can be read only".into());
            }
            other => return Err(format!("Parse error on {other:?}")),
        }
    }
    if document.root.is_empty() {
        return Err("A query attribute must be specified and must be a string.".into());
    }
    Ok(document)
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("Unexpected end of document")?;
        self.at += 1;
        Ok(token)
    }

    fn take(&mut self, sign: char) -> bool {
        let hit = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(hit);
        hit
    }

    fn want(&mut self, sign: char) -> Result<(), String> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(format!("Parse error: expected {sign:?}, got {:?}", self.peek()))
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Name(name) => Ok(name),
            other => Err(format!("Parse error on {other:?}")),
        }
    }

    /// Types of variables are of no interest here; defaults are rare enough to be left out.
    fn skip_variables(&mut self) -> Result<(), String> {
        let mut depth = 0;
        loop {
            match self.next()? {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') if depth == 1 => return Ok(()),
                Token::Sign(')') => depth -= 1,
                _ => {}
            }
        }
    }

    fn set(&mut self, depth: usize) -> Result<Vec<Selection>, String> {
        if depth > DEEPEST {
            return Err("Query has a depth that is too great".into());
        }
        self.want('{')?;
        let mut out = Vec::new();
        while !self.take('}') {
            if matches!(self.peek(), Some(Token::Dots)) {
                self.at += 1;
                match self.peek() {
                    Some(Token::Name(word)) if word == "on" => {
                        self.at += 2;
                        out.push(Selection::Inline(self.set(depth + 1)?));
                    }
                    Some(Token::Name(_)) => out.push(Selection::Spread(self.name()?)),
                    _ => out.push(Selection::Inline(self.set(depth + 1)?)),
                }
                continue;
            }
            let first = self.name()?;
            let (alias, name) =
                if self.take(':') { (first, self.name()?) } else { (first.clone(), first) };
            let mut arguments = Vec::new();
            if self.take('(') {
                while !self.take(')') {
                    let key = self.name()?;
                    self.want(':')?;
                    arguments.push((key, self.input(0)?));
                }
            }
            let set = if matches!(self.peek(), Some(Token::Sign('{'))) {
                self.set(depth + 1)?
            } else {
                Vec::new()
            };
            out.push(Selection::Field { alias, name, arguments, set });
        }
        Ok(out)
    }

    fn input(&mut self, depth: usize) -> Result<Input, String> {
        if depth > DEEPEST {
            return Err("Argument is nested too deeply".into());
        }
        Ok(match self.next()? {
            Token::Variable(name) => Input::Variable(name),
            Token::Text(text) => Input::Plain(json!(text)),
            Token::Number(n) => Input::Plain(json!(n)),
            Token::Name(word) => Input::Plain(match word.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Json::Null,
                _ => json!(word),
            }),
            Token::Sign('[') => {
                let mut all = Vec::new();
                while !self.take(']') {
                    all.push(self.input(depth + 1)?);
                }
                Input::List(all)
            }
            Token::Sign('{') => {
                let mut all = Vec::new();
                while !self.take('}') {
                    let key = self.name()?;
                    self.want(':')?;
                    all.push((key, self.input(depth + 1)?));
                }
                Input::Object(all)
            }
            other => return Err(format!("Parse error on {other:?}")),
        })
    }
}

struct Run<'a> {
    document: &'a Document,
    variables: &'a Json,
    errors: Vec<Json>,
    path: Vec<Json>,
    /// Fields given so far; a runaway fragment ends here.
    given: usize,
}

const MOST_FIELDS: usize = 400_000;

/// The whole answer: `data`, and `errors` where there are any.
pub fn execute(
    document: &Document,
    variables: &Json,
    now: Secs,
    repository: &dyn Fn(&str, &str) -> Option<Json>,
) -> Json {
    let mut run = Run { document, variables, errors: Vec::new(), path: Vec::new(), given: 0 };
    let mut data = Map::new();
    run.root(&document.root, now, repository, &mut data, 0);
    let undefined = run.errors.iter().any(|e| e.get("extensions").is_some());
    let mut out = Map::new();
    // A query that does not fit the schema is not run at all.
    if !undefined {
        out.insert("data".into(), Json::Object(data));
    }
    if !run.errors.is_empty() {
        out.insert("errors".into(), Json::Array(run.errors));
    }
    Json::Object(out)
}

impl Run<'_> {
    fn root(
        &mut self,
        set: &[Selection],
        now: Secs,
        repository: &dyn Fn(&str, &str) -> Option<Json>,
        out: &mut Map<String, Json>,
        depth: usize,
    ) {
        for selection in set {
            match selection {
                Selection::Inline(inner) if depth < DEEPEST => {
                    self.root(inner, now, repository, out, depth + 1);
                }
                Selection::Spread(name) if depth < DEEPEST => {
                    if let Some(inner) = self.document.fragments.get(name) {
                        self.root(inner, now, repository, out, depth + 1);
                    }
                }
                Selection::Field { alias, name, arguments, set } => {
                    self.path.push(json!(alias));
                    let text = |key: &str| {
                        let found = arguments.iter().find(|(k, _)| k == key);
                        found.map(|(_, v)| v.resolve(self.variables)).unwrap_or_default()
                    };
                    let value = match name.as_str() {
                        "repository" => {
                            let (owner, name) = (text("owner"), text("name"));
                            let (owner, name) =
                                (owner.as_str().unwrap_or(""), name.as_str().unwrap_or(""));
                            if let Some(tree) = repository(owner, name) {
                                self.object(set, &tree, 0)
                            } else {
                                self.errors.push(json!({
                                        "type": "NOT_FOUND",
                                        "path": self.path,
                                        "locations": [{ "line": 1, "column": 1 }],
                                        "message": format!("Could not resolve to a Repository with the name '{owner}/{name}'."),
                                    }));
                                Json::Null
                            }
                        }
                        "rateLimit" => {
                            let limit = json!({
                                "__typename": "RateLimit",
                                "cost": 1,
                                "limit": 5_000,
                                "remaining": 4_870,
                                "used": 130,
                                "nodeCount": 60,
                                "resetAt": rfc3339((now / 3_600.0).ceil() * 3_600.0),
                            });
                            self.object(set, &limit, 0)
                        }
                        "viewer" => {
                            self.object(set, &json!({ "__typename": "User", "login": "noor" }), 0)
                        }
                        "__typename" => json!("Query"),
                        _ => self.undefined(name, "Query"),
                    };
                    out.insert(alias.clone(), value);
                    self.path.pop();
                }
                _ => {}
            }
        }
    }

    fn undefined(&mut self, name: &str, kind: &str) -> Json {
        self.errors.push(json!({
            "path": self.path,
            "extensions": { "code": "undefinedField", "typeName": kind, "fieldName": name },
            "locations": [{ "line": 1, "column": 1 }],
            "message": format!("Field '{name}' doesn't exist on type '{kind}'"),
        }));
        Json::Null
    }

    fn object(&mut self, set: &[Selection], value: &Json, depth: usize) -> Json {
        let mut out = Map::new();
        self.fields(set, value, &mut out, depth);
        Json::Object(out)
    }

    fn fields(
        &mut self,
        set: &[Selection],
        value: &Json,
        out: &mut Map<String, Json>,
        depth: usize,
    ) {
        if depth > DEEPEST || self.given > MOST_FIELDS {
            return;
        }
        for selection in set {
            match selection {
                Selection::Inline(inner) => self.fields(inner, value, out, depth + 1),
                Selection::Spread(name) => {
                    let document = self.document;
                    match document.fragments.get(name) {
                        Some(inner) => self.fields(inner, value, out, depth + 1),
                        None => {
                            self.undefined(name, "Fragment");
                        }
                    }
                }
                Selection::Field { alias, name, arguments, set } => {
                    self.given += 1;
                    self.path.push(json!(alias));
                    let kind = value["__typename"].as_str().unwrap_or("Object").to_owned();
                    let found = match value.get(name) {
                        None => self.undefined(name, &kind),
                        Some(Json::Array(all)) if !set.is_empty() => {
                            self.connection(arguments, set, all, depth + 1)
                        }
                        Some(Json::Null) => Json::Null,
                        Some(inner @ Json::Object(_)) => self.object(set, inner, depth + 1),
                        Some(plain) => plain.clone(),
                    };
                    out.insert(alias.clone(), found);
                    self.path.pop();
                }
            }
        }
    }

    /// `nodes`, `edges`, `pageInfo` and `totalCount` of a list, after its arguments.
    fn connection(
        &mut self,
        arguments: &[(String, Input)],
        set: &[Selection],
        all: &[Json],
        depth: usize,
    ) -> Json {
        let argument = |key: &str| {
            let found = arguments.iter().find(|(k, _)| k == key);
            found.map(|(_, v)| v.resolve(self.variables)).unwrap_or_default()
        };
        let mut list: Vec<&Json> = all.iter().collect();
        let among = |key: &str, field: &str, list: &mut Vec<&Json>| {
            if let Some(wanted) = argument(key).as_array() {
                list.retain(|x| wanted.contains(&x[field]));
            }
        };
        among("environments", "environment", &mut list);
        among("states", "state", &mut list);
        if let Some(wanted) = argument("labels").as_array() {
            list.retain(|x| {
                x["labels"]
                    .as_array()
                    .is_some_and(|l| l.iter().any(|l| wanted.contains(&l["name"])))
            });
        }
        let order = argument("orderBy");
        let key = match order.get("field").and_then(Json::as_str) {
            Some("DUE_DATE") => Some("dueOn"),
            Some("UPDATED_AT") => Some("updatedAt"),
            Some("NUMBER") => Some("number"),
            Some(_) => Some("createdAt"),
            None => None,
        };
        if let Some(key) = key {
            list.sort_by(|a, b| a[key].as_str().cmp(&b[key].as_str()));
            if order.get("direction").is_some_and(|d| d == "DESC") {
                list.reverse();
            }
        }
        let total = list.len();
        let cursor =
            |json: &Json| json.as_str().and_then(|c| c.strip_prefix("c")?.parse::<usize>().ok());
        let (mut from, mut until) = (0, total);
        if let Some(after) = cursor(&argument("after")) {
            from = (after + 1).min(total);
        }
        if let Some(before) = cursor(&argument("before")) {
            until = before.min(total);
        }
        until = until.max(from);
        // GraphQL numbers may arrive as floats from our reader.
        let count = |key: &str| argument(key).as_f64().map(|n| n.clamp(0.0, 100.0) as usize);
        if let Some(first) = count("first") {
            until = until.min(from + first);
        }
        if let Some(last) = count("last") {
            from = from.max(until.saturating_sub(last));
        }
        let page = list.get(from..until).unwrap_or_default();
        let mut out = Map::new();
        for selection in set {
            let Selection::Field { alias, name, set, .. } = selection else { continue };
            let value = match name.as_str() {
                "totalCount" => json!(total),
                "nodes" => page.iter().map(|x| self.object(set, x, depth + 1)).collect(),
                "edges" => page
                    .iter()
                    .enumerate()
                    .map(|(i, x)| {
                        let edge = json!({ "__typename": "Edge", "cursor": format!("c{}", from + i), "node": x });
                        self.object(set, &edge, depth + 1)
                    })
                    .collect(),
                "pageInfo" => {
                    let at = |i: Option<usize>| i.map(|i| format!("c{i}"));
                    let info = json!({
                        "__typename": "PageInfo",
                        "hasPreviousPage": from > 0,
                        "hasNextPage": until < total,
                        "startCursor": at((from < until).then_some(from)),
                        "endCursor": at(until.checked_sub(1).filter(|_| from < until)),
                    });
                    self.object(set, &info, depth + 1)
                }
                "__typename" => json!("Connection"),
                _ => self.undefined(name, "Connection"),
            };
            out.insert(alias.clone(), value);
        }
        Json::Object(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str, variables: &Json) -> Json {
        let tree = json!({
            "__typename": "Repository",
            "name": "checkout",
            "things": (0..7).map(|i| json!({ "__typename": "Thing", "n": i, "createdAt": format!("2026-11-0{i}"), "environment": if i % 2 == 0 { "a" } else { "b" } })).collect::<Vec<_>>(),
        });
        let document = parse(query).unwrap();
        execute(&document, variables, 1.8e9, &|_, name| (name == "checkout").then(|| tree.clone()))
    }

    #[test]
    fn aliases_fragments_variables_and_pages() {
        let query = "query Q($o:String!,$env:[String!]){ a:repository(owner:$o,name:\"checkout\"){...T} b:repository(owner:$o,name:\"nope\"){name} } \
             fragment T on Repository{ name things(last:2,environments:$env,orderBy:{field:CREATED_AT,direction:ASC}){ pageInfo{hasPreviousPage startCursor} nodes{ n } } }";
        let answer = ask(query, &json!({ "o": "harbour", "env": ["a"] }));
        assert_eq!(answer["data"]["a"]["things"]["nodes"], json!([{ "n": 4 }, { "n": 6 }]));
        assert_eq!(answer["data"]["a"]["things"]["pageInfo"]["hasPreviousPage"], true);
        assert_eq!(answer["data"]["b"], Json::Null);
        assert_eq!(answer["errors"][0]["type"], "NOT_FOUND");
        assert_eq!(answer["errors"][0]["path"], json!(["b"]));
    }

    #[test]
    fn pages_meet_without_overlap() {
        let mut seen = Vec::new();
        let mut before = Json::Null;
        loop {
            let query = "query($b:String){repository(owner:\"o\",name:\"checkout\"){things(last:3,before:$b){pageInfo{hasPreviousPage startCursor} nodes{n}}}}";
            let answer = ask(query, &json!({ "b": before }));
            let things = &answer["data"]["repository"]["things"];
            let page = things["nodes"].as_array().unwrap().iter().map(|n| n["n"].as_i64().unwrap());
            seen.splice(0..0, page);
            if things["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            before = things["pageInfo"]["startCursor"].clone();
        }
        assert_eq!(seen, (0..7).collect::<Vec<i64>>());
    }

    #[test]
    fn what_is_not_there_is_an_error_and_no_data() {
        let answer = ask("{repository(owner:\"o\",name:\"checkout\"){name nonsense}}", &json!({}));
        assert!(answer.get("data").is_none());
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("nonsense"));
        for bad in ["", "{", "{a(}", "query", "fragment", "{a..b}", "{\u{1}}", "mutation{x}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&"{a".repeat(1_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[a-z{}()$:!.\\[\\]\" ]{0,60}") {
            let _ = parse(&text);
        }
    }
}
