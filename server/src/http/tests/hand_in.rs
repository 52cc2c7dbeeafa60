//! Handing in: what is taken, what is refused and in which words.

use std::io::{Cursor, Write};

use serde_json::json;
use sqlx::PgPool;
use zip::write::SimpleFileOptions;

use super::*;
use crate::http::upload::UPLOAD_BYTES_MAX;
use crate::testing::World;

/// Name and content of a part.
type Part<'a> = (&'a [u8], &'a [u8]);

const FINE: Part<'static> = (b"lines.py", b"print()");

async fn submissions(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from submissions").fetch_one(&world.db).await.unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_good_hand_in_gets_a_receipt_and_a_place_in_line(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let answer = amara.upload(&[FINE]).await;
    assert_eq!(answer.status, 202);
    let receipt = answer.json();
    assert_eq!((&receipt["ordinal"], &receipt["queue_position"]), (&json!(1), &json!(1)));
    assert_eq!(receipt["sha256"].as_str().unwrap().len(), 64);
    let page = amara.get(receipt["url"].as_str().unwrap()).await.ok();
    assert_eq!((&page["state"], &page["sha256"]), (&json!("queued"), &receipt["sha256"]));
    assert_eq!(page["files"], json!([{ "name": "lines.py", "bytes": 7 }]));
    assert_eq!(page["progress"][1]["state"], "waiting");
    let second = amara.post(&submissions_path(), &json_files("print(2)")).await.ok();
    assert_eq!((&second["ordinal"], &second["queue_position"]), (&json!(2), &json!(2)));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_same_files_have_the_same_hash_however_they_come(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let plain = amara.upload(&[FINE]).await.ok();
    let zipped = amara.upload(&[(b"lab.zip", &zip_of(&[("lines.py", FINE.1)]))]).await.ok();
    let json = amara.post(&submissions_path(), &json_files("print()")).await.ok();
    assert_eq!(plain["sha256"], zipped["sha256"]);
    assert_eq!(plain["sha256"], json["sha256"]);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_bad_upload_is_refused_with_its_reason(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let bomb = zip_of(&[("lines.py", &vec![0; 3 << 20])]);
    assert!(bomb.len() < 10_000);
    let climbing = zip_of(&[("../lines.py", b"x")]);
    let big = vec![b'x'; grader::submission::BYTES_MAX + 1];
    let many: Vec<(Vec<u8>, &[u8])> = (0..33).map(|n| (format!("f{n}.py").into_bytes(), b"x".as_slice())).collect();
    let many: Vec<Part> = many.iter().map(|(name, content)| (name.as_slice(), *content)).collect();
    let cases: [(&str, Vec<Part>, u16, &str); 12] = [
        ("no files", vec![], 422, "empty"),
        ("an empty file", vec![(b"lines.py", b"")], 422, "\"lines.py\" is empty"),
        ("a wrong name", vec![(b"line.py", b"x")], 422, "net-01-lines asks for lines.py"),
        ("a climbing name", vec![(b"../lines.py", b"x")], 422, "\"../lines.py\""),
        ("an absolute name", vec![(b"/lines.py", b"x")], 422, "absolute"),
        ("a name that is not UTF-8", vec![(b"lin\xffes.py", b"x")], 422, "not UTF-8"),
        ("the same name twice", vec![FINE, FINE], 422, "twice"),
        ("too many files", many, 422, "more than 32 files"),
        ("a large file", vec![(b"lines.py", &big)], 413, "more than 1048576 bytes"),
        ("a bomb", vec![(b"lab.zip", &bomb)], 413, "more than 1048576 bytes"),
        ("a climbing archive", vec![(b"lab.zip", &climbing)], 422, "../lines.py"),
        ("no archive at all", vec![(b"lab.zip", b"PK nothing")], 422, "open archive \"lab.zip\""),
    ];
    for (misdeed, files, status, words) in cases {
        println!("{misdeed}");
        amara.upload(&files).await.problem(status, words);
    }
    amara.upload_raw(&[], Vec::new()).await.problem(422, "empty");
    amara.upload_raw(&[], b"--nonsense".to_vec()).await.problem(400, "read the upload");
    for (body, status) in [(json!({}), 422), (json!({ "files": [] }), 422), (json!({ "files": [], "x": 1 }), 422)] {
        amara.post(&submissions_path(), &body).await.problem(status, "");
    }
    assert_eq!(submissions(&site.world).await, 0);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn ten_megabytes_are_refused_in_words(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let huge = vec![b'x'; 10_000_000];
    let problem = amara.upload(&[(b"lines.py", &huge)]).await.problem(413, &format!("{UPLOAD_BYTES_MAX} bytes"));
    assert!(problem["detail"].as_str().unwrap().contains("1048576 bytes in 32 files"));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_repeated_key_hands_in_once(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let key = [("idempotency-key", "ci-run-7")];
    let first = amara.upload_raw(&key, multipart(&[FINE])).await;
    let again = amara.upload_raw(&key, multipart(&[FINE])).await;
    assert_eq!(first.ok(), again.ok());
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = multipart(&[(b"lines.py", b"print(2)")]);
    amara.upload_raw(&key, other.clone()).await.problem(422, "another hand-in");
    assert_eq!(submissions(&site.world).await, 1);
    // Another person's key is another key.
    site.browser("bence").await.upload_raw(&key, other).await.ok();
    amara.upload_raw(&[("idempotency-key", "two words")], multipart(&[FINE])).await.problem(422, "Idempotency-Key");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn twins_with_one_key_hand_in_once(db: PgPool) {
    let site = Site::new(db).await;
    let amara = site.browser("amara").await;
    let key = [("idempotency-key", "twins")];
    let (left, right) =
        tokio::join!(amara.upload_raw(&key, multipart(&[FINE])), amara.upload_raw(&key, multipart(&[FINE])));
    assert_eq!(left.ok()["id"], right.ok()["id"]);
    assert_eq!(submissions(&site.world).await, 1);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn who_is_not_in_the_course_cannot_hand_in(db: PgPool) {
    let site = Site::new(db).await;
    site.browser("mallory").await.upload(&[FINE]).await.problem(404, "no course");
    site.stranger().upload(&[FINE]).await.problem(401, "sign in");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn dates_and_attempts_bind_students_only(db: PgPool) {
    let site = Site::new(db).await;
    let (amara, ida) = (site.browser("amara").await, site.browser("ida").await);
    let now = time::OffsetDateTime::now_utc();
    site.world.set(|setting| setting.opens_at = Some(now + time::Duration::days(1))).await;
    amara.upload(&[FINE]).await.problem(403, "not open yet");
    amara.get(&assignment_path()).await.problem(403, "not open yet");
    ida.upload(&[FINE]).await.ok();
    site.world.set(|setting| setting.closes_at = Some(now - time::Duration::days(1))).await;
    amara.upload(&[FINE]).await.problem(409, "is closed");
    ida.upload(&[FINE]).await.ok();
    site.world.set(|setting| setting.attempts_max = Some(1)).await;
    amara.upload(&[FINE]).await.ok();
    amara.upload(&[FINE]).await.problem(409, "takes 1 attempts");
    ida.upload(&[FINE]).await.ok();
}
