//! What the threads of a sandbox wait for, as the kernel tells it: the facts behind "nothing will ever happen" (K5).
//!
//! A thread is *stuck* when it sleeps in a system call that has no time-out, or is stopped. Whether a call has one is
//! read off its arguments (`/proc/PID/task/TID/syscall`). One look proves nothing, since a thread may be about to run;
//! the judgement over several looks is `suite::quiet`.

use std::fs;
use std::os::unix::fs::FileExt;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// A poll or epoll time-out from which on waiting counts as endless: longer than any case's patience for it.
pub const LONG_WAIT_MS: u64 = 10_000;

/// Of `futex(2)`: its operations, the flag for the clock, and which operation takes a moment.
const FUTEX_OPERATION: u64 = 0x7f;
const FUTEX_CLOCK_REALTIME: u64 = 256;
const FUTEX_WAIT_BITSET: u64 = 9;

/// One look at one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    pub id: i32,
    pub doing: Doing,
    /// Times it has gone to sleep or was moved off a processor: unchanged means that it did not run in between.
    pub switches: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Running, or about to.
    Running,
    /// Sleeping, and a clock will wake it.
    Waiting(Wait),
    /// Sleeping, and no clock will.
    Stuck(Wait),
}

/// In what it waits, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wait {
    Lock,
    Socket,
    Accept,
    Read,
    Write,
    Poll,
    Child,
    Sleep,
    Stopped,
    Other,
}

impl Wait {
    /// Completes "a thread waits …".
    pub fn words(self) -> &'static str {
        match self {
            Wait::Lock => "for a lock or condition",
            Wait::Socket => "to receive from a socket",
            Wait::Accept => "for a connection",
            Wait::Read => "to read from a file or pipe",
            Wait::Write => "for room to send",
            Wait::Poll => "for any of several descriptors",
            Wait::Child => "for a child process to end",
            Wait::Sleep => "in a sleep",
            Wait::Stopped => "stopped by a signal",
            Wait::Other => "in a system call",
        }
    }
}

/// Every thread of every process. Threads that vanish while we look are left out.
pub fn threads(processes: &[i32]) -> Vec<Thread> {
    let mut threads = Vec::new();
    for pid in processes {
        threads.extend(thread_ids(*pid).filter_map(|id| look(*pid, id)));
    }
    threads
}

/// Children of a process, all generations, those that have ended and were not waited for included.
pub fn descendants(pid: i32) -> Vec<i32> {
    // A child is its parent's thread's that made it.
    let children = |thread: i32| fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
    let children: String = thread_ids(pid).map(children).collect();
    let children: Vec<i32> = children.split_whitespace().filter_map(|child| child.parse().ok()).collect();
    children.iter().flat_map(|child| std::iter::once(*child).chain(descendants(*child))).collect()
}

fn thread_ids(pid: i32) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// One look at one process, with ids as it sees them itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    pub pid: i32,
    /// 1 for an orphan: the sandbox's own.
    pub parent: i32,
    /// As `/proc/PID/stat` has it: `R`, `S`, `Z`, …
    pub state: char,
    pub threads: Vec<i32>,
    /// Open ones; 0 of a process that has ended.
    pub descriptors: usize,
}

/// Facts about every process of `pids`; those that vanish while we look are left out.
pub fn processes(pids: &[i32]) -> Vec<Process> {
    pids.iter().filter_map(|pid| process(*pid)).collect()
}

fn process(pid: i32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let parent: i32 = field(&status, "PPid:")?.parse().ok()?;
    let thread = |thread: i32| own_id(&fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?);
    Some(Process {
        pid: own_id(&status)?,
        parent: own_id(&fs::read_to_string(format!("/proc/{parent}/status")).ok()?)?,
        state: field(&status, "State:")?.chars().next()?,
        threads: thread_ids(pid).filter_map(thread).collect(),
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
    })
}

/// The id in the innermost namespace.
fn own_id(status: &str) -> Option<i32> {
    field(status, "NSpid:")?.split_whitespace().next_back()?.parse().ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// One look at a process of ours that has one thread and no clock: asleep or at work, whatever it sleeps in.
pub fn servant(pid: i32) -> Option<Thread> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let asleep = field(&status, "State:")?.starts_with('S');
    let doing = if asleep { Doing::Stuck(Wait::Other) } else { Doing::Running };
    Some(Thread { id: pid, doing, switches: switches(&status) })
}

