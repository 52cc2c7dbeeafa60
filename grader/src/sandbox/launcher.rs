//! The processes that sandboxes come from, each forked from the one before.
//!
//! ```text
//! root ──▶ template (one a role) ──▶ slot (one a role and grading) ──▶ init (one a sandbox) ──▶ program
//! ```
//!
//! Nothing is ever cloned from the grader itself: a fork copies page tables (milliseconds for a big process), and
//! secrets and descriptors of the grader must not exist near a sandbox. The *root* is this binary started again. A
//! *template* lives in the root file system that sandboxes of its role see and, when warm, is a Python interpreter that
//! has come to just before it would read its program (see [`super::python`]); what is forked from it has started
//! already. A *slot* has user ids of its own and serves one grading.
//!
//! Each of these is one [`Life`] of a process. A fork returns from its parent's life and so drops what only the parent
//! may hold; then it begins its own. All of them are single-threaded.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink};
use rustix::process::Signal;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use super::addresses;
use super::init::{self, Birth, ProcessLimits};
use super::interpreter::Role;
use super::kernel::{self, Forked, unshare};
use super::program::{Program, Spare};
use super::root::{self, TmpfsSize, WritableFolders};
use super::{filter, python};
use crate::channel::{Channel, Frame};

/// What the grader asks of the root.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum RootOrder {
    /// A template. Comes with its channel and the end of a pipe for what it says in trouble; not answered.
    Template { role: Role, library: PathBuf, warm: Option<PathBuf> },
    /// A fresh network, with further addresses. Answered with the network itself, a socket that reads its kernel tables
    /// and, where that may be, one that sees its packets.
    World { addresses: Vec<IpAddr> },
}

/// What the grader asks of a slot. A template knows but one order: a frame that brings the channel of a slot to fork.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum SlotOrder {
    /// Sandboxes made from now on are in the network that comes with this.
    Join,
    /// A sandbox. Comes with the v2 group (if `born_in_group`) and the entrances of the v1 groups; answered with control
    /// channel and pidfd of its init, and its writable folders.
    Sandbox(SandboxOrder),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct SandboxOrder {
    pub work_bytes: u64,
    pub work_files: u64,
    /// Further lines of /etc/hosts.
    pub hosts: Vec<String>,
    pub bans: Vec<String>,
    pub packages: Vec<String>,
    /// Of each process inside.
    pub limits: ProcessLimits,
    pub born_in_group: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Done,
    /// `blind` tells why there is no socket that sees packets.
    Network {
        blind: Option<String>,
    },
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
    pub program: u32,
    pub init: u32,
}

/// First user id that slots use, where the user namespace maps that many: above those that systemd gives to containers
/// and below those that it leaves alone (its "Users, Groups, UIDs and GIDs").
const SLOT_IDS_FIRST: u32 = 0x7000_0000;
/// No process id is as high (PID_MAX_LIMIT), so no two living slots have the same ids.
const SLOTS: u32 = 1 << 22;
/// The same where only the usual 65 536 are mapped (containers): slots of far apart process ids may share theirs.
const SLOT_IDS_FIRST_SMALL: u32 = 20_000;
const SLOTS_SMALL: u32 = 20_000;
const IDS_PER_SLOT: u32 = 2;

impl Ids {
    /// `None` for an ordinary user, who has but one id to give.
    fn of_this_process() -> Option<Ids> {
        if !privileged() {
            return None;
        }
        let mapped: u64 = fs::read_to_string("/proc/self/uid_map")
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
            .max()
            .unwrap_or(0);
        let enough = u64::from(SLOT_IDS_FIRST + SLOTS * IDS_PER_SLOT);
        let (first, slots) =
            if mapped > enough { (SLOT_IDS_FIRST, SLOTS) } else { (SLOT_IDS_FIRST_SMALL, SLOTS_SMALL) };
        let program = first + std::process::id() % slots * IDS_PER_SLOT;
        Some(Ids { program, init: program + 1 })
    }
}

/// Whether we may become other users. In the user namespace that an ordinary user's root makes, only one is mapped.
fn privileged() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    rustix::process::geteuid().is_root() && map.split_whitespace().nth(2) != Some("1")
}

/// What a process is for just now.
#[derive(Debug)]
pub enum Life {
    Root(Root),
    Template(Template),
    Slot(Slot),
    Init(Birth),
    Spare(Spare),
    Program(Program),
    Ended,
}

