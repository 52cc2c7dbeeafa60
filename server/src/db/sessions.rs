//! Browser sessions: opaque tokens, kept only as hashes, with an idle and an absolute end on the database's clock.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::db::people::Person;
use crate::ids::PersonId;

/// A session that saw no request for that long is over.
pub const SESSION_IDLE_HOURS_MAX: i32 = 24 * 7;
/// A session is over after that long, however busy.
pub const SESSION_HOURS_MAX: i32 = 24 * 30;
/// Bytes of randomness in a session's token.
const TOKEN_BYTES: usize = 32;

/// What the cookie holds: 256 random bits, base64url.
#[derive(Clone)]
pub struct SessionToken(String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl SessionToken {
    pub fn fresh() -> SessionToken {
        SessionToken(URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>()))
    }

    /// A cookie's value; whether it is a session's is for the table to say.
    pub fn claimed(text: &str) -> SessionToken {
        SessionToken(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn sha256(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

pub async fn create(db: &PgPool, person: PersonId, token: &SessionToken) -> sqlx::Result<()> {
    sqlx::query(
        "insert into sessions (token_sha256, person_id, expires_at)
         values ($1, $2, now() + make_interval(hours => $3))",
    )
    .bind(token.sha256())
    .bind(person)
    .bind(SESSION_HOURS_MAX)
    .execute(db)
    .await?;
    Ok(())
}

/// Whose live session `token` is.
pub async fn person(db: &PgPool, token: &SessionToken) -> sqlx::Result<Option<Person>> {
    sqlx::query_as(
        "select p.id, p.login, p.name, p.admin
         from sessions s
         join people p on p.id = s.person_id
         where s.token_sha256 = $1
         and s.expires_at > now()
         and s.seen_at > now() - make_interval(hours => $2)",
    )
    .bind(token.sha256())
    .bind(SESSION_IDLE_HOURS_MAX)
    .fetch_optional(db)
    .await
}

/// Keeps a session from idling out; writes at most once a minute.
pub async fn touch(db: &PgPool, token: &SessionToken) -> sqlx::Result<()> {
    sqlx::query(
        "update sessions
         set seen_at = now()
         where token_sha256 = $1
         and seen_at < now() - interval '1 minute'",
    )
    .bind(token.sha256())
    .execute(db)
    .await?;
    Ok(())
}

pub async fn end(db: &PgPool, token: &SessionToken) -> sqlx::Result<()> {
    sqlx::query(
        "delete from sessions
         where token_sha256 = $1",
    )
    .bind(token.sha256())
    .execute(db)
    .await?;
    Ok(())
}

/// Signs a person out everywhere, as a new password must.
pub async fn end_all(db: &PgPool, person: PersonId) -> sqlx::Result<()> {
    sqlx::query(
        "delete from sessions
         where person_id = $1",
    )
    .bind(person)
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets sessions that are over.
pub async fn sweep(db: &PgPool) -> sqlx::Result<()> {
    sqlx::query(
        "delete from sessions
         where expires_at < now()
         or seen_at < now() - make_interval(hours => $1)",
    )
    .bind(SESSION_IDLE_HOURS_MAX)
    .execute(db)
    .await?;
    Ok(())
}
