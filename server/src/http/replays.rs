//! A schedule or a simulated run that a report has named, made again: no attempt is spent, no points move.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use grader::Report;
use grader::report::{CaseReport, Evidence};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::App;
use super::error::{Error, Problem};
use super::extract::{InPerson, Json, MayRead, Query};
use super::submissions::{WAIT_S_MAX, Wait};
use super::watch::Watch;
use crate::db;
use crate::db::replays::{OUTSTANDING_MAX, Replay};
use crate::ids::{self, GradingId, SubmissionId};

/// Seconds after which one who has enough replays under way may ask again.
const BUSY_RETRY_S: u64 = 5;

/// What to run again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReplay {
    /// The case's id.
    case: String,
    /// The token of the schedule or of the simulated run, as the report shows it.
    token: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayReceipt {
    pub replay: GradingId,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayPage {
    state: ids::State,
    /// What the case came to under that schedule; null until it is graded.
    case: Option<CaseReport>,
}

/// Runs one schedule of a case again. The answer is at `…/replays/{replay}`.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/replays", operation_id = "create_replay", tag = "submissions",
    params(("id" = uuid::Uuid, Path)), request_body = NewReplay,
    responses((status = 202, body = ReplayReceipt), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn create(
    person: InPerson,
    may_read: MayRead,
    State(app): State<App>,
    Json(NewReplay { case, token }): Json<NewReplay>,
) -> Result<(StatusCode, axum::Json<ReplayReceipt>), Error> {
    let standing = &may_read.standing;
    let graded =
        standing.graded.ok_or_else(|| Error::Conflict("there is no report yet to take a schedule from".into()))?;
    let report = db::gradings::report(&app.db, graded).await?.seen_by(may_read.reader());
    if !names(&report, &case, &token) {
        return Err(Error::unprocessable(
            "/token",
            format!("the report names no schedule or run {token:?} in a case {case:?}"),
        ));
    }
    let id = standing.summary.id;
    let replay = Replay { case, token };
    let created = db::replays::create(&app.db, graded, id, person.person.id, &replay).await?;
    let replay = created.ok_or_else(|| Error::TooManyRequests {
        detail: format!("{OUTSTANDING_MAX} of your schedules are still being run again: wait for them"),
        retry_after_s: BUSY_RETRY_S,
    })?;
    app.notices.moved(id);
    Ok((StatusCode::ACCEPTED, axum::Json(ReplayReceipt { replay })))
}

/// How far a replay has got, and what it showed.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/replays/{replay}", operation_id = "get_replay", tag = "submissions",
    params(("id" = uuid::Uuid, Path), ("replay" = i64, Path), Wait),
    responses((status = 200, body = ReplayPage), (status = 404, body = Problem)))]
pub async fn show(
    may_read: MayRead,
    State(app): State<App>,
    Path((_, replay)): Path<(String, i64)>,
    Query(wait): Query<Wait>,
) -> Result<axum::Json<ReplayPage>, Error> {
    let (id, replay) = (may_read.standing.summary.id, GradingId(replay));
    let limit = Duration::from_secs(wait.seconds().min(WAIT_S_MAX));
    let state = wait_until_ended(&app, id, replay, limit).await?;
    let case = match state {
        ids::State::Graded => {
            db::gradings::report(&app.db, replay).await?.seen_by(may_read.reader()).cases.into_iter().next()
        }
        ids::State::Queued | ids::State::Running | ids::State::Dead => None,
    };
    Ok(axum::Json(ReplayPage { state, case }))
}

async fn wait_until_ended(
    app: &App,
    id: SubmissionId,
    replay: GradingId,
    limit: Duration,
) -> Result<ids::State, Error> {
    let deadline = Instant::now() + limit;
    let mut watch = Watch::start(app, id)?;
    loop {
        let state = db::replays::state(&app.db, id, replay).await?.ok_or(Error::NotFound("replay"))?;
        if state.ended() || !watch.again(deadline).await {
            return Ok(state);
        }
    }
}

/// Whether a schedule or a run is one that the reader was shown.
fn names(report: &Report, case: &str, token: &str) -> bool {
    let shown = report.cases.iter().filter(|shown| shown.id == case).flat_map(|shown| &shown.evidence);
    shown.into_iter().any(|evidence| match evidence {
        Evidence::Schedule(schedule) => schedule.token.as_deref() == Some(token),
        Evidence::Wire { run: Some(run), .. } => run.token.as_deref() == Some(token),
        _ => false,
    })
}
