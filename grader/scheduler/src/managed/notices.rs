//! Who waits at a condition, and what notifications came to.
//!
//! Who waits longest is notified first. A notification that finds nobody leaves its place behind, for it may be the one that
//! is waited for later; one that wakes a thread for nothing, again and again, makes it starve.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use schedules::words::Place;

use super::core::Core;

/// Notifications in one visit after which a thread that still waits is called starving.
const VAIN_MIN: u32 = 10;

/// A thread that waits, is notified, and waits again before it lets the lock go for good.
#[derive(Debug)]
struct Visit {
    /// By the lock's count.
    visit: u64,
    /// Of all threads, when this one first waited.
    visits: u64,
    notified: u32,
}

#[derive(Debug, Default)]
pub struct Notices {
    /// Threads, the one that waits longest first.
    pub waiters: RefCell<VecDeque<usize>>,
    visits: RefCell<BTreeMap<usize, Visit>>,
    /// The run that it was last used in.
    epoch: Cell<u32>,
    /// Whether there ever was a notification.
    pub given: Cell<bool>,
    /// Where the last one was given that nobody waited for.
    pub missed: RefCell<Option<Place>>,
}

impl Notices {
    pub fn refresh(&self, epoch: u32) {
        if self.epoch.replace(epoch) != epoch {
            self.waiters.borrow_mut().clear();
            self.visits.borrow_mut().clear();
            self.given.set(false);
            self.missed.replace(None);
        }
    }

    pub fn waits(&self, thread: usize, lock: &Core) {
        let (visit, visits) = (lock.visit.get(), lock.visits.get());
        let mut known = self.visits.borrow_mut();
        if known.get(&thread).is_none_or(|known| known.visit != visit) {
            known.insert(thread, Visit { visit, visits, notified: 0 });
        }
    }

    pub fn has_notified(&self, thread: usize) {
        if let Some(visit) = self.visits.borrow_mut().get_mut(&thread) {
            visit.notified += 1;
        }
    }

    /// Whether `thread`, which waits, was notified again and again without ever having found what it waits for, while
    /// others came and went as often.
    pub fn starves(&self, thread: usize, lock: &Core) -> bool {
        let visits = self.visits.borrow();
        visits
            .get(&thread)
            .is_some_and(|visit| visit.notified >= VAIN_MIN && lock.visits.get() - visit.visits >= u64::from(VAIN_MIN))
    }

    pub fn forget(&self, thread: usize) {
        self.waiters.borrow_mut().retain(|waiter| *waiter != thread);
    }
}
