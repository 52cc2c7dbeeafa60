//! Every error is a problem, whoever made it; and the headers that every answer carries.

use axum::http::Method;
use axum::routing::get;
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::http::layers;

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_error_is_a_problem(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let json = ("content-type", "application/json");
    let session = "/api/v1/session";
    let unknown = "/api/v1/submissions/018f0000-0000-7000-8000-000000000000";
    let (hand_in, assignment) = (submissions_path(), assignment_path());
    let long_body = format!("{{\"login\":\"{}\"}}", "x".repeat(100_000));
    let bad_bearer = ("authorization", "Bearer nonsense");
    for (method, path, headers, body, status, words) in [
        (&get, "/api/v1/nothing", vec![], "", 404, "no such address"),
        (&post, "/courses/netcon", vec![], "", 404, "no such address"),
        (&get, "/assets/gone.js", vec![], "", 404, "no such file"),
        (&put, "/api/v1/me", vec![], "", 405, "does not take that method"),
        (&post, session, vec![json], "{", 400, "parse"),
        (&post, session, vec![json], "{}", 422, "missing field `login`"),
        (&post, session, vec![], "{}", 415, "Content-Type"),
        (&post, session, vec![json], &long_body, 413, "length limit"),
        (&post, session, vec![json, ("sec-fetch-site", "cross-site")], "{}", 403, "another site"),
        (&get, "/api/v1/me", vec![bad_bearer], "", 401, "token is not good"),
        (&get, "/api/v1/me", vec![("authorization", "Basic x")], "", 401, "sign in first"),
        (&get, "/api/v1/courses/none", vec![], "", 404, "no course"),
        (&get, "/api/v1/courses/NOT%20A%20SLUG", vec![], "", 404, "no course"),
        (&get, "/api/v1/courses/%00", vec![], "", 404, "no course"),
        (&get, "/api/v1/courses/%ff", vec![], "", 400, "UTF-8"),
        (&get, "/api/v1/courses/netcon/assignments/none", vec![], "", 404, "no assignment"),
        (&get, unknown, vec![], "", 404, "no submission"),
        (&get, "/api/v1/submissions/7", vec![], "", 404, "no submission"),
        (&get, "/api/v1/courses/netcon/gradebook.csv", vec![], "", 403, "assistants and instructors"),
        (&get, "/api/v1/exercises", vec![], "", 403, "staff"),
        (&get, &format!("{hand_in}?student=bence"), vec![], "", 403, "staff"),
        (&post, &hand_in, vec![], "x", 415, "multipart/form-data or application/json"),
        (&post, &hand_in, vec![("content-type", "multipart/form-data")], "x", 400, "boundary"),
        (&post, &assignment, vec![], "", 405, "does not take that method"),
        (&post, "/api/v1/tokens", vec![json], r#"{"label":"","scope":"read","days":1}"#, 422, "label"),
        (&post, "/api/v1/tokens", vec![json], r#"{"label":"x","scope":"read","days":0}"#, 422, "0 days"),
        (&post, "/api/v1/tokens", vec![json], r#"{"label":"x","scope":"own","days":1}"#, 422, "unknown variant"),
    ] {
        let client =
            if headers.iter().any(|(name, _)| *name == "authorization") { site.stranger() } else { amara.clone() };
        client.send(method.clone(), path, &headers, body.to_owned()).await.problem(status, words);
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn nothing_but_health_and_the_app_is_for_strangers(db: PgPool) {
    let site = Site::new(db).await;
    let document = serde_json::to_value(crate::http::openapi()).unwrap();
    let open = ["healthz", "readyz", "sign_in"];
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{course}", COURSE)
            .replace("{assignment}", ASSIGNMENT)
            .replace("{id}", "018f0000-0000-7000-8000-000000000000")
            .replace("{name}", "lines.py");
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = site.stranger().send(method, &path, &[], "").await;
            assert_eq!(answer.status == 401, !open.contains(&id), "{id}: {}", answer.status);
        }
    }
}

async fn panics() -> &'static str {
    panic!("with a secret")
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_panic_is_a_problem_without_its_words(db: PgPool) {
    let site = Site::new(db).await;
    let router = layers::around(Router::new().route("/panic", get(panics))).with_state(site.app(false).await);
    let problem = Client::new(&router, None).get("/panic").await.problem(500, "fault is ours");
    assert!(!problem.to_string().contains("secret"));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_address_beside_the_api_is_the_app_under_a_strict_policy(db: PgPool) {
    let site = Site::new(db).await;
    for path in ["/", "/login", "/courses/netcon/dashboard", "/submissions/1"] {
        let answer = site.stranger().get(path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("script-src"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("object-src 'none'"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["x-frame-options"], "DENY");
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn it_is_ready_once_the_schema_is_there(db: PgPool) {
    let site = Site::new(db).await;
    assert_eq!(site.stranger().get("/healthz").await.status, 200);
    assert_eq!(site.stranger().get("/readyz").await.status, 200);
    sqlx::query("delete from _sqlx_migrations").execute(&site.world.db).await.unwrap();
    site.stranger().get("/readyz").await.problem(503, "try again soon");
    assert_eq!(json!("3.1.0"), site.stranger().get("/api/v1/openapi.json").await.ok()["openapi"]);
}
