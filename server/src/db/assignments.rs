//! Assignments: exercises in a course, with dates and points.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::ids::{AssignmentId, CourseId, PersonId, Slug, State, SubmissionId, SuiteHash};

/// What is set: the facts of an assignment that everybody in the course may see.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Assignment {
    #[serde(skip)]
    pub id: AssignmentId,
    pub slug: Slug,
    /// The exercise's id.
    pub exercise: String,
    #[serde(skip)]
    pub suite_hash: SuiteHash,
    pub title: String,
    pub section: i16,
    pub topics: Vec<String>,
    /// What a full report is worth here.
    pub points: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    pub opens_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub closes_at: Option<OffsetDateTime>,
    #[serde(skip)]
    pub attempts_max: Option<i32>,
    /// Whether students may see and do it already, by the database's clock.
    #[serde(skip)]
    pub opened: bool,
    /// Whether it takes nothing any more, by the database's clock.
    #[serde(skip)]
    pub closed: bool,
}

/// An assignment and how one person stands in it.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct AssignmentSummary {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub assignment: Assignment,
    /// Null before the first submission.
    #[sqlx(json(nullable))]
    pub mine: Option<Mine>,
}

/// How one person stands in an assignment.
#[derive(Clone, Debug, serde::Deserialize, Serialize, ToSchema)]
pub struct Mine {
    /// Submissions that count as attempts: dead ones are given back.
    pub attempts: i32,
    pub attempts_max: Option<i32>,
    /// Over all graded submissions.
    pub best_points: Option<i32>,
    pub latest: Option<Latest>,
}

/// The newest submission.
#[derive(Clone, Debug, serde::Deserialize, Serialize, ToSchema)]
pub struct Latest {
    pub id: SubmissionId,
    pub ordinal: i32,
    pub state: State,
    #[schema(value_type = Option<grader::Verdict>)]
    pub verdict: Option<String>,
    pub points: Option<i32>,
}

pub async fn of_course(db: &PgPool, course: CourseId, person: PersonId) -> sqlx::Result<Vec<AssignmentSummary>> {
    sqlx::query_as(
        "select a.id, a.slug, e.exercise, a.suite_hash, e.title, e.section, e.topics, a.points,
             a.opens_at, a.due_at, a.closes_at, a.attempts_max,
             coalesce(a.opens_at <= now(), true) as opened,
             coalesce(a.closes_at <= now(), false) as closed,
             mine.json as mine
         from assignments a
         join exercises e on e.suite_hash = a.suite_hash
         left join lateral (
             select json_build_object(
                 'attempts', count(*) filter (where s.state <> 'dead'),
                 'attempts_max', a.attempts_max,
                 'best_points', max(s.points),
                 'latest', (array_agg(json_build_object(
                     'id', s.submission_id, 'ordinal', s.ordinal, 'state', s.state,
                     'verdict', s.verdict, 'points', s.points) order by s.ordinal desc))[1]) as json
             from standings s
             where s.assignment_id = a.id
             and s.person_id = $2
             having count(*) > 0) mine on true
         where a.course_id = $1
         order by e.section, a.slug",
    )
    .bind(course)
    .bind(person)
    .fetch_all(db)
    .await
}

pub async fn by_slug(db: &PgPool, course: CourseId, slug: &Slug) -> sqlx::Result<Option<Assignment>> {
    sqlx::query_as(
        "select a.id, a.slug, e.exercise, a.suite_hash, e.title, e.section, e.topics, a.points,
             a.opens_at, a.due_at, a.closes_at, a.attempts_max,
             coalesce(a.opens_at <= now(), true) as opened,
             coalesce(a.closes_at <= now(), false) as closed
         from assignments a
         join exercises e on e.suite_hash = a.suite_hash
         where a.course_id = $1
         and a.slug = $2",
    )
    .bind(course)
    .bind(slug)
    .fetch_optional(db)
    .await
}

/// How `person` stands, or `None` before their first submission.
pub async fn mine(db: &PgPool, assignment: &Assignment, person: PersonId) -> sqlx::Result<Option<Mine>> {
    let mine: Option<Json<Mine>> = sqlx::query_scalar(
        "select json_build_object(
             'attempts', count(*) filter (where s.state <> 'dead'),
             'attempts_max', $3::integer,
             'best_points', max(s.points),
             'latest', (array_agg(json_build_object(
                 'id', s.submission_id, 'ordinal', s.ordinal, 'state', s.state,
                 'verdict', s.verdict, 'points', s.points) order by s.ordinal desc))[1])
         from standings s
         where s.assignment_id = $1
         and s.person_id = $2
         having count(*) > 0",
    )
    .bind(assignment.id)
    .bind(person)
    .bind(assignment.attempts_max)
    .fetch_optional(db)
    .await?;
    Ok(mine.map(|Json(mine)| mine))
}

/// What an assignment is set to. `None` leaves a date or limit off.
#[derive(Clone, Debug)]
pub struct Setting {
    pub suite_hash: SuiteHash,
    pub points: i32,
    pub opens_at: Option<OffsetDateTime>,
    pub due_at: Option<OffsetDateTime>,
    pub closes_at: Option<OffsetDateTime>,
    pub attempts_max: Option<i32>,
}

/// Sets an exercise in a course, or changes how it is set.
pub async fn set(db: &PgPool, course: CourseId, slug: &Slug, setting: &Setting) -> sqlx::Result<AssignmentId> {
    sqlx::query_scalar(
        "insert into assignments
             (course_id, slug, suite_hash, points, opens_at, due_at, closes_at, attempts_max)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (course_id, slug) do update
         set suite_hash = excluded.suite_hash, points = excluded.points, opens_at = excluded.opens_at,
             due_at = excluded.due_at, closes_at = excluded.closes_at, attempts_max = excluded.attempts_max
         returning id",
    )
    .bind(course)
    .bind(slug)
    .bind(&setting.suite_hash)
    .bind(setting.points)
    .bind(setting.opens_at)
    .bind(setting.due_at)
    .bind(setting.closes_at)
    .bind(setting.attempts_max)
    .fetch_one(db)
    .await
}
