//! A slot: one thread that grades one submission at a time.
//!
//! The thread lives as long as the slot, because what a grading starts may be tied to the life of the thread that
//! started it. A panic of the grader ends the grading, not the slot.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use grader::{Event, Exercise, Grader, GraderError, Report, Request, Submission};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// What to grade.
#[derive(Debug)]
pub struct Task {
    pub exercise: Arc<Exercise>,
    pub submission: Submission,
    pub request: Request,
}

/// A task on its way, with the ends that the thread holds.
#[derive(Debug)]
struct Order {
    task: Task,
    events: UnboundedSender<Event>,
    outcome: oneshot::Sender<Result<Report, GraderError>>,
    cancelled: Arc<AtomicBool>,
}

/// A grading on the slot's thread. Dropping it calls the grading off.
#[derive(Debug)]
pub struct Running {
    /// At most a few hundred: two a case.
    pub events: UnboundedReceiver<Event>,
    pub outcome: oneshot::Receiver<Result<Report, GraderError>>,
    cancelled: Arc<AtomicBool>,
}

impl Running {
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The sending end to the slot's thread; the thread ends with it.
#[derive(Debug)]
pub struct Slot {
    orders: Sender<Order>,
}

impl Slot {
    pub fn start(number: usize, grader: Arc<Grader>) -> std::io::Result<Slot> {
        let (orders, received) = channel();
        thread::Builder::new().name(format!("slot-{number}")).spawn(move || serve(&grader, &received))?;
        Ok(Slot { orders })
    }

    /// Hands a task to the thread, which is idle: a slot's caller waits for each outcome.
    pub fn grade(&self, task: Task) -> Running {
        let (events, events_received) = unbounded_channel();
        let (outcome, outcome_received) = oneshot::channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let order = Order { task, events, outcome, cancelled: cancelled.clone() };
        // A dead thread shows itself as an outcome that never comes.
        let _ = self.orders.send(order);
        Running { events: events_received, outcome: outcome_received, cancelled }
    }
}

fn serve(grader: &Grader, orders: &Receiver<Order>) {
    for Order { task, events, outcome, cancelled } in orders {
        // Whoever gave the order may have gone.
        let mut tell = |event| drop(events.send(event));
        let is_cancelled = || cancelled.load(Ordering::Relaxed);
        let grade = || grader.grade(&task.exercise, &task.submission, &task.request, &mut tell, &is_cancelled);
        let report = catch_unwind(AssertUnwindSafe(grade))
            .unwrap_or_else(|_| Err(GraderError::Io(std::io::Error::other("the grader panicked"))));
        let _ = outcome.send(report);
    }
}
