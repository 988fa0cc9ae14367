//! Post-mortems as teams really write them, read through the source: the corpus against a table read by eye, and hostile files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test may fail loudly"
)]

#[path = "common/fixtures.rs"]
mod fixtures;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use andon::model::{Fact, Feed, PostMortem, Report, SectionKind, SourceName};
use andon::source::{
    Answer, Asking, Exchange, FileEntry, Opening, Reading, Request, Services, Source, markdown,
};
use fixtures::corpus;
use jiff::{Timestamp, tz::TimeZone};

/// A folder in memory: path below it, bytes, and a version.
type Files = BTreeMap<String, (Vec<u8>, i128)>;
type Memory = BTreeMap<Box<str>, Box<str>>;

fn source() -> Box<dyn Source> {
    let opening = Opening {
        name: SourceName::new("reviews"),
        url: None,
        folder: PathBuf::from("/team"),
        every: std::time::Duration::from_secs(60),
        zone: TimeZone::UTC,
        metrics: Vec::new(),
        slos: Vec::new(),
        services: &Services::default(),
        finds_second: false,
        alerts_delivered: true,
        options: toml::de::ValueDeserializer::parse("{ path = \"reviews\" }").unwrap(),
    };
    (markdown::KIND.open)(opening).unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn answer(files: &Files, request: &Request) -> Answer {
    match request {
        Request::ReadDir { folder, .. } => Answer::Dir {
            files: files
                .iter()
                .map(|(below, (bytes, modified))| FileEntry {
                    path: folder.join(below),
                    below: below.as_str().into(),
                    bytes: bytes.len() as u64,
                    modified: *modified,
                })
                .collect(),
            more: false,
        },
        Request::ReadFile { file, cap } => {
            let below = file.strip_prefix("/team/reviews").unwrap().to_str().unwrap();
            let bytes = &files[below].0;
            Answer::File {
                bytes: Arc::from(&bytes[..bytes.len().min(*cap)]),
                cut: bytes.len() > *cap,
            }
        }
        Request::GitLog { .. } => Answer::File { bytes: Arc::from([]), cut: false },
        _ => panic!("asked for {request:?}"),
    }
}

/// One whole poll, as the engine would carry it out; how many rounds it took, and what it told.
fn poll(source: &dyn Source, files: &Files, memory: &mut Memory, round: u64) -> (usize, Report) {
    let seen = memory.clone();
    let asking = Asking { now: now(), last_ok: None, round, memory: &seen };
    let mut next = source.ask(&asking);
    let mut heard: Vec<Exchange> = Vec::new();
    for rounds in 1..100 {
        heard.extend(next.iter().map(|request| Exchange {
            request: request.clone(),
            answer: Ok(answer(files, request)),
        }));
        match source.read(&asking, &heard).unwrap() {
            Reading::More(more) => next = more,
            Reading::Done(report) => {
                memory.extend(report.remember.iter().cloned());
                return (rounds, report);
            }
        }
    }
    panic!("a poll without an end");
}

fn documents(report: Report) -> Vec<PostMortem> {
    let of = |fact| match fact {
        Fact::PostMortem(found) => Some(*found),
        _ => None,
    };
    report.facts.into_iter().filter_map(of).collect()
}

fn one(name: &str, bytes: &[u8]) -> PostMortem {
    let files = Files::from([(name.to_owned(), (bytes.to_vec(), 1))]);
    let mut found = documents(poll(&*source(), &files, &mut Memory::new(), 0).1);
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

fn walk(folder: &Path, below: &str, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, (std::fs::read(entry.path()).unwrap(), 1));
        }
    }
}

#[test]
fn every_document_of_the_corpus_is_one_row() {
    let Some(folder) = corpus("postmortems") else { return };
    let mut files = Files::new();
    walk(&folder, "", &mut files);
    let (_, report) = poll(&*source(), &files, &mut Memory::new(), 0);
    assert_eq!(report.complete, [Feed::PostMortems]);
    assert_eq!(report.notes[0].as_str(), "7 files skipped: an index, a template or a guide");
    let found = documents(report);
    assert_eq!(found.len(), 73);
}

/// A row of the table read by eye.
struct Eye {
    file: &'static str,
    title: &'static str,
    /// Date, where it is written, and the dates that disagree.
    date: &'static str,
    severity: Option<u8>,
    /// Headings as they stand in the file, in order, with the kind a reader gives them: the first of each kind.
    sections: &'static [(SectionKind, &'static str)],
    /// Headings in the document, the title and bold labels not counted.
    headings: usize,
}

