//! `practicum admin exercise`.

use std::path::PathBuf;

use clap::Subcommand;
use sqlx::PgPool;

use crate::db;

#[derive(Debug, Subcommand)]
pub enum Exercise {
    /// Add exercise folders to the catalogue, or newer versions of them; prints id and suite hash
    #[command(after_help = "Example:\n  practicum admin exercise add exercises/*")]
    Add {
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// List the newest versions: id, points, suite hash, title
    List,
}

impl Exercise {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        match self {
            Exercise::Add { folders } => add(db, &folders).await,
            Exercise::List => list(db).await,
        }
    }
}

async fn add(db: &PgPool, folders: &[PathBuf]) -> anyhow::Result<()> {
    for folder in folders {
        let exercise = grader::Exercise::load(folder)?;
        db::exercises::add(db, &exercise).await?;
        println!("{}\t{}", exercise.id(), exercise.suite_hash());
    }
    Ok(())
}

async fn list(db: &PgPool) -> anyhow::Result<()> {
    for exercise in db::exercises::catalogue(db).await? {
        println!("{}\t{}\t{}\t{}", exercise.id, exercise.points_max, exercise.suite_hash, exercise.title);
    }
    Ok(())
}
