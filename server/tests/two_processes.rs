//! Workers and the server as the processes they are: killed, stopped and asked to leave in the middle of a grading.
//!
//! Each test has a database, a server and an exercise of its own. What is waited for is told by the server's live
//! stream or by a worker's log, never guessed by a pause.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{ConnectOptions, PgPool};
use tempfile::TempDir;

/// Only gives up: nothing here is ordered by it.
const PATIENCE: Duration = Duration::from_secs(90);
/// Seconds of silence after which a worker is taken for dead, for tests.
const LEASE: &str = "3";
const FILES: &[(&str, &str)] = &[
    (
        "exercise.toml",
        "title = \"Patience\"\nsection = 1\nlane = \"native\"\nfiles = [\"program.py\"]\n\
         [programs.program]\nfile = \"program.py\"\n\
         [[case]]\nid = \"takes-its-time\"\npoints = 10\ntitle = \"It ends well, in its own time\"\n",
    ),
    ("README.md", "# Patience\n\nA program that ends well.\n"),
    ("suite.py", "def takes_its_time(exam):\n    exam.equal(exam.start(\"program\").wait().code, 0, \"exit code\")\n"),
    ("starter/program.py", "raise SystemExit(1)\n"),
    ("submissions/reference/program.py", "raise SystemExit(0)\n"),
];
/// Runs long enough to be caught in the middle.
const PROGRAM: &str = "import time\ntime.sleep(4)\n";

/// A process that does not outlive its test, and its log.
struct Process {
    child: Child,
    log: Receiver<String>,
}

impl Process {
    fn start(arguments: &[&str], url: &str) -> Process {
        let mut child = practicum(arguments, url).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Process { child, log }
    }

    /// The first line from now on that holds `words`.
    fn says(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it never said {words:?}"));
            eprintln!("{}: {line}", self.child.id());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn practicum(arguments: &[&str], url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_practicum"));
    command.args(arguments).env("DATABASE_URL", url).env_remove("RUST_LOG").env_remove("PRACTICUM_LOG");
    command
}

/// A course of one student and one exercise, served.
struct Site {
    db: PgPool,
    url: String,
    /// `http://ADDRESS/api/v1`
    api: String,
    token: String,
    client: reqwest::Client,
    _server: Process,
    _exercise: TempDir,
}

impl Site {
    async fn new(db: PgPool) -> Site {
        let url = db.connect_options().to_url_lossy().to_string();
        let exercise = TempDir::new().unwrap();
        let folder = write_exercise(exercise.path());
        run(&["migrate"], &url);
        run(&["admin", "user", "add", "amara", "--name", "Amara Okafor"], &url);
        run(&["admin", "course", "add", "netcon", "Networking & Concurrency"], &url);
        run(&["admin", "enroll", "netcon", "amara"], &url);
        run(&["admin", "exercise", "add", "--unchecked", folder.to_str().unwrap()], &url);
        run(&["admin", "assign", "netcon", "patience"], &url);
        let token = run(&["admin", "token", "create", "amara", "--label", "test"], &url);
        let server = Process::start(&["serve", "--workers", "0", "--listen", "127.0.0.1:0"], &url);
        let listening = server.says("listening on http://");
        let address = listening.split("http://").nth(1).unwrap();
        let api = format!("http://{address}/api/v1");
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Site { db, url, api, token, client, _server: server, _exercise: exercise }
    }

    /// A worker with no more rights than a worker needs.
    fn worker(&self) -> Process {
        let url = format!(
            "{}{}options=-c%20role%3Dpracticum_worker",
            self.url,
            if self.url.contains('?') { '&' } else { '?' }
        );
        let worker = Process::start(&["work", "--allow-weak-sandbox", "--lease", LEASE], &url);
        worker.says("working");
        worker
    }

    async fn hand_in(&self) -> String {
        let path = format!("{}/courses/netcon/assignments/patience/submissions", self.api);
        let files = json!({ "files": [{ "name": "program.py", "content": PROGRAM }] });
        let request = self.client.post(path).bearer_auth(&self.token).header("content-type", "application/json");
        let answer = request.body(files.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let receipt: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        receipt["id"].as_str().unwrap().to_owned()
    }

    /// Returns once the live stream tells `words`.
    async fn told(&self, submission: &str, words: &str) {
        let path = format!("{}/submissions/{submission}/events", self.api);
        let mut stream = self.client.get(path).bearer_auth(&self.token).send().await.unwrap();
        let mut text = String::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            text.push_str(&String::from_utf8_lossy(&chunk));
            if text.contains(words) {
                return;
            }
        }
        panic!("the stream ended without {words:?}: {text}");
    }

    /// `(tries, verdict)` of the only report that there is.
    async fn only_report(&self) -> (i16, String) {
        let query = "select tries, verdict from gradings where report is not null";
        let reports: Vec<(i16, String)> = sqlx::query_as(query).fetch_all(&self.db).await.unwrap();
        let left: i64 = sqlx::query_scalar("select count(*) from queue").fetch_one(&self.db).await.unwrap();
        assert_eq!((reports.len(), left), (1, 0), "{reports:?}");
        reports.into_iter().next().unwrap()
    }
}

fn write_exercise(parent: &Path) -> PathBuf {
    let folder = parent.join("patience");
    for (path, text) in FILES {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn run(arguments: &[&str], url: &str) -> String {
    let done = practicum(arguments, url).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

const CASE_RUNS: &str = "\"case\":\"takes-its-time\",\"state\":\"running\"";
const GRADED: &str = "\"state\":\"graded\"";

#[sqlx::test(migrations = false)]
async fn a_worker_killed_in_the_middle_leaves_exactly_one_report_to_another(db: PgPool) {
    let site = Site::new(db).await;
    let submission = site.hand_in().await;
    let victim = site.worker();
    site.told(&submission, CASE_RUNS).await;
    victim.signal("KILL");
    let _heir = site.worker();
    site.told(&submission, GRADED).await;
    assert_eq!(site.only_report().await, (2, "passed".into()));
}

#[sqlx::test(migrations = false)]
async fn a_worker_that_slept_through_its_lease_changes_nothing(db: PgPool) {
    let site = Site::new(db).await;
    let submission = site.hand_in().await;
    let sleeper = site.worker();
    site.told(&submission, CASE_RUNS).await;
    sleeper.signal("STOP");
    let _heir = site.worker();
    site.told(&submission, GRADED).await;
    sleeper.signal("CONT");
    sleeper.says("lost the lease");
    assert_eq!(site.only_report().await, (2, "passed".into()));
}

#[sqlx::test(migrations = false)]
async fn a_worker_told_to_stop_finishes_what_it_grades(db: PgPool) {
    let site = Site::new(db).await;
    let submission = site.hand_in().await;
    let mut worker = site.worker();
    site.told(&submission, CASE_RUNS).await;
    worker.signal("TERM");
    site.told(&submission, GRADED).await;
    assert!(worker.child.wait().unwrap().success());
    assert_eq!(site.only_report().await, (1, "passed".into()));
}
