//! Control groups: where a sandbox's memory and processes are limited and its CPU time is counted.
//!
//! Controllers are looked for one by one, because a machine may have some in v1, some in v2, or v2 without any. Groups
//! are made below our own, so that a parent's limits hold. Process accounting by `rusage` is never used: it forgets
//! what was killed and what was reaped by others.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long removing an emptied group is tried before it is left to the janitor.
const REMOVE_PATIENCE: Duration = Duration::from_secs(2);
const PREFIX: &str = "practicum-";
/// Most that the kernel asks for at a time before it kills.
const REFUSED_BYTES_MAX: u64 = 1 << 20;
/// A share of the processor is one of each such span: short, so that a short program feels it too.
const SHARE_PERIOD_US: u32 = 10_000;

/// Where this machine's controllers are.
#[derive(Clone, Debug, Default)]
pub struct Hierarchies {
    /// How much of one processor each group gets at most, in percent; `None` for as much as there is.
    share_percent: Option<u32>,
    /// v1: controller and our own group's folder.
    v1: Vec<(Controller, PathBuf)>,
    /// v2: our own group's folder, where it is writable.
    v2: Option<PathBuf>,
    /// Controllers that v2 offers to groups below ours.
    v2_controllers: Vec<Controller>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controller {
    Memory,
    Processes,
    CpuTime,
    /// A group counts as one when the processor is shared out, however many processes are in it: those of a sandbox
    /// cannot keep the grader from it.
    CpuShare,
}

impl Controller {
    fn parse(name: &str) -> Option<Controller> {
        match name {
            "memory" => Some(Controller::Memory),
            "pids" => Some(Controller::Processes),
            "cpuacct" => Some(Controller::CpuTime),
            "cpu" => Some(Controller::CpuShare),
            _ => None,
        }
    }
}

/// What one sandbox may use.
#[derive(Clone, Copy, Debug)]
pub struct GroupLimits {
    pub memory_bytes: u64,
    /// Processes and threads, the sandbox's own init counted.
    pub processes: u32,
}

/// What a group has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupUsage {
    pub cpu_us: u64,
    pub peak_bytes: u64,
    /// Tasks that the kernel killed because the group had no more memory.
    pub memory_kills: u64,
    /// Tasks that it killed because others had taken the memory: the machine, or a group above.
    pub foreign_kills: u64,
    /// Most processes and threads at a time, the sandbox's own init counted; 0 where the kernel does not tell.
    pub processes_peak: u64,
    /// Forks refused at the limit.
    pub processes_refused: u64,
    /// Periods cut short by a share of the processor.
    pub throttled: u64,
}

impl Hierarchies {
    pub fn detect() -> Hierarchies {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut found = Hierarchies::default();
        for line in mounts.lines() {
            found.add_mount(line, &own);
        }
        found.v1.retain(|(_, folder)| writable(folder));
        found.v2 = found.v2.filter(|folder| writable(folder));
        found.v2_controllers = found.v2.as_deref().map(delegated).unwrap_or_default();
        found.remove_leftovers();
        found
    }

    /// What is missing for exact limits, in words; empty when nothing is.
    pub fn weaknesses(&self) -> Vec<String> {
        let missing = |controller, name: &str, what: &str| {
            (!self.has(controller)).then(|| format!("no writable {name} control group: {what}"))
        };
        [
            missing(Controller::Memory, "memory", "memory is limited per process only and its peak is unknown"),
            missing(Controller::Processes, "pids", "processes are not counted"),
            (!self.counts_cpu()).then(|| "no control group counts CPU time: it is limited per process only".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The same with only `percent` of a processor for each group, for trying whether something depends on speed; `None`
    /// where no control group can do that.
    pub fn slowed(&self, percent: u32) -> Option<Hierarchies> {
        self.has(Controller::CpuShare).then(|| Hierarchies { share_percent: Some(percent), ..self.clone() })
    }

    fn has(&self, controller: Controller) -> bool {
        self.v1.iter().any(|(known, _)| *known == controller) || self.v2_controllers.contains(&controller)
    }

    fn counts_cpu(&self) -> bool {
        self.v2.is_some() || self.has(Controller::CpuTime)
    }

    /// `line` of mountinfo: `id parent dev ROOT MOUNTPOINT options … - TYPE source SUPEROPTIONS`.
    fn add_mount(&mut self, line: &str, own: &str) {
        let Some((mount, file_system)) = line.split_once(" - ") else { return };
        let mount: Vec<&str> = mount.split(' ').collect();
        let file_system: Vec<&str> = file_system.split(' ').collect();
        let ([_, _, _, root, point, ..], [kind, _, options, ..]) = (mount.as_slice(), file_system.as_slice()) else {
            return;
        };
        // Our own path is told from the hierarchy's root; the mount may show only a part of it (containers).
        let folder = |controller: &str| {
            let path = own_path(own, controller)?;
            let below = path.strip_prefix(*root).unwrap_or(&path).trim_start_matches('/').to_owned();
            Some(Path::new(point).join(below))
        };
        match *kind {
            "cgroup" => {
                for name in options.split(',') {
                    if let (Some(controller), Some(folder)) = (Controller::parse(name), folder(name)) {
                        self.v1.push((controller, folder));
                    }
                }
            }
            "cgroup2" => self.v2 = folder(""),
            _ => {}
        }
    }

    /// Groups of processes that are gone. Only empty groups can be removed, so nothing alive is touched.
    fn remove_leftovers(&self) {
        for folder in self.v1.iter().map(|(_, folder)| folder).chain(&self.v2) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
                if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }
}

fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

/// Our path in the hierarchy of `controller` (empty for v2), from `/proc/self/cgroup`.
fn own_path(own: &str, controller: &str) -> Option<String> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers.split(',').any(|name| name == controller).then(|| path.to_owned())
    })
}

