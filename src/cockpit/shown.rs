//! What the cockpit shows: its state as one plain screen.

use jiff::Timestamp;

use super::actions::{ACTIONS, Action, Context};
use super::help;
use super::state::{Cockpit, Mode};
use crate::insight::{DeadMan, Verdict};
use crate::model::{Clean, Health, Name};
use crate::page::{
    Block, Column, Completion, Empty, Foot, Head, Hint, Line, Noun, Place, Prompt, RowKey, Screen,
    TabLabel, Tone, room, words,
};

impl Cockpit {
    /// The whole screen. A pure function of the state; `settle` first, so that it is of the newest board.
    pub fn screen(&self, now: Timestamp) -> Screen {
        let wall = self.hanging();
        let unread = self.unread();
        let opened = self.opened_blocks().filter(|_| wall.is_none() && unread.is_none());
        let scrolls = opened
            .as_ref()
            .is_some_and(|blocks| !blocks.iter().any(|block| room::is_reader(&self.frame, block)));
        let listed = || if wall.is_some() { None } else { unread.or_else(|| self.listed()) };
        let blocks = opened.or_else(listed).unwrap_or_default();
        let plan = room::plan(&self.frame, &blocks);
        let over = usize::from(plan.tall).saturating_sub(usize::from(self.frame.body_height()));
        let scroll = self.look().map_or(0, |look| look.scroll);
        Screen {
            frame: self.frame,
            skin: self.skin,
            zone: self.team.zone.clone(),
            head: self.head(),
            tabs: self.labels(),
            crumb: self.crumb(),
            blocks,
            scroll: if scrolls { scroll.min(over) } else { 0 },
            foot: self.foot(now),
            over: self.over(),
            wall,
        }
    }

    /// What stands for pages that a first look does not suffice for.
    fn unread(&self) -> Option<Vec<Block>> {
        let seen = self.tab == 0 && self.look().is_some_and(|look| look.opened.is_none());
        (self.glance && !seen).then(|| {
            let title = "Reading what is remembered".into();
            vec![Block::main("", Noun::Empty(Empty { title, advice: Vec::new() }))]
        })
    }

    fn listed(&self) -> Option<Vec<Block>> {
        let (tab, look) = (self.here()?, self.look()?);
        let mut blocks = (tab.compose)(&self.scene(), look);
        // The arrow over the column the list is sorted by is the same for every tab.
        let column = tab.sorts.get(look.sort.column).filter(|_| !look.order.is_empty());
        for block in &mut blocks {
            if let (Noun::Table(table), Place::Main, Some(name)) =
                (&mut block.noun, block.place, column)
            {
                let titled = |c: &Column| c.title.as_str().eq_ignore_ascii_case(name);
                let at = table.columns.iter().position(titled);
                table.sorted = table.sorted.or(at.map(|at| (at, look.sort.reversed)));
            }
        }
        Some(blocks)
    }

    fn head(&self) -> Head {
        let scene = self.scene();
        let verdict = &scene.survey.verdict;
        let production = self.team.production().filter(|name| {
            let name = name.as_str().to_lowercase();
            name.starts_with("prod") || name == "live"
        });
        let mut marks = Vec::new();
        let clock = |at: Timestamp, form: &str| {
            Clean::line(at.to_zoned(self.team.zone.clone()).strftime(form))
        };
        marks.extend(self.past_mark());
        if let Some(still) = &self.still {
            let words = Clean::line(format!("PAUSED since {}", clock(still.since, "%H:%M:%S")));
            marks.push(Line::of(words, Tone::Stale));
        }
        let of = verdict.sources;
        for (n, words, tone) in [
            (verdict.failing_sources, "failing", Tone::Degraded),
            (verdict.stale_sources, "stale", Tone::Stale),
            (verdict.awaited_sources, "not heard yet", Tone::Dim),
        ] {
            if n > 0 {
                marks.push(Line::of(Clean::line(format!("{n} of {of} sources {words}")), tone));
            }
        }
        marks.push(Line::of("read-only", Tone::Dim));
        Head {
            alarm: (!verdict.dead_man.is_empty()).then(|| "ALERTING BROKEN".into()),
            banner: production
                .filter(|_| self.past.is_none())
                .map(|name| match name.as_str().to_lowercase() {
                    name if name.starts_with("prod") => "PROD".into(),
                    name => Clean::line(name.to_uppercase()),
                })
                .or_else(|| self.past.as_ref().map(|_| "PAST".into())),
            // What was well when it was last heard of is not well: it is old.
            health: match verdict.worst {
                Health::Ok if verdict.stale > 0 => Health::Unknown,
                worst => worst,
            },
            verdict: self.verdict(),
            marks,
            clock: Line::of(self.team.name.clone(), Tone::Strong)
                .and("  ", Tone::Plain)
                .and(clock(scene.now, "%a %d %b %H:%M %Z"), Tone::Dim),
        }
    }

