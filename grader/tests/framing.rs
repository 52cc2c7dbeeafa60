//! Both ends of a channel find the same frames in the same bytes, and give up on the same: the Rust end and the Python
//! end read what the fuzzer has found worth keeping (`fuzz/corpus/`), and changes to it drawn from a fixed seed.

use std::path::Path;

#[path = "../fuzz/src/changes.rs"]
mod changes;
#[path = "../fuzz/src/python.rs"]
mod python;
#[path = "../fuzz/src/stream.rs"]
mod stream;

use changes::Random;
use python::{Python, same};
use stream::{read, stream};

/// Changed inputs.
const CHANGED: usize = 2000;

#[test]
fn both_ends_say_the_same_of_the_same_bytes() {
    let grader = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (corpus, mut python, mut random) = (corpus(grader), Python::start(grader, false), Random(20));
    let (mut whole, mut broken) = (0, 0);
    for number in 0..corpus.len() + CHANGED {
        let input = match corpus.get(number) {
            Some(input) => input.clone(),
            None => random.changed(&corpus),
        };
        let (stream, piece) = (stream(&input), 1 + random.below(100));
        let (ours, theirs) = (read(&stream, piece), python.read(&stream, piece));
        assert_eq!(theirs.broken, ours.1, "{input:02x?}: {:?}", ours.0);
        assert!(same(&ours.0, &theirs.messages), "{input:02x?}: {:?} and {:?}", ours.0, theirs.messages);
        assert!(theirs.outcomes.iter().all(|words| words.contains(r#""outcome":"failed""#)), "{:?}", theirs.outcomes);
        assert!(theirs.steps.is_empty(), "nobody asked for them");
        whole += ours.0.len();
        broken += usize::from(ours.1);
    }
    assert!(whole > CHANGED / 5 && broken > CHANGED / 5, "the inputs show little: {whole} frames, {broken} broken");
}

fn corpus(grader: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = ["examiner", "submission"]
        .into_iter()
        .flat_map(|target| std::fs::read_dir(grader.join("fuzz/corpus").join(target)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
