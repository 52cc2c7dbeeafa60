//! A kill is certain, however many there are and whatever they do against it, also when nobody is left who could wait
//! for it. How long it takes is for `make bench-sandbox` to tell.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Arc;

use grader::Grader;
use grader::sandbox::{Notice, Role, Sandbox};
use libtest_mimic::Failed;
use rustix::process::{Pid, Signal};

use crate::traces::Traces;
use crate::tree::{self, SLEEP, SPIN};
use crate::{Test, World, start};

pub const TESTS: [(&str, Test); 5] = [
    ("sleepers_that_ignore_every_signal_are_killed", |grader| is_killed(grader, SLEEP)),
    ("spinners_that_ignore_every_signal_are_killed", |grader| is_killed(grader, SPIN)),
    ("sleepers_do_not_outlive_a_grader_that_is_killed", |_| does_not_outlive_its_grader(SLEEP)),
    ("spinners_do_not_outlive_a_grader_that_is_killed", |_| does_not_outlive_its_grader(SPIN)),
    ("a_sandbox_whose_init_is_killed_says_that_it_is_gone", a_sandbox_whose_init_is_killed_says_that_it_is_gone),
];

/// The word that makes this program a grader to be killed.
const VICTIM_WORD: &str = "a-grader-to-be-killed";

/// A sandbox with a tree in it.
fn grown(world: &mut World, what: &str) -> Sandbox {
    let mut sandbox = world.sandbox_within(Role::Submission, tree::LIMITS);
    let (_, mut output) = start(&mut sandbox, &tree::source(what));
    tree::grown(&sandbox, what, &mut output);
    sandbox
}

fn is_killed(grader: &Arc<Grader>, what: &str) -> Result<(), Failed> {
    let mut world = World::new(grader);
    let sandbox = grown(&mut world, what);
    let traces = Traces::of(&sandbox);
    drop(sandbox);
    drop(world);
    assert_eq!(traces.remains(), Vec::<String>::new());
    Ok(())
}

fn a_sandbox_whose_init_is_killed_says_that_it_is_gone(grader: &Arc<Grader>) -> Result<(), Failed> {
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    let (id, _output) = start(&mut sandbox, "import signal\nsignal.pause()");
    let init = Pid::from_raw(sandbox.init_pid()).expect("a living process");
    rustix::process::kill_process(init, Signal::KILL)?;
    assert_eq!(sandbox.exit_of(id)?, None);
    assert!(matches!(sandbox.try_notice()?, Some(Notice::Gone)), "it stays gone");
    sandbox.signal(id, Signal::TERM.as_raw())?;
    let nothing: OwnedFd = std::fs::File::open("/dev/null")?.into();
    let error = sandbox.spawn(&["/usr/bin/true".to_owned()], &[], &[nothing.as_fd(); 3]).expect_err("nobody is there");
    assert!(error.to_string().contains("gone"), "{error:?}");
    Ok(())
}

/// Lives as a grader with a tree in a sandbox, if this process was started as one: says which processes there are, and
/// waits to be killed.
pub fn victim_main() {
    let mut words = std::env::args().skip(1);
    let (Some(VICTIM_WORD), Some(what)) = (words.next().as_deref(), words.next()) else { return };
    let grader = Grader::new(true).unwrap();
    let mut world = World::new(&grader);
    let sandbox = grown(&mut world, &what);
    let processes: Vec<String> =
        sandbox.processes().into_iter().chain([sandbox.init_pid()]).map(|pid| pid.to_string()).collect();
    println!("{}", processes.join(" "));
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}

fn does_not_outlive_its_grader(what: &str) -> Result<(), Failed> {
    let mut victim = Command::new(std::env::current_exe()?).args([VICTIM_WORD, what]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(victim.stdout.take().expect("a pipe")).read_line(&mut line)?;
    let processes = line.split_whitespace().map(str::parse).collect::<Result<Vec<i32>, _>>()?;
    assert_eq!(processes.len(), tree::PROCESSES as usize + 1);
    let (traces, groups) = Traces::of_processes(processes).apart_from_groups();
    victim.kill()?;
    victim.wait()?;
    assert_eq!(traces.remains(), Vec::<String>::new());
    drop(Grader::new(true)?);
    assert_eq!(groups.remains(), Vec::<String>::new());
    Ok(())
}