    /// The counts of the verdict, and the names of the worst.
    fn verdict(&self) -> Line {
        let scene = self.scene();
        let survey = scene.survey;
        let Verdict {
            down, degraded, unknown, stale, folded, maintained, incidents, unacked, ..
        } = survey.verdict;
        let worst = &survey.verdict.named;
        let all = survey.services.len();
        let names = |n: usize| {
            let named: Vec<&str> = worst.iter().map(Name::as_str).collect();
            let more = if n > named.len() { " …" } else { "" };
            Clean::line(format!(": {}{more}", named.join(", ")))
        };
        let mut line = Line::new();
        let mut named = false;
        for (n, health) in
            [(down, Health::Down), (degraded, Health::Degraded), (unknown, Health::Unknown)]
        {
            if n == 0 {
                continue;
            }
            if !line.0.is_empty() {
                line = line.dot();
            }
            // Beside the roots they fold under, so that nobody counts rows and wonders.
            let more = match folded {
                n if n > 0 && !named => format!(" +{n} folded"),
                _ => String::new(),
            };
            let count = Clean::line(format!("{n} {}{more}", health.word()));
            line = line.and(count, Tone::from(health));
            if !std::mem::replace(&mut named, true) {
                line = line.and(names(n), Tone::Plain);
            }
        }
        if line.0.is_empty() {
            line = match all {
                0 => Line::of("no services yet", Tone::Unknown),
                _ if !survey.verdict.dead_man.is_empty() => {
                    Line::of("nobody would tell", Tone::Unknown)
                }
                n if stale > 0 => {
                    let ok = n.saturating_sub(maintained + folded + stale);
                    let tone = if ok > 0 { Tone::Ok } else { Tone::Stale };
                    Line::of(Clean::line(format!("{ok} of {n} services ok")), tone)
                        .dot()
                        .and(Clean::line(format!("{stale} stale")), Tone::Stale)
                }
                n if maintained + folded == 0 => {
                    Line::of(Clean::line(format!("all {n} services ok")), Tone::Ok)
                }
                n => {
                    let ok = n.saturating_sub(maintained + folded);
                    Line::of(
                        Clean::line(format!("{ok} of {n} services ok")),
                        survey.verdict.worst.into(),
                    )
                }
            };
        }
        for dead in &survey.verdict.dead_man {
            let since = words::near(dead.since, scene.now, scene.zone);
            let DeadMan { name, source, .. } = dead;
            let words = Clean::line(format!("no {name} at {source} since {since}"));
            line = line.dot().and(words, Tone::Down);
        }
        if incidents > 0 {
            let s = if incidents == 1 { "" } else { "s" };
            let words = Clean::line(format!("{incidents} incident{s}"));
            line = line.dot().and(words, Tone::Strong);
            if unacked > 0 {
                line = line.dot().and(Clean::line(format!("{unacked} unacked")), Tone::Down);
            }
        }
        if maintained > 0 {
            let words = Clean::line(format!("{maintained} in maintenance"));
            line = line.dot().and(words, Tone::Maintenance);
        }
        line
    }

    fn labels(&self) -> Vec<TabLabel> {
        let label = |(i, tab): (usize, &&crate::page::Tab)| TabLabel {
            number: i + 1,
            title: tab.title.into(),
            badge: self.badges.get(i).copied().unwrap_or(0),
            here: i == self.tab,
        };
        self.tabs.iter().enumerate().map(label).collect()
    }

    /// What the card of an opened row is called.
    fn card_name(&self, key: &RowKey) -> Option<Clean> {
        let look = self.look()?;
        let blocks = (self.here()?.detail)(&self.scene(), look, key)?;
        blocks.into_iter().next().map(|block| block.title).filter(|title| !title.is_empty())
    }

    fn crumb(&self) -> Line {
        let (Some(tab), Some(look)) = (self.here(), self.look()) else { return Line::new() };
        if let Some(key) = &look.opened {
            let name = (tab.id)(&self.scene(), key).unwrap_or_else(|| Clean::line(&**key));
            let name = match words::short_hash(name.clone()) {
                // A card knows a better name than a hash.
                short if short != name => self.card_name(key).unwrap_or(short),
                name => name,
            };
            let line = Line::of(tab.title, Tone::Dim).and(" › ", Tone::Dim).and(name, Tone::Title);
            return match self.found_says() {
                Some(says) => line.dot().and(says, Tone::Match),
                None => line,
            };
        }
        let mut line = Line::new();
        for (i, facet) in tab.facets.iter().enumerate() {
            let tone = if i == self.facet() { Tone::Title } else { Tone::Dim };
            if i > 0 {
                line = line.and("  ", Tone::Plain);
            }
            line = line.and(*facet, tone);
        }
        let mut parts: Vec<(Clean, Tone)> = Vec::new();
        let shown = look.order.len();
        if shown != look.total {
            parts.push((Clean::line(format!("{shown} of {}", look.total)), Tone::Plain));
        }
        if !look.filter.text.is_empty() {
            parts.push((Clean::line(format!("/{}", look.filter.text)), Tone::Match));
        }
        if look.problems_only {
            parts.push(("problems only".into(), Tone::Match));
        }
        let default = look.sort.column == 0 && !look.sort.reversed && !look.sort.chosen;
        if self.by_fit() {
            parts.push(("best fit first".into(), Tone::Plain));
        }
        if let Some(column) = tab.sorts.get(look.sort.column).filter(|_| !default) {
            let way = if look.sort.reversed { " reversed" } else { "" };
            parts.push((Clean::line(format!("by {column}{way}")), Tone::Plain));
        }
        if !look.marked.is_empty() {
            let n = look.marked.len();
            parts.push((Clean::line(format!("{n} marked")), Tone::Accent));
        }
        for (words, tone) in parts {
            if !line.0.is_empty() {
                line = line.dot();
            }
            line = line.and(words, tone);
        }
        line
    }

