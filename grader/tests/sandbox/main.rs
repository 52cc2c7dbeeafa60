//! The native sandbox through its real boundary: the hostile corpus, and what no single program can show.

#[path = "../host/canaries.rs"]
mod canaries;
mod corpus;
mod facts;
mod killing;
#[path = "../host/traces.rs"]
mod traces;
#[path = "../host/tree.rs"]
mod tree;
mod waits;

use std::collections::HashSet;
use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use grader::Grader;
use grader::sandbox::{Launcher, Role, Sandbox, SandboxLimits, environment};
use grader::submission::FileName;
use libtest_mimic::{Arguments, Failed, Trial};

use canaries::Canaries;
use traces::Traces;

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 2, memory_bytes: 96 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };

type Test = fn(&Arc<Grader>) -> Result<(), Failed>;

fn main() {
    grader::sandbox::launcher_main();
    killing::victim_main();
    facts::poor_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let mut tests = corpus::tests(&grader);
    let named: [(&str, Test); 6] = [
        ("a_wall_that_does_not_hold_is_named", a_wall_that_does_not_hold_is_named),
        ("what_is_left_of_a_sandbox_is_seen", what_is_left_of_a_sandbox_is_seen),
        ("what_is_touched_on_the_host_is_seen", what_is_touched_on_the_host_is_seen),
        ("two_cases_do_not_hear_each_other", two_cases_do_not_hear_each_other),
        ("two_gradings_share_no_user", two_gradings_share_no_user),
        ("two_sandboxes_share_a_network_and_nothing_else", two_sandboxes_share_a_network_and_nothing_else),
    ];
    for (name, test) in named.into_iter().chain(facts::TESTS).chain(killing::TESTS).chain(waits::TESTS) {
        let grader = Arc::clone(&grader);
        tests.push(Trial::test(name, move || test(&grader)));
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// A case's worth of machinery.
struct World {
    launcher: Launcher,
}

impl World {
    fn new(grader: &Grader) -> World {
        let mut launcher = grader.launcher().unwrap();
        launcher.world().unwrap();
        World { launcher }
    }

    fn sandbox(&mut self, role: Role) -> Sandbox {
        self.sandbox_within(role, LIMITS)
    }

    fn sandbox_within(&mut self, role: Role, limits: SandboxLimits) -> Sandbox {
        self.launcher.sandbox(role, limits, &[], &[]).unwrap()
    }
}

/// Starts a Python program in a sandbox; returns the end of its output.
fn start(sandbox: &mut Sandbox, source: &str) -> (u64, PipeReader) {
    sandbox.work().write(&FileName::parse(b"program.py").unwrap(), source.as_bytes()).unwrap();
    let (output, write) = std::io::pipe().unwrap();
    let write: OwnedFd = write.into();
    let nothing: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let argv = Role::Submission.command("program.py");
    let id = sandbox.spawn(&argv, &environment(), &[nothing.as_fd(), write.as_fd(), write.as_fd()]).unwrap();
    (id, output)
}

/// Up to the first line: a daemon may hold the pipe open for ever.
fn first_line(output: &mut PipeReader) -> String {
    let mut line = String::new();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(char::from(byte[0]));
    }
    line
}

fn two_cases_do_not_hear_each_other(grader: &Arc<Grader>) -> Result<(), Failed> {
    let (mut one, mut other) = (World::new(grader), World::new(grader));
    let (mut server, mut client) = (one.sandbox(Role::Submission), other.sandbox(Role::Submission));
    let serve = "import socket
listeners = [socket.create_server(('127.0.0.1', 7000)), socket.socket(socket.AF_UNIX)]
listeners[1].bind('\\0name')
listeners[1].listen()
print('listening', flush=True)
listeners[0].accept()";
    assert_eq!(first_line(&mut start(&mut server, serve).1), "listening");
    let call = "import socket
for family, address in ((socket.AF_INET, ('127.0.0.1', 7000)), (socket.AF_UNIX, '\\0name')):
    print(socket.socket(family).connect_ex(address), end=' ')
print(socket.create_server(('127.0.0.1', 7000)).getsockname()[1])";
    assert_eq!(first_line(&mut start(&mut client, call).1), "111 111 7000");
    Ok(())
}

fn two_sandboxes_share_a_network_and_nothing_else(grader: &Arc<Grader>) -> Result<(), Failed> {
    let mut world = World::new(grader);
    let mut server = world.sandbox(Role::Submission);
    let mut client = world.sandbox(Role::Examiner);
    let (_, mut listening) = start(
        &mut server,
        "import socket
open('/tmp/secret', 'w').close()
listener = socket.create_server(('127.0.0.1', 7000))
print('listening', flush=True)
listener.accept()[0].sendall(b'hello')",
    );
    assert_eq!(first_line(&mut listening), "listening");
    let (_, mut heard) = start(
        &mut client,
        "import os, socket
print(socket.create_connection(('127.0.0.1', 7000)).recv(5), os.listdir('/tmp'), len([p for p in os.listdir('/proc') if p.isdigit()]))",
    );
    assert_eq!(first_line(&mut heard), "b'hello' [] 1");
    Ok(())
}

/// What the kernel counts by user (pipes, sockets under way, watches) is nobody else's.
fn two_gradings_share_no_user(grader: &Arc<Grader>) -> Result<(), Failed> {
    if !rustix::process::geteuid().is_root() {
        println!("not tried: an ordinary user has but one to give");
        return Ok(());
    }
    let (mut one, mut other) = (World::new(grader), World::new(grader));
    let mut sandboxes = [Role::Submission, Role::Examiner].map(|role| [one.sandbox(role), other.sandbox(role)]);
    let mut users = Vec::new();
    for sandbox in sandboxes.as_flattened_mut() {
        let (_, mut output) = start(sandbox, "import signal\nprint('runs', flush=True)\nsignal.pause()");
        assert_eq!(first_line(&mut output), "runs");
        users.extend(sandbox.processes().into_iter().chain([sandbox.init_pid()]).map(traces::user_of));
    }
    let distinct: HashSet<_> = users.iter().flatten().collect();
    assert_eq!((distinct.len(), users.len()), (8, 8), "{users:?}");
    Ok(())
}

fn a_wall_that_does_not_hold_is_named(grader: &Arc<Grader>) -> Result<(), Failed> {
    grader::doctor::hold(grader, &grader::doctor::CORE[..2])?;
    let error = grader::doctor::hold(grader, &[("one wall", "print('contained')"), ("another", "print('through')")]);
    let message = error.expect_err("nothing held it").to_string();
    assert!(message.contains("\"another\" was not contained: through") && message.contains("doctor"), "{message}");
    let error = grader::doctor::hold(grader, &[("one wall", "import os\nos.kill(os.getpid(), 31)")]);
    let message = error.expect_err("it was killed").to_string();
    assert!(message.contains("killed by signal 31"), "{message}");
    Ok(())
}

/// The look for remains finds each kind of them, so that finding none means something.
fn what_is_left_of_a_sandbox_is_seen(grader: &Arc<Grader>) -> Result<(), Failed> {
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    let (_, mut output) = start(&mut sandbox, "import time\nprint('runs', flush=True)\ntime.sleep(1000)");
    assert_eq!(first_line(&mut output), "runs");
    let traces = Traces::of(&sandbox);
    let remains = traces.remains_now();
    for kind in ["process ", "mnt:", "pid:", "net:", "ipc:", "uts:", "user:", "cgroup:", "/sys/fs/cgroup/"] {
        assert!(remains.iter().any(|it| it.contains(kind)), "{kind} is not in {remains:#?}");
    }
    drop(sandbox);
    drop(world);
    assert_eq!(traces.remains(), Vec::<String>::new());
    Ok(())
}

fn what_is_touched_on_the_host_is_seen(_: &Arc<Grader>) -> Result<(), Failed> {
    type Touch = fn(&serde_json::Value);
    let path = |told: &serde_json::Value| told["files"][0].as_str().unwrap().to_owned();
    assert!(Path::new(&path(&serde_json::from_str(&Canaries::set_out()?.told())?)).is_absolute());
    let touches: [(&str, Touch); 5] = [
        ("was changed", |told| std::fs::write(told["files"][0].as_str().unwrap(), "x").unwrap()),
        ("was read", |told| drop(std::fs::read(told["files"][0].as_str().unwrap()).unwrap())),
        ("was killed", |told| {
            let process = rustix::process::Pid::from_raw(told["process"].as_i64().unwrap() as i32).unwrap();
            rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
            rustix::process::waitid(
                rustix::process::WaitId::Pid(process),
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
            )
            .unwrap();
        }),
        ("was called", |told| {
            let port = told["port"].as_u64().unwrap() as u16;
            std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        }),
        ("was called", |told| {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(told["name"].as_str().unwrap()).unwrap();
            std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
        }),
    ];
    for (complaint, touch) in touches {
        let mut canaries = Canaries::set_out()?;
        assert_eq!(canaries.complaints(), Vec::<String>::new());
        canaries = Canaries::set_out()?;
        touch(&serde_json::from_str(&canaries.told())?);
        let complaints = canaries.complaints();
        assert!(complaints.iter().any(|it| it.contains(complaint)), "{complaint} is not in {complaints:?}");
    }
    Ok(())
}
