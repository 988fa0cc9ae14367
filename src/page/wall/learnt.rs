//! What was learnt, on the wall: actions that are still open, and what happened on this day in earlier years.

use super::{Figure, Leaf, MOST, Panel};
use crate::insight::follow_up::{anniversaries, tally};
use crate::model::Clean;
use crate::page::{Line, Scene, Tone, follow, post_mortems, words};

pub const LEARNT: Leaf = Leaf {
    name: "post-mortems",
    about: "actions of post-mortems that are open, late or nobody's, and anniversaries",
    parts: |scene| usize::from(scene.board.post_mortems.present().next().is_some()),
    compose,
};

fn compose(scene: &Scene<'_>, _part: usize) -> (Panel, Vec<Panel>) {
    let issues = follow::issues(scene);
    let tasks = follow::all(scene, &issues);
    let open = tasks.iter().filter(|task| task.is_open());
    let mut listed: Vec<_> = open.collect();
    listed.sort_by_key(|task| !task.overdue);
    let mut lines = Vec::new();
    let today = scene.zone.to_datetime(scene.now).date();
    for (years, p) in anniversaries(scene.board, today).into_iter().take(2) {
        let ago = if years == 1 {
            "a year ago today:".to_owned()
        } else {
            format!("{years} years ago today:")
        };
        lines.push(
            Line::of(Clean::line(ago), Tone::Accent)
                .space()
                .and(post_mortems::short_title(p), Tone::Strong),
        );
    }
    for task in listed.into_iter().take(MOST) {
        let (word, tone) =
            if task.overdue { ("late", Tone::Degraded) } else { ("open", Tone::Plain) };
        let line = Line::of(word, tone).space().and(task.action.text.clone(), Tone::Strong).dot();
        lines.push(match task.owner() {
            Some(owner) => line.and(owner, Tone::OnCall),
            None => line.and("nobody", Tone::Degraded),
        });
    }
    let counted = *scene.memo.tally.get(scene, today, || tally(&tasks));
    let done = counted.all.saturating_sub(counted.open);
    let mut figures = vec![Figure {
        name: "actions done".into(),
        value: Clean::line(format_args!("{done}/{}", counted.all)),
        about: Line::of(words::counted(counted.open, "is open", "are open"), Tone::Dim),
        ..Figure::default()
    }];
    if counted.overdue > 0 {
        figures.push(Figure {
            name: "late".into(),
            value: Clean::line(counted.overdue),
            tone: Tone::Degraded,
            ..Figure::default()
        });
    }
    if counted.unowned > 0 {
        figures.push(Figure {
            name: "nobody's".into(),
            value: Clean::line(counted.unowned),
            tone: Tone::Degraded,
            ..Figure::default()
        });
    }
    (Panel::Lines("actions".into(), lines), vec![Panel::Figures("all of them".into(), figures)])
}