const MYBINDER: &str = "jupyterhub-mybinder.org-deploy/docs/source/incident-reports/";
const KUBERNETES: &str = "kubernetes-test-infra/docs/post-mortems/";
const DFDS: &str = "dfds-postmortems/";
const POSTHOG: &str = "PostHog-post-mortems/";

use SectionKind::{Actions, Detection, Impact, Lessons, Resolution, RootCause, Summary, Timeline};

/// Read by a person from the files, before the reader saw them.
const BY_EYE: &[(&str, Eye)] = &[
    (
        MYBINDER,
        Eye {
            file: "2017-09-27-hub-403.md",
            title: "2017-09-27, Hub 403",
            date: "2017-09-27 file name",
            severity: None,
            sections: &[(Summary, "Summary"), (Timeline, "Timeline"), (Actions, "Action Items")],
            headings: 0,
        },
    ),
    (
        MYBINDER,
        Eye {
            file: "2018-01-18-ssl-outdated.md",
            title: "2018-01-11, Warning from letsencrypt about outdated SSL certificate",
            date: "2018-01-18 file name ≠ 2018-01-11 heading",
            severity: None,
            sections: &[(Summary, "Summary"), (Timeline, "Timeline"), (Actions, "Action items")],
            headings: 0,
        },
    ),
    (
        MYBINDER,
        Eye {
            file: "2018-02-12-launch-fail.md",
            title: "2018-02-12, Hub Launch Fail",
            date: "2018-02-12 file name",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (Lessons, "Lessons learnt"),
                (Actions, "Action items"),
            ],
            headings: 0,
        },
    ),
    (
        MYBINDER,
        Eye {
            file: "2018-04-18-cull-flood.md",
            title: "2018-04-18, Culler flood",
            date: "2018-04-18 file name",
            severity: None,
            sections: &[
                (Timeline, "Timeline"),
                (Lessons, "Lessons learned"),
                (Actions, "Action items"),
            ],
            headings: 0,
        },
    ),
    (
        MYBINDER,
        Eye {
            file: "2019-02-20-no-logs.md",
            title: "incident date: 2019-02-20, kubectl logs unavailable",
            date: "2019-02-20 file name",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (Lessons, "Lessons learnt"),
                (Actions, "Action items"),
            ],
            headings: 0,
        },
    ),
    (
        MYBINDER,
        Eye {
            file: "2022-06-02-pod-limit.md",
            title: "2022-01-27, pod limit reached",
            date: "2022-06-02 file name ≠ 2022-01-27 heading",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (Lessons, "Lessons learnt"),
                (Actions, "Action items"),
            ],
            headings: 0,
        },
    ),
    (
        KUBERNETES,
        Eye {
            file: "2019-01-23.md",
            title: "January 23rd, 2019 Prow Outage",
            date: "2019-01-23 file name",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Impact, "Impact"),
                (RootCause, "Root Cause"),
                (Detection, "Detection"),
                (Resolution, "Resolution"),
                (Lessons, "Lessons Learned"),
                (Actions, "Action Items"),
                (Timeline, "Timeline"),
            ],
            headings: 12,
        },
    ),
    (
        KUBERNETES,
        Eye {
            file: "2019-02-08.md",
            title: "February 8th, 2019 - Prow responding slow & Partial outage",
            date: "2019-02-08 file name",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Impact, "Impact"),
                (RootCause, "Root Cause"),
                (Detection, "Detection"),
                (Resolution, "Resolution"),
                (Lessons, "Lessons learned"),
                (Actions, "Action items"),
                (Timeline, "Timeline"),
            ],
            headings: 13,
        },
    ),
    (
        KUBERNETES,
        Eye {
            file: "2019-03-26.md",
            title: "March 26th, 2019 Boskos Outage",
            date: "2019-03-26 file name",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Impact, "Impact"),
                (RootCause, "Root Cause"),
                (Detection, "Detection"),
                (Resolution, "Resolution"),
                (Lessons, "Lessons Learned"),
                (Actions, "Action Items"),
                (Timeline, "Timeline"),
            ],
            headings: 15,
        },
    ),
    (
        DFDS,
        Eye {
            file: "PM2019-009 - Kubernetes network infrastructure IP starvation.md",
            title: "Kubernetes network infrastructure IP starvation",
            date: "2019-11-29 text",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (RootCause, "Contributing Factors"),
                (Lessons, "Lessons Learned"),
                (Actions, "Action Items"),
            ],
            headings: 0,
        },
    ),
    (
        DFDS,
        Eye {
            // Every date in it has the year 20202.
            file: "PM2020-003 - Postmortem for ADSync migration.md",
            title: "ADSync migration issues",
            date: "",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (RootCause, "Contributing Factors"),
                (Lessons, "Lessons Learned"),
                (Actions, "Action Items"),
            ],
            headings: 0,
        },
    ),
    (
        DFDS,
        Eye {
            // `On Tuesday 9th of June 2020`.
            file: "PM2020-005 - ALB instance attachment.md",
            title: "ALB instance attachments removed",
            date: "2020-06-09 text",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (RootCause, "Contributing Factors"),
                (Lessons, "Lessons Learned"),
                (Actions, "Action Items"),
            ],
            headings: 0,
        },
    ),
    (
        DFDS,
        Eye {
            // The day of July stands without a year in the prose; the timeline has it whole.
            file: "PM2021-007 - All services returning 503 in Kubernetes.md",
            title: "All services returning 503 in Kubernetes",
            date: "2021-07-02 text",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (RootCause, "Contributing Factors"),
                (Actions, "Action Items"),
                (Lessons, "Lessons Learned"),
            ],
            headings: 0,
        },
    ),
    (
        DFDS,
        Eye {
            // The timeline begins in 2020 with how it came to be; the incident is of 2022, as its id says.
            file: "PM2022-006 - ALB 502 errors.md",
            title: "ALB 502 Errors",
            date: "2022-05-25 text",
            severity: None,
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (RootCause, "Contributing Factors"),
                (Actions, "Action Items"),
                (Lessons, "Lessons Learned"),
            ],
            headings: 0,
        },
    ),
    (
        POSTHOG,
        Eye {
            file: "2025-10-03-surveys-sdk-bug.md",
            title: "PostHog Surveys SDK Bug - October 3, 2025",
            date: "2025-10-03 file name",
            severity: Some(2),
            sections: &[
                (Summary, "Summary"),
                (Timeline, "Timeline"),
                (Detection, "Detection delay"),
                (RootCause, "Root Cause Analysis"),
                (Impact, "Impact"),
                (Resolution, "Remediation"),
                (Actions, "Immediate Actions"),
                (Lessons, "Lessons Learned"),
            ],
            headings: 15,
        },
    ),
    (
        POSTHOG,
        Eye {
            // Underlined headings; `### Scope` is the last of the second section.
            file: "2025-11-15-persons-db-migration.md",
            title: "PostHog Data Processing Delays - Events & Persons Ingestion (November 2025)",
            date: "2025-11-15 file name",
            severity: None,
            sections: &[
                (Summary, "Incident Summary"),
                (Impact, "Incident Impact"),
                (Timeline, "Timeline"),
                (RootCause, "Root cause analysis"),
                (Resolution, "Remediation"),
                (Actions, "Immediate actions (completed)"),
                (Lessons, "Lessons learned"),
            ],
            headings: 0,
        },
    ),
    (
        POSTHOG,
        Eye {
            file: "2025-11-26-shai-hulud-attack.md",
            title: "Post-mortem of Shai-Hulud attack on November 24th, 2025",
            date: "2025-11-26 file name ≠ 2025-11-24 heading",
            severity: None,
            sections: &[
                (RootCause, "Why did it happen?"),
                (Actions, "How are we preventing it from happening again?"),
            ],
            headings: 4,
        },
    ),
    (
        POSTHOG,
        Eye {
            file: "2026-01-17-replay-sdk-fetch-wrapper-incident.md",
            title: "Post-Mortem: Changes to SDK fetch() wrapper breaking client sites",
            date: "2026-01-17 file name",
            severity: Some(1),
            sections: &[
                (Summary, "Summary"),
                (Impact, "Impact"),
                (Timeline, "Timeline"),
                (RootCause, "Root Cause"),
                (Resolution, "Resolution"),
                (Lessons, "Insights"),
                (Actions, "Action Items"),
            ],
            headings: 7,
        },
    ),
    (
        POSTHOG,
        Eye {
            // No heading at all: the file name is all the title it has.
            file: "investigations/2024-02-28-decide is down.md",
            title: "2024-02-28-decide is down",
            date: "2024-02-28 file name",
            severity: None,
            sections: &[],
            headings: 0,
        },
    ),
];

