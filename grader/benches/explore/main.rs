//! How fast schedules are explored, and what that finds, beside frontrun and beside real threads: `make bench-explore`.
//!
//! Everybody gets the fourteen mistakes of `tests/zoo` and the programs without them, on the same core, in turns in one
//! run, so that whatever else the machine does falls on all alike. What is counted is CPU time of all that takes part, but
//! for the start of processes and for a first run that nobody counts; what counts are the ratios. frontrun has two
//! explorers, and the better one stands for it in each line.
//!
//! Names as arguments choose programs; `parts` alone measures what one of our own schedules consists of, and `ours` before
//! them runs our side alone, for a profiler.

#[path = "../../tests/schedules/worker.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod worker;

mod ours;
mod parts;
mod peers;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::table::Line;

/// Rounds in which all have their turns.
const ROUNDS: u32 = 3;
/// CPU seconds to look for a mistake, in each round.
const SEARCH_CPU_S: f64 = 1.0;
/// CPU seconds to run one program without looking for anything, in each round.
const RATE_CPU_S: f64 = 0.4;
/// Wall seconds after which a contestant that sleeps or hangs is done: frontrun gives up on a run after five.
const WALL_S: f64 = 10.0;

/// What is asked of a contestant.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub folder: &'a Path,
    pub subject: &'a str,
    pub right: &'a Value,
    pub cpu_s: f64,
    pub seed: u32,
    pub until_wrong: bool,
}

/// What a contestant did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    pub runs: u32,
    pub cpu_s: f64,
    /// What was wrong, after how many runs.
    pub wrong: Option<(String, u32)>,
    /// Why there was no verdict.
    pub undecided: Option<String>,
}

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    stay_on_one_core();
    println!("load {}, {} rounds of {SEARCH_CPU_S} and 2 × {RATE_CPU_S} CPU s", load(), ROUNDS);
    if chosen.first().is_some_and(|first| first == "ours") {
        return programs(&chosen[1..]).iter().for_each(|folder| run_ours(folder));
    }
    if chosen != ["parts"] {
        let lines: Vec<Line> = programs(&chosen).iter().map(|folder| compare(folder)).collect();
        table::show(&lines);
    }
    parts::measure();
    println!("load {}", load());
}

/// All contestants are started by this process and stay where it stays.
fn stay_on_one_core() {
    let mut only = rustix::thread::CpuSet::new();
    only.set(rustix::thread::sched_getcpu());
    rustix::thread::sched_setaffinity(None, &only).expect("a core");
}

fn programs(chosen: &[String]) -> Vec<PathBuf> {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zoo");
    let entries = fs::read_dir(zoo).expect("the zoo").map(|entry| entry.expect("a folder").path());
    let mut folders: Vec<PathBuf> =
        entries.filter(|folder| chosen.is_empty() || chosen.iter().any(|name| folder.ends_with(name))).collect();
    folders.sort();
    folders
}

/// What runs a program, for all contestants: that of the zoo, or one in its place.
pub fn driver(folder: &Path) -> PathBuf {
    let drivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/explore/drivers");
    let own = folder.file_name().map(|name| drivers.join(name).with_extension("py"));
    own.filter(|path| path.is_file()).unwrap_or_else(|| folder.join("driver.py"))
}

fn compare(folder: &Path) -> Line {
    let right = ours::right(folder);
    let mut line = Line::new(folder);
    for round in 0..ROUNDS {
        let search = Order {
            folder,
            subject: "bug.py",
            right: &right,
            cpu_s: SEARCH_CPU_S,
            seed: round * 1_000_003 + 1,
            until_wrong: true,
        };
        let rates =
            ["right.py", "bug.py"].map(|subject| Order { subject, cpu_s: RATE_CPU_S, until_wrong: false, ..search });
        line.ours.add(ours::run(&search), rates.each_ref().map(ours::run));
        for (name, side) in [("dpor", &mut line.dpor), ("random", &mut line.random)] {
            side.add(peers::run(name, &search), rates.each_ref().map(|order| peers::run(name, order)));
        }
        line.stress.searches.push(peers::run("stress", &search));
    }
    eprintln!("{}", line.name);
    line
}

fn run_ours(folder: &Path) {
    let right = ours::right(folder);
    let rates = ["right.py", "bug.py"].map(|subject| {
        let done = ours::run(&Order { folder, subject, right: &right, cpu_s: 1.0, seed: 1, until_wrong: false });
        f64::from(done.runs) / done.cpu_s
    });
    println!("{:60}{:8.0} / {:.0} schedules for each CPU second", folder.display(), rates[0], rates[1]);
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}
