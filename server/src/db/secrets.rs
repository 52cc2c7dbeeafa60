//! The server's own keys, made once and kept in the database, so that every server and worker has the same.

use std::fmt;

use sqlx::PgPool;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Signs personal access tokens.
#[derive(Clone)]
pub struct TokenKey(pub [u8; KEY_BYTES]);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Makes the keys unless they are there.
pub async fn ensure(db: &PgPool) -> sqlx::Result<()> {
    let (seed_root, token_key): ([u8; KEY_BYTES], [u8; KEY_BYTES]) = (rand::random(), rand::random());
    sqlx::query(
        "insert into secrets (seed_root, token_key)
         values ($1, $2)
         on conflict do nothing",
    )
    .bind(seed_root.as_slice())
    .bind(token_key.as_slice())
    .execute(db)
    .await?;
    Ok(())
}

/// The root of all case seeds. All that a worker may read here.
pub async fn seed_root(db: &PgPool) -> sqlx::Result<grader::seed::Root> {
    let key: Vec<u8> = sqlx::query_scalar("select seed_root from secrets").fetch_one(db).await?;
    Ok(grader::seed::Root::Server(key.try_into().expect("the schema checks its length")))
}

pub async fn token_key(db: &PgPool) -> sqlx::Result<TokenKey> {
    let key: Vec<u8> = sqlx::query_scalar("select token_key from secrets").fetch_one(db).await?;
    Ok(TokenKey(key.try_into().expect("the schema checks its length")))
}
