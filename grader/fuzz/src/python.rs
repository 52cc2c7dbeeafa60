//! The Python end of a channel, in an interpreter of its own: `reader.py`, one answer for each stream.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use framing::Message;
use serde_json::Value;

/// A running `reader.py`.
pub struct Python {
    process: Child,
    streams: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What it says about one stream.
pub struct Answer {
    /// Its complete frames.
    pub messages: Vec<Message>,
    /// Whether it was given up.
    pub broken: bool,
    /// Heads of the examiner's last words, had a submission written this stream into the shim's channel.
    pub outcomes: Vec<String>,
    /// Numbers of the steps that its code took, where they were asked for.
    pub steps: Vec<usize>,
}

impl Python {
    /// With `steps`, answers tell which steps the code took.
    pub fn start(grader: &Path, steps: bool) -> Python {
        let mut process = Command::new("/usr/bin/python3")
            .arg("-B")
            .arg(grader.join("fuzz/reader.py"))
            .args(steps.then_some("steps"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the system's Python");
        let streams = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        Python { process, streams, answers }
    }

    /// Has `stream` read in pieces of `piece` bytes.
    pub fn read(&mut self, stream: &[u8], piece: usize) -> Answer {
        let length = |length: usize| u32::try_from(length).expect("streams are small").to_be_bytes();
        self.streams.write_all(&[&length(stream.len()), &length(piece), stream].concat()).expect("a reader");
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).expect("an answer: what stopped the reader stands above");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer).expect("a whole answer");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let list = |name: &str| answer[name].as_array().expect("a list").clone();
        Answer {
            messages: list("frames").iter().map(message).collect(),
            broken: answer["broken"].as_bool().expect("a truth"),
            outcomes: list("outcomes").iter().map(|text| text.as_str().expect("a text").to_owned()).collect(),
            steps: list("steps").iter().map(|step| step.as_u64().expect("a number") as usize).collect(),
        }
    }
}

/// From `[head as text, tail in hex, descriptors]`.
fn message(told: &Value) -> Message {
    let text = |part: usize| told[part].as_str().expect("a text");
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).expect("digits"), 16).expect("a byte");
    Message {
        head: serde_json::from_str(text(0)).expect("a head"),
        tail: text(1).as_bytes().chunks(2).map(byte).collect(),
        descriptors: told[2].as_u64().expect("a number") as usize,
    }
}

/// Whether both are the same, but for the last digits of numbers.
pub fn same(ours: &[Message], theirs: &[Message]) -> bool {
    let same = |(ours, theirs): (&Message, &Message)| {
        same_value(&ours.head, &theirs.head) && (&ours.tail, ours.descriptors) == (&theirs.tail, theirs.descriptors)
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
}

fn same_value(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            let (ours, theirs) = (ours.as_f64().expect("a double"), theirs.as_f64().expect("a double"));
            (ours - theirs).abs() <= 1e-14 * ours.abs() + f64::MIN_POSITIVE
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same_value(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let same = |(name, ours)| theirs.get(name).is_some_and(|theirs| same_value(ours, theirs));
            ours.len() == theirs.len() && ours.iter().all(same)
        }
        (ours, theirs) => ours == theirs,
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
