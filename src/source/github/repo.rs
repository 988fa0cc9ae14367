//! A repository as configured: `owner/name`, checked, with the addresses and identities made from it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use url::Url;

use crate::model::{Clean, Link};

/// `owner/name` of a repository.
#[derive(Debug, Clone)]
pub struct Repo {
    pub owner: Box<str>,
    pub name: Box<str>,
    /// As configured, for matching with services.
    pub shown: Clean,
    /// Where its pages are, for people.
    site: Option<Url>,
}

impl Repo {
    /// Owners are up to 39 letters, digits and hyphens (managed users have an underscore), names up to 100 with dots.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || match suggestion(text) {
            Some(better) => format!("`{text}` is no owner/name: write `{better}`"),
            None => format!("`{text}` is no owner/name, such as `acme/checkout`"),
        };
        let (owner, name) = text.split_once('/').ok_or_else(wrong)?;
        if is_owner(owner) && is_name(name) {
            Ok(Self {
                owner: owner.into(),
                name: name.into(),
                shown: Clean::line(text),
                site: None,
            })
        } else {
            Err(wrong())
        }
    }

    #[must_use]
    pub fn at(mut self, site: Option<&Url>) -> Self {
        self.site = site.cloned();
        self
    }

    /// A path below the repository in the REST API.
    pub fn path(&self, below: &str) -> String {
        format!("repos/{}/{}/{below}", self.owner, self.name)
    }

    /// A page of the repository for people.
    pub fn page(&self, below: &str) -> Option<Link> {
        let mut url = self.site.clone()?;
        let before = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{before}/{}/{}/{below}", self.owner, self.name));
        Link::parse(url.as_str())
    }

    /// Identities read like the API's own paths: an action finds its address in them.
    pub fn deployment_id(&self, id: &str) -> String {
        self.path(&format!("deployments/{id}"))
    }

    pub fn release_id(&self, id: &str) -> String {
        self.path(&format!("releases/{id}"))
    }

    pub fn milestone_id(&self, number: u64) -> String {
        self.path(&format!("milestones/{number}"))
    }

    pub fn run_id(&self, id: &str) -> String {
        self.path(&format!("actions/runs/{id}"))
    }

    pub fn is(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

fn is_owner(text: &str) -> bool {
    (1..=39).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text != "."
        && text != ".."
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// The `owner/name` inside an address, where there is one.
fn suggestion(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/').trim_end_matches(".git");
    let mut parts = text.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    (is_owner(owner) && is_name(name)).then(|| format!("{owner}/{name}"))
}

/// Read by a visitor of its own, so that a wrong entry is located in the configuration.
impl<'de> Deserialize<'de> for Repo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Repo;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a repository as \"owner/name\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Repo, E> {
                Repo::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owner_and_name_are_taken_and_addresses_are_understood() {
        for good in ["acme/checkout", "a/b", "octo-org/.github", "mona_corp/x.y_z-1"] {
            assert!(Repo::parse(good).is_ok(), "{good}");
        }
        for (bad, better) in [
            ("https://github.com/acme/checkout", Some("acme/checkout")),
            ("git@github.com:acme/checkout.git", Some("acme/checkout")),
            ("acme/checkout/", Some("acme/checkout")),
            ("checkout", None),
            ("acme/..", None),
            ("ac me/x", None),
            ("acme/x?y", None),
            ("", None),
        ] {
            let error = Repo::parse(bad).unwrap_err();
            match better {
                Some(better) => assert!(error.ends_with(&format!("write `{better}`")), "{error}"),
                None => assert!(error.ends_with("such as `acme/checkout`"), "{error}"),
            }
        }
    }
}
