//! What is said of a schedule in words.

use schedules::Thread;
use schedules::words::{Deadlock, Fact, Place, Raised, Ran, Wait};

use super::ScheduleFinding;
use super::found::{Finding, NAME_CHARS_MAX};
use crate::explore::Reach;

const FACT_CHARS_MAX: usize = 400;
const FACTS_MAX: usize = 6;
/// Threads that one sentence names.
const NAMED_MAX: usize = 6;

pub fn title(finding: ScheduleFinding) -> &'static str {
    match finding {
        ScheduleFinding::Deadlock => "A schedule that ends in a deadlock",
        ScheduleFinding::LostWakeUp => "A schedule in which a notification is missed",
        ScheduleFinding::Stuck => "A schedule that ends with every thread waiting",
        ScheduleFinding::Exception => "A schedule in which an exception ends a thread",
        ScheduleFinding::Livelock => "A schedule that goes on and on",
        ScheduleFinding::BusyWait => "A schedule in which a thread waits by looking again and again",
        ScheduleFinding::Unjoined => "A schedule in which a thread is left running",
        ScheduleFinding::Starvation => "A schedule in which a thread never gets its turn",
        ScheduleFinding::OutOfReach => "A schedule that waits for something outside of the program",
        ScheduleFinding::Observation => "A schedule with a wrong result",
        ScheduleFinding::History => "A schedule whose results fit no order of the calls",
    }
}

/// What the case failed for, and exceptions that ended threads on the way to it.
pub fn facts(finding: &Finding<'_>, ran: &Ran) -> Vec<String> {
    let first = match *finding {
        Finding::Fact(fact) => said(fact, &ran.threads),
        Finding::Observation => "In this schedule the result is wrong.".to_owned(),
        Finding::History => "No order of the calls, one after the other, gives the results that came.".to_owned(),
    };
    let beside = |fact: &&Fact| match finding {
        Finding::Fact(this) => *fact != *this && matches!(fact, Fact::Exception { .. }),
        Finding::Observation | Finding::History => matches!(fact, Fact::Exception { .. } | Fact::Deadlock { .. }),
    };
    let others = ran.facts.iter().filter(beside).map(|fact| said(fact, &ran.threads));
    std::iter::once(first).chain(others).take(FACTS_MAX).map(|fact| cut(&fact, FACT_CHARS_MAX)).collect()
}

fn said(fact: &Fact, names: &[String]) -> String {
    let one = |thread: &Thread| name(names, *thread);
    match fact {
        Fact::Deadlock { class: Deadlock::Cycle, cycle, waits } if cycle.len() == 1 => {
            let what = waits.iter().find(|wait| wait.thread == cycle[0]).and_then(|wait| wait.object.as_deref());
            let what = what.map_or_else(|| "what".to_owned(), |what| format!("{}, which", cut(what, NAME_CHARS_MAX)));
            format!("{} waits for {what} it holds itself, and cannot go on.", one(&cycle[0]))
        }
        Fact::Deadlock { class: Deadlock::Cycle, cycle, .. } => {
            format!("{} wait for one another, and none of them can go on.", all(names, cycle))
        }
        Fact::Deadlock { class: Deadlock::LostWakeUp, waits, .. } => {
            let missed = waits.iter().find(|wait| wait.missed.is_some());
            let (who, place) =
                missed.map_or(("A thread".to_owned(), None), |wait| (one(&wait.thread), wait.missed.as_ref()));
            format!("{who} waits for a notification that was given when it did not wait{}.", at(place))
        }
        Fact::Deadlock { class: Deadlock::Stuck, waits, .. } => match kept(waits) {
            Some((wait, holder)) => {
                let (what, holder) = (wait.object.as_deref().unwrap_or("what"), one(&holder));
                let what = cut(what, NAME_CHARS_MAX);
                format!(
                    "{} waits for {what}, which {holder} had taken and has not given back at its end.",
                    one(&wait.thread)
                )
            }
            None => "Every thread waits, and nobody is left to do what they wait for.".to_owned(),
        },
        Fact::Exception { thread, raised } => {
            let Raised { classes, text, place, .. } = raised;
            let class = classes.first().map_or("an exception", String::as_str);
            let text = if text.is_empty() { String::new() } else { format!(" ({text})") };
            format!("{class}{text} ended {}{}.", one(thread), at(place.as_ref()))
        }
        Fact::Livelock { thread, place } => {
            format!("The run did not come to an end; {} was running{}.", one(thread), at(place.as_ref()))
        }
        Fact::BusyWait { thread, place, times } => {
            format!(
                "{} looked {times} times in a row whether something had changed{}, instead of waiting.",
                one(thread),
                at(place.as_ref())
            )
        }
        Fact::Unjoined { threads } => {
            let verb = if threads.len() == 1 { "was" } else { "were" };
            format!("{} {verb} still running when the main thread had done its work.", all(names, threads))
        }
        Fact::Starvation { thread, place } => {
            format!(
                "{} was notified again and again and never found what it waits for{}, while others came and went.",
                one(thread),
                at(place.as_ref())
            )
        }
        Fact::OutOfReach { thread, place } => {
            format!("{} waits for something outside of the program{}.", one(thread), at(place.as_ref()))
        }
    }
}

/// Somebody who waits for what a thread holds that waits for nothing: it has ended.
fn kept(waits: &[Wait]) -> Option<(&Wait, Thread)> {
    let waits_too = |thread: &Thread| waits.iter().any(|wait| wait.thread == *thread);
    waits.iter().find_map(|wait| Some((wait, *wait.held_by.iter().find(|holder| !waits_too(holder))?)))
}

/// How far the finding reaches. No preemption: threads only take turns where they wait, which they do everywhere.
pub fn reach(reach: Option<Reach>, preemptions: u32) -> String {
    let rules = "This can happen by the rules of the language";
    match reach {
        _ if preemptions == 0 => {
            "This can happen on every Python: no thread is interrupted, they only take turns where they wait or end."
                .to_owned()
        }
        Some(Reach::Seen) => {
            "This can happen on this very interpreter: it was also seen with threads interrupted only \
                              where CPython 3.11 switches them."
                .to_owned()
        }
        Some(Reach::NotSeen { schedules }) => format!(
            "{rules}. CPython 3.11 with its lock was not seen to do it in {schedules} schedules; a Python without that \
             lock may."
        ),
        None => format!("{rules}. Whether CPython 3.11 does it was not tried."),
    }
}

fn at(place: Option<&Place>) -> String {
    place.map(|place| format!(", at line {} of {}", place.line, place.file)).unwrap_or_default()
}

pub fn name(names: &[String], thread: Thread) -> String {
    match names.get(usize::from(thread.0)).filter(|name| !name.is_empty()) {
        Some(name) => cut(name, NAME_CHARS_MAX),
        None => format!("thread {}", thread.0),
    }
}

/// `A, B and C`.
fn all(names: &[String], threads: &[Thread]) -> String {
    let mut named: Vec<String> = threads.iter().take(NAMED_MAX).map(|thread| name(names, *thread)).collect();
    if threads.len() > NAMED_MAX {
        named.push(format!("{} others", threads.len() - NAMED_MAX));
    }
    match named.split_last() {
        None => "Threads".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

pub fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}
