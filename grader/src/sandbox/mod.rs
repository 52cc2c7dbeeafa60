//! The native sandbox: theory of operation.
//!
//! ```text
//! grader ──orders──▶ root ─fork▶ template ─fork▶ slot ─clone▶ init ─fork, drop rights▶ program
//!    └──────────────────────────── control channel ──────────────▶┘
//! ```
//!
//! A [`Launcher`] serves one grading. For every case it makes a fresh network ([`Launcher::world`]) and in it sandboxes
//! ([`Launcher::sandbox`]), each with namespaces for processes, mounts, IPC and host name, a work folder of its own,
//! control groups of its own and an init that starts programs. A program is an ordinary user in a user namespace that
//! owns nothing, without capabilities, under an allow-list of system calls. Everything that can be done before a
//! student's file is read is done before: a Python program goes on in an interpreter that has started already.
//!
//! This module states facts: [`Exit`], [`Usage`]. What they mean for a student is said in
//! [`crate::verdict`]. Dropping a [`Sandbox`] kills everything in it and waits until the kernel says it is gone.

mod addresses;
mod cgroup;
mod filter;
mod init;
mod interpreter;
mod kernel;
mod landlock;
mod launcher;
pub mod packages;
mod policy;
mod program;
mod python;
mod rehearsal;
mod root;
pub mod sockets;
pub mod tasks;
mod templates;
mod work;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;

use cgroup::Group;
pub use cgroup::Hierarchies;
pub use init::{Exit, Notice, ProcessLimits};
pub use interpreter::{Role, environment};
pub(crate) use kernel::inherited;
pub use kernel::packets;
pub use program::CORE_BYTES;
use program::Command;
pub use root::{LIBRARY, STANDARD_LIBRARY};
pub use templates::{Launcher, Network, Templates};
use work::Room;
pub use work::{Kind, WorkFolder};

use crate::channel::{Channel, Frame};
use crate::{applets, simulator};

/// The word that makes this binary a launcher.
pub const LAUNCHER_WORD: &str = "sandbox-launcher";
/// Largest file that a program may write.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Descriptors a process may have open.
const DESCRIPTORS_MAX: u64 = 4096;
/// How far behind the limit on a whole tree each single process has its own. The kernel counts that one by clock ticks,
/// which may be a quarter off, so it must never strike first.
const CPU_BACKSTOP_FACTOR: u64 = 3;
/// How long the kernel may take to bury a killed sandbox before we call it our error.
const BURIAL_PATIENCE: Duration = Duration::from_secs(20);

/// Runs the launcher, the simulator or an applet, and never returns, if this process was started as one. First thing in `main`, before
/// any thread.
pub fn launcher_main() {
    let mut words = std::env::args_os().skip(1);
    let ended = match words.next() {
        Some(word) if word == LAUNCHER_WORD => launcher::run().map_err(|error| format!("sandbox launcher: {error}")),
        Some(word) if word == simulator::WORD => simulator::run().map_err(|error| format!("simulator: {error}")),
        Some(word) if word == applets::WORD => applets::run(words).map_err(|error| format!("applet: {error}")),
        _ => return,
    };
    if let Err(error) = &ended {
        eprintln!("{error}");
    }
    std::process::exit(i32::from(ended.is_err()))
}

/// What a sandbox may use, all of its processes together.
#[derive(Clone, Copy, Debug)]
pub struct SandboxLimits {
    pub cpu_s: u32,
    pub memory_bytes: u64,
    pub processes: u32,
    pub work_bytes: u64,
    pub work_files: u64,
}

/// What a sandbox has used so far, every process counted, reaped and killed ones too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu_us: u64,
    pub peak_bytes: u64,
    /// Tasks killed at the memory limit.
    pub memory_kills: u64,
    /// Tasks killed for want of memory that this sandbox had not taken: nobody's fault inside.
    pub foreign_kills: u64,
    /// Most processes and threads at a time; 0 where the kernel does not tell.
    pub processes_peak: u64,
    /// Forks refused at the process limit.
    pub processes_refused: u64,
    /// Periods in which it would have run longer than its share; 0 for a sandbox that is not slowed.
    pub throttled: u64,
    /// What lies in its writable folders now, ours included.
    pub disk_bytes: u64,
    /// Whether one of them has no room left.
    pub disk_full: bool,
}

