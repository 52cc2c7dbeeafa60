//! `practicum admin assign`.

use anyhow::{Context, anyhow, bail};
use clap::Args;
use sqlx::PgPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::course;
use crate::db;
use crate::db::assignments::Setting;
use crate::db::exercises::CatalogueEntry;
use crate::ids::Slug;

/// Set an exercise in a course, or change how it is set
///
/// The assignment is pinned to the newest version of the exercise. Setting it again moves it to the version that is
/// newest then and replaces its dates and limits; `admin regrade` grades what was handed in before.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  practicum admin assign netcon net-02-echo-server --points 10 \\\n      \
    --due 2027-03-01T23:59:00Z --closes 2027-03-08T23:59:00Z --attempts 20")]
pub struct Assign {
    course: Slug,
    /// The exercise's id
    exercise: String,
    /// Its name in addresses [default: the exercise's id]
    #[arg(long)]
    slug: Option<Slug>,
    /// What a full report is worth [default: the exercise's points]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    points: Option<i32>,
    /// Students see it from then on, such as 2027-02-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    opens: Option<OffsetDateTime>,
    /// When it should be handed in
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    due: Option<OffsetDateTime>,
    /// Nothing is taken after that, and after-due cases open
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    closes: Option<OffsetDateTime>,
    /// How often a student may hand in
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    attempts: Option<i32>,
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("{error}: a time such as 2027-03-01T23:59:00Z is wanted"))
}

impl Assign {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        let course = course(db, &self.course).await?;
        let exercise = db::exercises::newest(db, &self.exercise)
            .await?
            .with_context(|| format!("find exercise {:?}: add it first with `admin exercise add`", self.exercise))?;
        let slug = match &self.slug {
            Some(slug) => slug.clone(),
            None => Slug::parse(&exercise.id).map_err(|reason| anyhow!(reason))?,
        };
        match db::assignments::set(db, course, &slug, &self.setting(exercise)).await {
            Ok(_) => Ok(()),
            Err(error) if db::violated(&error) == Some("assignments_dates") => {
                bail!("set {slug}: --opens must come before --due, and --due not after --closes")
            }
            Err(error) => Err(error.into()),
        }
    }

    fn setting(&self, exercise: CatalogueEntry) -> Setting {
        Setting {
            points: self.points.unwrap_or(exercise.points_max),
            suite_hash: exercise.suite_hash,
            opens_at: self.opens,
            due_at: self.due,
            closes_at: self.closes,
            attempts_max: self.attempts,
        }
    }
}
