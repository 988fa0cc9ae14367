//! Text with markup in it, as plain words: tags go, references are read, and the first link is kept.

use crate::model::{Clean, Link};

/// The longest text that is looked at: an annotation is a line or two.
const MOST: usize = 8 * 1024;

/// The words of an HTML text in one line, and the first address it links to.
pub fn plain(html: &str) -> (Clean, Option<Link>) {
    let end = (0..=MOST.min(html.len())).rev().find(|end| html.is_char_boundary(*end));
    let mut rest = html.get(..end.unwrap_or(0)).unwrap_or_default();
    let (mut text, mut link) = (String::new(), None);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        // `<` without a name behind it is one: `p95 < 300 ms`.
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some((tag, behind)) = after.split_once('>').filter(|_| is_tag) else {
            text.push('<');
            rest = after;
            continue;
        };
        link = link.or_else(|| address(tag));
        let name = tag.trim_start_matches('/').split([' ', '/', '\t', '\n']).next();
        let name = name.unwrap_or_default().to_lowercase();
        rest = match name.as_str() {
            // What they hold is no text.
            "script" | "style" if !tag.starts_with('/') => {
                match behind.to_ascii_lowercase().find(&format!("</{name}")) {
                    Some(at) => behind.get(at..).unwrap_or_default(),
                    None => "",
                }
            }
            _ => behind,
        };
        if !matches!(name.as_str(), "b" | "i" | "em" | "strong" | "code" | "a" | "span") {
            text.push(' ');
        }
    }
    text.push_str(rest);
    (Clean::line(references(&text).split_whitespace().collect::<Vec<_>>().join(" ")), link)
}

/// The `href` of a tag, where it may be offered.
fn address(tag: &str) -> Option<Link> {
    let is_anchor = tag.get(..2).is_some_and(|name| name.eq_ignore_ascii_case("a "));
    let (_, value) = tag.split_once("href=").filter(|_| is_anchor)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let address = match quote {
        Some(quote) => value.get(1..)?.split(quote).next()?,
        None => value.split_ascii_whitespace().next()?,
    };
    Link::parse(&references(address))
}

/// Character references: those that markup needs, and numbers.
fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let name = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        let read = name.and_then(|(name, behind)| Some((character(name)?, behind)));
        rest = if let Some((c, behind)) = read {
            out.push(c);
            behind
        } else {
            out.push('&');
            after
        };
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "rarr" => Some('→'),
        "larr" => Some('←'),
        "hellip" => Some('…'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_markup_goes() {
        for (html, words) in [
            ("<b>Deploy</b> checkout v412", "Deploy checkout v412"),
            ("one<br/>two<p>three</p>", "one two three"),
            ("p95 < 300 ms & rising", "p95 < 300 ms & rising"),
            ("a &lt;b&gt; &amp;amp; &#8594; &#x2192; &nope;", "a <b> &amp; → → &nope;"),
            ("<script>alert('x')</script>quiet<style>p{}</style>", "quiet"),
            ("<script>no end", ""),
            ("<b", "<b"),
            ("", ""),
        ] {
            assert_eq!(plain(html).0.as_str(), words, "{html}");
        }
    }

    #[test]
    fn the_first_link_is_kept_where_it_may_be_offered() {
        let link = |html| plain(html).1.map(|link| link.clean().to_string());
        let to = |text: &str| Some(text.to_owned());
        assert_eq!(
            link(r#"see <a class="x" href="https://ci.example/1?a=1&amp;b=2">build</a>"#),
            to("https://ci.example/1?a=1&b=2")
        );
        assert_eq!(link("<A href='https://ci.example/2'>x</A>"), to("https://ci.example/2"));
        assert_eq!(link(r#"<a href="javascript:alert(1)">x</a>"#), None);
        assert_eq!(link(r#"<img href="https://ci.example/3">"#), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_none_stays_unclean(text in "(?s).{0,80}", tagged in "[<>a-z&;#/ =\"'!]{0,80}") {
            for html in [text, tagged] {
                let words = plain(&html).0;
                proptest::prop_assert_eq!(&Clean::line(words.as_str()), &words);
            }
        }
    }
}