/// Hands the controllers of `folder` down to groups below it. A v2 group with processes of its own may not do that, so
/// we step down into a leaf first.
fn delegated(folder: &Path) -> Vec<Controller> {
    let offered = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    let wanted: Vec<&str> = offered.split_whitespace().filter(|name| Controller::parse(name).is_some()).collect();
    let request = wanted.iter().map(|name| format!("+{name}")).collect::<Vec<_>>().join(" ");
    let enable = || fs::write(folder.join("cgroup.subtree_control"), &request);
    if wanted.is_empty() || (enable().is_err() && (step_down(folder).is_err() || enable().is_err())) {
        return Vec::new();
    }
    wanted.into_iter().filter_map(Controller::parse).collect()
}

fn step_down(folder: &Path) -> io::Result<()> {
    let leaf = folder.join("practicum");
    fs::create_dir_all(&leaf)?;
    fs::write(leaf.join("cgroup.procs"), "0")
}

/// One sandbox's groups, removed when dropped.
#[derive(Debug)]
pub struct Group {
    v1: Vec<(Controller, PathBuf)>,
    v2: Option<PathBuf>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Group {
    pub fn create(hierarchies: &Hierarchies, limits: GroupLimits) -> io::Result<Group> {
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut group = Group { v1: Vec::new(), v2: None };
        let share = hierarchies.share_percent;
        for (controller, folder) in &hierarchies.v1 {
            let folder = folder.join(&name);
            // Controllers mounted together share their folders.
            if let Err(error) = fs::create_dir(&folder)
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(error);
            }
            group.v1.push((*controller, folder.clone()));
            limit_v1(*controller, &folder, limits, share)?;
        }
        if let Some(folder) = &hierarchies.v2 {
            let folder = folder.join(&name);
            fs::create_dir(&folder)?;
            group.v2 = Some(folder.clone());
            limit_v2(&hierarchies.v2_controllers, &folder, limits, share)?;
        }
        Ok(group)
    }

