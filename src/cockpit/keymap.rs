//! Which key does what where: the action table's defaults with the user's own keys laid over them.

use std::collections::BTreeMap;

use super::actions::{ACTIONS, Action, Context};
use super::key::Key;
use super::nearest;

/// Keys by context. `ctrl-c` always leaves, whatever the configuration says: the way out stays open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Keys of each line of the action table, in its order. A press looks through all of them: there are few, and a map of
    /// them would be made at each start.
    keys: Vec<Vec<Key>>,
}

/// What is wrong with `[ui.keys]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("no action is called `{name}`{}", meant(nearest.as_deref()))]
    UnknownAction { name: String, nearest: Option<&'static str> },
    #[error("`{key}` for `{action}` is no key: try `g`, `G`, `ctrl-d`, `space`, `f5`")]
    NoKey { action: String, key: String },
    #[error("`{key}` is both `{first}` and `{second}`: give one of them another key")]
    Conflict { key: String, first: &'static str, second: &'static str },
    #[error("`ctrl-c` always leaves and cannot be `{action}`")]
    Reserved { action: String },
}

impl KeyProblem {
    /// The key of `[ui.keys]` it is about, for locating it in the file.
    pub fn action(&self) -> &str {
        match self {
            Self::UnknownAction { name, .. } => name,
            Self::NoKey { action, .. } | Self::Reserved { action } => action,
            Self::Conflict { second, .. } => second,
        }
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!(": did you mean `{word}`?"))
}

const WAY_OUT: Key = Key::ctrl('c');

impl Default for Keymap {
    fn default() -> Self {
        let keys = ACTIONS.iter().map(|e| e.keys.iter().filter_map(|k| Key::parse(k)).collect());
        Self { keys: keys.collect() }
    }
}

/// Keys that would do two things in one place.
fn conflicts(keys: &[Vec<Key>]) -> Vec<KeyProblem> {
    let mut named: BTreeMap<(usize, Key), usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for (line, list) in keys.iter().enumerate() {
        let Some(entry) = ACTIONS.get(line) else { continue };
        for key in list {
            for (at, context) in Context::ALL.iter().enumerate() {
                if !entry.contexts.contains(context) {
                    continue;
                }
                let before = named.insert((at, *key), line).filter(|other| *other != line);
                if let Some(first) = before.and_then(|other| ACTIONS.get(other)) {
                    let problem = KeyProblem::Conflict {
                        key: key.to_string(),
                        first: first.name,
                        second: entry.name,
                    };
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
    }
    problems
}

impl Keymap {
    /// Lays the user's keys over the defaults: an action that is named has these keys and no others; an empty list unbinds it.
    pub fn build(wishes: &[(String, Vec<String>)]) -> Result<Self, Vec<KeyProblem>> {
        let mut keys = Self::default().keys;
        let mut problems = Vec::new();
        for (name, list) in wishes {
            let Some(line) = ACTIONS.iter().position(|e| e.name == name) else {
                let nearest = nearest::word(name, ACTIONS.iter().map(|e| e.name));
                problems.push(KeyProblem::UnknownAction { name: name.clone(), nearest });
                continue;
            };
            let mut parsed = Vec::new();
            for text in list {
                match Key::parse(text) {
                    Some(WAY_OUT) if name != "quit" => {
                        problems.push(KeyProblem::Reserved { action: name.clone() });
                    }
                    Some(key) => parsed.push(key),
                    None => {
                        problems
                            .push(KeyProblem::NoKey { action: name.clone(), key: text.clone() });
                    }
                }
            }
            if name == "quit" && !parsed.contains(&WAY_OUT) {
                parsed.push(WAY_OUT);
            }
            if let Some(slot) = keys.get_mut(line) {
                *slot = parsed;
            }
        }
        problems.extend(conflicts(&keys));
        if problems.is_empty() { Ok(Self { keys }) } else { Err(problems) }
    }

    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let key = key.normal();
        let mut lines = ACTIONS.iter().zip(&self.keys);
        let found =
            lines.find(|(entry, keys)| entry.contexts.contains(&context) && keys.contains(&key));
        found.map(|(entry, _)| entry.action)
    }

    /// The keys of a line of the action table.
    pub fn keys_of(&self, line: usize) -> &[Key] {
        self.keys.get(line).map_or(&[], Vec::as_slice)
    }

    /// Those keys as they are shown: `j down`.
    pub fn shown(&self, line: usize) -> String {
        self.keys_of(line).iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(wishes: &[(&str, &[&str])]) -> Result<Keymap, Vec<KeyProblem>> {
        let own = |(name, keys): &(&str, &[&str])| {
            ((*name).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect())
        };
        Keymap::build(&wishes.iter().map(own).collect::<Vec<_>>())
    }

    #[test]
    fn no_default_chord_hides_another_and_every_default_is_a_key() {
        assert_eq!(build(&[]), Ok(Keymap::default()));
        for (line, entry) in ACTIONS.iter().enumerate() {
            assert_eq!(Keymap::default().keys_of(line).len(), entry.keys.len(), "{}", entry.name);
        }
    }

    #[test]
    fn a_remapped_action_has_its_new_keys_only() {
        let map = build(&[("refresh", &["f5"]), ("mark", &[])]).unwrap();
        assert_eq!(map.action(Context::List, Key::parse("f5").unwrap()), Some(Action::Refresh));
        assert_eq!(map.action(Context::List, Key::char('r')), None);
        assert_eq!(map.action(Context::List, Key::char(' ')), None);
    }

    #[test]
    fn problems_are_all_said_with_the_nearest_word() {
        let problems = build(&[("refesh", &["f5"]), ("sort", &["gg"]), ("mark", &["r"])]);
        let said: Vec<_> = problems.unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3);
        assert!(said[0].contains("did you mean `refresh`?"), "{said:?}");
        assert!(said[1].contains("`gg` for `sort` is no key"), "{said:?}");
        assert!(said[2].contains("`r` is both `mark` and `refresh`"), "{said:?}");
    }

    #[test]
    fn the_way_out_cannot_be_closed() {
        let map = build(&[("quit", &[])]).unwrap();
        for context in Context::ALL {
            assert_eq!(map.action(context, WAY_OUT), Some(Action::Quit));
        }
        assert!(matches!(
            build(&[("mark", &["ctrl-c"])]).unwrap_err().as_slice(),
            [KeyProblem::Reserved { .. }]
        ));
    }

    #[test]
    fn two_actions_may_share_a_key_where_they_never_meet() {
        let map = Keymap::default();
        assert_eq!(map.action(Context::List, Key::char('j')), Some(Action::Down));
        assert_eq!(map.action(Context::Month, Key::char('j')), Some(Action::NextWeek));
    }
}
