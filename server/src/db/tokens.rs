//! Personal access tokens: the rows that make signed tokens revocable.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::db::people::Person;
use crate::ids::{PersonId, TokenId};

/// What a token may do: each includes the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Scope {
    /// Hand in, and read.
    Submit,
    /// Read what its owner may read.
    Read,
}

/// A token's row; the token itself is shown once, when it is made.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct TokenInfo {
    pub id: TokenId,
    pub label: String,
    pub scope: Scope,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
}

pub async fn create(
    db: &PgPool,
    id: TokenId,
    person: PersonId,
    label: &str,
    scope: Scope,
    days: u16,
) -> sqlx::Result<TokenInfo> {
    sqlx::query_as(
        "insert into tokens (id, person_id, label, scope, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(days => $5))
         returning id, label, scope, created_at, expires_at, last_used_at, revoked_at",
    )
    .bind(id)
    .bind(person)
    .bind(label)
    .bind(scope)
    .bind(i32::from(days))
    .fetch_one(db)
    .await
}

pub async fn of_person(db: &PgPool, person: PersonId) -> sqlx::Result<Vec<TokenInfo>> {
    sqlx::query_as(
        "select id, label, scope, created_at, expires_at, last_used_at, revoked_at
         from tokens
         where person_id = $1
         order by created_at desc",
    )
    .bind(person)
    .fetch_all(db)
    .await
}

/// Whose good token this is, and what it may do.
#[derive(Debug, FromRow)]
pub struct TokenOwner {
    #[sqlx(flatten)]
    pub person: Person,
    pub scope: Scope,
}

pub async fn owner(db: &PgPool, token: TokenId) -> sqlx::Result<Option<TokenOwner>> {
    sqlx::query_as(
        "select p.id, p.login, p.name, p.admin, t.scope
         from tokens t
         join people p on p.id = t.person_id
         where t.id = $1
         and t.revoked_at is null
         and t.expires_at > now()",
    )
    .bind(token)
    .fetch_optional(db)
    .await
}

/// Notes that a token was used; writes at most once a minute.
pub async fn touch(db: &PgPool, token: TokenId) -> sqlx::Result<()> {
    sqlx::query(
        "update tokens
         set last_used_at = now()
         where id = $1
         and (last_used_at is null or last_used_at < now() - interval '1 minute')",
    )
    .bind(token)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether `person` has such a token; it is revoked from now on.
pub async fn revoke(db: &PgPool, person: PersonId, token: TokenId) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update tokens
         set revoked_at = coalesce(revoked_at, now())
         where id = $1
         and person_id = $2",
    )
    .bind(token)
    .bind(person)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
