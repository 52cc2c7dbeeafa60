//! Seeds of schedules: case seed → exploration → scenario → what for → number, by HMAC-SHA-256.
//!
//! Whoever runs the schedules is told the seeds of one batch at a time, and nobody can work out the next ones from them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What all seeds of one exploration hang on.
#[derive(Clone, Debug)]
pub struct Seeds {
    case: String,
    exploration: u16,
}

/// What a seed is for.
#[derive(Clone, Copy, Debug)]
pub enum Use {
    /// A strategy of the portfolio.
    Schedule,
    /// What the module's own `random` begins with.
    Random,
    /// Which part of a search is done where not all of it can be.
    Sample,
    /// When and with what it is tried whether schedules are really carried out.
    Canary,
    /// Which schedules are repeated.
    Repeat,
}

impl Seeds {
    pub fn new(case: String, exploration: u16) -> Seeds {
        Seeds { case, exploration }
    }

    pub fn exploration(&self) -> u16 {
        self.exploration
    }

    pub fn get(&self, scenario: u16, what: Use, number: u32) -> u32 {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.case.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(b"schedules");
        mac.update(&self.exploration.to_be_bytes());
        mac.update(&scenario.to_be_bytes());
        mac.update(&[what as u8]);
        mac.update(&number.to_be_bytes());
        let bytes = mac.finalize().into_bytes();
        u32::from_be_bytes(bytes[..4].try_into().expect("there are 32"))
    }
}
