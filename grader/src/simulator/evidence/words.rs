//! What happened, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use simulation::words::{Cluster, End, Exit, Latency, MS, Network, Ns, SECOND};

use crate::report::WireMark;

/// Of what a program wrote or said.
const LINE_CHARS_MAX: usize = 200;

pub fn end(end: End) -> &'static str {
    match end {
        End::Done => "every program has ended",
        End::Still => "nothing would ever happen any more",
        End::TimeUp => "the time was up",
        End::EventsMax => "more happened than may",
    }
}

/// How a life ended that did not go on to the end of the run.
pub fn exit(exit: &Exit) -> (WireMark, String) {
    let failed = |words: &str| (WireMark::Failed, words.to_owned());
    match exit {
        Exit::Exited(0) => (WireMark::Ended, "ends".to_owned()),
        Exit::Exited(code) => failed(&format!("exits with {code}")),
        Exit::Running { waits } => (WireMark::Changed, waiting(waits)),
        Exit::Killed => (WireMark::Killed, "is killed".to_owned()),
        Exit::OutOfFuel => failed("has used up its computing time"),
        Exit::OutOfMemory => failed("needs more memory than there is"),
        Exit::OutOfOutput => failed("writes more than it may"),
        Exit::Lacks(what) => failed(&line(&format!("needs what is not here: {what}"))),
        Exit::Trapped(why) => failed(&line(&format!("is stopped: {why}"))),
    }
}

/// What a program does that runs when the run ends.
pub fn waiting(waits: &[String]) -> String {
    match waits {
        [] => "computes".to_owned(),
        _ => line(&format!("waits for {}", waits.join(", "))),
    }
}

/// All nodes by who hears whom: those that the script names in no group are alone.
pub fn whole(groups: &[Vec<usize>], nodes: usize) -> Vec<Vec<u32>> {
    let known = |group: &Vec<usize>| group.iter().filter(|node| **node < nodes).map(|node| *node as u32).collect();
    let mut whole: Vec<Vec<u32>> = groups.iter().map(known).filter(|group: &Vec<u32>| !group.is_empty()).collect();
    let alone = (0..nodes as u32).filter(|node| !whole.iter().flatten().any(|other| other == node));
    let alone: Vec<Vec<u32>> = alone.map(|node| vec![node]).collect();
    whole.extend(alone);
    whole
}

pub fn partition(groups: &[Vec<u32>], cluster: &Cluster) -> String {
    let names =
        |group: &Vec<u32>| group.iter().map(|node| name(cluster, *node as usize)).collect::<Vec<_>>().join(", ");
    format!("the network splits: {}", groups.iter().map(names).collect::<Vec<_>>().join(" | "))
}

pub fn deafened(from: usize, to: usize, cluster: &Cluster) -> String {
    format!("{} hears nothing of {}", name(cluster, to), name(cluster, from))
}

pub fn name(cluster: &Cluster, node: usize) -> String {
    cluster.nodes.get(node).map_or_else(|| "?".to_owned(), |node| cut(&node.name, super::NAME_CHARS_MAX))
}

/// What is bad about a network.
pub fn network(network: &Network) -> String {
    let mut words = match network.latency {
        Latency::Uniform { least, most } if least == most => format!("the network takes {}", time(least)),
        Latency::Uniform { least, most } => format!("the network takes {} to {}", time(least), time(most)),
        Latency::Exponential { least, mean } => {
            format!("the network takes {}, and {} more on average", time(least), time(mean))
        }
    };
    let faults = [
        (network.loss_ppm, "of the datagrams are lost"),
        (network.duplication_ppm, "come twice"),
        (network.reorder_ppm, "are late"),
        (network.retransmission_ppm, "of the segments are sent again"),
        (network.short_read_ppm, "of the reads are short"),
    ];
    for (ppm, what) in faults.into_iter().filter(|(ppm, _)| *ppm > 0) {
        let _ = write!(words, "; {} % {what}", f64::from(ppm) / 10_000.0);
    }
    words
}

/// `1.5 ms`, `20 s`.
pub fn time(ns: Ns) -> String {
    match ns {
        0..MS => format!("{} µs", ns as f64 / 1e3),
        MS..SECOND => format!("{} ms", ns as f64 / 1e6),
        _ => format!("{} s", ns as f64 / 1e9),
    }
}

/// What the suite's own programs tell of themselves, by `practicum/inside/report.py`.
#[derive(Default)]
pub struct Reports {
    /// Operations that have begun, by who began them and their number.
    begun: BTreeMap<(usize, u64), String>,
}

impl Reports {
    /// One line in words; `None` where it says nothing about the run.
    pub fn words(&mut self, node: usize, text: &str) -> Option<String> {
        let Ok(Value::Object(told)) = serde_json::from_str(text) else { return Some(line(text)) };
        let number = |key: &str| told.get(key).and_then(Value::as_u64);
        if let (Some(operation), Some(number)) = (told.get("operation").and_then(Value::as_str), number("begin")) {
            let arguments = told.get("arguments").and_then(Value::as_array);
            let arguments: Vec<String> = arguments.into_iter().flatten().map(python).collect();
            let call = line(&format!("{operation}({})", arguments.join(", ")));
            self.begun.insert((node, number), call.clone());
            return Some(format!("{call} …"));
        }
        if let Some(number) = number("end") {
            let call = self.begun.remove(&(node, number)).unwrap_or_else(|| "an operation".to_owned());
            let result = told.get("result").map(|result| format!("gave {}", python(result)));
            return Some(line(&format!("{call} {}", result.unwrap_or_else(|| "had no effect".to_owned()))));
        }
        if let Some(note) = told.get("note").and_then(Value::as_str) {
            return Some(line(&format!("{note}: {}", told.get("value").map(python).unwrap_or_default())));
        }
        // That a client has begun, and how it raised, is told by its life.
        (!told.contains_key("started") && !told.contains_key("raised")).then(|| line(text))
    }
}

fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// What a program wrote; of much the end, where tracebacks say most.
pub fn output(text: &str) -> String {
    let text = text.trim_end();
    let skipped = text.chars().count().saturating_sub(LINE_CHARS_MAX);
    match text.char_indices().nth(skipped) {
        Some((start, _)) if skipped > 0 => format!("…{}", &text[start..]),
        _ => text.to_owned(),
    }
}

/// One line of at most [`LINE_CHARS_MAX`] characters.
pub fn line(text: &str) -> String {
    cut(text.trim_end_matches('\n'), LINE_CHARS_MAX)
}

pub fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
