//! What an explorer makes of a worker's answer, whatever that is: it is believed or it is not, and nothing else happens.
//!
//! An input is a byte that chooses the plan, the answer's head, a byte that JSON cannot hold, and the tail.

use std::collections::BTreeMap;
use std::io;

use grader::explore::history::{self, Memory, Model, Pending, Question, Stepped};
use grader::explore::{Bounded, Reach, Seen, believe};
use grader::report::Evidence;
use grader::report::schedule::{Finding, Found, ScheduleEvidence};
use schedules::token::Token;
use schedules::words::{Answer, Ran};
use schedules::{Deviation, Plan, Thread, Transcript};
use serde::Deserialize as _;
use serde_json::Value;

pub const BETWEEN: u8 = 0xff;
/// Evidence that a report could not carry.
const EVIDENCE_BYTES_MAX: usize = 1 << 20;
/// Longer histories take a search long.
const OPERATIONS_MAX: usize = 10;

/// The plan of that number.
pub fn plan(number: u8) -> Plan {
    let seed = u32::from(number) + 1;
    match number % 6 {
        0 => Plan::Walk { seed, synchronisation: 500, memory: 100 },
        1 => Plan::Pct { seed, depth: 3, points: 40 },
        2 => Plan::Pos { seed },
        3 => Plan::Follow { deviations: vec![Deviation { thread: Thread(1), step: 3, next: Thread(2) }] },
        4 => Plan::Bounded { deviations: vec![] },
        _ => Plan::Walk { seed, synchronisation: 1000, memory: 1000 },
    }
}

/// How far an input comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    Nothing,
    /// It is an answer.
    Answer,
    /// It is a run that is what its plan makes.
    Believed,
}

pub fn read(input: &[u8]) -> Reached {
    let Some((number, rest)) = input.split_first() else { return Reached::Nothing };
    let (head, tail) = match rest.iter().position(|byte| *byte == BETWEEN) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &[][..]),
    };
    token(&String::from_utf8_lossy(head));
    let Ok(value) = serde_json::from_slice::<Value>(head) else { return Reached::Nothing };
    let Ok(answer) = Answer::deserialize(value) else { return Reached::Nothing };
    let Answer::Ran(ran) = answer else { return Reached::Answer };
    let again: Ran =
        serde_json::from_slice(&serde_json::to_vec(&ran).expect("a run can be written")).expect("and read");
    assert_eq!(again, *ran);
    drop(serde_json::to_string(&Seen::of(&ran)).expect("what was seen can be written"));
    explain(&ran);
    let mut plans = vec![plan(*number)];
    if let Some(transcript) = Transcript::from_bytes(tail) {
        let deviations = transcript.schedule().deviations;
        plans.push(Plan::Follow { deviations: deviations.clone() });
        plans.push(Plan::Bounded { deviations });
    }
    let mut reached = Reached::Answer;
    for plan in plans {
        let Ok(transcript) = believe(&plan, &ran, tail) else { continue };
        reached = Reached::Believed;
        assert_eq!(Transcript::from_bytes(&transcript.to_bytes()).as_ref(), Some(&transcript));
        search_on(&plan, &transcript);
        show(&ran, &transcript);
    }
    reached
}

/// What is a token says what was read from it.
fn token(text: &str) {
    if let Ok(token) = Token::parse(text) {
        let text = token.to_text();
        assert!(text.is_none_or(|text| Token::parse(&text) == Ok(token)));
    }
}

/// A bounded search goes on from where the run says that it could have gone on.
fn search_on(plan: &Plan, transcript: &Transcript) {
    if let Plan::Bounded { deviations } = plan {
        let mut bounded = Bounded::new(1, 7);
        bounded.take(1, 100);
        bounded.ran(deviations, &transcript.stretches);
        bounded.take(25, 10);
        _ = bounded.certificate();
    }
}

/// Whatever is found can be shown.
fn show(ran: &Ran, transcript: &Transcript) {
    let sources = BTreeMap::from([("bug.py".to_owned(), "def f():\n    x = 1\n".repeat(40))]);
    let findings = ran.facts.iter().take(3).map(Finding::Fact).chain([Finding::Observation, Finding::History]);
    for finding in findings {
        let reach = Some(Reach::NotSeen { schedules: 150 });
        let found =
            Found { finding, ran, transcript, sources: &sources, token: None, schedules: 1, found_after: 1, reach };
        let evidence = found.evidence();
        let bytes = serde_json::to_vec(&evidence).expect("evidence can be written").len();
        assert!(bytes <= EVIDENCE_BYTES_MAX, "{bytes} bytes of evidence");
        match evidence {
            Evidence::Schedule(schedule) => assert_holds_together(&schedule),
            other => panic!("{other:?}"),
        }
    }
}

/// Numbers are those of threads and events that there are.
fn assert_holds_together(schedule: &ScheduleEvidence) {
    let switches = schedule.events.iter().filter_map(|event| event.switch).map(|switch| switch.from);
    let waits = schedule.waits.iter().flat_map(|wait| wait.held_by.iter().copied().chain([wait.thread]));
    let events = schedule.events.iter().map(|event| event.thread);
    let mut threads = events.chain(switches).chain(waits).chain(schedule.cycle.iter().copied());
    assert!(threads.all(|thread| (thread as usize) < schedule.threads.len()), "{schedule:?}");
    assert!(schedule.left_out.iter().all(|gap| gap.before as usize <= schedule.events.len()), "{schedule:?}");
}

/// A model of a list to which anything adds what it was given.
struct List;

impl Model for List {
    fn step(&mut self, questions: &[Question<'_>]) -> io::Result<Vec<Stepped>> {
        let stepped = |question: &Question<'_>| {
            let mut state = question.state.clone();
            state.as_array_mut()?.extend(question.arguments.iter().take(1).cloned());
            Some(Stepped::To { state, result: Value::Null })
        };
        Ok(questions.iter().map(|question| stepped(question).unwrap_or(Stepped::Blocked)).collect())
    }
}

/// An order is looked for that explains what calls gave.
fn explain(ran: &Ran) {
    if ran.history.len() <= OPERATIONS_MAX {
        for pending in [Pending::Stuck, Pending::Unknown] {
            let mut memory = Memory::new(List, Value::Array(vec![]));
            drop(history::check(&ran.history, pending, &mut memory));
        }
    }
}
