//! What the terminal sends, made whole: keys, pasted text, escape sequences that a slow line tore apart, and late
//! replies to questions that another program asked.
//!
//! crossterm takes bytes that arrive together for one key. Over a serial line or a bad link they come one by one, and
//! an arrow is then `Esc`, `[`, `B` (crossterm issue 993); a reply such as `ESC ] 11 ; … BEL` comes as letters in any
//! case. Pure: the times are passed in. The only wait of the program is the reader's, after a lone `Esc`, for
//! [`LONE_ESC`].

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::key::Key;

/// How long an `Esc` is held back to see whether it begins a sequence.
pub const LONE_ESC: Duration = Duration::from_millis(50);
/// Between `Esc` and the rest of a torn sequence, and between the bytes of the rest.
const TORN_WITHIN: Duration = Duration::from_millis(100);
/// Between two bytes of a reply; after a longer silence it is over, whatever was to come.
const REPLY_WITHIN: Duration = Duration::from_millis(500);
/// Characters of a reply at most. What goes on beyond is no reply.
const REPLY_MAX: usize = 8192;
/// Parameters of a torn sequence that are kept: no key has more.
const PARAMETERS_MAX: usize = 16;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Text that the terminal says was pasted.
    Paste(String),
    /// The terminal has another size now.
    Resize(u16, u16),
}

/// Puts together what the terminal sends.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Plain,
    /// An `Esc` that is held back.
    HeldEsc(Instant),
    /// An `Esc` that was given out, and may still have begun a sequence.
    GivenEsc(Instant),
    /// Inside a torn sequence, after `ESC [` or `ESC O`.
    Sequence {
        introducer: char,
        parameters: String,
        last: Instant,
    },
    /// Inside a reply: OSC, DCS, APC or PM, up to ST or BEL (ECMA-48 section 5.6).
    Reply {
        length: usize,
        after_esc: bool,
        last: Instant,
    },
}

impl Decoder {
    /// Whether an `Esc` is held back: then the reader waits no longer than [`LONE_ESC`], and says so with
    /// [`Self::silence`].
    #[must_use]
    pub const fn holds_esc(&self) -> bool {
        matches!(self.state, State::HeldEsc(_))
    }

    /// Nothing followed the `Esc`: it was the key.
    pub fn silence(&mut self) -> Vec<Input> {
        let State::HeldEsc(since) = self.state else {
            return Vec::new();
        };
        self.state = State::GivenEsc(since);
        vec![Input::Key(Key::Esc)]
    }

