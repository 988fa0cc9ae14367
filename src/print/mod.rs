//! How a page reads as text: JSON for scripts, iCalendar for calendars, Markdown for a review, CSV for a sheet, plain lines for ears and logs.

mod csv;
pub mod draft;
mod ics;
mod json;
mod markdown;
mod plain;
mod said;
pub mod status;

pub use csv::csv;
pub use ics::ics;
pub use json::{actions, clearance, json, reasonable, report};
pub use markdown::markdown;
pub use plain::plain;
pub use said::whole;
