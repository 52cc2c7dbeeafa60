//! Whatever is called on the network, on a disk and on the host: what the fuzzer begins with (`fuzz/corpus`), changes to it
//! drawn from a fixed seed, and noise.

use std::path::Path;

#[path = "../../fuzz/src/bytes.rs"]
mod bytes;
#[path = "../../fuzz/src/changes.rs"]
mod changes;
#[path = "../../fuzz/src/disk.rs"]
mod disk;
#[path = "../../fuzz/src/guest.rs"]
mod guest;
#[path = "../../fuzz/src/network.rs"]
mod network;

use changes::Random;
use simulation::words::Exit;

/// Changed inputs, and as many of noise; another number for a longer search by `PRACTICUM_CHANGED`.
const CHANGED: usize = 150;
const NOISE_BYTES_MAX: usize = 600;

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut inputs: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let changed = std::env::var("PRACTICUM_CHANGED").map_or(CHANGED, |number| number.parse().unwrap());
    let (mut random, corpus) = (Random(22), inputs.clone());
    for _ in 0..changed {
        inputs.push(random.changed(&corpus));
        inputs.push((0..random.below(NOISE_BYTES_MAX)).map(|_| random.below(256) as u8).collect());
    }
    inputs
}

#[test]
fn a_disk_keeps_what_it_promises() {
    let inputs = inputs("disk");
    let done: usize = inputs.iter().map(|input| disk::run(input)).sum();
    assert!(done > inputs.len(), "the inputs show little: {done} calls succeeded");
}

#[test]
fn the_network_delivers_what_was_written() {
    let inputs = inputs("world");
    let read: u64 = inputs.iter().map(|input| network::run(input)).sum();
    assert!(read > 10 * inputs.len() as u64, "the inputs show little: {read} bytes were read");
}

#[test]
fn a_program_gets_an_answer_or_its_end() {
    let inputs = inputs("guest");
    let ended = |input: &Vec<u8>| matches!(guest::run(input).nodes[0].lives[0].exit, Exit::Exited(_));
    let done = inputs.iter().filter(|input| ended(input)).count();
    assert!(done > inputs.len() / 10, "the inputs show little: {done} of {} made all of their calls", inputs.len());
}
