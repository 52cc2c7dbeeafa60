//! How long a kill takes: from the order until nothing of the sandbox is left.

use std::os::fd::OwnedFd;
use std::time::Instant;

use grader::Grader;
use grader::sandbox::Role;

use crate::tree::{self, SLEEP, SPIN};
use crate::{PROGRAM, start};

const RUNS: usize = 20;

pub fn measure(grader: &Grader) {
    println!("\nthe end of {} processes that ignore every signal, {RUNS} runs", tree::PROCESSES);
    println!("  {:18}{:>13}{:>9}", "", "median ms", "longest");
    for (name, what) in [("sleeping", SLEEP), ("spinning", SPIN)] {
        let mut durations_ms: Vec<f64> = (0..RUNS).map(|_| kill_ms(grader, what)).collect();
        durations_ms.sort_by(f64::total_cmp);
        println!("  {name:18}{:13.1}{:9.1}", durations_ms[RUNS / 2], durations_ms[RUNS - 1]);
    }
}

fn kill_ms(grader: &Grader, what: &str) -> f64 {
    let mut launcher = grader.launcher().expect("a launcher");
    launcher.world().expect("a network");
    let mut sandbox = launcher.sandbox(Role::Submission, tree::LIMITS, &[], &[]).expect("a sandbox");
    let (mut output, output_end) = std::io::pipe().expect("a pipe");
    let argv = Role::Submission.command(PROGRAM);
    start(&mut sandbox, tree::source(what).as_bytes(), &argv, &OwnedFd::from(output_end));
    tree::grown(&sandbox, what, &mut output);
    let began = Instant::now();
    drop(sandbox);
    began.elapsed().as_secs_f64() * 1000.0
}
