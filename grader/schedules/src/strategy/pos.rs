//! A random priority for each pending operation, drawn anew once it has been carried out.

use std::collections::BTreeMap;

use super::Strategy;
use super::walk::mostly_awake;
use crate::{Random, Thread, View};

#[derive(Debug)]
pub struct Pos {
    random: Random,
    priorities: BTreeMap<Thread, u64>,
}

impl Pos {
    pub fn new(random: Random) -> Pos {
        Pos { random, priorities: BTreeMap::new() }
    }

    fn draw(&mut self, thread: Thread) {
        let priority = self.random.number();
        self.priorities.insert(thread, priority);
    }

    fn next(&mut self, view: &View<'_>) -> Thread {
        self.draw(view.me);
        let among = mostly_awake(&mut self.random, view.enabled);
        let priority = |thread: &Thread| self.priorities.get(thread).copied();
        among
            .into_iter()
            .max_by_key(|thread| (priority(thread), std::cmp::Reverse(*thread)))
            .expect("somebody is enabled")
    }
}

impl Strategy for Pos {
    fn started(&mut self, thread: Thread) {
        self.draw(thread);
    }

    fn arm(&mut self, _me: Thread, _step: u32, _total: u32) -> Option<u32> {
        Some(1)
    }

    fn at_point(&mut self, view: &View<'_>) -> Thread {
        self.next(view)
    }

    fn at_block(&mut self, view: &View<'_>) -> Thread {
        self.next(view)
    }

    /// Whoever waits in vain is to be overtaken.
    fn gave_way(&mut self, me: Thread) {
        let priority = self.random.number() / 2;
        self.priorities.insert(me, priority);
    }

    fn at_every_synchronisation(&self) -> bool {
        true
    }
}
