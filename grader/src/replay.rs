//! What a student may have repeated: one schedule of an exploration, or one run of a simulation, by the token that a
//! report shows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schedules::token::{TOKEN_CHARS_MAX, Token};
use serde::Serialize;

use crate::suite::protocol;

/// First byte of a run's token; a schedule's has another.
const RUN_FORM: u8 = 0xb2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The token, and of which exploration of its case it is.
    Schedule {
        token: String,
        exploration: u16,
    },
    Run(Simulation),
}

/// One run of a simulation. The library makes its token (`python/examiner/practicum/simulate.py`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Simulation {
    pub token: String,
    /// Which simulation of its case, from 0.
    pub simulation: u16,
    /// Which run of it, from 0.
    pub run: u16,
    /// Which of the run's faults happen, a bit for each from the first byte's lowest on; all of them where there is none.
    pub faults: Vec<u8>,
}

impl Replay {
    pub fn parse(text: &str) -> Result<Replay, String> {
        if let Some(run) = Simulation::parse(text) {
            return Ok(Replay::Run(run));
        }
        let exploration = Token::parse(text)?.exploration;
        Ok(Replay::Schedule { token: text.to_owned(), exploration })
    }
}

impl Simulation {
    fn parse(text: &str) -> Option<Simulation> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() <= TOKEN_CHARS_MAX)?;
        let [RUN_FORM, s1, s0, r1, r0, faults @ ..] = bytes.as_slice() else { return None };
        let (simulation, run) = (u16::from_be_bytes([*s1, *s0]), u16::from_be_bytes([*r1, *r0]));
        Some(Simulation { token: text.to_owned(), simulation, run, faults: faults.to_vec() })
    }
}

impl<'a> From<&'a Replay> for protocol::Replay<'a> {
    fn from(replay: &'a Replay) -> protocol::Replay<'a> {
        match replay {
            Replay::Schedule { token, exploration } => protocol::Replay::Schedule { token, exploration: *exploration },
            Replay::Run(run) => protocol::Replay::Simulation(run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_token_says_what_the_library_put_into_it() {
        let run = Replay::parse("sgABABEFgA").unwrap();
        let token = "sgABABEFgA".to_owned();
        assert_eq!(run, Replay::Run(Simulation { token, simulation: 1, run: 17, faults: vec![0x05, 0x80] }));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "sg", "sgABAB", "x", &"sgABABEF".repeat(20)] {
            assert!(Replay::parse(text).is_err(), "{text}");
        }
    }
}
