//! Every version of every exercise, whole, under its suite hash; and the few that a process has at hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use grader::Exercise;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::ids::SuiteHash;

/// Most exercises that one process keeps unpacked.
const CACHED_MAX: usize = 128;

/// A line of the catalogue: the newest version of an exercise.
#[derive(Clone, Debug, FromRow, Serialize, ToSchema)]
pub struct CatalogueEntry {
    #[sqlx(rename = "exercise")]
    pub id: String,
    pub title: String,
    pub section: i16,
    pub topics: Vec<String>,
    pub points_max: i32,
    pub suite_hash: SuiteHash,
}

/// Adds a version, or makes it the newest again. An exercise in hand is already checked; the runtime that it is pinned to
/// must be there ([`super::runtimes::add`]).
pub async fn add(db: &PgPool, exercise: &Exercise) -> sqlx::Result<()> {
    let manifest = exercise.manifest();
    sqlx::query(
        "insert into exercises (suite_hash, exercise, title, section, topics, points_max, archive, runtime)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (suite_hash) do update
         set added_at = now()",
    )
    .bind(exercise.suite_hash())
    .bind(exercise.id())
    .bind(&manifest.title)
    .bind(i16::from(manifest.section))
    .bind(&manifest.topics)
    .bind(i32::try_from(exercise.points_max()).unwrap_or(i32::MAX))
    .bind(exercise.to_archive())
    .bind(exercise.runtime())
    .execute(db)
    .await?;
    Ok(())
}

pub async fn catalogue(db: &PgPool) -> sqlx::Result<Vec<CatalogueEntry>> {
    sqlx::query_as(
        "select *
         from (
             select distinct on (exercise) exercise, title, section, topics, points_max, suite_hash
             from exercises
             order by exercise, added_at desc) newest
         order by section, exercise",
    )
    .fetch_all(db)
    .await
}

/// The newest version of the exercise with this id.
pub async fn newest(db: &PgPool, exercise: &str) -> sqlx::Result<Option<CatalogueEntry>> {
    sqlx::query_as(
        "select exercise, title, section, topics, points_max, suite_hash
         from exercises
         where exercise = $1
         order by added_at desc
         limit 1",
    )
    .bind(exercise)
    .fetch_optional(db)
    .await
}

async fn archive(db: &PgPool, suite_hash: &SuiteHash) -> sqlx::Result<(String, Vec<u8>, Option<String>)> {
    sqlx::query_as(
        "select exercise, archive, runtime
         from exercises
         where suite_hash = $1",
    )
    .bind(suite_hash)
    .fetch_one(db)
    .await
}

/// Exercises at hand. A version never changes, so nothing here goes stale.
#[derive(Clone, Debug, Default)]
pub struct Exercises {
    cached: Arc<Mutex<HashMap<SuiteHash, Arc<Exercise>>>>,
}

impl Exercises {
    /// The exercise of a row that points at it, from memory or from the database.
    pub async fn get(&self, db: &PgPool, suite_hash: &SuiteHash) -> anyhow::Result<Arc<Exercise>> {
        if let Some(exercise) = self.lock().get(suite_hash) {
            return Ok(exercise.clone());
        }
        let (id, archive, runtime) =
            archive(db, suite_hash).await.with_context(|| format!("load exercise {suite_hash}"))?;
        let exercise = Exercise::from_archive(&id, &archive)?;
        let exercise = Arc::new(match runtime {
            Some(runtime) => exercise.pinned(&runtime),
            None => exercise,
        });
        anyhow::ensure!(exercise.suite_hash() == suite_hash.as_str(), "exercise {suite_hash} has other content");
        let mut cached = self.lock();
        if cached.len() == CACHED_MAX {
            cached.clear();
        }
        cached.insert(suite_hash.clone(), exercise.clone());
        Ok(exercise)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SuiteHash, Arc<Exercise>>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
