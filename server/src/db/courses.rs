//! Courses and who is what in them.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::db::people::Person;
use crate::ids::{CourseId, PersonId, Role, Slug};

/// A course and what the asker is in it.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct MyCourse {
    #[serde(skip)]
    pub id: CourseId,
    pub slug: Slug,
    pub title: String,
    pub role: Role,
}

pub async fn create(db: &PgPool, slug: &Slug, title: &str) -> sqlx::Result<CourseId> {
    sqlx::query_scalar(
        "insert into courses (slug, title)
         values ($1, $2)
         returning id",
    )
    .bind(slug)
    .bind(title)
    .fetch_one(db)
    .await
}

pub async fn by_slug(db: &PgPool, slug: &Slug) -> sqlx::Result<Option<CourseId>> {
    sqlx::query_scalar(
        "select id
         from courses
         where slug = $1",
    )
    .bind(slug)
    .fetch_optional(db)
    .await
}

/// The courses a person is in; an admin is an instructor of all.
pub async fn of_person(db: &PgPool, person: &Person) -> sqlx::Result<Vec<MyCourse>> {
    sqlx::query_as(
        "select c.id, c.slug, c.title, case when $2 then 'instructor' else e.role end as role
         from courses c
         left join enrollments e on e.course_id = c.id and e.person_id = $1
         where $2 or e.person_id is not null
         order by c.slug",
    )
    .bind(person.id)
    .bind(person.admin)
    .fetch_all(db)
    .await
}

/// One of the courses that [`of_person`] lists.
pub async fn one_of_person(db: &PgPool, person: &Person, course: &Slug) -> sqlx::Result<Option<MyCourse>> {
    sqlx::query_as(
        "select c.id, c.slug, c.title, case when $2 then 'instructor' else e.role end as role
         from courses c
         left join enrollments e on e.course_id = c.id and e.person_id = $1
         where c.slug = $3
         and ($2 or e.person_id is not null)",
    )
    .bind(person.id)
    .bind(person.admin)
    .bind(course)
    .fetch_optional(db)
    .await
}

/// Enrolls a person, or gives them another role.
pub async fn enroll(db: &PgPool, course: CourseId, person: PersonId, role: Role) -> sqlx::Result<()> {
    sqlx::query(
        "insert into enrollments (course_id, person_id, role)
         values ($1, $2, $3)
         on conflict (course_id, person_id) do update
         set role = excluded.role",
    )
    .bind(course)
    .bind(person)
    .bind(role)
    .execute(db)
    .await?;
    Ok(())
}
