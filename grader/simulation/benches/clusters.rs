//! What simulated runs cost: `make bench-simulation`. Beside the shortest program stands the same one under this machine's Python.

use std::process::Command;
use std::time::Instant;

use common::*;
use simulation::words::{Cluster, Deed, MS, SECOND};

#[path = "../tests/running/common.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod common;

fn main() {
    timed("hello world", 100, |_| assert_eq!(stdout(&run_text("print('hello')"), 0), "hello\n"));
    timed("hello world, natively", 100, |_| {
        let output = Command::new("/usr/bin/python3").args(["-I", "-c", "print('hello')"]).output().unwrap();
        assert_eq!(output.stdout, b"hello\n");
    });
    let image = programs();
    timed("a race of two clients", 100, |seed| drop(run_with(&race(seed), image.clone())));
    timed("five gossip for 30 s", 3, |seed| drop(run_with(&gossip(seed), image.clone())));
}

fn timed(what: &str, times: u32, mut work: impl FnMut(u32)) {
    work(0);
    let (begun, cpu) = (Instant::now(), cpu_ms());
    (0..times).for_each(&mut work);
    println!("{what}: {:?} each, {} ms of processor in all {times}", begun.elapsed() / times, cpu_ms() - cpu);
}

/// User and system time so far, of this process and of its children that have ended.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..15].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>() * 10
}

fn race(seed: u32) -> Cluster {
    let mut cluster = cluster(&["server: counter.py server", "c1: counter.py client", "c2: counter.py client"]);
    cluster.nodes[1].starts_at = 100 * MS;
    cluster.nodes[2].starts_at = 100 * MS;
    cluster.until = 2 * SECOND;
    cluster.seed = seed.into();
    cluster
}

fn gossip(seed: u32) -> Cluster {
    let names = ["a", "b", "c", "d", "e"];
    let call = |name: &str| {
        let others: Vec<&str> = names.into_iter().filter(|other| *other != name).collect();
        format!("{name}: gossip.py {name} {}", others.join(" "))
    };
    let calls = names.map(call);
    let mut cluster = cluster(&calls.each_ref().map(String::as_str));
    cluster.until = 30 * SECOND;
    cluster.seed = seed.into();
    cluster.script = vec![at(5.0, Deed::Partition(vec![vec![0, 1], vec![2, 3, 4]])), at(15.0, Deed::Heal)];
    cluster
}
