//! The others: `scripts/bench/contestant.py`, a process for each order, so that what hangs in one spoils no other.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::{Done, Order, WALL_S, driver};

/// Longest that one may take from start to end, in seconds.
const END_S: &str = "60";

#[derive(Debug, Deserialize)]
struct Answer {
    runs: u32,
    cpu_s: f64,
    wrong: Option<(String, u32)>,
    undecided: Option<String>,
    exhausted: bool,
}

pub fn run(name: &str, order: &Order) -> Done {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let words = json!({
        "folder": order.folder,
        "subject": order.subject,
        "driver": driver(order.folder),
        "right": order.right,
        "cpu_s": order.cpu_s,
        "wall_s": WALL_S,
        "seed": order.seed,
        "until_wrong": order.until_wrong,
    });
    let output = Command::new("/usr/bin/timeout")
        .args(["-s", "KILL", END_S])
        .arg(root.join(".cache/frontrun/bin/python3"))
        .arg("-B")
        .arg(root.join("scripts/bench/contestant.py"))
        .args([name, &words.to_string()])
        .stderr(Stdio::null())
        .output()
        .expect("timeout");
    let Ok(answer) = serde_json::from_slice::<Answer>(&output.stdout) else {
        return Done { undecided: Some(format!("no answer within {END_S} s")), ..Done::default() };
    };
    let undecided = answer.undecided.or_else(|| answer.exhausted.then(|| "nothing left to try".to_owned()));
    Done { runs: answer.runs, cpu_s: answer.cpu_s, wrong: answer.wrong, undecided }
}
