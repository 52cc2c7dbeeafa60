//! The history checker as an applet: the suite's models stay in the suite's process, the search is here.
//!
//! One checker has one model. The library sends histories one by one; while one is looked at, the applet asks what the
//! model does, in batches, and the library answers.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::channel::Channel;
use crate::explore::history::{self, Finding, Memory, Model, Operation, Pending, Question, Stepped, Unexplained};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// The model's first state; comes first.
    Model {
        initial: Value,
    },
    Check {
        history: Vec<Operation>,
        pending: Waiting,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Waiting {
    Stuck,
    Unknown,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word<'a> {
    Step(&'a [Question<'a>]),
    Explained,
    Unexplained(Shown),
    Undecided,
}

#[derive(Debug, Serialize)]
struct Shown {
    operations: Vec<usize>,
    unfinished: Vec<usize>,
    order: Vec<usize>,
    /// An operation, and what the model says: its result, or that it is blocked.
    refusals: Vec<(usize, Expected)>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    Result(Value),
    Blocked,
}

/// What a step comes to: `null` for blocked.
type Answer = Option<(Value, Value)>;

/// The suite's model, at the other end of the channel.
#[derive(Debug)]
struct Remote {
    channel: Channel,
}

impl Model for Remote {
    fn step(&mut self, questions: &[Question<'_>]) -> io::Result<Vec<Stepped>> {
        self.channel.send(&Word::Step(questions), b"", &[])?;
        let frame = self.channel.receive()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let answers: Vec<Answer> = frame.head()?;
        let stepped = |answer: Answer| answer.map_or(Stepped::Blocked, |(state, result)| Stepped::To { state, result });
        Ok(answers.into_iter().map(stepped).collect())
    }
}

/// Obeys the orders of `channel` until it ends.
pub fn run(mut channel: Channel) -> io::Result<()> {
    let Some(first) = channel.receive()? else { return Ok(()) };
    let Order::Model { initial } = first.head()? else { return Err(io::Error::other("the model comes first")) };
    let mut memory = Memory::new(Remote { channel }, initial);
    while let Some(frame) = memory.model_mut().channel.receive()? {
        let Order::Check { history, pending } = frame.head()? else { return Err(io::Error::other("one model only")) };
        let pending = match pending {
            Waiting::Stuck => Pending::Stuck,
            Waiting::Unknown => Pending::Unknown,
        };
        let word = match history::check(&history, pending, &mut memory)? {
            Finding::Linearizable => Word::Explained,
            Finding::Unexplained(unexplained) => Word::Unexplained(shown(unexplained)),
            Finding::Undecided => Word::Undecided,
        };
        memory.model_mut().channel.send(&word, b"", &[])?;
    }
    Ok(())
}

fn shown(unexplained: Unexplained) -> Shown {
    let Unexplained { operations, unfinished, order, refusals } = unexplained;
    let expected = |value: Option<Value>| value.map_or(Expected::Blocked, Expected::Result);
    let refusals = refusals.into_iter().map(|refusal| (refusal.operation, expected(refusal.expected))).collect();
    Shown { operations, unfinished, order, refusals }
}
