//! Which names say a version: `v412`, `1.4.2`; a branch or a hash does not, whatever was deployed from it.

/// A number with an optional `v` before it, and more than a lone number without one.
pub fn is_version(name: &str) -> bool {
    let number = name.strip_prefix(['v', 'V']).unwrap_or(name);
    let marked = number.len() < name.len() || number.contains('.');
    number.starts_with(|c: char| c.is_ascii_digit()) && marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_hashes_are_no_versions() {
        for yes in ["v412", "1.4.2", "v2.0.0-rc.1", "2026.11.22", "1.x"] {
            assert!(is_version(yes), "{yes}");
        }
        for no in ["main", "feature/v2", "279484c0", "12", "", "v", "HEAD", "release-1.2"] {
            assert!(!is_version(no), "{no}");
        }
    }
}
