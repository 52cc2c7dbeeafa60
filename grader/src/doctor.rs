//! What this machine's sandbox can do: each wall present or absent, why, and how to get it.
//!
//! Walls are not inferred from versions or settings. They are built, and attack programs from the hostile corpus try
//! them: what is reported is what happened.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::grading::{Grader, GraderError};
use crate::runtime::{RuntimeError, Runtimes};
use crate::sandbox::sockets::{Protocol, SocketTable};
use crate::sandbox::tasks::{self, Doing, Wait};
use crate::sandbox::{CORE_BYTES, Exit, Launcher, Network, Role, Sandbox, SandboxLimits, environment};
use crate::submission::FileName;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub ok: bool,
    pub detail: String,
    /// One sentence on what to do about it; empty when nothing could be better.
    pub remedy: String,
}

/// A core of the hostile corpus: walls, and a program that tries each.
pub const CORE: &[(&str, &str)] = &[
    ("files of the host are out of sight", include_str!("../tests/hostile/escape/finds_files_of_the_host.py")),
    ("nothing outside the work folder can be written", include_str!("../tests/hostile/escape/writes_outside_work.py")),
    ("other processes cannot be signalled", include_str!("../tests/hostile/escape/kills_everything.py")),
    ("no process is traced", include_str!("../tests/hostile/escape/traces_processes.py")),
    ("no new namespaces", include_str!("../tests/hostile/escape/unshares_namespaces.py")),
    ("nothing can be mounted", include_str!("../tests/hostile/escape/mounts.py")),
    ("the kernel takes no programs", include_str!("../tests/hostile/escape/loads_programs_into_the_kernel.py")),
    ("no rights to gain", include_str!("../tests/hostile/escape/holds_no_capability.py")),
    (
        "no second door into the kernel",
        include_str!("../tests/hostile/escape/enters_the_64_bit_kernel_by_its_other_door.py"),
    ),
    ("foreign sockets are closed", include_str!("../tests/hostile/network/speaks_other_families.py")),
    ("the network ends at loopback", include_str!("../tests/hostile/network/asks_for_metadata.py")),
    ("limits cannot be raised", include_str!("../tests/hostile/resources/raises_its_limits.py")),
    ("processes are limited", include_str!("../tests/hostile/resources/fork_bomb.py")),
    ("disk space is limited", include_str!("../tests/hostile/resources/fills_the_work_folder.py")),
    ("ordinary programs work", include_str!("../tests/hostile/uses_ordinary_features.py")),
];
/// What they have in common, laid beside each.
const COMMON: &str = include_str!("../tests/hostile/attack.py");
const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 10, memory_bytes: 128 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };
/// An attack that is not over by then has failed the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a thread is given to come to its endless wait.
const PATIENCE_FOR_A_LOOK: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Looks at everything.
pub fn examine() -> Vec<Finding> {
    let mut findings = Vec::new();
    let grader = match Grader::new(true) {
        Ok(grader) => grader,
        Err(error) => {
            findings.push(absent(
                "Python",
                &error,
                "Install the distribution's python3, so that /usr/bin/python3 runs.",
            ));
            return findings;
        }
    };
    findings.push(present("Python", format!("/usr/bin/python3 is {}", grader.python_version())));
    findings.push(simulated_lane(grader.runtimes()));
    findings.extend(control_groups(&grader));
    match grader.launcher().and_then(|mut launcher| Ok((launcher.world()?, launcher))) {
        Ok((Network { table, packets }, mut launcher)) => {
            findings.push(present("namespaces", "mounts, processes, network, IPC and users have their own".to_owned()));
            findings.push(sockets(&table));
            findings.push(captures(packets.as_ref().err()));
            findings.extend(CORE.iter().map(|(wall, program)| attacked(&mut launcher, wall, program)));
            findings.push(landlock(&mut launcher));
            findings.push(deadlocks(&mut launcher));
            findings.push(crashes());
            findings.push(interpreters(&grader));
            findings.push(processor(&grader));
        }
        Err(error) => findings.push(absent(
            "namespaces",
            &error,
            "Run as root or allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1); in a \
             container grant CAP_SYS_ADMIN as docker-compose.yml does.",
        )),
    }
    findings
}

/// Whether each wall holds against its program; the error names the first that does not. Takes less than a second, and
/// stands before any work that is taken.
pub fn hold(grader: &Grader, attacks: &[(&str, &str)]) -> Result<(), GraderError> {
    let mut launcher = grader.launcher()?;
    launcher.world()?;
    let findings = attacks.iter().map(|(wall, program)| attacked(&mut launcher, wall, program));
    match findings.into_iter().find(|finding| !finding.ok) {
        None => Ok(()),
        Some(Finding { what, detail, .. }) => Err(GraderError::Sandbox(format!(
            "an attack on \"{what}\" was not contained: {detail}. `practicum doctor` tells what this machine lacks"
        ))),
    }
}

