//! Whatever a program asks of its host, of any function, with any argument: it gets an answer or its end, and the same ones
//! each time.
//!
//! An input is what the guests of `guests/make.py` read; its first byte says which of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulation::Machine;
use simulation::disk::Image;
use simulation::words::{Cluster, Limits, Network, Node, Pace, Program, Ran, SECOND};

const COMPONENT: &[u8] = include_bytes!("../guests/component.wasm");
const MODULE: &[u8] = include_bytes!("../guests/module.wasm");

/// Twice. Two nodes do it where there is a network, so that each finds the other there.
pub fn run(input: &[u8]) -> Ran {
    let (kind, calls) = input.split_first().unwrap_or((&0, &[]));
    let (component, names): (_, &[&str]) = if kind & 1 == 0 { (true, &["one", "two"]) } else { (false, &["one"]) };
    let cluster = Cluster {
        nodes: names.iter().map(|name| node(name, component, calls)).collect(),
        script: Vec::new(),
        network: Network::default(),
        pace: Pace { slice: 100_000, ..Pace::default() },
        seed: 7,
        until: 100 * SECOND,
        limits: Limits {
            fuel: 3_000_000,
            disk_bytes: 100_000,
            output_bytes: 10_000,
            events: 10_000,
            ..Limits::default()
        },
        trace: false,
    };
    let image = Image::from([("work/main".into(), MODULE.to_vec()), ("work/x".into(), b"some text".to_vec())]);
    let images = BTreeMap::from([("image".to_owned(), image)]);
    let ran = machine().run(&cluster, &images).expect("the order makes sense");
    assert_eq!(machine().run(&cluster, &images).expect("the order makes sense"), ran, "it does something else");
    ran
}

fn node(name: &str, component: bool, calls: &[u8]) -> Node {
    let argv = vec!["main".to_owned(), "argument".to_owned()];
    Node {
        name: name.to_owned(),
        program: if component { Program::Python { argv } } else { Program::Module { argv } },
        image: "image".to_owned(),
        env: BTreeMap::from([("NAME".to_owned(), "value".to_owned())]),
        stdin: STANDARD.encode(calls),
        starts_at: 0,
        reports: true,
        clock_offset: -5,
        clock_drift_ppm: 3,
    }
}

/// A machine whose runtime is the guest.
fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("practicum-guest-{}.cwasm", std::process::id()));
        fs::write(&path, Machine::compile(COMPONENT).expect("the guest is a component"))
            .expect("there is room for the guest");
        let file = File::open(&path).expect("it was just written");
        fs::remove_file(&path).expect("it was just opened");
        Machine::from_compiled(file).expect("it was just compiled")
    })
}
