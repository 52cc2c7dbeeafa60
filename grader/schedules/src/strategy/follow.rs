//! The default, but for given deviations.

use std::collections::{BTreeMap, BTreeSet};

use super::Strategy;
use crate::{Deviation, Thread, View, by_default};

#[derive(Debug)]
pub struct Follow {
    deviations: BTreeMap<(Thread, u32), Thread>,
    /// Steps of each thread at which it deviates and which may lie ahead.
    ahead: BTreeMap<Thread, BTreeSet<u32>>,
    bounded: bool,
}

impl Follow {
    pub fn new(deviations: &[Deviation], bounded: bool) -> Follow {
        let mut ahead: BTreeMap<Thread, BTreeSet<u32>> = BTreeMap::new();
        for deviation in deviations {
            ahead.entry(deviation.thread).or_default().insert(deviation.step);
        }
        let deviations =
            deviations.iter().map(|deviation| ((deviation.thread, deviation.step), deviation.next)).collect();
        Follow { deviations, ahead, bounded }
    }

    /// Whom the schedule names here, if that one is enabled; each deviation is taken once.
    fn wanted(&mut self, view: &View<'_>) -> Option<Thread> {
        let next = self.deviations.remove(&(view.me, view.step))?;
        view.enabled.iter().any(|candidate| candidate.thread == next).then_some(next)
    }
}

impl Strategy for Follow {
    fn arm(&mut self, me: Thread, step: u32, _total: u32) -> Option<u32> {
        let next = self.ahead.get(&me)?.range(step.saturating_add(1)..).next()?;
        Some(next - step)
    }

    fn at_point(&mut self, view: &View<'_>) -> Thread {
        self.wanted(view).unwrap_or(view.me)
    }

    fn at_block(&mut self, view: &View<'_>) -> Thread {
        self.wanted(view).unwrap_or_else(|| by_default(view.enabled))
    }

    fn at_every_synchronisation(&self) -> bool {
        self.bounded
    }

    /// Only what comes after the last deviation has not been tried.
    fn wants_stretches(&self) -> bool {
        self.bounded && self.deviations.is_empty()
    }
}