/// Where it has no Python of its own this machine can still grade what a database holds, so that is fine.
fn simulated_lane(runtimes: &Runtimes) -> Finding {
    let folder = runtimes.compiled.folder().display();
    let found = match runtimes.local.get() {
        Ok(runtime) => runtime,
        Err(error @ RuntimeError::Nowhere(_)) => {
            let detail =
                format!("workers take its Python from the database; to grade from the command line: failed to {error}");
            return present("simulated lane", detail);
        }
        Err(error) => return absent("simulated lane", &error, "Make another one with scripts/runtime."),
    };
    let known = format!("{} ({})", found.path.display(), &found.sha256[..12]);
    match runtimes.ready(&found.sha256) {
        Ok(true) => present("simulated lane", format!("{known} is compiled in {folder}")),
        Ok(false) => {
            present("simulated lane", format!("{known} will be compiled when it is first used, into {folder}"))
        }
        Err(error) => {
            let remedy = "Give that folder and its files to this user, with no right to write for anybody else, or set XDG_CACHE_HOME.";
            absent("simulated lane", &error, remedy)
        }
    }
}

fn control_groups(grader: &Grader) -> Vec<Finding> {
    let remedy = "Give this process a writable control group (systemd: Delegate=yes; Docker: writable-cgroups=true), or \
                  accept inexact limits with --allow-weak-sandbox.";
    match grader.weaknesses() {
        [] => vec![present(
            "control groups",
            "memory, processes and CPU time of whole trees are limited and counted".into(),
        )],
        weaknesses => weaknesses.iter().map(|weakness| absent("control groups", weakness, remedy)).collect(),
    }
}

fn attacked(launcher: &mut Launcher, wall: &str, program: &str) -> Finding {
    let remedy = "Do not grade here: report this with the output of `practicum doctor --json`.";
    match attack(launcher, program) {
        Ok(said) if said == "contained" => present(wall, "an attack program was contained".to_owned()),
        Ok(said) => absent(wall, &said, remedy),
        Err(error) => absent(wall, &error, remedy),
    }
}

/// A second wall, which a kernel need not have: what is refused here is refused by nothing else.
fn landlock(launcher: &mut Launcher) -> Finding {
    let what = "a second wall around files";
    let remedy = "Nothing must be done. Landlock is in kernels from 5.13 on, where the boot parameter lsm= names it.";
    let program = "
try:
    open('/proc/self/comm', 'w').close()
    print('open')
except PermissionError:
    print('closed')
";
    match attack(launcher, program) {
        Ok(said) if said == "closed" => present(what, "Landlock refuses what the mounts allow".to_owned()),
        Ok(said) if said == "open" => {
            advice(what, "this kernel does not enforce Landlock; the mounts hold alone", remedy)
        }
        Ok(said) => absent(what, &said, remedy),
        Err(error) => absent(what, &error, remedy),
    }
}

fn interpreters(grader: &Grader) -> Finding {
    let what = "interpreters are warm";
    match grader.cold_because() {
        None => present(what, "programs start in interpreters that have started already".to_owned()),
        Some(reason) => advice(
            what,
            &format!("programs start their own, which takes longer: {reason}"),
            "Install the distribution's Python 3.11, and this program with libgrader.so beside it.",
        ),
    }
}

/// Without the kernel's list of sockets no server is ever seen to be ready.
fn sockets(table: &SocketTable) -> Finding {
    let what = "servers can be seen";
    let internet = [Protocol::Tcp, Protocol::Udp].iter().try_for_each(|protocol| table.sockets(*protocol).map(|_| ()));
    match internet.and_then(|()| table.unix_sockets()) {
        Ok(_) => present(what, "the kernel lists the sockets of a case's network".to_owned()),
        Err(error) => absent(
            what,
            &error,
            "Load the kernel's modules for that on the host: modprobe --all tcp_diag udp_diag unix_diag.",
        ),
    }
}

/// Cases are graded all the same where packets cannot be seen.
fn captures(blind: Option<&String>) -> Finding {
    let what = "packets can be seen";
    match blind {
        None => present(what, "a failing case shows what passed on its network".to_owned()),
        Some(reason) => advice(
            what,
            &format!("a failing case does not show what passed on its network: {reason}"),
            "Let this process open packet sockets: run as root with CAP_NET_RAW, as docker-compose.yml does.",
        ),
    }
}

