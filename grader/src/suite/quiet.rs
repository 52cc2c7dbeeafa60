//! Whether anything will ever happen again in a submission (K5).
//!
//! Looks a few milliseconds apart are compared. The submission is *still* when over several looks every thread either
//! sleeps where no clock will wake it and has not run in between, or is a poller that has woken several times in some
//! seconds without anything having changed; and when no byte is under way in the network. A busy machine makes threads runnable for
//! longer, never still, so slowness cannot be mistaken for a deadlock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::sandbox::sockets::{Socket, State, is_at};
use crate::sandbox::tasks::{Doing, Thread, Wait};

/// Time between two looks.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Looks without a change that prove stillness.
const LOOKS_NEEDED: u32 = 3;
/// Wake-ups without a change after which a poller counts as still, and how long it must have been at it: whoever sleeps
/// a little, and again, may be about to act.
const WAKE_UPS_NEEDED: u64 = 3;
const POLLING_NEEDED: Duration = Duration::from_secs(2);

/// What the threads of a still submission wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Still {
    /// Words that complete "a thread waits …", and how many do.
    pub waits: Vec<(&'static str, usize)>,
    /// Whether some thread keeps waking by a clock.
    pub polling: bool,
}

/// Looks so far.
#[derive(Debug, Default)]
pub struct Watch {
    first: Option<Look>,
    /// Looks that were like the first.
    unchanged: u32,
    looked: Option<Instant>,
}

/// What was seen at a time.
#[derive(Clone, Debug)]
pub struct Look {
    /// The submission's.
    pub threads: Vec<Thread>,
    /// The examiner's and our own beside the submission's: fixtures may be about to do something, and an init to tell that
    /// a program has ended.
    pub others: Vec<Thread>,
    pub sockets: Vec<Socket>,
    pub at: Instant,
}

impl Watch {
    /// Whether it is time for another look.
    pub fn due(&self) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_INTERVAL)
    }

    /// Takes one look into account; `Some` once the submission is proved still.
    pub fn look(&mut self, look: Look) -> Option<Still> {
        self.looked = Some(look.at);
        match &self.first {
            Some(first) if same(first, &look) => self.unchanged += 1,
            _ => {
                self.unchanged = 1;
                self.first = Some(look.clone());
            }
        }
        let first = self.first.as_ref().expect("just set");
        let watched = look.at - first.at;
        let asleep = asleep(&first.threads, &look.threads, watched) && asleep(&first.others, &look.others, watched);
        let still = self.unchanged >= LOOKS_NEEDED && settled(&look.sockets) && asleep;
        still.then(|| summary(&look.threads))
    }
}

/// Same threads, none of the stuck ones has run, and not a byte has moved.
fn same(first: &Look, now: &Look) -> bool {
    first.sockets == now.sockets
        && same_threads(&first.threads, &now.threads)
        && same_threads(&first.others, &now.others)
}

fn same_threads(before: &[Thread], now: &[Thread]) -> bool {
    before.len() == now.len()
        && before.iter().zip(now).all(|(before, now)| {
            before.id == now.id
                && match (before.doing, now.doing) {
                    (Doing::Stuck(_), Doing::Stuck(_)) => before.switches == now.switches,
                    (Doing::Waiting(_), Doing::Waiting(_) | Doing::Running) => true,
                    _ => false,
                }
        })
}

fn asleep(before: &[Thread], now: &[Thread], watched: Duration) -> bool {
    before.iter().zip(now).all(|(before, now)| match now.doing {
        Doing::Stuck(_) => true,
        Doing::Waiting(_) => watched >= POLLING_NEEDED && now.switches >= before.switches + WAKE_UPS_NEEDED,
        Doing::Running => false,
    })
}

/// Every byte sent has arrived, or waits for a reader whose queue is not empty; and whoever connects does so to a queue
/// that is full.
fn settled(sockets: &[Socket]) -> bool {
    let full = |address| {
        let listens = |socket: &&Socket| socket.state == State::Listen && is_at(socket.local, address);
        sockets.iter().find(listens).is_some_and(|listener| listener.unread > listener.unsent)
    };
    sockets.iter().all(|socket| match socket.state {
        State::Listen | State::TimeWait => true,
        State::SynSent => full(socket.remote),
        State::SynRecv | State::NewSynRecv => full(socket.local),
        _ => {
            socket.unsent == 0
                || sockets
                    .iter()
                    .any(|peer| peer.local == socket.remote && peer.remote == socket.local && peer.unread > 0)
        }
    })
}

