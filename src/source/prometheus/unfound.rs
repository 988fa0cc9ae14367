//! Services for which nothing was found: what was looked for, and the name that was probably meant.

use std::collections::BTreeSet;

use url::Url;

use super::super::{Exchange, Http, Request, wire};
use super::answer::{Heard, hear};
use super::plan::Plan;
use super::presets::USUAL;
use super::tag_of;
use super::watched::Watched;
use crate::model::Clean;

const VALUES: &str = "values:";
/// Labels whose values are asked for near names: those that are most often there.
const ASKED: [&str; 2] = ["job", "service"];
/// Services named one by one.
const NAMED: usize = 4;

/// Which names there are: read from the store's index, and only while somebody is missing.
pub fn requests(base: &Url) -> impl Iterator<Item = Request> {
    ASKED.into_iter().map(|label| {
        let url = wire::join(base, &format!("api/v1/label/{label}/values"));
        Request::Http(Http::get(format!("{VALUES}{label}"), url))
    })
}

pub fn asked(heard: &[Exchange]) -> bool {
    heard.iter().any(|e| tag_of(e).starts_with(VALUES))
}

/// Those that want numbers and have none.
pub fn missing<'w>(watched: &'w [Watched], plan: &Plan) -> Vec<&'w Watched> {
    let found = plan.services();
    watched.iter().filter(|one| !found.contains(&one.name)).collect()
}

/// What to say of them, each with the nearest name that the store knows.
pub fn words(missing: &[&Watched], heard: &[Exchange]) -> Vec<Clean> {
    let mut known: BTreeSet<(String, &str)> = BTreeSet::new();
    for label in ASKED {
        let tag = format!("{VALUES}{label}");
        let Some(exchange) = heard.iter().find(|e| tag_of(e) == tag) else { continue };
        let Heard::Good(good) = hear(exchange) else { continue };
        let values: Vec<String> = serde_json::from_str(good.data.get()).unwrap_or_default();
        known.extend(values.into_iter().map(|value| (value, label)));
    }
    let mut notes: Vec<Clean> = missing.iter().take(NAMED).map(|one| of(one, &known)).collect();
    if missing.len() > NAMED {
        let more = missing.len() - NAMED;
        notes.push(Clean::line(format_args!("nor for {more} services more")));
    }
    notes
}

fn of(one: &Watched, known: &BTreeSet<(String, &str)>) -> Clean {
    let name = &one.name;
    let looked = if one.labels.is_empty() {
        format!("{} {name}", USUAL.join(", "))
    } else {
        let labels: Vec<String> = one.labels.iter().map(|(k, v)| format!("{k} {v}")).collect();
        format!("{}, nor with {} {name}", labels.join(" and "), USUAL.join(", "))
    };
    let near = nearest(name.as_str(), known);
    let near = near.map_or_else(String::new, |(value, label)| {
        format!("; there is {label} {value}: match.labels = {{ {label} = \"{value}\" }}")
    });
    Clean::line(format_args!("nothing found for {name}: no known series with {looked}{near}"))
}

/// A name that differs by a slip or by its signs, or that holds the other as a word.
fn nearest<'k>(name: &str, known: &'k BTreeSet<(String, &'k str)>) -> Option<(&'k str, &'k str)> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let far = |value: &str| {
        let holds = value.split(|c: char| !c.is_alphanumeric()).any(|word| plain(word) == wanted);
        if holds { 0 } else { strsim::damerau_levenshtein(&wanted, &plain(value)) }
    };
    let near = known.iter().map(|(value, label)| (far(value), value.as_str(), *label));
    let near = near.filter(|(far, ..)| *far <= (wanted.chars().count() / 3).max(1));
    near.min_by_key(|(far, ..)| *far).map(|(_, value, label)| (value, label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, Service};
    use crate::source::prometheus::Sought;

    #[test]
    fn whoever_is_not_found_learns_what_was_looked_for_and_what_there_is() {
        let service = |name: &str| Service { name: Name::new(name), ..Service::default() };
        let watched = Sought::of(&[service("chekout"), service("mail")]);
        let known = [("checkout", "job"), ("prod-mail-v2", "service"), ("zzz", "job")];
        let known: BTreeSet<(String, &str)> =
            known.into_iter().map(|(value, label)| (value.to_owned(), label)).collect();
        let told: Vec<String> = watched.iter().map(|one| of(one, &known).to_string()).collect();
        assert_eq!(
            told[0],
            "nothing found for chekout: no known series with service, service_name, \
             app_kubernetes_io_name, app, application, job chekout; there is job checkout: \
             match.labels = { job = \"checkout\" }"
        );
        assert!(told[1].ends_with("match.labels = { service = \"prod-mail-v2\" }"), "{}", told[1]);
        assert_eq!(nearest("billing", &known), None);
    }
}
