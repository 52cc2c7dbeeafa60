//! Submissions: taken in one transaction with their grading and its place in the queue, and read.

use grader::Submission;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::db::assignments::Assignment;
use crate::db::gradings::{self, Reason};
use crate::db::queue::{self, Band};
use crate::ids::{AssignmentId, GradingId, Login, PersonId, Role, Slug, State, SubmissionId, SuiteHash};

/// Gradings that one person may have waiting or running.
pub const OUTSTANDING_MAX: i64 = 100;
/// How long a repeated Idempotency-Key is remembered.
pub const IDEMPOTENCY_HOURS: i32 = 48;
/// Most submissions that one list shows.
const LISTED_MAX: i64 = 500;

/// What a student gets for a hand-in, after commit: proof that it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub id: SubmissionId,
    /// SHA-256 over names and contents.
    pub sha256: String,
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    pub ordinal: i32,
    /// Place in the line at that moment, from 1; null when it is already being graded.
    pub queue_position: Option<i64>,
    /// Where the submission can be read.
    pub url: String,
}

/// A key that makes a hand-in repeatable: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn parse(bytes: &[u8]) -> Result<IdempotencyKey, String> {
        match std::str::from_utf8(bytes) {
            Ok(text) if (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(IdempotencyKey(text.to_owned()))
            }
            _ => Err("read Idempotency-Key: 1 to 128 visible ASCII characters are wanted".into()),
        }
    }
}

/// Who hands in what, where.
#[derive(Debug)]
pub struct HandIn<'a> {
    pub assignment: &'a Assignment,
    pub person: PersonId,
    pub role: Role,
    pub submission: &'a Submission,
    pub key: Option<&'a IdempotencyKey>,
}

/// What became of a hand-in that the database could take.
#[derive(Debug)]
pub enum Accepted {
    New(Receipt),
    /// The key was used for the same hand-in before: the same receipt.
    Replayed(Receipt),
}

/// Why a well-formed hand-in was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("this assignment takes {0} attempts and all are used")]
    NoAttemptsLeft(i32),
    #[error("{OUTSTANDING_MAX} of your submissions are still waiting: wait until some are graded")]
    TooManyOutstanding,
    #[error("this Idempotency-Key was used for another hand-in: take a new key for new files")]
    KeyReused,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Takes a hand-in: submission, files, grading, queue and receipt in one transaction.
pub async fn hand_in(db: &PgPool, hand_in: &HandIn<'_>) -> Result<Accepted, Refused> {
    let mut transaction = db.begin().await?;
    lock_person(&mut transaction, hand_in.person).await?;
    if let Some(key) = hand_in.key
        && let Some(replayed) = remembered(&mut transaction, hand_in, key).await?
    {
        return Ok(Accepted::Replayed(replayed));
    }
    check_room(&mut transaction, hand_in).await?;
    let (id, ordinal, received_at) = insert(&mut transaction, hand_in).await?;
    insert_files(&mut transaction, id, hand_in.submission).await?;
    let band = if hand_in.role.staff() { Band::Staff } else { Band::Student };
    let suite_hash = &hand_in.assignment.suite_hash;
    let grading = gradings::create(&mut transaction, id, hand_in.person, suite_hash, Reason::HandIn, band).await?;
    let receipt = Receipt {
        id,
        sha256: hand_in.submission.hash().to_owned(),
        received_at,
        ordinal,
        queue_position: queue::position(&mut *transaction, grading).await?,
        url: format!("/api/v1/submissions/{id}"),
    };
    if let Some(key) = hand_in.key {
        remember(&mut transaction, hand_in, key, &receipt).await?;
    }
    transaction.commit().await?;
    Ok(Accepted::New(receipt))
}

/// One hand-in of a person at a time: ordinals and keys never race.
async fn lock_person(db: &mut PgConnection, person: PersonId) -> sqlx::Result<()> {
    sqlx::query(
        "select id
         from people
         where id = $1
         for no key update",
    )
    .bind(person)
    .execute(db)
    .await?;
    Ok(())
}

fn request_sha256(hand_in: &HandIn<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(hand_in.assignment.id.0.to_be_bytes());
    hash.update(hand_in.submission.hash());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn remembered(
    db: &mut PgConnection,
    hand_in: &HandIn<'_>,
    key: &IdempotencyKey,
) -> Result<Option<Receipt>, Refused> {
    let row: Option<(String, String)> = sqlx::query_as(
        "select request_sha256, response::text
         from idempotency
         where person_id = $1
         and key = $2",
    )
    .bind(hand_in.person)
    .bind(&key.0)
    .fetch_optional(db)
    .await?;
    let Some((sha256, receipt)) = row else {
        return Ok(None);
    };
    if sha256 != request_sha256(hand_in) {
        return Err(Refused::KeyReused);
    }
    let receipt = serde_json::from_str(&receipt).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(receipt))
}

async fn remember(
    db: &mut PgConnection,
    hand_in: &HandIn<'_>,
    key: &IdempotencyKey,
    receipt: &Receipt,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into idempotency (person_id, key, request_sha256, response)
         values ($1, $2, $3, $4::json)",
    )
    .bind(hand_in.person)
    .bind(&key.0)
    .bind(request_sha256(hand_in))
    .bind(serde_json::to_string(receipt).expect("a receipt is plain data"))
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets keys that nobody will repeat any more.
pub async fn sweep_idempotency(db: &PgPool) -> sqlx::Result<()> {
    sqlx::query(
        "delete from idempotency
         where created_at < now() - make_interval(hours => $1)",
    )
    .bind(IDEMPOTENCY_HOURS)
    .execute(db)
    .await?;
    Ok(())
}

