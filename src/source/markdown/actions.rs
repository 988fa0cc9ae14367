//! Action items: from lists, checkboxes, tables and labels, with their owner, due date, state and issue.

use std::ops::Range;

use jiff::civil::Date;

use super::dates;
use super::outline::plain;
use super::passage::{Item, Lines, is_prompt, short};
use super::sections::kind;
pub use crate::model::ticket::reference;
use crate::model::{Action, ActionState, Clean, Link, ReadFrom, SectionKind};

/// Actions kept of one document.
const MOST: usize = 500;

/// Every action of a document, in the order of its lines.
pub fn actions(lines: &Lines<'_>) -> Vec<Action> {
    let mut found: Vec<Action> = Vec::new();
    let mut covered: Vec<Range<usize>> = Vec::new();
    for (i, heading) in lines.outline.headings.iter().enumerate() {
        let inside = covered.iter().any(|range| range.contains(&heading.line));
        if heading.item || inside || kind(&plain(&heading.text)) != SectionKind::Actions {
            continue;
        }
        let range = heading.line..end(lines, i);
        section(lines, range.clone(), &mut found);
        covered.push(range);
        if found.len() >= MOST {
            break;
        }
    }
    // A box to tick is an action wherever it stands.
    for item in lines.items(0..lines.all.len()) {
        let inside = covered.iter().any(|range| range.contains(&item.line));
        if !inside && found.len() < MOST && tick(&item.words).is_some() {
            found.extend(of_item(lines, &item, None, false));
        }
    }
    found.sort_by_key(|action| action.line);
    found.truncate(MOST);
    found
}

/// The line after the last of a section.
fn end(lines: &Lines<'_>, at: usize) -> usize {
    let headings = &lines.outline.headings;
    let Some(first) = headings.get(at) else { return 0 };
    headings
        .iter()
        .skip(at + 1)
        .find(|h| h.level <= first.level && !h.item)
        .map_or(lines.all.len(), |h| h.line)
}

fn section(lines: &Lines<'_>, range: Range<usize>, found: &mut Vec<Action>) {
    // Each heading inside begins a group; the section's own heading begins the first.
    let heads: Vec<_> =
        lines.outline.headings.iter().filter(|h| range.contains(&h.line) && !h.item).collect();
    let mut passed: Option<u8> = None;
    let mut settled: Option<(u8, bool)> = None;
    for (n, head) in heads.iter().enumerate() {
        let next = heads.get(n + 1).map_or(range.end, |h| h.line);
        let words = plain(&head.text);
        if passed.is_some_and(|level| head.level <= level) {
            passed = None;
        }
        if settled.is_some_and(|(level, _)| head.level <= level) {
            settled = None;
        }
        // `What went wrong` under the actions tells what is learnt, not what is to be done.
        let other = matches!(
            kind(&words),
            SectionKind::Lessons
                | SectionKind::Timeline
                | SectionKind::RootCause
                | SectionKind::Impact
        );
        if n > 0 && other && !head.label {
            passed = Some(head.level);
        }
        if passed.is_some() {
            continue;
        }
        let done = is_done_heading(&words) || settled.is_some_and(|(_, done)| done);
        settled = settled.or(Some((head.level, done)));
        let own = n == 0 || kind(&words) == SectionKind::Actions && head.label;
        let group = (!own).then(|| Clean::line(words.trim_end_matches(':')));
        let before = found.len();
        if head.label
            && let Some(field) = lines.outline.fields.iter().find(|f| f.line == head.line)
            && !field.value.is_empty()
        {
            // `**Action item:** start incidents earlier.`
            let raw = lines.get(head.line).unwrap_or_default();
            let raw = raw.split_once(':').map_or(raw, |(_, rest)| rest);
            if kind(&words) == SectionKind::Actions {
                let item = Item {
                    line: head.line,
                    indent: 0,
                    ordered: false,
                    words: raw.trim_start_matches(['*', '_', ' ']).to_owned(),
                    nested: Vec::new(),
                };
                found.extend(of_item(lines, &item, None, done));
            }
        }
        group_of(lines, head.line + 1..next, group.as_ref(), done, found);
        // An area of work with its one task in a sentence, and the issue it is tracked by.
        if found.len() == before
            && n > 0
            && !head.label
            && let Some((line, words)) = lines.first_words(head.line + 1..next, |_| false)
        {
            let raw: Vec<&str> = (line..next).filter_map(|i| lines.get(i)).take(4).collect();
            let item =
                Item { line, indent: 0, ordered: false, words: raw.join(" "), nested: Vec::new() };
            let action = of_item(lines, &item, group.as_ref(), done).filter(|a| a.link.is_some());
            found.extend(action.map(|action| Action {
                text: words,
                place: ReadFrom::Text,
                ..action
            }));
        }
    }
}