#[test]
fn the_reader_sees_what_a_person_sees() {
    let Some(folder) = corpus("postmortems") else { return };
    for (below, eye) in BY_EYE {
        let bytes = std::fs::read(folder.join(below).join(eye.file)).unwrap();
        let found = one(&format!("{below}{}", eye.file), &bytes);
        assert_eq!(found.title.as_str(), eye.title, "{}", eye.file);
        let date = found.dated.as_ref().map_or(String::new(), |dated| {
            let mut words = format!("{} {}", dated.date.value, dated.date.place.words());
            for other in &dated.conflicts {
                words += &format!(" ≠ {} {}", other.value, other.place);
            }
            words
        });
        assert_eq!(date, eye.date, "{}", eye.file);
        assert_eq!(found.level().map(|s| s.0), eye.severity, "{}", eye.file);
        let mut firsts: Vec<(SectionKind, &str)> = Vec::new();
        for section in &found.sections {
            if section.kind != SectionKind::Other && firsts.iter().all(|(k, _)| *k != section.kind)
            {
                firsts.push((section.kind, section.heading.as_str()));
            }
        }
        assert_eq!(firsts, eye.sections, "{}", eye.file);
        if eye.headings > 0 {
            let whole = found.sections.iter().filter(|section| {
                let line = found.text.as_str().lines().nth(section.line).unwrap();
                !line.contains("**")
            });
            assert_eq!(whole.count(), eye.headings, "{}", eye.file);
        }
    }
}

