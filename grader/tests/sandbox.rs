//! The native sandbox through its real boundary: every program in `hostile/` runs in it, does its worst, and meets its
//! expected fact. A program that holds its own against a wall prints `contained`; others name their end in a comment
//! `# expect: …`. After each one nothing of it is left.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use grader::sandbox::{Exit, Launcher, Notice, Role, Sandbox, SandboxLimits};
use grader::{Grader, Submission};
use libtest_mimic::{Arguments, Failed, Trial};

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 2, memory_bytes: 96 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };

fn main() {
    grader::sandbox::launcher_main();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut tests: Vec<Trial> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Trial::test(name, move || a_hostile_program(&path))
        })
        .collect();
    tests.extend([
        Trial::test("a_killed_sandbox_leaves_no_process_behind", a_killed_sandbox_leaves_no_process_behind),
        Trial::test("cpu_time_of_reaped_children_is_counted", cpu_time_of_reaped_children_is_counted),
        Trial::test("links_in_the_work_folder_are_not_followed", links_in_the_work_folder_are_not_followed),
        Trial::test("two_sandboxes_share_a_network_and_nothing_else", two_sandboxes_share_a_network_and_nothing_else),
    ]);
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// A case's worth of machinery: dropped last to first.
struct World {
    launcher: Launcher,
    grader: Grader,
}

impl World {
    fn new() -> World {
        let grader = Grader::new(true).unwrap();
        let mut launcher = grader.launcher().unwrap();
        launcher.world().unwrap();
        World { launcher, grader }
    }

    fn sandbox(&mut self, role: Role) -> Sandbox {
        self.launcher.sandbox(role, LIMITS, &[], &[], self.grader.hierarchies()).unwrap()
    }
}

/// Starts a Python program in a sandbox; returns the end of its output.
fn start(sandbox: &mut Sandbox, source: &str) -> (u64, OwnedFd) {
    let submission = Submission::from_files([(b"program.py".to_vec(), source.as_bytes().to_vec())]).unwrap();
    let (name, content) = submission.files().next().unwrap();
    sandbox.work().write(name, content).unwrap();
    let (output, write) = std::io::pipe().unwrap();
    let write: OwnedFd = write.into();
    let nothing: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let argv = ["/usr/bin/python3", "-B", "-s", "program.py"].map(str::to_owned);
    let environment = [("PATH", "/usr/bin"), ("LC_ALL", "C.UTF-8")].map(|(name, value)| (name.into(), value.into()));
    let id = sandbox.spawn(&argv, &environment, &[nothing.as_fd(), write.as_fd(), write.as_fd()]).unwrap();
    (id, output.into())
}

fn finish(sandbox: &mut Sandbox, id: u64) -> Exit {
    loop {
        if let Notice::Exited { id: exited, exit } = sandbox.next_notice().unwrap()
            && exited == id
        {
            return exit;
        }
    }
}

/// Up to the first line: a daemon may hold the pipe open for ever.
fn first_line(output: OwnedFd) -> String {
    let mut line = String::new();
    let mut output = std::fs::File::from(output);
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(char::from(byte[0]));
    }
    line
}

fn a_hostile_program(path: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let expected = source.lines().find_map(|line| line.strip_prefix("# expect: ")).unwrap_or("contained").to_owned();
    let mut world = World::new();
    let mut sandbox = world.sandbox(Role::Submission);
    let (id, output) = start(&mut sandbox, &source);
    let said = match expected.as_str() {
        "contained" => first_line(output),
        "killed for memory" => {
            finish(&mut sandbox, id);
            if sandbox.usage().memory_kills > 0 { expected.clone() } else { "not killed".to_owned() }
        }
        _ => match finish(&mut sandbox, id) {
            Exit::Exited(code) => format!("exit {code}"),
            Exit::Signalled(signal) => format!("signal {signal}"),
        },
    };
    let inside = sandbox.processes();
    drop(sandbox);
    if said != expected {
        return Err(format!("expected {expected:?}, got {said:?}").into());
    }
    nothing_is_left_of(&inside)
}

fn nothing_is_left_of(processes: &[i32]) -> Result<(), Failed> {
    match processes.iter().find(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
        Some(pid) => Err(format!("process {pid} is still there").into()),
        None => Ok(()),
    }
}

fn a_killed_sandbox_leaves_no_process_behind() -> Result<(), Failed> {
    let mut world = World::new();
    let mut sandbox = world.sandbox(Role::Submission);
    let source = "import os, time
for _ in range(12):
    os.fork() or time.sleep(1000)
print('full', flush=True)
time.sleep(1000)";
    let (_, output) = start(&mut sandbox, source);
    assert_eq!(first_line(output), "full");
    let inside = sandbox.processes();
    assert_eq!(inside.len(), 13);
    drop(sandbox);
    nothing_is_left_of(&inside)
}

fn cpu_time_of_reaped_children_is_counted() -> Result<(), Failed> {
    let mut world = World::new();
    let mut sandbox = world.sandbox(Role::Submission);
    let source = "import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    while time.process_time() < 0.3: pass
    os._exit(0)
try: os.wait()
except ChildProcessError: pass";
    let (id, _output) = start(&mut sandbox, source);
    finish(&mut sandbox, id);
    assert!(sandbox.usage().cpu_us >= 300_000, "{:?}", sandbox.usage());
    Ok(())
}

fn links_in_the_work_folder_are_not_followed() -> Result<(), Failed> {
    let mut world = World::new();
    let mut sandbox = world.sandbox(Role::Submission);
    let source = "import os
os.symlink('/etc/passwd', 'link')
os.symlink('/', 'root')
os.mkfifo('fifo')
os.mkdir('folder')
open('plain', 'w').write('text')
print('made', flush=True)";
    let (_, output) = start(&mut sandbox, source);
    assert_eq!(first_line(output), "made");
    let read = |name: &str| {
        let submission = Submission::from_files([(name.as_bytes().to_vec(), b"x".to_vec())]).unwrap();
        sandbox.work().read(submission.files().next().unwrap().0, 100).unwrap()
    };
    assert_eq!(read("plain"), Some(b"text".to_vec()));
    for name in ["link", "root/etc/passwd", "fifo", "folder", "absent"] {
        assert_eq!(read(name), None, "{name}");
    }
    Ok(())
}

fn two_sandboxes_share_a_network_and_nothing_else() -> Result<(), Failed> {
    let mut world = World::new();
    let mut server = world.sandbox(Role::Submission);
    let mut client = world.sandbox(Role::Examiner);
    let (_, listening) = start(
        &mut server,
        "import socket
open('/tmp/secret', 'w').close()
listener = socket.create_server(('127.0.0.1', 7000))
print('listening', flush=True)
listener.accept()[0].sendall(b'hello')",
    );
    assert_eq!(first_line(listening), "listening");
    let (_, heard) = start(
        &mut client,
        "import os, socket
print(socket.create_connection(('127.0.0.1', 7000)).recv(5), os.listdir('/tmp'), len([p for p in os.listdir('/proc') if p.isdigit()]))",
    );
    assert_eq!(first_line(heard), "b'hello' [] 1");
    Ok(())
}
