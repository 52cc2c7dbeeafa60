//! Priorities that change at a few random points.

use std::collections::BTreeMap;

use super::Strategy;
use crate::{Random, Thread, View};

/// How often, out of a thousand, a thread that gives way falls behind all others: always would let nobody spin for long.
const FALLS_BEHIND: u16 = 750;
/// Priorities at the start are above it, those that threads fall to below.
const START: i64 = 1 << 32;

#[derive(Debug)]
pub struct Pct {
    random: Random,
    /// Highest runs.
    priorities: BTreeMap<Thread, i64>,
    /// The next lower priority.
    lowest: i64,
    /// Totals at which the running thread falls behind, the last one first.
    changes: Vec<u32>,
}

impl Pct {
    pub fn new(mut random: Random, depth: u8, points: u32) -> Pct {
        let points = points.max(2);
        let wanted = usize::from(depth).saturating_sub(1).min(points as usize);
        let mut changes: Vec<u32> = Vec::new();
        while changes.len() < wanted {
            let change = 1 + random.below(points as usize) as u32;
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
        changes.sort_unstable_by(|one, other| other.cmp(one));
        Pct { random, priorities: BTreeMap::new(), lowest: 0, changes }
    }

    fn fall(&mut self, thread: Thread) {
        self.lowest -= 1;
        self.priorities.insert(thread, self.lowest);
    }

    fn pass_changes(&mut self, me: Thread, total: u32) {
        while self.changes.last().is_some_and(|change| *change <= total) {
            self.changes.pop();
            self.fall(me);
        }
    }

    fn highest(&self, view: &View<'_>) -> Thread {
        let priority = |thread: Thread| (self.priorities.get(&thread).copied().unwrap_or(0), std::cmp::Reverse(thread));
        let threads = view.enabled.iter().map(|candidate| candidate.thread);
        threads.max_by_key(|thread| priority(*thread)).expect("somebody is enabled")
    }
}

impl Strategy for Pct {
    fn started(&mut self, thread: Thread) {
        let priority = START + (self.random.number() >> 32) as i64;
        self.priorities.insert(thread, priority);
    }

    fn arm(&mut self, me: Thread, _step: u32, total: u32) -> Option<u32> {
        self.pass_changes(me, total);
        self.changes.last().map(|change| change - total)
    }

    fn at_point(&mut self, view: &View<'_>) -> Thread {
        self.pass_changes(view.me, view.total);
        self.highest(view)
    }

    fn at_block(&mut self, view: &View<'_>) -> Thread {
        self.highest(view)
    }

    fn gave_way(&mut self, me: Thread) {
        if self.random.chance(FALLS_BEHIND) {
            self.fall(me);
        }
    }

    fn at_every_synchronisation(&self) -> bool {
        false
    }
}
