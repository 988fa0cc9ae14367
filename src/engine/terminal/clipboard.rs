//! Text to the clipboard of whoever looks at the terminal, through ssh, tmux and screen (OSC 52).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Text bytes a terminal takes at once: xterm's sequence buffer of 100,000 bytes, less the frame, in base64.
pub const COPY_CAP: usize = 74_994;
/// GNU screen forwards strings up to 768 bytes (`MAXSTR`), its own frame included.
const SCREEN_CHUNK: usize = 760;

/// What stands between us and the terminal, and has to be told to let the sequence through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    #[default]
    None,
    Tmux,
    Screen,
}

impl Wrap {
    /// From the values of `TMUX` and `STY`: set and not empty means inside.
    pub fn detect(tmux: Option<&str>, sty: Option<&str>) -> Self {
        let inside = |value: Option<&str>| value.is_some_and(|v| !v.is_empty());
        match (inside(tmux), inside(sty)) {
            (true, _) => Self::Tmux,
            (false, true) => Self::Screen,
            (false, false) => Self::None,
        }
    }
}

/// The bytes that put `text` on the clipboard; `None` when it is more than a terminal takes.
///
/// Inside tmux it goes both ways, as tmux may be set to take it itself (`set-clipboard on`) or to let it
/// through (`allow-passthrough on`).
pub fn copy(text: &str, wrap: Wrap) -> Option<Vec<u8>> {
    if text.len() > COPY_CAP {
        return None;
    }
    let bare = format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes();
    Some(match wrap {
        Wrap::None => bare,
        Wrap::Tmux => {
            let mut out = bare.clone();
            out.extend(b"\x1bPtmux;\x1b");
            out.extend(bare);
            out.extend(b"\x1b\\");
            out
        }
        Wrap::Screen => {
            let mut out = Vec::with_capacity(bare.len() + 64);
            for chunk in bare.chunks(SCREEN_CHUNK) {
                out.extend(b"\x1bP");
                out.extend(chunk);
                out.extend(b"\x1b\\");
            }
            out
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str, wrap: Wrap) -> String {
        String::from_utf8(copy(text, wrap).unwrap()).unwrap()
    }

    #[test]
    fn text_is_wrapped_for_what_stands_in_between() {
        assert_eq!(copied("PABC1", Wrap::None), "\x1b]52;c;UEFCQzE=\x07");
        let tmux = copied("PABC1", Wrap::Tmux);
        assert!(tmux.ends_with("\x1bPtmux;\x1b\x1b]52;c;UEFCQzE=\x07\x1b\\"), "{tmux:?}");
        assert_eq!(copied("a", Wrap::Screen), "\x1bP\x1b]52;c;YQ==\x07\x1b\\");
    }

    #[test]
    fn screen_gets_pieces_it_can_hold_and_they_add_up() {
        let out = copied(&"x".repeat(3000), Wrap::Screen);
        let pieces: Vec<_> = out.split("\x1b\\").filter(|p| !p.is_empty()).collect();
        assert!(pieces.len() > 1 && pieces.iter().all(|p| p.len() <= 768));
        let joined: String = pieces.iter().map(|p| p.strip_prefix("\x1bP").unwrap()).collect();
        assert_eq!(joined, copied(&"x".repeat(3000), Wrap::None));
    }

    #[test]
    fn what_a_terminal_cannot_take_is_refused_rather_than_cut() {
        assert!(copy(&"x".repeat(COPY_CAP), Wrap::None).is_some_and(|out| out.len() <= 100_000));
        assert_eq!(copy(&"x".repeat(COPY_CAP + 1), Wrap::None), None);
    }

    #[test]
    fn the_wrap_is_read_from_the_environment() {
        assert_eq!(Wrap::detect(Some("/tmp/tmux-0/default,1,0"), None), Wrap::Tmux);
        assert_eq!(Wrap::detect(None, Some("1.pts-0")), Wrap::Screen);
        assert_eq!(Wrap::detect(Some(""), None), Wrap::None);
    }
}
