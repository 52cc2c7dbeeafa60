//! `practicum admin`: people, courses, assignments, tokens, exercises, regrades.
//!
//! What it prints on stdout is meant for scripts: one thing a line. Passwords are generated unless they come on stdin,
//! never from the command line, where other users of the machine could read them.

mod assign;
mod course;
mod exercise;
mod regrade;
mod token;
mod user;

use anyhow::Context;
use clap::{Args, Subcommand};
use sqlx::PgPool;

use super::Database;
use crate::db;
use crate::db::people::Person;
use crate::ids::{CourseId, Login, Slug};

/// Manage people, courses, assignments, tokens and exercises
#[derive(Debug, Args)]
#[command(after_help = "Example, from nothing to a course:\n  \
    practicum admin user add ida --name \"Ida Lindqvist\"\n  \
    practicum admin course add netcon \"Networking & Concurrency\"\n  \
    practicum admin enroll netcon ida --role instructor\n  \
    practicum admin exercise add exercises/net-02-echo-server\n  \
    practicum admin assign netcon net-02-echo-server --due 2027-03-01T23:59:00Z")]
pub struct Admin {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Subcommand)]
enum What {
    /// People
    #[command(subcommand)]
    User(user::User),
    /// Courses
    #[command(subcommand)]
    Course(course::Course),
    Enroll(course::Enroll),
    Assign(assign::Assign),
    /// Personal access tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Exercises
    #[command(subcommand)]
    Exercise(exercise::Exercise),
    Regrade(regrade::Regrade),
}

impl Admin {
    pub fn run(self) -> anyhow::Result<()> {
        self.database.with(2, async |db| {
            // What is asked for may be the first thing that ever happens to this database.
            db::migrate(&db).await.context("bring the schema up to date")?;
            match self.what {
                What::User(user) => user.run(&db).await,
                What::Course(course) => course.run(&db).await,
                What::Enroll(enroll) => enroll.run(&db).await,
                What::Assign(assign) => assign.run(&db).await,
                What::Token(token) => token.run(&db).await,
                What::Exercise(exercise) => exercise.run(&db).await,
                What::Regrade(regrade) => regrade.run(&db).await,
            }
        })
    }
}

async fn course(db: &PgPool, slug: &Slug) -> anyhow::Result<CourseId> {
    db::courses::by_slug(db, slug)
        .await?
        .with_context(|| format!("find course {slug:?}: there is none", slug = slug.as_str()))
}

async fn person(db: &PgPool, login: &Login) -> anyhow::Result<Person> {
    db::people::by_login(db, login)
        .await?
        .with_context(|| format!("find {login:?}: nobody signs in as that", login = login.as_str()))
}
