//! The queue's promises, on a real Postgres.

use grader::{Event, Verdict};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::*;
use crate::db::{gradings, progress, secrets, submissions};
use crate::ids::{Role, State};
use crate::testing::{World, report};

/// As if the worker had been silent for its whole lease.
async fn expire_leases(db: &PgPool) {
    sqlx::query("update queue set lease_until = now() - interval '1 second'").execute(db).await.unwrap();
}

/// As if every pause were over.
async fn end_pauses(db: &PgPool) {
    sqlx::query("update queue set run_at = now()").execute(db).await.unwrap();
}

async fn state(world: &World, submission: SubmissionId) -> State {
    submissions::standing(&world.db, submission).await.unwrap().unwrap().summary.state
}

async fn reports(db: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from gradings where report is not null").fetch_one(db).await.unwrap()
}

/// Owners of everything in line, in the order in which they would be graded.
async fn claim_all(world: &World) -> Vec<String> {
    let mut logins = Vec::new();
    while let Some(lease) = world.claim().await {
        let standing = submissions::standing(&world.db, lease.submission).await.unwrap().unwrap();
        logins.push(standing.summary.student.login.to_string());
    }
    logins
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_claimed_grading_is_not_claimed_again(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    assert_eq!(world.claim().await.unwrap().submission, receipt.id);
    assert!(world.claim().await.is_none());
    assert_eq!(state(&world, receipt.id).await, State::Running);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_expired_lease_can_be_claimed_again(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    world.claim().await.unwrap();
    expire_leases(&world.db).await;
    assert_eq!(reap(&world.db).await.unwrap(), [receipt.id]);
    assert_eq!(state(&world, receipt.id).await, State::Queued);
    assert_eq!(world.claim().await.unwrap().tries, 2);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_live_lease_is_not_reaped(db: PgPool) {
    let world = World::new(db).await;
    world.hand_in("amara", Role::Student, "a").await;
    let lease = world.claim().await.unwrap();
    expire_leases(&world.db).await;
    assert_eq!(heartbeat(&world.db, &lease, LEASE).await.unwrap(), Fenced::Done);
    assert!(reap(&world.db).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_lost_leases_report_is_refused_and_exactly_one_stands(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    let slow = world.claim().await.unwrap();
    expire_leases(&world.db).await;
    reap(&world.db).await.unwrap();
    let quick = world.claim().await.unwrap();
    assert_eq!(complete(&world.db, &slow, &report(1)).await.unwrap(), Fenced::LostLease);
    assert_eq!(heartbeat(&world.db, &slow, LEASE).await.unwrap(), Fenced::LostLease);
    assert_eq!(grader_failed(&world.db, &slow, "late").await.unwrap(), Fenced::LostLease);
    assert_eq!(give_back(&world.db, &slow).await.unwrap(), Fenced::LostLease);
    let event = Event::CaseStarted { case: "plain".into() };
    assert_eq!(progress::record(&world.db, &slow, &event).await.unwrap(), Fenced::LostLease);
    assert_eq!(complete(&world.db, &quick, &report(7)).await.unwrap(), Fenced::Done);
    assert_eq!(complete(&world.db, &quick, &report(9)).await.unwrap(), Fenced::LostLease);
    assert_eq!(reports(&world.db).await, 1);
    let kept = gradings::report(&world.db, quick.grading).await.unwrap();
    assert_eq!(kept, report(7));
    assert_eq!(state(&world, receipt.id).await, State::Graded);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_grading_that_fails_too_often_is_dead_and_the_attempt_is_given_back(db: PgPool) {
    let world = World::new(db).await;
    world.set(|setting| setting.attempts_max = Some(1)).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    for _ in 0..TRIES_MAX {
        end_pauses(&world.db).await;
        let lease = world.claim().await.unwrap();
        assert_eq!(grader_failed(&world.db, &lease, "no sandbox\0").await.unwrap(), Fenced::Done);
    }
    assert!(world.claim().await.is_none());
    assert_eq!(state(&world, receipt.id).await, State::Dead);
    assert_eq!(world.hand_in("amara", Role::Student, "b").await.ordinal, 2);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_grading_that_kills_its_workers_is_dead(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    for _ in 0..TRIES_MAX {
        assert!(bury_expired(&world.db).await.unwrap().is_empty());
        world.claim().await.unwrap();
        expire_leases(&world.db).await;
        reap(&world.db).await.unwrap();
    }
    assert_eq!(bury_expired(&world.db).await.unwrap(), [receipt.id]);
    assert_eq!(state(&world, receipt.id).await, State::Dead);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_failed_grading_waits_before_it_is_claimed_again(db: PgPool) {
    let world = World::new(db).await;
    world.hand_in("amara", Role::Student, "a").await;
    let lease = world.claim().await.unwrap();
    assert_eq!(grader_failed(&world.db, &lease, "no sandbox").await.unwrap(), Fenced::Done);
    assert!(world.claim().await.is_none());
    end_pauses(&world.db).await;
    assert!(world.claim().await.is_some());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_a_leaving_worker_gives_back_counts_no_try(db: PgPool) {
    let world = World::new(db).await;
    world.hand_in("amara", Role::Student, "a").await;
    let lease = world.claim().await.unwrap();
    assert_eq!(give_back(&world.db, &lease).await.unwrap(), Fenced::Done);
    assert_eq!(world.claim().await.unwrap().tries, 1);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn who_floods_the_queue_does_not_hold_up_others(db: PgPool) {
    let world = World::new(db).await;
    for number in 0..20 {
        world.hand_in("amara", Role::Student, &format!("{number}")).await;
    }
    world.hand_in("bence", Role::Student, "b").await;
    let order = claim_all(&world).await;
    assert_eq!(order.len(), 21);
    assert!(order.iter().position(|login| login == "bence").unwrap() <= 1, "{order:?}");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn staff_come_before_students_and_regrades_last(db: PgPool) {
    let world = World::new(db).await;
    let first = world.hand_in("bence", Role::Student, "b").await;
    world.grade_next(5).await;
    gradings::regrade(&world.db, first.id).await.unwrap();
    world.hand_in("amara", Role::Student, "a").await;
    world.hand_in("ida", Role::Instructor, "i").await;
    assert_eq!(claim_all(&world).await, ["ida", "amara", "bence"]);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_regrade_leaves_the_old_report_standing_until_it_is_done(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    world.grade_next(4).await;
    gradings::regrade(&world.db, receipt.id).await.unwrap();
    let standing = submissions::standing(&world.db, receipt.id).await.unwrap().unwrap();
    assert_eq!((standing.summary.state, standing.summary.points), (State::Queued, Some(10)));
    world.grade_next(10).await;
    let standing = submissions::standing(&world.db, receipt.id).await.unwrap().unwrap();
    assert_eq!((standing.summary.state, standing.summary.points), (State::Graded, Some(25)));
    assert_eq!(reports(&world.db).await, 2);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn points_are_scaled_to_the_assignment_and_rounded_down(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    world.grade_next(7).await;
    let standing = submissions::standing(&world.db, receipt.id).await.unwrap().unwrap();
    assert_eq!(standing.summary.points, Some(7 * 25 / 10));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_finished_grading_and_a_submission_never_change(db: PgPool) {
    let world = World::new(db).await;
    world.hand_in("amara", Role::Student, "a").await;
    world.grade_next(7).await;
    for change in [
        "update gradings set points = 10",
        "delete from gradings",
        "update submissions set sha256 = repeat('0', 64)",
        "update files set content = ''",
        "delete from files",
    ] {
        let error = sqlx::query(change).execute(&world.db).await.unwrap_err().to_string();
        assert!(error.contains("never changes"), "{change}: {error}");
    }
}

/// The same database, as a worker's login sees it.
async fn as_worker(db: &PgPool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(2)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("set role practicum_worker").execute(connection).await?;
                Ok(())
            })
        })
        .connect_with((*db.connect_options()).clone())
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_workers_role_can_claim_report_and_complete_and_nothing_else(db: PgPool) {
    let world = World::new(db).await;
    let receipt = world.hand_in("amara", Role::Student, "a").await;
    let runtime = grader::runtime::sha256(b"component");
    crate::db::runtimes::add(&world.db, b"component".to_vec()).await.unwrap();
    let worker = as_worker(&world.db).await;
    let lease = claim(&worker, "w", LEASE).await.unwrap().unwrap();
    secrets::seed_root(&worker).await.unwrap();
    submissions::load(&worker, receipt.id).await.unwrap();
    crate::db::exercises::Exercises::default().get(&worker, &lease.suite_hash).await.unwrap();
    crate::db::runtimes::component(&worker, &runtime).await.unwrap();
    let event = Event::CaseFinished { case: "plain".into(), verdict: Verdict::Passed, points: 4 };
    assert_eq!(progress::record(&worker, &lease, &event).await.unwrap(), Fenced::Done);
    assert_eq!(heartbeat(&worker, &lease, LEASE).await.unwrap(), Fenced::Done);
    assert_eq!(give_back(&worker, &lease).await.unwrap(), Fenced::Done);
    let lease = claim(&worker, "w", LEASE).await.unwrap().unwrap();
    assert_eq!(grader_failed(&worker, &lease, "x").await.unwrap(), Fenced::Done);
    end_pauses(&world.db).await;
    let lease = claim(&worker, "w", LEASE).await.unwrap().unwrap();
    reap(&worker).await.unwrap();
    bury_expired(&worker).await.unwrap();
    assert_eq!(complete(&worker, &lease, &report(7)).await.unwrap(), Fenced::Done);
    for theft in [
        "select * from people",
        "select * from sessions",
        "select * from tokens",
        "select token_key from secrets",
        "update people set admin = true",
        "insert into enrollments values (1, 1, 'instructor')",
        "insert into queue (grading_id, person_id, band, fair_at) values (1, 1, 1, now())",
        "delete from gradings",
        "update submissions set ordinal = 1",
        "select report from gradings",
        "update runtimes set component = ''",
        "delete from runtimes",
        "update exercises set runtime = null",
    ] {
        let error = sqlx::query(theft).execute(&worker).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{theft}: {error}");
    }
    worker.close().await;
}
