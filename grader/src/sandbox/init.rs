//! Process 1 of a sandbox: furnishes it, gives up its rights, then starts programs on order and reaps.
//!
//! It is born by a clone of the launcher and never replaced by another program, so it carries nothing but what the
//! launcher had. Orders and answers go over one channel that no program inside ever holds; when that channel closes, or
//! the launcher dies, init ends and the kernel kills everything else in the sandbox with it. It runs as a user of its
//! own: programs inside can neither signal it nor change its limits.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use super::kernel;
use super::launcher::{Ids, Role, SandboxOrder, named};
use super::root::{self, Furnishing};
use crate::channel::{Channel, Frame};

/// What the grader asks of an init.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Order {
    /// Start a program. Its descriptors 0, 1, 2, … ride on the frame.
    Spawn(Command),
    /// Signal a program that [`Notice::Exited`] has not been sent for.
    Signal { id: u64, signal: i32 },
}

/// A program to start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The grader's name for the process.
    pub id: u64,
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub limits: ProcessLimits,
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

/// What an init tells the grader.
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
        pid: i32,
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
}

/// How a process ended: a fact, not a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    Exited(i32),
    Signalled(i32),
}

/// Everything a new init is given by the launcher.
#[derive(Debug)]
pub struct Birth<'a> {
    pub control: OwnedFd,
    pub work: OwnedFd,
    /// v1 groups to join.
    pub entrances: Vec<OwnedFd>,
    pub order: &'a SandboxOrder,
    /// Owner of the work folder, as seen here.
    pub owner: u32,
    pub ids: Option<Ids>,
    pub filters: &'a [BpfProgram; 2],
}

/// Init's whole life.
pub fn live(birth: Birth<'_>) -> ! {
    let (role, ids, filters) = (birth.order.role, birth.ids, birth.filters);
    let kept: Vec<_> = [&birth.control, &birth.work].into_iter().chain(&birth.entrances).map(AsFd::as_fd).collect();
    kernel::close_all_but(&kept);
    occupy_standard_streams();
    let control = Channel::new(birth.control.try_clone().expect("a descriptor is free at birth"));
    let signals = kernel::child_signals();
    let prepared = signals.and_then(|signals| prepare(birth).map(|()| signals));
    match prepared {
        Ok(signals) => {
            let mut init = Init { control, signals, role, ids, filters, programs: HashMap::new() };
            let _ = init.control.send(&Notice::Ready, b"", &[]);
            let _ = init.serve();
        }
        Err(error) => {
            let _ = control.send(&Notice::Broken { reason: error.to_string() }, b"", &[]);
        }
    }
    std::process::exit(0)
}

/// Opening takes the lowest free numbers, which are 0 and 1 once everything is closed. Whatever else got them would be
/// overwritten in programs that are given their own.
fn occupy_standard_streams() {
    for _ in 0..2 {
        std::mem::forget(fs::File::options().read(true).write(true).open("/dev/null"));
    }
}