fn summary(threads: &[Thread]) -> Still {
    let mut waits: BTreeMap<Wait, usize> = BTreeMap::new();
    let mut polling = false;
    for thread in threads {
        match thread.doing {
            Doing::Stuck(wait) => *waits.entry(wait).or_default() += 1,
            Doing::Waiting(wait) => {
                polling = true;
                *waits.entry(wait).or_default() += 1;
            }
            Doing::Running => {}
        }
    }
    Still { waits: waits.into_iter().map(|(wait, count)| (wait.words(), count)).collect(), polling }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: i32, doing: Doing, switches: u64) -> Thread {
        Thread { id, doing, switches }
    }

    fn socket(local: u16, remote: u16, unread: u32, unsent: u32) -> Socket {
        let address = |port| format!("127.0.0.1:{port}").parse().unwrap();
        Socket { state: State::Established, local: address(local), remote: address(remote), unread, unsent }
    }

    /// Looks half a second apart.
    fn looks(watch: &mut Watch, mut threads: impl FnMut(u64) -> Vec<Thread>, count: u64) -> Option<Still> {
        let began = Instant::now();
        (0..count).find_map(|number| {
            let at = began + number as u32 * Duration::from_millis(500);
            watch.look(Look { threads: threads(number), others: vec![], sockets: vec![], at })
        })
    }

    #[test]
    fn a_stuck_thread_is_still_after_three_looks() {
        let mut watch = Watch::default();
        let stuck = |_| vec![thread(1, Doing::Stuck(Wait::Lock), 7)];
        assert_eq!(looks(&mut watch, stuck, 2), None);
        let still = looks(&mut watch, stuck, 1).unwrap();
        assert_eq!(still, Still { waits: vec![("for a lock or condition", 1)], polling: false });
    }

    #[test]
    fn a_thread_that_ran_between_two_looks_starts_the_count_again() {
        let ran = |switches| vec![thread(1, Doing::Stuck(Wait::Lock), switches)];
        assert_eq!(looks(&mut Watch::default(), ran, 10), None);
    }

    #[test]
    fn a_sleeper_is_still_only_after_it_woke_three_times() {
        let sleeper = |switches| vec![thread(1, Doing::Waiting(Wait::Sleep), switches)];
        assert_eq!(looks(&mut Watch::default(), |_| sleeper(5), 10), None);
        assert_eq!(looks(&mut Watch::default(), |number| sleeper(number.min(2)), 10), None);
        assert!(looks(&mut Watch::default(), |number| sleeper(number.min(3)), 10).unwrap().polling);
    }

    #[test]
    fn a_sleeper_that_wakes_often_is_given_some_seconds() {
        let sleeper = |number: u64| vec![thread(1, Doing::Waiting(Wait::Sleep), number * 100)];
        assert_eq!(looks(&mut Watch::default(), sleeper, 4), None);
        assert!(looks(&mut Watch::default(), sleeper, 5).is_some());
    }

    #[test]
    fn a_runnable_thread_is_never_still() {
        assert_eq!(looks(&mut Watch::default(), |_| vec![thread(1, Doing::Running, 0)], 10), None);
    }

    #[test]
    fn bytes_under_way_are_not_stillness_but_a_full_reader_is() {
        let stuck = || vec![thread(1, Doing::Stuck(Wait::Write), 1)];
        let under_way = || vec![socket(1, 2, 0, 10), socket(2, 1, 0, 0)];
        let full = || vec![socket(1, 2, 0, 10), socket(2, 1, 4096, 0)];
        let still = |sockets: &dyn Fn() -> Vec<Socket>| {
            let mut watch = Watch::default();
            (0..5).any(|_| {
                watch.look(Look { threads: stuck(), others: vec![], sockets: sockets(), at: Instant::now() }).is_some()
            })
        };
        assert!(!still(&under_way));
        assert!(still(&full));
    }
}
