//! A text in lower case, made once where it is read, so that searching it costs a walk through memory and nothing else.

use std::sync::{Arc, OnceLock};

/// Letters in lower case, lines as in the text it is made of. Shared by every clone, never stored, never shown.
#[derive(Clone, Default)]
pub struct Folded(Arc<OnceLock<Box<str>>>);

impl Folded {
    /// The folded `text`; always asked with the same one.
    pub fn of(&self, text: &str) -> &str {
        self.0.get_or_init(|| text.to_lowercase().into())
    }
}

/// What follows from the text makes no difference between two documents.
impl PartialEq for Folded {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() { "folded" } else { "not folded yet" })
    }
}
