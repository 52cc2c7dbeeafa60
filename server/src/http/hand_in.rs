//! Handing in, and the list of what was handed in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use grader::Submission;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::error::{Error, Problem};
use super::extract::{At, HandsIn, Query};
use super::upload::{FormUpload, JsonUpload, RawFile, Upload};
use crate::db;
use crate::db::submissions::{Accepted, HandIn, IdempotencyKey, Receipt, Refused, SubmissionSummary};
use crate::ids::{Login, PersonId};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Seconds after which a student whose queue is full may look again.
const FULL_RETRY_S: u64 = 30;

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        let detail = refused.to_string();
        match refused {
            Refused::NoAttemptsLeft(_) => Error::Conflict(detail),
            Refused::TooManyOutstanding => Error::TooManyRequests { detail, retry_after_s: FULL_RETRY_S },
            Refused::KeyReused => Error::unprocessable("Idempotency-Key", detail),
            Refused::Database(error) => error.into(),
        }
    }
}

/// Takes files (any multipart part with a file name, or JSON) or one .zip, .tar.gz or .tgz. Answered after commit.
#[utoipa::path(post, path = "/api/v1/courses/{course}/assignments/{assignment}/submissions",
    operation_id = "hand_in", tag = "submissions",
    params(("course" = String, Path), ("assignment" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "repeating it with the same files hands in once")),
    request_body(content((JsonUpload = "application/json"), (FormUpload = "multipart/form-data"))),
    responses((status = 202, body = Receipt), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn create(
    HandsIn(at): HandsIn,
    State(app): State<App>,
    headers: HeaderMap,
    Upload(files): Upload,
) -> Result<(StatusCode, HeaderMap, Json<Receipt>), Error> {
    let key = idempotency_key(&headers)?;
    let submission = unpack(files).await?;
    app.exercises.get(&app.db, &at.assignment.suite_hash).await?.accepts(&submission)?;
    let hand_in = HandIn {
        assignment: &at.assignment,
        person: at.person.id,
        role: at.course.role,
        submission: &submission,
        key: key.as_ref(),
    };
    match db::submissions::hand_in(&app.db, &hand_in).await? {
        Accepted::New(receipt) => {
            app.notices.moved(receipt.id);
            Ok((StatusCode::ACCEPTED, HeaderMap::new(), Json(receipt)))
        }
        Accepted::Replayed(receipt) => {
            let replayed = HeaderMap::from_iter([(REPLAYED, HeaderValue::from_static("true"))]);
            Ok((StatusCode::ACCEPTED, replayed, Json(receipt)))
        }
    }
}

/// Unpacking costs CPU, so it leaves the threads that answer requests alone.
async fn unpack(files: Vec<RawFile>) -> Result<Submission, Error> {
    let unpacked = tokio::task::spawn_blocking(move || Submission::from_upload(files)).await;
    Ok(unpacked.map_err(|error| Error::Internal(error.into()))??)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    headers
        .get(IDEMPOTENCY_KEY)
        .map(|value| IdempotencyKey::parse(value.as_bytes()))
        .transpose()
        .map_err(|detail| Error::unprocessable("Idempotency-Key", detail))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only this student's; for staff. Students get their own in any case.
    student: Option<String>,
}

#[utoipa::path(get, path = "/api/v1/courses/{course}/assignments/{assignment}/submissions",
    operation_id = "list_submissions", tag = "submissions",
    params(("course" = String, Path), ("assignment" = String, Path), Filter),
    responses((status = 200, body = Vec<SubmissionSummary>), (status = 403, body = Problem)))]
pub async fn list(
    at: At,
    State(app): State<App>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<SubmissionSummary>>, Error> {
    let whose = whose(&app, &at, filter.student.as_deref()).await?;
    Ok(Json(db::submissions::list(&app.db, at.assignment.id, whose).await?))
}

/// Staff see everybody's, or one student's; a student only their own.
async fn whose(app: &App, at: &At, student: Option<&str>) -> Result<Option<PersonId>, Error> {
    let Some(student) = student else {
        return Ok(Some(at.person.id).filter(|_| !at.course.role.staff()));
    };
    if student == at.person.login.as_str() {
        return Ok(Some(at.person.id));
    }
    if !at.course.role.staff() {
        return Err(Error::Forbidden("only staff may see the submissions of others".into()));
    }
    let login = Login::parse(student).map_err(|detail| Error::unprocessable("student", detail))?;
    let person = db::people::by_login(&app.db, &login).await?.ok_or(Error::NotFound("student"))?;
    Ok(Some(person.id))
}
