//! A parsed query evaluated on the world, for every moment of a range at once.

use std::collections::BTreeMap;

use super::super::world::World;
use super::Refusal;
use super::functions;
use super::names::OVER_RANGES;
use super::parse::{Expr, Grouping, Matcher, Selector};
use super::series::{self, Labels, Sampler, Series};
pub use super::value::{Row, Value};

/// The most sample steps one question may cost, about a second of work.
const BUDGET: usize = 3_000_000;

pub struct Evaluator<'a> {
    world: &'a World,
    sampler: Sampler<'a>,
    store: Vec<Series>,
    extra: Vec<(Labels, f64)>,
    times: Vec<f64>,
    spent: std::cell::Cell<usize>,
}

impl<'a> Evaluator<'a> {
    /// `extra` are series that hold now only (`ALERTS`, `build_info`).
    pub fn new(world: &'a World, times: Vec<f64>, extra: Vec<(Labels, f64)>) -> Self {
        let sampler = Sampler::new(world);
        let spent = std::cell::Cell::default();
        Self { world, sampler, store: series::all(), extra, times, spent }
    }

    pub fn evaluate(&self, expr: &Expr) -> Result<Value, Refusal> {
        match expr {
            Expr::Number(n) => Ok(Value::Scalar(vec![*n; self.times.len()])),
            Expr::Text(text) => Ok(Value::Text(text.clone())),
            Expr::Negative(inner) => Ok(self.evaluate(inner)?.map(|v| -v)),
            Expr::Selector(selector) => self.select(selector),
            Expr::Call { name, arguments } if OVER_RANGES.contains(&name.as_str()) => {
                match arguments.as_slice() {
                    [Expr::Selector(s)] => match s.range {
                        Some(range) => self.over_range(name, s, range),
                        None => Err(expected_range(name)),
                    },
                    [Expr::Subquery { of, range, step }] => {
                        self.over_steps(name, of, *range, *step)
                    }
                    _ => Err(expected_range(name)),
                }
            }
            Expr::Call { name, arguments } => {
                let values =
                    arguments.iter().map(|a| self.evaluate(a)).collect::<Result<_, _>>()?;
                functions::call(name, arguments, values, &self.times)
            }
            Expr::Subquery { .. } => Err(Refusal::Parse(
                "parse error: a subquery is answered inside a function over time only".into(),
            )),
            Expr::Aggregate { name, by, parameter, of } => {
                let rows = functions::vector(self.evaluate(of)?, name)?;
                let most = match parameter {
                    Some(p) => match self.evaluate(p)? {
                        Value::Scalar(n) => n.first().copied().unwrap_or(0.0) as usize,
                        _ => return Err(expected_range(name)),
                    },
                    None => 0,
                };
                Ok(Value::Vector(aggregate(name, by, most, rows, self.times.len())))
            }
            Expr::Binary { op, bool, on, left, right } => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                binary(op, *bool, on.as_ref(), left, right)
            }
        }
    }

    fn spend(&self, steps: usize) -> Result<(), Refusal> {
        self.spent.set(self.spent.get() + steps);
        if self.spent.get() > BUDGET {
            return Err(Refusal::Execution(
                "query processing would load too many samples into memory in query execution"
                    .into(),
            ));
        }
        Ok(())
    }

    fn matching(&self, selector: &Selector) -> Result<Vec<&Series>, Refusal> {
        let tests = compile(&selector.matchers)?;
        Ok(self.store.iter().filter(|s| tests.iter().all(|t| t.holds(&s.labels))).collect())
    }

    fn select(&self, selector: &Selector) -> Result<Value, Refusal> {
        let hits = self.matching(selector)?;
        self.spend(hits.len() * self.times.len())?;
        if let Some(range) = selector.range {
            let samples = |s: &&Series| {
                let end = self.times.last().copied().unwrap_or(0.0) - selector.offset;
                let first = ((end - range) / 15.0).floor() as i64 + 1;
                let last = (end / 15.0).floor() as i64;
                let points = (first..=last).rev().take(2_000).map(|i| {
                    let t = i as f64 * 15.0;
                    (t, self.sampler.sample(s.signal, t))
                });
                let mut points: Vec<_> = points.collect();
                points.reverse();
                (s.labels.clone(), points)
            };
            return Ok(Value::Matrix(hits.iter().map(samples).collect()));
        }
        let mut rows: Vec<Row> = hits
            .into_iter()
            .map(|s| Row {
                labels: s.labels.clone(),
                values: self
                    .times
                    .iter()
                    .map(|t| Some(self.sampler.sample(s.signal, t - selector.offset)))
                    .collect(),
            })
            .collect();
        let tests = compile(&selector.matchers)?;
        for (labels, value) in &self.extra {
            if tests.iter().all(|t| t.holds(labels)) {
                let values = vec![Some(*value); self.times.len()];
                rows.push(Row { labels: labels.clone(), values });
            }
        }
        Ok(Value::Vector(rows))
    }

    fn over_range(&self, name: &str, selector: &Selector, range: f64) -> Result<Value, Refusal> {
        let hits = self.matching(selector)?;
        self.spend(hits.len() * self.times.len() * 6)?;
        let rows = hits.into_iter().map(|s| {
            let mut labels = s.labels.clone();
            if name != "last_over_time" {
                labels.remove("__name__");
            }
            let one = |t: &f64| Some(self.one_range(name, s, t - selector.offset, range));
            Row { labels, values: self.times.iter().map(one).collect() }
        });
        Ok(Value::Vector(rows.collect()))
    }

    /// A function over what an expression was at every `step` (on the store's own grid) of a `range`.
    fn over_steps(&self, name: &str, of: &Expr, range: f64, step: f64) -> Result<Value, Refusal> {
        let first = self.times.first().copied().unwrap_or(0.0) - range;
        let last = self.times.last().copied().unwrap_or(0.0);
        let steps = ((last - first) / step).floor().max(0.0) as usize;
        self.spend(steps)?;
        let times: Vec<f64> = (1..=steps + 1)
            .map(|i| ((first / step).floor() + i as f64) * step)
            .filter(|t| *t > first && *t <= last)
            .collect();
        let inner = Self {
            sampler: Sampler::new(self.world),
            store: series::all(),
            world: self.world,
            extra: self.extra.clone(),
            times: times.clone(),
            spent: self.spent.clone(),
        };
        let rows = functions::vector(inner.evaluate(of)?, name)?;
        self.spent.set(inner.spent.get());
        let one = |row: Row| {
            let at = |t: &f64| {
                let (from, until) =
                    (times.partition_point(|s| *s <= t - range), times.partition_point(|s| s <= t));
                let seen = row.values.get(from..until).unwrap_or(&[]).iter().flatten().copied();
                over_time(name, &seen.collect::<Vec<f64>>())
            };
            let values = self.times.iter().map(at).collect();
            let mut labels = row.labels.clone();
            labels.remove("__name__");
            Row { labels, values }
        };
        Ok(Value::Vector(rows.into_iter().map(one).collect()))
    }

    fn one_range(&self, name: &str, s: &Series, at: f64, range: f64) -> f64 {
        let parts = 12;
        let points = || {
            (0..parts).map(move |i| {
                let t = at - range * (f64::from(i) / f64::from(parts));
                self.sampler.sample(s.signal, t)
            })
        };
        match name {
            "rate" | "irate" | "increase" if s.signal.is_counter() => {
                let window = if name == "irate" { range.min(30.0) } else { range };
                let growth = self.sampler.growth(s.signal, at, window);
                if name == "increase" { growth } else { growth / window }
            }
            "rate" | "irate" | "increase" => 0.0,
            "delta" => {
                self.sampler.sample(s.signal, at) - self.sampler.sample(s.signal, at - range)
            }
            "avg_over_time" => points().sum::<f64>() / f64::from(parts),
            "min_over_time" => points().fold(f64::INFINITY, f64::min),
            "max_over_time" => points().fold(f64::NEG_INFINITY, f64::max),
            "sum_over_time" => points().sum::<f64>() / f64::from(parts) * (range / 15.0),
            "count_over_time" => (range / 15.0).floor(),
            _ => self.sampler.sample(s.signal, at),
        }
    }

    /// Label sets that match any of the selectors.
    pub fn series(&self, selectors: &[Selector]) -> Result<Vec<Labels>, Refusal> {
        let mut out = Vec::new();
        for s in &self.store {
            out.push(s.labels.clone());
        }
        out.extend(self.extra.iter().map(|(labels, _)| labels.clone()));
        if selectors.is_empty() {
            return Ok(out);
        }
        let tests: Vec<Vec<Test>> =
            selectors.iter().map(|s| compile(&s.matchers)).collect::<Result<_, _>>()?;
        out.retain(|labels| tests.iter().any(|all| all.iter().all(|t| t.holds(labels))));
        Ok(out)
    }
}