/// Whether the kernel may start a program of the host's because one in a sandbox has crashed.
fn crashes() -> Finding {
    let what = "crashes stay inside";
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let most = rustix::process::getrlimit(rustix::process::Resource::Core).maximum;
    if pattern.starts_with('|') && most.is_some_and(|most| most < CORE_BYTES) {
        let remedy = "Start this process with a hard limit on core dumps of 1 byte or more (ulimit -H -c unlimited), or set \
                      kernel.core_pattern to a file's name.";
        return advice(what, "the host's crash handler is told of every program that crashes", remedy);
    }
    present(what, "no core is kept, and the host's crash handler is not started".to_owned())
}

fn processor(grader: &Grader) -> Finding {
    let what = "the processor is shared out";
    match grader.slowed(100) {
        Some(_) => present(what, "a sandbox of many processes gets no more than one of few".to_owned()),
        None => advice(
            what,
            "no writable cpu control group: a submission of many busy processes slows the grader down, and \
             `check --thorough` leaves slow machines out",
            "Give this process a writable cpu control group, where the others are.",
        ),
    }
}

/// Whether a thread that waits for ever is seen to do so.
fn deadlocks(launcher: &mut Launcher) -> Finding {
    let what = "deadlocks can be proved";
    let remedy =
        "Let this process see what others wait for: run as root with CAP_SYS_PTRACE, as docker-compose.yml does.";
    match stuck_thread(launcher) {
        Ok(true) => present(what, "a thread that waits for ever was seen to".to_owned()),
        Ok(false) => {
            absent(what, &"what a thread waits for cannot be read: such cases end at their wall limit", remedy)
        }
        Err(error) => absent(what, &error, remedy),
    }
}

fn stuck_thread(launcher: &mut Launcher) -> Result<bool, GraderError> {
    let mut sandbox = sandbox(launcher)?;
    let _running = start(&mut sandbox, "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n")?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE_FOR_A_LOOK {
        let threads = tasks::threads(&sandbox.processes());
        if !threads.is_empty() && threads.iter().all(|thread| matches!(thread.doing, Doing::Stuck(Wait::Lock))) {
            return Ok(true);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    Ok(false)
}

/// Starts a Python program; returns the name of its process and the end of what it writes.
fn start(sandbox: &mut Sandbox, program: &str) -> Result<(u64, std::io::PipeReader), GraderError> {
    for (name, text) in [("program.py", program), ("attack.py", COMMON)] {
        let name = FileName::parse(name.as_bytes()).map_err(|error| GraderError::Request(error.to_string()))?;
        sandbox.work().write(&name, text.as_bytes())?;
    }
    let (output, output_end) = std::io::pipe()?;
    let output_end: OwnedFd = output_end.into();
    let nothing: OwnedFd = std::fs::File::open("/dev/null")?.into();
    let argv = Role::Submission.command("program.py");
    let descriptors = [nothing.as_fd(), output_end.as_fd(), output_end.as_fd()];
    Ok((sandbox.spawn(&argv, &environment(), &descriptors)?, output))
}

/// The last line that the program says, or how one ended that said nothing.
fn attack(launcher: &mut Launcher, program: &str) -> Result<String, GraderError> {
    let mut sandbox = sandbox(launcher)?;
    let (id, mut output) = start(&mut sandbox, program)?;
    let _killer = sandbox.killer_after(PATIENCE)?;
    let exit = sandbox.exit_of(id)?;
    sandbox.kill();
    let mut said = String::new();
    output.read_to_string(&mut said)?;
    Ok(match (said.lines().last(), exit) {
        (Some(line), _) => line.to_owned(),
        (None, Some(Exit::Exited(code))) => format!("it ended with exit code {code} and said nothing"),
        (None, Some(Exit::Signalled(signal))) => format!("it was killed by signal {signal} and said nothing"),
        (None, None) => "its whole sandbox was killed before it said anything".to_owned(),
    })
}

fn sandbox(launcher: &mut Launcher) -> Result<Sandbox, GraderError> {
    Ok(launcher.sandbox(Role::Submission, LIMITS, &[], &[])?)
}

fn present(what: &str, detail: String) -> Finding {
    Finding { what: what.to_owned(), ok: true, detail, remedy: String::new() }
}

/// It stands, and could stand better.
fn advice(what: &str, detail: &str, remedy: &str) -> Finding {
    Finding { what: what.to_owned(), ok: true, detail: detail.to_owned(), remedy: remedy.to_owned() }
}

fn absent(what: &str, reason: &dyn std::fmt::Display, remedy: &str) -> Finding {
    Finding { what: what.to_owned(), ok: false, detail: reason.to_string(), remedy: remedy.to_owned() }
}
