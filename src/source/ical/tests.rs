//! The calendar source: where it asks, what it makes of answers, and what it refuses.

use std::collections::BTreeMap;

use super::*;
use crate::source::Services;
use crate::source::wire::testing::reply;

const FEED: &str = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Trains\r\nREFRESH-INTERVAL;VALUE=DURATION:PT6H\r\n\
    BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261201T100000Z\r\nSUMMARY:v412\r\nURL:https://ex.org/v412\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:b\r\nSUMMARY:no start\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn opened(url: Option<&str>, options: &str) -> Result<Box<dyn Source>, Vec<Problem>> {
    (KIND.open)(Opening {
        name: SourceName::new("trains"),
        url: url.map(|url| url.parse().unwrap()),
        folder: "/team".into(),
        every: KIND.every,
        zone: jiff::tz::TimeZone::UTC,
        metrics: Vec::new(),
        slos: Vec::new(),
        services: &Services::default(),
        finds_second: false,
        alerts_delivered: true,
        options: toml::de::ValueDeserializer::parse(options).unwrap(),
    })
}

fn asked(source: &dyn Source) -> (Request, Asking<'static>) {
    static NONE: BTreeMap<Box<str>, Box<str>> = BTreeMap::new();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let asking = Asking { now, last_ok: None, round: 0, memory: &NONE };
    let mut requests = source.ask(&asking);
    assert_eq!(requests.len(), 1);
    (requests.remove(0), asking)
}

fn report(source: &dyn Source, status: u16, body: &str) -> Result<Report, Trouble> {
    let (request, asking) = asked(source);
    match source.read(&asking, &[reply(&request, status, body)])? {
        Reading::Done(report) => Ok(report),
        Reading::More(_) => panic!("one request is enough"),
    }
}

#[test]
fn a_feed_is_asked_conditionally_and_within_its_cap() {
    let source =
        opened(Some("https://cal.example/secret/basic.ics"), "{ as = \"freeze\" }").unwrap();
    let (Request::Http(http), _) = asked(&*source) else { panic!("no http request") };
    assert!(http.conditional && http.cap == Some(CAP) && !http.probe);
    let report = report(&*source, 200, FEED).unwrap();
    let [Fact::Calendar(calendar)] = &report.facts[..] else { panic!("{:?}", report.facts) };
    assert_eq!(
        (calendar.purpose, calendar.events.len(), calendar.skipped),
        (Purpose::Freeze, 1, 1)
    );
    assert_eq!(report.partial.unwrap().as_str(), "1 of 2 events could not be read");
    assert_eq!(report.about.unwrap().as_str(), "Trains");
    let notes: Vec<&str> = report.notes.iter().map(Clean::as_str).collect();
    assert_eq!(
        notes,
        ["1 skipped: an event without a start", "the publisher asks for 6 h between two polls"]
    );
}

#[test]
fn a_file_is_read_from_beside_the_configuration() {
    let source = opened(None, "{ path = \"releases.ics\" }").unwrap();
    let (request, asking) = asked(&*source);
    assert!(
        matches!(&request, Request::ReadFile { file, cap: CAP } if file.ends_with("team/releases.ics"))
    );
    let answer = Ok(Answer::File { bytes: Arc::from(FEED.as_bytes()), cut: true });
    let Ok(Reading::Done(report)) = source.read(&asking, &[Exchange { request, answer }]) else {
        panic!("not read")
    };
    assert!(report.notes.iter().any(|note| note.as_str().starts_with("longer than 2 MiB")));
}

#[test]
fn a_login_page_is_named_as_one() {
    let source = opened(Some("https://cal.example/x.ics"), "{}").unwrap();
    for body in ["<!DOCTYPE html><html>login</html>", "nothing of the kind", ""] {
        let trouble = report(&*source, 200, body).unwrap_err();
        assert!(!trouble.message.as_str().contains("secret"), "{}", trouble.message);
    }
    assert_eq!(report(&*source, 404, "gone").unwrap_err().status, Status::NotFound);
}

#[test]
fn a_calendar_lies_in_one_place_only() {
    assert!(opened(Some("https://h/x.ics"), "{ path = \"x.ics\" }").is_err());
    assert!(opened(None, "{}").is_err());
    assert!(opened(Some("https://h/x.ics"), "{ as = \"party\" }").is_err());
}

#[test]
fn publishers_are_not_asked_too_often() {
    let open = |url: &str, every| {
        let opening = Opening {
            name: SourceName::new("trains"),
            url: Some(url.parse().unwrap()),
            folder: "/team".into(),
            every: Duration::from_secs(every),
            zone: jiff::tz::TimeZone::UTC,
            metrics: Vec::new(),
            slos: Vec::new(),
            services: &Services::default(),
            finds_second: false,
            alerts_delivered: true,
            options: toml::de::ValueDeserializer::parse("{}").unwrap(),
        };
        (KIND.open)(opening)
    };
    assert!(open("https://h/x.ics", 299).is_err());
    assert!(open("https://h/x.ics", 300).is_ok());
    assert!(open("http://127.0.0.1:1/x.ics", 5).is_ok(), "the demo's own feed");
}
