//! Process 1 of a sandbox: furnishes it, gives up its rights, then starts programs on order and reaps.
//!
//! It is born by a clone of a slot and never replaced by another program, so it carries nothing but what the slot had.
//! Orders and answers go over one channel that no program inside ever holds; when that channel closes, or the slot dies,
//! init ends and the kernel kills everything else in the sandbox with it. It runs as a user of its own: programs inside
//! can neither signal it nor change its limits.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ::landlock::RulesetCreated;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, UnshareFlags};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use super::interpreter::Role;
use super::kernel;
use super::landlock;
use super::launcher::{Ids, Life, SandboxOrder, named};
use super::program::{self, Command, Confinement, Spare};
use super::root::{self, Furnishing, WritableFolders};
use crate::channel::{Channel, Frame};

/// What the grader asks of an init.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Order {
    /// Start a program. Its descriptors 0, 1, 2, … ride on the frame.
    Spawn { id: u64, command: Command },
    /// Signal a program that [`Notice::Exited`] has not been sent for.
    Signal { id: u64, signal: i32 },
}

/// Limits of each single process, behind those of the whole sandbox.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProcessLimits {
    /// Backstop of the limit on the whole tree.
    pub cpu_s: u64,
    /// Only where no control group limits memory.
    pub data_bytes: Option<u64>,
    /// Only where no control group counts processes.
    pub processes: Option<u64>,
    pub file_bytes: u64,
    pub descriptors: u64,
}

/// What the grader hears of a sandbox; all but the last from its init.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// Furnished and ready for orders.
    Ready,
    /// It could not be furnished; init is gone.
    Broken {
        reason: String,
    },
    Spawned {
        id: u64,
    },
    NotSpawned {
        id: u64,
        reason: String,
    },
    /// The signal has been delivered, or there was nobody to take it.
    Signalled {
        id: u64,
    },
    Exited {
        id: u64,
        exit: Exit,
    },
    /// Init has ended, and with it everything else.
    Gone,
}

/// How a process ended: a fact, not a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    Exited(i32),
    Signalled(i32),
}

/// Everything a new init is given by its slot.
#[derive(Debug)]
pub struct Birth {
    pub control: OwnedFd,
    pub folders: WritableFolders,
    /// v1 groups to join.
    pub entrances: Vec<OwnedFd>,
    pub order: SandboxOrder,
    /// Whose interpreter this process is, if it is one.
    pub warm: Option<Role>,
    pub ids: Option<Ids>,
    pub filter: BpfProgram,
}

/// Init's whole life, or a program's first moments.
pub fn serve(birth: Birth) -> io::Result<Life> {
    let Birth { control, folders, entrances, order, warm, ids, filter } = birth;
    occupy_standard_streams();
    let control = Channel::new(control);
    let prepared = prepare(folders, entrances, &order, ids).and_then(|wall| Ok((kernel::child_signals()?, wall)));
    match prepared {
        Ok((signals, wall)) => {
            let SandboxOrder { limits, bans, .. } = order;
            let (programs, spare) = (HashMap::new(), None);
            Init { control, signals, limits, bans, warm, ids, wall, filter, programs, spare }.serve()
        }
        Err(error) => {
            let _ = control.send(&Notice::Broken { reason: error.to_string() }, b"", &[]);
            Ok(Life::Ended)
        }
    }
}

/// Whatever these were, no program may inherit it; and numbers left free here would be given to descriptors of ours,
/// and overwritten in programs that are given their own.
fn occupy_standard_streams() {
    if let Ok(nothing) = fs::File::options().read(true).write(true).open("/dev/null") {
        for number in 0..3 {
            let _ = kernel::install_descriptor(nothing.as_fd(), number);
        }
    }
}

fn prepare(
    folders: WritableFolders,
    entrances: Vec<OwnedFd>,
    order: &SandboxOrder,
    ids: Option<Ids>,
) -> io::Result<RulesetCreated> {
    for entrance in entrances {
        named("join a control group", rustix::io::write(&entrance, b"0").map_err(Into::into))?;
    }
    named("make a cgroup namespace", kernel::unshare(UnshareFlags::NEWCGROUP))?;
    rustix::system::sethostname(b"sandbox")?;
    let furnishing = Furnishing { folders, hosts: &order.hosts, bans: &order.bans, packages: &order.packages };
    named("furnish the root", root::furnish(furnishing))?;
    let wall = named("make rules for Landlock", landlock::wall())?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    named("give up rights", keep_only_what_spawning_needs(ids))?;
    // After the last change of user, which would clear it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(wall)
}

/// Init keeps the rights to become the student's user and to signal it, and no other; an ordinary user's init has
/// nothing to become.
fn keep_only_what_spawning_needs(ids: Option<Ids>) -> io::Result<()> {
    let Some(ids) = ids else { return Ok(()) };
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::SETPCAP | CapabilitySet::KILL;
    rustix::thread::set_keep_capabilities(true)?;
    program::become_user(ids.init)?;
    program::set_capabilities(needed)
}