fn group_of(
    lines: &Lines<'_>,
    range: Range<usize>,
    group: Option<&Clean>,
    done: bool,
    found: &mut Vec<Action>,
) {
    let mut ordered = false;
    for item in lines.items(range.clone()) {
        ordered |= item.ordered;
        // Once the steps are numbered, what stands between them explains them.
        if ordered && !item.ordered || found.len() >= MOST {
            continue;
        }
        found.extend(of_item(lines, &item, group, done));
    }
    for (header, rows) in lines.tables(range) {
        let columns = Columns::of(&header.cells);
        for row in rows {
            if found.len() < MOST {
                found.extend(columns.action(lines, row.line, &row.cells, group, done));
            }
        }
    }
}

/// Whether a box is ticked: `[ ]`, `[x]`, `[-]`.
fn tick(words: &str) -> Option<ActionState> {
    let state = match words.get(..3)? {
        "[ ]" => ActionState::Open,
        "[x]" | "[X]" | "[✓]" => ActionState::Done,
        "[-]" => ActionState::Dropped,
        _ => return None,
    };
    words.get(3..)?.starts_with([' ', '\t']).then_some(state)
}

fn of_item(
    lines: &Lines<'_>,
    item: &Item<'_>,
    group: Option<&Clean>,
    done: bool,
) -> Option<Action> {
    let ticked = tick(&item.words);
    let raw = if ticked.is_some() { item.words.get(3..)? } else { &item.words };
    let raw = raw.trim();
    let text = lines.plain(raw);
    let text = text.trim_start_matches(['✅', '✔', '☑', '☐', '\u{fe0f}', ' ']).trim();
    if is_prompt(raw) || text.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return None;
    }
    let (link, reference) = issue(lines, raw, &item.nested);
    Some(Action {
        text: short(text),
        owner: owner(raw),
        due: due(text),
        state: ticked.unwrap_or_else(|| state(raw, done)),
        link,
        reference,
        group: group.cloned(),
        place: ReadFrom::List,
        line: item.line,
    })
}

fn is_done_heading(words: &str) -> bool {
    let words = words.to_lowercase();
    ["(completed", "(done", "completed actions", "already done"].iter().any(|w| words.contains(w))
}

/// What the marks of an item say; without any, what its heading says.
fn state(raw: &str, done: bool) -> ActionState {
    let lower = raw.to_lowercase();
    let struck = raw.starts_with("~~") && raw.trim_end_matches(['.', ' ']).ends_with("~~");
    let marked = raw.trim_start_matches(['*', '_', ' ']).starts_with(['✅', '✔', '☑']);
    let dropped = ["(won't do", "(wontfix", "(won't fix", "(not doing", "(dropped", "(cancelled"];
    let finished = ["(done", "(completed", "(complete)", "[done]", "(fixed)", "(merged)"];
    if dropped.iter().any(|word| lower.contains(word)) {
        ActionState::Dropped
    } else if done
        || struck
        || marked
        || finished.iter().any(|word| lower.contains(word))
        || ["done:", "done -", "**done"].iter().any(|word| lower.starts_with(word))
    {
        ActionState::Done
    } else {
        ActionState::Open
    }
}

