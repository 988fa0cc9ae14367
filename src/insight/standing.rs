//! How an action stands: what its document says, and what the tracker of its issue says where a source knows that.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::ticket::called;
use crate::model::{
    Action, ActionState, Board, Clean, Key, PostMortem, Record, Ticket, TicketState,
};

/// How an action stands today.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// As far as anybody can know: the tracker's word where it was heard of late, else the document's.
    pub state: ActionState,
    pub ticket: Option<&'a Record<Ticket>>,
    /// The tracker was last heard of too long ago: what it said then is shown and does not count.
    pub stale: bool,
    /// The document says that it is done, and its issue is open.
    pub conflict: bool,
}

impl<'a> Standing<'a> {
    /// The issue, where its tracker's word counts.
    pub fn known(&self) -> Option<&'a Ticket> {
        self.ticket.filter(|_| !self.stale).map(|record| &record.what)
    }

    /// Whom the document names, else those its issue is assigned to.
    pub fn owner(&self, action: &Action) -> Option<Clean> {
        let assigned = || {
            let who: Vec<&str> = self.known()?.who.iter().map(Clean::as_str).collect();
            (!who.is_empty()).then(|| Clean::line(who.join(", ")))
        };
        action.owner.clone().or_else(assigned)
    }

    /// `closed in acme/shop#7`, `done here, but open in OPS-12`, `closed in acme/shop#7 when last heard of 2026-11-02`.
    pub fn words(&self) -> Option<Clean> {
        let record = self.ticket?;
        let (word, name) = (&record.what.word, &record.what.name);
        let day = || TimeZone::UTC.to_datetime(record.last_seen).date();
        Some(if self.stale {
            Clean::line(format_args!("{word} in {name} when last heard of {}", day()))
        } else if self.conflict {
            Clean::line(format_args!("done here, but {word} in {name}"))
        } else {
            Clean::line(format_args!("{word} in {name}"))
        })
    }
}

/// What was said of an issue counts on the day it was heard and on the next.
const COUNTS: i32 = 1;

/// Issues by what they are called everywhere, and bare keys of projects as well.
#[derive(Debug, Default)]
pub struct Issues(HashMap<Box<str>, Key>);

impl Issues {
    pub fn of(board: &Board) -> Self {
        let mut by: HashMap<Box<str>, Key> = HashMap::new();
        for record in board.tickets.present() {
            let id = record.what.key.id.raw();
            let bare = id.rsplit('/').next().filter(|name| !name.contains(['#', '!']));
            for name in bare.into_iter().chain([id]) {
                // Of several that tell of it the one that was heard last counts.
                let known = by.get(name).and_then(|key| board.tickets.get(key));
                if known.is_none_or(|known| known.last_seen < record.last_seen) {
                    by.insert(name.into(), record.what.key.clone());
                }
            }
        }
        Self(by)
    }

