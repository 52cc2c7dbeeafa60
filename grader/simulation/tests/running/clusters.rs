//! What is done to a cluster, what its clocks and disks show, and that the same words show the same.

use std::collections::BTreeSet;
use std::process::Command;

use crate::common::*;
use simulation::words::{Cluster, Deed, End, Exit, MS, Network, Ran, SECOND, Timed};

#[test]
fn who_wait_for_each_other_are_still() {
    let mut cluster = cluster(&["a: waits_to_be_spoken_to.py b accepts", "b: waits_to_be_spoken_to.py a calls"]);
    cluster.nodes[1].starts_at = 10 * MS;
    let ran = run(&cluster);
    assert_eq!(ran.end, End::Still, "{}", all(&ran));
    assert!(ran.at < SECOND, "{}", all(&ran));
    let Exit::Running { waits } = exit(&ran, 1) else { panic!("{}", all(&ran)) };
    assert_eq!(waits, ["data from 10.0.0.1:7000"]);
}

#[test]
fn a_sleeper_is_not_still() {
    let ran = run_text("import time; time.sleep(30); print('woke')");
    assert_eq!((ran.end, ran.at / SECOND, stdout(&ran, 0).as_str()), (End::Done, 30, "woke\n"), "{}", all(&ran));
}

#[test]
fn a_wait_that_was_over_in_time_does_not_keep_a_cluster_going() {
    let text = "
import socket
a, b = socket.socketpair()
b.send(b'x')
a.settimeout(50)
a.recv(1)
a.settimeout(None)
a.recv(1)
";
    let ran = run_text(text);
    assert_eq!((ran.end, ran.at / SECOND), (End::Still, 0), "{}", all(&ran));
}

#[test]
fn the_time_is_up() {
    let ran = run_text("import time\nwhile True: time.sleep(7)");
    assert_eq!((ran.end, ran.at), (End::TimeUp, 60 * SECOND));
    assert_eq!(exit(&ran, 0), Exit::Running { waits: vec!["63.000 s".to_owned()] });
}

fn appending(how: &str, deed: Deed) -> Ran {
    run(&appender(how, deed, vec![]))
}

fn appender(how: &str, deed: Deed, more: Vec<Timed>) -> Cluster {
    let mut cluster = cluster(&[&format!("a: appends.py {how}")]);
    cluster.script = more;
    cluster.script.extend([at(4.5, deed), at(10.0, Deed::Restart(0)), at(10.5, Deed::Kill(0))]);
    cluster
}

#[test]
fn a_disk_outlives_its_process() {
    let ran = appending("writes", Deed::Kill(0));
    assert_eq!(stdout(&ran, 0), "found []\nfound ['0', '1', '2', '3', '4']\n", "{}", all(&ran));
    let exits: Vec<&Exit> = ran.nodes[0].lives.iter().map(|life| &life.exit).collect();
    assert_eq!((ran.end, exits), (End::Done, vec![&Exit::Killed, &Exit::Killed]));
    assert_eq!(ran.nodes[0].lives[0].to, 4500 * MS);
}

#[test]
fn a_power_loss_leaves_what_was_synced() {
    let ran = appending("writes", Deed::PowerLoss(0));
    assert_eq!(stdout(&ran, 0), "found []\nfound []\n", "{}", all(&ran));
    let ran = appending("syncs", Deed::PowerLoss(0));
    assert_eq!(stdout(&ran, 0), "found []\nfound ['0', '1', '2', '3', '4']\n", "{}", all(&ran));
}

#[test]
fn a_power_loss_leaves_some_beginning_of_what_was_appended() {
    let lies = at(1.5, Deed::SyncLies { node: 0, lies: true });
    let found: BTreeSet<String> = (0..12)
        .map(|seed| {
            let mut cluster = appender("syncs", Deed::PowerLoss(0), vec![lies.clone()]);
            cluster.seed = seed;
            let ran = run(&cluster);
            let found = stdout(&ran, 0).lines().nth(1).unwrap().to_owned();
            assert!("found ['0', '1', '2', '3', '4']".starts_with(found.trim_end_matches(']')), "{}", all(&ran));
            found
        })
        .collect();
    assert!(found.contains("found ['0']") && found.len() > 3, "{found:?}");
}

#[test]
fn a_disk_can_be_full() {
    let mut cluster = cluster(&["a: appends.py writes"]);
    cluster.script = vec![at(2.5, Deed::DiskFull { node: 0, full: true })];
    let ran = run(&cluster);
    assert!(stderr(&ran, 0).contains("OSError: "), "{}", all(&ran));
    assert_eq!((exit(&ran, 0), ran.at / SECOND), (Exit::Exited(1), 3), "{}", all(&ran));
}

#[test]
fn a_paused_process_misses_time() {
    let mut cluster = cluster(&["a: ticks.py"]);
    cluster.script = vec![at(1.5, Deed::Pause(0)), at(10.5, Deed::Resume(0))];
    let ran = run(&cluster);
    let at: Vec<u64> = ran.nodes[0].output.iter().map(|written| written.at / SECOND).collect();
    assert_eq!(at, [0, 1, 10, 11, 12], "{}", all(&ran));
    cluster.script.pop();
    let ran = run(&cluster);
    assert_eq!((ran.end, exit(&ran, 0)), (End::Still, Exit::Running { waits: vec!["to be resumed".to_owned()] }));
}

