use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use simulation::words::{MS, SECOND};

use super::*;
use crate::report::{Answered, WireFate};

/// Nodes `a`, `b` and `c`, a script, and what happened: a time in milliseconds and words each.
fn run(script: Value, trace: Value) -> (Cluster, Ran) {
    let timed = |entries: &Value, key: &str| -> Vec<Value> {
        let entries = entries.as_array().unwrap().iter();
        let timed = entries.map(|entry| {
            let at = entry[0].as_u64().unwrap() * MS;
            match key {
                "" => {
                    let mut what = entry[1].clone();
                    what["at"] = json!(at);
                    what
                }
                _ => json!({ "at": at, key: entry[1] }),
            }
        });
        timed.collect()
    };
    let node = |name: &str| json!({ "name": name, "program": { "python": { "argv": ["node.py"] } }, "image": "" });
    let life = json!({ "from": 0, "to": SECOND, "exit": { "running": { "waits": ["data on 10.0.0.1:7"] } } });
    let told = |name: &str| json!({ "name": name, "lives": [life], "output": [], "output_left_out": 0, "fuel": 0, "memory_bytes": 0 });
    let nodes = ["a", "b", "c"];
    let cluster = json!({
        "nodes": nodes.map(node), "script": timed(&script, "deed"), "seed": 1, "until": SECOND, "trace": true,
    });
    let ran = json!({
        "end": "time-up", "at": SECOND, "hash": "", "events": 0, "packets": 0, "nodes": nodes.map(told), "reports": [],
        "trace": timed(&trace, ""), "trace_left_out": 0,
    });
    (serde_json::from_value(cluster).unwrap(), serde_json::from_value(ran).unwrap())
}

struct Shown {
    events: Vec<WireEvent>,
    left_out: Vec<WireGap>,
    run: WireRun,
}

fn shown((cluster, ran): &(Cluster, Ran)) -> Shown {
    let Evidence::Wire { events, left_out, run: Some(run), .. } = evidence("a run", cluster, ran, &[]) else {
        panic!()
    };
    Shown { events, left_out, run }
}

fn sent(packet: u64, from: usize, to: usize, carries: Value) -> Value {
    json!({ "what": "sent", "packet": packet, "from": from, "to": to, "carries": carries })
}

fn datagram(packet: u64, from: usize, to: usize) -> Value {
    let carries =
        json!({ "packet": "datagram", "source": "10.0.0.1:7", "target": "10.0.0.2:7", "length": 2, "shown": "aGk=" });
    sent(packet, from, to, carries)
}

fn end(packet: u64, what: &str) -> Value {
    json!({ "what": what, "packet": packet })
}