    pub fn standing<'a>(
        &self,
        board: &'a Board,
        p: &PostMortem,
        action: &Action,
        today: Date,
    ) -> Standing<'a> {
        let said = action.state;
        let key = if self.0.is_empty() { None } else { called(p, action) };
        let ticket = key.and_then(|name| board.tickets.get(self.0.get(&name)?));
        let Some(record) = ticket else {
            return Standing { state: said, ticket: None, stale: false, conflict: false };
        };
        let day = TimeZone::UTC.to_datetime(record.last_seen).date();
        let stale = day.until(today).map_or(true, |span| span.get_days() > COUNTS);
        let (state, conflict) = match (said, record.what.state) {
            (said, _) if stale => (said, false),
            // Somebody decided here that it will not be done: an issue left open changes nothing.
            (ActionState::Dropped, _) => (ActionState::Dropped, false),
            (said, TicketState::Open) => (ActionState::Open, said == ActionState::Done),
            (ActionState::Done, _) | (_, TicketState::Done) => (ActionState::Done, false),
            (_, TicketState::Dropped) => (ActionState::Dropped, false),
        };
        Standing { state, ticket, stale, conflict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, Link, Name, ReadFrom, Report};

    fn ticket(id: &str, state: TicketState, word: &str, who: &[&str]) -> Fact {
        Fact::Ticket(Ticket {
            key: Key::new(&Name::new("gh"), id),
            name: "acme/shop#7".into(),
            title: "x".into(),
            state,
            word: Clean::line(word),
            who: who.iter().map(Clean::line).collect(),
            closed: None,
            url: None,
        })
    }

    fn board(fact: Fact) -> Board {
        let mut board = Board::default();
        let report = Report { facts: vec![fact], ..Report::default() };
        board.fold(&Name::new("gh"), "2026-11-20T23:00:00Z".parse().unwrap(), report);
        board
    }

    fn action(state: ActionState) -> Action {
        Action {
            text: "x".into(),
            owner: None,
            due: None,
            state,
            link: Link::parse("https://github.com/acme/shop/issues/7"),
            reference: None,
            group: None,
            place: ReadFrom::List,
            line: 0,
        }
    }

    fn told(board: &Board, action: &Action, today: &str) -> (ActionState, String, Option<String>) {
        let p = PostMortem::new(Key::new(&Name::new("s"), "p"), "p".into(), "p".into(), "".into());
        let today = today.parse().unwrap();
        let standing = Issues::of(board).standing(board, &p, action, today);
        let words = standing.words().unwrap_or_default().to_string();
        (standing.state, words, standing.owner(action).map(|o| o.to_string()))
    }

    #[test]
    fn a_tracker_that_was_heard_says_how_an_action_stands() {
        use ActionState::{Done, Dropped, Open};
        let today = "2026-11-21";
        for (said, state, word, stands, words) in [
            (Open, TicketState::Done, "closed", Done, "closed in acme/shop#7"),
            (Open, TicketState::Dropped, "not planned", Dropped, "not planned in acme/shop#7"),
            (Open, TicketState::Open, "open", Open, "open in acme/shop#7"),
            (Done, TicketState::Open, "open", Open, "done here, but open in acme/shop#7"),
            (Done, TicketState::Done, "closed", Done, "closed in acme/shop#7"),
            (Dropped, TicketState::Open, "open", Dropped, "open in acme/shop#7"),
        ] {
            let board = board(ticket("github.com/acme/shop#7", state, word, &["ada", "jo"]));
            let owner = Some("ada, jo".to_owned());
            assert_eq!(told(&board, &action(said), today), (stands, words.to_owned(), owner));
        }
    }

    #[test]
    fn what_was_heard_long_ago_or_is_gone_never_counts_as_done() {
        let mut board =
            board(ticket("github.com/acme/shop#7", TicketState::Done, "closed", &["a"]));
        let open = action(ActionState::Open);
        let (state, words, owner) = told(&board, &open, "2026-11-22");
        assert_eq!(state, ActionState::Open);
        assert_eq!(words, "closed in acme/shop#7 when last heard of 2026-11-20");
        assert_eq!(owner, None);
        let gone = Report { complete: vec![crate::model::Feed::Tickets], ..Report::default() };
        board.fold(&Name::new("gh"), "2026-11-21T01:00:00Z".parse().unwrap(), gone);
        assert_eq!(told(&board, &open, "2026-11-21"), (ActionState::Open, String::new(), None));
    }

    #[test]
    fn of_two_that_tell_of_an_issue_the_one_heard_last_counts() {
        for (first, then) in [("a", "b"), ("b", "a")] {
            let mut board = Board::default();
            for (source, hour, state) in
                [(first, 10, TicketState::Open), (then, 11, TicketState::Done)]
            {
                let Fact::Ticket(mut told) = ticket("github.com/acme/shop#7", state, "x", &[])
                else {
                    panic!()
                };
                told.key = Key::new(&Name::new(source), "github.com/acme/shop#7");
                let report = Report { facts: vec![Fact::Ticket(told)], ..Report::default() };
                let at = format!("2026-11-20T{hour}:00:00Z").parse().unwrap();
                board.fold(&Name::new(source), at, report);
            }
            let (state, ..) = told(&board, &action(ActionState::Open), "2026-11-20");
            assert_eq!(state, ActionState::Done, "{then} was heard last");
        }
    }

    #[test]
    fn what_was_heard_long_ago_contradicts_nobody() {
        let board = board(ticket("github.com/acme/shop#7", TicketState::Open, "open", &["a"]));
        let p = PostMortem::new(Key::new(&Name::new("s"), "p"), "p".into(), "p".into(), "".into());
        for (today, conflict) in [("2026-11-21", true), ("2026-11-22", false)] {
            let done = action(ActionState::Done);
            let standing = Issues::of(&board).standing(&board, &p, &done, today.parse().unwrap());
            assert_eq!((standing.conflict, standing.stale), (conflict, !conflict), "{today}");
        }
    }

    #[test]
    fn a_bare_key_is_found_in_the_tracker_that_has_its_project() {
        let board = board(ticket("jira.example/ops-12", TicketState::Done, "Done", &[]));
        let bare =
            Action { link: None, reference: Some("OPS-12".into()), ..action(ActionState::Open) };
        assert_eq!(told(&board, &bare, "2026-11-21").0, ActionState::Done);
    }
}
