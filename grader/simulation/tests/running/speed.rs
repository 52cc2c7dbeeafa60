//! How fast it is. Run by hand: `cargo test -p simulation --release --test running -- --ignored --nocapture`.

use std::time::Instant;

use crate::common::*;
use simulation::words::{Deed, MS, SECOND};

fn timed(what: &str, times: u32, mut work: impl FnMut(u32)) {
    work(0);
    let begun = Instant::now();
    let cpu = cpu_ms();
    (0..times).for_each(&mut work);
    println!("{what}: {:?} each, {} ms of processor in all {times}", begun.elapsed() / times, cpu_ms() - cpu);
}

/// User and system time of this process so far.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    timed("hello world", 100, |_| assert_eq!(stdout(&run_text("print('hello')"), 0), "hello\n"));
    let image = programs();
    timed("a race of two clients", 100, |seed| {
        let mut cluster = cluster(&["server: counter.py server", "c1: counter.py client", "c2: counter.py client"]);
        cluster.nodes[1].starts_at = 100 * MS;
        cluster.nodes[2].starts_at = 100 * MS;
        cluster.until = 2 * SECOND;
        cluster.seed = seed.into();
        run_with(&cluster, image.clone());
    });
    timed("five gossip for 30 s", 3, |seed| {
        let names = ["a", "b", "c", "d", "e"];
        let calls: Vec<String> = (0..5)
            .map(|index| {
                let others: Vec<&str> = names.iter().filter(|name| **name != names[index]).copied().collect();
                format!("{0}: gossip.py {0} {1}", names[index], others.join(" "))
            })
            .collect();
        let mut cluster = cluster(&calls.iter().map(String::as_str).collect::<Vec<_>>());
        cluster.until = 30 * SECOND;
        cluster.seed = seed.into();
        cluster.script = vec![at(5.0, Deed::Partition(vec![vec![0, 1], vec![2, 3, 4]])), at(15.0, Deed::Heal)];
        let ran = run_with(&cluster, image.clone());
        if seed == 1 {
            println!("{} events, {} packets\n{}", ran.events, ran.packets, stdout(&ran, 0));
        }
    });
}
