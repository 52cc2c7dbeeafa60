//! Makes a failing schedule small: deviations are left out as long as it goes on to fail (Zeller and Hildebrandt,
//! "Simplifying and isolating failure-inducing input", 2002), since a person is to read it.

use schedules::Deviation;

/// Schedules that are tried at most.
const TRIES_MAX: u32 = 80;

type Deviations = Vec<Deviation>;

/// Runs a schedule; `Some` with what it then really was, where it fails.
pub type Try<'a, E> = &'a mut dyn FnMut(&[Deviation]) -> Result<Option<Deviations>, E>;

pub fn shrink<E>(deviations: Deviations, fails: Try<'_, E>) -> Result<Deviations, E> {
    let mut smallest = deviations;
    let mut tries = 0;
    let mut chunk = smallest.len().div_ceil(2).max(1);
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < smallest.len() && tries < TRIES_MAX {
            let end = (at + chunk).min(smallest.len());
            let fewer = [&smallest[..at], &smallest[end..]].concat();
            tries += 1;
            match fails(&fewer)? {
                // Some of the rest may not have come about any more.
                Some(ran) => {
                    smallest = if ran.len() < fewer.len() { ran } else { fewer };
                    smaller = true;
                }
                None => at = end,
            }
        }
        match chunk {
            1 if !smaller || tries >= TRIES_MAX => return Ok(smallest),
            1 => {}
            _ => chunk = chunk.div_ceil(2),
        }
    }
}
