//! People and their password hashes.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::ids::{Login, PersonId};
use crate::password::PasswordHash;

/// A person, as everybody who may see them does.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct Person {
    pub id: PersonId,
    pub login: Login,
    pub name: String,
    /// Acts as an instructor in every course.
    pub admin: bool,
}

/// What signing in needs.
#[derive(Debug, FromRow)]
pub struct Credentials {
    #[sqlx(flatten)]
    pub person: Person,
    pub password_hash: PasswordHash,
}

pub async fn create(
    db: &PgPool,
    login: &Login,
    name: &str,
    password_hash: &PasswordHash,
    admin: bool,
) -> sqlx::Result<PersonId> {
    sqlx::query_scalar(
        "insert into people (login, name, password_hash, admin)
         values ($1, $2, $3, $4)
         returning id",
    )
    .bind(login)
    .bind(name)
    .bind(password_hash)
    .bind(admin)
    .fetch_one(db)
    .await
}

pub async fn credentials(db: &PgPool, login: &Login) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as(
        "select id, login, name, admin, password_hash
         from people
         where login = $1",
    )
    .bind(login)
    .fetch_optional(db)
    .await
}

pub async fn by_login(db: &PgPool, login: &Login) -> sqlx::Result<Option<Person>> {
    sqlx::query_as(
        "select id, login, name, admin
         from people
         where login = $1",
    )
    .bind(login)
    .fetch_optional(db)
    .await
}

pub async fn all(db: &PgPool) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(
        "select id, login, name, admin
         from people
         order by login",
    )
    .fetch_all(db)
    .await
}

pub async fn set_password(db: &PgPool, person: PersonId, password_hash: &PasswordHash) -> sqlx::Result<()> {
    sqlx::query(
        "update people
         set password_hash = $2
         where id = $1",
    )
    .bind(person)
    .bind(password_hash)
    .execute(db)
    .await?;
    Ok(())
}
