//! A worker without Python: threads are lists of operations on a few numbers and locks, run by a strategy as the real ones
//! are. Small enough that all its schedules can be counted by another way.

use std::collections::{BTreeMap, VecDeque};

use schedules::words::{Body, Counts, Deadlock, Fact, Granularity, Limits, Ran, Scenario, Subject};
use schedules::{Candidate, Entry, Plan, Strategy, Stretch, Thread, Transcript, View, Why, by_default};
use serde_json::{Map, json};

use super::lab::{Trouble, Worker};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Takes the number into the thread's own one.
    Read(usize),
    /// Puts its own one there, times a factor plus a summand, by a modulus.
    Write(usize, [u64; 3]),
    Lock(usize),
    Unlock(usize),
}

pub type Program = Vec<Vec<Op>>;

pub const ADD: [u64; 3] = [1, 1, u64::MAX];

/// Where a run stands. Thread 0 has started all others and waits for them.
#[derive(Clone, Debug)]
struct State {
    numbers: [u64; 4],
    locks: [Option<usize>; 4],
    own: Vec<u64>,
    /// Operations done by each.
    done: Vec<usize>,
    /// Steps of each.
    steps: Vec<u32>,
    /// Whether it stands behind the point of its next operation.
    passed: Vec<bool>,
}

impl State {
    fn new(program: &Program) -> State {
        let all = program.len() + 1;
        State {
            numbers: [0; 4],
            locks: [None; 4],
            own: vec![0; all],
            done: vec![0; all],
            steps: vec![0; all],
            passed: vec![false; all],
        }
    }

    fn next(&self, program: &Program, thread: usize) -> Option<Op> {
        program.get(thread - 1)?.get(self.done[thread]).copied()
    }

    fn enabled(&self, program: &Program) -> Vec<usize> {
        let able = |thread: &usize| match self.next(program, *thread) {
            Some(Op::Lock(lock)) => self.locks[lock].is_none(),
            Some(_) => true,
            None => false,
        };
        (1..=program.len()).filter(able).collect()
    }

    fn carry_out(&mut self, program: &Program, thread: usize) {
        match self.next(program, thread).expect("it was enabled") {
            Op::Read(number) => self.own[thread] = self.numbers[number],
            Op::Write(number, [factor, summand, modulus]) => {
                self.numbers[number] = (self.own[thread] * factor + summand) % modulus;
            }
            Op::Lock(lock) => self.locks[lock] = Some(thread),
            Op::Unlock(lock) => self.locks[lock] = None,
        }
        self.done[thread] += 1;
        self.passed[thread] = false;
    }
}

/// How many schedules have at most so many preemptions, by trying each.
pub fn count(program: &Program, preemptions: u32) -> u64 {
    let counting = Counting { program };
    counting.hand_over(&State::new(program), preemptions)
}

struct Counting<'a> {
    program: &'a Program,
}

impl Counting<'_> {
    /// Whoever ran cannot go on.
    fn hand_over(&self, state: &State, left: u32) -> u64 {
        match state.enabled(self.program) {
            none if none.is_empty() => 1,
            enabled => enabled.into_iter().map(|next| self.runs(state.clone(), next, left)).sum(),
        }
    }

    fn runs(&self, mut state: State, me: usize, left: u32) -> u64 {
        let enabled = state.enabled(self.program);
        if !enabled.contains(&me) {
            state.passed[me] = true;
            return self.hand_over(&state, left);
        }
        if state.passed[me] {
            state.carry_out(self.program, me);
            return self.runs(state, me, left);
        }
        state.passed[me] = true;
        let others = if left == 0 { vec![] } else { enabled };
        let handed_over = others.into_iter().filter(|next| *next != me);
        let handed_over: u64 = handed_over.map(|next| self.runs(state.clone(), next, left - 1)).sum();
        handed_over + self.runs(state, me, left)
    }
}

/// One run.
struct Run<'a> {
    program: &'a Program,
    strategy: Box<dyn Strategy>,
    state: State,
    transcript: Transcript,
    total: u32,
    /// The total at which a choice is due.
    due: Option<u32>,
    /// Something may have become possible for others.
    dirty: bool,
    preemptions: u32,
}

