//! Running a schedule again, as a report names it.

use grader::Report;
use grader::exercise::Visibility;
use grader::report::Evidence;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::*;
use crate::db::queue::{self, Fenced};
use crate::ids::{Role, SubmissionId};
use crate::testing::report;

const TOKEN: &str = "sQEHAAA";

fn path(id: SubmissionId) -> String {
    format!("/api/v1/submissions/{id}/replays")
}

/// A schedule with that token, as a report would show it.
fn schedule() -> Evidence {
    serde_json::from_value(json!({
        "kind": "schedule", "title": "a lost update", "finding": "observation", "facts": [], "threads": [], "events": [],
        "left_out": [], "waits": [], "cycle": [], "source": [], "schedules": 300, "found_after": 7, "preemptions": 1,
        "choices": 1, "token": TOKEN, "interpreter": null, "reach": "",
    }))
    .unwrap()
}

fn report_with_schedules() -> Report {
    let mut report = report(4);
    report.cases.iter_mut().for_each(|case| case.evidence.push(schedule()));
    report.cases[1].visibility = Visibility::Visible;
    report
}

/// A submission of amara's whose report names schedules.
async fn graded(site: &Site) -> SubmissionId {
    let receipt = site.world.hand_in("amara", Role::Student, "print()").await;
    let lease = site.world.claim().await.unwrap();
    assert_eq!(queue::complete(&site.world.db, &lease, &report_with_schedules()).await.unwrap(), Fenced::Done);
    receipt.id
}

fn wanted(case: &str, token: &str) -> Value {
    json!({ "case": case, "token": token })
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_replay_moves_no_points_and_costs_no_attempt(db: PgPool) {
    let site = Site::new(db).await;
    site.world.set(|setting| setting.attempts_max = Some(2)).await;
    let id = graded(&site).await;
    let amara = site.browser("amara").await;
    let submission = format!("/api/v1/submissions/{id}");
    let before = amara.get(&submission).await.ok();
    let receipt = amara.post(&path(id), &wanted("later", TOKEN)).await;
    assert_eq!(receipt.status, 202);
    let replay = format!("{}/{}", path(id), receipt.json()["replay"]);
    assert_eq!(amara.get(&replay).await.ok(), json!({ "state": "queued", "case": null }));

    let lease = site.world.claim().await.unwrap();
    let asked = lease.replay.clone().unwrap();
    assert_eq!((asked.case.as_str(), asked.token.as_str()), ("later", TOKEN));
    let mut found = report_with_schedules();
    found.cases.remove(0);
    assert_eq!(queue::complete(&site.world.db, &lease, &found).await.unwrap(), Fenced::Done);

    let shown = amara.get(&format!("{replay}?wait=5")).await.ok();
    assert_eq!((&shown["state"], &shown["case"]["id"]), (&json!("graded"), &json!("later")));
    assert_eq!(shown["case"]["seed"], json!(null), "seeds are for staff");
    assert_eq!(amara.get(&submission).await.ok(), before);
    site.world.hand_in("amara", Role::Student, "print(2)").await;
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_schedule_that_the_suite_does_not_have_ends_without_a_verdict(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let amara = site.browser("amara").await;
    let receipt = amara.post(&path(id), &wanted("later", TOKEN)).await;
    let lease = site.world.claim().await.unwrap();
    let told = queue::bury(&site.world.db, &lease, "this case explores no schedules").await.unwrap();
    assert_eq!(told, Fenced::Done);
    let shown = amara.get(&format!("{}/{}", path(id), receipt.json()["replay"])).await.ok();
    assert_eq!(shown, json!({ "state": "dead", "case": null }));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn only_schedules_that_the_reader_was_shown_are_run_again(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let (amara, arne) = (site.browser("amara").await, site.browser("arne").await);
    amara.post(&path(id), &wanted("secret", TOKEN)).await.problem(422, "names no schedule");
    amara.post(&path(id), &wanted("later", "sQEHAAB")).await.problem(422, "\"sQEHAAB\"");
    amara.post(&path(id), &wanted("nowhere", TOKEN)).await.problem(422, "\"nowhere\"");
    assert_eq!(arne.post(&path(id), &wanted("secret", TOKEN)).await.status, 202);
    for login in ["bence", "mallory"] {
        site.browser(login).await.post(&path(id), &wanted("later", TOKEN)).await.problem(404, "no submission");
    }
    let fresh = site.world.hand_in("amara", Role::Student, "print(3)").await.id;
    amara.post(&path(fresh), &wanted("later", TOKEN)).await.problem(409, "no report yet");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn replays_wait_behind_hand_ins_and_do_not_pile_up(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let amara = site.browser("amara").await;
    for _ in 0..2 {
        assert_eq!(amara.post(&path(id), &wanted("later", TOKEN)).await.status, 202);
    }
    amara.post(&path(id), &wanted("later", TOKEN)).await.problem(429, "still being run again");
    let handed_in = site.world.hand_in("bence", Role::Student, "print()").await.id;
    assert_eq!(site.world.claim().await.unwrap().submission, handed_in);
    assert_eq!(site.world.claim().await.unwrap().submission, id);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_replay_is_found_only_below_its_submission(db: PgPool) {
    let site = Site::new(db).await;
    let id = graded(&site).await;
    let amara = site.browser("amara").await;
    let replay = amara.post(&path(id), &wanted("later", TOKEN)).await.json()["replay"].clone();
    let other = site.world.hand_in("amara", Role::Student, "print(4)").await.id;
    amara.get(&format!("{}/{replay}", path(other))).await.problem(404, "no replay");
    amara.get(&format!("{}/1", path(id))).await.problem(404, "no replay");
}
