//! A record as it lies in the log: JSON, so that later versions can read it, in half the space thanks to words known beforehand.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::words::Trouble;

/// Bytes one record may have: a post-mortem of a megabyte, and as much again around it.
const CAP: usize = 8 * 1024 * 1024;
/// LZ4 with the words below.
const PACKED: u8 = 1;

/// What records mostly say. A new list is a new format: what was packed with this one is read with it for ever.
const WORDS: &[u8] = br##""value":null,"place":"front-matter","line":"annotations":{"summary":"runbook":"dashboard":{"key":{"source":"prometheus","id":"","name":"","group":"","query":"sum(rate(","state":"Inactive","health":"Ok","last_error":"","labels":{"severity":"critical","warning","service":"","team":"","namespace":"","instance":"","job":""},"waits":"PT5M","firing":0}{"key":{"source":"alertmanager","id":"","name":"","labels":{"alertname":"},"summary":"","description":"","state":"Firing","suppressed":[{"Silenced":{"source":"alertmanager"}],"severity":1,"started":"2026-","receivers":[""],"url":"http://","runbook":null}{"key":{"source":"pagerduty","id":"","reference":"#","title":"","service_id":"P","service_name":"","status":"Open","Acked","Resolved","severity":null,"priority":"high","started":"2026-","acked":null,"mitigated":null,"resolved":null,"who":[],"policy":"","url":"https://","schedule":null,"level":1,"starts":"2026-","ends":"2026-","service_ids":[]}{"key":{"source":"github","id":"","repo":"","tag":"v","name":"v","draft":false,"prerelease":false,"published":"2026-","author":"","url":"https://github.com/{"key":{"source":"github","id":"","repo":"","environment":"production","version":"main","sha":"","started":"2026-","finished":"2026-","outcome":"Succeeded","who":"","description":"","committed":null,"url":"https://github.com/{"key":{"source":"github","id":"","repo":"","workflow":"CI","title":"","branch":"main","sha":"","event":"push","outcome":"Succeeded","Failed","Running","started":"2026-","updated":"2026-","who":"","url":"https://github.com//actions/runs/"##;

/// The record, and the hash that tells its versions apart.
pub fn pack<T: Serialize>(what: &T) -> Option<(Vec<u8>, i64)> {
    let text = serde_json::to_vec(what).ok().filter(|text| text.len() <= CAP)?;
    let hash = super::place::hash(text.iter().copied());
    Some((pack_bytes(&text), i64::from_ne_bytes(hash.to_ne_bytes())))
}

/// Any bytes, packed.
pub fn pack_bytes(text: &[u8]) -> Vec<u8> {
    let mut packed = vec![PACKED];
    packed.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    packed.extend(lz4_flex::block::compress_with_dict(text, WORDS));
    packed
}

pub fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(&unpack_bytes(packed)?).map_err(|_| Trouble::Unreadable("a record"))
}

/// The file is not trusted: what it says of its length is bounded before anything is set aside for it.
pub fn unpack_bytes(packed: &[u8]) -> Result<Vec<u8>, Trouble> {
    let broken = || Trouble::Unreadable("a record");
    let (head, rest) = packed.split_at_checked(5).ok_or_else(broken)?;
    let [PACKED, a, b, c, d] = *head else { return Err(broken()) };
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    // LZ4 never gains more than 255 to 1.
    if length > CAP || length > rest.len().saturating_mul(255).saturating_add(64) {
        return Err(broken());
    }
    lz4_flex::block::decompress_with_dict(rest, length, WORDS).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_what_is_not_ours_is_refused() {
        let text = br#"{"key":{"source":"gh","id":"1"},"repo":"acme/checkout"}"#;
        let packed = pack_bytes(text);
        assert!(packed.len() < text.len(), "{} of {}", packed.len(), text.len());
        assert_eq!(unpack_bytes(&packed).unwrap(), text);
        for broken in [&b""[..], b"\x01", b"\x02\x00\x00\x00\x00", b"\x01\xff\xff\xff\xffabc"] {
            assert!(unpack_bytes(broken).is_err(), "{broken:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_ask_for_much(bytes in proptest::collection::vec(0_u8.., 0..200)) {
            let _ = unpack_bytes(&bytes);
            let mut ours = vec![PACKED, 200, 0, 0, 0];
            ours.extend(&bytes);
            let _ = unpack_bytes(&ours);
        }
    }
}
