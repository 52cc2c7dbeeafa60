//! What this process, and what it has started, hold of the machine at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grader::sandbox::tasks;

/// What the kernel takes down a moment after it was let go is given this long to be gone. A leak stays.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// One stock-taking.
#[derive(Debug, PartialEq, Eq)]
pub struct Stock {
    /// How many there are of each kind of thing.
    pub counts: BTreeMap<String, usize>,
    /// KiB of memory that is no file's, by the name of the process. Pages of the program's own file come and go with the
    /// kernel's cache, and whether they count as written depends on when it was linked.
    pub memory_kib: BTreeMap<String, usize>,
}

impl Stock {
    /// Takes stock once nothing comes or goes any more.
    pub fn at_rest() -> Stock {
        let began = Instant::now();
        let mut last = Stock::take();
        loop {
            std::thread::sleep(LOOK_INTERVAL);
            let stock = Stock::take();
            if stock.counts == last.counts || began.elapsed() > PATIENCE {
                return stock;
            }
            last = stock;
        }
    }

    /// What there is more of than there was, in words, once all is gone that goes.
    pub fn growth(&self, memory_tolerated_kib: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let grown = Stock::take().more_than(self, memory_tolerated_kib);
            if grown.is_empty() || began.elapsed() > PATIENCE {
                return grown;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    fn take() -> Stock {
        let own = std::process::id().cast_signed();
        let mut stock = Stock { counts: BTreeMap::new(), memory_kib: BTreeMap::new() };
        let mut networks = BTreeSet::new();
        for pid in tasks::descendants(own).into_iter().chain([own]) {
            let process = if pid == own { "the grader".to_owned() } else { name(pid) };
            let of = |what: &str| format!("{what} of {process}");
            stock.add(process.clone(), 1);
            stock.add(of("threads"), entries(pid, "task").len());
            stock.add(of("mounts"), text(pid, "mountinfo").lines().count());
            for descriptor in entries(pid, "fd") {
                // The number of a pipe or socket is its own, and a folder is being read just now.
                let kind = fs::read_link(&descriptor).unwrap_or_default().display().to_string();
                let kind = kind.split(":[").next().unwrap_or_default();
                if !kind.starts_with("/proc/") {
                    stock.add(of(&format!("descriptors ({kind})")), 1);
                }
            }
            *stock.memory_kib.entry(of("memory")).or_default() += anonymous_kib(pid);
            networks.extend(fs::read_link(format!("/proc/{pid}/ns/net")).ok());
        }
        stock.add("networks".to_owned(), networks.len());
        stock.add("control groups".to_owned(), hierarchies().iter().map(|folder| groups(folder)).sum());
        stock
    }

    fn add(&mut self, what: String, count: usize) {
        *self.counts.entry(what).or_default() += count;
    }

    fn more_than(&self, before: &Stock, memory_tolerated_kib: usize) -> Vec<String> {
        let counts = grown(&before.counts, &self.counts, 0);
        counts.into_iter().chain(grown(&before.memory_kib, &self.memory_kib, memory_tolerated_kib)).collect()
    }
}

fn grown(before: &BTreeMap<String, usize>, after: &BTreeMap<String, usize>, tolerated: usize) -> Vec<String> {
    after
        .iter()
        .map(|(what, after)| (what, before.get(what).copied().unwrap_or(0), *after))
        .filter(|(_, before, after)| *after > before + tolerated)
        .map(|(what, before, after)| format!("{what}: {before}, now {after}"))
        .collect()
}

/// The last word of the command line: a slot is called like its template.
fn name(pid: i32) -> String {
    let command = text(pid, "cmdline");
    command.split('\0').rfind(|word| !word.is_empty()).unwrap_or("a process that has ended").to_owned()
}

fn text(pid: i32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

fn entries(pid: i32, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/{folder}")).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

fn anonymous_kib(pid: i32) -> usize {
    let usage = text(pid, "smaps_rollup");
    let line = usage.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// Where control groups are mounted.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let of_groups = |line: &&str| line.contains(" - cgroup ") || line.contains(" - cgroup2 ");
    mounts.lines().filter(of_groups).filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from).collect()
}

/// Groups that this process has made, in a folder and below.
fn groups(folder: &Path) -> usize {
    let prefix = format!("practicum-{}-", std::process::id());
    let below = fs::read_dir(folder).into_iter().flatten().flatten();
    below
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| usize::from(entry.file_name().to_string_lossy().starts_with(&prefix)) + groups(&entry.path()))
        .sum()
}
