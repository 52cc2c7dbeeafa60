//! `practicum admin regrade`.

use anyhow::Context;
use clap::Args;
use sqlx::PgPool;

use super::course;
use crate::db;
use crate::ids::Slug;

/// Grade everything that was handed in to an assignment again
///
/// Each submission gets a further grading against the version that the assignment is pinned to now; earlier reports
/// stay in the record, and count until the new one is there. Prints how many were queued.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  practicum admin regrade netcon net-02-echo-server")]
pub struct Regrade {
    course: Slug,
    assignment: Slug,
}

impl Regrade {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        let course = course(db, &self.course).await?;
        let assignment = db::assignments::by_slug(db, course, &self.assignment)
            .await?
            .with_context(|| format!("find assignment {} in {}: there is none", self.assignment, self.course))?;
        let submissions = db::gradings::submissions_of(db, assignment.id).await?;
        for submission in &submissions {
            db::gradings::regrade(db, *submission).await?;
        }
        println!("{}", submissions.len());
        Ok(())
    }
}