/// Staff try things out; a student's attempts are counted, dead ones given back.
async fn check_room(db: &mut PgConnection, hand_in: &HandIn<'_>) -> Result<(), Refused> {
    if queue::outstanding(db, hand_in.person, false).await? >= OUTSTANDING_MAX {
        return Err(Refused::TooManyOutstanding);
    }
    match hand_in.assignment.attempts_max {
        Some(most)
            if !hand_in.role.staff()
                && attempts(db, hand_in.assignment.id, hand_in.person).await? >= i64::from(most) =>
        {
            Err(Refused::NoAttemptsLeft(most))
        }
        _ => Ok(()),
    }
}

async fn attempts(db: &mut PgConnection, assignment: AssignmentId, person: PersonId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select count(*)
         from standings
         where assignment_id = $1
         and person_id = $2
         and state <> 'dead'",
    )
    .bind(assignment)
    .bind(person)
    .fetch_one(db)
    .await
}

async fn insert(db: &mut PgConnection, hand_in: &HandIn<'_>) -> sqlx::Result<(SubmissionId, i32, OffsetDateTime)> {
    sqlx::query_as(
        "insert into submissions (id, assignment_id, person_id, sha256, suite_hash, ordinal)
         values ($1, $2, $3, $4, $5, (
             select coalesce(max(ordinal), 0) + 1
             from submissions
             where assignment_id = $2
             and person_id = $3))
         returning id, ordinal, received_at",
    )
    .bind(SubmissionId::fresh())
    .bind(hand_in.assignment.id)
    .bind(hand_in.person)
    .bind(hand_in.submission.hash())
    .bind(&hand_in.assignment.suite_hash)
    .fetch_one(db)
    .await
}

async fn insert_files(db: &mut PgConnection, id: SubmissionId, submission: &Submission) -> sqlx::Result<()> {
    let (names, contents): (Vec<&str>, Vec<&[u8]>) =
        submission.files().map(|(name, content)| (name.as_str(), content)).unzip();
    sqlx::query(
        "insert into files (submission_id, name, content)
         select $1, name, content
         from unnest($2::text[], $3::bytea[]) as file (name, content)",
    )
    .bind(id)
    .bind(names)
    .bind(contents)
    .execute(db)
    .await?;
    Ok(())
}

/// Name and login of whoever handed in.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Student {
    pub login: Login,
    pub name: String,
}

/// A line of a list of submissions.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct SubmissionSummary {
    pub id: SubmissionId,
    pub ordinal: i32,
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    pub state: State,
    /// Of the newest report; null before the first.
    #[schema(value_type = Option<grader::Verdict>)]
    pub verdict: Option<String>,
    /// On the assignment's scale, like `points_max`.
    pub points: Option<i32>,
    pub points_max: i32,
    #[sqlx(flatten)]
    pub student: Student,
}

/// Submissions to an assignment, newest first; only `person`'s unless that is `None`.
pub async fn list(
    db: &PgPool,
    assignment: AssignmentId,
    person: Option<PersonId>,
) -> sqlx::Result<Vec<SubmissionSummary>> {
    sqlx::query_as(
        "select s.submission_id as id, s.ordinal, s.received_at, s.state, s.verdict, s.points, s.points_max,
             p.login, p.name
         from standings s
         join people p on p.id = s.person_id
         where s.assignment_id = $1
         and ($2::bigint is null or s.person_id = $2)
         order by s.submission_id desc
         limit $3",
    )
    .bind(assignment)
    .bind(person)
    .bind(LISTED_MAX)
    .fetch_all(db)
    .await
}

/// A submission with all that decides who may read it, and what.
#[derive(Clone, Debug, FromRow)]
pub struct Standing {
    #[sqlx(flatten)]
    pub summary: SubmissionSummary,
    pub person: PersonId,
    pub course: Slug,
    pub assignment: Slug,
    pub exercise: String,
    pub title: String,
    pub suite_hash: SuiteHash,
    pub sha256: String,
    /// The newest grading.
    pub grading: GradingId,
    /// The grading whose report counts.
    pub graded: Option<GradingId>,
    /// Whether the assignment has closed, by the database's clock.
    pub closed: bool,
}

pub async fn standing(db: &PgPool, id: SubmissionId) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as(
        "select s.submission_id as id, s.ordinal, s.received_at, s.state, s.verdict, s.points, s.points_max,
             p.login, p.name, s.person_id as person, c.slug as course, a.slug as assignment,
             e.exercise, e.title, g.suite_hash, s.sha256, s.grading_id as grading, s.graded_id as graded,
             coalesce(a.closes_at <= now(), false) as closed
         from standings s
         join people p on p.id = s.person_id
         join assignments a on a.id = s.assignment_id
         join courses c on c.id = a.course_id
         join gradings g on g.id = s.grading_id
         join exercises e on e.suite_hash = g.suite_hash
         where s.submission_id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

/// Name and size of a file.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct FileInfo {
    pub name: String,
    pub bytes: i32,
}

pub async fn files(db: &PgPool, id: SubmissionId) -> sqlx::Result<Vec<FileInfo>> {
    sqlx::query_as(
        "select name, length(content) as bytes
         from files
         where submission_id = $1
         order by name",
    )
    .bind(id)
    .fetch_all(db)
    .await
}

pub async fn file(db: &PgPool, id: SubmissionId, name: &grader::submission::FileName) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar(
        "select content
         from files
         where submission_id = $1
         and name = $2",
    )
    .bind(id)
    .bind(name.as_str())
    .fetch_optional(db)
    .await
}

/// The submission as it was handed in, for the grader.
pub async fn load(db: &PgPool, id: SubmissionId) -> anyhow::Result<Submission> {
    let files: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "select name, content
         from files
         where submission_id = $1",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    Ok(Submission::from_files(files.into_iter().map(|(name, content)| (name.into_bytes(), content)))?)
}
