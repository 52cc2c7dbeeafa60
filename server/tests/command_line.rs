//! What scripts and people see of the command line: exit codes, what is printed where, and that errors name values.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use sqlx::{ConnectOptions, PgPool};

fn practicum(url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_practicum"));
    command.args(arguments).env("DATABASE_URL", url).output().unwrap()
}

fn url(db: &PgPool) -> String {
    db.connect_options().to_url_lossy().to_string()
}

#[track_caller]
fn check(url: &str, arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let done = practicum(url, arguments);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {out}{err}");
    assert!(out.contains(stdout) && err.contains(stderr), "{arguments:?}: {out}{err}");
}

#[sqlx::test(migrations = false)]
async fn errors_name_the_value_and_say_what_is_wanted(db: PgPool) {
    let url = url(&db);
    check(&url, &["migrate"], 0, "up to date", "");
    check(&url, &["migrate"], 0, "up to date", "");
    check(&url, &["admin", "user", "add", "amara", "--name", "Amara Okafor"], 0, "", "");
    check(
        &url,
        &["admin", "user", "add", "amara", "--name", "A"],
        1,
        "",
        "add amara: somebody signs in as that already",
    );
    check(&url, &["admin", "user", "add", "Amara", "--name", "A"], 2, "", "parse login \"Amara\"");
    check(&url, &["admin", "user", "list"], 0, "amara\tAmara Okafor", "");
    check(&url, &["admin", "course", "add", "CS 101", "T"], 2, "", "parse slug \"CS 101\"");
    check(&url, &["admin", "course", "add", "cs-101", "T"], 0, "", "");
    check(&url, &["admin", "enroll", "cs-102", "amara"], 1, "", "find course \"cs-102\"");
    check(&url, &["admin", "enroll", "cs-101", "bence"], 1, "", "find \"bence\": nobody signs in as that");
    check(&url, &["admin", "enroll", "cs-101", "amara"], 0, "", "");
    check(&url, &["admin", "assign", "cs-101", "net-99"], 1, "", "find exercise \"net-99\"");
    check(&url, &["admin", "assign", "cs-101", "x", "--due", "monday"], 2, "", "2027-03-01T23:59:00Z");
    check(&url, &["admin", "regrade", "cs-101", "net-99"], 1, "", "find assignment net-99 in cs-101");
    check(&url, &["admin", "exercise", "add", "/nowhere"], 1, "", "/nowhere");
    check("postgres://localhost:1/x", &["migrate"], 1, "", "check --database-url");
}

#[sqlx::test(migrations = false)]
async fn a_generated_password_signs_in_and_a_short_one_is_refused(db: PgPool) {
    let url = url(&db);
    check(&url, &["migrate"], 0, "", "");
    let made = practicum(&url, &["admin", "user", "add", "amara", "--name", "Amara"]);
    assert_eq!(String::from_utf8(made.stdout).unwrap().trim().len(), 16);
    check(&url, &["admin", "user", "password", "amara", "--password-stdin"], 1, "", "0 characters");
}

