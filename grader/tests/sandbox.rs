//! The native sandbox through its real boundary: what a program inside can do, and what is told about it.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use grader::sandbox::{Exit, Hierarchies, Launcher, Notice, Role, SandboxLimits};
use libtest_mimic::{Arguments, Failed, Trial};

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 2, memory_bytes: 64 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };

fn main() {
    grader::sandbox::launcher_main();
    let tests = vec![Trial::test("a_program_runs_and_its_output_comes_out", a_program_runs_and_its_output_comes_out)];
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// Runs `argv` alone in a fresh sandbox.
fn run(argv: &[&str]) -> (Exit, String) {
    let library = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut launcher = Launcher::start(&library).unwrap();
    let _table = launcher.world().unwrap();
    let mut sandbox = launcher.sandbox(Role::Submission, LIMITS, &[], &[], &Hierarchies::detect()).unwrap();
    let (output, write): (OwnedFd, OwnedFd) = rustix_pipe();
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let environment = [("PATH".to_owned(), "/usr/bin".to_owned())];
    let id = sandbox.spawn(&argv, &environment, &[null.as_fd(), write.as_fd(), write.as_fd()]).unwrap();
    drop(write);
    let mut text = String::new();
    std::fs::File::from(output).read_to_string(&mut text).unwrap();
    loop {
        if let Some(Notice::Exited { id: exited, exit }) = sandbox.try_notice().unwrap()
            && exited == id
        {
            return (exit, text);
        }
    }
}

fn rustix_pipe() -> (OwnedFd, OwnedFd) {
    let (read, write) = std::io::pipe().unwrap();
    (read.into(), write.into())
}

fn a_program_runs_and_its_output_comes_out() -> Result<(), Failed> {
    let (exit, text) = run(&["/usr/bin/python3", "-c", "import os; print('hello', os.getpid(), os.getuid(), os.listdir('/'), os.listdir('/work'), os.listdir('/practicum/library'))"]);
    eprintln!("{text}");
    assert_eq!(exit, Exit::Exited(0));
    let (exit, text) = run(&["/usr/bin/sh", "-c", "id; cat /proc/self/status | grep -i cap; ls -la /practicum /practicum/library; mount | head; cat /proc/self/mountinfo | wc -l; python3 -c 'import telnetlib'; ls -la /proc /work; df /work"]);
    eprintln!("{text}");
    assert_eq!(exit, Exit::Exited(0));
    Ok(())
}
