//! `practicum with-postgres`, as a program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// Gives up; nothing is ordered by it.
const ENDED_WITHIN: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

fn with_postgres(command: &[&str]) -> Command {
    let mut practicum = Command::new(env!("CARGO_BIN_EXE_practicum"));
    practicum.arg("with-postgres").arg("--").args(command);
    practicum
}

/// Starts `cat`, which holds the cluster open, and says where the cluster's files and its process are.
fn start_holding() -> (Child, String, Pid) {
    let mut child = with_postgres(&["sh", "-c", "echo \"$DATABASE_URL\"; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
    let files = url.split_once("?host=").unwrap().1.split_once('&').unwrap().0.to_owned();
    let postmaster = fs::read_to_string(Path::new(&files).join("postmaster.pid")).unwrap();
    let pid = Pid::from_raw(postmaster.lines().next().unwrap().parse().unwrap()).unwrap();
    (child, files, pid)
}

fn wait_until_ended(pid: Pid) {
    // No such process: it has ended already.
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let ready = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&ENDED_WITHIN)).unwrap();
    assert_eq!(ready, 1, "process {pid:?} still runs");
}

#[test]
fn the_exit_code_is_the_commands() {
    let status = with_postgres(&["sh", "-c", "exit 7"]).status().unwrap();
    assert_eq!(status.code(), Some(7));
    let status = with_postgres(&["sh", "-c", "kill -TERM $$"]).status().unwrap();
    assert_eq!(status.code(), Some(128 + 15));
}

#[test]
fn a_killed_parent_leaves_no_postgres() {
    let (mut child, files, postgres) = start_holding();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_ended(postgres);
    assert!(!Path::new(&files).join("postmaster.pid").exists(), "the shutdown was not clean");
    fs::remove_dir_all(Path::new(&files).parent().unwrap()).unwrap();
}

#[test]
fn sigterm_ends_the_command_and_then_the_cluster() {
    let (mut child, files, postgres) = start_holding();
    // Waiting closes it otherwise, and `cat` would end by itself before the signal comes.
    let _held_open = child.stdin.take();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    wait_until_ended(postgres);
    assert!(!Path::new(&files).exists());
}