/// An exercise whose wrong program is said to fail `fails`; in truth it fails `says-yes`.
fn exercise(fails: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "title = \"Yes\"\nsection = 1\nlane = \"native\"\nfiles = [\"yes.py\"]\n\
         [[case]]\nid = \"says-yes\"\npoints = 5\ntitle = \"It says yes\"\n\
         [[case]]\nid = \"loads\"\npoints = 5\ntitle = \"It can be loaded\"\n\
         [[wrong]]\nname = \"says_no\"\nfails = [\"{fails}\"]\n"
    );
    let suite = "def says_yes(exam):\n    exam.equal(exam.load(\"yes.py\").say(), \"yes\", \"say()\")\n\n\n\
                 def loads(exam):\n    exam.load(\"yes.py\")\n";
    let says = |word: &str| format!("def say():\n    return {word}\n");
    for (path, text) in [
        ("exercise.toml", manifest),
        ("README.md", "# Yes\n".to_owned()),
        ("suite.py", suite.to_owned()),
        ("starter/yes.py", says("None")),
        ("submissions/reference/yes.py", says("\"yes\"")),
        ("submissions/wrong/says_no/yes.py", says("\"no\"")),
    ] {
        let path = folder.path().join("net-98-yes").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[sqlx::test(migrations = false)]
async fn an_exercise_is_added_once_its_own_programs_prove_it(db: PgPool) {
    let (url, exercise) = (url(&db), exercise("says-yes"));
    let folder = exercise.path().join("net-98-yes");
    let add = ["admin", "exercise", "add", folder.to_str().unwrap()];
    check(&url, &add, 0, "net-98-yes\t", "net-98-yes ok  2 cases, reference 3/3, wrong 1/1, starter fails");
    check(&url, &["admin", "exercise", "list"], 0, "net-98-yes\t10\t", "");
}

#[sqlx::test(migrations = false)]
async fn an_exercise_that_is_not_accepted_is_added_only_unchecked(db: PgPool) {
    let (url, exercise) = (url(&db), exercise("loads"));
    let folder = exercise.path().join("net-98-yes");
    let add = ["admin", "exercise", "add", folder.to_str().unwrap()];
    check(&url, &add, 1, "", "failed to add net-98-yes: not accepted");
    check(&url, &add, 1, "", "wrong/says_no must fail {\"loads\"}\n                but fails {\"says-yes\"}");
    assert_eq!(practicum(&url, &["admin", "exercise", "list"]).stdout, b"");
    check(&url, &[&add[..], &["--unchecked"]].concat(), 0, "net-98-yes\t", "");
    check(&url, &["admin", "exercise", "list"], 0, "net-98-yes\t10\t", "");
}

#[test]
fn the_demo_stays_on_this_machine() {
    check("postgres://unused", &["serve", "--demo", "--listen", "0.0.0.0:0"], 1, "", "0.0.0.0:0");
}

#[test]
fn the_api_document_says_what_is_sent() {
    let printed = practicum("postgres://unused", &["openapi"]);
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.contains('*')));
    let schemas = &document["components"]["schemas"];
    let required = |schema: &serde_json::Value, name: &str| {
        schema["required"].as_array().unwrap().contains(&serde_json::Value::from(name))
    };
    assert!(required(&schemas["CaseReport"], "message"), "null is written, never left out");
    assert!(required(&schemas["SubmissionPage"]["allOf"][1], "report"));
    assert_eq!(schemas["FormUpload"]["properties"]["files"]["items"]["format"], "binary");
    let wait = &document["paths"]["/api/v1/submissions/{id}"]["get"]["parameters"][1];
    assert_eq!((&wait["in"], &wait["required"]), (&"query".into(), &false.into()));
}

#[sqlx::test(migrations = false)]
async fn the_demo_course_is_made_once_and_its_passwords_are_private(db: PgPool) {
    let url = url(&db);
    let data = tempfile::tempdir().unwrap();
    let accounts = data.path().join("demo-accounts.txt");
    let serve = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_practicum"));
        command.args(["serve", "--demo", "--workers", "0", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
        let mut child = command
            .env("DATABASE_URL", &url)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        assert!(lines.map_while(Result::ok).any(|line| line.contains("listening on")), "it never listened");
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::read_to_string(&accounts).unwrap()
    };
    let first = serve();
    assert_eq!(first.lines().count(), 33);
    assert_eq!(std::fs::metadata(&accounts).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(serve(), first);
    check(&url, &["admin", "user", "list"], 0, "ida\tIda Lindqvist", "");
}

/// `practicum grade net-02-echo-server` on one file, with further arguments.
#[track_caller]
fn check_grade(name: &str, content: &[u8], arguments: &[&str], code: i32, stdout: &str, stderr: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    let exercises = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../exercises");
    let (file, exercises) = (file.to_str().unwrap(), exercises.to_str().unwrap());
    let all = [&["grade", "net-02-echo-server", file, "--exercises", exercises], arguments].concat();
    check("postgres://unused", &all, code, stdout, stderr);
}

/// A zip with one file.
fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, content).unwrap();
    archive.finish().unwrap().into_inner()
}

const REFERENCE: &[u8] = include_bytes!("../../exercises/net-02-echo-server/submissions/reference/echo_server.py");