/// `@x`, `Owner: X`, `(owner: X)`, or a bold name that ends the item.
fn owner(raw: &str) -> Option<Clean> {
    let lower = raw.to_ascii_lowercase();
    for label in ["owner", "assignee", "assigned to", "dri", "responsible"] {
        for (at, _) in lower.match_indices(label) {
            let before = lower.get(..at).and_then(|b| b.chars().next_back());
            if before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let rest = raw.get(at + label.len()..).unwrap_or_default();
            let rest = rest.trim_start_matches(['*', '_', ' ']);
            let colon = rest.strip_prefix([':', '=']);
            let Some(rest) = colon.or_else(|| (label == "assigned to").then_some(rest)) else {
                continue;
            };
            let rest = rest.trim_start_matches(['*', '_', ' ']);
            let end = rest.find([',', ';', ')', '(', '|', '*', '\n']).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default();
            // A sentence may go on after the name.
            let name = name.split(". ").next().unwrap_or(name).trim_end_matches(['.', ' ']);
            if is_owner(name) {
                return Some(Clean::line(plain(name)));
            }
        }
    }
    handle(raw).or_else(|| bold_name(raw))
}

/// Placeholders name nobody.
fn is_owner(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    let nobody = ["tbd", "?", "??", "none", "n/a", "nobody", "unassigned", "-", "—", "todo", "tba"];
    (1..=60).contains(&lower.len())
        && !nobody.contains(&lower.as_str())
        && lower.chars().any(char::is_alphabetic)
}

fn handle(raw: &str) -> Option<Clean> {
    let mut code = false;
    let mut before = ' ';
    for (at, c) in raw.char_indices() {
        if c == '`' {
            code = !code;
        }
        if c == '@' && !code && !before.is_alphanumeric() && !matches!(before, '/' | '.' | '_') {
            let rest = raw.get(at + 1..).unwrap_or_default();
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
            // `@scope/package` is a package more often than a team.
            let package = rest.get(end..).is_some_and(|r| r.starts_with('/'));
            if end > 0 && !package {
                return Some(Clean::line(format_args!("@{}", rest.get(..end)?)));
            }
        }
        before = c;
    }
    None
}

/// `… — **Jane Doe**`, `(**Jane**)` at the end, `… – **Tomás**, due 2026-01-31`: apart from what is before, and the words
/// after it no longer say what is to be done.
fn bold_name(raw: &str) -> Option<Clean> {
    let pieces: Vec<&str> = raw.split("**").collect();
    // Every second piece is bold.
    let mut bold = pieces.windows(3).step_by(2);
    bold.find_map(|piece| {
        let &[before, name, after] = piece else { return None };
        let before = before.trim_end();
        let last = after.trim_start_matches([' ', ')', '.', ']']).is_empty();
        let apart = before.ends_with(['-', '–', '—', '(', '[']);
        let apart = apart || last && before.ends_with([':', ',']);
        let ends = last || after.starts_with([',', ';', ')', ']']);
        let words: Vec<&str> = name.split(' ').collect();
        let named = |w: &&str| {
            w.starts_with(char::is_uppercase)
                && w.chars().all(|c| c.is_alphabetic() || c == '-' || c == '.')
        };
        (apart && ends && words.len() <= 3 && words.iter().all(named) && is_owner(name))
            .then(|| Clean::line(name))
    })
}

/// The day after `due`, `by`, `deadline`, `target`.
fn due(text: &str) -> Option<Date> {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    for word in ["due", "deadline", "target", "eta", "by", "before", "until"] {
        for (at, _) in lower.match_indices(word) {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            let (before, after) = text.split_at_checked(at)?;
            let after = after.get(word.len()..)?;
            if !edge(before.chars().next_back()) || !edge(after.chars().next()) {
                continue;
            }
            let near = super::outline::head(after, 32);
            if let Some(spotted) = dates::first(near, false).filter(|s| !s.month_only) {
                return Some(spotted.date);
            }
        }
    }
    None
}

/// The issue or pull request an item links to, and how people call it.
fn issue(lines: &Lines<'_>, raw: &str, nested: &[&str]) -> (Option<Link>, Option<Clean>) {
    let own = lines.links(raw);
    let below = nested.iter().take(8).flat_map(|line| lines.links(line));
    let tracked = own.into_iter().chain(below).find_map(|address| {
        let name = reference(&address)?;
        Some((Link::parse(&address)?, name))
    });
    match tracked {
        Some((link, name)) => (Some(link), Some(Clean::line(name))),
        None => (None, bare_reference(raw).map(Clean::line)),
    }
}

