//! Seeds. The same files always get the same random inputs, another upload gets others, and nobody outside can tell
//! them beforehand: case seed = HMAC-SHA-256(root, hash of the exercise's files ‖ submission hash ‖ case id). The runtime of
//! the simulated lane has no part in it: a new build of the same Python must not draw other faults.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::report::SeedOrigin;

/// The key that all case seeds hang on.
#[derive(Clone)]
pub enum Root {
    /// A constant that everybody knows: `grade` and `check`.
    Public,
    /// The server's key.
    Server([u8; 32]),
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Root::Public => f.write_str("Root::Public"),
            Root::Server(_) => f.write_str("Root::Server(…)"),
        }
    }
}

impl Root {
    pub fn origin(&self) -> SeedOrigin {
        match self {
            Root::Public => SeedOrigin::Public,
            Root::Server(_) => SeedOrigin::Server,
        }
    }

    /// The seed of one case. The parts have fixed lengths or stand last, so no two inputs run together.
    pub fn case_seed(&self, files_hash: &str, submission_hash: &str, case: &str) -> CaseSeed {
        let key: &[u8] = match self {
            Root::Public => b"practicum public seed",
            Root::Server(key) => key,
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(files_hash.as_bytes());
        mac.update(submission_hash.as_bytes());
        mac.update(case.as_bytes());
        CaseSeed(mac.finalize().into_bytes().into())
    }
}

/// 32 bytes; in text 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CaseSeed([u8; 32]);

impl fmt::Display for CaseSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CaseSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseSeed({self})")
    }
}

impl FromStr for CaseSeed {
    type Err = String;

    fn from_str(text: &str) -> Result<CaseSeed, String> {
        let wrong = || format!("parse seed {text:?}: 64 hex digits are wanted, as in the staff view of a report");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut seed = [0; 32];
        for (byte, pair) in seed.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).expect("ASCII was checked");
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(CaseSeed(seed))
    }
}
