//! The geometry of a screen as plain numbers: which layout a size gets, and how many rows a list has.

/// A terminal's size in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Size {
    pub width: u16,
    pub height: u16,
}

/// The designed layouts, from the wall to a status pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Below 30×5: one line with the verdict.
    OneLine,
    /// From 30×5: verdict and the worst rows.
    Tiny,
    /// From 60×15: a tmux split.
    Small,
    /// From 80×24: the classic terminal.
    Normal,
    /// From 120×40: list with wide columns, charts in details.
    Wide,
    /// From 160×50: a side column beside the list.
    Huge,
}

/// A size with the decisions that follow from it; painters and scrolling obey the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub size: Size,
    pub layout: Layout,
    /// Rows above the body: verdict, tabs, and a rule that carries the crumb.
    pub above: u16,
    /// Rows below it: hints or prompt.
    pub below: u16,
    /// Width of the side column, 0 without one.
    pub side: u16,
}

impl Frame {
    pub fn new(size: Size) -> Self {
        let Size { width: w, height: h } = size;
        let layout = match (w, h) {
            _ if w < 30 || h < 5 => Layout::OneLine,
            _ if w < 60 || h < 15 => Layout::Tiny,
            _ if w < 80 || h < 24 => Layout::Small,
            _ if w < 120 || h < 40 => Layout::Normal,
            _ if w < 160 || h < 50 => Layout::Wide,
            _ => Layout::Huge,
        };
        let (above, below, side) = match layout {
            Layout::OneLine | Layout::Tiny => (1, 0, 0),
            Layout::Small => (2, 1, 0),
            Layout::Normal | Layout::Wide => (3, 1, 0),
            Layout::Huge => (3, 1, 56),
        };
        Self { size, layout, above, below, side }
    }

    pub fn body_height(&self) -> u16 {
        self.size.height.saturating_sub(self.above + self.below)
    }

    /// Width of the main column.
    pub fn main_width(&self) -> u16 {
        self.size.width.saturating_sub(self.side)
    }

    /// Rows of a list that are in sight, without its header line.
    pub fn list_rows(&self) -> usize {
        usize::from(self.body_height().saturating_sub(u16::from(self.layout > Layout::Tiny)))
    }
}