/// `#123` as a word of its own, or `[OPS-12]`, `(OPS-12)`.
fn bare_reference(raw: &str) -> Option<String> {
    let trim =
        |word: &str| word.trim_matches(|c: char| !(c.is_alphanumeric() || c == '#')).to_owned();
    raw.split_whitespace().find_map(|word| {
        let name = trim(word);
        if let Some(number) = name.strip_prefix('#')
            && !number.is_empty()
            && number.len() <= 7
            && number.chars().all(|c| c.is_ascii_digit())
        {
            return Some(name);
        }
        let bracketed = word.starts_with(['[', '('])
            && word.trim_end_matches(['.', ',', ':']).ends_with([']', ')']);
        let (project, number) = name.split_once('-')?;
        let fits = bracketed
            && (2..=10).contains(&project.len())
            && project.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && (1..=6).contains(&number.len())
            && number.chars().all(|c| c.is_ascii_digit());
        fits.then_some(name)
    })
}

/// Which column of a table says what.
#[derive(Default)]
struct Columns {
    text: Option<usize>,
    owner: Option<usize>,
    due: Option<usize>,
    state: Option<usize>,
}

impl Columns {
    fn of(header: &[&str]) -> Self {
        let mut columns = Self::default();
        for (i, cell) in header.iter().enumerate() {
            let word = plain(cell).to_lowercase();
            let is = |names: &[&str]| names.iter().any(|name| word.contains(name));
            let slot = if is(&["owner", "assignee", "who", "responsible", "dri"]) {
                &mut columns.owner
            } else if is(&["due", "deadline", "eta", "target", "when"]) {
                &mut columns.due
            } else if is(&["status", "state", "done", "complete"]) {
                &mut columns.state
            } else if is(&["action", "item", "task", "what", "description", "todo", "follow"]) {
                &mut columns.text
            } else {
                continue;
            };
            slot.get_or_insert(i);
        }
        columns
    }