pub fn run(program: &Program, plan: &Plan, start: u64) -> (Ran, Transcript) {
    let mut run = Run {
        program,
        strategy: plan.strategy(),
        state: State::new(program),
        transcript: Transcript::default(),
        total: 0,
        due: None,
        dirty: false,
        preemptions: 0,
    };
    run.state.numbers[0] = start;
    run.strategy.started(Thread(0));
    for thread in 1..=program.len() {
        run.strategy.started(Thread(thread as u16));
        run.transcript.entries.push(Entry::Started(Thread(thread as u16)));
    }
    run.all();
    let waiting = (1..=program.len()).any(|thread| run.state.next(program, thread).is_some());
    let deadlock = Fact::Deadlock { class: Deadlock::Cycle, waits: vec![], cycle: vec![] };
    let ran = Ran {
        facts: if waiting { vec![deadlock] } else { vec![] },
        outcome: (!waiting).then(|| json!(run.state.numbers[0])),
        threads: (0..=program.len()).map(|number| format!("T{number}")).collect(),
        counts: Counts {
            threads: program.len() as u32 + 1,
            points: run.total,
            preemptions: run.preemptions,
            ..Counts::default()
        },
        ..Ran::default()
    };
    (ran, run.transcript)
}

impl Run<'_> {
    fn all(&mut self) {
        let mut me = 0;
        // The main thread waits.
        self.state.steps[0] += 1;
        while let Some(next) = self.block(me) {
            me = next;
            self.arm(me);
            while let Some(op) = self.state.next(self.program, me) {
                if !self.state.passed[me] {
                    self.state.passed[me] = true;
                    self.state.steps[me] += 1;
                    self.total += 1;
                    let next = self.point(me, op);
                    if next != me {
                        me = next;
                        self.arm(me);
                        continue;
                    }
                }
                if !self.able(me) {
                    break;
                }
                self.state.carry_out(self.program, me);
                self.dirty |= matches!(op, Op::Unlock(_));
            }
            self.state.steps[me] += 1;
        }
    }

    fn able(&self, me: usize) -> bool {
        self.state.enabled(self.program).contains(&me)
    }

    fn arm(&mut self, me: usize) {
        let step = self.state.steps[me];
        let points = self.strategy.arm(Thread(me as u16), step, self.total);
        self.due = points.map(|points| self.total + points);
        self.transcript.entries.push(Entry::Armed { me: Thread(me as u16), step, total: self.total, points });
    }

    fn point(&mut self, me: usize, op: Op) -> usize {
        let left = self.due.map_or(i64::MAX, |due| i64::from(due) - i64::from(self.total));
        let synchronisation = matches!(op, Op::Lock(_) | Op::Unlock(_));
        let asked = left <= 0 || synchronisation && (self.dirty || self.strategy.at_every_synchronisation());
        let enabled = self.candidates();
        if !asked || enabled.len() < 2 || !enabled.iter().any(|it| usize::from(it.thread.0) == me) {
            self.stretch(Why::Point, me, me, &enabled);
            if left <= 0 {
                self.arm(me);
            }
            return me;
        }
        self.dirty = false;
        let next = self.choose(Why::Point, me, left, enabled);
        if left <= 0 && next == me {
            self.arm(me);
        }
        next
    }

    /// Who goes on when `me` cannot.
    fn block(&mut self, me: usize) -> Option<usize> {
        let enabled = self.candidates();
        match enabled.len() {
            0 => None,
            1 => Some(usize::from(enabled[0].thread.0)),
            _ => Some(self.choose(Why::Block, me, 0, enabled)),
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let enabled = self.state.enabled(self.program).into_iter();
        enabled.map(|thread| Candidate { thread: Thread(thread as u16), sleeps_until: None }).collect()
    }

    fn choose(&mut self, why: Why, me: usize, left: i64, enabled: Vec<Candidate>) -> usize {
        let thread = Thread(me as u16);
        let (step, total) = (self.state.steps[me], self.total);
        let view = View { me: thread, step, total, left, enabled: &enabled };
        let next = match why {
            Why::Point => self.strategy.at_point(&view),
            Why::Block | Why::Yield => self.strategy.at_block(&view),
        };
        let default = if why == Why::Point { thread } else { by_default(&enabled) };
        self.preemptions += u32::from(why == Why::Point && next != thread);
        if next == default {
            self.stretch(why, me, usize::from(next.0), &enabled);
        }
        self.transcript.entries.push(Entry::Chosen { why, me: thread, step, total, left, enabled, next });
        usize::from(next.0)
    }

    fn stretch(&mut self, why: Why, me: usize, chosen: usize, enabled: &[Candidate]) {
        let able = enabled.iter().any(|candidate| usize::from(candidate.thread.0) == me) || why != Why::Point;
        let others = enabled.iter().map(|it| it.thread).filter(|thread| usize::from(thread.0) != chosen);
        let others: Vec<Thread> = others.collect();
        if !self.strategy.wants_stretches() || others.is_empty() || !able {
            return;
        }
        let (thread, step) = (Thread(me as u16), self.state.steps[me]);
        match self.transcript.stretches.last_mut() {
            Some(last) if (last.why, last.thread, last.to + 1) == (why, thread, step) && last.others == others => {
                last.to = step;
            }
            _ => self.transcript.stretches.push(Stretch { why, thread, from: step, to: step, others }),
        }
    }
}

