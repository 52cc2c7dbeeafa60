//! The machine with the real runtime, and short ways to say a cluster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use simulation::Machine;
use simulation::disk::Image;
use simulation::words::{
    Cluster, Deed, Exit, Limits, MS, Network, Node, NodeRan, Ns, Pace, Program, Ran, SECOND, Stream, Timed,
};

pub const SEED: u64 = 7;

/// Compiled once by version of all that decides it, into cargo's folder for tests.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let component = runtime();
        let bytes = fs::read(&component).unwrap_or_else(|error| {
            panic!("read the runtime {}: {error}; scripts/runtime makes it", component.display())
        });
        let of: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{of}-{}.cwasm", Machine::key().unwrap()));
        if !compiled.exists() {
            let fresh = compiled.with_extension(format!("{}", std::process::id()));
            fs::write(&fresh, Machine::compile(&bytes).unwrap()).unwrap();
            fs::rename(fresh, &compiled).unwrap();
        }
        Machine::from_compiled(File::open(compiled).unwrap()).unwrap()
    })
}

fn runtime() -> PathBuf {
    match std::env::var_os("PRACTICUM_RUNTIME") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/runtime/python.wasm"),
    }
}

/// Every program of `tests/programs`, below `/work`.
pub fn programs() -> Image {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (format!("work/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap()))
        .collect()
}

/// `"server: echo.py 7000"`: a node's name, its program and the arguments.
pub fn node(words: &str) -> Node {
    let (name, call) = words.split_once(": ").unwrap();
    let mut argv: Vec<String> = call.split(' ').map(str::to_owned).collect();
    argv[0] = format!("/work/{}", argv[0]);
    Node {
        name: name.to_owned(),
        program: Program::Python { argv },
        image: "programs".to_owned(),
        env: BTreeMap::new(),
        stdin: String::new(),
        starts_at: 0,
        reports: false,
        clock_offset: 0,
        clock_drift_ppm: 0,
    }
}

pub fn cluster(nodes: &[&str]) -> Cluster {
    Cluster {
        nodes: nodes.iter().map(|words| node(words)).collect(),
        script: Vec::new(),
        network: Network::default(),
        pace: Pace::default(),
        seed: SEED,
        until: 60 * SECOND,
        limits: Limits::default(),
        trace: false,
    }
}

pub fn at(seconds: f64, deed: Deed) -> Timed {
    Timed { at: (seconds * SECOND as f64) as Ns, deed }
}

pub fn run(cluster: &Cluster) -> Ran {
    run_with(cluster, programs())
}

pub fn run_with(cluster: &Cluster, image: Image) -> Ran {
    machine().run(cluster, &BTreeMap::from([("programs".to_owned(), image)])).unwrap()
}

/// One program, given as text.
pub fn run_text(text: &str) -> Ran {
    run_with(&cluster(&["node: main.py"]), Image::from([("work/main.py".to_owned(), text.as_bytes().to_vec())]))
}

pub fn text(node: &NodeRan, stream: Stream) -> String {
    let pieces = node.output.iter().filter(|written| written.stream == stream);
    let bytes: Vec<u8> = pieces.flat_map(|written| STANDARD.decode(&written.bytes).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}

pub fn stdout(ran: &Ran, node: usize) -> String {
    text(&ran.nodes[node], Stream::Stdout)
}

pub fn stderr(ran: &Ran, node: usize) -> String {
    text(&ran.nodes[node], Stream::Stderr)
}

pub fn exit(ran: &Ran, node: usize) -> Exit {
    ran.nodes[node].lives.last().unwrap().exit.clone()
}

/// What went wrong, for a failing assertion.
pub fn all(ran: &Ran) -> String {
    let nodes = ran.nodes.iter().enumerate().map(|(index, node)| {
        format!("--- {} {:?}\n{}{}", node.name, node.lives, stdout(ran, index), stderr(ran, index))
    });
    format!("{:?} at {} ms\n{}", ran.end, ran.at / MS, nodes.collect::<String>())
}