#[test]
fn clocks_are_ahead_drift_and_jump() {
    let mut cluster = cluster(&["a: ticks.py", "b: ticks.py", "c: ticks.py"]);
    cluster.nodes[0].clock_offset = 3600 * SECOND as i64;
    cluster.nodes[1].clock_drift_ppm = 500_000;
    cluster.script = vec![at(2.5, Deed::Skew { node: 2, by: -100 * SECOND as i64 })];
    let ran = run(&cluster);
    let shown =
        |node| stdout(&ran, node).lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
    assert_eq!(shown(0)[..2], ["01:00:00", "01:00:01"], "{}", all(&ran));
    assert_eq!(shown(2)[2..], ["00:00:02", "23:58:23", "23:58:24"], "{}", all(&ran));
    // A second of a clock that runs half as fast again is two thirds of a second.
    assert_eq!(ran.nodes[1].output[3].at / MS, 2000, "{}", all(&ran));
}

#[test]
fn a_partition_is_noticed_and_heals() {
    let mut cluster = cluster(&["a: heartbeats.py a b c", "b: heartbeats.py b a c", "c: heartbeats.py c a b"]);
    cluster.until = 40 * SECOND;
    cluster.network = Network { loss_ppm: 100_000, ..Network::default() };
    cluster.script = vec![
        at(8.0, Deed::Partition(vec![vec![0], vec![1, 2]])),
        at(15.0, Deed::Heal),
        at(20.0, Deed::Kill(1)),
        at(28.0, Deed::Restart(1)),
    ];
    let ran = run(&cluster);
    let said: Vec<String> = stdout(&ran, 0).lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    let counted = |what: &str| said.iter().filter(|line| *line == what).count();
    assert_eq!((counted("b down"), counted("b up"), counted("c down"), counted("c up")), (2, 2, 1, 1), "{}", all(&ran));
}

#[test]
fn reports_are_told_in_order_and_with_their_time() {
    let mut cluster = cluster(&["a: reports.py a", "b: reports.py b", "c: reports.py c"]);
    cluster.nodes[0].reports = true;
    cluster.nodes[1].reports = true;
    cluster.nodes[1].starts_at = 500 * MS;
    let ran = run(&cluster);
    let lines: Vec<(u64, usize, &str)> =
        ran.reports.iter().map(|report| (report.at / MS / 100, report.node, report.line.as_str())).collect();
    assert_eq!(
        lines,
        [(0, 0, "a 0"), (5, 1, "b 0"), (10, 0, "a 1"), (15, 1, "b 1"), (20, 0, "a 2"), (25, 1, "b 2")],
        "{}",
        all(&ran)
    );
    assert_eq!(exit(&ran, 2), Exit::Exited(0), "to who does not report it is a file: {}", all(&ran));
}

fn race(seed: u64) -> Cluster {
    let mut cluster = cluster(&["server: counter.py server", "c1: counter.py client", "c2: counter.py client"]);
    cluster.nodes[1].starts_at = 100 * MS;
    cluster.nodes[2].starts_at = 100 * MS;
    cluster.until = 10 * SECOND;
    cluster.seed = seed;
    cluster
}

#[test]
fn some_seeds_lose_an_update_and_each_seed_always_shows_the_same() {
    let image = programs();
    let mut last = BTreeSet::new();
    for seed in 0..20 {
        let (first, second) = (run_with(&race(seed), image.clone()), run_with(&race(seed), image.clone()));
        assert_eq!(first, second, "seed {seed}");
        last.insert(stdout(&first, 1).max(stdout(&first, 2)).split(' ').next().unwrap().to_owned());
    }
    assert!(last.len() > 1, "{last:?}");
}

#[test]
fn a_hundred_runs_of_one_seed_are_one_run() {
    let cluster = race(3);
    let image = programs();
    let runs: Vec<(String, u64, Vec<u64>)> = (0..100)
        .map(|_| run_with(&cluster, image.clone()))
        .map(|ran| (ran.hash, ran.at, ran.nodes.iter().map(|node| node.fuel).collect()))
        .collect();
    assert!(runs.iter().all(|run| *run == runs[0]));
}

/// Set for the second process.
const CHILD: &str = "PRACTICUM_TEST_CHILD";

#[test]
fn another_process_shows_the_same() {
    let ran = run(&race(5));
    let shown = format!("shown {} {}", ran.hash, ran.nodes[1].fuel);
    if std::env::var_os(CHILD).is_some() {
        println!("{shown}");
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["clusters::another_process_shows_the_same", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(child.stdout).unwrap();
    assert!(text.contains(&shown), "{shown}\n{text}");
}

#[test]
fn another_seed_is_another_run() {
    assert_ne!(run(&race(1)).hash, run(&race(2)).hash);
}

#[test]
fn an_order_that_makes_no_sense_is_refused_in_words() {
    let refused = |change: fn(&mut Cluster)| {
        let mut order = cluster(&["a: ticks.py", "b: ticks.py"]);
        change(&mut order);
        machine().run(&order, &[("programs".to_owned(), programs())].into()).unwrap_err().to_string()
    };
    assert_eq!(refused(|order| order.nodes[1].name = "a".to_owned()), "two nodes are called a");
    assert_eq!(refused(|order| order.nodes[1].image = "x".to_owned()), "b: no image is called x");
    assert_eq!(refused(|order| order.script = vec![at(1.0, Deed::Kill(2))]), "the script names node 2, of 2");
    assert_eq!(refused(|order| order.network.loss_ppm = 2_000_000), "2000000 in a million is more than all");
    assert_eq!(refused(|order| order.nodes.clear()), "a cluster has 1 to 254 nodes");
}
