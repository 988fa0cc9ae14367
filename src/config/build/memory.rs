//! `[store]`: the memory's place and bounds.

use crate::config::Memory;
use crate::config::raw;

use super::site::Site;

/// Less is no memory: a page of one day would be cut.
const LEAST: u64 = 1024 * 1024;

pub fn build_memory(raw: &raw::Store, site: &mut Site<'_>) -> Memory {
    let mut memory = Memory::default();
    if let Some(path) = &raw.path {
        if path.get_ref() == "none" {
            memory.on = false;
        } else {
            memory.path = Some(site.path(path));
        }
    }
    if let Some(retention) = &raw.retention {
        memory.retention = site.duration_of_days(retention).unwrap_or(memory.retention);
    }
    if let Some(most) = &raw.max_size {
        match bytes(most.get_ref()) {
            Some(bytes) if bytes >= LEAST => memory.most = bytes,
            _ => site.problem(
                &most.span(),
                "no size of at least 1MB",
                Some("write it like \"100MB\"".to_owned()),
            ),
        }
    }
    memory
}

/// `100MB`, `1GB`, with or without a blank or the `i` of powers of two, which are meant either way.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
    let unit = match text.get(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()..)? {
        "kB" | "KB" | "KiB" | "k" | "K" => 1024,
        "MB" | "MiB" | "M" => 1024 * 1024,
        "GB" | "GiB" | "G" => 1024 * 1024 * 1024,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_what_people_write() {
        for (text, size) in [("100MB", 100 << 20), ("1 GiB", 1 << 30), ("2048 kB", 2 << 20)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "MB", "100", "-1MB", "1.5GB", "99999999999999999999GB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
