//! Who gets how much room: blocks laid into main and side column by plain arithmetic, the same for painting, scrolling and clicking.

use super::{Block, Chart, Frame, Hit, Layout, Noun, Place, Rows, Table};

/// A rectangle of the body; `y` counts from the body's first line and may lie below the last one in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

/// Where every block of a page is; `None` for one that got no room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub areas: Vec<Option<Area>>,
    /// Lines of the whole page; more than the body has when it scrolls as a whole.
    pub tall: u16,
}

impl Area {
    /// What is left below the block's title.
    #[must_use]
    pub fn body(self, block: &Block) -> Self {
        let title = title_rows(block).min(self.height);
        Self { y: self.y + title, height: self.height - title, ..self }
    }

    pub fn holds(self, column: u16, line: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&column)
            && (self.y..self.y.saturating_add(self.height)).contains(&line)
    }
}

fn title_rows(block: &Block) -> u16 {
    u16::from(!block.title.is_empty())
}

/// Rows a block wants, its title included: what it must have, what it could fill, and its weight.
#[derive(Debug, Clone, Copy)]
struct Wish {
    min: u16,
    most: u16,
    weight: u16,
}

fn wish(frame: &Frame, block: &Block) -> Wish {
    let title = title_rows(block);
    match block.rows {
        Rows::Exactly(n) => Wish { min: n + title, most: n + title, weight: 0 },
        Rows::Share { min, weight } => {
            let most = natural(frame, block).map_or(u16::MAX, |n| n.max(1).saturating_add(title));
            Wish { min: (min + title).min(most), most, weight: weight.max(1) }
        }
    }
}

/// Rows after which more room would stay empty; `None` for what grows with its room.
fn natural(frame: &Frame, block: &Block) -> Option<u16> {
    let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    match &block.noun {
        Noun::Table(t) if t.shown == 0 => t.empty.as_ref().map(|e| clamp(e.advice.len() + 3)),
        Noun::Table(t) => Some(clamp(t.shown).saturating_add(header_rows(frame))),
        Noun::Card(card) => Some(clamp(card.pairs.len())),
        Noun::Gauge(_) => Some(1),
        Noun::Prose(p) => Some(clamp(p.total.max(p.lines.len()))),
        Noun::Empty(e) => Some(clamp(e.advice.len() + 3)),
        Noun::Agenda(a) => {
            let mut days = a.entries.iter().map(|e| &e.day).collect::<Vec<_>>();
            days.dedup();
            Some(clamp(a.entries.len() + days.len()))
        }
        Noun::Chart(c) => Some(clamp(c.series.len() * BAND).saturating_add(chart_foot(c))),
        // Where nothing stands beside it, the days leave room for what is on the chosen one.
        Noun::Calendar(month) if frame.side == 0 => {
            let weeks = clamp(month.weeks.len()).max(1);
            // Two lines show an entry, and one only counts them; but a split week would read worse than a short one.
            let two = CALENDAR_HEADING.saturating_add(weeks.saturating_mul(2));
            let least = if two < frame.body_height() { 2 } else { 1 };
            let lines = (frame.body_height() * 2 / 3 / weeks).max(least);
            Some(CALENDAR_HEADING.saturating_add(weeks.saturating_mul(lines)))
        }
        Noun::Calendar(_) => None,
    }
}

/// Lines of one series in a chart, its name included; taller ones tell nothing more.
const BAND: usize = 6;
/// A line for each sort of what happened, and the time axis, under all of them.
pub fn chart_foot(chart: &Chart) -> u16 {
    (chart.lanes.len() as u16).saturating_add(1)
}

/// Columns for the labels left of a chart's curves.
pub const CHART_LABELS: u16 = 10;
/// A chart narrower than this has no labels.
pub const CHART_LABELLED: u16 = 40;

/// Columns of a curve on an opened page.
pub fn plot_columns(frame: &Frame) -> u16 {
    let side = if frame.side > 0 { GUTTER } else { 0 };
    // A column of air on either side, and the scrollbar's.
    let width = frame.main_width().saturating_sub(side + SCROLLBAR + 2);
    if width >= CHART_LABELLED { width - CHART_LABELS } else { width }
}

/// A list's header line; the smallest layouts do without.
pub fn header_rows(frame: &Frame) -> u16 {
    u16::from(frame.layout > Layout::Tiny)
}

