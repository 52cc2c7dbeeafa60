//! Whether the host is as it was: nothing of a sandbox is left on it, and nothing on it was touched.
//!
//! A sandbox's traces are noted while it lives; its remains are looked for when it is gone. What an attack could find on
//! the host stands there to be found: files that anybody may read and write, a process, servers on loopback and on an
//! abstract name.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use grader::sandbox::Sandbox;
use serde_json::json;
use tempfile::NamedTempFile;

/// How long the kernel may take to bury what is dead.
const PATIENCE: Duration = Duration::from_secs(20);
/// How far the clock may be from where it was: more than anybody sets it right by.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
const CONTENT: &str = "nobody has been here";

/// Things on the host for an attack to find.
pub struct Canaries {
    files: Vec<NamedTempFile>,
    process: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    name: String,
    started: (SystemTime, Instant),
    host_name: String,
}

impl Canaries {
    pub fn set_out() -> io::Result<Canaries> {
        let files = ["/tmp", "/dev/shm", "/var/tmp"].iter().filter(|folder| Path::new(folder).is_dir());
        let files = files.map(|folder| canary_file(Path::new(folder))).collect::<io::Result<_>>()?;
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let udp = UdpSocket::bind(("127.0.0.1", tcp.local_addr()?.port()))?;
        let name = format!("practicum-canary-{}", tcp.local_addr()?.port());
        let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        unix.set_nonblocking(true)?;
        let process = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn()?;
        let started = (SystemTime::now(), Instant::now());
        Ok(Canaries { files, process, tcp, udp, unix, name, started, host_name: host_name() })
    }

    /// Where they are, for an attack to read.
    pub fn told(&self) -> String {
        let files: Vec<&Path> = self.files.iter().map(NamedTempFile::path).collect();
        let port = self.tcp.local_addr().expect("it is bound").port();
        json!({ "files": files, "port": port, "name": self.name, "process": self.process.id() }).to_string()
    }

    /// What has happened to them; empty when nothing has.
    pub fn complaints(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        for file in &self.files {
            // The look at the time comes first: reading changes it.
            let metadata = file.as_file().metadata().expect("it is open");
            if metadata.accessed().is_ok_and(|time| time > SystemTime::UNIX_EPOCH) {
                complaints.push(format!("{} was read", file.path().display()));
            }
            if fs::read_to_string(file.path()).ok().as_deref() != Some(CONTENT) {
                complaints.push(format!("{} was changed", file.path().display()));
            }
        }
        if !matches!(self.process.try_wait(), Ok(None)) {
            complaints.push("a process of the host was killed".to_owned());
        }
        let mut byte = [0];
        let calls = [self.tcp.accept().map(drop), self.udp.recv(&mut byte).map(drop), self.unix.accept().map(drop)];
        if calls.iter().any(Result::is_ok) {
            complaints.push("a server of the host was called".to_owned());
        }
        let elapsed = self.started.0.elapsed().unwrap_or_default();
        if elapsed.abs_diff(self.started.1.elapsed()) > CLOCK_TOLERANCE {
            complaints.push("the clock was set".to_owned());
        }
        if host_name() != self.host_name {
            complaints.push("the host was renamed".to_owned());
        }
        complaints
    }
}

impl Drop for Canaries {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn canary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new().prefix("practicum-canary-").tempfile_in(folder)?;
    fs::write(file.path(), CONTENT)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o666))?;
    // Read before it was written: then every mount notes the next reading, but those that note none.
    file.as_file().set_times(fs::FileTimes::new().set_accessed(SystemTime::UNIX_EPOCH))?;
    Ok(file)
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

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
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let group = |path: &String| hierarchy.path().join(path.trim_start_matches('/'));
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

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn namespaces(pid: i32) -> HashSet<PathBuf> {
    let links = fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten();
    links.filter_map(|link| fs::read_link(link.path()).ok()).collect()
}

fn user_of(pid: i32) -> Option<u32> {
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
