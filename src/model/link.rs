//! A web address that may be offered for opening: http or https only, punycode host, no credentials.

use super::Clean;

/// A validated link. Remote data becomes a link to *show and offer*, never a request of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Link(Clean);

impl<'de> serde::Deserialize<'de> for Link {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = String::deserialize(from)?;
        Self::parse(&words).ok_or_else(|| serde::de::Error::custom("no web address"))
    }
}

impl Link {
    /// `None` for every scheme but http(s), for addresses with a user or password, and above 2 KiB.
    pub fn parse(raw: &str) -> Option<Self> {
        let url = url::Url::parse(raw.trim()).ok().filter(|_| raw.len() <= 2048)?;
        let web = matches!(url.scheme(), "http" | "https");
        let bare = url.username().is_empty() && url.password().is_none();
        (web && bare && url.has_host()).then(|| Self(Clean::line(url.as_str())))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn clean(&self) -> &Clean {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_become_links() {
        assert_eq!(Link::parse("https://ex.org/a?b=c").unwrap().as_str(), "https://ex.org/a?b=c");
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://u:p@ex.org/",
            "ssh://h",
            "--help",
            "",
        ] {
            assert_eq!(Link::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn look_alike_hosts_are_shown_as_punycode() {
        assert!(Link::parse("https://раураl.com/").unwrap().as_str().starts_with("https://xn--"));
    }

    #[test]
    fn escapes_in_an_address_are_percent_encoded() {
        assert!(!Link::parse("https://ex.org/\u{1b}]52;c;x").unwrap().as_str().contains('\u{1b}'));
    }
}