/// Lays the blocks of a page out. A text longer than its room scrolls by itself; without one, the page may be taller than the body.
pub fn plan(frame: &Frame, blocks: &[Block]) -> Plan {
    let height = frame.body_height();
    let mut areas = vec![None; blocks.len()];
    let beside = frame.side > 0 && blocks.iter().any(|b| b.place == Place::Side);
    let main_width =
        if beside { frame.main_width().saturating_sub(GUTTER) } else { frame.size.width };
    let of = |place: Place| {
        let picked = blocks.iter().enumerate().filter(move |(_, b)| b.place == place);
        picked.map(|(i, b)| (i, wish(frame, b))).collect::<Vec<_>>()
    };
    let stretches = blocks.iter().any(|b| match &b.noun {
        Noun::Table(t) => !t.rows.is_empty() && t.shown > t.rows.len(),
        _ => is_reader(frame, b),
    });
    let scrolls = !stretches && !has_cursor(blocks);
    let lay = |areas: &mut Vec<Option<Area>>, less: u16| {
        let main = of(Place::Main);
        let side = of(Place::Side);
        let width = main_width.saturating_sub(less);
        if beside {
            let x = frame.main_width();
            let left = stack(areas, &main, Spot { x: 0, y: 0, width: main_width }, height, scrolls);
            let spot = Spot { x, y: 0, width: frame.side.saturating_sub(less) };
            return left.max(stack(areas, &side, spot, height, scrolls));
        }
        if scrolls {
            let all: Vec<_> = main.into_iter().chain(side).collect();
            return stack(areas, &all, Spot { x: 0, y: 0, width }, height, true);
        }
        // What belongs beside the list stands below it, in what room the list leaves.
        let tall = stack(areas, &main, Spot { x: 0, y: 0, width }, height, false);
        let y = tall.saturating_add(1);
        let left = height.saturating_sub(y);
        if side.is_empty() || left < LEAST {
            return tall;
        }
        // Facts and texts on the left; curves, lists and days on the right.
        let drawn = |i: &usize| {
            let noun = blocks.get(*i).map(|b| &b.noun);
            matches!(noun, Some(Noun::Chart(_) | Noun::Agenda(_) | Noun::Table(_)))
        };
        let (drawn, said): (Vec<_>, Vec<_>) = side.into_iter().partition(|(i, _)| drawn(i));
        if width < ABREAST || drawn.is_empty() || said.is_empty() {
            let all: Vec<_> = said.into_iter().chain(drawn).collect();
            return stack(areas, &all, Spot { x: 0, y, width }, left, false);
        }
        let half = width / 2;
        let words = stack(areas, &said, Spot { x: 0, y, width: half - GUTTER }, left, false);
        let curves = Spot { x: half, y, width: width - half };
        words.max(stack(areas, &drawn, curves, left, false))
    };
    let tall = lay(&mut areas, 0);
    if tall <= height {
        return Plan { areas, tall };
    }
    // The page scrolls: its right edge is the scrollbar's.
    let mut areas = vec![None; blocks.len()];
    let tall = lay(&mut areas, SCROLLBAR);
    Plan { areas, tall }
}

/// Columns of the main column of an opened page, its scrollbar taken off.
pub fn opened_width(frame: &Frame, blocks: &[Block]) -> u16 {
    let beside = frame.side > 0 && blocks.iter().any(|b| b.place == Place::Side);
    let main = if beside { frame.main_width().saturating_sub(GUTTER) } else { frame.size.width };
    main.saturating_sub(SCROLLBAR)
}

/// Columns of what stands beside it, its scrollbar taken off.
pub fn side_width(frame: &Frame) -> u16 {
    frame.side.saturating_sub(SCROLLBAR)
}

/// Columns a scrollbar takes, with the space before it.
const SCROLLBAR: u16 = 2;
/// Lines below which nothing is begun under a list.
const LEAST: u16 = 3;

/// Columns from which facts below a list have something beside them.
const ABREAST: u16 = 100;

/// Where a stack begins, and how wide it is.
#[derive(Clone, Copy)]
struct Spot {
    x: u16,
    y: u16,
    width: u16,
}

/// A text that scrolls by itself: it would not fit into the body even alone, or is given in part.
pub fn is_reader(frame: &Frame, block: &Block) -> bool {
    let Noun::Prose(p) = &block.noun else { return false };
    matches!(block.rows, Rows::Share { .. })
        && (p.first > 0
            || p.total > p.lines.len()
            || p.total + usize::from(title_rows(block)) > usize::from(frame.body_height()))
}

/// Columns between main and side.
const GUTTER: u16 = 2;

/// A page with a selection keeps it in sight instead of scrolling as a whole.
fn has_cursor(blocks: &[Block]) -> bool {
    blocks.iter().any(|b| match &b.noun {
        Noun::Table(t) => t.rows.iter().any(|r| r.selected),
        Noun::Agenda(a) => a.entries.iter().any(|e| e.selected),
        Noun::Calendar(_) => true,
        _ => false,
    })
}

