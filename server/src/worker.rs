//! The worker: claims gradings, grades them, reports under the lease.
//!
//! Each slot has a thread of its own that does nothing but grade, because a grading blocks for seconds; everything
//! that talks to the database is async beside it. A lease is kept up while its grading runs; once it is lost the
//! grading is called off and its report dropped. Told to stop, a worker claims nothing more, gives what is running
//! [`GRACE`] to finish, then gives it back for another worker.
//!
//! Nothing here reads a clock to decide anything about a lease: the database's clock does.

mod slot;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use grader::seed::Root;
use grader::{Event, Grader, GraderError, Report, Request};
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::db::exercises::Exercises;
use crate::db::notify::Notices;
use crate::db::queue::{self, Fenced, Lease};
use crate::db::replays::Replay;
use crate::db::{progress, runtimes, secrets, submissions};
use crate::ids::SubmissionId;
use slot::{Slot, Task};

/// How long a stopping worker lets its gradings run on.
const GRACE: Duration = Duration::from_secs(20);
/// Longest time between two looks at the queue, should no notification come.
const POLL: Duration = Duration::from_secs(1);
/// Time between two rounds of collecting expired leases.
const REAP: Duration = Duration::from_secs(5);
/// Wait after the database failed.
const RETRY: Duration = Duration::from_secs(2);
/// Heartbeats in the length of a lease.
const BEATS: u32 = 3;

/// What a worker needs.
#[derive(Clone, Debug)]
pub struct Worker {
    pub db: PgPool,
    pub grader: Arc<Grader>,
    pub exercises: Exercises,
    pub notices: Notices,
    /// How many gradings run at the same time.
    pub slots: usize,
    /// How long this worker's silence is borne.
    pub lease: Duration,
    /// Who it is, for people who read the queue.
    pub name: String,
}

impl Worker {
    /// Works until `stop`; returns once every slot is idle.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let root = secrets::seed_root(&self.db).await.context("read the seed root: run `practicum migrate` first")?;
        let mut tasks = JoinSet::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(reap_forever(self.db.clone(), self.notices.clone())));
        let mut slots = JoinSet::new();
        for number in 0..self.slots {
            let slot = Slot::start(number, self.grader.clone())?;
            slots.spawn(work(self.clone(), slot, root.clone(), stop.clone()));
        }
        info!(worker = self.name, slots = self.slots, "working");
        while let Some(ended) = slots.join_next().await {
            ended.context("a slot died")?;
        }
        Ok(())
    }
}

/// One slot's life: claim, grade, again.
async fn work(worker: Worker, slot: Slot, root: Root, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // Anew each time, and before the look: what moved while this slot was busy is of no interest now, what moves
        // after the look is.
        let mut moved = worker.notices.subscribe();
        match queue::claim(&worker.db, &worker.name, worker.lease).await {
            Ok(Some(lease)) => hold(&worker, &slot, &root, &stop, &lease).await,
            Ok(None) => wait_for_work(&mut moved, &stop).await,
            Err(error) => {
                warn!(%error, "failed to claim a grading");
                stop.run_until_cancelled(sleep(RETRY)).await;
            }
        }
    }
}

async fn wait_for_work(moved: &mut broadcast::Receiver<SubmissionId>, stop: &CancellationToken) {
    // Spread over workers, so that they do not all look at once.
    let poll = POLL.mul_f64(0.75 + rand::random::<f64>() / 2.0);
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(poll) => {}
        _ = moved.recv() => {}
    }
}

/// Holds one lease from claim to end.
async fn hold(worker: &Worker, slot: &Slot, root: &Root, stop: &CancellationToken, lease: &Lease) {
    worker.notices.moved(lease.submission);
    let outcome = grade(worker, slot, root, stop, lease).await;
    let fenced = match outcome {
        Outcome::Graded(report) => complete(worker, lease, &report).await,
        Outcome::Failed(reason) => {
            error!(grading.id = %lease.grading, tries = lease.tries, reason, "the grader failed");
            queue::grader_failed(&worker.db, lease, &reason).await
        }
        Outcome::Refused(reason) => {
            warn!(grading.id = %lease.grading, reason, "the grader refused what is to be graded");
            queue::bury(&worker.db, lease, &reason).await
        }
        Outcome::Leaving => queue::give_back(&worker.db, lease).await,
        Outcome::LostLease => Ok(Fenced::LostLease),
    };
    match fenced {
        Ok(Fenced::Done) => worker.notices.moved(lease.submission),
        Ok(Fenced::LostLease) => warn!(grading.id = %lease.grading, "lost the lease, dropped what was found"),
        // The lease runs out and another worker takes over.
        Err(error) => error!(grading.id = %lease.grading, %error, "failed to report a grading"),
    }
}

/// Reports until the database takes it or refuses it: a finished grading is worth waiting for.
async fn complete(worker: &Worker, lease: &Lease, report: &Report) -> sqlx::Result<Fenced> {
    let verdict = report.verdict.label();
    info!(grading.id = %lease.grading, verdict, points = report.points, "graded submission {}", lease.submission);
    let deadline = Instant::now() + worker.lease;
    loop {
        match queue::complete(&worker.db, lease, report).await {
            Err(error) if Instant::now() < deadline && error.as_database_error().is_none() => {
                warn!(grading.id = %lease.grading, %error, "failed to report, trying again");
                sleep(RETRY).await;
            }
            Err(error) => {
                let reason = format!("keep the report: {error}");
                error!(grading.id = %lease.grading, reason, "the report was not taken");
                return queue::grader_failed(&worker.db, lease, &reason).await;
            }
            done => return done,
        }
    }
}

