//! The queue of gradings.
//!
//! A row waits, is claimed under a lease, and is deleted when its grading ends. Each claim makes a fresh token; whoever
//! reports must carry it, so the report of a worker that was taken for dead is refused, however late it comes. Leases
//! run on the database's clock alone. NOTIFY never happens here: it takes a database-wide lock through commit, so
//! [`super::notify`] sends it afterwards.

#[cfg(test)]
mod tests;

use std::time::Duration;

use grader::{Report, Verdict};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::db::replays::Replay;
use crate::ids::{GradingId, PersonId, SubmissionId, SuiteHash};

/// Claims of one grading before it is given up as dead.
pub const TRIES_MAX: i16 = 3;
/// How far each outstanding grading puts back its owner's next one.
pub const FAIR_STEP_S: f64 = 15.0;
/// How long a worker's silence is borne, unless it was told otherwise.
pub const LEASE: Duration = Duration::from_secs(30);
/// Wait before the second claim; doubled for each further one.
pub const BACKOFF_S: f64 = 2.0;
/// Longest text of a grader error that is kept, in characters.
const ERROR_CHARACTERS_MAX: usize = 4000;

/// Who goes first. By role, never by the channel that a submission came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    Staff,
    Student,
    /// Somebody waits for it and nothing is decided by it.
    Replay,
    Regrade,
}

impl Band {
    fn number(self) -> i16 {
        match self {
            Band::Staff => 10,
            Band::Student => 100,
            Band::Replay => 150,
            Band::Regrade => 200,
        }
    }
}

/// The right to grade one grading, for as long as it is kept up.
#[derive(Clone, Debug)]
pub struct Lease {
    pub grading: GradingId,
    /// The fencing token.
    pub token: Uuid,
    /// Claims of this grading, this one counted.
    pub tries: i16,
    pub submission: SubmissionId,
    /// What to grade against.
    pub suite_hash: SuiteHash,
    /// Only this: its report counts for nothing.
    pub replay: Option<Replay>,
}

/// What became of a report under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fenced {
    Done,
    /// The lease ran out and the grading is somebody else's: nothing was changed.
    LostLease,
}

impl Fenced {
    fn of(rows: u64) -> Fenced {
        if rows == 0 { Fenced::LostLease } else { Fenced::Done }
    }
}

/// Puts a grading in line, in the transaction that makes it.
pub async fn enqueue(db: &mut PgConnection, grading: GradingId, person: PersonId, band: Band) -> sqlx::Result<()> {
    sqlx::query(
        "insert into queue (grading_id, person_id, band, fair_at)
         values ($1, $2, $3, now() + (
             select count(*)
             from queue
             where person_id = $2) * make_interval(secs => $4))",
    )
    .bind(grading)
    .bind(person)
    .bind(band.number())
    .bind(FAIR_STEP_S)
    .execute(db)
    .await?;
    Ok(())
}

/// Replays, or else other gradings, that a person has waiting or running: neither holds up the other.
pub async fn outstanding(db: &mut PgConnection, person: PersonId, replays: bool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select count(*)
         from queue
         where person_id = $1
         and (band = $2) = $3",
    )
    .bind(person)
    .bind(Band::Replay.number())
    .bind(replays)
    .fetch_one(db)
    .await
}

/// How many would be claimed before this one, and itself; `None` once it no longer waits.
pub async fn position(db: impl sqlx::PgExecutor<'_>, grading: GradingId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "select (
             select count(*)
             from queue ahead
             where ahead.lease_token is null
             and (ahead.band, ahead.fair_at, ahead.grading_id) <= (mine.band, mine.fair_at, mine.grading_id))
         from queue mine
         where mine.grading_id = $1
         and mine.lease_token is null",
    )
    .bind(grading)
    .fetch_optional(db)
    .await
}

/// Claims the next grading in line, if any is ready.
pub async fn claim(db: &PgPool, worker: &str, lease: Duration) -> sqlx::Result<Option<Lease>> {
    let claimed: Option<Claimed> = sqlx::query_as(
        "with next as (
             select grading_id
             from queue
             where lease_token is null
             and run_at <= now()
             order by band, fair_at, grading_id
             limit 1
             for update skip locked),
         claimed as (
             update queue q
             set lease_token = gen_random_uuid(), lease_until = now() + make_interval(secs => $2),
                 tries = q.tries + 1, worker = $1
             from next
             where q.grading_id = next.grading_id
             returning q.grading_id, q.lease_token, q.tries)
         update gradings g
         set state = 'running', started_at = now()
         from claimed
         where g.id = claimed.grading_id
         returning g.id as grading, claimed.lease_token as token, claimed.tries,
             g.submission_id as submission, g.suite_hash, g.replay_case, g.replay_token",
    )
    .bind(worker)
    .bind(lease.as_secs_f64())
    .fetch_optional(db)
    .await?;
    Ok(claimed.map(Claimed::into_lease))
}

#[derive(Debug, FromRow)]
struct Claimed {
    grading: GradingId,
    token: Uuid,
    tries: i16,
    submission: SubmissionId,
    suite_hash: SuiteHash,
    replay_case: Option<String>,
    replay_token: Option<String>,
}

impl Claimed {
    fn into_lease(self) -> Lease {
        let Claimed { grading, token, tries, submission, suite_hash, replay_case, replay_token } = self;
        let replay = replay_case.zip(replay_token).map(|(case, token)| Replay { case, token });
        Lease { grading, token, tries, submission, suite_hash, replay }
    }
}