#[test]
fn a_program_that_cannot_be_built_is_graded_and_gets_no_points() {
    let broken = b"import socket\n\nwhile True\n    pass\n";
    check_grade(
        "echo_server.py",
        broken,
        &[],
        1,
        "echo_server.py, line 3: SyntaxError: expected ':'\n    while True\n",
        "",
    );
    check_grade("echo_server.py", broken, &[], 1, "net-02-echo-server: 0 of 100 points, build error\n", "");
    let later = b"type Port = int\n";
    check_grade("echo_server.py", later, &[], 1, "echo_server.py, line 1: SyntaxError", "");
    check_grade("echo_server.py", later, &[], 1, "Programs are run by Python 3.", "");
    check_grade(
        "echo_server.py",
        b"s = 'caf\xe9'\n",
        &[],
        1,
        "echo_server.py, line 1: SyntaxError: (unicode error)",
        "",
    );
    check_grade("echo_server.py", broken, &["--json"], 1, "\"verdict\": \"build-error\"", "");
}

#[test]
fn what_cannot_be_graded_at_all_is_refused_with_the_reason() {
    let refused = |name: &str, content: &[u8], reason: &str| check_grade(name, content, &[], 2, "", reason);
    refused("echo_server.py", b"", "practicum: the file \"echo_server.py\" is empty: hand in its content\n");
    refused(
        "server.py",
        REFERENCE,
        "practicum: net-02-echo-server asks for echo_server.py, which the submission lacks; it holds server.py: name \
         the file as the exercise asks\n",
    );
    let too_large = "practicum: more than 1048576 bytes in all: leave out what the exercise does not ask for\n";
    refused("echo_server.py", &vec![b'#'; 10 << 20], too_large);
    refused("work.zip", &zipped("echo_server.py", &vec![b'#'; 10 << 20]), too_large);
    refused(
        "work.zip",
        &zipped("../echo_server.py", REFERENCE),
        "practicum: file name \"../echo_server.py\": \".\", \"..\" and empty parts are not allowed\n",
    );
    refused(
        "work.zip",
        b"not a zip",
        "practicum: open archive \"work.zip\": it is damaged or not a zip archive: pack it again\n",
    );
    refused("work.zip", &zipped("README.md", b"# Work\n"), "which the submission lacks; it holds README.md");
}

#[test]
fn an_archive_is_graded_like_the_files_in_it() {
    let archive = zipped("echo_server.py", REFERENCE);
    check_grade("work.zip", &archive, &["--case", "echo-at-once"], 0, "15 of 15 points, passed\n", "");
}

#[test]
fn a_program_with_a_name_and_a_port_of_its_own_is_graded_unedited() {
    let settings = ["--set", "server.file=mine.py", "--set", "port=1664", "--case", "echo-at-once"];
    check_grade("mine.py", REFERENCE, &settings, 0, "15 of 15 points, passed\n", "");
}

#[test]
fn a_wrong_argument_is_named_with_what_is_known() {
    let refused = |arguments: &[&str], reason: &str| check_grade("echo_server.py", REFERENCE, arguments, 2, "", reason);
    refused(&["--case", "echo"], "practicum: case \"echo\": net-02-echo-server has only echo-at-once, no-newline, ");
    refused(&["--case", "binary", "--seed", "12"], "invalid value '12' for '--seed <CASESEED>'");
    refused(&["--seed", &"0".repeat(64)], "--case <ID>");
    let replay = ["--case", "echo-at-once", "--replay", "sQAA3s395ggDAA"];
    refused(&replay, "practicum: replay in case \"echo-at-once\": this case explores no schedules\n");
    refused(&["--set", "port"], "NAME=VALUE is wanted, such as port=1664");
    refused(&["--set", "prot=1"], "practicum: set \"prot\": this exercise knows only host, port, server.file\n");
    refused(&["--set", "port=http"], "practicum: set port=\"http\": a number is wanted\n");
    refused(&["--set", "server.file=mine.py"], "asks for mine.py, which the submission lacks; it holds echo_server.py");
    let nowhere = ["grade", "net-99", "/dev/null", "--exercises", "/nowhere"];
    check("postgres://unused", &nowhere, 2, "", "practicum: read exercise \"net-99\": /nowhere/net-99: No such file");
}

#[test]
fn printing_to_nobody_ends_without_a_complaint() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_practicum"));
    let done = command.arg("openapi").stdout(writer).output().unwrap();
    assert_eq!(done.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}
