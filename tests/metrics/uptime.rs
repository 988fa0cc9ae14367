//! Uptime out of a real Prometheus: a hundred minutes as its history tells them, both numbers as a hand works them out.

use std::sync::Arc;
use std::time::Duration;

use andon::cockpit::{Cockpit, Key, Message, Setup};
use andon::config::load_text;
use andon::engine::{Limits, poll_once, recall};
use andon::insight::{Works, percent};
use andon::model::Name;
use andon::page::{Size, Skin};
use andon::view::{Depth, Theme, paint, text as text_of};
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::history::{History, Stretch};

/// domain.md §4.6: of 100 minutes 90 up, 4 down, 6 of planned work.
const BEGUN: &str = "2026-11-20T10:00:00Z";
const DOWN: (i64, i64) = (50, 54);
const WORK: (i64, i64) = (94, 100);

#[test]
fn both_numbers_of_a_hundred_minutes_are_those_of_a_hand() {
    let lab = tempfile::tempdir().unwrap();
    let begun: Timestamp = BEGUN.parse().unwrap();
    let minute = |n: i64| begun + SignedDuration::from_mins(n);
    let from = begun.as_second();
    let mut history = History::default();
    let over = Stretch { from, until: from + 100 * 60, every: 15 };
    let up = |at: i64| {
        let n = (at - from).div_euclid(60);
        let down = |(a, b): (i64, i64)| (a..b).contains(&n);
        Some(f64::from(u8::from(!down(DOWN) && !down(WORK))))
    };
    history.family("up", "gauge", over, &[("up{job=\"web\",instance=\"a\"}", &up)]);
    let Some(server) = history.served(lab.path()) else { return };
    let utc = |n: i64| minute(n).strftime("%Y%m%dT%H%M%SZ").to_string();
    let calendar = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:{0}\r\n\
         DTSTART:{0}\r\nDTEND:{1}\r\nSUMMARY:web is moved\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        utc(WORK.0),
        utc(WORK.1)
    );
    std::fs::write(lab.path().join("works.ics"), calendar).unwrap();
    let text = format!(
        "[team]\nname = \"t\"\n[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\n\
         [[source]]\nname = \"works\"\nkind = \"ical\"\npath = \"works.ics\"\nas = \"maintenance\"\n\
         [[service]]\nname = \"web\"\n",
        server.url("")
    );
    let config = load_text(&text, lab.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    let size = Size { width: 160, height: 60 };
    let mut cockpit = Cockpit::new(Setup::new(Arc::new(config.team.clone()), size, begun));
    let (stores, works): (Vec<_>, Vec<_>) =
        config.upstreams.into_iter().partition(|upstream| upstream.name == Name::new("prom"));
    for heard in poll_once(works, Duration::from_secs(30)) {
        cockpit.update(begun, Message::Heard(Box::new(heard)));
    }
    for n in 0..=100 {
        for heard in recall::ask(&stores, minute(n), &Limits::default()) {
            assert!(heard.outcome.is_ok(), "{:?}", heard.outcome);
            cockpit.update(minute(n), Message::Heard(Box::new(heard)));
        }
        cockpit.settle(minute(n));
    }
    let (board, now) = (cockpit.board(), minute(100));
    let uptimes =
        Works::new(board, &config.team, now, &config.team.zone).uptimes(board, &Name::new("web"));
    let (stretch, day) = uptimes[0];
    assert_eq!(stretch.as_hours(), 24);
    let minutes = [day.up, day.down, day.planned].map(|part| (part.as_secs() + 30) / 60);
    assert_eq!(minutes, [90, 4, 6], "{:?}", board.turns.of(&Name::new("web")));
    let shown = |ratio: Option<f64>| format!("{:.2}", percent(ratio.unwrap()));
    assert_eq!(shown(day.without_planned()), "95.74");
    assert_eq!(shown(day.with_planned()), "90.00");
    cockpit.update(now, Message::Key(Key::parse("enter").unwrap()));
    cockpit.settle(now);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    paint(&cockpit.screen(now), &Theme::new(Skin::Terminal, Depth::None, false), &mut buffer);
    let screen = text_of(&buffer);
    assert!(screen.contains("95.74 % · 90.00 % with planned work"), "{screen}");
}
