//! Enough of the query language to be asked real questions: parsed by its grammar, evaluated on the world.

pub mod eval;
pub mod functions;
mod names;
pub mod parse;
pub mod series;
mod value;

/// Why a query has no answer, in the store's own two classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 400 `bad_data`.
    Parse(String),
    /// 422 `execution`.
    Execution(String),
}