/// Stacks blocks from the top: everybody's least first, then what is left by weight. One blank line between blocks where there is plenty.
fn stack(
    areas: &mut [Option<Area>],
    wishes: &[(usize, Wish)],
    spot: Spot,
    height: u16,
    scrolls: bool,
) -> u16 {
    let mut heights: Vec<u16> = Vec::with_capacity(wishes.len());
    let mut left = height;
    for (_, wish) in wishes {
        // The first block always gets what there is; a later one that does not fit is left out, unless the page scrolls.
        let first = heights.iter().all(|h| *h == 0);
        let given = match wish.min {
            min if scrolls || min <= left => min,
            _ if first || (left >= 3 && wish.most > left) => left,
            _ => 0,
        };
        heights.push(given);
        left = left.saturating_sub(given);
    }
    let gaps = heights.iter().filter(|h| **h > 0).count().saturating_sub(1) as u16;
    let needed: u32 = heights.iter().map(|h| u32::from(*h)).sum();
    let airy = u16::from(gaps > 0 && (left >= gaps || (scrolls && needed > u32::from(height))));
    left = left.saturating_sub(gaps * airy);
    while left > 0 {
        let open = |(h, (_, w)): &(&u16, &(usize, Wish))| **h > 0 && **h < w.most && w.weight > 0;
        let total: u32 =
            heights.iter().zip(wishes).filter(open).map(|(_, (_, w))| u32::from(w.weight)).sum();
        if total == 0 {
            break;
        }
        let pot = u32::from(left);
        for (h, (_, w)) in heights.iter_mut().zip(wishes) {
            if *h == 0 || *h >= w.most || w.weight == 0 || left == 0 {
                continue;
            }
            let share = (pot * u32::from(w.weight) / total).max(1) as u16;
            let more = share.min(w.most - *h).min(left);
            *h += more;
            left -= more;
        }
    }
    let mut y = spot.y;
    let mut last = spot.y;
    for ((i, _), given) in wishes.iter().zip(heights) {
        if given == 0 {
            continue;
        }
        if let Some(slot) = areas.get_mut(*i) {
            *slot = Some(Area { x: spot.x, y, width: spot.width, height: given });
        }
        last = y.saturating_add(given);
        y = last.saturating_add(airy);
    }
    last
}

/// The rows of a table that fit into `room` lines: a window that always holds the selection.
pub fn window(table: &Table, room: usize) -> std::ops::Range<usize> {
    let n = table.rows.len();
    let selected = table.rows.iter().position(|r| r.selected).unwrap_or(0);
    let from = (selected + 1).saturating_sub(room.max(1)).min(n);
    from..(from + room).min(n)
}

/// Lines a list could fill on this page, for keeping the selection in sight; `None` without a list.
pub fn list_rows(frame: &Frame, blocks: &[Block]) -> Option<usize> {
    let plan = plan(frame, blocks);
    let spare = frame.body_height().saturating_sub(plan.tall);
    blocks.iter().zip(&plan.areas).find_map(|(block, area)| match &block.noun {
        Noun::Table(_) if block.place == Place::Main => {
            let body = (*area)?.body(block);
            Some(usize::from((body.height + spare).saturating_sub(header_rows(frame))))
        }
        _ => None,
    })
}

/// The columns of a calendar: `(first column, width)` of each day of the week.
pub fn day_columns(width: u16) -> [(u16, u16); 7] {
    std::array::from_fn(|i| {
        let i = i as u16;
        let at = |n: u16| (u32::from(width) * u32::from(n) / 7) as u16;
        (at(i), at(i + 1) - at(i))
    })
}

/// The lines of a calendar below its two heading lines: `(first line, height)` of each week.
pub fn week_lines(height: u16, weeks: usize) -> Vec<(u16, u16)> {
    let weeks = weeks as u16;
    // All weeks are of one height: what is left over stays empty, so that nothing looks more important than it is.
    let each = height.saturating_sub(CALENDAR_HEADING) / weeks.max(1);
    (0..weeks).map(|i| (CALENDAR_HEADING + i * each, each)).collect()
}

/// Month name and weekday names.
pub const CALENDAR_HEADING: u16 = 2;