fn switches(status: &str) -> u64 {
    let counts = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
    counts.into_iter().filter_map(|name| field(status, name)?.parse::<u64>().ok()).sum()
}

fn look(pid: i32, id: i32) -> Option<Thread> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{id}/status")).ok()?;
    let doing = match field(&status, "State:")?.chars().next()? {
        // What may not be read proves nothing; `doctor` finds that out beforehand.
        'S' => {
            let memory = |address| timespec(pid, address);
            fs::read_to_string(format!("/proc/{pid}/task/{id}/syscall"))
                .map_or(Doing::Running, |line| sleeping(&line, &memory))
        }
        'T' | 't' => Doing::Stuck(Wait::Stopped),
        // Dead and waiting for its parent, who is the one to look at.
        'Z' | 'X' => return None,
        _ => Doing::Running,
    };
    Some(Thread { id, doing, switches: switches(&status) })
}

/// The seconds of the `struct timespec` or `timeval` at an address of a process; what cannot be read is no time at all.
/// A program that changes it meanwhile misleads us about itself and nobody else.
fn timespec(pid: i32, address: u64) -> i64 {
    let mut seconds = [0; size_of::<i64>()];
    let read =
        fs::File::open(format!("/proc/{pid}/mem")).and_then(|memory| memory.read_exact_at(&mut seconds, address));
    read.map_or(0, |()| i64::from_ne_bytes(seconds))
}

/// `NUMBER ARG0 … ARG5 SP PC`, numbers but the first in hex; `running` when it woke meanwhile. `seconds_at` reads the
/// program's memory.
fn sleeping(line: &str, seconds_at: &dyn Fn(u64) -> i64) -> Doing {
    let mut words = line.split_whitespace();
    let Some(call) = words.next().and_then(|word| word.parse::<i64>().ok()) else {
        return Doing::Running;
    };
    let arguments: Vec<u64> =
        words.filter_map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()).collect();
    let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
    let endless_ms = |index| {
        let ms = argument(index) as u32;
        ms.cast_signed() < 0 || u64::from(ms) >= LONG_WAIT_MS
    };
    let endless_s = |seconds: i64| seconds >= (LONG_WAIT_MS / 1000).cast_signed();
    let endless_pointer = |index| argument(index) == 0 || endless_s(seconds_at(argument(index)));
    let endless_futex = || {
        let clock = match argument(1) & FUTEX_CLOCK_REALTIME {
            0 => ClockId::Monotonic,
            _ => ClockId::Realtime,
        };
        // The one operation whose time is a moment, not a duration.
        let now = if argument(1) & FUTEX_OPERATION == FUTEX_WAIT_BITSET { clock_gettime(clock).tv_sec } else { 0 };
        argument(3) == 0 || endless_s(seconds_at(argument(3)) - now)
    };
    let judge = |endless, wait| if endless { Doing::Stuck(wait) } else { Doing::Waiting(wait) };
    match call {
        libc::SYS_futex => judge(endless_futex(), Wait::Lock),
        libc::SYS_recvfrom | libc::SYS_recvmsg => Doing::Stuck(Wait::Socket),
        libc::SYS_accept | libc::SYS_accept4 => Doing::Stuck(Wait::Accept),
        libc::SYS_read | libc::SYS_readv | libc::SYS_pread64 => Doing::Stuck(Wait::Read),
        libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendfile => {
            Doing::Stuck(Wait::Write)
        }
        libc::SYS_poll => judge(endless_ms(2), Wait::Poll),
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => judge(endless_ms(3), Wait::Poll),
        libc::SYS_ppoll => judge(endless_pointer(2), Wait::Poll),
        libc::SYS_select | libc::SYS_pselect6 => judge(endless_pointer(4), Wait::Poll),
        libc::SYS_wait4 | libc::SYS_waitid => Doing::Stuck(Wait::Child),
        // Waits for a signal: an alarm that was set will end it, and alarms cannot be seen from outside.
        libc::SYS_pause | libc::SYS_rt_sigsuspend | libc::SYS_rt_sigtimedwait => Doing::Waiting(Wait::Other),
        libc::SYS_semop | libc::SYS_msgrcv | libc::SYS_msgsnd | libc::SYS_flock | libc::SYS_connect => {
            Doing::Stuck(Wait::Other)
        }
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep => Doing::Waiting(Wait::Sleep),
        // Unknown: a clock may be involved, so nothing is proved.
        _ => Doing::Waiting(Wait::Other),
    }
}