/// How a grading under a lease ended.
#[derive(Debug)]
enum Outcome {
    Graded(Box<Report>),
    /// It asks for what there is not, such as a schedule of another case: another try would end the same.
    Refused(String),
    /// Our fault: counts as one of the tries.
    Failed(String),
    /// Called off because this worker stops.
    Leaving,
    /// Called off because the lease was lost.
    LostLease,
}

async fn grade(worker: &Worker, slot: &Slot, root: &Root, stop: &CancellationToken, lease: &Lease) -> Outcome {
    let watch = watch(worker, stop, lease);
    tokio::pin!(watch);
    // It may have to fetch and compile what takes as long as a lease.
    let task = tokio::select! {
        task = prepare(worker, root, lease) => match task {
            Ok(task) => task,
            Err(error) => return Outcome::Failed(format!("{error:#}")),
        },
        called_off = &mut watch => return called_off.into(),
    };
    let mut running = slot.grade(task);
    let mut called_off = None;
    loop {
        tokio::select! {
            biased;
            Some(event) = running.events.recv() => record(worker, lease, &event).await,
            outcome = &mut running.outcome => {
                let outcome = outcome.unwrap_or_else(|_| Err(GraderError::Io(std::io::Error::other("the slot's thread died"))));
                return judge(outcome, called_off);
            }
            reason = &mut watch, if called_off.is_none() => {
                running.cancel();
                called_off = Some(reason);
            }
        }
    }
}

async fn prepare(worker: &Worker, root: &Root, lease: &Lease) -> anyhow::Result<Task> {
    let exercise = worker.exercises.get(&worker.db, &lease.suite_hash).await?;
    if let Some(runtime) = exercise.runtime() {
        provide(worker, runtime).await.context("prepare the simulated lane")?;
    }
    let submission = submissions::load(&worker.db, lease.submission).await.context("load the submission")?;
    let (only, replay) = lease.replay.clone().map(|Replay { case, token }| (case, token)).unzip();
    let request = Request { root: root.clone(), only, seed: None, replay, set: Default::default() };
    Ok(Task { exercise, submission, request })
}

/// Makes sure that this machine has compiled the runtime that an exercise names, whatever other it may have.
async fn provide(worker: &Worker, runtime: &str) -> anyhow::Result<()> {
    if worker.grader.runtimes().ready(runtime)? {
        return Ok(());
    }
    info!(runtime, "fetching the Python of the simulated lane");
    let component = runtimes::component(&worker.db, runtime).await?;
    let (grader, runtime) = (worker.grader.clone(), runtime.to_owned());
    spawn_blocking(move || grader.runtimes().provide(&runtime, &component)).await??;
    Ok(())
}

/// A report that is ready before the cancellation is seen still counts: the fence decides.
fn judge(outcome: Result<Report, GraderError>, called_off: Option<CalledOff>) -> Outcome {
    match (outcome, called_off) {
        (Ok(report), _) => Outcome::Graded(Box::new(report)),
        (Err(_), Some(called_off)) => called_off.into(),
        (Err(GraderError::Request(reason)), None) => Outcome::Refused(reason),
        (Err(error), None) => Outcome::Failed(error.to_string()),
    }
}

async fn record(worker: &Worker, lease: &Lease, event: &Event) {
    match progress::record(&worker.db, lease, event).await {
        Ok(Fenced::Done) => worker.notices.moved(lease.submission),
        // The heartbeat finds out and calls the grading off.
        Ok(Fenced::LostLease) => {}
        Err(error) => warn!(grading.id = %lease.grading, %error, "failed to record progress"),
    }
}

/// Why a running grading must end.
#[derive(Clone, Copy, Debug)]
enum CalledOff {
    LostLease,
    Leaving,
}

impl From<CalledOff> for Outcome {
    fn from(reason: CalledOff) -> Outcome {
        match reason {
            CalledOff::LostLease => Outcome::LostLease,
            CalledOff::Leaving => Outcome::Leaving,
        }
    }
}

/// Keeps the lease up until the grading has to be called off.
async fn watch(worker: &Worker, stop: &CancellationToken, lease: &Lease) -> CalledOff {
    let grace = async {
        stop.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        () = keep_up(worker, lease) => CalledOff::LostLease,
        () = grace => CalledOff::Leaving,
    }
}

/// Returns once the lease is lost: refused by the database, or not renewed for its whole length.
async fn keep_up(worker: &Worker, lease: &Lease) {
    let mut beat = interval(worker.lease / BEATS);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    loop {
        beat.tick().await;
        match queue::heartbeat(&worker.db, lease, worker.lease).await {
            Ok(Fenced::Done) => renewed = Instant::now(),
            Ok(Fenced::LostLease) => return,
            Err(error) => {
                warn!(grading.id = %lease.grading, %error, "failed to renew a lease");
                if renewed.elapsed() > worker.lease {
                    return;
                }
            }
        }
    }
}

/// Collects what workers that fell silent left behind.
async fn reap_forever(db: PgPool, notices: Notices) {
    let mut round = interval(REAP);
    loop {
        round.tick().await;
        match reap(&db).await {
            Ok(moved) => moved.into_iter().for_each(|submission| notices.moved(submission)),
            Err(error) => warn!(%error, "failed to collect expired leases"),
        }
    }
}

async fn reap(db: &PgPool) -> sqlx::Result<Vec<SubmissionId>> {
    let mut moved = queue::bury_expired(db).await?;
    moved.extend(queue::reap(db).await?);
    Ok(moved)
}
