//! What sandboxes come from may die, or never live: gradings that come after go on.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use grader::sandbox::{Exit, Hierarchies, LAUNCHER_WORD, Launcher, Role, SandboxLimits, Templates, environment};
use grader::submission::FileName;
use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Pid, Signal};

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 10, memory_bytes: 128 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };

fn main() {
    grader::sandbox::launcher_main();
    let tests = vec![
        Trial::test("a_root_that_was_killed_is_replaced", a_root_that_was_killed_is_replaced),
        Trial::test("a_template_that_was_killed_is_replaced", a_template_that_was_killed_is_replaced),
        Trial::test("without_warm_templates_programs_start_cold", without_warm_templates_programs_start_cold),
        Trial::test("a_template_that_cannot_live_says_why", a_template_that_cannot_live_says_why),
    ];
    // They look for children of this process: one at a time.
    libtest_mimic::run(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, tests).exit();
}

fn a_root_that_was_killed_is_replaced() -> Result<(), Failed> {
    let templates = warm()?;
    run(&templates)?;
    kill(root());
    run(&templates)
}

fn a_template_that_was_killed_is_replaced() -> Result<(), Failed> {
    let templates = warm()?;
    run(&templates)?;
    for template in children(root().as_raw_nonzero().get()) {
        kill(template);
    }
    run(&templates)?;
    assert_eq!(templates.cold_because(), None);
    Ok(())
}

fn without_warm_templates_programs_start_cold() -> Result<(), Failed> {
    let no_library = tempfile::NamedTempFile::new()?;
    let templates = Arc::new(Templates::start(&our_python(), Some(no_library.path()))?);
    run(&templates)?;
    let reason = templates.cold_because().ok_or("nobody noticed")?;
    assert!(reason.contains("practicum.so"), "{reason}");
    Ok(())
}

fn a_template_that_cannot_live_says_why() -> Result<(), Failed> {
    let empty = tempfile::tempdir()?;
    let templates = Arc::new(Templates::start(empty.path(), None)?);
    let error = run(&templates).expect_err("there is no library");
    assert!(error.message().is_some_and(|message| message.contains("template root")), "{error:?}");
    Ok(())
}

fn our_python() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

fn warm() -> Result<Arc<Templates>, Failed> {
    let native = std::env::current_exe()?.with_file_name("libgrader.so");
    Ok(Arc::new(Templates::start(&our_python(), Some(&native))?))
}

/// Runs a program in a launcher of its own.
fn run(templates: &Arc<Templates>) -> Result<(), Failed> {
    let mut launcher = Launcher::new(templates, &Hierarchies::detect());
    launcher.world()?;
    let mut sandbox = launcher.sandbox(Role::Submission, LIMITS, &[], &[])?;
    sandbox.work().write(&FileName::parse(b"program.py")?, b"raise SystemExit(7)")?;
    let nothing: OwnedFd = fs::File::open("/dev/null")?.into();
    let argv = Role::Submission.command("program.py");
    let id = sandbox.spawn(&argv, &environment(), &[nothing.as_fd(); 3])?;
    assert_eq!(sandbox.exit_of(id)?, Some(Exit::Exited(7)));
    Ok(())
}

/// The only root that lives.
fn root() -> Pid {
    let own = std::process::id().cast_signed();
    let is_root = |pid: &Pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|word| word == LAUNCHER_WORD.as_bytes())
    };
    children(own).into_iter().find(is_root).expect("a root")
}

fn children(parent: i32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("processes can be listed").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).filter_map(Pid::from_raw).collect()
}

/// proc(5): the parent comes second behind the name, which ends with the last parenthesis.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// Returns once the process is dead.
fn kill(pid: Pid) {
    let process = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("it lives");
    rustix::process::pidfd_send_signal(&process, Signal::KILL).expect("it is ours");
    let mut dead = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut dead, None)).expect("a descriptor to poll");
}