impl Life {
    /// Lives to the end: `None`, or the program that this process has become.
    pub fn live(self) -> io::Result<Option<Program>> {
        let mut life = self;
        loop {
            life = match life {
                Life::Root(root) => root.serve()?,
                Life::Template(template) => template.serve()?,
                Life::Slot(slot) => slot.serve()?,
                Life::Init(birth) => init::serve(birth)?,
                Life::Spare(spare) => spare.serve()?,
                Life::Program(program) => return Ok(Some(program)),
                Life::Ended => return Ok(None),
            };
        }
    }
}

/// The whole life of this binary when it was started as the root.
pub fn run() -> io::Result<()> {
    kernel::reap_children_automatically();
    let orders = Channel::new(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    own_namespaces()?;
    give_networks_tables_of_their_own();
    let home = own_network()?;
    match Life::Root(Root { orders, home }).live()? {
        Some(program) => Err(program.execute()),
        None => Ok(()),
    }
}

/// Mounts and a network of our own; for an ordinary user first a user namespace in which we may have them.
fn own_namespaces() -> io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if uid != 0 {
        named("make a user namespace", unshare(UnshareFlags::NEWUSER))?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    named("make a mount namespace", unshare(UnshareFlags::NEWNS))?;
    // Never the host's network, not even before the first case.
    named("make a network namespace", unshare(UnshareFlags::NEWNET))
}

/// Networks that are made from this one otherwise share the host's tables of sockets, which have a place for each of
/// hundreds of thousands: to list a case's few then takes a millisecond, and other networks' sockets lie between them.
/// Kernels before 6.1, and containers that may not write here, leave it at that.
fn give_networks_tables_of_their_own() {
    for (table, entries) in [("tcp_child_ehash_entries", "1024"), ("udp_child_hash_entries", "256")] {
        let _ = fs::write(format!("/proc/sys/net/ipv4/{table}"), entries);
    }
}

/// Sends the answer to an order, or why there is none.
fn answer(orders: &Channel, result: io::Result<(Answer, Vec<OwnedFd>)>) -> io::Result<()> {
    match result {
        Ok((answer, descriptors)) => {
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            orders.send(&answer, b"", &descriptors)
        }
        Err(error) => orders.send(&Answer::Failed(error.to_string()), b"", &[]),
    }
}

#[derive(Debug)]
pub struct Root {
    orders: Channel,
    /// Where it is when it makes no network for others: none of theirs lives on by it.
    home: OwnedFd,
}

impl Root {
    fn serve(mut self) -> io::Result<Life> {
        while let Some(frame) = self.orders.receive()? {
            match frame.head()? {
                RootOrder::World { addresses } => {
                    answer(&self.orders, named("make a network", new_network(&addresses)))?;
                    enter_network(&self.home)?;
                }
                RootOrder::Template { role, library, warm } => {
                    if kernel::fork()? == 0 {
                        drop(self);
                        return become_template(role, &library, warm.as_deref(), frame.descriptors);
                    }
                }
            }
        }
        Ok(Life::Ended)
    }
}

/// A network with nothing but loopback, in which ports below 1024 are free (K15).
fn new_network(further: &[IpAddr]) -> io::Result<(Answer, Vec<OwnedFd>)> {
    unshare(UnshareFlags::NEWNET)?;
    kernel::loopback_up()?;
    addresses::add(further)?;
    // Read-only in some containers: low ports then stay closed, which `doctor` reports.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    let table = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut descriptors = vec![own_network()?, table];
    let blind = match kernel::packets::open() {
        Ok(packets) => {
            descriptors.push(packets);
            None
        }
        Err(error) => Some(error.to_string()),
    };
    Ok((Answer::Network { blind }, descriptors))
}

fn own_network() -> io::Result<OwnedFd> {
    Ok(fs::File::open("/proc/self/ns/net")?.into())
}

fn enter_network(network: &OwnedFd) -> io::Result<()> {
    Ok(rustix::thread::move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?)
}

fn become_template(role: Role, library: &Path, warm: Option<&Path>, descriptors: Vec<OwnedFd>) -> io::Result<Life> {
    let [orders, voice] = exactly(descriptors)?;
    // Ctrl-C in a terminal is for the grader, whose end ends us.
    rustix::process::setsid()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let built = named("make a mount namespace", unshare(UnshareFlags::NEWNS))
        .and_then(|()| named("build the template root", root::enter_template(library, role, warm)));
    if let Err(error) = &built {
        let _ = rustix::io::write(&voice, error.to_string().as_bytes());
    }
    built?;
    match warm {
        Some(_) => Err(python::exec_template(role, orders, &voice)),
        None => Ok(Life::Template(Template::new(role, orders, false))),
    }
}

#[derive(Debug)]
pub struct Template {
    role: Role,
    orders: Channel,
    warm: bool,
    filter: BpfProgram,
}

impl Template {
    pub fn new(role: Role, orders: OwnedFd, warm: bool) -> Template {
        Template { role, orders: Channel::new(orders), warm, filter: filter::filter() }
    }

    fn serve(mut self) -> io::Result<Life> {
        kernel::reap_children_automatically();
        while let Some(frame) = self.orders.receive()? {
            let [orders] = exactly(frame.descriptors)?;
            if kernel::fork()? == 0 {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                let Template { role, warm, filter, .. } = self;
                let ids = Ids::of_this_process();
                return Ok(Life::Slot(Slot { role, warm, filter, ids, orders: Channel::new(orders) }));
            }
        }
        Ok(Life::Ended)
    }
}

#[derive(Debug)]
pub struct Slot {
    role: Role,
    warm: bool,
    filter: BpfProgram,
    ids: Option<Ids>,
    orders: Channel,
}

impl Slot {
    fn serve(mut self) -> io::Result<Life> {
        self.orders.send(&Answer::Done, b"", &[])?;
        while let Some(frame) = self.orders.receive()? {
            match frame.head()? {
                SlotOrder::Join => answer(&self.orders, join(frame))?,
                SlotOrder::Sandbox(order) => match self.give_birth(order, frame.descriptors) {
                    Ok(Born::Inside(birth)) => return Ok(Life::Init(birth)),
                    Ok(Born::Outside(told, descriptors)) => answer(&self.orders, Ok((told, descriptors)))?,
                    Err(error) => answer(&self.orders, Err(error))?,
                },
            }
        }
        Ok(Life::Ended)
    }

    fn give_birth(&mut self, order: SandboxOrder, descriptors: Vec<OwnedFd>) -> io::Result<Born> {
        let owner = self.ids.map(|ids| ids.program);
        let size = TmpfsSize { bytes: order.work_bytes, files: order.work_files };
        let folders = named("make the writable folders", WritableFolders::make(size, owner.unwrap_or(0)))?;
        let (control, inside) = Channel::pair()?;
        let control: OwnedFd = control.as_fd().try_clone_to_owned()?;
        let mut descriptors = descriptors.into_iter();
        let group = if order.born_in_group { descriptors.next() } else { None };
        let namespaces = kernel::CLONE_NEWPID | kernel::CLONE_NEWNS | kernel::CLONE_NEWIPC | kernel::CLONE_NEWUTS;
        match named("clone", kernel::clone_into(namespaces, group.as_ref().map(AsFd::as_fd)))? {
            Forked::Child => Ok(Born::Inside(Birth {
                control: inside,
                folders,
                entrances: descriptors.collect(),
                order,
                warm: self.warm.then_some(self.role),
                ids: self.ids,
                filter: std::mem::take(&mut self.filter),
            })),
            Forked::Parent { pid, pidfd } => {
                let WritableFolders { work, tmp, shm } = folders;
                Ok(Born::Outside(Answer::Born { init_pid: pid, owner }, vec![control, pidfd, work, tmp, shm]))
            }
        }
    }
}

/// Which side of a birth we are on.
enum Born {
    Inside(Birth),
    Outside(Answer, Vec<OwnedFd>),
}

fn join(frame: Frame) -> io::Result<(Answer, Vec<OwnedFd>)> {
    let [network] = exactly(frame.descriptors)?;
    enter_network(&network)?;
    Ok((Answer::Done, vec![]))
}

pub(super) fn exactly<const N: usize>(descriptors: Vec<OwnedFd>) -> io::Result<[OwnedFd; N]> {
    descriptors.try_into().map_err(|_| io::Error::other("other descriptors came than agreed"))
}

pub(super) fn named<T>(what: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))
}
