//! What a heading calls its section: the words teams use, by the synonym table of the trade.

use crate::model::SectionKind;

/// Beginnings of headings, ignoring case, emoji and a colon. Longer ones are tried first.
const SYNONYMS: &[(SectionKind, &[&str])] = &[
    (
        SectionKind::Summary,
        &[
            "summary",
            "overview",
            "tl;dr",
            "tldr",
            "incident summary",
            "issue summary",
            "what happen",
        ],
    ),
    (
        SectionKind::Impact,
        &["impact", "customer impact", "user impact", "user-facing impact", "scope"],
    ),
    (
        SectionKind::RootCause,
        &[
            "root cause",
            "cause",
            "contributing factor",
            "contributing cause",
            "fault",
            "details of",
            "detailed cause",
            "identified cause",
            "why this",
            "why it",
            "why did",
        ],
    ),
    (SectionKind::Trigger, &["trigger", "leadup", "lead-up", "lead up"]),
    (SectionKind::Detection, &["detection", "identified"]),
    (
        SectionKind::Resolution,
        &["resolution", "recovery", "remediation", "mitigation", "what was done"],
    ),
    (SectionKind::Timeline, &["timeline", "key events", "context", "chain of events"]),
    (
        SectionKind::Lessons,
        &[
            "lessons",
            "went well",
            "went wrong",
            "went poorly",
            "lucky",
            "could have gone better",
            "key takeaway",
            "insights",
        ],
    ),
    (
        SectionKind::Actions,
        &[
            "action",
            "review actions",
            "follow-up",
            "followup",
            "follow up",
            "next steps",
            "corrective",
            "improvement",
            "prevention",
            "preventing",
        ],
    ),
];

/// Words a heading may begin with before it says what it is about: `What went well`, `Short-term improvements`.
const LEAD_IN: &[&str] = &[
    "what",
    "where",
    "how",
    "we",
    "got",
    "are",
    "the",
    "our",
    "things",
    "that",
    "incident",
    "issue",
    "immediate",
    "planned",
    "short-term",
    "medium-term",
    "mid-term",
    "long-term",
    "short",
    "long",
    "term",
    "preventive",
    "open",
];

/// The kind of section a heading opens.
pub fn kind(heading: &str) -> SectionKind {
    let words = heading.to_lowercase();
    let mut rest = words.trim_start_matches(|c: char| !c.is_alphanumeric());
    loop {
        if let Some(kind) = by_prefix(rest) {
            return kind;
        }
        let Some((word, tail)) = rest.split_once(|c: char| c.is_whitespace()) else {
            return SectionKind::Other;
        };
        if !LEAD_IN.contains(&word) {
            return SectionKind::Other;
        }
        rest = tail.trim_start_matches(|c: char| !c.is_alphanumeric());
    }
}

fn by_prefix(words: &str) -> Option<SectionKind> {
    SYNONYMS
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| (*kind, *name)))
        .filter(|(_, name)| words.starts_with(name))
        .max_by_key(|(_, name)| name.len())
        .map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_real_documents_are_understood() {
        for (heading, expected) in [
            ("Summary", SectionKind::Summary),
            ("🔥 TL;DR:", SectionKind::Summary),
            ("What happened", SectionKind::Summary),
            ("Incident Timeline", SectionKind::Timeline),
            ("Root Cause Analysis", SectionKind::RootCause),
            ("Root causes:", SectionKind::RootCause),
            ("Why did it happen?", SectionKind::RootCause),
            ("Lessons learnt", SectionKind::Lessons),
            ("What went well?", SectionKind::Lessons),
            ("Where we got lucky", SectionKind::Lessons),
            ("What could have gone better?", SectionKind::Lessons),
            ("Action items", SectionKind::Actions),
            ("Short-term Improvements (Target: Q4 2025)", SectionKind::Actions),
            ("How are we preventing it from happening again?", SectionKind::Actions),
            ("Remediation", SectionKind::Resolution),
            ("Detection", SectionKind::Detection),
            ("Appendix", SectionKind::Other),
            ("What should you do?", SectionKind::Other),
            ("", SectionKind::Other),
            ("14:08", SectionKind::Other),
        ] {
            assert_eq!(kind(heading), expected, "{heading}");
        }
    }
}
