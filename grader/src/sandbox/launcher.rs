//! The launcher: a small single-threaded process per slot, this binary started again, from which sandboxes are born.
//!
//! Never cloned from the grader itself: a fork copies page tables (milliseconds for a big process), and secrets and
//! descriptors of the grader must not exist near a sandbox. It lives in the template root (see [`super::root`]) and in
//! the current case's network namespace, so that every sandbox of the case inherits both. It reads its orders from
//! descriptor 0 and ends when that closes; every init dies with it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use super::kernel::{self, Forked};
use super::root::{self, TmpfsSize};
use super::{init, policy};
use crate::channel::{Channel, Frame};

/// What the grader asks of the launcher.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Order {
    /// First of all: build the template.
    Template { library: PathBuf },
    /// A fresh network for a case. Answered with a socket that reads its kernel tables.
    World,
    /// A sandbox in the current network. Comes with the v2 group (if `born_in_group`) and the entrances of the v1
    /// groups; answered with control channel, work folder and pidfd of its init.
    Sandbox(SandboxOrder),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct SandboxOrder {
    pub role: Role,
    pub work_bytes: u64,
    pub work_files: u64,
    pub names: Vec<String>,
    pub bans: Vec<String>,
    pub born_in_group: bool,
}

/// Whose code runs inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Submission,
    Examiner,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Done,
    /// The host's process id of the sandbox's init, and the user that files in its work folder must belong to; `None`
    /// where that is the grader's own user.
    Born {
        init_pid: i32,
        owner: Option<u32>,
    },
    Failed(String),
}

/// User ids on the host, distinct per slot: limits that the kernel counts by user are then nobody else's.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    pub submission: u32,
    pub examiner: u32,
    pub init: u32,
}

/// First user id that slots use, where the user namespace maps that many.
const SLOT_IDS_FIRST: u32 = 200_000;
/// The same where only the usual 65 536 are mapped (containers).
const SLOT_IDS_FIRST_SMALL: u32 = 20_000;
const SLOTS: u32 = 10_000;
const IDS_PER_SLOT: u32 = 4;

impl Ids {
    /// `None` for an ordinary user, who has but one id to give.
    fn of_this_process() -> Option<Ids> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let mapped: u64 = fs::read_to_string("/proc/self/uid_map")
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
            .max()
            .unwrap_or(0);
        let enough = u64::from(SLOT_IDS_FIRST + SLOTS * IDS_PER_SLOT);
        let first = if mapped > enough { SLOT_IDS_FIRST } else { SLOT_IDS_FIRST_SMALL };
        let submission = first + std::process::id() % SLOTS * IDS_PER_SLOT;
        Some(Ids { submission, examiner: submission + 1, init: submission + 2 })
    }

    pub fn of(&self, role: Role) -> u32 {
        match role {
            Role::Submission => self.submission,
            Role::Examiner => self.examiner,
        }
    }
}

/// The launcher's whole life. Call first thing in `main` when started as `sandbox-launcher`.
pub fn run() -> io::Result<()> {
    kernel::reap_children_automatically();
    let mut orders = Channel::new(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    let mut launcher = Launcher { ids: Ids::of_this_process(), filters: policy::filters() };
    while let Some(frame) = orders.receive()? {
        match launcher.obey(frame) {
            Ok((answer, descriptors)) => {
                let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
                orders.send(&answer, b"", &descriptors)?;
            }
            Err(error) => orders.send(&Answer::Failed(error.to_string()), b"", &[])?,
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Launcher {
    ids: Option<Ids>,
    filters: [seccompiler::BpfProgram; 2],
}

impl Launcher {
    fn obey(&mut self, frame: Frame) -> io::Result<(Answer, Vec<OwnedFd>)> {
        match frame.head()? {
            Order::Template { library } => {
                self.own_namespaces()?;
                named("build the template root", root::enter_template(&library))?;
                Ok((Answer::Done, vec![]))
            }
            Order::World => Ok((Answer::Done, vec![named("make a network", new_network())?])),
            Order::Sandbox(order) => self.give_birth(&order, frame.descriptors),
        }
    }

    /// A mount namespace of our own; for an ordinary user first a user namespace in which we may have one.
    fn own_namespaces(&self) -> io::Result<()> {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        if self.ids.is_none() {
            named("make a user namespace", unshare(UnshareFlags::NEWUSER))?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
            fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
        }
        named("make a mount namespace", unshare(UnshareFlags::NEWNS))?;
        // Never the host's network, not even before the first case.
        named("make a network namespace", unshare(UnshareFlags::NEWNET))
    }

    fn give_birth(&self, order: &SandboxOrder, descriptors: Vec<OwnedFd>) -> io::Result<(Answer, Vec<OwnedFd>)> {
        let owner = self.ids.map_or(0, |ids| ids.of(order.role));
        let size = TmpfsSize { bytes: order.work_bytes, files: order.work_files };
        let work = named("make the work folder", root::detached_tmpfs(size, owner))?;
        let (control, inside) = Channel::pair()?;
        let control: OwnedFd = control.as_fd().try_clone_to_owned()?;
        let mut descriptors = descriptors.into_iter();
        let group = if order.born_in_group { descriptors.next() } else { None };
        let namespaces = kernel::CLONE_NEWPID | kernel::CLONE_NEWNS | kernel::CLONE_NEWIPC | kernel::CLONE_NEWUTS;
        match named("clone", kernel::clone_into(namespaces, group.as_ref().map(AsFd::as_fd)))? {
            Forked::Child => init::live(init::Birth {
                control: inside,
                work,
                entrances: descriptors.collect(),
                order,
                owner,
                ids: self.ids,
                filters: &self.filters,
            }),
            Forked::Parent { pid, pidfd } => {
                let owner = self.ids.map(|_| owner);
                Ok((Answer::Born { init_pid: pid, owner }, vec![control, work, pidfd]))
            }
        }
    }
}

/// Leaves the last case's network for a fresh one. Ports below 1024 are free in it (K15).
fn new_network() -> io::Result<OwnedFd> {
    unshare(UnshareFlags::NEWNET)?;
    kernel::loopback_up()?;
    // Read-only in some containers: low ports then stay closed, which `doctor` reports.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    Ok(rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?)
}

fn unshare(what: UnshareFlags) -> io::Result<()> {
    // SAFETY: the launcher is single-threaded and none of these flags detaches the descriptor table.
    Ok(unsafe { rustix::thread::unshare_unsafe(what) }?)
}

pub(super) fn named<T>(what: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))
}
