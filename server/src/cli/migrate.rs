//! `practicum migrate`.

use clap::Args;

use super::Database;
use crate::db;

/// Bring the database's schema up to date
///
/// Safe to repeat, and safe from several machines at once. `serve` does it by itself.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  practicum migrate --database-url postgres://practicum@db/practicum")]
pub struct Migrate {
    #[command(flatten)]
    database: Database,
}

impl Migrate {
    pub fn run(self) -> anyhow::Result<()> {
        self.database.with(1, async |db| {
            db::migrate(&db).await?;
            println!("the schema is up to date");
            Ok(())
        })
    }
}