/// Threads that each add to one number without a lock.
pub fn racy(threads: usize, times: usize) -> Program {
    vec![[Op::Read(0), Op::Write(0, ADD)].repeat(times); threads]
}

pub fn locked(threads: usize, times: usize) -> Program {
    vec![[Op::Lock(0), Op::Read(0), Op::Write(0, ADD), Op::Unlock(0)].repeat(times); threads]
}

/// Each takes two locks of a ring.
pub fn ring(threads: usize) -> Program {
    let one = |thread: usize| {
        let (first, second) = (thread, (thread + 1) % threads);
        vec![Op::Lock(first), Op::Lock(second), Op::Unlock(second), Op::Unlock(first)]
    };
    (0..threads).map(one).collect()
}

/// How a worker lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lie {
    #[default]
    None,
    /// Runs every plan as the default.
    IgnoresPlans,
    /// Answers the right outcome of a run that it did not make.
    HidesOutcomes,
    /// Says that there was nowhere else to go.
    HidesStretches,
    /// Runs like this only as long as the process is the first.
    OnlyAtFirst,
    Trips,
    Ends,
}

/// Runs toys: the program is named by the scenario's class.
#[derive(Debug)]
pub struct ToyWorker {
    pub programs: BTreeMap<String, Program>,
    pub lie: Lie,
    pub workers: u32,
    program: Program,
    start: u64,
    orders: VecDeque<Plan>,
}

impl ToyWorker {
    pub fn new(name: &str, program: Program, lie: Lie) -> ToyWorker {
        let programs = BTreeMap::from([(name.to_owned(), program)]);
        ToyWorker { programs, lie, workers: 0, program: vec![], start: 0, orders: VecDeque::new() }
    }
}

impl Worker for ToyWorker {
    fn fresh(&mut self) -> Result<(), Trouble> {
        self.workers += 1;
        self.orders.clear();
        Ok(())
    }

    fn open(&mut self, scenario: &Scenario) -> Result<u32, Trouble> {
        match &scenario.body {
            Body::Operations { class, .. } => {
                self.start = 0;
                self.program = self.programs.get(class).cloned().ok_or(Trouble::Refused("no such class".to_owned()))?;
            }
            Body::Driver { arguments, .. } => {
                self.start = arguments["start"].as_u64().expect("a number");
                self.program = computing(arguments);
            }
        }
        Ok(7)
    }

    fn order(&mut self, plans: &[Plan], _record: bool) -> Result<(), Trouble> {
        self.orders.extend(plans.iter().cloned());
        Ok(())
    }

    fn next(&mut self) -> Result<(Ran, Vec<u8>), Trouble> {
        let mut plan = self.orders.pop_front().expect("somebody ordered");
        if self.lie == Lie::IgnoresPlans {
            plan = Plan::Follow { deviations: vec![] };
        }
        let (mut ran, mut transcript) = run(&self.program, &plan, self.start);
        match self.lie {
            Lie::HidesOutcomes => ran = run(&self.program, &Plan::Follow { deviations: vec![] }, self.start).0,
            Lie::HidesStretches => transcript.stretches.clear(),
            Lie::OnlyAtFirst if self.workers > 1 => {
                ran.facts.clear();
            }
            Lie::Trips => ran.tripped.push("sys.settrace".to_owned()),
            Lie::Ends => return Err(Trouble::Ended),
            Lie::None | Lie::IgnoresPlans | Lie::OnlyAtFirst => {}
        }
        Ok((ran, transcript.to_bytes()))
    }
}

/// What the canary's text does.
fn computing(arguments: &Map<String, serde_json::Value>) -> Program {
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let pairs = arguments["pairs"].as_array().expect("a list").iter();
    let thread = |pair: &serde_json::Value| {
        let write = Op::Write(0, [number(&pair[0]), number(&pair[1]), 999_983]);
        [Op::Read(0), write].repeat(5)
    };
    pairs.map(thread).collect()
}

pub fn scenario(class: &str) -> Scenario {
    Scenario {
        subject: Subject::File("toy.py".to_owned()),
        body: Body::Operations { class: class.to_owned(), new: vec![], threads: vec![] },
        granularity: Granularity::Shared,
        sleepers_may_wake: false,
        limits: Limits::default(),
        seed: 0,
    }
}
