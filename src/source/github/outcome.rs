//! What became of a deployment or a run: all statuses are walked, because the newest one forgets.

use jiff::Timestamp;

use crate::model::{Clean, Outcome};

/// One status of a deployment: its word, in lower case, and when it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub word: String,
    pub at: Option<Timestamp>,
}

impl Step {
    pub fn new(word: &str, at: Option<Timestamp>) -> Self {
        Self { word: word.to_ascii_lowercase(), at }
    }
}

/// The outcome of a deployment and when it was reached.
///
/// `inactive` is told of a deployment once a newer one took its place, after its `success`: any success counts.
/// `state` is the deployment's own word, which only GraphQL has; a deployment without a status is pending.
pub fn of_deployment(state: &str, steps: &[Step]) -> (Outcome, Option<Timestamp>) {
    let state = state.to_ascii_lowercase();
    let successes = steps.iter().filter(|s| s.word == "success");
    if let Some(step) = successes.min_by_key(|s| (s.at.is_none(), s.at)) {
        return (Outcome::Succeeded, step.at);
    }
    let told = steps.iter().filter(|s| s.word != "inactive");
    let last = told.max_by_key(|s| (s.at, stage(&s.word)));
    let word = match last {
        Some(step) => step.word.as_str(),
        None if state.is_empty() && !steps.is_empty() => "inactive",
        None => state.as_str(),
    };
    match word {
        "success" | "active" => (Outcome::Succeeded, None),
        "failure" | "error" => (Outcome::Failed, last.and_then(|s| s.at)),
        // Not touched for half an hour: GitHub itself has given it up.
        "in_progress" | "queued" | "pending" | "waiting" if state == "abandoned" => {
            (other(&state), None)
        }
        "in_progress" => (Outcome::Running, None),
        "queued" | "pending" | "waiting" | "" => (Outcome::Waiting, None),
        word => (other(word), None),
    }
}

/// Statuses told in the same second: the later stage is the newer one, however the list is ordered.
fn stage(word: &str) -> u8 {
    match word {
        "queued" | "waiting" | "pending" => 0,
        "in_progress" => 1,
        _ => 2,
    }
}

/// The outcome of a workflow run. Its conclusion is a free word and counts only once it is completed.
pub fn of_run(status: &str, conclusion: &str) -> Outcome {
    match status {
        "completed" => {}
        "" if !conclusion.is_empty() => {}
        "" => return other("unknown"),
        "in_progress" => return Outcome::Running,
        "queued" | "waiting" | "requested" | "pending" => return Outcome::Waiting,
        word => return other(word),
    }
    match conclusion {
        "success" => Outcome::Succeeded,
        "failure" | "timed_out" | "startup_failure" => Outcome::Failed,
        "cancelled" => Outcome::Cancelled,
        "action_required" => Outcome::Waiting,
        "" => other("completed"),
        word => other(word),
    }
}

fn other(word: &str) -> Outcome {
    Outcome::Other(Clean::line(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Option<Timestamp> {
        Timestamp::from_second(s).ok()
    }

    fn walk(state: &str, words: &[&str]) -> (Outcome, Option<Timestamp>) {
        let steps: Vec<Step> = words.iter().zip(0..).map(|(w, i)| Step::new(w, t(i))).collect();
        let forward = of_deployment(state, &steps);
        let backward: Vec<Step> = steps.into_iter().rev().collect();
        assert_eq!(
            forward,
            of_deployment(state, &backward),
            "the order of the list decides nothing"
        );
        forward
    }

    #[test]
    fn a_replaced_deployment_still_succeeded() {
        let story = ["QUEUED", "IN_PROGRESS", "SUCCESS", "INACTIVE"];
        assert_eq!(walk("INACTIVE", &story), (Outcome::Succeeded, t(2)));
        assert_eq!(walk("", &["success", "inactive", "success"]), (Outcome::Succeeded, t(0)));
        let undated = [Step::new("success", None), Step::new("success", t(3))];
        assert_eq!(of_deployment("", &undated), (Outcome::Succeeded, t(3)));
    }

    #[test]
    fn a_failure_stays_a_failure_until_it_is_tried_again() {
        assert_eq!(walk("", &["pending", "failure", "inactive"]), (Outcome::Failed, t(1)));
        assert_eq!(walk("ERROR", &["in_progress", "error"]), (Outcome::Failed, t(1)));
        assert_eq!(walk("", &["failure", "in_progress"]).0, Outcome::Running);
        assert_eq!(walk("", &["failure", "success"]), (Outcome::Succeeded, t(1)));
    }

    #[test]
    fn statuses_of_one_second_are_told_apart_by_their_stage() {
        let words = ["failure", "queued", "in_progress"];
        let steps: Vec<Step> = words.iter().map(|w| Step::new(w, t(5))).collect();
        assert_eq!(of_deployment("", &steps), (Outcome::Failed, t(5)));
    }

    #[test]
    fn unknown_words_are_never_green() {
        let other = |w: &str| Outcome::Other(Clean::line(w));
        assert_eq!(walk("ABANDONED", &[]).0, other("abandoned"));
        assert_eq!(walk("ABANDONED", &["pending"]).0, other("abandoned"));
        assert_eq!(walk("DESTROYED", &[]).0, other("destroyed"));
        assert_eq!(walk("INACTIVE", &["inactive"]).0, other("inactive"));
        assert_eq!(walk("", &["inactive"]).0, other("inactive"));
        assert_eq!(walk("", &["pending", "PAUSED_BY_MOON"]).0, other("paused_by_moon"));
        assert_eq!(of_run("completed", "neutral"), other("neutral"));
        assert_eq!(of_run("completed", ""), other("completed"));
        assert_eq!(of_run("dreaming", "success"), other("dreaming"));
        assert_eq!(of_run("", ""), other("unknown"));
    }

    #[test]
    fn what_has_not_ended_is_waiting_or_running() {
        for word in ["queued", "pending", "waiting"] {
            assert_eq!(walk("", &[word]).0, Outcome::Waiting, "{word}");
        }
        assert_eq!(walk("", &[]).0, Outcome::Waiting);
        assert_eq!(walk("IN_PROGRESS", &["in_progress"]), (Outcome::Running, None));
        assert_eq!(of_run("in_progress", ""), Outcome::Running);
        assert_eq!(of_run("queued", ""), Outcome::Waiting);
        assert_eq!(of_run("completed", "action_required"), Outcome::Waiting);
    }

    #[test]
    fn ended_runs_have_three_plain_ends() {
        assert_eq!(of_run("completed", "success"), Outcome::Succeeded);
        for word in ["failure", "timed_out", "startup_failure"] {
            assert_eq!(of_run("completed", word), Outcome::Failed, "{word}");
        }
        assert_eq!(of_run("completed", "cancelled"), Outcome::Cancelled);
    }
}
