//! How somebody looks at a tab: selection, scroll, filter, order, the opened thing. Kept by the cockpit, read by pages.

use jiff::civil::Date;

use super::RowKey;

#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Keys in shown order: filtered and sorted, made anew when data or filter change.
    pub order: Vec<RowKey>,
    /// How many entries there are without the filter.
    pub total: usize,
    pub selected: Option<RowKey>,
    /// Where in `order` the selection stood last: looked at first, so that a key does not walk a long list.
    pub stood: usize,
    /// Index in `order` of the first row in sight.
    pub first: usize,
    pub filter: Filter,
    pub sort: Sort,
    pub problems_only: bool,
    pub marked: Vec<RowKey>,
    /// The opened thing, when a detail page is shown.
    pub opened: Option<RowKey>,
    /// First line in sight of the opened page's text: a `Prose` that is longer than its room starts there.
    /// Opened pages without such a text scroll as a whole, and need not look at this.
    pub scroll: usize,
    /// What is looked for inside the opened document.
    pub find: Find,
    /// The day the calendar's cursor is on; `None` is today.
    pub day: Option<Date>,
    /// What the charts of the opened page show.
    pub zoom: super::zoom::Zoom,
    /// Which of a tab's alternative views is on (Releases: 0 month, 1 week, 2 agenda, …).
    pub facet: usize,
}

/// What `/` narrows a list to: `word`, `!word`, `column:regex`; all terms must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// As typed.
    pub text: String,
}

impl Filter {
    /// The plain words of it, in lower case: what full text is searched for, and what is marked.
    pub fn plain(&self, columns: &[&str]) -> Vec<String> {
        let is_column = |word: &&str| {
            word.split_once(':').is_some_and(|(head, _)| {
                let head = head.to_lowercase();
                !head.is_empty() && columns.iter().any(|c| c.to_lowercase().starts_with(&head))
            })
        };
        let words = self.text.split_whitespace().filter(|w| !w.starts_with('!') && !is_column(w));
        words.map(str::to_lowercase).collect()
    }
}

/// `/` inside a document: words, as typed.
#[derive(Debug, Clone, Default)]
pub struct Find {
    pub text: String,
    /// Marked beside: the words of the list's filter that led here.
    pub led: Vec<String>,
}

impl Find {
    /// Everything that is marked.
    pub fn words(&self) -> Vec<String> {
        let own = (!self.text.trim().is_empty()).then(|| self.text.trim().to_owned());
        own.map_or_else(|| self.led.clone(), |own| vec![own])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// Index into `Tab::sorts`.
    pub column: usize,
    pub reversed: bool,
    /// Somebody chose it: the best fit no longer comes first while text is searched.
    pub chosen: bool,
}

impl Look {
    /// Position of the selection in the shown order.
    pub fn selected_at(&self) -> Option<usize> {
        let key = self.selected.as_ref()?;
        if self.order.get(self.stood) == Some(key) {
            return Some(self.stood);
        }
        self.order.iter().position(|k| k == key)
    }

    /// The keys in sight.
    pub fn in_sight(&self, rows: usize) -> &[RowKey] {
        let from = self.first.min(self.order.len());
        let until = (from + rows).min(self.order.len());
        self.order.get(from..until).unwrap_or(&[])
    }
}
