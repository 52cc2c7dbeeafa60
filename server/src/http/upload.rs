//! An upload: read whole under a limit, then parsed into files whose names nobody has trusted yet.
//!
//! A body beyond the limit is read to its end and thrown away, up to [`DRAINED_BYTES_MAX`], because a client that is
//! still sending sees a broken connection instead of our answer. File names are taken from the raw header bytes: the
//! multipart parser drops names that are not UTF-8, and the student would read "no file" instead of the reason.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use utoipa::ToSchema;

use super::App;
use super::error::Error;

/// Largest body of a hand-in, in bytes: the largest submission and its packing (JSON escapes, part headers).
pub const UPLOAD_BYTES_MAX: usize = 4 << 20;
/// Bytes beyond the limit that are read away so that the refusal can be heard.
const DRAINED_BYTES_MAX: usize = 64 << 20;
/// Longest time for a whole upload.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(60);
/// Most parts of a multipart body, with or without a file.
const PARTS_MAX: usize = 64;

/// Name and content, the name not yet trusted.
pub type RawFile = (Vec<u8>, Vec<u8>);

/// Files as they came, in order.
#[derive(Debug)]
pub struct Upload(pub Vec<RawFile>);

/// A hand-in as a form.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "described to clients; what is read are the parts, see `from_multipart`")]
pub struct FormUpload {
    /// Every part with a file name counts, whatever its field is called. One archive in place of the files will do.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<RawFile>,
}

/// A hand-in as JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonUpload {
    files: Vec<JsonFile>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonFile {
    name: String,
    content: String,
}

impl FromRequest<App> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Upload, Error> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let late = || Error::RequestTimeout(format!("the upload took longer than {} s", UPLOAD_TIME_MAX.as_secs()));
        let body = timeout(UPLOAD_TIME_MAX, read(body, &parts.headers)).await.map_err(|_| late())??;
        if kind.starts_with("multipart/form-data") {
            return from_multipart(&kind, body).await.map(Upload);
        }
        if kind.starts_with("application/json") {
            return from_json(&body).map(Upload);
        }
        Err(Error::UnsupportedMediaType(format!("hand in as multipart/form-data or application/json, not as {kind:?}")))
    }
}

async fn read(body: Body, headers: &HeaderMap) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > DRAINED_BYTES_MAX) {
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let (mut kept, mut length) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Error::BadRequest(format!("read the upload: {error}")))?;
        length += chunk.len();
        if length > DRAINED_BYTES_MAX {
            return Err(too_large());
        }
        if length > UPLOAD_BYTES_MAX {
            kept = Vec::new();
        } else {
            kept.extend_from_slice(&chunk);
        }
    }
    if length > UPLOAD_BYTES_MAX { Err(too_large()) } else { Ok(kept.into()) }
}

fn too_large() -> Error {
    Error::TooLarge(format!(
        "the upload is larger than {UPLOAD_BYTES_MAX} bytes: a submission holds at most {} bytes in {} files",
        grader::submission::BYTES_MAX,
        grader::submission::FILES_MAX,
    ))
}

fn from_json(body: &[u8]) -> Result<Vec<RawFile>, Error> {
    use serde_json::error::Category;
    let upload: JsonUpload = serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Error::unprocessable("/files", format!("read the upload: {error}")),
        Category::Io | Category::Syntax | Category::Eof => Error::BadRequest(format!("read the upload: {error}")),
    })?;
    Ok(upload.files.into_iter().map(|file| (file.name.into_bytes(), file.content.into_bytes())).collect())
}

async fn from_multipart(kind: &str, body: Bytes) -> Result<Vec<RawFile>, Error> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |text: String| Error::BadRequest(format!("read the upload: {text}"));
    // A request of its own: the limit of other bodies does not bind it.
    let request = Request::builder().header(CONTENT_TYPE, kind).body(Body::from(body));
    let request = request.map_err(|error| wrong(error.to_string()))?;
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|error| wrong(error.body_text()))?;
    let mut files = Vec::new();
    for _ in 0..PARTS_MAX {
        let Some(field) = multipart.next_field().await.map_err(|error| wrong(error.body_text()))? else {
            return Ok(files);
        };
        if let Some(name) = file_name(field.headers()) {
            let content = field.bytes().await.map_err(|error| wrong(error.body_text()))?;
            files.push((name, content.to_vec()));
        }
    }
    Err(grader::submission::SubmissionError::TooManyFiles.into())
}

/// The bytes of `filename="…"`. A file input left empty sends an empty name and no file: `None`.
fn file_name(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(CONTENT_DISPOSITION)?.as_bytes();
    let start = find(value, b"filename=")? + b"filename=".len();
    let name = match value[start..].split_first() {
        Some((b'"', quoted)) => unquote(quoted),
        _ => value[start..].split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_vec(),
    };
    Some(name).filter(|name| !name.is_empty())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}

/// Up to the closing quote. Browsers write a quote in a name as `%22`; curl as `\"`, and a backslash as `\\`.
fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' if matches!(bytes.peek(), Some(b'"' | b'\\')) => name.extend(bytes.next()),
            other => name.push(other),
        }
    }
    name
}
