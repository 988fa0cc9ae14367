//! The functions of the query language that the demo knows, on whole columns of moments at once.

use super::Refusal;
use super::parse::Expr;
use super::value::{Row, Value};

fn wrong(name: &str) -> Refusal {
    Refusal::Parse(format!("parse error: wrong arguments in call to function {name:?}"))
}

/// A call whose arguments are values already.
pub fn call(
    name: &str,
    arguments: &[Expr],
    values: Vec<Value>,
    times: &[f64],
) -> Result<Value, Refusal> {
    let mut values = values.into_iter();
    let mut next = || values.next().ok_or_else(|| wrong(name));
    match name {
        "time" => Ok(Value::Scalar(times.to_vec())),
        "vector" => match next()? {
            Value::Scalar(n) => Ok(Value::Vector(vec![Row {
                labels: super::series::Labels::new(),
                values: n.into_iter().map(Some).collect(),
            }])),
            _ => Err(wrong(name)),
        },
        "scalar" => {
            let rows = vector(next()?, name)?;
            let only = |i: usize| {
                let mut found = rows.iter().filter_map(|r| r.values.get(i).copied().flatten());
                match (found.next(), found.next()) {
                    (Some(v), None) => v,
                    _ => f64::NAN,
                }
            };
            Ok(Value::Scalar((0..times.len()).map(only).collect()))
        }
        "absent" => {
            let rows = vector(next()?, name)?;
            let gone = |i: usize| {
                rows.iter().all(|r| r.values.get(i).copied().flatten().is_none()).then_some(1.0)
            };
            let labels = match arguments.first() {
                Some(Expr::Selector(s)) => s
                    .matchers
                    .iter()
                    .filter(|m| m.op == "=" && m.label != "__name__")
                    .map(|m| (m.label.clone(), m.value.clone()))
                    .collect(),
                _ => super::series::Labels::new(),
            };
            Ok(Value::Vector(vec![Row { labels, values: (0..times.len()).map(gone).collect() }]))
        }
        "histogram_quantile" => {
            let Value::Scalar(q) = next()? else { return Err(wrong(name)) };
            Ok(Value::Vector(quantiles(&q, vector(next()?, name)?)))
        }
        "label_replace" => label_replace(arguments, vector(next()?, name)?),
        "sort" | "sort_desc" => {
            let mut rows = vector(next()?, name)?;
            let key = |r: &Row| r.values.first().copied().flatten().unwrap_or(f64::NAN);
            rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
            if name == "sort_desc" {
                rows.reverse();
            }
            Ok(Value::Vector(rows))
        }
        "clamp_min" | "clamp_max" => {
            let value = next()?;
            let Value::Scalar(limit) = next()? else { return Err(wrong(name)) };
            let mut i = 0;
            let n = limit.len().max(1);
            Ok(value.map(|v| {
                let at = limit.get(i % n).copied().unwrap_or(f64::NAN);
                i += 1;
                if name == "clamp_min" { v.max(at) } else { v.min(at) }
            }))
        }
        "timestamp" => {
            let rows = vector(next()?, name)?;
            let stamp = |mut row: Row| {
                row.labels.remove("__name__");
                for (slot, t) in row.values.iter_mut().zip(times) {
                    *slot = slot.map(|_| *t);
                }
                row
            };
            Ok(Value::Vector(rows.into_iter().map(stamp).collect()))
        }
        "abs" => Ok(next()?.map(f64::abs)),
        "ceil" => Ok(next()?.map(f64::ceil)),
        "floor" => Ok(next()?.map(f64::floor)),
        "round" => Ok(next()?.map(f64::round)),
        "exp" => Ok(next()?.map(f64::exp)),
        "ln" => Ok(next()?.map(f64::ln)),
        "sqrt" => Ok(next()?.map(f64::sqrt)),
        _ => Err(wrong(name)),
    }
}

pub fn vector(value: Value, name: &str) -> Result<Vec<Row>, Refusal> {
    match value {
        Value::Vector(rows) => Ok(rows),
        _ => Err(Refusal::Parse(format!(
            "parse error: expected type instant vector in call to function {name:?}"
        ))),
    }
}

fn label_replace(arguments: &[Expr], rows: Vec<Row>) -> Result<Value, Refusal> {
    let text = |i: usize| match arguments.get(i) {
        Some(Expr::Text(text)) => Ok(text.as_str()),
        _ => Err(wrong("label_replace")),
    };
    let (target, with, source) = (text(1)?, text(2)?, text(3)?);
    let pattern = regex::Regex::new(&format!("^(?s:{})$", text(4)?))
        .map_err(|_| Refusal::Execution("invalid regular expression in label_replace()".into()))?;
    let replaced = rows.into_iter().map(|mut row| {
        let value = row.labels.get(source).cloned().unwrap_or_default();
        if let Some(hit) = pattern.captures(&value) {
            let mut out = String::new();
            hit.expand(with, &mut out);
            if out.is_empty() {
                row.labels.remove(target);
            } else {
                row.labels.insert(target.to_owned(), out);
            }
        }
        row
    });
    Ok(Value::Vector(replaced.collect()))
}

/// One histogram: its labels without `le`, and a column for every bound.
type Buckets = (super::series::Labels, Vec<(f64, Vec<Option<f64>>)>);

/// Linear interpolation inside the bucket that holds the quantile, as the real store does it.
fn quantiles(q: &[f64], rows: Vec<Row>) -> Vec<Row> {
    let mut groups: Vec<Buckets> = Vec::new();
    for mut row in rows {
        let Some(le) = row.labels.remove("le") else { continue };
        let bound = if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap_or(f64::NAN) };
        row.labels.remove("__name__");
        match groups.iter_mut().find(|(labels, _)| *labels == row.labels) {
            Some((_, buckets)) => buckets.push((bound, row.values)),
            None => groups.push((row.labels, vec![(bound, row.values)])),
        }
    }
    let one = |(labels, mut buckets): Buckets| {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let values = q.iter().enumerate().map(|(i, q)| {
            let column: Vec<(f64, f64)> = buckets
                .iter()
                .filter_map(|(b, v)| Some((*b, v.get(i).copied().flatten()?)))
                .collect();
            quantile(*q, &column)
        });
        let values = values.collect();
        Row { labels, values }
    };
    groups.into_iter().map(one).collect()
}

fn quantile(q: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let total = buckets.last()?.1;
    if total <= 0.0 || q.is_nan() {
        return Some(f64::NAN);
    }
    if !(0.0..=1.0).contains(&q) {
        return Some(if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let rank = q * total;
    let (mut low, mut before) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank {
            if bound.is_infinite() {
                return Some(low);
            }
            let share = if *count > before { (rank - before) / (count - before) } else { 0.0 };
            return Some(low + (bound - low) * share);
        }
        (low, before) = (*bound, *count);
    }
    Some(low)
}