    /// Files into which a process of one thread writes `0` to join the v1 groups. Joining by `tasks` spares the kernel
    /// from stopping every fork on the machine for some milliseconds, which `cgroup.procs` makes it do.
    pub fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        self.v1
            .iter()
            .map(|(_, folder)| Ok(fs::OpenOptions::new().write(true).open(folder.join("tasks"))?.into()))
            .collect()
    }

    /// The v2 folder, into which a process is born by `CLONE_INTO_CGROUP`.
    pub fn birthplace(&self) -> io::Result<Option<OwnedFd>> {
        self.v2.as_ref().map(|folder| Ok(fs::File::open(folder)?.into())).transpose()
    }

    pub fn usage(&self) -> GroupUsage {
        let (memory, processes, cpu) =
            (self.v1(Controller::Memory), self.v1(Controller::Processes), self.v1(Controller::CpuTime));
        let (v2, share) = (self.v2.as_deref(), self.v1(Controller::CpuShare));
        let cpu_v2 = keyed(v2, "cpu.stat", "usage_usec");
        let kills = keyed(memory, "memory.oom_control", "oom_kill").or(keyed(v2, "memory.events", "oom_kill"));
        let (memory_kills, foreign_kills) = if self.has_run_out() { (kills, None) } else { (None, kills) };
        GroupUsage {
            cpu_us: number(cpu, "cpuacct.usage").map(|ns| ns / 1000).or(cpu_v2).unwrap_or(0),
            peak_bytes: number(memory, "memory.max_usage_in_bytes").or(number(v2, "memory.peak")).unwrap_or(0),
            memory_kills: memory_kills.unwrap_or(0),
            foreign_kills: foreign_kills.unwrap_or(0),
            processes_peak: number(processes, "pids.peak").or(number(v2, "pids.peak")).unwrap_or(0),
            processes_refused: keyed(processes, "pids.events", "max").or(keyed(v2, "pids.events", "max")).unwrap_or(0),
            throttled: keyed(share, "cpu.stat", "nr_throttled").or(keyed(v2, "cpu.stat", "nr_throttled")).unwrap_or(0),
        }
    }

    /// Whether it has ever wanted more memory than its limit. Version 1 does not tell on every kernel (`failcnt` may stay
    /// 0), but what was refused was little more than what was left.
    fn has_run_out(&self) -> bool {
        let memory = self.v1(Controller::Memory);
        let at_most = number(memory, "memory.max_usage_in_bytes").zip(number(memory, "memory.limit_in_bytes"));
        at_most.is_some_and(|(peak, limit)| peak + REFUSED_BYTES_MAX >= limit)
            || keyed(self.v2.as_deref(), "memory.events", "oom").is_some_and(|times| times > 0)
    }

    /// Forgets the memory peak, so that [`Group::usage`] tells the peak from now on. A v2 kernel before 6.12 cannot.
    pub fn reset_peak(&self) -> bool {
        let file = match (self.v1(Controller::Memory), &self.v2) {
            (Some(folder), _) => folder.join("memory.max_usage_in_bytes"),
            (None, Some(folder)) => folder.join("memory.peak"),
            (None, None) => return false,
        };
        fs::write(file, "0").is_ok()
    }

    /// Host process ids in the group.
    pub fn processes(&self) -> Option<Vec<i32>> {
        let folder = self.v2.as_ref().or(self.v1.first().map(|(_, folder)| folder))?;
        let list = fs::read_to_string(folder.join("cgroup.procs")).ok()?;
        Some(list.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// The second way to kill, beside the end of the sandbox's init.
    pub fn kill(&self) {
        if let Some(folder) = &self.v2 {
            let _ = fs::write(folder.join("cgroup.kill"), "1");
        }
    }

    fn v1(&self, controller: Controller) -> Option<&Path> {
        self.v1.iter().find(|(known, _)| *known == controller).map(|(_, folder)| folder.as_path())
    }
}

impl Drop for Group {
    /// The tree is dead, but the kernel lets go of its tasks a moment later.
    fn drop(&mut self) {
        let deadline = Instant::now() + REMOVE_PATIENCE;
        let mut left: Vec<&PathBuf> = self.v1.iter().map(|(_, folder)| folder).chain(&self.v2).collect();
        loop {
            left.retain(|folder| fs::remove_dir(folder).is_err() && folder.exists());
            if left.is_empty() || Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn limit_v1(controller: Controller, folder: &Path, limits: GroupLimits, share: Option<u32>) -> io::Result<()> {
    match controller {
        Controller::Memory => {
            fs::write(folder.join("memory.limit_in_bytes"), limits.memory_bytes.to_string())?;
            // Absent where swap accounting is off; there is then no swap to hide in that we could limit.
            let _ = fs::write(folder.join("memory.memsw.limit_in_bytes"), limits.memory_bytes.to_string());
            let _ = fs::write(folder.join("memory.swappiness"), "0");
            Ok(())
        }
        Controller::Processes => fs::write(folder.join("pids.max"), limits.processes.to_string()),
        Controller::CpuTime => Ok(()),
        Controller::CpuShare => share.map_or(Ok(()), |percent| {
            fs::write(folder.join("cpu.cfs_period_us"), SHARE_PERIOD_US.to_string())?;
            fs::write(folder.join("cpu.cfs_quota_us"), quota_us(percent).to_string())
        }),
    }
}

fn limit_v2(controllers: &[Controller], folder: &Path, limits: GroupLimits, share: Option<u32>) -> io::Result<()> {
    if controllers.contains(&Controller::Memory) {
        fs::write(folder.join("memory.max"), limits.memory_bytes.to_string())?;
        let _ = fs::write(folder.join("memory.swap.max"), "0");
        fs::write(folder.join("memory.oom.group"), "1")?;
    }
    if controllers.contains(&Controller::Processes) {
        fs::write(folder.join("pids.max"), limits.processes.to_string())?;
    }
    if let (true, Some(percent)) = (controllers.contains(&Controller::CpuShare), share) {
        fs::write(folder.join("cpu.max"), format!("{} {SHARE_PERIOD_US}", quota_us(percent)))?;
    }
    Ok(())
}

fn quota_us(percent: u32) -> u32 {
    SHARE_PERIOD_US * percent / 100
}

fn number(folder: Option<&Path>, file: &str) -> Option<u64> {
    fs::read_to_string(folder?.join(file)).ok()?.trim().parse().ok()
}

/// The value after `key` in a file of `key value` lines.
fn keyed(folder: Option<&Path>, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(folder?.join(file)).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}
