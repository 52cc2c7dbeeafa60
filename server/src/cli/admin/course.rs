//! `practicum admin course` and `practicum admin enroll`.

use anyhow::bail;
use clap::{Args, Subcommand};
use sqlx::PgPool;

use super::{course, person};
use crate::db;
use crate::ids::{Login, Role, Slug};

#[derive(Debug, Subcommand)]
pub enum Course {
    /// Add a course
    #[command(after_help = "Example:\n  practicum admin course add netcon \"Networking & Concurrency\"")]
    Add {
        /// Its name in addresses, such as `netcon`
        slug: Slug,
        title: String,
    },
}

impl Course {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        let Course::Add { slug, title } = self;
        match db::courses::create(db, &slug, &title).await {
            Ok(_) => Ok(()),
            Err(error) if db::violated(&error) == Some("courses_slug_taken") => {
                bail!("add course {slug}: there is one of that name already")
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Give people a role in a course
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  practicum admin enroll netcon amara bence chiara\n  \
    practicum admin enroll netcon arne --role assistant")]
pub struct Enroll {
    course: Slug,
    #[arg(required = true)]
    logins: Vec<Login>,
    #[arg(long, value_enum, default_value = "student")]
    role: Role,
}

impl Enroll {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        let course = course(db, &self.course).await?;
        for login in &self.logins {
            let person = person(db, login).await?;
            db::courses::enroll(db, course, person.id, self.role).await?;
        }
        Ok(())
    }
}