fn prepare(birth: Birth<'_>) -> io::Result<()> {
    let Birth { work, entrances, order, owner, ids, .. } = birth;
    for entrance in &entrances {
        named("join a control group", rustix::io::write(entrance, b"0").map_err(Into::into))?;
    }
    drop(entrances);
    named("make a cgroup namespace", kernel::unshare(UnshareFlags::NEWCGROUP))?;
    rustix::system::sethostname(b"sandbox")?;
    let examiner = order.role == Role::Examiner;
    let furnishing = Furnishing { work, examiner, names: &order.names, bans: &order.bans, owner };
    named("furnish the root", root::furnish(&furnishing))?;
    drop(furnishing);
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    named("give up rights", keep_only_what_spawning_needs(ids))?;
    // After the last change of user, which would clear it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Init keeps the right to become the student's user, and no other; an ordinary user's init has nothing to become.
fn keep_only_what_spawning_needs(ids: Option<Ids>) -> io::Result<()> {
    let Some(ids) = ids else { return Ok(()) };
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::SETPCAP;
    rustix::thread::set_keep_capabilities(true)?;
    become_user(ids.init)?;
    set_capabilities(needed)
}

fn become_user(id: u32) -> io::Result<()> {
    let (uid, gid) = (rustix::process::Uid::from_raw(id), rustix::process::Gid::from_raw(id));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

fn set_capabilities(kept: CapabilitySet) -> io::Result<()> {
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

struct Init<'a> {
    control: Channel,
    signals: OwnedFd,
    role: Role,
    ids: Option<Ids>,
    filters: &'a [BpfProgram; 2],
    /// The grader's name of each program that runs.
    programs: HashMap<Pid, u64>,
}

impl Init<'_> {
    fn serve(&mut self) -> io::Result<()> {
        while !self.control.ended() {
            self.wait()?;
            self.reap()?;
            while let Some(frame) = self.control.try_receive()? {
                self.obey(frame)?;
            }
        }
        Ok(())
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

    fn obey(&mut self, frame: Frame) -> io::Result<()> {
        match frame.head()? {
            Order::Spawn(command) => {
                let notice = match self.spawn(&command, frame.descriptors) {
                    Ok(pid) => {
                        self.programs.insert(pid, command.id);
                        Notice::Spawned { id: command.id, pid: pid.as_raw_nonzero().get() }
                    }
                    Err(error) => Notice::NotSpawned { id: command.id, reason: error.to_string() },
                };
                self.control.send(&notice, b"", &[])
            }
            Order::Signal { id, signal } => {
                let pid = self.programs.iter().find(|(_, known)| **known == id).map(|(pid, _)| *pid);
                if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
                    self.signal(pid, signal);
                }
                self.control.send(&Notice::Signalled { id }, b"", &[])
            }
        }
    }

    /// As the student's user, whose processes this one may not signal itself. Returns once the kernel has the signal.
    fn signal(&self, pid: Pid, signal: Signal) {
        match kernel::fork() {
            Ok(0) => {
                if let Some(ids) = self.ids {
                    let _ = become_user(ids.of(self.role));
                }
                let _ = rustix::process::kill_process(pid, signal);
                std::process::exit(0)
            }
            Ok(child) => {
                let child = Pid::from_raw(child);
                let _ = rustix::io::retry_on_intr(|| rustix::process::waitpid(child, WaitOptions::empty()));
            }
            Err(_) => {}
        }
    }

    /// Forks; a pipe that closes on `execve` carries the reason if the program could not be started.
    fn spawn(&self, command: &Command, descriptors: Vec<OwnedFd>) -> io::Result<Pid> {
        let (reasons, report) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let pid = kernel::fork()?;
        if pid == 0 {
            let report = out_of_the_way(&report);
            let error = self.become_program(command, &descriptors);
            let _ = report.map(|report| rustix::io::write(&report, error.to_string().as_bytes()));
            std::process::exit(125)
        }
        drop((report, descriptors));
        let mut reason = [0; 256];
        match rustix::io::retry_on_intr(|| rustix::io::read(&reasons, &mut reason))? {
            0 => Ok(Pid::from_raw(pid).expect("fork gives positive numbers")),
            length => Err(io::Error::other(String::from_utf8_lossy(&reason[..length]).into_owned())),
        }
    }

    /// Returns only to tell why it failed.
    fn become_program(&self, command: &Command, descriptors: &[OwnedFd]) -> io::Error {
        let environment = command.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let strings = |strings: Vec<String>| -> Result<Vec<CString>, std::ffi::NulError> {
            strings.into_iter().map(CString::new).collect()
        };
        let prepared = (|| {
            let argv = strings(command.argv.clone())?;
            let environment = strings(environment.collect())?;
            rustix::process::setsid()?;
            limit(&command.limits)?;
            self.drop_rights()?;
            rustix::process::chdir("/work")?;
            kernel::reset_signals();
            // Last of the set-up: from here on the target numbers cover whatever of init's had them.
            let descriptors = descriptors.iter().map(out_of_the_way).collect::<io::Result<Vec<_>>>()?;
            for (number, descriptor) in (0..).zip(&descriptors) {
                kernel::install_descriptor(descriptor.as_fd(), number)?;
            }
            for filter in self.filters {
                kernel::install_filter(filter).map_err(io::Error::other)?;
            }
            Ok::<_, io::Error>((argv, environment))
        })();
        match prepared {
            Ok((argv, environment)) => kernel::execve(&argv, &environment),
            Err(error) => error,
        }
    }

    /// The user namespace comes last and maps one id: rights inside it would own nothing, and are dropped all the same.
    fn drop_rights(&self) -> io::Result<()> {
        let outer = match self.ids {
            Some(ids) => {
                drop_bounding_set();
                become_user(ids.of(self.role))?;
                ids.of(self.role)
            }
            None => 0,
        };
        // The change of user made /proc/self root's; the id maps are written through it.
        rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
        kernel::unshare(UnshareFlags::NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("1000 {outer} 1"))?;
        fs::write("/proc/self/gid_map", format!("1000 {outer} 1"))?;
        drop_bounding_set();
        rustix::thread::clear_ambient_capability_set()?;
        set_capabilities(CapabilitySet::empty())?;
        Ok(rustix::thread::set_no_new_privs(true)?)
    }
}

/// A copy above every number that a program is given.
fn out_of_the_way(descriptor: &OwnedFd) -> io::Result<OwnedFd> {
    const ABOVE: i32 = 64;
    Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, ABOVE)?)
}

fn drop_bounding_set() {
    for capability in CapabilitySet::all().iter() {
        // Capabilities that this kernel does not know cannot be dropped, nor held.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
}

fn limit(limits: &ProcessLimits) -> io::Result<()> {
    // A limit that is lower already stays: nobody inside has the right to raise it, nor have we.
    let lower = |resource, value: u64| {
        let value = rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        Rlimit { current: Some(value), maximum: Some(value) }
    };
    let mut settings = vec![
        (Resource::Core, 0),
        (Resource::Cpu, limits.cpu_s),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.descriptors),
        (Resource::Memlock, 1 << 20),
        (Resource::Msgqueue, 1 << 20),
        (Resource::Sigpending, 1024),
    ];
    settings.extend(limits.data_bytes.map(|bytes| (Resource::Data, bytes)));
    settings.extend(limits.processes.map(|processes| (Resource::Nproc, processes)));
    for (resource, value) in settings {
        named("set a limit", rustix::process::setrlimit(resource, lower(resource, value)).map_err(Into::into))?;
    }
    Ok(())
}
