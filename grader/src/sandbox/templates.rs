//! The grader's end of the processes in [`super::launcher`]: templates, shared by all gradings, and a launcher for each.

use std::collections::HashMap;
use std::io::{self, PipeReader, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags};

use super::cgroup::{Group, GroupLimits, Hierarchies};
use super::interpreter::Role;
use super::kernel::packets::Packets;
use super::launcher::{Answer, RootOrder, SandboxOrder, SlotOrder, exactly};
use super::sockets::SocketTable;
use super::{LAUNCHER_WORD, Sandbox, SandboxLimits, process_limits};
use crate::channel::Channel;

/// Longest complaint of a template that is read.
const VOICE_BYTES_MAX: u64 = 8 << 10;

/// How often warm templates may die before they have served, until cold ones take their place.
const FALSE_STARTS_MAX: u32 = 2;

/// Where sandboxes come from, for as long as the grader lives. All gradings share the templates and nothing else. What
/// dies here (killed for want of memory, say) is made again; the grading that lost by it ends with our error.
#[derive(Debug)]
pub struct Templates {
    library: PathBuf,
    root: Mutex<Root>,
}

#[derive(Debug)]
struct Root {
    orders: Channel,
    process: Child,
    templates: HashMap<Role, Template>,
    /// This program as a shared library, which makes templates warm.
    native: Option<PathBuf>,
    false_starts: u32,
    cold_because: Option<String>,
}

#[derive(Debug)]
struct Template {
    orders: Channel,
    voice: PipeReader,
    served: bool,
}

impl Templates {
    /// `library` is the folder with our own Python. With `native`, Python programs are forked from interpreters that
    /// have started already; without it, or where that fails, each starts its own.
    pub fn start(library: &Path, native: Option<&Path>) -> io::Result<Templates> {
        let (process, orders) = start_root()?;
        let native = native.map(Path::to_owned);
        let root = Root { orders, process, templates: HashMap::new(), native, false_starts: 0, cold_because: None };
        Ok(Templates { library: library.to_owned(), root: Mutex::new(root) })
    }

    /// Begins to make the template of a role, so that it is there when it is needed.
    pub fn warm_up(&self, role: Role) -> io::Result<()> {
        self.root()?.template(role, &self.library).map(|_| ())
    }

    /// Why programs start their own interpreters although they should not have to.
    pub fn cold_because(&self) -> Option<String> {
        self.root().ok()?.cold_because.clone()
    }

    /// A network of its own: what is seen of it, and the network itself.
    fn network(&self, addresses: &[IpAddr]) -> io::Result<(Network, OwnedFd)> {
        let root = &mut *self.root()?;
        root.orders.send(&RootOrder::World { addresses: addresses.to_vec() }, b"", &[])?;
        let (Answer::Network { blind }, mut descriptors) = hear(&mut root.orders)? else {
            return Err(io::Error::other("the root answered something else"));
        };
        let packets = match blind {
            None => Ok(Packets::new(descriptors.pop().ok_or_else(|| io::Error::other("no packets came along"))?)),
            Some(reason) => Err(reason),
        };
        let [network, table] = exactly(descriptors)?;
        Ok((Network { table: SocketTable::new(table), packets }, network))
    }

    fn slot(&self, role: Role) -> io::Result<Channel> {
        loop {
            let (mut slot, theirs) = Channel::pair()?;
            let ordered = self.root()?.template(role, &self.library)?.orders.send(&(), b"", &[theirs.as_fd()]);
            drop(theirs);
            match ordered.and_then(|()| hear(&mut slot)) {
                Ok(_) => {
                    self.root()?.template(role, &self.library)?.served = true;
                    return Ok(slot);
                }
                Err(error) => self.root()?.mourn(role, &error)?,
            }
        }
    }

    /// The root, alive.
    fn root(&self) -> io::Result<MutexGuard<'_, Root>> {
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = root.process.try_wait()? {
            tracing::error!(%status, "the root of the sandboxes died; starting another");
            (root.process, root.orders) = start_root()?;
            root.templates.clear();
        }
        Ok(root)
    }
}

fn start_root() -> io::Result<(Child, Channel)> {
    let (orders, theirs) = Channel::pair()?;
    let process = std::process::Command::new("/proc/self/exe")
        .arg(LAUNCHER_WORD)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .spawn()?;
    Ok((process, orders))
}

impl Root {
    fn template(&mut self, role: Role, library: &Path) -> io::Result<&mut Template> {
        if !self.templates.contains_key(&role) {
            let (orders, theirs) = Channel::pair()?;
            let (voice, their_voice) = io::pipe()?;
            let order = RootOrder::Template {
                role,
                library: library.to_owned(),
                warm: self.native.clone().filter(|_| role.is_python()),
            };
            self.orders.send(&order, b"", &[theirs.as_fd(), their_voice.as_fd()])?;
            self.templates.insert(role, Template { orders, voice, served: false });
        }
        Ok(self.templates.get_mut(&role).expect("inserted just now"))
    }

    /// A template did not give a slot: whether to try another, or why not.
    fn mourn(&mut self, role: Role, error: &io::Error) -> io::Result<()> {
        // Somebody else may have been here before.
        let Some(template) = self.templates.remove(&role) else { return Ok(()) };
        let complaint = template.complaint(error);
        tracing::error!(?role, served = template.served, "a template of sandboxes died: {complaint}");
        if template.served {
            return Ok(());
        }
        self.false_starts += 1;
        match &self.native {
            None => return Err(io::Error::other(complaint)),
            Some(_) if self.false_starts < FALSE_STARTS_MAX => {}
            Some(_) => {
                self.native = None;
                self.cold_because = Some(complaint);
            }
        }
        Ok(())
    }
}