fn marks(events: &[WireEvent]) -> Vec<String> {
    let told = events.iter().filter_map(|event| match &event.what {
        WireDeed::Mark { mark, words } => Some(format!("{} {} {mark:?} {words}", event.at_us / 1000, event.from)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_message_has_its_end() {
    let trace = json!([
        [1, datagram(1, 0, 1)],
        [2, datagram(2, 0, 2)],
        [3, datagram(3, 1, 0)],
        [4, datagram(4, 2, 0)],
        [5, end(2, "arrived")],
        [6, end(1, "lost")],
        [7, end(3, "refused")],
    ]);
    let shown = shown(&run(json!([]), trace));
    let fates: Vec<WireFate> = shown.events[..4].iter().map(|event| event.fate).collect();
    let expected =
        [WireFate::Lost, WireFate::Arrived { at_us: 5000 }, WireFate::Refused { at_us: 7000 }, WireFate::UnderWay];
    assert_eq!(fates, expected);
    assert_eq!(shown.events.iter().map(|event| event.connection).take(4).collect::<Vec<_>>(), [0, 1, 0, 1]);
}

#[test]
fn a_connection_begins_with_its_answer() {
    let syn = |connection| json!({ "packet": "syn", "connection": connection, "source": "", "target": "" });
    let of = |packet: &str, connection| json!({ "packet": packet, "connection": connection });
    let trace = json!([
        [1, sent(1, 0, 1, syn(1))],
        [2, sent(2, 1, 0, of("syn-ack", 1))],
        [3, sent(3, 1, 0, of("rst", 1))],
        [4, sent(4, 0, 2, syn(2))],
        [5, sent(5, 2, 0, of("rst", 2))],
        [6, sent(6, 0, 2, syn(3))],
    ]);
    let connects = |answer| WireDeed::Connect { answer };
    let shown = shown(&run(json!([]), trace));
    let deeds: Vec<&WireDeed> = shown.events[..4].iter().map(|event| &event.what).collect();
    let expected =
        [connects(Answered::Accepted), WireDeed::Reset, connects(Answered::Refused), connects(Answered::Nothing)];
    assert_eq!(deeds, expected.iter().collect::<Vec<_>>());
}

#[test]
fn what_happens_to_nodes_is_told_on_their_lanes() {
    let did = |deed: Value| json!({ "what": "did", "deed": deed });
    let killed = json!({ "what": "ended", "node": 0, "exit": "killed" });
    let trace = json!([
        [0, { "what": "started", "node": 0 }],
        [1, { "what": "wrote", "node": 0, "stream": "stdout", "text": "ready\n" }],
        [2, did(json!({ "kill": 0 }))],
        [2, killed],
        [3, { "what": "started", "node": 0 }],
        [4, did(json!({ "power-loss": 0 }))],
        [4, killed],
        [5, did(json!({ "skew": { "node": 1, "by": -1_500_000_000 } }))],
        [6, { "what": "ended", "node": 2, "exit": { "lacks": "threads" } }],
    ]);
    let expected = [
        "0 0 Started starts",
        "1 0 Wrote ready",
        "2 0 Killed is killed",
        "3 0 Started starts again",
        "4 0 Killed loses power",
        "5 1 Changed its clock jumps 1.5 s back",
        "6 2 Failed needs what is not here: threads",
        "1000 0 Changed waits for data on 10.0.0.1:7",
    ];
    assert_eq!(marks(&shown(&run(json!([]), trace)).events)[..8], expected);
}

#[test]
fn what_is_written_piece_by_piece_is_one_event() {
    let wrote = |node: usize, text: &str| json!({ "what": "wrote", "node": node, "stream": "stderr", "text": text });
    let trace = json!([
        [1, wrote(0, "Traceback:\n")],
        [1, wrote(0, "  ValueError\n")],
        [1, wrote(1, "\n")],
        [1, wrote(1, "ready")],
        [2, wrote(1, "\n")],
        [3, wrote(1, &format!("{}end\n", "x".repeat(300)))],
    ]);
    let told = marks(&shown(&run(json!([]), trace)).events);
    assert_eq!(told[..2], ["1 0 Wrote Traceback:\n  ValueError", "1 1 Wrote ready"]);
    assert_eq!(told[2], format!("3 1 Wrote …{}end", "x".repeat(197)));
}

#[test]
fn what_clients_told_is_told_in_words() {
    let (cluster, mut ran) = run(json!([]), json!([[0, { "what": "started", "node": 0 }]]));
    let lines = [
        r#"{"started": true}"#,
        r#"{"begin": 0, "operation": "write", "arguments": ["x", 1]}"#,
        r#"{"end": 0, "result": null}"#,
        r#"{"end": 1, "failed": true}"#,
        r#"{"note": "leader", "value": "b"}"#,
        "rubbish",
    ];
    let report = |line: &str| simulation::words::Report { at: MS, node: 1, line: line.to_owned() };
    ran.reports = lines.into_iter().map(report).collect();
    let told = marks(&shown(&(cluster, ran)).events);
    let expected =
        ["write(\"x\", 1) …", "write(\"x\", 1) gave None", "an operation had no effect", "leader: \"b\"", "rubbish"];
    assert_eq!(told[1..6], expected.map(|words| format!("1 1 Wrote {words}")));
}

#[test]
fn the_network_is_told_by_times() {
    let loss = json!({ "network": { "loss_ppm": 125_000, "latency": { "uniform": { "least": 1_000_000, "most": 1_000_000 } } } });
    let script = json!([
        [1, { "partition": [[0, 1]] }],
        [2, { "deafen": { "from": 0, "to": 1 } }],
        [3, loss],
        [4, { "partition": [[0], [1, 2]] }],
        [5, "heal"],
        [6, { "network": {} }],
    ]);
    let spans = shown(&run(script, json!([]))).run.spans;
    let told: Vec<(u64, Option<u64>, &str)> =
        spans.iter().map(|span| (span.from_us, span.to_us, span.words.as_str())).collect();
    let expected = [
        (1000, Some(4000), "the network splits: a, b | c"),
        (2000, Some(4000), "b hears nothing of a"),
        (3000, Some(6000), "the network takes 1 ms; 12.5 % of the datagrams are lost"),
        (4000, Some(5000), "the network splits: a | b, c"),
    ];
    assert_eq!(told, expected);
    assert_eq!(spans[0].groups, [vec![0, 1], vec![2]]);
}

#[test]
fn a_node_is_away_while_it_has_no_program_or_a_stopped_one() {
    let script = json!([[100, { "pause": 1 }], [300, { "resume": 1 }], [900, { "pause": 1 }]]);
    let (cluster, mut ran) = run(script, json!([]));
    ran.nodes[0].lives[0].to = 500 * MS;
    let away = shown(&(cluster, ran)).run.away;
    let told: Vec<(u32, u64, u64, bool)> =
        away.iter().map(|away| (away.lane, away.from_us / 1000, away.to_us / 1000, away.paused)).collect();
    assert_eq!(told, [(0, 500, 1000, false), (1, 100, 300, true), (1, 900, 1000, true)]);
}

#[test]
fn of_a_long_run_the_end_is_shown_and_what_stands_around_faults() {
    let mut trace: Vec<Value> = (0..500).map(|at| json!([at, datagram(at, 0, 1)])).collect();
    trace.insert(200, json!([200, { "what": "ended", "node": 2, "exit": { "exited": 1 } }]));
    let shown = shown(&run(json!([[100, "heal"], [100, { "partition": [[0]] }]]), trace.into()));
    assert_eq!(shown.events.len(), EVENTS_MAX);
    let gaps: Vec<(u32, u64)> = shown.left_out.iter().map(|gap| (gap.before, gap.events)).collect();
    // The first 26, from 98 on, from 198 on, and the last 60.
    assert_eq!(gaps, [(26, 72), (33, 93), (40, 239)], "{:?}", shown.left_out);
    assert_eq!(shown.events[28].at_us, 100_000);
    assert!(marks(&shown.events).contains(&"200 2 Failed exits with 1".to_owned()));
}

#[test]
fn of_a_long_run_the_moments_that_matter_are_shown() {
    let trace: Vec<Value> = (0..500).map(|at| json!([at, datagram(at, 0, 1)])).collect();
    let (cluster, ran) = run(json!([]), trace.into());
    let Evidence::Wire { events, .. } = evidence("a run", &cluster, &ran, &[250 * MS, 350 * MS]) else { panic!() };
    let shown: BTreeSet<u64> = events.iter().map(|event| event.at_us / 1000).collect();
    assert!((241..=256).chain(341..=356).chain(494..500).all(|at| shown.contains(&at)), "{shown:?}");
    assert_eq!(events.len(), EVENTS_MAX);
    // However many there are, or where.
    let Evidence::Wire { events, .. } = evidence("a run", &cluster, &ran, &[0, Ns::MAX, 1, 2, 9, 60, 90]) else {
        panic!()
    };
    assert_eq!(events.len(), EVENTS_MAX);
}

#[test]
fn what_nobody_kept_is_counted_where_it_was() {
    let (cluster, mut ran) = run(json!([]), json!([[1, end(7, "arrived")], [2, datagram(8, 0, 1)]]));
    ran.trace_left_out = 9;
    assert_eq!(shown(&(cluster.clone(), ran.clone())).left_out, [WireGap { before: 0, events: 0, packets: 9 }]);
    ran.trace.remove(0);
    assert_eq!(shown(&(cluster, ran)).left_out, [WireGap { before: 4, events: 0, packets: 9 }]);
}

#[test]
fn a_forged_run_is_shown_within_bounds() {
    let trace = json!([
        [1, sent(1, 99, 7, json!({ "packet": "data", "connection": 1, "offset": 0, "length": 1, "shown": "!" }))],
        [2, { "what": "wrote", "node": 99, "stream": "stdout", "text": "x".repeat(10_000) }],
        [3, sent(1, 0, 0, json!({ "packet": "syn-ack", "connection": 77 }))],
        [3, end(1234, "lost")],
    ]);
    let script = json!([[1, { "partition": [[99], []] }], [2, { "pause": 99 }]]);
    let shown = shown(&run(script, trace));
    assert!(shown.events.iter().all(|event| event.from < 3 && event.to < 3));
    assert!(marks(&shown.events)[0].len() < 300);
    assert_eq!(shown.run.spans[0].groups, [[0], [1], [2]]);
}

/// `tests/simulated/` holds runs and what is shown of them; the command line's and the browser's tests read the latter.
#[test]
fn kept_runs_are_shown_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulated/split_register");
    let read = |file: PathBuf| serde_json::from_slice::<Value>(&std::fs::read(file).unwrap()).unwrap();
    let run = read(folder.join("run.json"));
    let cluster = serde_json::from_value(run["cluster"].clone()).unwrap();
    let ran = serde_json::from_value(run["ran"].clone()).unwrap();
    let shown = evidence("Run 17 of 50: a read that no order explains", &cluster, &ran, &[]);
    let kept = folder.join("evidence.json");
    if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(&kept, serde_json::to_string_pretty(&shown).unwrap() + "\n").unwrap();
    }
    assert_eq!(serde_json::to_value(&shown).unwrap(), read(kept), "PRACTICUM_GOLDEN=write keeps it");
}
