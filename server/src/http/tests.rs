//! The API through its real boundary: the router, on a real Postgres.

mod errors;
mod gradebook;
mod hand_in;
mod reading;
mod replays;
mod session;
mod tokens;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{App, TokenSigner, router};
use crate::db;
use crate::db::exercises::Exercises;
use crate::db::notify::Notices;
use crate::db::sessions::SessionToken;
use crate::testing::{ASSIGNMENT, COURSE, World};

const BOUNDARY: &str = "practicum-test-boundary";

/// The small course behind a router.
struct Site {
    world: World,
    router: Router,
    stop: CancellationToken,
}

impl Site {
    async fn new(db: PgPool) -> Site {
        let world = World::new(db).await;
        let stop = CancellationToken::new();
        let router = router(app(&world, &stop, false).await);
        Site { world, router, stop }
    }

    /// What the handlers share, for a router of another kind.
    async fn app(&self, https: bool) -> App {
        app(&self.world, &self.stop, https).await
    }

    /// A browser in which `login` is signed in.
    async fn browser(&self, login: &str) -> Client {
        let token = SessionToken::fresh();
        db::sessions::create(&self.world.db, self.world.person(login).await, &token).await.unwrap();
        Client::new(&self.router, Some((COOKIE, format!("practicum_session={}", token.as_str()))))
    }

    fn stranger(&self) -> Client {
        Client::new(&self.router, None)
    }

    fn bearer(&self, token: &str) -> Client {
        Client::new(&self.router, Some((AUTHORIZATION, format!("Bearer {token}"))))
    }
}

async fn app(world: &World, stop: &CancellationToken, https: bool) -> App {
    let notices = Notices::start(&world.db, stop);
    let signer = TokenSigner::new(&db::secrets::token_key(&world.db).await.unwrap());
    App::new(world.db.clone(), Exercises::default(), notices, signer, https, stop.clone())
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Clone)]
struct Client {
    router: Router,
    proof: Option<(axum::http::HeaderName, String)>,
}

impl Client {
    fn new(router: &Router, proof: Option<(axum::http::HeaderName, String)>) -> Client {
        Client { router: router.clone(), proof }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some((name, value)) = &self.proof {
            request = request.header(name, value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 24).await.unwrap().to_vec() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[(CONTENT_TYPE.as_str(), "application/json")], body.to_string()).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], Body::empty()).await
    }

    /// Hands in files as a browser does.
    async fn upload(&self, files: &[(&[u8], &[u8])]) -> Answer {
        self.upload_raw(&[], multipart(files)).await
    }

    async fn upload_raw(&self, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut all = vec![(CONTENT_TYPE.as_str(), kind.as_str())];
        all.extend(headers);
        self.send(Method::POST, &submissions_path(), &all, body).await
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem of that status, whole, whose text holds `words`.
    #[track_caller]
    fn problem(&self, status: u16, words: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
        for member in ["type", "title", "detail", "instance", "errors"] {
            assert!(!problem[member].is_null(), "{member}: {problem}");
        }
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail:?} does not say {words:?}");
        problem
    }
}

fn assignment_path() -> String {
    format!("/api/v1/courses/{COURSE}/assignments/{ASSIGNMENT}")
}

fn submissions_path() -> String {
    format!("{}/submissions", assignment_path())
}

fn multipart(files: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in files {
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"files\"; filename=\"");
        for part in [head.as_bytes(), name, b"\"\r\n\r\n", content, b"\r\n"] {
            body.extend_from_slice(part);
        }
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// A well-formed JSON hand-in.
fn json_files(content: &str) -> Value {
    json!({ "files": [{ "name": "lines.py", "content": content }] })
}