/// Nothing where there was nothing; NaN counts only where there is nothing else, as upstream.
fn over_time(name: &str, seen: &[f64]) -> Option<f64> {
    let last = *seen.last()?;
    let numbers = || seen.iter().copied().filter(|n| !n.is_nan());
    let fold = |f: fn(f64, f64) -> f64| numbers().reduce(f).unwrap_or(f64::NAN);
    Some(match name {
        "min_over_time" => fold(f64::min),
        "max_over_time" => fold(f64::max),
        "avg_over_time" => seen.iter().sum::<f64>() / seen.len() as f64,
        "sum_over_time" => seen.iter().sum(),
        "count_over_time" => seen.len() as f64,
        _ => last,
    })
}

fn expected_range(name: &str) -> Refusal {
    Refusal::Parse(format!("parse error: expected type range vector in call to function {name:?}"))
}

/// A matcher ready to be tried; `wanted` says whether a match is wished for.
pub struct Test {
    label: String,
    wanted: bool,
    means: Result<String, regex::Regex>,
}

impl Test {
    pub fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let hit = match &self.means {
            Ok(text) => text == value,
            Err(pattern) => pattern.is_match(value),
        };
        hit == self.wanted
    }
}

pub fn compile(matchers: &[Matcher]) -> Result<Vec<Test>, Refusal> {
    let one = |m: &Matcher| {
        let means = if m.op.ends_with('~') {
            let pattern = regex::RegexBuilder::new(&format!("^(?s:{})$", m.value))
                .size_limit(1 << 20)
                .build()
                .map_err(|e| Refusal::Parse(format!("parse error: error parsing regexp: {e}")))?;
            Err(pattern)
        } else {
            Ok(m.value.clone())
        };
        Ok(Test { label: m.label.clone(), wanted: !m.op.starts_with('!'), means })
    };
    matchers.iter().map(one).collect()
}

