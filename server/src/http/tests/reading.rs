//! Who may read what, and the live stream.

use grader::{Event, Verdict};
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::db::queue::{self, Fenced};
use crate::ids::{Role, SubmissionId};
use crate::testing::{SECRET, SEED, report};

fn path(id: SubmissionId) -> String {
    format!("/api/v1/submissions/{id}")
}

async fn graded(site: &Site) -> SubmissionId {
    let receipt = site.world.hand_in("amara", Role::Student, "print()").await;
    site.world.grade_next(4).await;
    receipt.id
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_student_cannot_read_anothers_submission(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    for login in ["bence", "mallory"] {
        let other = site.browser(login).await;
        for suffix in ["", "?wait=1", "/files/lines.py", "/events"] {
            other.get(&format!("{}{suffix}", path(id))).await.problem(404, "no submission");
        }
        other.post(&format!("{}/regrade", path(id)), &json!({})).await.problem(404, "no submission");
    }
    let own = site.browser("bence").await.get(&submissions_path()).await.ok();
    assert_eq!(own, json!([]));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn hidden_cases_are_shut_to_students_and_open_to_staff(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let (amara, arne) = (site.browser("amara").await, site.browser("arne").await);
    let seen = amara.get(&path(id)).await;
    let page = seen.ok();
    assert_eq!((&page["state"], &page["points"], &page["points_max"]), (&json!("graded"), &json!(10), &json!(25)));
    assert_eq!(page["report"]["cases"][0]["verdict"], "wrong-answer");
    assert!(!seen.text().contains(SECRET) && !seen.text().contains(SEED), "{}", seen.text());
    let staff = arne.get(&path(id)).await.ok();
    assert_eq!(staff["report"]["cases"][0]["message"], SECRET);
    assert_eq!(staff["report"]["cases"][0]["evidence"][0]["text"], format!("{SECRET}\0"));
    site.world.set(|setting| setting.closes_at = Some(time::OffsetDateTime::now_utc() - time::Duration::days(1))).await;
    let closed = amara.get(&path(id)).await.ok();
    assert_eq!(closed["report"]["cases"][0]["message"], json!(null));
    assert_eq!(closed["report"]["cases"][1]["message"], SECRET);
    assert_eq!(closed["report"]["cases"][1]["seed"], json!(null));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_assignment_shows_what_the_reader_may_know(db: PgPool) {
    let site = Site::new(db).await;
    graded(&site).await;
    let page = site.browser("amara").await.get(&assignment_path()).await.ok();
    assert_eq!(page["files"], json!(["lines.py"]));
    assert_eq!(page["starter"], json!([{ "name": "lines.py", "content": "# begin here\n" }]));
    assert_eq!(page["cases"][0]["requirement"], "Every line comes back.");
    assert_eq!(page["cases"][1]["requirement"], json!(null));
    assert_eq!(page["mine"]["best_points"], 10);
    assert_eq!(page["submissions"][0]["student"]["login"], "amara");
    let staff = site.browser("ida").await.get(&assignment_path()).await.ok();
    assert_eq!(staff["cases"][1]["requirement"], "Nobody knows.");
    assert_eq!((&staff["mine"], &staff["submissions"]), (&json!(null), &json!([])));
    let zip = site.browser("amara").await.get(&format!("{}/starter.zip", assignment_path())).await;
    assert!(zip.body.starts_with(b"PK"));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_file_comes_back_as_it_was_handed_in_and_never_as_a_page(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let page = b"<!doctype html><script>alert(1)</script>".as_slice();
    let files: [(&[u8], &[u8]); 4] = [(b"lines.py", page), (b"docs/a.html", page), (b"a.svg", page), (b"a.js", page)];
    let id = amara.upload(&files).await.ok()["id"].clone();
    for reader in [amara.clone(), site.browser("ida").await] {
        for name in ["lines.py", "docs/a.html", "docs%2fa.html", "a.svg", "a.js"] {
            let file = reader.get(&format!("/api/v1/submissions/{}/files/{name}", id.as_str().unwrap())).await;
            assert_eq!(file.body, page, "{name}");
            assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(file.headers["content-disposition"], "attachment");
            assert_eq!(file.headers["x-content-type-options"], "nosniff");
            assert_eq!(file.headers["cache-control"], "no-store");
        }
    }
    let gone = format!("/api/v1/submissions/{}/files/..%2fx", id.as_str().unwrap());
    amara.get(&gone).await.problem(404, "no file");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn staff_see_everybodys_submissions_or_one_students(db: PgPool) {
    let site = Site::new(db).await;
    site.world.hand_in("amara", Role::Student, "a").await;
    site.world.hand_in("bence", Role::Student, "b").await;
    let ida = site.browser("ida").await;
    let logins = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|line| line["student"]["login"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(logins(ida.get(&submissions_path()).await.ok()), ["bence", "amara"]);
    assert_eq!(logins(ida.get(&format!("{}?student=amara", submissions_path())).await.ok()), ["amara"]);
    ida.get(&format!("{}?student=A%00", submissions_path())).await.problem(422, "parse login");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_long_poll_answers_when_the_report_is_there(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let id = site.world.hand_in("amara", Role::Student, "a").await.id;
    let path = format!("{}?wait=60", path(id));
    let (page, _) = tokio::join!(amara.get(&path), site.world.grade_next(10));
    assert_eq!(page.ok()["state"], "graded");
    assert_eq!(amara.get(&path.replace("60", "0")).await.ok()["report"]["points"], 10);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_long_poll_ends_when_the_server_stops(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let id = site.world.hand_in("amara", Role::Student, "a").await.id;
    let path = format!("{}?wait=60", path(id));
    let (page, ()) = tokio::join!(amara.get(&path), async { site.stop.cancel() });
    assert_eq!(page.ok()["state"], "queued");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_dead_grading_tells_staff_why_and_the_student_only_that(db: PgPool) {
    let site = Site::new(db).await;
    let id = site.world.hand_in("amara", Role::Student, "a").await.id;
    for _ in 0..queue::TRIES_MAX {
        sqlx::query("update queue set run_at = now()").execute(&site.world.db).await.unwrap();
        let lease = site.world.claim().await.unwrap();
        assert_eq!(queue::grader_failed(&site.world.db, &lease, "no control groups").await.unwrap(), Fenced::Done);
    }
    let student = site.browser("amara").await.get(&path(id)).await.ok();
    assert_eq!((&student["state"], &student["grader_error"]), (&json!("dead"), &json!(null)));
    assert_eq!(site.browser("arne").await.get(&path(id)).await.ok()["grader_error"], "no control groups");
    let page = site.browser("amara").await.get(&assignment_path()).await.ok();
    assert_eq!(page["mine"]["attempts"], 0);
}

/// `event id data` of each event of a stream that has ended.
fn events(answer: &Answer) -> Vec<(String, Option<i64>, Value)> {
    let mut events = Vec::new();
    for block in answer.text().split("\n\n").filter(|block| !block.trim().is_empty()) {
        let field =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        if let (Some(event), Some(data)) = (field("event:"), field("data:")) {
            events.push((event, field("id:").map(|id| id.parse().unwrap()), serde_json::from_str(&data).unwrap()));
        }
    }
    events
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_stream_tells_every_step_resumes_and_ends(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let id = site.world.hand_in("amara", Role::Student, "a").await.id;
    let work = async {
        let lease = site.world.claim().await.unwrap();
        for event in [
            Event::BuildFinished { ok: true },
            Event::CaseStarted { case: "plain".into() },
            Event::CaseFinished { case: "plain".into(), verdict: Verdict::Passed, points: 4 },
        ] {
            assert_eq!(db::progress::record(&site.world.db, &lease, &event).await.unwrap(), Fenced::Done);
        }
        assert_eq!(queue::complete(&site.world.db, &lease, &report(4)).await.unwrap(), Fenced::Done);
    };
    let path = format!("{}/events", path(id));
    let (stream, ()) = tokio::join!(amara.get(&path), work);
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let told = events(&stream);
    let steps: Vec<_> = told.iter().filter(|(event, ..)| event == "progress").collect();
    assert_eq!(steps.len(), 2);
    assert_eq!((&steps[1].2["case"], &steps[1].2["verdict"]), (&json!("plain"), &json!("passed")));
    assert_eq!(told.last().unwrap().2, json!({ "state": "graded", "queue_position": null }));
    let last = steps[0].1.unwrap().to_string();
    let resumed = events(&amara.send(Method::GET, &path, &[("last-event-id", &last)], "").await);
    assert_eq!(resumed.iter().filter(|(event, ..)| event == "progress").count(), 1);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_stream_ends_when_the_server_stops(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let id = site.world.hand_in("amara", Role::Student, "a").await.id;
    let path = format!("{}/events", path(id));
    let (stream, ()) = tokio::join!(amara.get(&path), async { site.stop.cancel() });
    assert_eq!(events(&stream)[0].2, json!({ "state": "queued", "queue_position": 1 }));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn only_staff_have_a_submission_graded_again(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let regrade = format!("{}/regrade", path(id));
    site.browser("amara").await.post(&regrade, &json!({})).await.problem(403, "only staff");
    let ida = site.browser("ida").await;
    assert_eq!(ida.post(&regrade, &json!({})).await.status, 202);
    assert_eq!(ida.get(&path(id)).await.ok()["state"], "queued");
    site.world.grade_next(10).await;
    assert_eq!(ida.get(&path(id)).await.ok()["points"], 25);
}
