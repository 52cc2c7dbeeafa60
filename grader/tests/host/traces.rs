//! Whether anything of a sandbox is left on the host: its traces are noted while it lives, and its remains are looked for
//! when it is gone.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grader::sandbox::Sandbox;

/// How long the kernel may take to bury what is dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a sandbox is made of, as the host sees it.
pub struct Traces {
    user: u32,
    processes: Vec<i32>,
    /// As the links in /proc/PID/ns read.
    namespaces: HashSet<PathBuf>,
    /// Paths below the roots of the hierarchies.
    groups: Vec<String>,
    mounts: HashSet<String>,
}

impl Traces {
    /// Of a sandbox in which a program runs.
    pub fn of(sandbox: &Sandbox) -> Traces {
        Traces::of_processes(sandbox.processes().into_iter().chain([sandbox.init_pid()]).collect())
    }

    /// The same by its processes, of which init is the last.
    pub fn of_processes(processes: Vec<i32>) -> Traces {
        let own = namespaces(std::process::id().cast_signed());
        let init = processes.last().copied().unwrap_or_default();
        let groups = fs::read_to_string(format!("/proc/{init}/cgroup")).unwrap_or_default();
        let groups =
            groups.lines().filter_map(|line| line.rsplit(':').next()).filter(|path| path.contains("practicum-"));
        Traces {
            user: processes.first().and_then(|pid| user_of(*pid)).unwrap_or(u32::MAX),
            namespaces: processes.iter().flat_map(|pid| namespaces(*pid)).filter(|it| !own.contains(it)).collect(),
            groups: groups.map(str::to_owned).collect(),
            processes,
            mounts: mounts(),
        }
    }

    /// Its control groups apart from all else: where no grader is left, these alone stay until the next one comes.
    pub fn apart_from_groups(mut self) -> (Traces, Traces) {
        let groups = std::mem::take(&mut self.groups);
        let (processes, namespaces, mounts) = (vec![], HashSet::new(), self.mounts.clone());
        (self, Traces { user: u32::MAX, processes, namespaces, groups, mounts })
    }

    /// What is left of it; waits until nothing is, or patience ends.
    pub fn remains(&self) -> Vec<String> {
        let began = Instant::now();
        loop {
            let remains = self.remains_now();
            if remains.is_empty() || began.elapsed() > PATIENCE {
                return remains;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn remains_now(&self) -> Vec<String> {
        let mut remains = Vec::new();
        let living = self.processes.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        remains.extend(living.map(|pid| format!("process {pid}")));
        for pid in pids() {
            remains
                .extend(namespaces(pid).intersection(&self.namespaces).map(|it| format!("{} of {pid}", it.display())));
        }
        for hierarchy in hierarchies() {
            let group = |path: &String| hierarchy.join(path.trim_start_matches('/'));
            remains
                .extend(self.groups.iter().map(group).filter(|path| path.is_dir()).map(|it| it.display().to_string()));
        }
        remains.extend(mounts().difference(&self.mounts).filter(|line| line.contains("uid=")).cloned());
        for kind in ["shm", "sem", "msg"] {
            remains.extend(segments(kind, self.user).map(|line| format!("System V {kind}: {line}")));
        }
        let keys = fs::read_to_string("/proc/key-users").unwrap_or_default();
        let own_keys = format!("{}:", self.user);
        remains.extend(
            keys.lines().filter(|line| line.trim_start().starts_with(&own_keys)).map(|it| format!("keys {it}")),
        );
        remains
    }
}

/// Where control groups are mounted, if anywhere: one place for version 2 alone, folders in it for version 1.
fn hierarchies() -> impl Iterator<Item = PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let below = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    below.chain([root])
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn namespaces(pid: i32) -> HashSet<PathBuf> {
    let links = fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten();
    links.filter_map(|link| fs::read_link(link.path()).ok()).collect()
}

pub fn user_of(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok())
}

fn mounts() -> HashSet<String> {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Lines of /proc/sysvipc whose creator or owner is `user`: their columns differ by kind, their names do not.
fn segments(kind: &str, user: u32) -> impl Iterator<Item = String> {
    let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
    let mut lines = table.lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
    let header = lines.next().unwrap_or_default();
    let column = header.split_whitespace().position(|name| name == "uid").unwrap_or(usize::MAX);
    lines.filter(move |line| line.split_whitespace().nth(column).is_some_and(|owner| owner == user.to_string()))
}
