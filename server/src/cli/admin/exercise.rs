//! `practicum admin exercise`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use grader::Grader;
use grader::check::{Effort, check};
use sqlx::PgPool;

use crate::cli::{RuntimeFile, catalogue, display};
use crate::db;

#[derive(Debug, Subcommand)]
pub enum Exercise {
    Add(Add),
    /// List the newest versions: id, points, suite hash, title
    List,
}

/// Add exercise folders to the catalogue, or newer versions of them
///
/// Each is accepted first, as by `practicum check`, and left out when it is not. Prints id and suite hash of what was
/// added; what the acceptance found goes to standard error.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  practicum admin exercise add exercises/*
  practicum admin exercise add --unchecked backup/exercises/*    restore what was accepted before

Exit status: 0 all added, 1 some not, 2 usage.")]
pub struct Add {
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Take them as they are: to restore a catalogue, or on a machine that has no sandbox
    #[arg(long)]
    unchecked: bool,
    /// Check although control groups are missing and limits are not exact
    #[arg(long, conflicts_with = "unchecked")]
    allow_weak_sandbox: bool,
    #[command(flatten)]
    runtime: RuntimeFile,
}

impl Exercise {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        match self {
            Exercise::Add(add) => add.run(db).await,
            Exercise::List => list(db).await,
        }
    }
}

impl Add {
    async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        // All are read before the first is checked: a wrong name should not take minutes to show.
        let local = self.runtime.local();
        let exercises = self.folders.iter().map(|folder| grader::Exercise::load_with(folder, &local).map(Arc::new));
        let exercises: Vec<_> = exercises.collect::<Result<_, _>>()?;
        let grader = self.grader()?;
        let mut refused = Vec::new();
        for exercise in exercises {
            if let Some(grader) = &grader
                && !accepted(grader, &exercise).await?
            {
                refused.push(exercise.id().to_owned());
                continue;
            }
            catalogue::add(db, &exercise, &local).await?;
            println!("{}\t{}", exercise.id(), exercise.suite_hash());
        }
        ensure!(refused.is_empty(), "add {}: not accepted", refused.join(", "));
        Ok(())
    }

    /// What exercises are checked with; none where they are taken as they are.
    fn grader(&self) -> anyhow::Result<Option<Arc<Grader>>> {
        if self.unchecked {
            return Ok(None);
        }
        let grader = Grader::new(self.allow_weak_sandbox);
        let grader = grader.context("prepare this machine for checking: see `practicum doctor`")?;
        Ok(Some(Arc::new(grader.with_runtime(self.runtime.local()))))
    }
}

/// Runs the exercise's own programs, off the threads that talk to the database, and tells what they showed.
async fn accepted(grader: &Arc<Grader>, exercise: &Arc<grader::Exercise>) -> anyhow::Result<bool> {
    let (with, what) = (Arc::clone(grader), Arc::clone(exercise));
    let found = tokio::task::spawn_blocking(move || check(&with, &what, Effort::default())).await?;
    let found = found.with_context(|| format!("check {}", exercise.id()))?;
    eprint!("{}", display::acceptance(&found));
    Ok(found.ok)
}

async fn list(db: &PgPool) -> anyhow::Result<()> {
    for exercise in db::exercises::catalogue(db).await? {
        println!("{}\t{}\t{}\t{}", exercise.id, exercise.points_max, exercise.suite_hash, exercise.title);
    }
    Ok(())
}