fn process_limits(limits: SandboxLimits, weak: bool) -> ProcessLimits {
    ProcessLimits {
        cpu_s: u64::from(limits.cpu_s) * if weak { 1 } else { CPU_BACKSTOP_FACTOR },
        data_bytes: weak.then_some(limits.memory_bytes),
        processes: weak.then_some(u64::from(limits.processes)),
        file_bytes: FILE_BYTES_MAX,
        descriptors: DESCRIPTORS_MAX,
    }
}

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    control: Channel,
    pidfd: OwnedFd,
    work: WorkFolder,
    /// /tmp and /dev/shm.
    scratch: [OwnedFd; 2],
    init_pid: i32,
    group: Group,
    prepared: bool,
    /// Notices that came while something else was waited for.
    notices: VecDeque<Notice>,
    next_id: u64,
}

impl Sandbox {
    /// Takes charge of a sandbox that is being made.
    fn newborn(descriptors: [OwnedFd; 5], init_pid: i32, owner: Option<u32>, group: Group) -> Sandbox {
        let [control, pidfd, work, tmp, shm] = descriptors;
        Sandbox {
            control: Channel::new(control),
            pidfd,
            work: WorkFolder::new(work, owner),
            scratch: [tmp, shm],
            init_pid,
            group,
            prepared: false,
            notices: VecDeque::new(),
            next_id: 0,
        }
    }

    /// Waits until all is done that can be before the program is known. The first program waits by itself.
    pub fn prepared(&mut self) -> io::Result<()> {
        if !self.prepared {
            match self.receive()? {
                Notice::Ready => self.prepared = true,
                Notice::Broken { reason } => return Err(io::Error::other(reason)),
                Notice::Gone => return Err(gone()),
                other => return Err(io::Error::other(format!("init began with {other:?}"))),
            }
        }
        Ok(())
    }

    pub fn work(&self) -> &WorkFolder {
        &self.work
    }

    /// Starts a program with `descriptors` as its 0, 1, 2, …; returns the name by which notices speak of it.
    pub fn spawn(
        &mut self,
        argv: &[String],
        environment: &[(String, String)],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<u64> {
        self.prepared()?;
        self.next_id += 1;
        let id = self.next_id;
        let command = Command { argv: argv.to_vec(), environment: environment.to_vec() };
        self.order(&init::Order::Spawn { id, command }, descriptors)?;
        loop {
            match self.receive()? {
                Notice::Spawned { id: spawned } if spawned == id => return Ok(id),
                Notice::NotSpawned { id: failed, reason } if failed == id => {
                    return Err(io::Error::other(format!("start {:?}: {reason}", argv.first())));
                }
                Notice::Gone => return Err(gone()),
                notice => self.notices.push_back(notice),
            }
        }
    }

    /// Signals a program; returns once the kernel has the signal, so that what is seen from then on follows from it.
    pub fn signal(&mut self, id: u64, signal: i32) -> io::Result<()> {
        self.order(&init::Order::Signal { id, signal }, &[])?;
        loop {
            match self.receive()? {
                Notice::Signalled { id: signalled } if signalled == id => return Ok(()),
                Notice::Gone => return Ok(()),
                notice => self.notices.push_back(notice),
            }
        }
    }

    /// What happened since the last call; never waits. Once everything is gone it says so at each call.
    pub fn try_notice(&mut self) -> io::Result<Option<Notice>> {
        if let Some(notice) = self.notices.pop_front() {
            return Ok(Some(notice));
        }
        match self.control.try_receive()? {
            Some(frame) => frame.head().map(Some),
            None => Ok(self.control.ended().then_some(Notice::Gone)),
        }
    }

    /// The next notice, waiting for it.
    pub fn next_notice(&mut self) -> io::Result<Notice> {
        match self.notices.pop_front() {
            Some(notice) => Ok(notice),
            None => self.receive(),
        }
    }

    /// How a program ended, waiting for it and for nothing else; `None` when the whole sandbox did.
    pub fn exit_of(&mut self, id: u64) -> io::Result<Option<Exit>> {
        loop {
            match self.next_notice()? {
                Notice::Exited { id: exited, exit } if exited == id => return Ok(Some(exit)),
                Notice::Gone => return Ok(None),
                _ => {}
            }
        }
    }

    /// Kills the sandbox after `patience`, unless what is returned is dropped before.
    pub fn killer_after(&self, patience: Duration) -> io::Result<Killer> {
        let pidfd = self.pidfd.try_clone()?;
        let (watch, called_off) = std::io::pipe()?;
        let thread = std::thread::spawn(move || {
            let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: 0 };
            let mut sources = [PollFd::new(&watch, PollFlags::IN)];
            let ended = rustix::io::retry_on_intr(|| rustix::event::poll(&mut sources, Some(&patience)));
            if matches!(ended, Ok(0)) {
                let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
            }
        });
        Ok(Killer { _called_off: called_off, _thread: thread })
    }

