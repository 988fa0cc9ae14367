//! Calendar bytes to text: the byte-order mark, folded lines joined inside characters, every kind of line end.

use std::borrow::Cow;

/// Unfolds on bytes, because publishers fold in the middle of a UTF-8 character, and only then reads characters.
/// Bytes that are no UTF-8 become U+FFFD; the second value says that there were some.
pub fn text(bytes: &[u8]) -> (String, bool) {
    let bytes = utf8(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' && byte != b'\n' {
            out.push(byte);
            continue;
        }
        if byte == b'\r' && rest.peek() == Some(&b'\n') {
            rest.next();
        }
        if matches!(rest.peek(), Some(b' ' | b'\t')) {
            rest.next();
        } else {
            out.push(b'\n');
        }
    }
    match String::from_utf8(out) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

/// UTF-16 by its mark becomes UTF-8; the mark of UTF-8 goes.
fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(read);
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Cow::Owned(text.into_bytes())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => Cow::Borrowed(rest),
        _ => Cow::Borrowed(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_folded_in_its_middle_is_whole_again() {
        assert_eq!(text(b"SUMMARY:caf\xc3\r\n \xa9\r\nX:y\n").0, "SUMMARY:café\nX:y\n");
    }

    #[test]
    fn every_line_end_is_one_line_end() {
        assert_eq!(text(b"A:1\rB:2\nC:3\r\n\r\nD\n\t4").0, "A:1\nB:2\nC:3\n\nD4");
    }

    #[test]
    fn marks_choose_the_encoding() {
        let le: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("é€".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let be: Vec<u8> = [0xFE, 0xFF]
            .into_iter()
            .chain("é€".encode_utf16().flat_map(u16::to_be_bytes))
            .collect();
        assert_eq!((text(&le).0, text(&be).0), ("é€".to_owned(), "é€".to_owned()));
        assert_eq!(text("\u{feff}BEGIN".as_bytes()).0, "BEGIN");
        assert!(text(b"\xff\x00x").1);
    }
}