    /// Takes what crossterm has read.
    pub fn take(&mut self, event: Event, at: Instant) -> Vec<Input> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key, at),
            Event::Paste(text) => self.after_esc(Some(Input::Paste(text))),
            Event::Resize(width, height) => vec![Input::Resize(width, height)],
            _ => Vec::new(),
        }
    }

    fn key(&mut self, event: KeyEvent, at: Instant) -> Vec<Input> {
        let within = |since: Instant, time: Duration| at.saturating_duration_since(since) <= time;
        let character = match event.code {
            KeyCode::Char(c) if !event.modifiers.contains(KeyModifiers::CONTROL) => Some(c),
            _ => None,
        };
        let with_alt = event.modifiers.contains(KeyModifiers::ALT);
        match &mut self.state {
            State::Reply {
                length,
                after_esc,
                last,
            } if within(*last, REPLY_WITHIN) && *length < REPLY_MAX => {
                let is_bell = event.code == KeyCode::Char('g') && event.modifiers.contains(KeyModifiers::CONTROL);
                let is_st = character == Some('\\') && (with_alt || *after_esc);
                if is_bell || is_st {
                    self.state = State::Plain;
                } else {
                    *length += 1;
                    *after_esc = event.code == KeyCode::Esc;
                    *last = at;
                }
                return Vec::new();
            }
            State::Sequence {
                introducer,
                parameters,
                last,
            } if within(*last, TORN_WITHIN) => {
                if let Some(c) = character {
                    // ECMA-48 section 5.4: parameters and intermediates are 0x20..0x3F, the final byte is 0x40..0x7E.
                    if ('\x40'..='\x7e').contains(&c) {
                        let key = sequence_key(*introducer, parameters, c);
                        self.state = State::Plain;
                        return key.map(Input::Key).into_iter().collect();
                    }
                    if parameters.len() < PARAMETERS_MAX {
                        parameters.push(c);
                    }
                    *last = at;
                    return Vec::new();
                }
            }
            State::HeldEsc(since) | State::GivenEsc(since) if within(*since, TORN_WITHIN) => match character {
                Some(introducer @ ('[' | 'O')) if !with_alt => {
                    self.state = State::Sequence {
                        introducer,
                        parameters: String::new(),
                        last: at,
                    };
                    return Vec::new();
                }
                Some(']' | 'P' | '_' | '^') if self.holds_esc() => {
                    self.begin_reply(at);
                    return Vec::new();
                }
                _ => {}
            },
            _ => {}
        }
        if with_alt && matches!(character, Some(']' | 'P' | '_' | '^')) {
            let given = self.after_esc(None);
            self.begin_reply(at);
            return given;
        }
        if event.code == KeyCode::Esc {
            let given = self.after_esc(None);
            self.state = State::HeldEsc(at);
            return given;
        }
        self.after_esc(Key::from_event(event).map(Input::Key))
    }

    fn begin_reply(&mut self, at: Instant) {
        self.state = State::Reply {
            length: 0,
            after_esc: false,
            last: at,
        };
    }

    /// An `Esc` that was held back goes out first.
    fn after_esc(&mut self, input: Option<Input>) -> Vec<Input> {
        let esc = self.holds_esc().then_some(Input::Key(Key::Esc));
        self.state = State::Plain;
        esc.into_iter().chain(input).collect()
    }
}

