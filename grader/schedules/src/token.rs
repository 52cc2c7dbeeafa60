//! A schedule as a word that fits into a line: what to run again, and of what.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Plan;

/// Longest token, in characters.
pub const TOKEN_CHARS_MAX: usize = 100;
/// First byte of every token: another form, or another interpreter's steps, have another.
const FORM: u8 = 0xb1;

/// What a token tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Which exploration of its case, from 0.
    pub exploration: u16,
    /// Which scenario of it, from 0.
    pub scenario: u16,
    /// Of the sources that ran: steps of other sources mean other places.
    pub sources: u32,
    pub plan: Plan,
}

impl Token {
    /// `None` where the schedule is too long for a token.
    pub fn to_text(&self) -> Option<String> {
        let bytes = postcard::to_extend(self, vec![FORM]).expect("a token has a plain form");
        Some(URL_SAFE_NO_PAD.encode(bytes)).filter(|text| text.len() <= TOKEN_CHARS_MAX)
    }

    pub fn parse(text: &str) -> Result<Token, String> {
        if text.len() > TOKEN_CHARS_MAX {
            return Err(format!("a schedule's token has at most {TOKEN_CHARS_MAX} characters, not {}", text.len()));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let token = bytes.as_deref().and_then(|bytes| match bytes.split_first() {
            Some((&FORM, rest)) => postcard::take_from_bytes(rest).ok().filter(|(_, left)| left.is_empty()),
            _ => None,
        });
        let (token, _) = token.ok_or_else(|| format!("{text:?} is no token of a schedule: copy it whole"))?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Deviation, Thread};

    fn token(switches: u16) -> Token {
        let deviation = |at: u16| Deviation { thread: Thread(at % 3), step: u32::from(100 + at), next: Thread(2) };
        let plan = Plan::Follow { deviations: (0..switches).map(deviation).collect() };
        Token { exploration: 1, scenario: 7, sources: 0xdead_beef, plan }
    }

    #[test]
    fn a_token_says_what_went_into_it() {
        let text = token(12).to_text().unwrap();
        assert!(text.len() <= TOKEN_CHARS_MAX);
        assert_eq!(Token::parse(&text), Ok(token(12)));
    }

    #[test]
    fn a_schedule_that_is_too_long_has_no_token() {
        assert_eq!(token(40).to_text(), None);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "x", "sQ", &token(3).to_text().unwrap()[1..], &"A".repeat(200)] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }
}
