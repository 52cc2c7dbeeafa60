//! What tests share: a small course on a real Postgres, and the worker's part played by hand.

use std::collections::BTreeMap;

use grader::exercise::{Lane, Visibility};
use grader::report::{Build, CaseReport, Evidence, LaneFacts, OutputStream, SeedOrigin, Usage};
use grader::{Exercise, Report, Submission, Verdict};
use sqlx::PgPool;

use crate::db;
use crate::db::assignments::{Assignment, Setting};
use crate::db::queue::{Fenced, LEASE, Lease};
use crate::db::submissions::{Accepted, HandIn, Receipt};
use crate::ids::{CourseId, Login, PersonId, Role, Slug, SubmissionId, SuiteHash};
use crate::password::{Password, PasswordHash};

pub const COURSE: &str = "netcon";
pub const ASSIGNMENT: &str = "net-01-lines";
/// Of everybody.
pub const PASSWORD: &str = "correct horse battery";
/// What the assignment is worth; the exercise gives 10.
pub const POINTS: i32 = 25;
/// What only staff may read.
pub const SECRET: &str = "the hidden input was 42";
pub const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

const MANIFEST: &str = r#"
title = "Lines"
section = 1
topics = ["1-29"]
lane = "native"
files = ["lines.py"]
[[case]]
id = "plain"
points = 4
title = "Plain lines"
requirement = "Every line comes back."
[[case]]
id = "secret"
points = 3
title = "Something else"
visibility = "hidden"
requirement = "Nobody knows."
[[case]]
id = "later"
points = 3
title = "Told afterwards"
visibility = "after-due"
[[wrong]]
name = "silent"
fails = ["plain"]
"#;

/// An exercise of three cases: visible, hidden, after-due.
pub fn exercise() -> Exercise {
    let files = [
        ("exercise.toml", MANIFEST),
        ("README.md", "# Lines\n\nSend them back."),
        ("suite.py", "def plain(exam): pass\ndef secret(exam): pass\ndef later(exam): pass\n"),
        ("starter/lines.py", "# begin here\n"),
        ("submissions/reference/lines.py", "print()\n"),
        ("submissions/wrong/silent/lines.py", "pass\n"),
    ];
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
    Exercise::from_files(ASSIGNMENT, files).expect("a sound exercise")
}

/// A course with `ida` (instructor), `arne` (assistant), `amara` and `bence` (students), one assignment, and `mallory`,
/// who is not in it.
#[derive(Debug)]
pub struct World {
    pub db: PgPool,
    pub course: CourseId,
}

impl World {
    pub async fn new(db: PgPool) -> World {
        db::secrets::ensure(&db).await.unwrap();
        let hash = PasswordHash::of(Password::chosen(PASSWORD).unwrap()).await;
        let course = db::courses::create(&db, &Slug::parse(COURSE).unwrap(), "Networking").await.unwrap();
        let world = World { db, course };
        for (login, role) in [
            ("ida", Some(Role::Instructor)),
            ("arne", Some(Role::Assistant)),
            ("amara", Some(Role::Student)),
            ("bence", Some(Role::Student)),
            ("mallory", None),
        ] {
            world.add(login, role, &hash).await;
        }
        db::exercises::add(&world.db, &exercise()).await.unwrap();
        world.set(|_| {}).await;
        world
    }

    async fn add(&self, login: &str, role: Option<Role>, hash: &PasswordHash) {
        let person = db::people::create(&self.db, &Login::parse(login).unwrap(), login, hash, false).await.unwrap();
        if let Some(role) = role {
            db::courses::enroll(&self.db, self.course, person, role).await.unwrap();
        }
    }

    /// Sets the assignment anew, with a change.
    pub async fn set(&self, change: impl FnOnce(&mut Setting)) {
        let mut setting = Setting {
            suite_hash: SuiteHash::parse(exercise().suite_hash()).unwrap(),
            points: POINTS,
            opens_at: None,
            due_at: None,
            closes_at: None,
            attempts_max: None,
        };
        change(&mut setting);
        db::assignments::set(&self.db, self.course, &Slug::parse(ASSIGNMENT).unwrap(), &setting).await.unwrap();
    }

    pub async fn person(&self, login: &str) -> PersonId {
        db::people::by_login(&self.db, &Login::parse(login).unwrap()).await.unwrap().unwrap().id
    }

    pub async fn assignment(&self) -> Assignment {
        db::assignments::by_slug(&self.db, self.course, &Slug::parse(ASSIGNMENT).unwrap()).await.unwrap().unwrap()
    }

    /// Hands in below HTTP.
    pub async fn hand_in(&self, login: &str, role: Role, text: &str) -> Receipt {
        let submission = Submission::from_files([(b"lines.py".to_vec(), text.as_bytes().to_vec())]).unwrap();
        let hand_in = HandIn {
            assignment: &self.assignment().await,
            person: self.person(login).await,
            role,
            submission: &submission,
            key: None,
        };
        match db::submissions::hand_in(&self.db, &hand_in).await.unwrap() {
            Accepted::New(receipt) | Accepted::Replayed(receipt) => receipt,
        }
    }

    pub async fn claim(&self) -> Option<Lease> {
        db::queue::claim(&self.db, "test", LEASE).await.unwrap()
    }

    /// Claims the next grading and completes it.
    pub async fn grade_next(&self, points: u32) -> SubmissionId {
        let lease = self.claim().await.expect("something to claim");
        assert_eq!(db::queue::complete(&self.db, &lease, &report(points)).await.unwrap(), Fenced::Done);
        lease.submission
    }
}

/// A report of `points` out of 10 that failed the hidden and the after-due case, and holds what Postgres finds hard.
pub fn report(points: u32) -> Report {
    let case = |id: &str, visibility, verdict| CaseReport {
        id: id.into(),
        title: id.into(),
        points: 0,
        points_max: 3,
        verdict,
        visibility,
        message: Some(SECRET.into()),
        hint: Some(SECRET.into()),
        evidence: vec![Evidence::Output {
            program: "lines".into(),
            stream: OutputStream::Stdout,
            text: format!("{SECRET}\0"),
            truncated: false,
        }],
        usage: Usage::default(),
        seed: Some(SEED.into()),
    };
    Report {
        exercise: ASSIGNMENT.into(),
        suite_hash: exercise().suite_hash().into(),
        submission_hash: "0".repeat(64),
        seed: SeedOrigin::Server,
        verdict: Verdict::WrongAnswer,
        points,
        points_max: 10,
        build: Build { ok: true, message: String::new() },
        cases: vec![
            case("secret", Visibility::Hidden, Verdict::WrongAnswer),
            case("later", Visibility::AfterDue, Verdict::Deadlock),
        ],
        lane: LaneFacts { lane: Lane::Native, python: "3".into(), weaknesses: Vec::new() },
    }
}
