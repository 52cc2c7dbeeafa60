//! Questions of the examiner whose answer takes an event, or the proof that none will come.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::programs::Running;
use super::protocol::Answer;
use super::quiet::Watch;
use crate::sandbox::Sandbox;
use crate::sandbox::sockets::{Protocol, Socket, SocketTable, State};
use crate::sandbox::tasks::{self, Doing, Thread};

/// Questions that an examiner may leave open at a time.
const OPEN_MAX: usize = 64;

/// Between two looks at the socket table: first quick, for what comes at once, then slower.
const TABLE_INTERVALS: std::ops::RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_millis(1);

/// What a submission whose case has failed may use to come to rest: so much processor time, and so long with every thread
/// asleep. While one of them waits for a processor, it is the machine that is slow.
const SETTLE_PATIENCE: Duration = Duration::from_secs(2);

/// Longest time that a look can tell about: those of a grader that gets no processor itself are far apart.
const LOOK_STANDS_FOR_MAX: Duration = Duration::from_millis(50);

/// What an examiner waits for.
#[derive(Debug)]
pub enum Awaits {
    /// All addresses are in LISTEN, or the process has ended.
    Ready { process: u64, addresses: Vec<SocketAddr> },
    /// The socket that `local` talks to has been read empty.
    Drained { local: SocketAddr, remote: SocketAddr },
    /// The process has ended.
    Exit { process: u64 },
    /// Nothing will happen any more.
    Still,
    /// The same, or every program has ended, or patience has.
    Settled(Patience),
}

/// How far a submission is from using up [`SETTLE_PATIENCE`].
#[derive(Debug)]
pub struct Patience {
    /// Of all that it has used, when it was asked.
    cpu_us: u64,
    /// How long all threads have been asleep, by the looks that found them so.
    asleep: Duration,
    looked: Instant,
}

impl Patience {
    pub fn with(submission: &Sandbox) -> Patience {
        Patience { cpu_us: submission.usage().cpu_us, asleep: Duration::ZERO, looked: Instant::now() }
    }

    /// Takes one look into account; `true` once it is used up.
    fn ends(&mut self, threads: &[Thread], cpu_us: u64, at: Instant) -> bool {
        let passed = at - std::mem::replace(&mut self.looked, at);
        if !threads.iter().any(|thread| thread.doing == Doing::Running) {
            self.asleep += passed.min(LOOK_STANDS_FOR_MAX);
        }
        self.asleep.max(Duration::from_micros(cpu_us.saturating_sub(self.cpu_us))) > SETTLE_PATIENCE
    }
}

#[derive(Debug)]
struct Question {
    id: u64,
    asked: Instant,
    awaits: Awaits,
    watch: Watch,
}

/// The open ones.
#[derive(Debug, Default)]
pub struct Questions {
    open: Vec<Question>,
}

impl Questions {
    /// When to look again; `None` when nothing is asked.
    pub fn interval(&self) -> Option<Duration> {
        let newest = self.open.iter().map(|question| question.asked.elapsed()).min()?;
        Some((newest / 2).clamp(*TABLE_INTERVALS.start(), *TABLE_INTERVALS.end()))
    }

