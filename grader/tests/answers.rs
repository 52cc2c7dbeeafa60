//! What an explorer makes of a worker's answers: those that the fuzzer begins with (`fuzz/corpus/explorer`, which the
//! test `schedules` writes), and changes to them drawn from a fixed seed.

use std::path::Path;

#[path = "../fuzz/src/answers.rs"]
mod answers;
#[path = "../fuzz/src/changes.rs"]
mod changes;

use answers::{Reached, read};
use changes::Random;

/// Changed inputs; another number for a longer search by `PRACTICUM_CHANGED`.
const CHANGED: usize = 3000;

#[test]
fn any_answer_is_believed_or_not_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/explorer");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let believed = corpus.iter().filter(|input| read(input) == Reached::Believed).count();
    assert!(believed >= 20, "{believed} of {} are believed", corpus.len());
    let changed = std::env::var("PRACTICUM_CHANGED").map_or(CHANGED, |number| number.parse().unwrap());
    let (mut random, mut answers) = (Random(21), 0);
    for _ in 0..changed {
        answers += usize::from(read(&random.changed(&corpus)) >= Reached::Answer);
    }
    assert!(answers > changed / 10, "the inputs show little: {answers} answers");
}