pub(super) fn under(
    frame: &Frame,
    block: &Block,
    area: Area,
    column: u16,
    line: u16,
) -> Option<Hit> {
    match &block.noun {
        Noun::Table(table) => {
            let header = header_rows(frame);
            let at = usize::from(line.checked_sub(area.y + header)?);
            let rows = window(table, usize::from(area.height.saturating_sub(header)));
            let row = table.rows.get(rows)?.get(at)?;
            Some(Hit::Row(row.key.clone()))
        }
        Noun::Calendar(month) => {
            let week = week_lines(area.height, month.weeks.len())
                .iter()
                .position(|(y, h)| (*y..y + h).contains(&(line - area.y)))?;
            let day = day_columns(area.width)
                .iter()
                .position(|(x, w)| (*x..x + w).contains(&(column - area.x)))?;
            Some(Hit::Day(month.weeks.get(week)?.get(day)?.date))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Card, Gauge, Line, Prose, Row, Size, Tone};
    use proptest::prelude::*;

    fn frame(width: u16, height: u16) -> Frame {
        Frame::new(Size { width, height })
    }

    fn list(shown: usize) -> Block {
        let row = Row { key: "k".into(), cells: Vec::new(), selected: true, marked: false };
        let table = Table { rows: vec![row; shown.min(40)], shown, ..Table::default() };
        Block::main("", Noun::Table(table))
    }

    fn card(lines: u16) -> Block {
        let pairs = (0..lines).map(|_| ("label".into(), Line::plain("x"))).collect();
        Block::side("Card", Noun::Card(Card { pairs })).exactly(lines)
    }

    #[test]
    fn what_belongs_beside_a_list_never_takes_its_room() {
        let frame = frame(120, 40);
        let short = plan(&frame, &[list(5), card(6)]).areas;
        assert_eq!(short[0].unwrap().height, 6);
        assert_eq!(short[1].unwrap().y, 7);
        let long = plan(&frame, &[list(100), card(6)]).areas;
        assert_eq!((long[0].unwrap().height, long[1]), (frame.body_height(), None));
    }

    #[test]
    fn the_largest_layout_has_a_column_beside() {
        let frame = frame(200, 60);
        let areas = plan(&frame, &[list(100), card(6)]).areas;
        let (list, card) = (areas[0].unwrap(), areas[1].unwrap());
        assert!(list.x + list.width <= card.x && card.x + card.width <= 200);
        assert_eq!(list_rows(&frame, &[self::list(100)]), Some(usize::from(list.height) - 1));
    }

    #[test]
    fn a_page_that_scrolls_leaves_its_right_edge_to_the_scrollbar() {
        let frame = frame(80, 24);
        let plan = plan(&frame, &[card(20), card(20)]);
        assert_eq!(plan.tall, 43, "two titles and a blank line between");
        assert_eq!(plan.areas[0].unwrap().width, 80 - SCROLLBAR);
    }

    fn any_block() -> impl Strategy<Value = Block> {
        let noun = prop_oneof![
            (0_usize..60).prop_map(|n| list(n).noun),
            (0_u16..30).prop_map(|n| card(n).noun),
            (0_usize..300).prop_map(|total| {
                Noun::Prose(Prose { lines: vec![Line::plain("x"); total.min(50)], first: 0, total })
            }),
            Just(Noun::Gauge(Gauge { ratio: 0.5, text: Line::new(), tone: Tone::Ok })),
        ];
        let rows = prop_oneof![
            (0_u16..50).prop_map(Rows::Exactly),
            (0_u16..20, 0_u16..4).prop_map(|(min, weight)| Rows::Share { min, weight }),
        ];
        (noun, rows, any::<bool>(), any::<bool>()).prop_map(|(noun, rows, side, titled)| Block {
            title: if titled { "Title".into() } else { "".into() },
            place: if side { Place::Side } else { Place::Main },
            rows,
            noun,
        })
    }

    proptest! {
        #[test]
        fn no_two_blocks_share_a_cell_and_none_is_too_wide(
            blocks in proptest::collection::vec(any_block(), 0..8),
            width in 0_u16..300,
            height in 0_u16..100,
        ) {
            let frame = frame(width, height);
            let plan = plan(&frame, &blocks);
            let areas: Vec<Area> = plan.areas.iter().flatten().copied().collect();
            for (i, a) in areas.iter().enumerate() {
                prop_assert!(a.x + a.width <= width);
                prop_assert!(a.y + a.height <= plan.tall.max(frame.body_height()), "{areas:?}");
                for b in areas.iter().skip(i + 1) {
                    let apart = a.x + a.width <= b.x || b.x + b.width <= a.x
                        || a.y + a.height <= b.y || b.y + b.height <= a.y;
                    prop_assert!(apart, "{a:?} {b:?}");
                }
            }
        }
    }
}
