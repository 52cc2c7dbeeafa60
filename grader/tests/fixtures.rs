//! The servers that suites have for clients (grader/python/examiner/practicum/fixtures): clients of the standard library
//! use every power of theirs (`fixtures/`), and what goes wrong in them is told as what it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use grader::report::Report;
use grader::seed::Root;
use grader::{Exercise, Grader, GraderError, Request, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    type Test = fn(&Grader) -> Result<(), Failed>;
    let named: [(&str, Test); 6] = [
        ("clients_of_the_standard_library_are_served", clients_of_the_standard_library_are_served),
        ("a_page_that_raises_is_our_error", a_page_that_raises_is_our_error),
        ("a_page_that_asserts_fails_the_case", a_page_that_asserts_fails_the_case),
        ("a_reply_that_never_comes_is_a_deadlock", a_reply_that_never_comes_is_a_deadlock),
        ("a_request_that_never_comes_is_a_deadlock", a_request_that_never_comes_is_a_deadlock),
        ("too_many_connections_fail_the_case", too_many_connections_fail_the_case),
    ];
    let tests = named.map(|(name, test)| {
        let grader = grader.clone();
        Trial::test(name, move || test(&grader))
    });
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit_code()
}

fn clients_of_the_standard_library_are_served(grader: &Grader) -> Result<(), Failed> {
    let report = grade(grader, &exercise(), None)?;
    assert_eq!(report.points, report.points_max, "{report:#?}");
    Ok(())
}

fn a_page_that_raises_is_our_error(grader: &Grader) -> Result<(), Failed> {
    let pages = "{'/': lambda request: request.query['n'][0]}";
    let error = grade_pages(grader, pages, "clients.fetch(site.url())").unwrap_err();
    let told =
        matches!(&error, GraderError::Suite { case, reason } if case == "pages" && reason.contains("KeyError: 'n'"));
    assert!(told, "{error}");
    Ok(())
}

fn a_page_that_asserts_fails_the_case(grader: &Grader) -> Result<(), Failed> {
    let pages = "{'/': lambda request: exam.equal(request.method, 'POST', 'the method')}";
    check(grader, pages, "clients.fetch(site.url())", Verdict::WrongAnswer, "the method: got 'GET', expected 'POST'")
}

fn a_reply_that_never_comes_is_a_deadlock(grader: &Grader) -> Result<(), Failed> {
    let pages = "{'/': http.Reply('late', gate=exam.gate())}";
    check(grader, pages, "clients.fetch(site.url())", Verdict::Deadlock, "a thread waits to receive from a socket")
}

fn a_request_that_never_comes_is_a_deadlock(grader: &Grader) -> Result<(), Failed> {
    let act = "clients.fetch(site.url()); site.wait(2)";
    check(grader, "{}", act, Verdict::Deadlock, "the program has not sent 2 requests, only 1 request, and never will")
}

fn too_many_connections_fail_the_case(grader: &Grader) -> Result<(), Failed> {
    let act = "[clients.connect(*site.address) for _ in range(60)]; exam.quiet()";
    check(grader, "{}", act, Verdict::WrongAnswer, "more than 48 connections open at once")
}

/// A case that does `act` with a site of these pages ends so, and says so.
fn check(grader: &Grader, pages: &str, act: &str, verdict: Verdict, words: &str) -> Result<(), Failed> {
    let report = grade_pages(grader, pages, act)?;
    let case = &report.cases[0];
    assert_eq!(case.verdict, verdict, "{case:#?}");
    assert!(case.message.as_ref().is_some_and(|message| message.contains(words)), "{case:#?}");
    Ok(())
}

fn grade_pages(grader: &Grader, pages: &str, act: &str) -> Result<Report, GraderError> {
    let suite = format!(
        "from practicum.fixtures import http\ndef pages(exam):\n    site = exam.http({pages})\n    \
         clients = exam.load('clients.py')\n    {act}\n"
    );
    let mut files: BTreeMap<String, Vec<u8>> =
        exercise().paths().map(|path| (path.to_owned(), exercise().file(path).unwrap().to_vec())).collect();
    files.insert("suite.py".to_owned(), suite.into_bytes());
    grade(grader, &Exercise::from_files("fixtures", files).unwrap(), Some("pages".to_owned()))
}

fn exercise() -> Exercise {
    Exercise::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap()
}

fn grade(grader: &Grader, exercise: &Exercise, only: Option<String>) -> Result<Report, GraderError> {
    let request = Request { root: Root::Public, only, seed: None, set: BTreeMap::new(), replay: None };
    let reference = exercise.submission("reference").unwrap();
    grader.grade(exercise, &reference, &request, &mut |_| {}, &|| false)
}
