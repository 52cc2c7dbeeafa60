//! How far gradings got: the rows behind the live stream. Their `seq` is the stream's event id.

use grader::Event;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::db::queue::{Fenced, Lease, verdict_word};
use crate::ids::GradingId;

/// Most rows that one read returns; the reader asks again after them.
const ROWS_MAX: i64 = 1000;

/// Whether a case is at work or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum CaseState {
    /// Not begun; never a row.
    Waiting,
    Running,
    Finished,
}

/// One step.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Progress {
    pub seq: i64,
    pub case: String,
    pub state: CaseState,
    #[schema(value_type = Option<grader::Verdict>)]
    pub verdict: Option<String>,
    pub points: Option<i32>,
}

/// Notes an event of a grading under its lease. The end of the build has no case and leaves no row.
pub async fn record(db: &PgPool, lease: &Lease, event: &Event) -> sqlx::Result<Fenced> {
    match event {
        Event::BuildFinished { .. } => Ok(Fenced::Done),
        Event::CaseStarted { case } => insert(db, lease, case, CaseState::Running, None, None).await,
        Event::CaseFinished { case, verdict, points } => {
            let points = i32::try_from(*points).unwrap_or(i32::MAX);
            insert(db, lease, case, CaseState::Finished, Some(verdict_word(*verdict)), Some(points)).await
        }
    }
}

async fn insert(
    db: &PgPool,
    lease: &Lease,
    case: &str,
    state: CaseState,
    verdict: Option<String>,
    points: Option<i32>,
) -> sqlx::Result<Fenced> {
    let done = sqlx::query(
        "insert into progress (grading_id, tries, case_id, state, verdict, points)
         select grading_id, tries, $3, $4, $5, $6
         from queue
         where grading_id = $1
         and lease_token = $2",
    )
    .bind(lease.grading)
    .bind(lease.token)
    .bind(case)
    .bind(state)
    .bind(verdict)
    .bind(points)
    .execute(db)
    .await?;
    Ok(if done.rows_affected() == 0 { Fenced::LostLease } else { Fenced::Done })
}

/// The steps of a grading's latest claim after `seq`, in order.
pub async fn after(db: &PgPool, grading: GradingId, seq: i64) -> sqlx::Result<Vec<Progress>> {
    sqlx::query_as(
        "select seq, case_id as case, state, verdict, points
         from progress
         where grading_id = $1
         and seq > $2
         and tries = (
             select max(tries)
             from progress
             where grading_id = $1)
         order by seq
         limit $3",
    )
    .bind(grading)
    .bind(seq)
    .bind(ROWS_MAX)
    .fetch_all(db)
    .await
}
