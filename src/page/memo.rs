//! What pages worked out and need again at the next key: kept while what it was made from is the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::happened::Step;
use super::markdown::Reading;
use super::{Flat, Lane, Line, RowKey, Scene};
use crate::insight::follow_up::Tally;
use crate::insight::standing::Issues;
use crate::insight::{Event, Like, Load, Rhythm, Rollback, Suspect, Trouble};
use crate::model::{Clean, Key, Name, Window};

/// Values derived from a board, made when a page first needs them. Whoever shows pages again and again keeps one
/// beside the board; a page is the same with a new one, only slower. One memo belongs to one team.
#[derive(Debug, Default)]
pub struct Memo {
    /// Of the month on screen.
    pub month: Kept<Window, Vec<Event>>,
    /// Of the stretch the agenda shows.
    pub agenda: Kept<Window, Vec<Event>>,
    /// The document being read, laid out to a width.
    pub reading: Kept<(Key, usize), Reading>,
    /// Its text to find words in, and the lines on which those that are looked for stand.
    pub flat: Kept<(RowKey, usize), Flat>,
    pub hits: Kept<(RowKey, usize, Vec<String>), Vec<usize>>,
    /// What each document is about.
    pub about: Kept<(), HashMap<Key, Vec<Name>>>,
    /// What changed before the trouble of a service, and when that began.
    pub before: Kept<(usize, Timestamp), Vec<Suspect>>,
    /// Alerts by the row they stand in.
    pub groups: Kept<(), BTreeMap<RowKey, Grouped>>,
    /// What happened to the team of late, newest first.
    pub lately: Kept<(), Vec<Step>>,
    /// Post-mortems like the trouble on screen.
    pub alike: Kept<Trouble, Vec<Like>>,
    /// What stands over the post-mortems on a day, and the counts of all their actions.
    pub above: Kept<Date, Vec<Line>>,
    pub tally: Kept<Date, Tally>,
    /// Whether any document is about a service.
    pub serviced: Kept<(), bool>,
    /// Issues that actions link to.
    pub issues: Kept<(), Issues>,
    /// What came back, by the newer document.
    pub again: Kept<(), HashMap<Key, Vec<Key>>>,
    /// Which deploys took a version back.
    pub rollbacks: Kept<(), HashMap<Key, Rollback>>,
    /// How many commits each deploy brought.
    pub loads: Kept<(), HashMap<Key, Load>>,
    /// How regular the releases of each service are, and of the team.
    pub rhythms: Kept<(), Vec<Rhythm>>,
    /// What happened to a service in a stretch of time.
    pub lanes: Kept<(Name, Window), Vec<Lane>>,
    /// Services by the repository they come from, in lower case.
    pub repos: Kept<(), HashMap<String, Clean>>,
}

/// Alerts of one row, and the service they belong to.
#[derive(Debug, Default)]
pub struct Grouped {
    pub alerts: Vec<Key>,
    pub service: Option<usize>,
}

/// The value of the newest question asked.
#[derive(Debug)]
pub struct Kept<Q, V>(RefCell<Option<(Stamp, Q, Arc<V>)>>);

/// Board and survey a value was made from.
type Stamp = (u64, u64);

impl<Q, V> Default for Kept<Q, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<Q: PartialEq, V> Kept<Q, V> {
    /// The value for a question, made anew only if the question, the board or the survey changed.
    pub fn get(&self, scene: &Scene<'_>, question: Q, make: impl FnOnce() -> V) -> Arc<V> {
        let stamp = (scene.board.version, scene.survey.version);
        if let Some((then, asked, value)) = &*self.0.borrow()
            && *then == stamp
            && *asked == question
        {
            return Arc::clone(value);
        }
        let value = Arc::new(make());
        *self.0.borrow_mut() = Some((stamp, question, Arc::clone(&value)));
        value
    }
}
