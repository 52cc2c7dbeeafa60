//! However many cases a grader has run, it holds no more of the machine than after the first ones: processes, threads,
//! descriptors, mounts, networks, control groups, memory. `PRACTICUM_CASES=1000` runs that many.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use grader::sandbox::sockets::Protocol;
use grader::sandbox::{Launcher, Network, Role, Sandbox, SandboxLimits, environment};
use grader::seed::Root;
use grader::submission::FileName;
use grader::{Exercise, Grader, Request};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "host/stock.rs"]
mod stock;

use stock::Stock;

/// Cases unless told otherwise.
const CASES: usize = 150;
/// Cases that go before: buffers grow to their size, and allocators keep what they may need again.
const WARM_UP: usize = 50;
/// What leaks grows in every stretch; a heap may grow once more, when threads come together as they never did before.
const STRETCHES: usize = 3;
/// A grading takes as long as some cases.
const CASES_PER_GRADING: usize = 10;
/// Growth of a process's memory that is not taken for a leak, for each case: a leak of one page each is twice that.
const TOLERATED_BYTES_PER_CASE: usize = 2048;
const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 10, memory_bytes: 96 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };
/// Longer than any case here takes: the killer is to be called off.
const PATIENCE: Duration = Duration::from_secs(600);

const LISTENS: &str = "import socket
listener = socket.create_server(('127.0.0.1', 7000))
print('listening', flush=True)
listener.accept()[0].sendall(b'hello')
";
const CONNECTS: &str = "import socket
print(socket.create_connection(('127.0.0.1', 7000)).recv(5).decode())
";
const NEVER_ENDS: &str = "import os, signal
for _ in range(3):
    os.fork() or signal.pause()
print('forked', flush=True)
signal.pause()
";

fn main() {
    grader::sandbox::launcher_main();
    // Both count everything that this process has, so one after the other.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let tests = vec![
        Trial::test("consecutive_cases_leave_no_growth", consecutive_cases_leave_no_growth),
        Trial::test("consecutive_gradings_leave_no_growth", consecutive_gradings_leave_no_growth),
    ];
    libtest_mimic::run(&arguments, tests).exit();
}

fn cases() -> usize {
    std::env::var("PRACTICUM_CASES").map_or(CASES, |cases| cases.parse().expect("a number of cases"))
}

fn consecutive_cases_leave_no_growth() -> Result<(), Failed> {
    let grader = Grader::new(true)?;
    let mut launcher = grader.launcher()?;
    leaves_no_growth(WARM_UP, cases(), |number| case(&mut launcher, number))
}

/// Launchers come and go with them.
fn consecutive_gradings_leave_no_growth() -> Result<(), Failed> {
    let grader = Grader::new(true)?;
    let exercise = Exercise::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercise"))?;
    let reference = exercise.submission("reference")?;
    let request = Request { root: Root::Public, only: None, seed: None, set: Default::default(), replay: None };
    leaves_no_growth(WARM_UP / CASES_PER_GRADING, cases() / CASES_PER_GRADING, |_| {
        let report = grader.grade(&exercise, &reference, &request, &mut |_| {}, &|| false)?;
        if report.verdict.passed() { Ok(()) } else { Err(format!("{report:#?}").into()) }
    })
}

fn leaves_no_growth(
    warm_up: usize,
    count: usize,
    mut act: impl FnMut(usize) -> Result<(), Failed>,
) -> Result<(), Failed> {
    (0..warm_up).try_for_each(&mut act)?;
    let mut grown = Vec::new();
    for _ in 0..STRETCHES {
        let before = Stock::at_rest();
        (0..count).try_for_each(&mut act)?;
        grown = before.growth(count * TOLERATED_BYTES_PER_CASE / 1024);
        if grown.is_empty() {
            return Ok(());
        }
    }
    Err(format!("after {count} more, and again, and again, there are\n{}", grown.join("\n")).into())
}

/// A network, a sandbox of each role, and a word between two of them. Every tenth submission does not end by itself, and
/// every tenth is a program that is executed.
fn case(launcher: &mut Launcher, number: usize) -> Result<(), Failed> {
    let Network { table, packets: _packets } = launcher.world()?;
    let mut sandbox = |role| launcher.sandbox(role, LIMITS, &["server".to_owned()], &["pickle".to_owned()]);
    let (mut submission, mut examiner) = (sandbox(Role::Submission)?, sandbox(Role::Examiner)?);
    let _others = [sandbox(Role::Module)?, sandbox(Role::Build)?];
    let _killer = submission.killer_after(PATIENCE)?;
    match number % 10 {
        3 => {
            let (_, output) = start(&mut submission, Role::Submission, NEVER_ENDS)?;
            assert_eq!(first_line(output)?, "forked");
        }
        7 => {
            let nothing: OwnedFd = std::fs::File::open("/dev/null")?.into();
            let id = submission.spawn(&["/usr/bin/true".to_owned()], &environment(), &[nothing.as_fd(); 3])?;
            submission.exit_of(id)?;
        }
        _ => {
            let (server, listening) = start(&mut submission, Role::Submission, LISTENS)?;
            assert_eq!(first_line(listening)?, "listening");
            let (client, heard) = start(&mut examiner, Role::Examiner, CONNECTS)?;
            assert_eq!(first_line(heard)?, "hello");
            submission.exit_of(server)?;
            examiner.exit_of(client)?;
        }
    }
    table.sockets(Protocol::Tcp)?;
    Ok(())
}

/// Starts a Python program; returns its name and the end of its output.
fn start(sandbox: &mut Sandbox, role: Role, source: &str) -> Result<(u64, OwnedFd), Failed> {
    sandbox.work().write(&FileName::parse(b"program.py")?, source.as_bytes())?;
    let (output, output_end) = std::io::pipe()?;
    let (output_end, nothing): (OwnedFd, OwnedFd) = (output_end.into(), std::fs::File::open("/dev/null")?.into());
    let descriptors = [nothing.as_fd(), output_end.as_fd(), output_end.as_fd()];
    Ok((sandbox.spawn(&role.command("program.py"), &environment(), &descriptors)?, output.into()))
}

fn first_line(output: OwnedFd) -> Result<String, Failed> {
    let mut line = Vec::new();
    let mut byte = [0];
    let mut output = std::fs::File::from(output);
    while output.read(&mut byte)? == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    Ok(String::from_utf8(line)?)
}