    /// Becomes readable when there may be a notice.
    pub fn notices(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    pub fn usage(&self) -> Usage {
        let used = self.group.usage();
        let disks: Vec<Room> = self.scratch.iter().map(AsFd::as_fd).chain([self.work.as_fd()]).map(Room::of).collect();
        Usage {
            cpu_us: used.cpu_us,
            peak_bytes: used.peak_bytes,
            memory_kills: used.memory_kills,
            foreign_kills: used.foreign_kills,
            processes_peak: used.processes_peak.saturating_sub(1),
            processes_refused: used.processes_refused,
            throttled: used.throttled,
            disk_bytes: disks.iter().map(|room| room.used_bytes).sum(),
            disk_full: disks.iter().any(|room| room.full),
        }
    }

    /// Makes [`Usage::peak_bytes`] tell the peak from now on, where the kernel can.
    pub fn reset_peak(&self) -> bool {
        self.group.reset_peak()
    }

    /// Host process id of process 1, which is ours.
    pub fn init_pid(&self) -> i32 {
        self.init_pid
    }

    /// Host process ids of everything inside but ours, like [`Sandbox::processes`], and of what has ended and was not
    /// waited for.
    pub fn processes_and_zombies(&self) -> Vec<i32> {
        if self.next_id == 0 { vec![] } else { tasks::descendants(self.init_pid) }
    }

    /// Host process ids of everything inside but ours: init, and what waits to become the first program.
    pub fn processes(&self) -> Vec<i32> {
        if self.next_id == 0 {
            return vec![];
        }
        let mut processes = self.group.processes().unwrap_or_else(|| tasks::descendants(self.init_pid));
        processes.retain(|pid| *pid != self.init_pid);
        processes
    }

    /// Kills everything inside. The facts about its use stay readable.
    pub fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.group.kill();
    }

    /// Tells init; one that is gone is found out by whoever waits for its answer.
    fn order(&self, order: &init::Order, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        match self.control.send(order, b"", descriptors) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    fn receive(&mut self) -> io::Result<Notice> {
        let frame: Option<Frame> = self.control.receive()?;
        frame.map_or(Ok(Notice::Gone), |frame| frame.head())
    }
}

fn gone() -> io::Error {
    io::Error::other("the sandbox is gone")
}

/// A kill that is called off by dropping this.
#[derive(Debug)]
pub struct Killer {
    _called_off: std::io::PipeWriter,
    _thread: std::thread::JoinHandle<()>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill();
        let patience = Timespec { tv_sec: BURIAL_PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let mut buried = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let result = rustix::io::retry_on_intr(|| rustix::event::poll(&mut buried, Some(&patience)));
        if !matches!(result, Ok(1)) {
            tracing::error!(init.pid = self.init_pid, "a killed sandbox is still there");
        }
    }
}