#[test]
fn the_typo_of_a_year_is_flagged_and_not_repaired() {
    let found = one("x.md", b"# T\n| 20202-01-16 12:00 | broke |\n");
    assert_eq!(found.dated, None);
    assert_eq!(found.flags[0].as_str(), "the year 20202 cannot be right");
}

#[test]
fn no_heading_of_the_corpus_is_lost() {
    let Some(folder) = corpus("postmortems") else { return };
    let mut files = Files::new();
    walk(&folder, "", &mut files);
    let found = documents(poll(&*source(), &files, &mut Memory::new(), 0).1);
    for doc in found {
        let text = doc.text.as_str();
        let lines: Vec<&str> = text.lines().collect();
        let mut fenced = false;
        for (i, line) in lines.iter().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            let heading = line.starts_with("## ") || line.starts_with("### ");
            if heading && !fenced {
                assert!(doc.sections.iter().any(|s| s.line == i), "{}:{i} {line}", doc.path);
            }
        }
        for section in &doc.sections {
            assert!(section.line < section.end && section.end <= lines.len(), "{}", doc.path);
        }
    }
}

#[test]
fn only_new_and_changed_files_are_read_again() {
    let source = source();
    let mut files: Files = (0..1_300)
        .map(|i| {
            (format!("2024-01-{:02}-{i}.md", i % 28 + 1), (format!("# doc {i}\n").into_bytes(), 1))
        })
        .collect();
    let mut memory = Memory::new();
    let mut told = Vec::new();
    for round in 0..3 {
        let (rounds, report) = poll(&*source, &files, &mut memory, round);
        assert_eq!(rounds, 2, "the list, and what is read of it");
        assert_eq!(report.complete.is_empty(), report.progress.is_some());
        told.push((report.facts.len(), report.still.len(), report.progress.map(|p| p.read)));
    }
    assert_eq!(told, [(500, 800, Some(500)), (500, 800, Some(1_000)), (300, 1_000, None)]);

    let changed = files.keys().next().unwrap().clone();
    files.insert(changed, (b"# another title\n".to_vec(), 2));
    let (rounds, report) = poll(&*source, &files, &mut memory, 3);
    assert_eq!((rounds, report.facts.len(), report.still.len()), (2, 1, 1_299));
    assert_eq!(report.complete, [Feed::PostMortems]);

    let (rounds, report) = poll(&*source, &files, &mut memory, 0);
    assert_eq!((rounds, report.facts.len(), report.still.len()), (1, 0, 1_300), "the next run");
    let (_, report) = poll(&*source, &files, &mut Memory::new(), 0);
    assert_eq!(report.facts.len(), 500, "a run without memory reads everything");
}

#[test]
fn a_file_that_cannot_be_read_costs_only_its_row() {
    let source = source();
    let files = Files::from([
        ("a.md".to_owned(), (b"# a".to_vec(), 1)),
        ("b.md".to_owned(), (b"# b".to_vec(), 1)),
    ]);
    let memory = Memory::new();
    let asking = Asking { now: now(), last_ok: None, round: 0, memory: &memory };
    let mut heard = Vec::new();
    let mut next = source.ask(&asking);
    let report = loop {
        for request in &next {
            let denied =
                matches!(request, Request::ReadFile { file, .. } if file.ends_with("a.md"));
            let answer = if denied {
                Err(andon::model::Trouble::new(andon::model::Status::Auth, "permission denied"))
            } else {
                Ok(answer(&files, request))
            };
            heard.push(Exchange { request: request.clone(), answer });
        }
        match source.read(&asking, &heard).unwrap() {
            Reading::More(more) => next = more,
            Reading::Done(report) => break report,
        }
    };
    assert_eq!(report.facts.len(), 1);
    assert_eq!(report.still.len(), 1, "what was known of it is not gone");
    assert_eq!(
        report.partial.unwrap().as_str(),
        "1 of 2 files could not be read: a.md: permission denied"
    );
}