    /// Opens a question; an error when the examiner has too many.
    pub fn ask(&mut self, id: u64, awaits: Awaits) -> Result<(), &'static str> {
        if self.open.len() == OPEN_MAX {
            return Err("too many questions are open");
        }
        self.open.push(Question { id, asked: Instant::now(), awaits, watch: Watch::default() });
        Ok(())
    }

    /// Closes a question; `false` when it was answered meanwhile.
    pub fn forget(&mut self, id: u64) -> bool {
        let before = self.open.len();
        self.open.retain(|question| question.id != id);
        self.open.len() < before
    }

    /// Looks at the submission once and closes what can be answered.
    pub fn answers(&mut self, table: &SocketTable, submission: &Sandbox, running: &Running) -> io::Result<Vec<Answer>> {
        if self.open.is_empty() {
            return Ok(vec![]);
        }
        let sockets = table.sockets(Protocol::Tcp)?;
        let mut threads: Option<Vec<Thread>> = None;
        let mut answers = Vec::new();
        self.open.retain_mut(|question| {
            let look = || tasks::threads(&submission.processes());
            let answer = event(&question.awaits, &sockets, running).or_else(|| {
                let threads = question.watch.due().then(|| threads.get_or_insert_with(look).clone())?;
                // A program without threads has ended, and is about to be reported.
                if threads.is_empty() && !running.all_ended() {
                    return None;
                }
                let now = Instant::now();
                if let Awaits::Settled(patience) = &mut question.awaits
                    && patience.ends(&threads, submission.usage().cpu_us, now)
                {
                    return Some(Answer::default());
                }
                let still = question.watch.look(threads, sockets.clone(), now)?;
                Some(Answer { still: Some(still), ..Answer::default() })
            });
            let open = answer.is_none();
            answers.extend(answer.map(|answer| Answer { id: question.id, ..answer }));
            open
        });
        Ok(answers)
    }
}

/// The answer, if the event has come.
fn event(awaits: &Awaits, sockets: &[Socket], running: &Running) -> Option<Answer> {
    let ended = |process| running.exit(process).map(|exit| Answer { exit: Some(exit), ..Answer::default() });
    match awaits {
        Awaits::Still => None,
        Awaits::Settled(_) => running.all_ended().then(Answer::default),
        Awaits::Exit { process } => ended(*process),
        Awaits::Ready { process, addresses } => {
            if addresses.iter().all(|address| is_listening(sockets, *address)) {
                return Some(Answer { ready: Some(true), ..Answer::default() });
            }
            ended(*process)
        }
        Awaits::Drained { local, remote } => is_drained(sockets, *local, *remote).then(Answer::default),
    }
}

/// A socket bound to every address of a family is at each of them.
pub fn is_at(local: SocketAddr, wanted: SocketAddr) -> bool {
    local.port() == wanted.port() && (local.ip() == wanted.ip() || local.ip().is_unspecified())
}

fn is_listening(sockets: &[Socket], address: SocketAddr) -> bool {
    sockets.iter().any(|socket| socket.state == State::Listen && is_at(socket.local, address))
}

/// Whether the socket that talks to `local` has been read empty; one that is gone has nothing left to read.
fn is_drained(sockets: &[Socket], local: SocketAddr, remote: SocketAddr) -> bool {
    let ours = sockets.iter().find(|socket| (socket.local, socket.remote) == (local, remote));
    let theirs = sockets.iter().find(|socket| (socket.local, socket.remote) == (remote, local));
    ours.is_none_or(|socket| socket.unsent == 0) && theirs.is_none_or(|socket| socket.unread == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::tasks::Wait;

    /// After how many looks, 5 ms apart, patience ends with a program that is found `doing` in turns.
    fn ends(doing: [Doing; 2], cpu_us_a_look: u64) -> Option<usize> {
        let began = Instant::now();
        let mut patience = Patience { cpu_us: 0, asleep: Duration::ZERO, looked: began };
        (1..10_000).find(|look| {
            let at = began + *look as u32 * Duration::from_millis(5);
            let threads = [Thread { id: 1, doing: doing[look % 2], switches: 0 }];
            patience.ends(&threads, *look as u64 * cpu_us_a_look, at)
        })
    }

    const ASLEEP: Doing = Doing::Waiting(Wait::Sleep);

    #[test]
    fn a_program_that_gets_no_processor_is_waited_for() {
        assert_eq!(ends([Doing::Running; 2], 10), None);
    }

    #[test]
    fn a_program_that_goes_on_working_is_not_waited_for_for_ever() {
        assert_eq!(ends([Doing::Running; 2], 5000), Some(401));
    }

    #[test]
    fn a_program_that_sleeps_is_waited_for_for_some_seconds() {
        assert_eq!(ends([ASLEEP; 2], 0), Some(401));
        assert_eq!(ends([ASLEEP, Doing::Running], 10), Some(802));
    }
}
