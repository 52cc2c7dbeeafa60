//! Folders of exercises, and filling the database from one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use grader::Exercise;
use sqlx::PgPool;
use tracing::{error, info};

use crate::db;

/// Adds every exercise below `folder`. One that cannot be read is reported and left out: it must not keep the rest of
/// the course from starting.
pub async fn fill(db: &PgPool, folder: &Path) -> anyhow::Result<()> {
    let mut count = 0;
    for path in exercise_folders(folder)? {
        match Exercise::load(&path) {
            Ok(exercise) => {
                db::exercises::add(db, &exercise).await?;
                count += 1;
            }
            Err(error) => error!(%error, "left out an exercise"),
        }
    }
    info!(count, folder = %folder.display(), "filled the catalogue");
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
