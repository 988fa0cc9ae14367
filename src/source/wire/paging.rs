//! The next page of a list, as long as it stays where the list began.

use url::Url;

use super::super::HttpAnswer;
use super::same_origin;
use crate::model::{Status, Trouble};

/// The `rel="next"` address of a `Link` header (RFC 8288), if it stays within the origin asked.
///
/// `Err` when it leads elsewhere: the list is then truncated, which a note should say.
pub fn next_page(answer: &HttpAnswer) -> Option<Result<Url, Trouble>> {
    let mut links = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    let target = links.find_map(|(_, value)| next_of(value))?;
    let Ok(url) = answer.url.join(target.trim()) else {
        return Some(Err(Trouble::bad_data("the address of the next page is no address")));
    };
    Some(if same_origin(&url, &answer.url) {
        Ok(url)
    } else {
        let host = url.host_str().unwrap_or("nowhere");
        let message = format!("list truncated: its next page is at {host}, another origin");
        Err(Trouble::new(Status::Redirect, message))
    })
}

/// Walks `<target>; param; param, <target>; …`: a comma may stand inside a target or a quoted value.
fn next_of(mut rest: &str) -> Option<&str> {
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = unquoted_comma(after);
        let (params, more) = after.split_at_checked(end)?;
        if params.split(';').any(is_rel_next) {
            return Some(target);
        }
        rest = more;
    }
}

fn is_rel_next(param: &str) -> bool {
    param.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value
                .trim()
                .trim_matches('"')
                .split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case("next"))
    })
}

fn unquoted_comma(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::super::testing::answer;
    use super::*;

    fn next(link: &str) -> Option<Result<String, Status>> {
        let found = next_page(&answer(200, "").with("link", link));
        found.map(|next| next.map(String::from).map_err(|t| t.status))
    }

    #[test]
    fn the_next_page_is_found_however_the_header_is_written() {
        for link in [
            r#"<https://ex.org/api/things?page=2>; rel="next""#,
            r#"<https://ex.org/a?ids=1,2>; rel="prev", <https://ex.org/api/things?page=2>; rel=next"#,
            r#"<https://ex.org/api/things?page=2>; title="a, b"; REL="last next""#,
            "<?page=2>;rel=next",
            "</api/things?page=2>; rel=\"next\"",
        ] {
            assert_eq!(next(link), Some(Ok("https://ex.org/api/things?page=2".into())), "{link}");
        }
    }

    #[test]
    fn a_next_page_elsewhere_ends_the_list_and_says_so() {
        for link in [
            "<https://api.github.com/x?page=2>; rel=\"next\"",
            "<http://ex.org/x>; rel=next",
            "<https://ex.org:444/x>; rel=next",
            "<//evil.example/x>; rel=next",
            "<file:///etc/passwd>; rel=next",
        ] {
            assert_eq!(next(link), Some(Err(Status::Redirect)), "{link}");
        }
        assert_eq!(next("<https://[>; rel=next"), Some(Err(Status::BadData)));
    }

    #[test]
    fn no_next_is_the_end() {
        for link in ["", "<", "<a", "<a>", "<a>; rel=\"prev\"", "rel=next", "<a>; rel=\"", ",,,"] {
            assert_eq!(next(link), None, "{link}");
        }
        assert!(next_page(&answer(200, "")).is_none());
    }
}
