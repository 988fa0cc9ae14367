//! What an expression comes to: one number or nothing for every moment asked for.

use super::series::Labels;

/// One series of an answer: a value or nothing for every moment asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub labels: Labels,
    pub values: Vec<Option<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Vec<f64>),
    Text(String),
    Vector(Vec<Row>),
    /// Raw samples of a range selector, for instant queries only.
    Matrix(Vec<(Labels, Vec<(f64, f64)>)>),
}

impl Value {
    /// Every number through `f`; a function's answer has no metric name.
    #[must_use]
    pub fn map(self, mut f: impl FnMut(f64) -> f64) -> Self {
        match self {
            Self::Scalar(n) => Self::Scalar(n.into_iter().map(f).collect()),
            Self::Vector(rows) => Self::Vector(
                rows.into_iter()
                    .map(|mut row| {
                        row.labels.remove("__name__");
                        row.values = row.values.into_iter().map(|v| v.map(&mut f)).collect();
                        row
                    })
                    .collect(),
            ),
            other => other,
        }
    }
}