    fn action(
        &self,
        lines: &Lines<'_>,
        line: usize,
        cells: &[&str],
        group: Option<&Clean>,
        done: bool,
    ) -> Option<Action> {
        let cell = |at: Option<usize>| at.and_then(|i| cells.get(i)).copied().unwrap_or_default();
        let text = match cell(self.text) {
            "" => cells.iter().copied().find(|c| plain(c).chars().any(char::is_alphabetic))?,
            text => text,
        };
        let item = Item {
            line,
            indent: 0,
            ordered: false,
            words: text.to_owned(),
            nested: cells.to_vec(),
        };
        let mut action = of_item(lines, &item, group, done)?;
        let said = plain(cell(self.owner));
        if is_owner(&said) {
            action.owner = Some(Clean::line(said));
        }
        action.due = dates::first(&plain(cell(self.due)), false).map(|s| s.date).or(action.due);
        let word = plain(cell(self.state)).to_lowercase();
        let is = |names: &[&str]| names.iter().any(|name| word.starts_with(name));
        if is(&[
            "done", "complete", "closed", "resolved", "fixed", "merged", "shipped", "yes", "✅",
            "x", "✔",
        ]) {
            action.state = ActionState::Done;
        } else if is(&["won", "drop", "cancel", "reject", "not doing", "abandon"]) {
            action.state = ActionState::Dropped;
        }
        action.place = ReadFrom::Table;
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::markdown::outline::outline;

    fn read(text: &str) -> Vec<String> {
        let outline = outline(text, 0);
        let lines = Lines::new(text, &outline);
        let word = |c: Option<Clean>| c.map_or("-".to_owned(), |c| c.to_string());
        actions(&lines)
            .into_iter()
            .map(|a| {
                let due = a.due.map_or("-".to_owned(), |d| d.to_string());
                format!("{}|{}|{due}|{:?}|{}", a.text, word(a.owner), a.state, word(a.reference))
            })
            .collect()
    }

    #[test]
    fn a_name_between_what_and_when_owns_it_and_a_templates_row_is_none() {
        let text = "## Actions\n- [ ] Alert on waiting – **Tomás**, due 2026-11-24, harbour/db#112\n- [ ] Fix it, **Quickly**, and test\n- [ ] a (**Jo Li**) b\n- [ ] [What – owner – due date]\n- <one line>\n";
        assert_eq!(
            read(text),
            [
                "Alert on waiting – Tomás, due 2026-11-24, harbour/db#112|Tomás|2026-11-24|Open|-",
                "Fix it, Quickly, and test|-|-|Open|-",
                "a (Jo Li) b|Jo Li|-|Open|-",
            ]
        );
    }

    #[test]
    fn items_say_owner_due_state_and_issue() {
        let text = "## Action items\n- [ ] alert on errors @ada due 2026-12-01 (#12)\n- [x] **Fix it** https://github.com/acme/shop/issues/7\n- ~~drop the cache~~\n- write it down (done)\n- Add tests. Owner: Jane Doe. Soon\n- tell them — **Ben Oh**\n  - nested\n- bump @posthog/agent (won't do)\n-\n";
        assert_eq!(
            read(text),
            [
                "alert on errors @ada due 2026-12-01 (#12)|@ada|2026-12-01|Open|#12",
                "Fix it https://github.com/acme/shop/issues/7|-|-|Done|acme/shop#7",
                "drop the cache|-|-|Done|-",
                "write it down (done)|-|-|Done|-",
                "Add tests. Owner: Jane Doe. Soon|Jane Doe|-|Open|-",
                "tell them — Ben Oh|Ben Oh|-|Open|-",
                "bump @posthog/agent (won't do)|-|-|Dropped|-",
            ]
        );
    }

    #[test]
    fn tables_say_it_in_columns() {
        let text = "# Actions\n| Action item | Type | Owner | Due | Bug | Status |\n|---|---|---|---|---|---|\n| Add a test | prevent | ada | 2026-01-05 | [n/a](https://x.atlassian.net/browse/OPS-12) | DONE |\n| Alert | detect | TBD | | | todo |\n";
        assert_eq!(read(text), ["Add a test|ada|2026-01-05|Done|OPS-12", "Alert|-|-|Open|-"]);
    }

    #[test]
    fn groups_belong_to_the_section_and_lessons_do_not() {
        let text = "## Action items\n### Process\n1. a one\n### What went wrong\n- no action\n### Repo2docker\nLimit memory. (https://github.com/o/r/pull/159)\n### Talk\nNothing tracked.\n## Rest\n- no\n- [ ] a box anywhere\n";
        assert_eq!(
            read(text),
            [
                "a one|-|-|Open|-",
                "Limit memory. (https://github.com/o/r/pull/159)|-|-|Open|o/r#159",
                "a box anywhere|-|-|Open|-"
            ]
        );
    }

    #[test]
    fn done_headings_hold_for_their_items_and_numbered_steps_hide_their_notes() {
        let text = "### Immediate actions (completed)\n1. **One**\n\nBecause:\n\n- why\n- what\n2. **Two**\n### Planned actions (planned or in-progress)\n- three\n";
        assert_eq!(read(text), ["One|-|-|Done|-", "Two|-|-|Done|-", "three|-|-|Open|-"]);
    }

    #[test]
    fn an_action_may_be_a_label() {
        let text = "### Immediate Actions\n- ✅ reverted\n\n**Action item:** Start earlier. Owner: @lu\n\n**Next week:**\n\n- split it\n";
        assert_eq!(
            read(text),
            [
                "reverted|-|-|Done|-",
                "Start earlier. Owner: @lu|@lu|-|Open|-",
                "split it|-|-|Open|-"
            ]
        );
    }

    #[test]
    fn addresses_of_issues_are_called_as_people_call_them() {
        for (address, name) in [
            ("https://github.com/o/r/issues/7#c", Some("o/r#7")),
            ("https://gitlab.com/g/s/p/-/merge_requests/3", Some("g/s/p!3")),
            ("https://x.atlassian.net/browse/OPS-12", Some("OPS-12")),
            ("https://github.com/o/r", None),
            ("https://github.com/o/r/issues", None),
        ] {
            assert_eq!(reference(address).as_deref(), name, "{address}");
        }
    }
}