impl Template {
    /// What the template said before it ended, behind `error`.
    fn complaint(&self, error: &io::Error) -> String {
        let mut said = String::new();
        let mut ended = [PollFd::new(&self.orders, PollFlags::HUP)];
        if matches!(rustix::event::poll(&mut ended, Some(&rustix::event::Timespec::default())), Ok(1)) {
            let _ = (&self.voice).take(VOICE_BYTES_MAX).read_to_string(&mut said);
        }
        format!("{error} {said}").trim_end().to_owned()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // Killing it kills the templates, these the slots, these every init, and these everything else.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is seen of a network from outside of it.
#[derive(Debug)]
pub struct Network {
    pub table: SocketTable,
    /// Or why there are none: no case depends on them.
    pub packets: Result<Packets, String>,
}

/// One grading's slots.
#[derive(Debug)]
pub struct Launcher {
    templates: Arc<Templates>,
    /// Where its sandboxes' control groups are made.
    hierarchies: Hierarchies,
    slots: HashMap<Role, Slot>,
    /// The current case's.
    network: Option<OwnedFd>,
}

#[derive(Debug)]
struct Slot {
    orders: Channel,
    /// Whether it is in the current network.
    joined: bool,
}

impl Launcher {
    pub fn new(templates: &Arc<Templates>, hierarchies: &Hierarchies) -> Launcher {
        let (templates, hierarchies) = (Arc::clone(templates), hierarchies.clone());
        Launcher { templates, hierarchies, slots: HashMap::new(), network: None }
    }

    /// A fresh network with nothing but loopback; sandboxes made from now on are in it.
    pub fn world(&mut self) -> io::Result<Network> {
        self.world_at(&[])
    }

    /// The same with further addresses.
    pub fn world_at(&mut self, addresses: &[IpAddr]) -> io::Result<Network> {
        let (seen, network) = self.templates.network(addresses)?;
        self.network = Some(network);
        self.slots.values_mut().for_each(|slot| slot.joined = false);
        Ok(seen)
    }

    /// Another launcher, for more sandboxes in the network that is current here.
    pub fn beside(&self) -> io::Result<Launcher> {
        let network = self.network.as_ref().map(OwnedFd::try_clone).transpose()?;
        Ok(Launcher { network, ..Launcher::new(&self.templates, &self.hierarchies) })
    }

    /// A sandbox in the current network, with further lines in its /etc/hosts. It furnishes itself while its work folder can already be filled.
    pub fn sandbox(
        &mut self,
        role: Role,
        limits: SandboxLimits,
        hosts: &[String],
        bans: &[String],
    ) -> io::Result<Sandbox> {
        self.sandbox_with(role, limits, hosts, bans, &[])
    }

    /// The same with distribution packages (see [`super::packages`]).
    pub fn sandbox_with(
        &mut self,
        role: Role,
        limits: SandboxLimits,
        hosts: &[String],
        bans: &[String],
        packages: &[String],
    ) -> io::Result<Sandbox> {
        // Init counts as a process too.
        let group_limits = GroupLimits { memory_bytes: limits.memory_bytes, processes: limits.processes + 1 };
        let group = Group::create(&self.hierarchies, group_limits)?;
        let birthplace = group.birthplace()?;
        let entrances = group.entrances()?;
        let order = SandboxOrder {
            work_bytes: limits.work_bytes,
            work_files: limits.work_files,
            hosts: hosts.to_vec(),
            bans: bans.to_vec(),
            packages: packages.to_vec(),
            limits: process_limits(limits, !self.hierarchies.weaknesses().is_empty()),
            born_in_group: birthplace.is_some(),
        };
        let descriptors: Vec<_> = birthplace.iter().chain(&entrances).map(AsFd::as_fd).collect();
        let (answer, descriptors) = ask(self.slot(role)?, &SlotOrder::Sandbox(order), &descriptors)?;
        let Answer::Born { init_pid, owner } = answer else {
            return Err(io::Error::other("the slot answered something else"));
        };
        Ok(Sandbox::newborn(exactly(descriptors)?, init_pid, owner, group))
    }

    fn slot(&mut self, role: Role) -> io::Result<&mut Channel> {
        if !self.slots.contains_key(&role) {
            let slot = Slot { orders: self.templates.slot(role)?, joined: false };
            self.slots.insert(role, slot);
        }
        let slot = self.slots.get_mut(&role).expect("inserted just now");
        if let (false, Some(network)) = (slot.joined, &self.network) {
            ask(&mut slot.orders, &SlotOrder::Join, &[network.as_fd()])?;
            slot.joined = true;
        }
        Ok(&mut slot.orders)
    }
}

fn ask(orders: &mut Channel, order: &SlotOrder, descriptors: &[BorrowedFd<'_>]) -> io::Result<(Answer, Vec<OwnedFd>)> {
    orders.send(order, b"", descriptors)?;
    hear(orders)
}

fn hear(orders: &mut Channel) -> io::Result<(Answer, Vec<OwnedFd>)> {
    let frame = orders.receive()?.ok_or_else(|| io::Error::other("the launcher died"))?;
    match frame.head()? {
        Answer::Failed(reason) => Err(io::Error::other(reason)),
        answer => Ok((answer, frame.descriptors)),
    }
}
