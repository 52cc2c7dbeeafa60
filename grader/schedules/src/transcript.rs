//! What the inside says that it did, and whether that is what the plan would have done.
//!
//! The inside runs beside hostile code, so its word is no evidence by itself. But every answer of a strategy follows from
//! the plan and the questions before it: whoever forges a transcript without running the plan gives an answer that the
//! plan does not, unless it has carried out the strategy itself, and then the choices were the plan's.

use serde::{Deserialize, Serialize};

use crate::{Candidate, Deviation, Plan, Schedule, Thread, View, by_default};

/// One run, in the order in which it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub entries: Vec<Entry>,
    /// Where further deviations were possible, if the plan asked.
    pub stretches: Vec<Stretch>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    Started(Thread),
    GaveWay(Thread),
    /// The strategy said when it wants to be asked.
    Armed {
        me: Thread,
        step: u32,
        total: u32,
        points: Option<u32>,
    },
    Chosen {
        why: Why,
        me: Thread,
        step: u32,
        total: u32,
        left: i64,
        enabled: Vec<Candidate>,
        next: Thread,
    },
}

/// Why there was a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Why {
    /// At a point: the running thread could have gone on.
    Point,
    /// The running thread waits, or has ended.
    Block,
    /// The running thread let others go first.
    Yield,
}

/// Steps of one thread during which the same others could have gone on instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    pub why: Why,
    pub thread: Thread,
    /// First and last step.
    pub from: u32,
    pub to: u32,
    /// Who else could have gone on; what was chosen is not among them.
    pub others: Vec<Thread>,
}

/// Where a transcript is not what its plan makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    pub entry: usize,
    pub reason: String,
}

impl Transcript {
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a transcript has a plain form")
    }

    /// `None` where the bytes are no transcript.
    pub fn from_bytes(bytes: &[u8]) -> Option<Transcript> {
        postcard::from_bytes(bytes).ok()
    }

    /// The run as deviations from the default. Of a transcript that was not verified too: a choice of nobody is none.
    pub fn schedule(&self) -> Schedule {
        let deviations = self.entries.iter().filter_map(|entry| match entry {
            Entry::Chosen { enabled, .. } if enabled.is_empty() => None,
            Entry::Chosen { why, me, step, enabled, next, .. } => {
                let default = match why {
                    Why::Point => *me,
                    Why::Block | Why::Yield => by_default(enabled),
                };
                (*next != default).then_some(Deviation { thread: *me, step: *step, next: *next })
            }
            Entry::Started(_) | Entry::GaveWay(_) | Entry::Armed { .. } => None,
        });
        Schedule { deviations: deviations.collect() }
    }

    /// Derives every answer again.
    pub fn verify(&self, plan: &Plan) -> Result<(), Lie> {
        let mut strategy = plan.strategy();
        strategy.started(Thread(0));
        let mut due: Option<u64> = None;
        for (entry, said) in self.entries.iter().enumerate() {
            let lie = |reason: String| Err(Lie { entry, reason });
            match said {
                Entry::Started(thread) => strategy.started(*thread),
                Entry::GaveWay(thread) => strategy.gave_way(*thread),
                Entry::Armed { me, step, total, points } => {
                    let answer = strategy.arm(*me, *step, *total);
                    if answer != *points {
                        return lie(format!("asked again after {points:?} points, the plan says {answer:?}"));
                    }
                    due = points.map(|points| u64::from(*total) + u64::from(points));
                }
                Entry::Chosen { why, me, step, total, left, enabled, next } => {
                    if enabled.is_empty() {
                        return lie("nobody was enabled".to_owned());
                    }
                    if *why == Why::Point && due.is_some_and(|due| u64::from(*total) > due) {
                        return lie(format!("a choice was due after {due:?} points and came after {total}"));
                    }
                    let view = View { me: *me, step: *step, total: *total, left: *left, enabled };
                    let answer = match why {
                        Why::Point => strategy.at_point(&view),
                        Why::Block | Why::Yield => strategy.at_block(&view),
                    };
                    if answer != *next {
                        return lie(format!("thread {} went on, the plan says {}", next.0, answer.0));
                    }
                }
            }
        }
        Ok(())
    }
}
