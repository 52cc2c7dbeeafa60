//! Replays: a schedule that a report has named, run again for its reader. They count for nothing.

use sqlx::PgPool;

use crate::db::queue::{self, Band};
use crate::ids::{GradingId, PersonId, State, SubmissionId};

/// Replays that a person may have waiting or running.
pub const OUTSTANDING_MAX: i64 = 2;

/// What is run again.
#[derive(Clone, Debug)]
pub struct Replay {
    pub case: String,
    pub token: String,
}

/// Queues a replay against what the report `of` was made against; `None` while the person has enough of them.
pub async fn create(
    db: &PgPool,
    of: GradingId,
    submission: SubmissionId,
    person: PersonId,
    replay: &Replay,
) -> sqlx::Result<Option<GradingId>> {
    let mut transaction = db.begin().await?;
    // Whoever asks twice at once waits here for the first answer.
    sqlx::query("select from people where id = $1 for update").bind(person).execute(&mut *transaction).await?;
    if queue::outstanding(&mut transaction, person, true).await? >= OUTSTANDING_MAX {
        return Ok(None);
    }
    let grading: GradingId = sqlx::query_scalar(
        "insert into gradings (submission_id, suite_hash, reason, replay_case, replay_token)
         select $2, suite_hash, 'replay', $3, $4
         from gradings
         where id = $1
         returning id",
    )
    .bind(of)
    .bind(submission)
    .bind(&replay.case)
    .bind(&replay.token)
    .fetch_one(&mut *transaction)
    .await?;
    queue::enqueue(&mut transaction, grading, person, Band::Replay).await?;
    transaction.commit().await?;
    Ok(Some(grading))
}

/// How far a replay of that submission has got; `None` where there is none of that number.
pub async fn state(db: &PgPool, submission: SubmissionId, grading: GradingId) -> sqlx::Result<Option<State>> {
    sqlx::query_scalar(
        "select state
         from gradings
         where id = $1
         and submission_id = $2
         and reason = 'replay'",
    )
    .bind(grading)
    .bind(submission)
    .fetch_optional(db)
    .await
}
