//! Questions of the examiner whose answer takes an event, or the proof that none will come.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::address::Address;
use super::nodes::Nodes;
use super::programs::Running;
use super::protocol::Answer;
use super::quiet::{Look, Watch};
use crate::sandbox::Sandbox;
use crate::sandbox::sockets::{Protocol, Socket, SocketTable, State, UnixSocket, is_at};
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
    /// All addresses are in LISTEN or bound, or the process has ended.
    Ready { process: u64, addresses: Vec<Address> },
    /// The socket that `local` talks to has been read empty.
    Drained { local: SocketAddr, remote: SocketAddr },
    /// The UDP socket that is bound there has been read empty.
    DrainedUdp { address: SocketAddr },
    /// What was sent on the unix socket with that inode has been read.
    DrainedUnix { inode: u32 },
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
    pub fn with(submission: &Nodes) -> Patience {
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

    /// Looks at the submission, and at the fixtures beside the suite, once and closes what can be answered.
    pub fn answers(
        &mut self,
        table: &SocketTable,
        submission: &Nodes,
        examiner: &Sandbox,
        running: &Running,
    ) -> io::Result<Vec<Answer>> {
        if self.open.is_empty() {
            return Ok(vec![]);
        }
        let scene = Scene::look(table, submission, running, &self.open)?;
        let mut seen: Option<Look> = None;
        let mut answers = Vec::new();
        self.open.retain_mut(|question| {
            let look = || Look {
                threads: submission.threads(),
                others: tasks::threads(&examiner.processes()).into_iter().chain(submission.inits()).collect(),
                sockets: scene.tcp.clone(),
                at: Instant::now(),
            };
            let answer = scene.event(&question.awaits).or_else(|| {
                let look = question.watch.due().then(|| seen.get_or_insert_with(look).clone())?;
                // What has ended is about to be reported, or has been and was not taken in.
                if look.threads.is_empty() && !running.all_ended() || submission.have_notices() {
                    return None;
                }
                if let Awaits::Settled(patience) = &mut question.awaits
                    && patience.ends(&look.threads, submission.usage().cpu_us, look.at)
                {
                    return Some(Answer::default());
                }
                let still = question.watch.look(look)?;
                Some(Answer { still: Some(still), ..Answer::default() })
            });
            let open = answer.is_none();
            answers.extend(answer.map(|answer| Answer { id: question.id, ..answer }));
            open
        });
        Ok(answers)
    }
}

/// What events are read off.
struct Scene<'a> {
    submission: &'a Nodes,
    running: &'a Running,
    tcp: Vec<Socket>,
    /// These two only where some question is about them.
    udp: Vec<Socket>,
    unix: Vec<UnixSocket>,
}

impl<'a> Scene<'a> {
    fn look(
        table: &SocketTable,
        submission: &'a Nodes,
        running: &'a Running,
        open: &[Question],
    ) -> io::Result<Scene<'a>> {
        let about = |what: fn(&Address) -> bool, itself: fn(&Awaits) -> bool| {
            open.iter().any(|question| match &question.awaits {
                Awaits::Ready { addresses, .. } => addresses.iter().any(what),
                other => itself(other),
            })
        };
        let udp = about(|it| matches!(it, Address::Udp(_)), |it| matches!(it, Awaits::DrainedUdp { .. }));
        let unix = about(|it| matches!(it, Address::Unix(_)), |it| matches!(it, Awaits::DrainedUnix { .. }));
        Ok(Scene {
            submission,
            running,
            tcp: table.sockets(Protocol::Tcp)?,
            udp: if udp { table.sockets(Protocol::Udp)? } else { vec![] },
            unix: if unix { table.unix_sockets()? } else { vec![] },
        })
    }

    /// The answer, if the event has come.
    fn event(&self, awaits: &Awaits) -> Option<Answer> {
        let ended = |process| self.running.exit(process).map(|exit| Answer { exit: Some(exit), ..Answer::default() });
        match awaits {
            Awaits::Still => None,
            Awaits::Settled(_) => self.running.all_ended().then(Answer::default),
            Awaits::Exit { process } => ended(*process),
            Awaits::Ready { process, addresses } => {
                if addresses.iter().all(|address| self.is_listening(*process, address)) {
                    return Some(Answer { ready: Some(true), ..Answer::default() });
                }
                ended(*process)
            }
            Awaits::Drained { local, remote } => is_drained(&self.tcp, *local, *remote).then(Answer::default),
            Awaits::DrainedUdp { address } => self.is_drained_udp(*address).then(Answer::default),
            Awaits::DrainedUnix { inode } => self.is_drained_unix(*inode).then(Answer::default),
        }
    }

    fn is_listening(&self, process: u64, address: &Address) -> bool {
        match address {
            Address::Tcp(address) => {
                self.tcp.iter().any(|socket| socket.state == State::Listen && is_at(socket.local, *address))
            }
            Address::Udp(address) => self.udp.iter().any(|socket| is_at(socket.local, *address)),
            Address::Unix(name) => {
                let node = self.running.node(process).and_then(|node| self.submission.get(node).ok());
                let file = node.and_then(|node| node.work().socket_file(name));
                let ready = |socket: &&UnixSocket| socket.state == State::Listen || socket.datagrams;
                file.is_some() && self.unix.iter().filter(ready).any(|socket| socket.file == file)
            }
        }
    }

    /// Whether everything that was sent there has been read; where nobody is bound, nothing is left to read.
    fn is_drained_udp(&self, address: SocketAddr) -> bool {
        self.udp.iter().all(|socket| !is_at(socket.local, address) || socket.unread == 0)
    }

    fn is_drained_unix(&self, inode: u32) -> bool {
        self.unix.iter().find(|socket| socket.inode == inode).is_none_or(|socket| socket.unsent == 0)
    }
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
