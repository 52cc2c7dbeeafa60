//! Gradings: runs of the grader over submissions. The queue says who works on one; this is the record.

use grader::Report;
use sqlx::{PgConnection, PgPool};

use crate::db::queue::{self, Band};
use crate::ids::{AssignmentId, GradingId, PersonId, SubmissionId, SuiteHash};

/// Why a submission is graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "kebab-case")]
pub enum Reason {
    HandIn,
    Regrade,
}

/// A new grading, queued in the same transaction.
pub async fn create(
    db: &mut PgConnection,
    submission: SubmissionId,
    person: PersonId,
    suite_hash: &SuiteHash,
    reason: Reason,
    band: Band,
) -> sqlx::Result<GradingId> {
    let grading = insert(db, submission, suite_hash, reason).await?;
    queue::enqueue(db, grading, person, band).await?;
    Ok(grading)
}

async fn insert(
    db: &mut PgConnection,
    submission: SubmissionId,
    suite_hash: &SuiteHash,
    reason: Reason,
) -> sqlx::Result<GradingId> {
    sqlx::query_scalar(
        "insert into gradings (submission_id, suite_hash, reason)
         values ($1, $2, $3)
         returning id",
    )
    .bind(submission)
    .bind(suite_hash)
    .bind(reason)
    .fetch_one(db)
    .await
}

/// What a regrade of one submission is about: whose it is, and the version that its assignment is pinned to now.
async fn regradable(db: &mut PgConnection, submission: SubmissionId) -> sqlx::Result<(PersonId, SuiteHash)> {
    sqlx::query_as(
        "select s.person_id, a.suite_hash
         from submissions s
         join assignments a on a.id = s.assignment_id
         where s.id = $1",
    )
    .bind(submission)
    .fetch_one(db)
    .await
}

/// Adds a grading to a submission; what was found before stays in the record.
pub async fn regrade(db: &PgPool, submission: SubmissionId) -> sqlx::Result<GradingId> {
    let mut transaction = db.begin().await?;
    let (person, suite_hash) = regradable(&mut transaction, submission).await?;
    let grading = create(&mut transaction, submission, person, &suite_hash, Reason::Regrade, Band::Regrade).await?;
    transaction.commit().await?;
    Ok(grading)
}

/// Every submission of an assignment, oldest first: what `regrade` goes through.
pub async fn submissions_of(db: &PgPool, assignment: AssignmentId) -> sqlx::Result<Vec<SubmissionId>> {
    sqlx::query_scalar(
        "select id
         from submissions
         where assignment_id = $1
         order by id",
    )
    .bind(assignment)
    .fetch_all(db)
    .await
}

/// Why a grading was given up, in the grader's own words: for staff.
pub async fn error(db: &PgPool, grading: GradingId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "select error
         from gradings
         where id = $1",
    )
    .bind(grading)
    .fetch_one(db)
    .await
}

/// A grading's whole report, for [`Report::seen_by`] to cut to the reader.
pub async fn report(db: &PgPool, grading: GradingId) -> anyhow::Result<Report> {
    let text: String = sqlx::query_scalar(
        "select report::text
         from gradings
         where id = $1
         and state = 'graded'",
    )
    .bind(grading)
    .fetch_one(db)
    .await?;
    Ok(serde_json::from_str(&text)?)
}