#[derive(Debug)]
struct Init {
    control: Channel,
    signals: OwnedFd,
    limits: ProcessLimits,
    bans: Vec<String>,
    warm: Option<Role>,
    ids: Option<Ids>,
    wall: RulesetCreated,
    filter: BpfProgram,
    /// The grader's name of each program that runs.
    programs: HashMap<Pid, u64>,
    /// A process that has given up its rights and waits to become the first program.
    spare: Option<(Pid, Channel)>,
}

/// Which side of a fork we are on.
enum Forked {
    Program(Spare),
    Init((Pid, Channel)),
}

impl Init {
    fn serve(mut self) -> io::Result<Life> {
        // Before the sandbox is ready: then it is no part of what a student waits for.
        match self.fork()? {
            Forked::Program(spare) => return Ok(Life::Spare(spare)),
            Forked::Init(spare) => match confined(spare) {
                Ok(spare) => self.spare = Some(spare),
                Err(error) => {
                    self.control.send(&Notice::Broken { reason: error.to_string() }, b"", &[])?;
                    return Ok(Life::Ended);
                }
            },
        }
        self.control.send(&Notice::Ready, b"", &[])?;
        while !self.control.ended() {
            self.wait()?;
            self.reap()?;
            while let Some(frame) = self.control.try_receive()? {
                if let Some(spare) = self.obey(frame)? {
                    return Ok(Life::Spare(spare));
                }
            }
        }
        Ok(Life::Ended)
    }

    fn wait(&self) -> io::Result<()> {
        let mut sources = [PollFd::new(&self.control, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
        match rustix::event::poll(&mut sources, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut pending = [0; 1024];
        let _ = rustix::io::read(&self.signals, &mut pending);
        Ok(())
    }

    /// Every child that has ended, orphans of the programs too; only programs are reported.
    fn reap(&mut self) -> io::Result<()> {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if let Some(id) = self.programs.remove(&pid) {
                let exit = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Exited(code),
                    (None, signal) => Exit::Signalled(signal.unwrap_or(0)),
                };
                self.control.send(&Notice::Exited { id, exit }, b"", &[])?;
            }
        }
        Ok(())
    }

    /// `Some` in the process that is to become the program.
    fn obey(&mut self, frame: Frame) -> io::Result<Option<Spare>> {
        match frame.head()? {
            Order::Spawn { id, command } => {
                let spare = match self.spare.take() {
                    Some(spare) => Ok(spare),
                    None => match self.fork() {
                        Ok(Forked::Program(spare)) => return Ok(Some(spare)),
                        Ok(Forked::Init(spare)) => confined(spare),
                        Err(error) => Err(error),
                    },
                };
                match spare.and_then(|spare| start(spare, &command, frame.descriptors)) {
                    Ok(pid) => {
                        self.programs.insert(pid, id);
                        self.control.send(&Notice::Spawned { id }, b"", &[])?;
                    }
                    Err(error) => return self.not_spawned(id, &error),
                }
            }
            Order::Signal { id, signal } => {
                let pid = self.programs.iter().find(|(_, known)| **known == id).map(|(pid, _)| *pid);
                if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
                    let _ = rustix::process::kill_process(pid, signal);
                }
                self.control.send(&Notice::Signalled { id }, b"", &[])?;
            }
        }
        Ok(None)
    }

    fn not_spawned(&self, id: u64, error: &io::Error) -> io::Result<Option<Spare>> {
        self.control.send(&Notice::NotSpawned { id, reason: error.to_string() }, b"", &[])?;
        Ok(None)
    }

    fn fork(&mut self) -> io::Result<Forked> {
        let (ours, theirs) = Channel::pair()?;
        let pid = kernel::fork()?;
        if pid != 0 {
            return Ok(Forked::Init((Pid::from_raw(pid).expect("fork gives positive numbers"), ours)));
        }
        Ok(Forked::Program(Spare {
            // Its own numbers are for the program's descriptors.
            orders: Channel::new(program::out_of_the_way(&theirs)?),
            bans: std::mem::take(&mut self.bans),
            warm: self.warm,
            confinement: Confinement {
                limits: self.limits,
                ids: self.ids,
                wall: self.wall.try_clone()?,
                filter: std::mem::take(&mut self.filter),
            },
        }))
    }
}

/// Waits until a process has given up its rights.
fn confined((pid, mut channel): (Pid, Channel)) -> io::Result<(Pid, Channel)> {
    let told = channel.receive()?.ok_or_else(|| io::Error::other("a program ended before it began"))?;
    told.head::<Result<(), String>>()?.map_err(io::Error::other)?;
    Ok((pid, channel))
}

/// Makes a waiting process the program. It answers only when it cannot: its end of the channel closes as it begins.
fn start((pid, mut channel): (Pid, Channel), command: &Command, descriptors: Vec<OwnedFd>) -> io::Result<Pid> {
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    channel.send(command, b"", &descriptors)?;
    match channel.receive()? {
        None => Ok(pid),
        Some(frame) => Err(io::Error::other(frame.head::<String>()?)),
    }
}
