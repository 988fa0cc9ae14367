//! The lists read from `PagerDuty`: where each is, how far it is followed, how a page of it is cut.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model::Trouble;
use crate::source::rows;

/// Records asked for in one page; more is silently cut by the server.
pub const LIMIT: usize = 100;
/// Beyond this offset the server refuses to page.
pub const LAST_OFFSET: usize = 10_000 - LIMIT;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Open,
    Resolved,
    /// Incidents that ended before those: a stretch of history a poll.
    Past,
    OnCalls,
    Changes,
    Priorities,
    Services,
    /// The logs of single incidents: no list, but with rests of its own.
    Logs,
}

impl Part {
    pub const LISTS: [Self; 7] = [
        Self::Open,
        Self::Resolved,
        Self::Past,
        Self::OnCalls,
        Self::Changes,
        Self::Priorities,
        Self::Services,
    ];
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Resolved,
        Self::Past,
        Self::OnCalls,
        Self::Changes,
        Self::Priorities,
        Self::Services,
        Self::Logs,
    ];

    pub fn path(self) -> &'static str {
        match self {
            Self::Open | Self::Resolved | Self::Past => "incidents",
            Self::OnCalls => "oncalls",
            Self::Changes => "change_events",
            Self::Priorities => "priorities",
            Self::Services => "services",
            Self::Logs => "log_entries",
        }
    }

    /// What a reader calls it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "open incidents",
            Self::Resolved => "resolved incidents",
            Self::Past => "past incidents",
            Self::OnCalls => "on-call",
            Self::Changes => "change events",
            Self::Priorities => "priorities",
            Self::Services => "services",
            Self::Logs => "acknowledgements",
        }
    }

    pub fn tag(self, offset: usize) -> String {
        format!("{self:?}/{offset}")
    }

    /// The rest can be read without it, or with what it said an hour ago.
    pub fn is_seldom(self) -> bool {
        matches!(self, Self::Priorities | Self::Services)
    }

    pub fn most_pages(self) -> usize {
        match self {
            Self::Open | Self::OnCalls | Self::Services => 5,
            Self::Resolved | Self::Past | Self::Changes => 3,
            Self::Priorities | Self::Logs => 1,
        }
    }

    /// Cuts a page into its records, unread.
    pub fn read(self, body: &[u8]) -> Result<Page<'_>, Trouble> {
        let page = rows::members(body)?;
        let Some(items) = rows::items_of(&page, self.path())? else {
            return Err(Trouble::bad_data(format_args!("no {} in the answer", self.path())));
        };
        Ok(Page { limit: limit(&page), more: rows::value_of(&page, "more") == true, items })
    }
}

fn limit(page: &BTreeMap<String, &RawValue>) -> usize {
    let told = rows::value_of(page, "limit").as_u64().and_then(|n| usize::try_from(n).ok());
    told.filter(|n| (1..=LIMIT).contains(n)).unwrap_or(LIMIT)
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<'a> {
    pub items: Vec<&'a RawValue>,
    /// The page size the server really used.
    limit: usize,
    more: bool,
}

impl Page<'_> {
    /// Where the next page begins, if there is one.
    pub fn next(&self, offset: usize) -> Option<usize> {
        (self.more && !self.items.is_empty()).then_some(offset + self.limit)
    }
}
