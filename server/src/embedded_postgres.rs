//! A Postgres cluster of our own, for `serve` without a database URL and for tests: system binaries, one data
//! directory, one private Unix socket, no TCP.
//!
//! *Who may connect.* The socket lies in a directory of mode 0700, and beyond that Postgres asks the kernel who is at
//! the other end (`peer`): only the account that started us is let in, as the role `practicum`. `trust` would do while
//! we and Postgres are one account; started by root they are two (Postgres refuses to run as root, so it runs as
//! `postgres` or `nobody`), and then a wrong directory mode must not be enough to let a neighbour in. What remains: the
//! account that runs Postgres owns the files and so can read them, which is why `postgres` is preferred to `nobody`.
//!
//! *It ends with us.* Postgres is told by the kernel when its parent is gone (`PR_SET_PDEATHSIG`, here SIGINT: a fast,
//! clean shutdown), so `kill -9` leaves nothing behind. The kernel means the parent *thread*: the cluster has a thread
//! of its own that does nothing but wait for it. It also has a process group of its own, so that Ctrl-C in a terminal
//! reaches us first and the database last.
//!
//! *Joining.* A data directory that another of our processes has open is joined, not restarted; such a cluster ends with
//! the process that started it. Whether that process lives is told by a lock which the kernel releases with it: a Postgres
//! without one has been told to stop and is waited for. A directory of another major version is refused: Postgres cannot
//! read it.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{self, Pid, PidfdFlags, Signal};
use tempfile::TempDir;

mod host;
mod socket;

use host::{Account, Binaries};
use socket::{Answer, knock};

/// The superuser role, its database, and the name of the map in `pg_ident.conf`.
const NAME: &str = "practicum";
/// Recovery after a crash replays the log first, which may take minutes on a slow disk.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// A fast shutdown writes a checkpoint; what is still there after this is killed and recovers at the next start.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two attempts to connect.
const KNOCK_EVERY: Duration = Duration::from_millis(20);
/// How much of the log an error quotes.
const LOG_LINES_QUOTED: usize = 8;

#[derive(Debug, Clone, Copy)]
pub struct StartOptions {
    /// Survives a power cut. Off only for clusters that are thrown away.
    pub durable: bool,
    /// Tests hold many pools at a time; a server holds one.
    pub max_connections: u16,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self { durable: true, max_connections: 60 }
    }
}

/// A cluster that answers. Dropping it stops Postgres if we started it.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    /// Absent when the cluster was joined.
    running: Option<Running>,
    /// The socket's directory where the data directory's path is too long for one; removed with us.
    _sockets: Option<TempDir>,
}

/// A Postgres that we started.
#[derive(Debug)]
struct Running {
    /// Signals through it cannot hit a recycled process id.
    pidfd: OwnedFd,
    /// Receives once, when Postgres has ended.
    ended: Receiver<io::Result<ExitStatus>>,
    /// Locked as long as we live; see the module's theory.
    _owner: File,
}

impl Cluster {
    /// In the form that sqlx reads: the socket's directory is the `host` parameter.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends Postgres if we started it and returns when its files are closed.
    pub fn stop(mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), Running::stop)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.running.take().map(Running::stop) {
            tracing::warn!("failed to stop embedded Postgres: {error:#}");
        }
    }
}

/// Starts the cluster in `data`, which is created and filled when it does not exist.
pub fn start(data: &Path) -> Result<Cluster> {
    start_with(data, StartOptions::default())
}

pub fn start_with(data: &Path, options: StartOptions) -> Result<Cluster> {
    start_in(data, options).with_context(|| format!("start embedded Postgres in {}", data.display()))
}

fn start_in(data: &Path, options: StartOptions) -> Result<Cluster> {
    let data = create_data(data)?;
    let _lock = lock(&data)?;
    let files = data.join("postgres");
    let account = Account::of_cluster(&files)?;
    account.check_reaches(&data)?;
    let binaries = Binaries::find(major_of(&files)?)?;
    let owner = match find_running(&data, &files)? {
        Found::Running(sockets) => return Ok(Cluster { url: socket::url(&sockets), running: None, _sockets: None }),
        Found::Idle(owner) => owner,
    };
    if !files.exists() {
        initialise(&binaries, account, &data, options)?;
    }
    admit_us(&files, account)?;
    let (sockets, temporary) = socket::choose_directory(&files, account)?;
    let log = data.join("postgres.log");
    let running = spawn(postgres(&binaries, account, &files, &sockets, &log, options)?, owner)?;
    let cluster = Cluster { url: socket::url(&sockets), running: Some(running), _sockets: temporary };
    wait_until_ready(&sockets, cluster.running.as_ref()).with_context(|| quote_end_of(&log))?;
    Ok(cluster)
}

