//! The grader's end of the processes in [`super::launcher`]: templates, shared by all gradings, and a launcher for each.

use std::collections::HashMap;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags};

use super::cgroup::{Group, GroupLimits, Hierarchies};
use super::interpreter::Role;
use super::launcher::{Answer, RootOrder, SandboxOrder, SlotOrder, exactly};
use super::sockets::SocketTable;
use super::{LAUNCHER_WORD, Sandbox, SandboxLimits, process_limits};
use crate::channel::Channel;

/// Longest complaint of a template that is read.
const VOICE_BYTES_MAX: u64 = 8 << 10;

/// Where sandboxes come from, for as long as the grader lives. All gradings share the templates and nothing else.
#[derive(Debug)]
pub struct Templates {
    library: PathBuf,
    /// This program as a shared library, which makes templates warm.
    native: Option<PathBuf>,
    root: Mutex<Root>,
}

#[derive(Debug)]
struct Root {
    orders: Channel,
    process: Child,
    templates: HashMap<Role, Template>,
}

#[derive(Debug)]
struct Template {
    orders: Channel,
    voice: PipeReader,
}

impl Templates {
    /// `library` is the folder with our own Python. With `native`, Python programs are forked from interpreters that
    /// have started already; without it each starts its own.
    pub fn start(library: &Path, native: Option<&Path>) -> io::Result<Templates> {
        let (orders, theirs) = Channel::pair()?;
        let process = std::process::Command::new("/proc/self/exe")
            .arg(LAUNCHER_WORD)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        let root = Mutex::new(Root { orders, process, templates: HashMap::new() });
        Ok(Templates { library: library.to_owned(), native: native.map(Path::to_owned), root })
    }

    /// Begins to make the template of a role, so that it is there when it is needed.
    pub fn warm_up(&self, role: Role) -> io::Result<()> {
        self.template(&mut self.root(), role).map(|_| ())
    }

    /// A network of its own: a view into its sockets, and the network itself.
    fn network(&self) -> io::Result<(SocketTable, OwnedFd)> {
        let root = &mut *self.root();
        root.orders.send(&RootOrder::World, b"", &[])?;
        let (_, descriptors) = hear(&mut root.orders)?;
        let [table, network] = exactly(descriptors)?;
        Ok((SocketTable::new(table), network))
    }

    fn slot(&self, role: Role) -> io::Result<Channel> {
        let (mut slot, theirs) = Channel::pair()?;
        {
            let mut root = self.root();
            let template = self.template(&mut root, role)?;
            if let Err(error) = template.orders.send(&(), b"", &[theirs.as_fd()]) {
                return Err(template.complaint(&error));
            }
        }
        drop(theirs);
        match hear(&mut slot) {
            Ok(_) => Ok(slot),
            Err(error) => Err(self.template(&mut self.root(), role)?.complaint(&error)),
        }
    }

    fn template<'a>(&self, root: &'a mut Root, role: Role) -> io::Result<&'a mut Template> {
        if !root.templates.contains_key(&role) {
            let (orders, theirs) = Channel::pair()?;
            let (voice, their_voice) = io::pipe()?;
            let order = RootOrder::Template { role, library: self.library.clone(), warm: self.native.clone() };
            root.orders.send(&order, b"", &[theirs.as_fd(), their_voice.as_fd()])?;
            root.templates.insert(role, Template { orders, voice });
        }
        Ok(root.templates.get_mut(&role).expect("inserted just now"))
    }

    fn root(&self) -> MutexGuard<'_, Root> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Template {
    /// What the template said before it ended, behind `error`.
    fn complaint(&mut self, error: &io::Error) -> io::Error {
        let mut said = String::new();
        let mut ended = [PollFd::new(&self.orders, PollFlags::HUP)];
        if matches!(rustix::event::poll(&mut ended, Some(&rustix::event::Timespec::default())), Ok(1)) {
            let _ = (&self.voice).take(VOICE_BYTES_MAX).read_to_string(&mut said);
        }
        io::Error::other(format!("{error} {said}"))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // Killing it kills the templates, these the slots, these every init, and these everything else.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One grading's slots.
#[derive(Debug)]
pub struct Launcher {
    templates: Arc<Templates>,
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
    pub fn new(templates: &Arc<Templates>) -> Launcher {
        Launcher { templates: Arc::clone(templates), slots: HashMap::new(), network: None }
    }

    /// A fresh network with nothing but loopback; sandboxes made from now on are in it.
    pub fn world(&mut self) -> io::Result<SocketTable> {
        let (table, network) = self.templates.network()?;
        self.network = Some(network);
        self.slots.values_mut().for_each(|slot| slot.joined = false);
        Ok(table)
    }

    /// A sandbox in the current network. It furnishes itself while its work folder can already be filled.
    pub fn sandbox(
        &mut self,
        role: Role,
        limits: SandboxLimits,
        names: &[String],
        bans: &[String],
        hierarchies: &Hierarchies,
    ) -> io::Result<Sandbox> {
        // Init counts as a process too.
        let group_limits = GroupLimits { memory_bytes: limits.memory_bytes, processes: limits.processes + 1 };
        let group = Group::create(hierarchies, group_limits)?;
        let birthplace = group.birthplace()?;
        let entrances = group.entrances()?;
        let order = SandboxOrder {
            work_bytes: limits.work_bytes,
            work_files: limits.work_files,
            names: names.to_vec(),
            bans: bans.to_vec(),
            limits: process_limits(limits, !hierarchies.weaknesses().is_empty()),
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
