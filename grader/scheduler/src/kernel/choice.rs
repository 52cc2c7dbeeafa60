//! Who goes on.
//!
//! Every question is put to the run's strategy and written into the transcript, in the words that the outside will derive
//! the answer from again. There is a question only where two or more could go on.
//!
//! Time is the last to move: a wait gives up only when nobody can run, and then the one whose time comes first. Sleepers
//! are different where the scenario says so: nothing promises that a sleep is longer than somebody else's work, so they may
//! be chosen at any moment, and time jumps.

use schedules::{Candidate, Entry, Strategy, Stretch, View, Why};

use super::{Kernel, State, Waiting, Wants, numbered};
use crate::tracer;

/// Who goes on after a wait began or a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Thread(usize),
    /// Only the kernel could wake somebody.
    Outside,
    Nobody,
}

impl Kernel {
    /// Whether what it waits for is there.
    pub fn satisfied(&self, thread: usize, waiting: &Waiting) -> bool {
        match &waiting.wants {
            Wants::Lock(core) => core.is_free(),
            Wants::Notification { lock, .. } => {
                self.threads[thread].notified && lock.as_ref().is_none_or(|lock| lock.is_free())
            }
            Wants::Item(length) => length.get() > 0,
            Wants::Ends(threads) => {
                threads.iter().all(|thread| matches!(self.threads[*thread].state, State::Ended | State::Lost))
            }
            Wants::Stillness | Wants::Time => false,
            Wants::Turn(turn) => turn.is_ready(),
            Wants::Descriptors(watched) => watched.is_ready(),
        }
    }

    fn is_awake(&self, thread: usize) -> bool {
        match &self.threads[thread].state {
            State::Runs => true,
            State::Waits(waiting) => self.satisfied(thread, waiting),
            State::Ended | State::Lost => false,
        }
    }

    /// Until when it sleeps, if nothing but time can wake it.
    fn sleeps_until(&self, thread: usize) -> Option<u64> {
        match &self.threads[thread].state {
            State::Waits(Waiting { wants: Wants::Time, until, .. }) => *until,
            State::Waits(Waiting { wants: Wants::Turn(turn), .. }) => turn.sleeps_until(),
            State::Runs | State::Waits(_) | State::Ended | State::Lost => None,
        }
    }

    fn waits_for_stillness(&self, thread: usize) -> bool {
        matches!(&self.threads[thread].state, State::Waits(Waiting { wants: Wants::Stillness, .. }))
    }

    /// Who could go on, `except` that one, by number.
    fn able(&self, except: Option<usize>) -> Vec<Candidate> {
        let mut able = Vec::with_capacity(self.threads.len());
        let mut awake = false;
        for thread in (0..self.threads.len()).filter(|thread| Some(*thread) != except) {
            if self.is_awake(thread) {
                awake = true;
                able.push(Candidate { thread: numbered(thread), sleeps_until: None });
            } else if self.sleepers_may_wake
                && let Some(until) = self.sleeps_until(thread)
            {
                able.push(Candidate { thread: numbered(thread), sleeps_until: Some(until.max(self.now)) });
            }
        }
        if !awake && except.is_none() {
            let still = (0..self.threads.len()).filter(|thread| self.waits_for_stillness(*thread));
            let still: Vec<Candidate> =
                still.map(|thread| Candidate { thread: numbered(thread), sleeps_until: None }).collect();
            if !still.is_empty() {
                return still;
            }
        }
        self.line_up(&mut able);
        able
    }

    /// Who could go on if time passed: the first to wake, and sleepers whose time need not be the shortest.
    fn timed(&self, except: Option<usize>) -> Vec<Candidate> {
        let until = |thread: usize| match &self.threads[thread].state {
            State::Waits(waiting) if Some(thread) != except => waiting.gives_up(),
            State::Runs | State::Waits(_) | State::Ended | State::Lost => None,
        };
        let Some(first) = (0..self.threads.len()).filter_map(until).min() else { return Vec::new() };
        let due = |thread: usize| {
            let until = until(thread)?;
            let may = until <= first || (self.sleepers_may_wake && self.sleeps_until(thread).is_some());
            may.then_some(Candidate { thread: numbered(thread), sleeps_until: Some(until.max(self.now)) })
        };
        let mut timed: Vec<Candidate> = (0..self.threads.len()).filter_map(due).collect();
        self.line_up(&mut timed);
        timed
    }

    /// At a point: goes on with the running thread or another.
    pub fn consider(&mut self) -> usize {
        self.close_stretch();
        self.dirty = false;
        let me = self.current;
        let able = self.able(None);
        let next = if able.len() > 1 { self.ask(Why::Point, able) } else { me };
        if next != me {
            self.told.counts.preemptions += 1;
        }
        self.wake(next);
        next
    }

    /// After a wait began or the running thread ended.
    pub fn pick(&mut self) -> Next {
        self.dirty = false;
        let mut able = self.able(None);
        if able.iter().all(|candidate| candidate.sleeps_until.is_some()) {
            able = self.timed(None);
        }
        let next = match able.len() {
            0 if self.somebody_waits_for_the_kernel() => return Next::Outside,
            0 => return Next::Nobody,
            1 => usize::from(able[0].thread.0),
            _ => self.ask(Why::Block, able),
        };
        self.wake(next);
        Next::Thread(next)
    }