#[test]
fn hostile_files_cost_their_row_a_flag_and_nothing_else() {
    let long_line = format!("# T\n{}\n", "x".repeat(1024 * 1024));
    assert_eq!(one("long.md", long_line.as_bytes()).flags[0].as_str(), "cut at 1 MiB");

    let quotes = format!("# T\n{} deep\n", ">".repeat(20_000));
    assert_eq!(one("quotes.md", quotes.as_bytes()).title.as_str(), "T");

    let bomb = "---\na: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n---\n# T\n";
    let found = one("bomb.md", bomb.as_bytes());
    assert_eq!((found.title.as_str(), found.flags.len()), ("T", 1));

    let found = one("bytes.md", b"# caf\xe9\n\nx\n");
    assert_eq!((found.title.as_str(), found.flags[0].as_str()), ("caf\u{fffd}", "invalid UTF-8"));

    let found = one("esc.md", "# \u{1b}]52;c;aGk=\u{7} title\u{202e}\n".as_bytes());
    assert!(!found.title.as_str().contains(['\u{1b}', '\u{7}', '\u{202e}']));
}

#[test]
fn no_mark_repeated_a_million_times_costs_more_than_its_row() {
    let head = "# T\n\n## Timeline\n\n## Actions\n\n## Impact\n";
    for mark in [
        "[", "]", "`", "|", "*", "<", "!", "- ", "~", "@", "#", "(", "1", "9 h ", "$1 ", ": ",
        "[a][", "](", "lasted ",
    ] {
        let line = mark.repeat(1_000_000 / mark.len());
        let found = one("long.md", format!("{head}{line}\n- {line}\n| {line} |\n").as_bytes());
        assert_eq!(found.title.as_str(), "T", "{mark}");
        let lines = format!("{mark} x\n").repeat(20_000);
        assert_eq!(
            one("lines.md", format!("{head}{lines}").as_bytes()).title.as_str(),
            "T",
            "{mark}"
        );
    }
}

#[test]
fn empty_files_are_skipped_and_counted() {
    let files = Files::from([
        ("a.md".to_owned(), (Vec::new(), 1)),
        ("b.md".to_owned(), (b" \n\t\n".to_vec(), 1)),
        ("c.md".to_owned(), (b"# c".to_vec(), 1)),
    ]);
    let (_, report) = poll(&*source(), &files, &mut Memory::new(), 0);
    assert_eq!(report.facts.len(), 1);
    assert_eq!(report.notes[0].as_str(), "2 files skipped: empty");
}

#[test]
fn front_matter_comes_first_and_a_differing_name_is_a_conflict() {
    let found = one(
        "2020-01-01-x.md",
        b"---\ntitle: The outage\ndate: 2020-01-03\nseverity: SEV-2\nservices: [checkout, db]\n---\n# Other\n",
    );
    let dated = found.dated.unwrap();
    assert_eq!(found.title.as_str(), "The outage");
    assert_eq!(
        (dated.date.value.to_string().as_str(), dated.date.place.words()),
        ("2020-01-03", "front matter")
    );
    assert_eq!(dated.conflicts[0].place.words(), "file name");
    assert_eq!(found.severity.unwrap().place.words(), "front matter");
    assert_eq!(found.services.len(), 2);
}

#[test]
fn a_readme_in_a_dated_folder_takes_its_date_from_there() {
    let found = one("2020/2020-07-09/README.md", b"# Checkout was slow\n");
    let dated = found.dated.unwrap();
    assert_eq!(
        (dated.date.value.to_string().as_str(), dated.date.place.words()),
        ("2020-07-09", "directory")
    );
}

#[test]
fn rst_gives_its_title_and_its_parts() {
    let found = one("a.rst", b"=========\nBad night\n=========\n\nPart\n----\n");
    assert_eq!((found.title.as_str(), found.sections.len()), ("Bad night", 1));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..400)) {
        let files = Files::from([("a.md".to_owned(), (bytes, 1))]);
        let (_, report) = poll(&*source(), &files, &mut Memory::new(), 0);
        proptest::prop_assert_eq!(report.complete.len(), 1);
    }
}
