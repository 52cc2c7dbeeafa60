//! Personal access tokens.

use serde_json::json;
use sqlx::PgPool;

use super::*;

async fn make(browser: &Client, scope: &str) -> (String, String) {
    let made = browser.post("/api/v1/tokens", &json!({ "label": "CI", "scope": scope, "days": 30 })).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    (made["token"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_token_works_until_it_is_revoked(db: PgPool) {
    let site = Site::new(db).await;
    let browser = site.browser("amara").await;
    let (token, id) = make(&browser, "submit").await;
    let ci = site.bearer(&token);
    assert_eq!(ci.get("/api/v1/me").await.ok()["login"], "amara");
    assert_eq!(ci.post(&submissions_path(), &json_files("print()")).await.status, 202);
    let listed = browser.get("/api/v1/tokens").await.ok();
    assert!(!listed[0]["last_used_at"].is_null());
    assert!(!listed.to_string().contains(&token), "shown once");
    assert_eq!(browser.delete(&format!("/api/v1/tokens/{id}")).await.status, 204);
    ci.get("/api/v1/me").await.problem(401, "token is not good");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_reading_token_cannot_hand_in_and_no_token_makes_tokens(db: PgPool) {
    let site = Site::new(db).await;
    let browser = site.browser("amara").await;
    let reader = site.bearer(&make(&browser, "read").await.0);
    reader.get(&assignment_path()).await.ok();
    reader.post(&submissions_path(), &json_files("print()")).await.problem(403, "may only read");
    let submitter = site.bearer(&make(&browser, "submit").await.0);
    let wish = json!({ "label": "more", "scope": "submit", "days": 300 });
    submitter.post("/api/v1/tokens", &wish).await.problem(403, "sign in at the web page");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_forged_expired_or_foreign_token_is_refused(db: PgPool) {
    let site = Site::new(db).await;
    let browser = site.browser("amara").await;
    let (token, id) = make(&browser, "submit").await;
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let cut = format!("{head}.{claims}.");
    for forged in [unsigned.as_str(), &cut, &format!("{token}x"), ""] {
        let answer = site.bearer(forged).get("/api/v1/me").await;
        assert_eq!(answer.status, 401, "{forged}");
    }
    let bence = site.browser("bence").await;
    bence.delete(&format!("/api/v1/tokens/{id}")).await.problem(404, "no token");
    sqlx::query("update tokens set expires_at = now()").execute(&site.world.db).await.unwrap();
    site.bearer(&token).get("/api/v1/me").await.problem(401, "token is not good");
}