/// Others may pass through it (Postgres itself, where it runs as another account) but not list it.
fn create_data(data: &Path) -> Result<PathBuf> {
    if !data.exists() {
        fs::create_dir_all(data).with_context(|| format!("create {}", data.display()))?;
        fs::set_permissions(data, Permissions::from_mode(0o711))?;
    }
    data.canonicalize().with_context(|| format!("resolve {}", data.display()))
}

/// Two processes that start at once would both initialise; the second waits and joins.
fn lock(data: &Path) -> Result<File> {
    let path = data.join("postgres.lock");
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

/// The version that made the files, `None` where there are none yet.
fn major_of(files: &Path) -> Result<Option<u32>> {
    if !files.exists() {
        return Ok(None);
    }
    let path = files.join("PG_VERSION");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Some(text.trim().parse().with_context(|| format!("parse {} {text:?}", path.display()))?))
}

enum Found {
    /// The socket directory of a Postgres that another of our processes owns.
    Running(PathBuf),
    /// None, and the lock that makes us the owner.
    Idle(File),
}

/// One that is still starting or already stopping is waited for.
fn find_running(data: &Path, files: &Path) -> Result<Found> {
    let owner = File::create(data.join("postgres.owner"))?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let postmaster = find_postmaster(files);
        match (owner.try_lock(), postmaster) {
            (Ok(()), None) => return Ok(Found::Idle(owner)),
            (Err(TryLockError::WouldBlock), Some(sockets)) => match knock(&sockets) {
                Ok(Answer::Ready) => return Ok(Found::Running(sockets)),
                Ok(Answer::Refused(message)) => bail!("the Postgres that runs there refuses us: {message}"),
                Ok(Answer::NotYet) | Err(_) => {}
            },
            (Err(TryLockError::Error(error)), _) => bail!("lock postgres.owner: {error}"),
            // Its owner has died, or its owner has just ended it.
            (Ok(()), Some(_)) | (Err(TryLockError::WouldBlock), None) => {}
        }
        ensure!(Instant::now() < deadline, "the Postgres of postgres/postmaster.pid neither answers nor ends");
        thread::sleep(KNOCK_EVERY);
    }
}

/// The socket directory of a Postgres that has the files open: line 5 of `postmaster.pid`, its process id being line 1.
/// A file left by a crash names a process that is gone or is no Postgres; Postgres itself replaces it.
fn find_postmaster(files: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(files.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let name = fs::read_to_string(format!("/proc/{}/comm", lines.next()?.trim())).ok()?;
    // The line is written a moment after the first; where it is missing, nobody answers yet.
    (name.trim() == "postgres").then(|| lines.nth(3).map_or_else(PathBuf::new, PathBuf::from))
}

/// Fills a directory beside the final one and renames it, so that a start cut short is begun anew.
fn initialise(binaries: &Binaries, account: Account, data: &Path, options: StartOptions) -> Result<()> {
    let fresh = data.join("postgres.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("remove {}", fresh.display()))?;
    }
    fs::create_dir(&fresh)?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o700))?;
    account.take(&fresh)?;

    let mut initdb = binaries.command("initdb", account);
    initdb.arg("--pgdata").arg(&fresh).args(["--username", NAME, "--auth", "peer", "--encoding", "UTF8"]);
    initdb.args(["--locale", "C.UTF-8", "--no-instructions"]);
    if !options.durable {
        initdb.arg("--no-sync");
    }
    run(initdb, "")?;
    let mut single = binaries.command("postgres", account);
    single.arg("--single").arg("-D").arg(&fresh).args(["-c", "exit_on_error=on", "postgres"]);
    run(single, &format!("create database {NAME}\n"))?;

    fs::rename(&fresh, data.join("postgres"))?;
    Ok(File::open(data)?.sync_all()?)
}

/// Runs to the end with `input`; what it printed is only of interest when it fails.
fn run(mut command: Command, input: &str) -> Result<()> {
    let program = PathBuf::from(command.get_program());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("run {}", program.display()))?;
    child.stdin.take().context("stdin is piped")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} ended with {}: {}", program.display(), output.status, said.trim());
    Ok(())
}