/// The key of a sequence, as xterm and the Linux console send it.
fn sequence_key(introducer: char, parameters: &str, last: char) -> Option<Key> {
    let number = parameters.split(';').next().and_then(|first| first.parse::<u8>().ok());
    Some(match (introducer, last, number) {
        (_, 'A', _) => Key::Up,
        (_, 'B', _) => Key::Down,
        (_, 'C', _) => Key::Right,
        (_, 'D', _) => Key::Left,
        (_, 'H', _) | ('[', '~', Some(1 | 7)) => Key::Home,
        (_, 'F', _) | ('[', '~', Some(4 | 8)) => Key::End,
        ('[', 'Z', _) => Key::BackTab,
        ('[', '~', Some(3)) => Key::Delete,
        ('[', '~', Some(5)) => Key::PageUp,
        ('[', '~', Some(6)) => Key::PageDown,
        (_, 'P', _) => Key::F(1),
        (_, 'Q', _) => Key::F(2),
        ('O', 'R', _) => Key::F(3),
        (_, 'S', _) => Key::F(4),
        ('[', '~', Some(n @ 11..=15)) => Key::F(n - 10),
        ('[', '~', Some(n @ 17..=21)) => Key::F(n - 11),
        ('[', '~', Some(n @ 23..=24)) => Key::F(n - 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn alt(c: char) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT))
    }

    /// Letters as they come one by one, `pause` apart; `\x1b` is Esc, `\x07` is what crossterm makes of BEL.
    fn typed(text: &str, pause: Duration) -> Vec<Input> {
        let (mut decoder, mut at, mut out) = (Decoder::default(), Instant::now(), Vec::new());
        for c in text.chars() {
            if decoder.holds_esc() && pause > LONE_ESC {
                out.extend(decoder.silence());
            }
            at += pause;
            let event = match c {
                '\x1b' => plain(KeyCode::Esc),
                '\x07' => Event::Key(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL)),
                c => plain(KeyCode::Char(c)),
            };
            out.extend(decoder.take(event, at));
        }
        out.extend(decoder.silence());
        out
    }

    fn keys(of: &[Key]) -> Vec<Input> {
        of.iter().copied().map(Input::Key).collect()
    }

    #[test]
    fn a_key_that_comes_byte_by_byte_is_that_key() {
        for (sent, key) in [
            ("\x1b[A", Key::Up),
            ("\x1b[B", Key::Down),
            ("\x1bOB", Key::Down),
            ("\x1b[1;5D", Key::Left),
            ("\x1b[Z", Key::BackTab),
            ("\x1b[5~", Key::PageUp),
            ("\x1bOP", Key::F(1)),
            ("\x1b[17~", Key::F(6)),
            ("\x1b[21~", Key::F(10)),
        ] {
            for pause in [1, 30] {
                assert_eq!(typed(sent, Duration::from_millis(pause)), keys(&[key]), "{sent:?}");
            }
        }
    }

    #[test]
    fn a_lone_esc_is_esc_and_what_follows_it_later_is_itself() {
        let slow = Duration::from_millis(300);
        assert_eq!(typed("\x1b", slow), keys(&[Key::Esc]));
        assert_eq!(typed("\x1b[B", slow), keys(&[Key::Esc, Key::Char('['), Key::Char('B')]));
        assert_eq!(
            typed("\x1bj", Duration::from_millis(10)),
            keys(&[Key::Esc, Key::Char('j')])
        );
        assert_eq!(
            typed("\x1b\x1b", Duration::from_millis(10)),
            keys(&[Key::Esc, Key::Esc])
        );
    }

    #[test]
    fn a_sequence_between_50_and_100_ms_after_esc_is_still_no_letters() {
        let sent = typed("\x1b[B", Duration::from_millis(80));
        assert_eq!(sent, keys(&[Key::Esc, Key::Down]));
    }

    #[test]
    fn late_replies_of_the_terminal_are_swallowed_and_keys_after_them_are_not() {
        let fast = Duration::from_millis(1);
        for reply in [
            "\x1b]11;rgb:0000/0000/0000\x1b\\",
            "\x1b]11;rgb:1e/1e/1e\x07",
            "\x1bP1+r54=32\x1b\\",
            "\x1b_Gi=1;OK\x1b\\",
        ] {
            assert_eq!(typed(&format!("{reply}r"), fast), keys(&[Key::Char('r')]), "{reply:?}");
        }
        // As crossterm gives one that arrives in one piece.
        let (mut decoder, at) = (Decoder::default(), Instant::now());
        let mut seen = decoder.take(alt(']'), at);
        for c in "11;rgb:0/0/0".chars() {
            seen.extend(decoder.take(plain(KeyCode::Char(c)), at));
        }
        seen.extend(decoder.take(alt('\\'), at));
        assert_eq!(seen, []);
        assert_eq!(decoder.take(plain(KeyCode::Char('q')), at), keys(&[Key::Char('q')]));
    }

    #[test]
    fn a_reply_without_an_end_takes_no_key_after_a_silence() {
        let (mut decoder, at) = (Decoder::default(), Instant::now());
        decoder.take(alt(']'), at);
        decoder.take(plain(KeyCode::Char('1')), at);
        let later = at + Duration::from_secs(1);
        assert_eq!(decoder.take(plain(KeyCode::Char('q')), later), keys(&[Key::Char('q')]));
    }

    #[test]
    fn pasted_text_is_one_piece() {
        let (mut decoder, at) = (Decoder::default(), Instant::now());
        let pasted = decoder.take(Event::Paste("ls -la\n".to_owned()), at);
        assert_eq!(pasted, [Input::Paste("ls -la\n".to_owned())]);
    }

    proptest! {
        #[test]
        fn whatever_comes_a_key_after_a_second_of_silence_is_that_key(sent in "[\\x1b\\x07\\[\\]OP_^;0-9A-Za-z~\\\\]{0,40}", pause in 0_u64..120) {
            let (mut decoder, mut at) = (Decoder::default(), Instant::now());
            for c in sent.chars() {
                at += Duration::from_millis(pause);
                let code = if c == '\x1b' { KeyCode::Esc } else { KeyCode::Char(c) };
                decoder.take(plain(code), at);
            }
            decoder.silence();
            let last = decoder.take(plain(KeyCode::Char('q')), at + Duration::from_secs(1));
            prop_assert_eq!(last, keys(&[Key::Char('q')]));
        }
    }
}
