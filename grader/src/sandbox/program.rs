//! From a fork of init to a student's program: rights, limits, descriptors, system calls; then the program itself.
//!
//! Whatever does not depend on the program is done while the process waits to be told which it is. The user namespace
//! comes last of the namespaces and maps one id: rights inside it would own nothing, and are dropped all the same.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use landlock::RulesetCreated;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use super::init::ProcessLimits;
use super::interpreter::Role;
use super::kernel;
use super::launcher::{Ids, Life, named};
use super::rehearsal;
use crate::channel::Channel;

/// A program to start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
}

/// A process that gives up its rights, tells so, and then waits for its command.
#[derive(Debug)]
pub struct Spare {
    pub orders: Channel,
    /// Standard modules that are absent.
    pub bans: Vec<String>,
    /// Whose interpreter this process is, if it is one.
    pub warm: Option<Role>,
    pub confinement: Confinement,
}

/// What holds a process in, whatever it becomes.
#[derive(Debug)]
pub struct Confinement {
    pub limits: ProcessLimits,
    pub ids: Option<Ids>,
    pub wall: RulesetCreated,
    pub filter: BpfProgram,
}

impl Spare {
    pub fn serve(self) -> io::Result<Life> {
        let Spare { mut orders, bans, warm, confinement } = self;
        let confined = confine(confinement, warm);
        orders.send(&confined.as_ref().map_err(ToString::to_string), b"", &[])?;
        let Some(frame) = orders.receive()?.filter(|_| confined.is_ok()) else { return Ok(Life::Ended) };
        let command: Command = frame.head()?;
        match frame.descriptors.iter().map(out_of_the_way).collect() {
            Ok(descriptors) => {
                let warm = warm.filter(|role| role.starts(&command));
                Ok(Life::Program(Program { orders, command, descriptors, bans, warm }))
            }
            Err(error) => Err(told(&orders, error)),
        }
    }
}

fn confine(confinement: Confinement, warm: Option<Role>) -> io::Result<()> {
    let Confinement { limits, ids, wall, filter } = confinement;
    rustix::process::setsid()?;
    limit(&limits)?;
    drop_rights(ids)?;
    rustix::process::chdir("/work")?;
    kernel::reset_signals();
    if warm.is_some_and(Role::ends_by_itself) {
        rehearsal::own_what_programs_write();
    }
    wall.restrict_self().map_err(io::Error::other)?;
    kernel::install_filter(&filter).map_err(io::Error::other)
}

/// A process that is about to become a student's program.
#[derive(Debug)]
pub struct Program {
    /// Open until the program begins, or takes the reason why it cannot.
    orders: Channel,
    command: Command,
    descriptors: Vec<OwnedFd>,
    bans: Vec<String>,
    /// Whose interpreter it goes on in; otherwise it is executed.
    warm: Option<Role>,
}

impl Program {
    /// Replaces this process, or gives back the command and the bans for the interpreter that it is.
    pub fn begin(self) -> io::Result<(Vec<String>, Vec<String>)> {
        if self.warm.is_none() {
            return Err(self.execute());
        }
        let Program { orders, command, descriptors, bans, .. } = self;
        match install(descriptors, &orders) {
            Ok(()) => {
                kernel::ignore_signals_as_python_does();
                Ok((command.argv, bans))
            }
            Err(error) => Err(told(&orders, error)),
        }
    }

    /// Returns only to tell why it failed.
    pub fn execute(self) -> io::Error {
        let Program { orders, command, descriptors, .. } = self;
        let environment = command.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let strings = |strings: Vec<String>| -> Result<Vec<CString>, std::ffi::NulError> {
            strings.into_iter().map(CString::new).collect()
        };
        let prepared = (|| {
            let (argv, environment) = (strings(command.argv)?, strings(environment.collect())?);
            install(descriptors, &orders)?;
            Ok::<_, io::Error>((argv, environment))
        })();
        let error = match prepared {
            Ok((argv, environment)) => kernel::execve(&argv, &environment),
            Err(error) => error,
        };
        told(&orders, error)
    }
}

fn told(orders: &Channel, error: io::Error) -> io::Error {
    let _ = orders.send(&error.to_string(), b"", &[]);
    error
}

/// Gives the program its descriptors 0, 1, 2, …; from here on they cover whatever had these numbers. Nothing else stays
/// open but `orders`, which closes when the program begins.
fn install(descriptors: Vec<OwnedFd>, orders: &Channel) -> io::Result<()> {
    for (number, descriptor) in (0..).zip(&descriptors) {
        kernel::install_descriptor(descriptor.as_fd(), number)?;
    }
    let first = u32::try_from(descriptors.len()).expect("frames bring few");
    drop(descriptors);
    kernel::close_from(first, orders.as_fd());
    Ok(())
}

/// A copy above every number that a program is given.
pub fn out_of_the_way(descriptor: &OwnedFd) -> io::Result<OwnedFd> {
    const ABOVE: i32 = 64;
    Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, ABOVE)?)
}

pub fn become_user(id: u32) -> io::Result<()> {
    let (uid, gid) = (rustix::process::Uid::from_raw(id), rustix::process::Gid::from_raw(id));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

pub fn set_capabilities(kept: CapabilitySet) -> io::Result<()> {
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

fn drop_rights(ids: Option<Ids>) -> io::Result<()> {
    let outer = match ids {
        Some(ids) => {
            become_user(ids.program)?;
            ids.program
        }
        None => 0,
    };
    // The change of user made /proc/self root's; the id maps are written through it.
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    // Refused to whoever lives in a chroot.
    named("make a user namespace", kernel::unshare(UnshareFlags::NEWUSER))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("1000 {outer} 1"))?;
    fs::write("/proc/self/gid_map", format!("1000 {outer} 1"))?;
    drop_bounding_set();
    rustix::thread::clear_ambient_capability_set()?;
    set_capabilities(CapabilitySet::empty())?;
    Ok(rustix::thread::set_no_new_privs(true)?)
}

fn drop_bounding_set() {
    for capability in CapabilitySet::all().iter() {
        // Capabilities that this kernel does not know cannot be dropped, nor held.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
}

/// Too little for a core file, and the one value at which the kernel also does not start the host's crash handler, which
/// would run outside of every sandbox with whatever a submission left in its memory (`fs/coredump.c`).
pub const CORE_BYTES: u64 = 1;

fn limit(limits: &ProcessLimits) -> io::Result<()> {
    // A limit that is lower already stays: nobody inside has the right to raise it, nor have we.
    let lower = |resource, value: u64| {
        let value = rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
        Rlimit { current: Some(value), maximum: Some(value) }
    };
    let mut settings = vec![
        (Resource::Core, CORE_BYTES),
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
