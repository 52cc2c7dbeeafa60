//! `practicum with-postgres -- COMMAND…`: runs a command beside a Postgres cluster that lives as long as it does.
//!
//! The tests' database. `DATABASE_URL` names the cluster; nothing in it is meant to last, so it does not wait for disks.
//! Ctrl-C and SIGTERM end the command first and the cluster after it, so that no directory is left behind.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::embedded_postgres::{StartOptions, start_with};

/// `cargo test` runs one database per test and a pool in each.
const CONNECTIONS_MAX: u16 = 150;

/// Returns the command's exit code, or 128 + N when signal N ended it, as a shell does.
pub fn run(command: &[String]) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("name a command to run")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before there is anything to clean up.
    let signals = runtime.block_on(async { Signals::catch() })?;
    // Postgres may run as another account, which has to pass through.
    let data = tempfile::Builder::new().prefix("practicum-").permissions(Permissions::from_mode(0o711)).tempdir()?;
    let cluster = start_with(data.path(), StartOptions { durable: false, max_connections: CONNECTIONS_MAX })?;
    let status = runtime.block_on(async {
        let child = Command::new(program).args(arguments).env("DATABASE_URL", cluster.url()).spawn();
        wait(child.with_context(|| format!("run {program:?}"))?, signals).await
    });
    cluster.stop()?;
    Ok(exit_code(status?))
}

/// Caught, they no longer end this process.
struct Signals {
    /// A terminal sends it to the command as well as to us.
    interrupt: tokio::signal::unix::Signal,
    /// Reaches only us, and is passed on.
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn catch() -> Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }
}

async fn wait(mut child: Child, mut signals: Signals) -> Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = signals.interrupt.recv() => {}
            _ = signals.terminate.recv() => terminate(&child),
        }
    }
}

fn terminate(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    // An error here only says that it has ended already.
    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
