//! How a page reads as text: JSON for scripts, Markdown for a review, CSV for a sheet, plain lines for ears and logs.

mod csv;
pub mod draft;
mod json;
mod markdown;
mod plain;
mod said;
pub mod status;

pub use csv::csv;
pub use json::{actions, clearance, json, report};
pub use markdown::markdown;
pub use plain::plain;
pub use said::whole;
