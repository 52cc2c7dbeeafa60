//! All schedules with few preemptions, the ones with fewest first (Musuvathi and Qadeer, "Iterative context bounding",
//! PLDI 2007): most mistakes need only one or two, and when a bound is done, it is known that there is nothing up to it.
//!
//! A schedule is its deviations. From the default run, which has none, it goes on by adding one deviation after the last
//! one, wherever the run said that another thread could have gone on ([`Stretch`]). At a point where the running thread
//! could have gone on that is a preemption, and for the next round; where it could not, it costs nothing and belongs to
//! the same round. So each schedule comes up once.
//!
//! Where a round is larger than what may still be run, a random part of it is: the first ones would all be alike.

use schedules::{Deviation, Random, Stretch, Why};
use serde::Serialize;

/// Schedules that are kept for later at most; of what comes beyond, nothing is run, and no bound is done.
const WAITING_MAX: usize = 20_000;

/// A search. It is told of each run, and says what to run next.
#[derive(Debug)]
pub struct Bounded {
    /// Most preemptions that are asked for.
    bound: u8,
    /// Preemptions of the round.
    preemptions: u8,
    round: Vec<Vec<Deviation>>,
    next_round: Vec<Vec<Deviation>>,
    /// Whether something of this round, or of the next one, was left out.
    incomplete: (bool, bool),
    /// Given out and not told of yet.
    running: usize,
    done: Option<Certificate>,
    runs: u32,
    random: Random,
}

/// Every schedule with so many preemptions was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    pub preemptions: u8,
    pub schedules: u32,
}

impl Bounded {
    pub fn new(bound: u8, seed: u32) -> Bounded {
        Bounded {
            bound,
            preemptions: 0,
            round: vec![vec![]],
            next_round: vec![],
            incomplete: (false, false),
            running: 0,
            done: None,
            runs: 0,
            random: Random::new(u64::from(seed)),
        }
    }

    /// Up to `room` schedules to run next; none at the end, or while the round waits for those that are running.
    pub fn take(&mut self, room: usize, left: usize) -> Vec<Vec<Deviation>> {
        if self.round.is_empty() && self.running == 0 && self.preemptions < self.bound {
            self.begin_round();
        }
        let count = room.min(left).min(self.round.len());
        if self.round.len() > left {
            for index in 0..count {
                let other = index + self.random.below(self.round.len() - index);
                self.round.swap(index, other);
            }
        }
        self.running += count;
        self.round.drain(..count).collect()
    }

    /// `deviations` were run, and further ones were possible at `stretches`.
    pub fn ran(&mut self, deviations: &[Deviation], stretches: &[Stretch]) {
        self.running -= 1;
        self.runs += 1;
        let last = self.preemptions >= self.bound;
        for stretch in stretches {
            let costs = stretch.why == Why::Point;
            if costs && last {
                continue;
            }
            for step in stretch.from..=stretch.to {
                for next in &stretch.others {
                    let further = Deviation { thread: stretch.thread, step, next: *next };
                    if !self.keep(costs, deviations, further) {
                        return;
                    }
                }
            }
        }
    }

    /// `false` where there is no room for more.
    fn keep(&mut self, later: bool, deviations: &[Deviation], further: Deviation) -> bool {
        let (round, incomplete) = match later {
            true => (&mut self.next_round, &mut self.incomplete.1),
            false => (&mut self.round, &mut self.incomplete.0),
        };
        if round.len() >= WAITING_MAX {
            *incomplete = true;
            return false;
        }
        round.push([deviations, &[further]].concat());
        true
    }

    fn begin_round(&mut self) {
        self.done = self.certificate();
        if !self.next_round.is_empty() {
            self.preemptions += 1;
            self.round = std::mem::take(&mut self.next_round);
            // What a round lacks, no later one has.
            self.incomplete = (self.incomplete.0 || self.incomplete.1, self.incomplete.0 || self.incomplete.1);
        }
    }

    /// The largest bound that was done.
    pub fn certificate(&self) -> Option<Certificate> {
        let (this, next) = self.incomplete;
        if this || self.runs == 0 || self.running > 0 || !self.round.is_empty() {
            return self.done;
        }
        // Where no preemption is left to try, every larger bound is done too.
        let all = self.next_round.is_empty() && !next;
        let preemptions = if all { self.bound } else { self.preemptions };
        Some(Certificate { preemptions, schedules: self.runs })
    }
}