    fn foot(&self, now: Timestamp) -> Foot {
        match &self.mode {
            Mode::Filter(field) => {
                let (before, after) = field.halves();
                Foot::Prompt(Prompt {
                    sign: '/',
                    before,
                    after,
                    says: self.filter_says(),
                    completions: Vec::new(),
                })
            }
            Mode::Find(field, _) => {
                let (before, after) = field.halves();
                Foot::Prompt(Prompt {
                    sign: '/',
                    before,
                    after,
                    says: self.find_says(),
                    completions: Vec::new(),
                })
            }
            Mode::Command { field, picked, complaint } => {
                let (before, after) = field.halves();
                let offers = self.ground().complete(&field.text());
                let completion = |(i, s): (usize, super::commands::Suggestion)| Completion {
                    text: Clean::line(s.text),
                    about: s.about,
                    here: *picked == Some(i),
                };
                Foot::Prompt(Prompt {
                    sign: ':',
                    before,
                    after,
                    says: complaint.as_ref().map_or_else(
                        || Line::of("tab picks, enter runs, esc leaves", Tone::Dim),
                        |words| Line::of(words.clone(), Tone::Degraded),
                    ),
                    completions: offers.into_iter().enumerate().map(completion).collect(),
                })
            }
            Mode::Travel(step) => Foot::Notice(self.travel_bar(*step)),
            _ => match &self.notice {
                Some((words, until)) if *until > now => Foot::Notice(words.clone()),
                _ => Foot::Hints(self.hints()),
            },
        }
    }

    fn filter_says(&self) -> Line {
        let Some(seat) = self.seat() else { return Line::new() };
        if let Some(problem) = &seat.problem {
            return Line::of(problem.clone(), Tone::Degraded);
        }
        let look = &seat.look;
        let count = Clean::line(format!("{} of {}", look.order.len(), look.total));
        let line = Line::of(count, Tone::Plain);
        if look.filter.text.is_empty() {
            let columns = seat.columns.join(", ");
            let words = if columns.is_empty() {
                Clean::from(" · word, !word, column:regex")
            } else {
                Clean::line(format!(" · word, !word, column:regex with {columns}"))
            };
            return line.and(words, Tone::Dim);
        }
        line.and(" · enter keeps, esc clears", Tone::Dim)
    }

    /// Keys that do something here, from the keymap itself; the last two stay longest.
    fn hints(&self) -> Vec<Hint> {
        let context = self.context();
        let look = self.look();
        let useful = |action: Action| match action {
            Action::Open => {
                context == Context::Month || look.is_some_and(|look| !look.order.is_empty())
            }
            Action::Back => {
                context != Context::Month
                    && (context != Context::List
                        || look
                            .is_some_and(|look| !look.filter.text.is_empty() || look.problems_only))
            }
            Action::NextHit => look.is_some_and(|look| !look.find.words().is_empty()),
            Action::NextDocument => look.is_some_and(|look| look.order.len() > 1),
            Action::Edit => self.has_file(),
            Action::Facet => self.here().is_some_and(|tab| tab.facets.len() > 1),
            Action::Sort => self.here().is_some_and(|tab| tab.sorts.len() > 1),
            Action::Help => context != Context::Help,
            _ => true,
        };
        let lines = ACTIONS.iter().enumerate().filter(|(_, e)| {
            !e.hint.is_empty() && e.contexts.contains(&context) && useful(e.action)
        });
        lines
            .filter_map(|(line, e)| {
                let key = self.keymap.keys_of(line).first()?;
                Some(Hint { keys: Clean::line(key), word: e.hint.into() })
            })
            .collect()
    }

    fn over(&self) -> Option<crate::page::Over> {
        let Mode::Help { search, typing, scroll } = &self.mode else { return None };
        let text = search.text();
        let foot = if *typing {
            Line::of("search: ", Tone::Dim)
                .and(Clean::line(&text), Tone::Match)
                .and("▏", Tone::Accent)
        } else if text.is_empty() {
            Line::of("/ searches · esc closes", Tone::Dim)
        } else {
            Line::of(Clean::line(format!("/{text}")), Tone::Match).and(" · esc closes", Tone::Dim)
        };
        Some(help::over(&self.keymap, self.context_below(), &text, *scroll, foot))
    }
}
