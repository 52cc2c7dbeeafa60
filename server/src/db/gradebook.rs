//! The gradebook: students × assignments, best points.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::ids::{AssignmentId, CourseId, Login, PersonId, Slug, State, SubmissionId};

/// A column.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Column {
    #[serde(skip)]
    pub id: AssignmentId,
    pub slug: Slug,
    pub title: String,
    pub section: i16,
    pub points: i32,
}

/// Head of a row.
#[derive(Clone, Debug, FromRow)]
pub struct RowHead {
    pub id: PersonId,
    pub login: Login,
    pub name: String,
}

/// A cell: one student in one assignment.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Cell {
    #[serde(skip)]
    pub person: PersonId,
    #[serde(skip)]
    pub assignment: AssignmentId,
    /// Best over graded submissions; null before the first report.
    pub points: Option<i32>,
    pub attempts: i64,
    /// Of the newest submission, like `verdict`.
    pub state: State,
    #[schema(value_type = Option<grader::Verdict>)]
    pub verdict: Option<String>,
    pub latest: SubmissionId,
}

pub async fn columns(db: &PgPool, course: CourseId) -> sqlx::Result<Vec<Column>> {
    sqlx::query_as(
        "select a.id, a.slug, e.title, e.section, a.points
         from assignments a
         join exercises e on e.suite_hash = a.suite_hash
         where a.course_id = $1
         order by e.section, a.slug",
    )
    .bind(course)
    .fetch_all(db)
    .await
}

/// The students of a course by name, or only one of them.
pub async fn rows(db: &PgPool, course: CourseId, only: Option<PersonId>) -> sqlx::Result<Vec<RowHead>> {
    sqlx::query_as(
        "select p.id, p.login, p.name
         from enrollments e
         join people p on p.id = e.person_id
         where e.course_id = $1
         and e.role = 'student'
         and ($2::bigint is null or p.id = $2)
         order by p.name, p.login",
    )
    .bind(course)
    .bind(only)
    .fetch_all(db)
    .await
}

pub async fn cells(db: &PgPool, course: CourseId, only: Option<PersonId>) -> sqlx::Result<Vec<Cell>> {
    sqlx::query_as(
        "select s.person_id as person, s.assignment_id as assignment, max(s.points) as points,
             count(*) filter (where s.state <> 'dead') as attempts,
             (array_agg(s.state order by s.ordinal desc))[1] as state,
             (array_agg(s.verdict order by s.ordinal desc))[1] as verdict,
             (array_agg(s.submission_id order by s.ordinal desc))[1] as latest
         from standings s
         join assignments a on a.id = s.assignment_id
         where a.course_id = $1
         and ($2::bigint is null or s.person_id = $2)
         group by s.person_id, s.assignment_id",
    )
    .bind(course)
    .bind(only)
    .fetch_all(db)
    .await
}