    /// Lets another go first, if there is one; if nobody is awake, time passes only for one who `waits_for_it`.
    pub fn give_way(&mut self, waits_for_it: bool) -> usize {
        self.close_stretch();
        tracer::bump(false);
        self.dirty = false;
        let me = self.current;
        self.gave_way(me);
        let mut able = self.able(Some(me));
        if able.iter().all(|candidate| candidate.sleeps_until.is_some()) {
            able = if waits_for_it { self.timed(Some(me)) } else { Vec::new() };
        }
        let next = match able.len() {
            0 => me,
            1 => usize::from(able[0].thread.0),
            _ => self.ask(Why::Yield, able),
        };
        self.wake(next);
        next
    }

    /// Lets the next one go on that can, by number, or could once time has passed. That is no question to anybody.
    pub fn next_in_turn(&mut self) -> usize {
        self.close_stretch();
        tracer::bump(false);
        self.dirty = false;
        let me = self.current;
        self.gave_way(me);
        let mut able = self.able(Some(me));
        if able.is_empty() {
            able = self.timed(Some(me));
        }
        let others = able.iter().map(|candidate| usize::from(candidate.thread.0));
        let next = others.min_by_key(|thread| (*thread < me, *thread)).unwrap_or(me);
        self.wake(next);
        next
    }

    pub fn gave_way(&mut self, thread: usize) {
        self.strategy.gave_way(numbered(thread));
        self.transcript.entries.push(Entry::GaveWay(numbered(thread)));
    }

    pub fn started(&mut self, thread: usize) {
        self.strategy.started(numbered(thread));
        // Everybody knows of the main thread.
        if thread > 0 {
            self.transcript.entries.push(Entry::Started(numbered(thread)));
        }
    }

    pub fn is_due(&self) -> bool {
        self.dirty || self.strategy.at_every_synchronisation() || tracer::left() <= 0
    }

    fn ask(&mut self, why: Why, enabled: Vec<Candidate>) -> usize {
        let me = numbered(self.current);
        let (step, total, left) = (tracer::steps(me), tracer::total(), tracer::left());
        let view = View { me, step, total, left, enabled: &enabled };
        // What is chosen by the last deviation is no further one.
        let wanted = why != Why::Point && self.strategy.wants_stretches();
        let next = match why {
            Why::Point => self.strategy.at_point(&view),
            Why::Block | Why::Yield => self.strategy.at_block(&view),
        };
        if wanted {
            let others = enabled.iter().map(|candidate| candidate.thread).filter(|thread| *thread != next).collect();
            self.transcript.stretches.push(Stretch { why, thread: me, from: step, to: step, others });
        }
        self.transcript.entries.push(Entry::Chosen { why, me, step, total, left, enabled, next });
        usize::from(next.0)
    }

    /// From here on `thread` runs, whatever it waited for.
    pub fn wake(&mut self, thread: usize) {
        let state = std::mem::replace(&mut self.threads[thread].state, State::Runs);
        if let State::Waits(waiting) = state {
            let stillness = matches!(waiting.wants, Wants::Stillness);
            let satisfied = stillness || self.satisfied(thread, &waiting);
            self.threads[thread].timed_out = !satisfied;
            let vain = !satisfied && matches!(waiting.wants, Wants::Descriptors(_));
            self.vain = if vain { self.vain + 1 } else { 0 };
            if let (false, Some(until)) = (satisfied, waiting.gives_up()) {
                self.now = self.now.max(until);
            }
        }
        if thread != self.current {
            self.told.counts.switches += 1;
            self.current = thread;
            tracer::run(numbered(thread));
        }
        self.stretch_from = tracer::steps(numbered(thread)) + 1;
        self.arm();
    }

    pub fn arm(&mut self) {
        let me = numbered(self.current);
        let (step, total) = (tracer::steps(me), tracer::total());
        let points = self.strategy.arm(me, step, total);
        self.transcript.entries.push(Entry::Armed { me, step, total, points });
        tracer::arm(points);
    }

    /// The next operation may let others go on.
    pub fn enables(&mut self) {
        self.close_stretch();
        self.dirty = true;
    }

    pub fn close_stretch(&mut self) {
        if !self.strategy.wants_stretches() {
            return;
        }
        let me = self.current;
        let step = tracer::steps(numbered(me));
        if step >= self.stretch_from {
            let able = self.able(Some(me));
            if !able.is_empty() {
                let others = able.into_iter().map(|candidate| candidate.thread).collect();
                let (thread, from) = (numbered(me), self.stretch_from);
                self.transcript.stretches.push(Stretch { why: Why::Point, thread, from, to: step, others });
            }
        }
        self.stretch_from = step + 1;
    }

    /// Before a run.
    pub fn begin(&mut self, strategy: Box<dyn Strategy>) {
        self.strategy = strategy;
        self.transcript = schedules::Transcript::default();
        self.dirty = false;
        self.stretch_from = 1;
    }

    fn somebody_waits_for_the_kernel(&self) -> bool {
        self.threads.iter().any(|thread| match &thread.state {
            State::Waits(Waiting { wants: Wants::Descriptors(_), .. }) => true,
            State::Waits(Waiting { wants: Wants::Turn(turn), .. }) => turn.watches(),
            State::Runs | State::Waits(_) | State::Ended | State::Lost => false,
        })
    }
}
