//! The web app: files compiled into the binary, and its first page for every address that is not the API's.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, Uri};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use super::error::Error;

#[derive(Debug, RustEmbed)]
#[folder = "../web/dist"]
struct Dist;

/// Names under this folder hold a hash of their content.
const HASHED: &str = "assets/";
const NO_APP: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Practicum</title>\
    <h1>Practicum</h1><p>This binary was built without the web app. The API is at \
    <a href=\"/api/v1/openapi.json\">/api/v1</a>.</p></html>";

pub async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") || !matches!(method, Method::GET | Method::HEAD) {
        return Error::NotFound("such address").into_response();
    }
    match Dist::get(path) {
        Some(file) => embedded(path, file.data.into_owned()),
        // A file of another build: the first page in its place would only confuse.
        None if path.starts_with(HASHED) => Error::NotFound("such file").into_response(),
        None => first_page(),
    }
}

fn embedded(path: &str, content: Vec<u8>) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream().to_string();
    let cache = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, cache.to_owned())], content).into_response()
}

fn first_page() -> Response {
    match Dist::get("index.html") {
        Some(page) => embedded("index.html", page.data.into_owned()),
        None => Html(NO_APP).into_response(),
    }
}
