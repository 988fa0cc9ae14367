//! A project as configured: `group/name` or its number, with the addresses and identities made from it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use url::Url;

use crate::model::{Clean, Link};

/// A project, by its path or its number.
#[derive(Debug, Clone)]
pub struct Project {
    /// As configured: identities are made of it, so that they do not change when more is learnt.
    pub told: Box<str>,
}

/// What GitLab tells of a project once: kept as text between polls.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    /// `group/name`, for matching with services.
    pub path: String,
    /// Where its pages are.
    pub web: String,
    /// The branch work is merged to; empty in an empty project.
    pub branch: String,
}

impl Project {
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_number =
            !text.is_empty() && text.len() < 20 && text.bytes().all(|b| b.is_ascii_digit());
        if is_number || is_path(text) {
            return Ok(Self { told: text.into() });
        }
        let better = Url::parse(text.trim())
            .ok()
            .map(|url| url.path().trim_matches('/').trim_end_matches(".git").to_owned())
            .filter(|path| is_path(path));
        Err(match better {
            Some(path) => format!("`{text}` is no project: write `{path}`"),
            None => format!(
                "`{text}` is no project: write its path, such as `acme/checkout`, or its number"
            ),
        })
    }

    /// A path below the project in the API: its own path is one segment, with `%2F`.
    pub fn path(&self, below: &str) -> String {
        let escaped = self.told.replace('/', "%2F");
        if below.is_empty() {
            format!("projects/{escaped}")
        } else {
            format!("projects/{escaped}/{below}")
        }
    }

    /// Identities read like the API's own paths: an action finds its address in them.
    pub fn id(&self, below: &str) -> String {
        format!("projects/{}/{below}", self.told)
    }

    pub fn is(&self, other: &Self) -> bool {
        self.told.eq_ignore_ascii_case(&other.told)
    }

    /// What is known before GitLab told anything.
    pub fn guess(&self, base: &Url) -> Known {
        let mut web = base.clone();
        web.set_query(None);
        let prefix = base.path().trim_end_matches('/').trim_end_matches("/api/v4").to_owned();
        web.set_path(&format!("{prefix}/{}", self.told));
        Known { path: self.told.to_string(), web: web.into(), branch: String::new() }
    }
}

impl Known {
    pub fn shown(&self) -> Clean {
        Clean::line(&self.path)
    }

    pub fn page(&self, below: &str) -> Option<Link> {
        Link::parse(&format!("{}/-/{below}", self.web.trim_end_matches('/')))
    }
}

fn is_path(text: &str) -> bool {
    let segment = |s: &str| {
        !s.is_empty()
            && s.len() <= 255
            && !s.starts_with(['-', '.'])
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
    };
    text.contains('/') && text.split('/').all(segment) && text.len() <= 1024
}

/// Read by a visitor of its own, so that a wrong entry is located; a number may be written as one.
impl<'de> Deserialize<'de> for Project {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Project;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a project as \"group/name\" or its number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Project, E> {
                Project::parse(text).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Project, E> {
                Project::parse(&number.to_string()).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_numbers_are_taken_and_addresses_are_understood() {
        for good in ["acme/checkout", "acme/web/check.out_2", "42"] {
            assert!(Project::parse(good).is_ok(), "{good}");
        }
        let error = Project::parse("https://gitlab.example/acme/web/checkout.git").unwrap_err();
        assert!(error.ends_with("write `acme/web/checkout`"), "{error}");
        for bad in ["", "checkout", "acme/../x", "acme//x", "a b/c", "acme/x?y", "-1", "acme/x%2Fy"]
        {
            assert!(Project::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Project::parse("a/b/c").unwrap().path("releases"),
            "projects/a%2Fb%2Fc/releases"
        );
    }
}
