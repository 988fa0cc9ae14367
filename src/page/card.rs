//! A card fitted to its room: a value longer than its line goes on below itself.

use super::{Block, Card, Clean, Frame, Line, Noun, Place, Rows, markdown, room};

/// Lines a value may take; what is longer ends in an ellipsis on the last of them.
const MOST: usize = 8;
/// Fewer columns are no room to read in: the value stays on its line.
const LEAST: u16 = 16;

/// Columns the labels get of a card that has `width`.
pub fn label_columns(card: &Card, width: u16) -> u16 {
    let longest = card.pairs.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    longest.min(usize::from(width / 3).max(8)) as u16
}

/// Breaks the values of an opened page's cards where they would be cut.
pub fn fit(frame: &Frame, blocks: &mut [Block]) {
    let main = room::opened_width(frame, blocks);
    for block in blocks {
        let width = match block.place {
            Place::Side if frame.side > 0 => room::side_width(frame),
            _ => main,
        };
        let Noun::Card(card) = &mut block.noun else { continue };
        // A column of air on either side, two between label and value.
        let inner = width.saturating_sub(2);
        let value = inner.saturating_sub(label_columns(card, inner) + 2);
        if value < LEAST {
            continue;
        }
        let pairs = std::mem::take(&mut card.pairs);
        card.pairs = pairs.into_iter().flat_map(|pair| broken(pair, value)).collect();
        if let Rows::Exactly(rows) = &mut block.rows {
            *rows = card.pairs.len() as u16;
        }
    }
}

fn broken((label, line): (Clean, Line), width: u16) -> Vec<(Clean, Line)> {
    if line.width() <= usize::from(width) {
        return vec![(label, line)];
    }
    let mut lines = markdown::broken(&line, usize::from(width));
    if lines.len() > MOST {
        let rest = lines.split_off(MOST);
        if let Some(last) = lines.last_mut() {
            last.0.extend(rest.into_iter().flat_map(|line| line.0));
        }
    }
    let labels = std::iter::once(label).chain(std::iter::repeat(Clean::default()));
    labels.zip(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::build::card;
    use crate::page::{Size, Tone};

    fn fitted(value: Line, width: u16) -> Vec<(String, String)> {
        let mut blocks =
            vec![card("", vec![("why".into(), value), ("x".into(), Line::plain("y"))])];
        fit(&Frame::new(Size { width, height: 24 }), &mut blocks);
        let Noun::Card(card) = &blocks[0].noun else { panic!("no card") };
        assert_eq!(blocks[0].rows, Rows::Exactly(card.pairs.len() as u16));
        card.pairs.iter().map(|(label, line)| (label.to_string(), line.text())).collect()
    }

    #[test]
    fn a_long_value_goes_on_below_itself_and_nothing_of_it_is_lost() {
        let words = "incident 1202 Checkout is failing for about one in seven baskets since noon";
        let line = Line::of(Clean::from(&words[..30]), Tone::Down)
            .and(Clean::from(&words[30..]), Tone::Dim);
        let lines = fitted(line, 60);
        assert!(lines.len() > 2 && lines.iter().all(|(_, text)| text.len() <= 55), "{lines:?}");
        let said: Vec<&str> = lines[..lines.len() - 1].iter().map(|(_, t)| t.as_str()).collect();
        assert_eq!(said.join(" "), words);
        assert_eq!(lines[0].0, "why");
        assert!(lines[1..lines.len() - 1].iter().all(|(label, _)| label.is_empty()));
        assert_eq!(lines.last(), Some(&("x".into(), "y".into())));
    }

    #[test]
    fn a_card_beside_is_broken_to_the_column_it_stands_in() {
        let long = Line::plain("sum by (service) (rate(http_requests_total[5m])) > 0.05 for long");
        let beside = |size| {
            let mut block = card("alerts", vec![("rule".into(), long.clone())]);
            block.place = Place::Side;
            let mut blocks = vec![card("", vec![("a".into(), Line::plain("b"))]), block];
            fit(&Frame::new(size), &mut blocks);
            blocks[1].rows
        };
        assert_eq!(beside(Size { width: 200, height: 60 }), Rows::Exactly(3));
        assert_eq!(beside(Size { width: 120, height: 40 }), Rows::Exactly(1));
    }

    #[test]
    fn what_fits_stays_and_what_never_ends_is_bounded() {
        assert_eq!(fitted(Line::plain("short"), 80).len(), 2);
        let endless = Clean::line("a".repeat(4000));
        assert_eq!(fitted(Line::plain(endless), 80).len(), MOST + 1);
    }
}
