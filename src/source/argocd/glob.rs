//! Patterns of sync windows: `*`, `?`, `[a-z]`, `[!x]`, `{a,b}` and `\`, over the whole text (github.com/gobwas/glob without separators).

/// Steps one match may take: patterns with many stars cost no more than this.
const STEPS: usize = 100_000;

/// Whether the whole of `text` fits. A pattern that cannot be read fits nothing.
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let mut steps = STEPS;
    matched(&pattern, &text, &mut steps).unwrap_or(false)
}

/// `None` when the pattern is broken or the steps are used up.
fn matched(pattern: &[char], text: &[char], steps: &mut usize) -> Option<bool> {
    *steps = steps.checked_sub(1)?;
    let Some((first, rest)) = pattern.split_first() else { return Some(text.is_empty()) };
    match first {
        '*' => {
            let rest = rest
                .iter()
                .position(|c| *c != '*')
                .map_or(&[][..], |at| rest.get(at..).unwrap_or(&[]));
            if rest.is_empty() {
                return Some(true);
            }
            for at in 0..=text.len() {
                if matched(rest, text.get(at..)?, steps)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        '?' => match text.split_first() {
            Some((_, text)) => matched(rest, text, steps),
            None => Some(false),
        },
        '[' => {
            let end = rest.iter().position(|c| *c == ']')?;
            let (class, after) = rest.split_at_checked(end)?;
            let after = after.get(1..)?;
            let (not, class) = match class.split_first() {
                Some(('!', class)) => (true, class),
                _ => (false, class),
            };
            let Some((c, text)) = text.split_first() else { return Some(false) };
            let inside = match class {
                [] => return None,
                [from, '-', to] => from <= c && c <= to,
                list => list.contains(c),
            };
            if inside == not { Some(false) } else { matched(after, text, steps) }
        }
        '{' => {
            let (choices, after) = choices(rest)?;
            for choice in choices {
                let whole: Vec<char> = choice.iter().chain(after).copied().collect();
                if matched(&whole, text, steps)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        '\\' => {
            let (literal, rest) = rest.split_first()?;
            literally(*literal, rest, text, steps)
        }
        literal => literally(*literal, rest, text, steps),
    }
}

fn literally(literal: char, rest: &[char], text: &[char], steps: &mut usize) -> Option<bool> {
    match text.split_first() {
        Some((c, text)) if *c == literal => matched(rest, text, steps),
        _ => Some(false),
    }
}

/// `a,b}rest` as its choices and what follows; choices may hold choices.
fn choices(pattern: &[char]) -> Option<(Vec<Vec<char>>, &[char])> {
    let (mut all, mut here, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    let mut escaped = false;
    for (at, c) in pattern.iter().enumerate() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 0 => {
                all.push(here);
                return Some((all, pattern.get(at + 1..)?));
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(std::mem::take(&mut here));
                continue;
            }
            _ => {}
        }
        here.push(*c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_argo_cd_reads_them() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything/at-all", true),
            ("*-prod", "shop-prod", true),
            ("*-prod", "shop-prod-2", false),
            ("shop-*", "shop-", true),
            ("**", "a/b", true),
            ("s?op", "shop", true),
            ("s?op", "sop", false),
            ("shop", "Shop", false),
            ("[a-c]at", "bat", true),
            ("[!a-c]at", "bat", false),
            ("[xyz]at", "zat", true),
            ("{shop,cart}-prod", "cart-prod", true),
            ("{shop,cart}-prod", "pay-prod", false),
            ("{a,b{c,d}}", "bd", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("https://*.example:6443", "https://east.example:6443", true),
            ("[", "[", false),
            ("{a", "{a", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        let stars = "*a".repeat(200);
        assert!(!fits(&stars, &"a".repeat(199)), "many stars end");
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in "[a-c*?\\[\\]{},!\\\\-]{0,20}", text in "[a-c]{0,12}") {
            let _ = fits(&pattern, &text);
        }

        #[test]
        fn plain_text_fits_itself(text in "[a-z0-9/:.-]{0,30}") {
            proptest::prop_assert!(fits(&text, &text));
        }
    }
}
