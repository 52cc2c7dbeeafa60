//! `practicum work`: a worker without a web side.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use grader::Grader;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Database, start_logging, stop_signal};
use crate::db::exercises::Exercises;
use crate::db::notify::Notices;
use crate::db::queue::LEASE;
use crate::worker::Worker;

/// Connections besides those of the slots: claiming's listener and notices.
const CONNECTIONS_BESIDE_SLOTS: u32 = 3;

/// Grade what is queued, nothing else
///
/// Any number of workers on any number of machines may share one database. On SIGTERM a worker claims nothing more,
/// lets its gradings finish for a while and gives back the rest.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  practicum work --slots 4 --database-url postgres://worker@db/practicum")]
pub struct Work {
    /// How many submissions are graded at the same time
    #[arg(long, default_value_t = 1, value_name = "N")]
    slots: usize,
    #[command(flatten)]
    conditions: Conditions,
    #[command(flatten)]
    database: Database,
}

/// How gradings are run.
#[derive(Clone, Debug, Args)]
pub struct Conditions {
    /// Seconds of a worker's silence after which its gradings go to others
    #[arg(long, default_value_t = LEASE.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    lease: u64,
    /// Grade even where this machine cannot build the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

impl Conditions {
    /// A grader of this machine; refuses where the sandbox lacks a wall, or one does not hold.
    pub fn grader(&self) -> anyhow::Result<Arc<Grader>> {
        let grader = Grader::new(self.allow_weak_sandbox)
            .and_then(|grader| grader::doctor::hold(&grader, grader::doctor::CORE).map(|()| grader));
        Ok(Arc::new(grader.context("prepare this machine for grading")?))
    }

    pub fn worker(
        &self,
        db: &PgPool,
        grader: Arc<Grader>,
        exercises: &Exercises,
        notices: &Notices,
        slots: usize,
    ) -> Worker {
        Worker {
            db: db.clone(),
            grader,
            exercises: exercises.clone(),
            notices: notices.clone(),
            slots,
            lease: Duration::from_secs(self.lease),
            name: worker_name(),
        }
    }
}

/// Machine and process, for people who read the queue; the lease token is what tells workers apart.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

impl Work {
    pub fn run(self) -> anyhow::Result<()> {
        start_logging();
        let grader = self.conditions.grader()?;
        let connections_max = CONNECTIONS_BESIDE_SLOTS + 2 * u32::try_from(self.slots)?;
        let database = self.database.clone();
        database.with(connections_max, async |db| {
            let stop = stop_signal()?;
            // Lives on while gradings finish after `stop`.
            let notices_stop = CancellationToken::new();
            let notices = Notices::start(&db, &notices_stop);
            let worker = self.conditions.worker(&db, grader, &Exercises::default(), &notices, self.slots);
            worker.run(stop).await
        })
    }
}