/// Written at every start: the account that starts us may have another name than last time.
fn admit_us(files: &Path, account: Account) -> Result<()> {
    let us = host::our_name()?;
    for (file, line) in [
        ("pg_hba.conf", format!("local all all peer map={NAME}\n")),
        ("pg_ident.conf", format!("{NAME} \"{us}\" {NAME}\n")),
    ] {
        let path = files.join(file);
        fs::write(&path, line).with_context(|| format!("write {}", path.display()))?;
        account.take(&path)?;
    }
    Ok(())
}

fn postgres(
    binaries: &Binaries,
    account: Account,
    files: &Path,
    sockets: &Path,
    log: &Path,
    options: StartOptions,
) -> Result<Command> {
    if log.exists() {
        fs::rename(log, log.with_extension("log.old"))?;
    }
    let log = File::create(log).with_context(|| format!("create {}", log.display()))?;
    let durable = if options.durable { "on" } else { "off" };
    let mut command = binaries.command("postgres", account);
    command.arg("-D").arg(files);
    for setting in [
        "listen_addresses=".to_owned(),
        format!("port={}", socket::PORT),
        format!("unix_socket_directories=\"{}\"", sockets.display()),
        "unix_socket_permissions=0700".to_owned(),
        format!("max_connections={}", options.max_connections),
        format!("fsync={durable}"),
        format!("full_page_writes={durable}"),
        format!("synchronous_commit={durable}"),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        format!("cluster_name={NAME}"),
    ] {
        command.arg("-c").arg(setting);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.process_group(0);
    die_with_parent(&mut command);
    Ok(command)
}

fn die_with_parent(command: &mut Command) {
    let parent = process::getpid();
    let arrange = move || {
        process::set_parent_process_death_signal(Some(Signal::INT))?;
        // A parent that ended before the line above sends nothing any more.
        if process::getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls and neither allocates nor takes a lock. The standard
    // library has changed the user id by then, which would have cleared the death signal.
    unsafe { command.pre_exec(arrange) };
}

/// Spawns on a thread that lives as long as Postgres does; see the module's theory.
fn spawn(mut command: Command, owner: File) -> Result<Running> {
    let (report_start, started) = mpsc::channel();
    let (report_end, ended) = mpsc::channel();
    thread::Builder::new().name("postgres".to_owned()).spawn(move || {
        let begun = command.spawn().and_then(|child| Ok((pidfd_of(&child)?, child)));
        let (pidfd, child) = match begun {
            Ok((pidfd, child)) => (Ok(pidfd), Some(child)),
            Err(error) => (Err(error), None),
        };
        let _ = report_start.send(pidfd);
        if let Some(mut child) = child {
            let _ = report_end.send(child.wait());
        }
    })?;
    let pidfd = started.recv()?.context("spawn postgres")?;
    Ok(Running { pidfd, ended, _owner: owner })
}

fn pidfd_of(child: &Child) -> io::Result<OwnedFd> {
    Ok(process::pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}

impl Running {
    fn stop(self) -> Result<()> {
        // An error here only says that it has ended already, which the wait then sees.
        let _ = process::pidfd_send_signal(&self.pidfd, Signal::INT);
        if let Ok(status) = self.ended.recv_timeout(STOPPED_WITHIN) {
            let status = status?;
            ensure!(status.success(), "postgres ended with {status}");
            return Ok(());
        }
        let _ = process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        bail!("postgres did not stop within {} s and was killed", STOPPED_WITHIN.as_secs())
    }
}

fn wait_until_ready(sockets: &Path, running: Option<&Running>) -> Result<()> {
    let running = running.context("a cluster that we started")?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match knock(sockets) {
            Ok(Answer::Ready) => return Ok(()),
            Ok(Answer::Refused(message)) => bail!("postgres refuses us: {message}"),
            Ok(Answer::NotYet) | Err(_) => {}
        }
        if let Ok(status) = running.ended.recv_timeout(KNOCK_EVERY) {
            bail!("postgres ended with {}", status?);
        }
        ensure!(Instant::now() < deadline, "postgres was not ready within {} s", READY_WITHIN.as_secs());
    }
}

fn quote_end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(LOG_LINES_QUOTED)..].join("\n  ");
    format!("the log {} ends with:\n  {end}\n", log.display())
}

#[cfg(test)]
mod tests;
