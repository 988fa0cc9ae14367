//! In which order environments are promoted, where nobody has said: by the words people name them with.

/// The place of an environment in promotion order, the last one counting most; `None` for one that is nobody's goal.
///
/// `listed` is the configured order, and decides alone where there is one.
pub fn rank(listed: &[String], name: &str, tier: &str) -> Option<usize> {
    if !listed.is_empty() {
        return listed.iter().position(|e| e.eq_ignore_ascii_case(name));
    }
    let name = name.to_ascii_lowercase();
    // Environments of a branch or a pull request come and go: `review/fix-login`, `pr-123`.
    if name.contains('/') && tier != "production" {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    match tier {
        "production" => Some(4),
        "staging" => Some(3),
        "testing" => Some(2),
        "development" => Some(1),
        _ if has(&["preprod", "pre-prod", "stag", "uat", "canary"]) => Some(3),
        _ if has(&["prod", "live"]) => Some(4),
        _ if name == "test" || has(&["testing", "qa", "integration"]) => Some(2),
        _ if name == "dev" || has(&["develop"]) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_only_where_nobody_listed_an_order() {
        for (name, tier, expected) in [
            ("production", "", Some(4)),
            ("prod-eu", "", Some(4)),
            ("pre-prod", "", Some(3)),
            ("Staging", "", Some(3)),
            ("qa", "", Some(2)),
            ("dev", "", Some(1)),
            ("anything", "production", Some(4)),
            ("review/production-fix", "", None),
            ("review/production-fix", "development", None),
            ("github-pages", "", None),
        ] {
            assert_eq!(rank(&[], name, tier), expected, "{name} {tier}");
        }
        let listed = ["qa".to_owned(), "live".to_owned()];
        assert_eq!(rank(&listed, "Live", ""), Some(1));
        assert_eq!(rank(&listed, "production", "production"), None);
    }
}
