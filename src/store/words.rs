//! What can go wrong with memory, in words a person can act on.

use rusqlite::ErrorCode;

/// Why something could not be remembered, or recalled. Never a reason to stop.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Base(#[from] rusqlite::Error),
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// Something inside is not what andon wrote.
    #[error("{0} in the memory cannot be read")]
    Unreadable(&'static str),
    /// Another process holds a reading open, and the log cannot be taken up again.
    #[error("another program has been reading it for too long")]
    Held,
    /// What was handed in to be remembered is not what andon writes.
    #[error("line {line} is nothing that was exported: {why}")]
    Line { line: usize, why: String },
}

impl Trouble {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Base(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// The file is no database, or a damaged one: it is set aside, and a new one begun.
    pub fn is_damage(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
    }

    /// The sentence for a person.
    pub fn words(&self) -> String {
        match self.code() {
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly) => "the disk can only be read".to_owned(),
            Some(ErrorCode::CannotOpen) => "the file cannot be opened".to_owned(),
            Some(ErrorCode::SystemIoFailure) => "the disk fails".to_owned(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program holds it".to_owned()
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                "the file is damaged".to_owned()
            }
            _ => match self {
                // The library's own words may hold a path; ours are enough.
                Self::Base(error) => error.sqlite_error().map_or_else(
                    || "it cannot be read".to_owned(),
                    std::string::ToString::to_string,
                ),
                Self::File(error) => error.kind().to_string(),
                other => other.to_string(),
            },
        }
    }
}
