//! What a student reads, word for word: `practicum grade` on telling programs, kept in `golden/`.
//!
//! A changed message shows here and is reviewed as prose. `PRACTICUM_GOLDEN=write` writes the files anew. What passed on
//! the network is kept only where it must pass in one order.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `practicum grade` on one of the exercises' own programs and compares what it prints.
#[track_caller]
fn check(exercise: &str, program: &str) {
    compare(&name(exercise, program), &folder(exercise), &folder(exercise).join("submissions").join(program));
}

/// The same with what passed on the network.
#[track_caller]
fn check_with_the_wire(exercise: &str, program: &str) {
    let said = graded(&folder(exercise), &folder(exercise).join("submissions").join(program));
    agree(&name(exercise, program), said);
}

fn name(exercise: &str, program: &str) -> String {
    format!("{exercise}-{}", program.replace('/', "-"))
}

fn folder(exercise: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../exercises").join(exercise)
}

#[track_caller]
fn compare(name: &str, exercise: &Path, submission: &Path) {
    agree(name, without_the_wire(&graded(exercise, submission)));
}

/// The wire stands last in what is said about a case.
fn without_the_wire(said: &str) -> String {
    let mut inside = false;
    let mut kept = |line: &str| {
        inside = line == "      on the network:" || inside && line.starts_with("     ");
        !inside
    };
    said.split_inclusive('\n').filter(|line| kept(line.trim_end_matches('\n'))).collect()
}

#[track_caller]
fn graded(exercise: &Path, submission: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_practicum"))
        .arg("grade")
        .args([exercise, submission])
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "practicum grade: {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("what is printed is UTF-8")
}

#[track_caller]
fn agree(name: &str, said: String) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(golden, said).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(said == expected, "{} says otherwise:\n{expected}\nnow it reads:\n{said}", golden.display());
}

/// A folder with one program.
fn written(name: &str, program: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, program).unwrap();
    (folder, file)
}

#[test]
fn all_is_well() {
    check("net-02-echo-server", "reference");
}

#[test]
fn a_deadlock_is_explained() {
    check_with_the_wire("net-02-echo-server", "wrong/waits_for_lines");
}

#[test]
fn wrong_bytes_are_shown_beside_the_right_ones() {
    check("net-02-echo-server", "wrong/decodes_text");
}

#[test]
fn what_a_program_of_ours_raises_comes_with_its_traceback() {
    check("net-03-message-framing", "wrong/header_in_one_recv");
}

#[test]
fn threads_that_never_return_are_explained() {
    check("thr-04-bounded-buffer", "wrong/forgets_the_producers");
}

#[test]
fn waiting_threads_are_counted_without_ours() {
    check("thr-04-bounded-buffer", "wrong/close_wakes_one");
}

#[test]
fn a_program_that_spins_meets_its_limit() {
    check("thr-04-bounded-buffer", "wrong/spins");
}

#[test]
fn a_program_that_polls_fails_without_waiting_for_a_limit() {
    check("thr-04-bounded-buffer", "wrong/naps");
}

#[test]
fn bytes_that_never_come_are_counted() {
    check("net-03-message-framing", "wrong/sends_once");
}

#[test]
fn a_crash_comes_with_its_traceback() {
    check("net-02-echo-server", "wrong/dies_on_reset");
}

#[test]
fn a_program_that_cannot_start_comes_with_its_traceback() {
    check("net-02-echo-server", "wrong/no_reuse");
}

#[test]
fn a_connection_closed_too_early_is_told() {
    check("net-02-echo-server", "wrong/closes_before_writing");
}

#[test]
fn a_pickle_that_ran_is_told() {
    check("msg-04-pickle-guard", "wrong/plain_pickle");
}

// One telling program of each exercise on networks.

#[test]
fn a_client_that_leaves_before_the_answer_is_told() {
    check("net-01-netcat", "wrong/leaves_at_stdin_eof");
}

#[test]
fn a_file_that_ends_in_no_short_block_is_told() {
    check("net-04-tftp", "wrong/stops_at_a_full_last_block");
}

#[test]
fn a_text_in_the_wrong_encoding_is_told() {
    check("cli-01-web-fetch", "wrong/always_utf8");
}

#[test]
fn a_cookie_sent_where_it_does_not_belong_is_told() {
    check("cli-02-login-session", "wrong/keeps_cookies_in_a_dict");
}

#[test]
fn a_file_that_is_shown_although_it_lies_outside_is_told() {
    check("web-01-static-server", "wrong/follows_links");
}

#[test]
fn a_counter_that_nobody_shares_is_told() {
    check("adv-01-concurrent-server", "wrong/counts_for_each_session");
}

#[test]
fn connections_that_are_not_used_again_are_counted() {
    check("adv-02-xmlrpc-service", "wrong/proxy_for_each_call");
}

#[test]
fn an_end_that_takes_the_other_direction_along_is_told() {
    check("io-01-select-relay", "wrong/ends_both_directions");
}

#[test]
fn a_command_whose_case_matters_where_it_should_not_is_told() {
    check("io-03-resp-kv", "wrong/upper_case_only");
}

#[test]
fn an_answer_to_nobody_is_told() {
    check("msg-06-amqp-worker", "wrong/loses_the_correlation_id");
}

#[test]
fn a_task_of_a_lost_worker_that_nobody_does_is_told() {
    check("dist-04-map-reduce", "wrong/forgets_lost_tasks");
}

#[test]
fn a_file_that_does_not_parse_is_shown_where() {
    let (_folder, file) = written("echo_server.py", "import socket\n\ndef main(\n    print('x')\n");
    compare("build-error", &folder("net-02-echo-server"), &file);
}

#[test]
fn syntax_of_a_later_python_is_a_build_error_that_names_ours() {
    let (_folder, file) = written("echo_server.py", "type Address = tuple[str, int]\n");
    compare("later-python", &folder("net-02-echo-server"), &file);
}

#[test]
fn a_file_that_is_no_python_at_all_is_a_build_error() {
    let (_folder, file) = written("echo_server.py", b"import socket\0\n");
    compare("null-bytes", &folder("net-02-echo-server"), &file);
}

#[test]
fn a_broken_rule_is_shown_where() {
    let program = "import queue\nfrom multiprocessing import Queue\n\n\nclass BoundedBuffer(queue.Queue):\n    pass\n";
    let (_folder, file) = written("buffer.py", program);
    compare("rule-broken", &folder("thr-04-bounded-buffer"), &file);
}
