//! Folders of exercises, and filling the database from one.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context;
use grader::Exercise;
use grader::runtime::LocalRuntime;
use sqlx::PgPool;
use tracing::{error, info};

use crate::db;

/// Adds every exercise below `folder`. One that cannot be read is reported and left out: it must not keep the rest of
/// the course from starting.
pub async fn fill(db: &PgPool, folder: &Path, local: &LocalRuntime) -> anyhow::Result<()> {
    let mut count = 0;
    for path in exercise_folders(folder)? {
        match Exercise::load_with(&path, local) {
            Ok(exercise) => {
                add(db, &exercise, local).await?;
                count += 1;
            }
            Err(error) => error!(%error, "left out an exercise"),
        }
    }
    info!(count, folder = %folder.display(), "filled the catalogue");
    Ok(())
}

/// Adds an exercise, and before it the runtime that it was pinned to when it was read.
pub async fn add(db: &PgPool, exercise: &Exercise, local: &LocalRuntime) -> anyhow::Result<()> {
    if let Some(runtime) = exercise.runtime()
        && !db::runtimes::has(db, runtime).await?
    {
        info!(runtime, "adding the Python of the simulated lane");
        db::runtimes::add(db, local.get()?.component()?).await?;
    }
    db::exercises::add(db, exercise).await?;
    Ok(())
}

/// The exercises right below `folder`, sorted by id.
pub fn exercise_folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let wrong = || format!("read the exercises in {}", folder.display());
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(wrong)? {
        let path = entry.with_context(wrong)?.path();
        if path.join("exercise.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
