//! The gradebook.

use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::ids::Role;

const PATH: &str = "/api/v1/courses/netcon/gradebook";

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn it_shows_best_points_and_the_newest_state(db: PgPool) {
    let site = Site::new(db).await;
    for points in [8, 4] {
        site.world.hand_in("amara", Role::Student, "a").await;
        site.world.grade_next(points).await;
    }
    let latest = site.world.hand_in("amara", Role::Student, "a").await.id;
    let book = site.browser("ida").await.get(PATH).await.ok();
    assert_eq!(book["assignments"][0]["slug"], ASSIGNMENT);
    let logins: Vec<&Value> = book["students"].as_array().unwrap().iter().map(|row| &row["login"]).collect();
    assert_eq!(logins, ["amara", "bence"]);
    let cell = &book["students"][0]["cells"][0];
    assert_eq!(
        *cell,
        json!({ "points": 20, "attempts": 3, "state": "queued", "verdict": null, "latest": latest.to_string() })
    );
    assert_eq!(book["students"][1]["cells"], json!([null]));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_student_sees_only_their_own_row(db: PgPool) {
    let site = Site::new(db).await;
    site.world.hand_in("bence", Role::Student, "b").await;
    let book = site.browser("amara").await.get(PATH).await.ok();
    assert_eq!(book["students"].as_array().unwrap().len(), 1);
    assert_eq!(book["students"][0]["login"], "amara");
    site.browser("mallory").await.get(PATH).await.problem(404, "no course");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_spreadsheet_runs_no_students_formula(db: PgPool) {
    let site = Site::new(db).await;
    sqlx::query("update people set name = '=HYPERLINK(\"x\"),1' where login = 'amara'")
        .execute(&site.world.db)
        .await
        .unwrap();
    site.world.hand_in("bence", Role::Student, "b").await;
    site.world.grade_next(10).await;
    let csv = site.browser("arne").await.get(&format!("{PATH}.csv")).await;
    assert_eq!(csv.text(), "login,name,net-01-lines\r\namara,\"'=HYPERLINK(\"\"x\"\"),1\",\r\nbence,bence,25\r\n");
    site.browser("amara").await.get(&format!("{PATH}.csv")).await.problem(403, "assistants");
}
