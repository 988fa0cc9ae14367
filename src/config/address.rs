//! Addresses as they may be shown: without user, password, query and fragment.

use url::Url;

/// An address without user, password, query and fragment: what screens and `andon config` show.
pub fn shown_address(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let secret_query = shown.query().is_some();
    shown.set_query(None);
    shown.set_fragment(None);
    let text = shown.to_string();
    if secret_query { format!("{text}?…") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let url = Url::parse("https://me:pw@h.example:8443/a/b?token=t#f").unwrap();
        assert_eq!(shown_address(&url), "https://h.example:8443/a/b?…");
    }
}
