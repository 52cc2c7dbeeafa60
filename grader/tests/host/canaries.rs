//! Whether an attack touched the host: what it could find there stands there to be found. Files that anybody may read and
//! write, a process, servers on loopback and on an abstract name.

use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tempfile::NamedTempFile;

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
