//! One assignment: statement, starter, cases, and how the asker stands.

use std::io::{Cursor, Write};

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use grader::Exercise;
use grader::exercise::{Case, Limits, Visibility};
use serde::Serialize;
use utoipa::ToSchema;
use zip::write::SimpleFileOptions;

use super::App;
use super::error::{Error, Problem};
use super::extract::At;
use crate::db;
use crate::db::assignments::AssignmentSummary;
use crate::db::submissions::SubmissionSummary;
use crate::ids::Role;

/// An assignment in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssignmentPage {
    #[serde(flatten)]
    summary: AssignmentSummary,
    /// Markdown.
    statement: String,
    /// Names that a submission must hold.
    files: Vec<String>,
    /// What one begins with.
    starter: Vec<StarterFile>,
    limits: Limits,
    /// Modules that are absent.
    ban: Vec<String>,
    cases: Vec<CaseInfo>,
    /// The asker's own, newest first.
    submissions: Vec<SubmissionSummary>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StarterFile {
    name: String,
    content: String,
}

/// What is known of a case beforehand.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseInfo {
    id: String,
    title: String,
    points: u32,
    visibility: Visibility,
    /// Null where the asker may not see it.
    requirement: Option<String>,
}

impl CaseInfo {
    fn seen_by(role: Role, case: &Case) -> CaseInfo {
        let open = match case.visibility {
            Visibility::Visible | Visibility::AfterDue => true,
            Visibility::Hidden => role.staff(),
        };
        CaseInfo {
            id: case.id.clone(),
            title: case.title.clone(),
            points: case.points,
            visibility: case.visibility,
            requirement: case.requirement.clone().filter(|_| open),
        }
    }
}

#[utoipa::path(get, path = "/api/v1/courses/{course}/assignments/{assignment}", operation_id = "get_assignment",
    tag = "courses", params(("course" = String, Path), ("assignment" = String, Path)),
    responses((status = 200, body = AssignmentPage), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn show(at: At, State(app): State<App>) -> Result<Json<AssignmentPage>, Error> {
    let exercise = app.exercises.get(&app.db, &at.assignment.suite_hash).await?;
    let mine = db::assignments::mine(&app.db, &at.assignment, at.person.id).await?;
    let submissions = db::submissions::list(&app.db, at.assignment.id, Some(at.person.id)).await?;
    let manifest = exercise.manifest();
    Ok(Json(AssignmentPage {
        summary: AssignmentSummary { assignment: at.assignment, mine },
        statement: exercise.statement().to_owned(),
        files: manifest.files.clone(),
        starter: starter_files(&exercise),
        limits: manifest.limits,
        ban: manifest.ban.clone(),
        cases: manifest.cases.iter().map(|case| CaseInfo::seen_by(at.course.role, case)).collect(),
        submissions,
    }))
}

fn starter_files(exercise: &Exercise) -> Vec<StarterFile> {
    let file = |(name, content): (&str, &[u8])| StarterFile {
        name: name.to_owned(),
        content: String::from_utf8_lossy(content).into_owned(),
    };
    exercise.files_under("starter").map(file).collect()
}

#[utoipa::path(get, path = "/api/v1/courses/{course}/assignments/{assignment}/starter.zip",
    operation_id = "get_starter", tag = "courses", params(("course" = String, Path), ("assignment" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 404, body = Problem)))]
pub async fn starter(at: At, State(app): State<App>) -> Result<impl IntoResponse, Error> {
    let exercise = app.exercises.get(&app.db, &at.assignment.suite_hash).await?;
    let name = format!("attachment; filename=\"{}-starter.zip\"", at.assignment.slug);
    Ok(([(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, name)], starter_zip(&exercise)?))
}

fn starter_zip(exercise: &Exercise) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in exercise.files_under("starter") {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
