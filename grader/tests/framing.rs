//! Both ends of a channel find the same frames in the same bytes, and give up on the same: the Rust end and the Python
//! end read what the fuzzer has found worth keeping (`fuzz/corpus/`), and changes to it drawn from a fixed seed.

use std::path::Path;

#[path = "../fuzz/src/python.rs"]
mod python;
#[path = "../fuzz/src/stream.rs"]
mod stream;

use python::{Python, same};
use stream::{read, stream};

/// Changed inputs.
const CHANGED: usize = 2000;
/// Changes to each, at most.
const CHANGES_MAX: usize = 4;

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

/// Numbers that are the same in every run (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn changed(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(CHANGES_MAX) {
            let at = self.below(input.len().max(1));
            match self.below(4) {
                0 if !input.is_empty() => input[at] = self.below(256) as u8,
                1 if !input.is_empty() => drop(input.remove(at)),
                2 => input.insert(at, br#"{}[]",:\u0d-1e"#[self.below(14)]),
                _ => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len().max(1));
                    input.extend_from_slice(&other[from..]);
                }
            }
        }
        input
    }
}
