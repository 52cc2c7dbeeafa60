//! What a student's process may write into the shim's channel. Its reader is the Python end, in the examiner; the Rust
//! end reads the same bytes beside it, and both must find the same frames. Whatever was written, the examiner ends with
//! words that the grader understands, and they never say that the suite was at fault.

#![no_main]

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{LazyLock, Mutex};

use framing::Framing;
use grader::protocol::{Ask, Asked, Outcome};
use grader_fuzz::check;
use grader_fuzz::python::{Python, same};
use grader_fuzz::stream::{framed, stream};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize as _;

/// libFuzzer counts what stands here as its own: steps that the Python code took. `reader.py` knows how many there are.
#[used]
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static STEPS: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

static PYTHON: LazyLock<Mutex<Python>> = LazyLock::new(|| {
    let grader = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the grader's folder");
    Mutex::new(Python::start(grader, true))
});

fuzz_target!(|input: &[u8]| {
    let piece = usize::from(input.first().copied().unwrap_or(0) / 2) + 1;
    let stream = stream(input);
    let (messages, broken) = check(&stream, piece);
    let answer = PYTHON.lock().expect("one thread").read(&stream, piece);
    answer.steps.iter().for_each(|step| STEPS[*step].store(1, Ordering::Relaxed));
    assert!(answer.broken == broken && same(&messages, &answer.messages), "{messages:?} and {:?}", answer.messages);
    answer.outcomes.iter().for_each(|outcome| assert_is_the_students(outcome));
});

fn assert_is_the_students(outcome: &str) {
    let mut framing = Framing::default();
    framing.feed(&framed(outcome.as_bytes(), b""));
    let message = framing.next_message().expect("a frame").expect("all of it");
    let Asked { ask, .. } = Asked::deserialize(message.head).expect("words of the protocol");
    assert!(matches!(ask, Ask::End(Outcome::Passed { .. } | Outcome::Failed { .. })), "{ask:?}");
}