fn grouped(labels: &Labels, by: &Grouping) -> Labels {
    let keep = |k: &String| {
        if by.without { k != "__name__" && !by.labels.contains(k) } else { by.labels.contains(k) }
    };
    labels.iter().filter(|(k, _)| keep(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn aggregate(name: &str, by: &Grouping, most: usize, rows: Vec<Row>, moments: usize) -> Vec<Row> {
    let mut groups: BTreeMap<Labels, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(grouped(&row.labels, by)).or_default().push(row);
    }
    if name.ends_with('k') {
        let pick = |(_, mut rows): (Labels, Vec<Row>)| {
            let key = |r: &Row| r.values.last().copied().flatten().unwrap_or(f64::NAN);
            rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
            if name == "topk" {
                rows.reverse();
            }
            rows.truncate(most);
            rows
        };
        return groups.into_iter().flat_map(pick).collect();
    }
    let fold = |(labels, rows): (Labels, Vec<Row>)| {
        let at = |i: usize| {
            let mut here =
                rows.iter().filter_map(|r| r.values.get(i).copied().flatten()).peekable();
            here.peek()?;
            let count =
                rows.iter().filter(|r| r.values.get(i).copied().flatten().is_some()).count();
            Some(match name {
                "sum" => here.sum(),
                "avg" => here.sum::<f64>() / count as f64,
                "min" => here.fold(f64::INFINITY, f64::min),
                "max" => here.fold(f64::NEG_INFINITY, f64::max),
                "group" => 1.0,
                _ => count as f64,
            })
        };
        let values = (0..moments).map(at).collect();
        Row { labels, values }
    };
    groups.into_iter().map(fold).collect()
}

fn arithmetic(op: &str, a: f64, b: f64) -> f64 {
    match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        _ => a.powf(b),
    }
}

fn compares(op: &str, a: f64, b: f64) -> Option<bool> {
    Some(match op {
        "==" => a.total_cmp(&b).is_eq() || (a - b).abs() == 0.0,
        "!=" => (a - b).abs() != 0.0,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        _ => return None,
    })
}

/// The result of one pair, kept (`left`) or not when it is a filter.
fn pair(op: &str, bool: bool, a: f64, b: f64, left: f64) -> Option<f64> {
    match compares(op, a, b) {
        None => Some(arithmetic(op, a, b)),
        Some(holds) if bool => Some(f64::from(u8::from(holds))),
        Some(holds) => holds.then_some(left),
    }
}

fn binary(
    op: &str,
    bool: bool,
    on: Option<&Grouping>,
    left: Value,
    right: Value,
) -> Result<Value, Refusal> {
    let filters = compares(op, 0.0, 0.0).is_some() && !bool;
    match (left, right) {
        (Value::Vector(l), Value::Vector(r)) => vectors(op, bool, on, l, r),
        (Value::Scalar(l), Value::Scalar(r)) => {
            if filters {
                return Err(Refusal::Parse(
                    "parse error: comparisons between scalars must use BOOL modifier".into(),
                ));
            }
            let both = l.into_iter().zip(r);
            Ok(Value::Scalar(both.map(|(a, b)| pair(op, bool, a, b, a).unwrap_or(a)).collect()))
        }
        (Value::Vector(rows), Value::Scalar(n)) => {
            Ok(scaled(rows, &n, filters, |v, n| pair(op, bool, v, n, v)))
        }
        (Value::Scalar(n), Value::Vector(rows)) => {
            Ok(scaled(rows, &n, filters, |v, n| pair(op, bool, n, v, v)))
        }
        _ => Err(Refusal::Parse(format!(
            "parse error: binary expression {op:?} must contain only scalar and instant vector types"
        ))),
    }
}

fn scaled(
    rows: Vec<Row>,
    numbers: &[f64],
    keep_name: bool,
    f: impl Fn(f64, f64) -> Option<f64>,
) -> Value {
    let one = |mut row: Row| {
        if !keep_name {
            row.labels.remove("__name__");
        }
        for (slot, n) in row.values.iter_mut().zip(numbers) {
            *slot = slot.and_then(|v| f(v, *n));
        }
        row
    };
    Value::Vector(rows.into_iter().map(one).collect())
}

fn vectors(
    op: &str,
    bool: bool,
    on: Option<&Grouping>,
    left: Vec<Row>,
    right: Vec<Row>,
) -> Result<Value, Refusal> {
    let all = Grouping { labels: Vec::new(), without: true };
    let key = |row: &Row| grouped(&row.labels, on.unwrap_or(&all));
    if matches!(op, "or" | "and" | "unless") {
        return Ok(Value::Vector(sets(op, key, left, right)));
    }
    let mut others: BTreeMap<Labels, Row> = BTreeMap::new();
    for row in right {
        if others.insert(key(&row), row).is_some() {
            return Err(Refusal::Execution(
                "found duplicate series for the match group on the right hand-side of the operation: \
                 many-to-many matching not allowed: matching labels must be unique on one side"
                    .into(),
            ));
        }
    }
    let filters = compares(op, 0.0, 0.0).is_some() && !bool;
    let mut out = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for row in left {
        let group = key(&row);
        let Some(other) = others.get(&group) else { continue };
        if !seen.insert(group.clone()) {
            return Err(Refusal::Execution(
                "multiple matches for labels: many-to-one matching must be explicit \
                 (group_left/group_right)"
                    .into(),
            ));
        }
        let both = row.values.iter().zip(&other.values);
        let values = both.map(|(a, b)| pair(op, bool, (*a)?, (*b)?, (*a)?)).collect();
        let labels = if filters { row.labels } else { group };
        out.push(Row { labels, values });
    }
    Ok(Value::Vector(out))
}

fn sets(op: &str, key: impl Fn(&Row) -> Labels, left: Vec<Row>, right: Vec<Row>) -> Vec<Row> {
    let index = |rows: &[Row]| {
        let mut map: BTreeMap<Labels, Vec<bool>> = BTreeMap::new();
        for row in rows {
            let here = map.entry(key(row)).or_insert_with(|| vec![false; row.values.len()]);
            for (slot, value) in here.iter_mut().zip(&row.values) {
                *slot |= value.is_some();
            }
        }
        map
    };
    let keep = |rows: Vec<Row>, others: &BTreeMap<Labels, Vec<bool>>, wanted: bool| -> Vec<Row> {
        let one = |mut row: Row| {
            let hits = others.get(&key(&row));
            for (i, slot) in row.values.iter_mut().enumerate() {
                let hit = hits.and_then(|h| h.get(i).copied()).unwrap_or(false);
                if hit != wanted {
                    *slot = None;
                }
            }
            row
        };
        rows.into_iter().map(one).collect()
    };
    match op {
        "and" => keep(left, &index(&right), true),
        "unless" => keep(left, &index(&right), false),
        _ => {
            let rest = keep(right, &index(&left), false);
            left.into_iter().chain(rest).collect()
        }
    }
}
