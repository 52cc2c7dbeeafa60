//! A random walk.

use super::Strategy;
use crate::{Candidate, Random, Thread, View};

/// Longest way to the next choice.
const ARMED_MAX: u32 = 200;
/// How often, out of a thousand, sleepers go on sleeping while somebody is awake: time is to pass, but rarely.
const AWAKE_FIRST: u16 = 800;

#[derive(Debug)]
pub struct Walk {
    random: Random,
    synchronisation: u16,
    memory: u16,
}

impl Walk {
    pub fn new(random: Random, synchronisation: u16, memory: u16) -> Walk {
        Walk { random, synchronisation, memory }
    }
}

impl Strategy for Walk {
    fn arm(&mut self, _me: Thread, _step: u32, _total: u32) -> Option<u32> {
        let mut points = 1;
        while points < ARMED_MAX && !self.random.chance(self.memory) {
            points += 1;
        }
        Some(points)
    }

    fn at_point(&mut self, view: &View<'_>) -> Thread {
        let at_synchronisation = view.left > 0;
        if at_synchronisation && !self.random.chance(self.synchronisation) {
            return view.me;
        }
        any(&mut self.random, view.enabled)
    }

    fn at_block(&mut self, view: &View<'_>) -> Thread {
        any(&mut self.random, view.enabled)
    }

    fn at_every_synchronisation(&self) -> bool {
        true
    }
}

/// Those among whom is chosen: mostly the ones that are awake.
pub fn mostly_awake(random: &mut Random, enabled: &[Candidate]) -> Vec<Thread> {
    let threads = |among: &mut dyn Iterator<Item = &Candidate>| among.map(|candidate| candidate.thread).collect();
    let awake: Vec<Thread> = threads(&mut enabled.iter().filter(|candidate| candidate.sleeps_until.is_none()));
    let all_awake = awake.len() == enabled.len();
    match !awake.is_empty() && (all_awake || random.chance(AWAKE_FIRST)) {
        true => awake,
        false => threads(&mut enabled.iter()),
    }
}

fn any(random: &mut Random, enabled: &[Candidate]) -> Thread {
    let among = mostly_awake(random, enabled);
    among[random.below(among.len())]
}
