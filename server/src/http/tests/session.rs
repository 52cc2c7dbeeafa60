//! Signing in and out.

use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::http::login_limit::FAILURES_PER_LOGIN_MAX;
use crate::testing::PASSWORD;

async fn sign_in(site: &Site, login: &str, password: &str) -> Answer {
    site.stranger().post("/api/v1/session", &json!({ "login": login, "password": password })).await
}

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_right_password_opens_a_session_until_it_is_signed_out(db: PgPool) {
    let site = Site::new(db).await;
    let answer = sign_in(&site, "amara", PASSWORD).await;
    let me = answer.ok();
    assert_eq!((&me["login"], &me["courses"][0]["role"]), (&json!("amara"), &json!("student")));
    let cookie = cookie(&answer);
    for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    let browser = Client::new(&site.router, Some((COOKIE, pair)));
    assert_eq!(browser.get("/api/v1/me").await.ok()["login"], "amara");
    assert_eq!(browser.delete("/api/v1/session").await.status, 204);
    browser.get("/api/v1/me").await.problem(401, "session is over");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_wrong_password_and_an_unknown_login_read_the_same(db: PgPool) {
    let site = Site::new(db).await;
    for (login, password) in
        [("amara", "wrong"), ("nobody", PASSWORD), ("AMARA", PASSWORD), ("a\0", "x"), ("amara", &"x".repeat(300))]
    {
        sign_in(&site, login, password).await.problem(401, "login or password is wrong");
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn guessing_is_slowed_down(db: PgPool) {
    let site = Site::new(db).await;
    for _ in 0..FAILURES_PER_LOGIN_MAX {
        sign_in(&site, "amara", "wrong").await.problem(401, "wrong");
    }
    let refused = sign_in(&site, "amara", PASSWORD).await;
    refused.problem(429, "too many failed sign-ins");
    assert!(refused.headers.contains_key("retry-after"));
    sign_in(&site, "bence", PASSWORD).await.ok();
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_idle_or_old_session_is_over(db: PgPool) {
    let site = Site::new(db).await;
    for change in ["seen_at = now() - interval '8 days'", "expires_at = now()"] {
        let browser = site.browser("amara").await;
        browser.get("/api/v1/me").await.ok();
        let update = format!("update sessions set {change}");
        sqlx::query(sqlx::AssertSqlSafe(update)).execute(&site.world.db).await.unwrap();
        browser.get("/api/v1/me").await.problem(401, "session is over");
    }
}

/// What a browser says of a request that another site's page makes.
const FROM_ELSEWHERE: [(&str, &str); 2] = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_request_from_another_site_changes_nothing(db: PgPool) {
    let site = Site::new(db).await;
    let browser = site.browser("amara").await;
    browser.send(Method::DELETE, "/api/v1/session", &FROM_ELSEWHERE, "").await.problem(403, "another site");
    browser.upload_raw(&FROM_ELSEWHERE, multipart(&[(b"lines.py", b"print()")])).await.problem(403, "another site");
    assert_eq!(browser.get(&submissions_path()).await.ok(), json!([]));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_token_counts_from_any_site_and_lends_nothing_to_the_cookie_beside_it(db: PgPool) {
    let site = Site::new(db).await;
    let browser = site.browser("amara").await;
    let wish = json!({ "label": "CI", "scope": "submit", "days": 30 });
    let token = browser.post("/api/v1/tokens", &wish).await.ok()["token"].as_str().unwrap().to_owned();
    let files = || multipart(&[(b"lines.py", b"print()")]);
    assert_eq!(site.bearer(&token).upload_raw(&FROM_ELSEWHERE, files()).await.status, 202);
    for (forged, status, words) in
        [("Bearer forged", 401, "token is not good"), ("Basic forged", 403, "another site"), ("", 403, "another site")]
    {
        let headers = [&FROM_ELSEWHERE[..], &[("authorization", forged)]].concat();
        browser.upload_raw(&headers, files()).await.problem(status, words);
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn over_https_the_cookie_insists_on_it(db: PgPool) {
    let site = Site::new(db).await;
    let client = Client::new(&router(site.app(true).await), None);
    let answer = client.post("/api/v1/session", &json!({ "login": "amara", "password": PASSWORD })).await;
    let cookie = cookie(&answer);
    assert!(cookie.starts_with("__Host-") && cookie.contains("Secure"), "{cookie}");
}
