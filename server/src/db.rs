//! Postgres: the only home of SQL. One query a function, named after what the caller wants.
//!
//! The schema is in `migrations/` and nowhere else; it is compiled into the binary. Queries are checked when the tests
//! run them, not when the crate is built, so a build needs no database. There is no repository layer and no mock: a
//! pool or a transaction goes in, rows come out.

pub mod assignments;
pub mod courses;
pub mod exercises;
pub mod gradebook;
pub mod gradings;
pub mod notify;
pub mod people;
pub mod progress;
pub mod queue;
pub mod replays;
pub mod runtimes;
pub mod secrets;
pub mod sessions;
pub mod submissions;
pub mod tokens;

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How long a request may wait for a free connection.
const ACQUIRE_S_MAX: u64 = 10;
/// A transaction left open holds back the queue's clean-up, so the server ends it.
const IDLE_IN_TRANSACTION_S_MAX: &str = "30s";

/// A pool of at most `connections_max` connections.
pub async fn connect(url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("practicum")
        .options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_S_MAX)]);
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(ACQUIRE_S_MAX))
        .connect_with(options)
        .await
}

/// Brings the schema up to date and makes the server's keys. Safe to run from several processes at once.
pub async fn migrate(db: &PgPool) -> anyhow::Result<()> {
    MIGRATOR.run(db).await?;
    secrets::ensure(db).await?;
    Ok(())
}

/// Whether the database answers and has every migration of this binary.
pub async fn ready(db: &PgPool) -> Result<bool, sqlx::Error> {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    let applied: Option<i64> = sqlx::query_scalar(
        "select max(version)
         from _sqlx_migrations
         where success",
    )
    .fetch_one(db)
    .await?;
    Ok(applied >= newest)
}

/// The name of the violated constraint, if that is what `error` is.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}
