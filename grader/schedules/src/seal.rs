//! Whether an answer comes from whom the order went to.
//!
//! Both ends of the channel lie in processes where others have a say: whoever runs beside the scheduler can find the
//! descriptor, speak on it, or put himself in between. So the explorer gives a key before any student code is there, and
//! both keep a sum over everything that was ordered and answered since. An answer carries that sum: nobody without the
//! key can make one up, change one, or have the scheduler answer other orders than were given.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

/// Bytes before the transcript in an answer's tail.
pub const SEAL_BYTES: usize = 32;

/// The sum at one end.
#[derive(Clone)]
pub struct Seal {
    key: Vec<u8>,
    sum: [u8; SEAL_BYTES],
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    pub fn new(key: &str) -> Seal {
        Seal { key: key.as_bytes().to_vec(), sum: [0; SEAL_BYTES] }
    }

    /// An order was sent, or has come.
    pub fn order(&mut self, head: &impl Serialize) {
        self.add(0, head, b"");
    }

    /// An answer is to be sent, or has come: what must be before its transcript.
    pub fn answer(&mut self, head: &impl Serialize, transcript: &[u8]) -> [u8; SEAL_BYTES] {
        self.add(1, head, transcript);
        self.sum
    }

    fn add(&mut self, direction: u8, head: &impl Serialize, tail: &[u8]) {
        let head = canonical(head);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(&self.sum);
        mac.update(&[direction]);
        mac.update(&(head.len() as u64).to_be_bytes());
        mac.update(&head);
        mac.update(tail);
        self.sum = mac.finalize().into_bytes().into();
    }
}

/// The same bytes at both ends: of a head as it is once it has been read.
fn canonical(head: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_vec(head).expect("heads are plain data");
    let read: Value = serde_json::from_slice(&text).expect("it was written just now");
    serde_json::to_vec(&read).expect("it was read just now")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The seal of a second answer, after what came before.
    fn seal(key: &str, order: Value, first: &str, second: &str) -> [u8; SEAL_BYTES] {
        let mut seal = Seal::new(key);
        seal.order(&order);
        seal.answer(&json!({"a": first}), b"");
        seal.answer(&json!({"b": second}), b"x")
    }

    #[test]
    fn a_seal_depends_on_all_that_has_passed() {
        let honest = || seal("key", json!({"number": 0.1, "other": 1e-7}), "a", "b");
        assert_eq!(honest(), honest());
        assert_ne!(honest(), seal("yek", json!({"number": 0.1, "other": 1e-7}), "a", "b"));
        assert_ne!(honest(), seal("key", json!({"number": 0.2, "other": 1e-7}), "a", "b"));
        assert_ne!(honest(), seal("key", json!({"number": 0.1, "other": 1e-7}), "b", "b"));
        assert_ne!(honest(), seal("key", json!({"number": 0.1, "other": 1e-7}), "a", "a"));
    }
}
