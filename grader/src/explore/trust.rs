//! What of an answer can be believed.
//!
//! It was made beside student code. Whoever answers without having carried out the plan is found by the transcript, by
//! what must have been going on besides, or by the canary; nothing that an honest program does looks like that. Then
//! nothing is said about the program at all, neither good nor bad: the run is void.

use std::collections::HashMap;

use schedules::words::Ran;
use schedules::{Entry, Plan, Stretch, THREADS_MAX, Thread, Transcript, Why, by_default};

/// Largest transcript that is read.
const TRANSCRIPT_BYTES_MAX: usize = 8 << 20;
/// Steps of a stretch: more than points of a run.
const STRETCH_MAX: u32 = 1 << 20;

/// The transcript in `bytes`, if it is what the plan makes and what was seen is no more than it allows; otherwise why the
/// run is void.
pub fn believe(plan: &Plan, ran: &Ran, bytes: &[u8]) -> Result<Transcript, String> {
    if let Some(deed) = ran.tripped.first() {
        return Err(format!("it did what could let it out of the scheduler's reach: {}", short(deed)));
    }
    if bytes.len() > TRANSCRIPT_BYTES_MAX {
        return Err("the transcript of a schedule is longer than any can be".to_owned());
    }
    let transcript = Transcript::from_bytes(bytes).ok_or("the transcript of a schedule cannot be read")?;
    transcript.verify(plan).map_err(|lie| {
        format!("the transcript of a schedule is not what its plan makes, at entry {}: {}", lie.entry, lie.reason)
    })?;
    let started = threads(&transcript)?;
    let count = ran.counts.threads as usize;
    if count > started || ran.threads.len() > started {
        return Err(format!("{count} threads are said to have run where {started} were started"));
    }
    if let Plan::Bounded { deviations } = plan {
        further(&transcript, deviations.len())?;
    }
    Ok(transcript)
}

/// Whether it says where the schedule could have gone on otherwise, wherever its choices show that. Where it says more,
/// that is between two choices, which the transcript is silent about.
fn further(transcript: &Transcript, deviations: usize) -> Result<(), String> {
    let mut to_come = deviations;
    let mut stretches: HashMap<(Why, Thread), Vec<&Stretch>> = HashMap::new();
    for stretch in &transcript.stretches {
        stretches.entry((stretch.why, stretch.thread)).or_default().push(stretch);
    }
    for entry in &transcript.entries {
        let Entry::Chosen { why, me, step, enabled, next, .. } = entry else { continue };
        let default = if *why == Why::Point { *me } else { by_default(enabled) };
        if *next != default {
            // A deviation; more of them than asked for, the plan would not have made.
            to_come = to_come.saturating_sub(1);
        } else if to_come == 0 && enabled.len() > 1 {
            let others = || enabled.iter().map(|candidate| candidate.thread).filter(|thread| thread != next);
            let told = stretches.get(&(*why, *me)).into_iter().flatten();
            let mut told = told.filter(|stretch| (stretch.from..=stretch.to).contains(step));
            if !told.any(|stretch| others().eq(stretch.others.iter().copied())) {
                return Err("a schedule could have gone on otherwise, and does not say so".to_owned());
            }
        }
    }
    let long = |stretch: &Stretch| stretch.to.saturating_sub(stretch.from) > STRETCH_MAX;
    if transcript.stretches.iter().any(long) {
        return Err("a schedule says that it could have gone on otherwise where it was not".to_owned());
    }
    Ok(())
}

/// How many threads there were: each is started before it is chosen or chooses, and they are numbered in that order.
fn threads(transcript: &Transcript) -> Result<usize, String> {
    let mut started = 1;
    let known = |thread: Thread, started: usize| usize::from(thread.0) < started;
    for entry in &transcript.entries {
        let all_known = match entry {
            Entry::Started(thread) => {
                let next = usize::from(thread.0) == started && started < THREADS_MAX;
                started += 1;
                next
            }
            Entry::GaveWay(thread) => known(*thread, started),
            Entry::Armed { me, .. } => known(*me, started),
            Entry::Chosen { me, enabled, next, .. } => {
                let mut all = enabled.iter().map(|candidate| candidate.thread).chain([*me, *next]);
                all.all(|thread| known(thread, started))
            }
        };
        if !all_known {
            return Err("the transcript of a schedule names threads that were not started".to_owned());
        }
    }
    Ok(started)
}

/// Students make what stands in it.
pub fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
