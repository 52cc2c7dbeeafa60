//! Questions of the examiner whose answer takes an event, or the proof that none will come.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::programs::Running;
use super::protocol::Answer;
use super::quiet::Watch;
use crate::sandbox::Sandbox;
use crate::sandbox::sockets::{Protocol, Socket, SocketTable, State};
use crate::sandbox::tasks::{self, Thread};

/// Questions that an examiner may leave open at a time.
const OPEN_MAX: usize = 64;

/// Between two looks at the socket table: first quick, for what comes at once, then slower.
const TABLE_INTERVALS: std::ops::RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_millis(1);

/// How long a submission whose case has failed is given to come to rest.
const SETTLE_PATIENCE: Duration = Duration::from_secs(2);

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
    /// The same, or every program has ended, or it has been long enough.
    Settled { asked: Instant },
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
                let still = question.watch.look(threads, sockets.clone(), Instant::now())?;
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
        Awaits::Settled { asked } => (running.all_ended() || asked.elapsed() > SETTLE_PATIENCE).then(Answer::default),
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