/// Keeps a lease up.
pub async fn heartbeat(db: &PgPool, lease: &Lease, length: Duration) -> sqlx::Result<Fenced> {
    let done = sqlx::query(
        "update queue
         set lease_until = now() + make_interval(secs => $3)
         where grading_id = $1
         and lease_token = $2",
    )
    .bind(lease.grading)
    .bind(lease.token)
    .bind(length.as_secs_f64())
    .execute(db)
    .await?;
    Ok(Fenced::of(done.rows_affected()))
}

/// Ends a grading with its report.
pub async fn complete(db: &PgPool, lease: &Lease, report: &Report) -> sqlx::Result<Fenced> {
    let done = sqlx::query(
        "with held as (
             delete from queue
             where grading_id = $1
             and lease_token = $2
             returning grading_id, tries)
         update gradings g
         set state = 'graded', verdict = $3, points = $4, points_max = $5, report = $6::json,
             tries = held.tries, finished_at = now()
         from held
         where g.id = held.grading_id",
    )
    .bind(lease.grading)
    .bind(lease.token)
    .bind(verdict_word(report.verdict))
    .bind(i32::try_from(report.points).unwrap_or(i32::MAX))
    .bind(i32::try_from(report.points_max).unwrap_or(i32::MAX))
    .bind(serde_json::to_string(report).expect("a report is plain data"))
    .execute(db)
    .await?;
    Ok(Fenced::of(done.rows_affected()))
}

/// The grader itself failed: the grading goes back in line after a pause, or is given up after [`TRIES_MAX`] claims.
pub async fn grader_failed(db: &PgPool, lease: &Lease, error: &str) -> sqlx::Result<Fenced> {
    if lease.tries < TRIES_MAX { release(db, lease, 0, BACKOFF_S).await } else { bury(db, lease, error).await }
}

/// Nobody tries again.
pub async fn bury(db: &PgPool, lease: &Lease, error: &str) -> sqlx::Result<Fenced> {
    let done = sqlx::query(
        "with held as (
             delete from queue
             where grading_id = $1
             and lease_token = $2
             returning grading_id, tries)
         update gradings g
         set state = 'dead', error = $3, tries = held.tries, finished_at = now()
         from held
         where g.id = held.grading_id",
    )
    .bind(lease.grading)
    .bind(lease.token)
    .bind(storable(error))
    .execute(db)
    .await?;
    Ok(Fenced::of(done.rows_affected()))
}

/// The worker is leaving: the grading is ready at once for another, and the claim does not count.
pub async fn give_back(db: &PgPool, lease: &Lease) -> sqlx::Result<Fenced> {
    release(db, lease, 1, 0.0).await
}

/// Puts the grading back in line, with `tries_forgiven` claims taken off; it waits longer the more claims there were.
async fn release(db: &PgPool, lease: &Lease, tries_forgiven: i32, backoff_s: f64) -> sqlx::Result<Fenced> {
    let done = sqlx::query(
        "with released as (
             update queue
             set lease_token = null, lease_until = null, worker = null, tries = tries - $3,
                 run_at = now() + make_interval(secs => $4 * power(2, tries - 1) * (0.75 + random() / 2))
             where grading_id = $1
             and lease_token = $2
             returning grading_id)
         update gradings g
         set state = 'queued'
         from released
         where g.id = released.grading_id",
    )
    .bind(lease.grading)
    .bind(lease.token)
    .bind(tries_forgiven)
    .bind(backoff_s)
    .execute(db)
    .await?;
    Ok(Fenced::of(done.rows_affected()))
}

/// Puts gradings of workers that fell silent back in line. Their submissions, for those who watch.
pub async fn reap(db: &PgPool) -> sqlx::Result<Vec<SubmissionId>> {
    sqlx::query_scalar(
        "with expired as (
             select grading_id
             from queue
             where lease_until < now()
             and tries < $1
             for update skip locked),
         released as (
             update queue q
             set lease_token = null, lease_until = null, worker = null, run_at = now()
             from expired
             where q.grading_id = expired.grading_id
             returning q.grading_id)
         update gradings g
         set state = 'queued'
         from released
         where g.id = released.grading_id
         returning g.submission_id",
    )
    .bind(TRIES_MAX)
    .fetch_all(db)
    .await
}

/// Gives up gradings whose every worker fell silent: something about them kills workers.
pub async fn bury_expired(db: &PgPool) -> sqlx::Result<Vec<SubmissionId>> {
    sqlx::query_scalar(
        "with expired as (
             select grading_id
             from queue
             where lease_until < now()
             and tries >= $1
             for update skip locked),
         held as (
             delete from queue q
             using expired
             where q.grading_id = expired.grading_id
             returning q.grading_id, q.tries, q.worker)
         update gradings g
         set state = 'dead', tries = held.tries, finished_at = now(),
             error = 'every worker that claimed it fell silent, last ' || coalesce(held.worker, '?')
         from held
         where g.id = held.grading_id
         returning g.submission_id",
    )
    .bind(TRIES_MAX)
    .fetch_all(db)
    .await
}

/// What the database takes as text: no U+0000, and not without end.
fn storable(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(ERROR_CHARACTERS_MAX).collect()
}

/// The kebab-case word of a verdict, as in the report.
pub fn verdict_word(verdict: Verdict) -> String {
    let word = serde_json::to_value(verdict).expect("a verdict is a word");
    word.as_str().expect("a verdict is a word").to_owned()
}
