//! Slows down guessing: failed sign-ins per login and address, and per address, in a fixed window.
//!
//! In memory and per process: argon2 behind its semaphore is the second wall. Only failures count, so nobody is locked
//! out by somebody else at another address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use crate::ids::Login;

/// Failures for one login from one address in a window.
pub const FAILURES_PER_LOGIN_MAX: u32 = 8;
/// Failures from one address in a window, whatever the logins: a lab's classroom may share one.
pub const FAILURES_PER_ADDRESS_MAX: u32 = 200;
const WINDOW: Duration = Duration::from_secs(300);
/// Entries that are kept; above it the outdated ones go.
const ENTRIES_MAX: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Login(Login, IpAddr),
    Address(IpAddr),
}

impl Key {
    fn failures_max(&self) -> u32 {
        match self {
            Key::Login(..) => FAILURES_PER_LOGIN_MAX,
            Key::Address(_) => FAILURES_PER_ADDRESS_MAX,
        }
    }
}

#[derive(Debug)]
struct Window {
    began: Instant,
    failures: u32,
}

#[derive(Debug, Default)]
pub struct LoginLimit {
    windows: Mutex<HashMap<Key, Window>>,
}

impl LoginLimit {
    /// Counts an attempt as failed until [`LoginLimit::succeeded`] takes it back, so that many at once gain nothing.
    pub fn attempt(&self, login: &Login, address: IpAddr) -> Result<(), Error> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > ENTRIES_MAX {
            windows.retain(|_, window| window.began.elapsed() < WINDOW);
        }
        for key in [Key::Login(login.clone(), address), Key::Address(address)] {
            let most = key.failures_max();
            let window = windows.entry(key).or_insert(Window { began: Instant::now(), failures: 0 });
            if window.began.elapsed() >= WINDOW {
                *window = Window { began: Instant::now(), failures: 0 };
            }
            if window.failures >= most {
                let left = WINDOW.saturating_sub(window.began.elapsed());
                return Err(too_many(left.as_secs() + 1));
            }
            window.failures += 1;
        }
        Ok(())
    }

    pub fn succeeded(&self, login: &Login, address: IpAddr) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove(&Key::Login(login.clone(), address));
        if let Some(window) = windows.get_mut(&Key::Address(address)) {
            window.failures = window.failures.saturating_sub(1);
        }
    }
}

fn too_many(retry_after_s: u64) -> Error {
    let detail = format!("too many failed sign-ins: try again in {retry_after_s} s");
    Error::TooManyRequests { detail, retry_after_s }
}
