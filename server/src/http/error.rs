//! The one error of the HTTP side, rendered as `application/problem+json` (RFC 9457).
//!
//! A variant per status. [`Error`] leaves its [`Problem`] in the response's extensions and [`render`] writes it, with the
//! request's id; an error that axum or a layer made itself is turned into a problem there too, so no other kind of
//! error ever leaves the house. Database errors are logged once, here, and hidden.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use grader::submission::SubmissionError;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest text of a foreign error that is passed on as `detail`.
const DETAIL_BYTES_MAX: usize = 4096;

/// RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What went wrong, in words for whoever asked.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// What exactly is wrong with the request, where that can be pointed at.
    pub errors: Vec<FieldError>,
    /// To be named when asking for help.
    pub request_id: String,
}

/// One thing wrong with a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer, or the name of a header, parameter or file.
    pub pointer: String,
    pub detail: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Unauthorized(&'static str),
    #[error("{0}")]
    Forbidden(String),
    #[error("there is no {0} here, or it is not yours to see")]
    NotFound(&'static str),
    #[error("{0}")]
    RequestTimeout(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("{detail}")]
    Unprocessable { pointer: String, detail: String },
    #[error("{detail}")]
    TooManyRequests { detail: String, retry_after_s: u64 },
    #[error("the server failed; the fault is ours and was logged")]
    Internal(#[source] anyhow::Error),
    #[error("the database does not answer; try again soon")]
    Unavailable(#[source] sqlx::Error),
}

impl Error {
    /// The request names something that is not as it should be.
    pub fn unprocessable(pointer: &str, detail: impl Into<String>) -> Error {
        Error::Unprocessable { pointer: pointer.to_owned(), detail: detail.into() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::RequestTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Error::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Error::Unprocessable { pointer, detail } => {
                vec![FieldError { pointer: pointer.clone(), detail: detail.clone() }]
            }
            _ => Vec::new(),
        }
    }

    fn log(&self) {
        match self {
            Error::Internal(source) => tracing::error!(error = format!("{source:#}"), "failed to answer"),
            Error::Unavailable(source) => tracing::error!(error = %source, "failed to reach the database"),
            _ => {}
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Error::Unavailable(error),
            other => Error::Internal(other.into()),
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Error {
        Error::Internal(error)
    }
}

/// A submission that is too large is 413 like an upload that is; everything else wrong with it is 422.
impl From<SubmissionError> for Error {
    fn from(error: SubmissionError) -> Error {
        let detail = error.to_string();
        match error {
            SubmissionError::TooLarge => Error::TooLarge(detail),
            SubmissionError::EmptyFile(name) | SubmissionError::Twice(name) => Error::unprocessable(&name, detail),
            SubmissionError::Name { name, .. } | SubmissionError::Archive { name, .. } => {
                Error::unprocessable(&name, detail)
            }
            SubmissionError::Empty
            | SubmissionError::TooManyFiles
            | SubmissionError::Missing { .. }
            | SubmissionError::Read { .. } => Error::unprocessable("/files", detail),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let mut response = self.status().into_response();
        if let Error::TooManyRequests { retry_after_s, .. } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response.extensions_mut().insert(problem(self.status(), self.to_string(), self.fields()));
        response
    }
}

fn problem(status: StatusCode, detail: String, errors: Vec<FieldError>) -> Problem {
    Problem {
        kind: "about:blank".into(),
        title: status.canonical_reason().unwrap_or("Error").into(),
        status: status.as_u16(),
        detail,
        instance: String::new(),
        errors,
        request_id: String::new(),
    }
}

/// Writes every error as a problem. Sits inside the layer that gives requests their ids.
pub async fn render(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let request_id = request_id(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let problem = match parts.extensions.get::<Problem>() {
        Some(problem) => problem.clone(),
        None => {
            let text = to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
            problem(status, foreign_detail(status, &text), Vec::new())
        }
    };
    let body = Json(Problem { instance, request_id, ..problem });
    let mut rendered = (status, body).into_response();
    keep_headers(&parts.headers, rendered.headers_mut());
    rendered
}

fn keep_headers(from: &HeaderMap, to: &mut HeaderMap) {
    to.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    for name in [RETRY_AFTER, ALLOW] {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}

/// What axum or a layer said, or the status in words.
fn foreign_detail(status: StatusCode, text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() => text.to_owned(),
        _ => match status {
            StatusCode::METHOD_NOT_ALLOWED => "this address does not take that method".into(),
            _ => status.canonical_reason().unwrap_or("Error").to_lowercase(),
        },
    }
}

fn request_id(headers: &HeaderMap) -> String {
    headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}
