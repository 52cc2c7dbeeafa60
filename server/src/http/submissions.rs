//! One submission: what became of it, its files, and grading it again.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use grader::Report;
use grader::report::Reader;
use grader::submission::FileName;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{Error, Problem};
use super::extract::{InPerson, MayRead, Query};
use super::watch::Watch;
use crate::db;
use crate::db::progress::{CaseState, Progress};
use crate::db::submissions::{FileInfo, Standing, SubmissionSummary};
use crate::ids::{Slug, SubmissionId};

/// Longest `?wait=`, in seconds.
pub const WAIT_S_MAX: u64 = 60;

/// A submission in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmissionPage {
    #[serde(flatten)]
    summary: SubmissionSummary,
    course: Slug,
    assignment: Slug,
    exercise: String,
    title: String,
    /// SHA-256 over names and contents, as on the receipt.
    sha256: String,
    files: Vec<FileInfo>,
    /// Place in the line from 1; null once it no longer waits.
    queue_position: Option<i64>,
    /// Of the newest grading, in the exercise's order. Points are the exercise's.
    progress: Vec<CaseProgress>,
    /// The newest report as the asker may see it; null before the first.
    report: Option<Report>,
    /// Why the newest grading is dead, for staff; null otherwise.
    grader_error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CaseProgress {
    case: String,
    title: String,
    state: CaseState,
    #[schema(value_type = Option<grader::Verdict>)]
    verdict: Option<String>,
    points: Option<i32>,
    points_max: u32,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Answer only when graded or dead, or after that many seconds (at most 60).
    wait: Option<u64>,
}

impl Wait {
    /// 0 for an answer at once.
    pub fn seconds(&self) -> u64 {
        self.wait.unwrap_or(0)
    }
}

#[utoipa::path(get, path = "/api/v1/submissions/{id}", operation_id = "get_submission", tag = "submissions",
    params(("id" = uuid::Uuid, Path), Wait),
    responses((status = 200, body = SubmissionPage), (status = 404, body = Problem)))]
pub async fn show(
    mut may_read: MayRead,
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<SubmissionPage>, Error> {
    if let Some(seconds) = wait {
        let limit = Duration::from_secs(seconds.min(WAIT_S_MAX));
        may_read.standing = wait_until_ended(&app, may_read.standing, limit).await?;
    }
    Ok(Json(page(&app, may_read).await?))
}

async fn wait_until_ended(app: &App, mut standing: Standing, limit: Duration) -> Result<Standing, Error> {
    let (id, deadline) = (standing.summary.id, Instant::now() + limit);
    let mut watch = Watch::start(app, id)?;
    loop {
        standing = look(app, id).await?.unwrap_or(standing);
        if standing.summary.state.ended() || !watch.again(deadline).await {
            return Ok(standing);
        }
    }
}

async fn look(app: &App, id: SubmissionId) -> Result<Option<Standing>, Error> {
    Ok(db::submissions::standing(&app.db, id).await?)
}

async fn page(app: &App, may_read: MayRead) -> Result<SubmissionPage, Error> {
    let reader = may_read.reader();
    let Standing { summary, grading, graded, course, assignment, exercise, title, sha256, suite_hash, .. } =
        may_read.standing;
    let grader_error = match reader {
        Reader::Staff => db::gradings::error(&app.db, grading).await?,
        Reader::Student { .. } => None,
    };
    let report = match graded {
        Some(graded) => Some(db::gradings::report(&app.db, graded).await?.seen_by(reader)),
        None => None,
    };
    let steps = db::progress::after(&app.db, grading, 0).await?;
    let cases = app.exercises.get(&app.db, &suite_hash).await?;
    Ok(SubmissionPage {
        files: db::submissions::files(&app.db, summary.id).await?,
        queue_position: db::queue::position(&app.db, grading).await?,
        progress: by_case(&cases, steps),
        summary,
        course,
        assignment,
        exercise,
        title,
        sha256,
        report,
        grader_error,
    })
}

/// Every case of the exercise with its latest step.
fn by_case(exercise: &grader::Exercise, steps: Vec<Progress>) -> Vec<CaseProgress> {
    let mut latest: HashMap<String, Progress> = steps.into_iter().map(|step| (step.case.clone(), step)).collect();
    let line = |case: &grader::exercise::Case| {
        let (state, verdict, points) = match latest.remove(&case.id) {
            Some(step) => (step.state, step.verdict, step.points),
            None => (CaseState::Waiting, None, None),
        };
        let (id, title) = (case.id.clone(), case.title.clone());
        CaseProgress { case: id, title, state, verdict, points, points_max: case.points }
    };
    exercise.manifest().cases.iter().map(line).collect()
}

#[utoipa::path(get, path = "/api/v1/submissions/{id}/files/{*name}", operation_id = "get_submission_file",
    tag = "submissions", params(("id" = uuid::Uuid, Path), ("name" = String, Path)),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = Problem)))]
pub async fn file(
    may_read: MayRead,
    State(app): State<App>,
    Path((_, name)): Path<(String, String)>,
) -> Result<impl IntoResponse, Error> {
    let name = FileName::parse(name.as_bytes()).map_err(|_| Error::NotFound("file"))?;
    let content = db::submissions::file(&app.db, may_read.standing.summary.id, &name).await?;
    let content = content.ok_or(Error::NotFound("file"))?;
    // A student made it: it is shown as text and saved, never run.
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONTENT_DISPOSITION, "attachment")];
    Ok((headers, content))
}

/// Adds a grading against the assignment's present version; what was found before stays in the record.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/regrade", operation_id = "regrade", tag = "submissions",
    params(("id" = uuid::Uuid, Path)), responses((status = 202), (status = 403, body = Problem)))]
pub async fn regrade(_: InPerson, may_read: MayRead, State(app): State<App>) -> Result<StatusCode, Error> {
    if !may_read.role.staff() {
        return Err(Error::Forbidden("only staff may have a submission graded again".into()));
    }
    let id = may_read.standing.summary.id;
    db::gradings::regrade(&app.db, id).await?;
    app.notices.moved(id);
    Ok(StatusCode::ACCEPTED)
}
