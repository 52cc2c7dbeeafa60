//! Exploring schedules through the whole way: an exercise with every power of `exam.explore`, programs with one mistake
//! each, and programs that would rather not be explored (`exploring/`).
//!
//! The first line of a program says how it is to end. Whatever it does, that is never our error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use grader::report::{CaseReport, Evidence, ScheduleEvidence};
use grader::seed::Root;
use grader::{Exercise, Grader, GraderError, Report, Request, Submission};
use libtest_mimic::{Arguments, Failed, Trial};
use schedules::token::Token;

fn main() -> ExitCode {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let mut tests = vec![
        trial(&grader, "the_reference_passes", |grader| {
            let report = grade(grader, &exercise().submission("reference").unwrap(), None, None);
            assert_eq!(report.points, report.points_max, "{report:#?}");
        }),
        trial(&grader, "a_schedule_is_repeated_by_its_token", a_schedule_is_repeated_by_its_token),
        trial(
            &grader,
            "a_repeated_schedule_is_shown_even_if_nothing_fails",
            a_repeated_schedule_is_shown_even_if_nothing_fails,
        ),
        trial(&grader, "a_schedule_of_other_files_is_not_repeated", a_schedule_of_other_files_is_not_repeated),
        trial(&grader, "a_schedule_of_another_exploration_is_not_repeated", another_exploration_is_not_repeated),
        trial(&grader, "it_is_told_whether_this_interpreter_fails_so", it_is_told_whether_this_interpreter_fails_so),
        trial(&grader, "a_grading_is_the_same_each_time", a_grading_is_the_same_each_time),
    ];
    for path in programs("mistakes") {
        tests.push(trial(&grader, &named("has_a_mistake", &path), move |grader| {
            let text = std::fs::read_to_string(&path).unwrap();
            let (case, expected) = text[2..].split_once(' ').unwrap();
            let case = check(grader, &text, case, expected.lines().next().unwrap());
            let shown = case.evidence.iter().any(|evidence| matches!(evidence, Evidence::Schedule(_)));
            assert!(shown, "{case:#?}");
        }));
    }
    for path in programs("attacks") {
        tests.push(trial(&grader, &named("attacks", &path), move |grader| {
            let text = std::fs::read_to_string(&path).unwrap();
            check(grader, &text, "counted", text[2..].lines().next().unwrap());
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn trial(grader: &Arc<Grader>, name: &str, test: impl FnOnce(&Grader) + Send + 'static) -> Trial {
    let grader = grader.clone();
    let run = move || {
        test(&grader);
        Ok::<(), Failed>(())
    };
    Trial::test(name, run)
}

fn a_schedule_is_repeated_by_its_token(grader: &Grader) {
    let program = mistake("adds_without_a_lock");
    let failed = grade(grader, &program, Some("counted"), None);
    let token = token(&failed.cases[0]);
    let again = grade(grader, &program, Some("counted"), Some(&token));
    assert_eq!(again.cases[0].message, failed.cases[0].message);
    assert_eq!(self::token(&again.cases[0]), token);
}

/// Whether it fails or not, and whatever else the case finds fault with.
fn a_repeated_schedule_is_shown_even_if_nothing_fails(grader: &Grader) {
    let program = mistake("adds_without_a_lock");
    let failed = grade(grader, &program, Some("counted"), None);
    let other = grade(grader, &program, Some("transferred"), Some(&token(&failed.cases[0])));
    assert!(other.cases[0].verdict.passed(), "{other:#?}");
    token(&other.cases[0]);
    let another = grade(grader, &program, Some("noted"), Some(&token(&failed.cases[0])));
    assert!(!another.cases[0].verdict.passed(), "one schedule has not both orders");
    token(&another.cases[0]);
}

fn a_schedule_of_other_files_is_not_repeated(grader: &Grader) {
    let token = token_of("adds_without_a_lock", grader);
    let reference = exercise().submission("reference").unwrap();
    check_not_repeated(grader, &reference, "counted", &token, "one of other files");
}

/// Nor one of a scenario that there is not, nor any where nothing is explored.
fn another_exploration_is_not_repeated(grader: &Grader) {
    let program = mistake("adds_without_a_lock");
    let known = Token::parse(&token_of("adds_without_a_lock", grader)).unwrap();
    let other = Token { exploration: 3, ..known.clone() }.to_text().unwrap();
    check_not_repeated(grader, &program, "counted", &other, "of exploration 4, and this case came to 1 exploration");
    check_not_repeated(grader, &program, "noted", &other, "of exploration 4");
    check_not_repeated(grader, &program, "alone", &other, "this case explores no schedules");
    let other = Token { scenario: 9, ..known }.to_text().unwrap();
    check_not_repeated(grader, &program, "counted", &other, "of scenario 9, which there is not here");
}

#[track_caller]
fn check_not_repeated(grader: &Grader, submission: &Submission, case: &str, token: &str, words: &str) {
    match try_to_grade(grader, submission, Some(case), Some(token)) {
        Err(GraderError::Request(reason)) => assert!(reason.contains(words) && reason.contains(case), "{reason}"),
        other => panic!("{other:#?}"),
    }
}

/// One more instruction is never in between here; another thread at a lock is.
fn it_is_told_whether_this_interpreter_fails_so(grader: &Grader) {
    let told = |name: &str| {
        let text = std::fs::read_to_string(folder().join(format!("mistakes/{name}.py"))).unwrap();
        let case = text[2..].split_once(' ').unwrap().0.to_owned();
        let schedule = schedule(&grade(grader, &lab(&text), Some(&case), None).cases[0]);
        (schedule.interpreter, schedule.reach)
    };
    let (seen, words) = told("adds_without_a_lock");
    assert!(seen == Some(false) && words.contains("with its lock was not seen to do it in"), "{words}");
    for name in ["locks_in_any_order", "forgets_to_notify", "looks_again_and_again", "leaves_a_thread"] {
        let (seen, words) = told(name);
        assert!(seen == Some(true), "{name}: {words}");
    }
}

fn a_grading_is_the_same_each_time(grader: &Grader) {
    for name in ["if_in_place_of_while", "forgets_to_notify"] {
        let program = mistake(name);
        let reports = [(); 2].map(|()| grade(grader, &program, Some("in-order"), None));
        let told = reports.map(|report| (report.cases[0].message.clone(), report.cases[0].evidence.clone()));
        assert_eq!(told[0], told[1]);
    }
}

/// The program ends that case as `expected`: a verdict, and words of its message.
#[track_caller]
fn check(grader: &Grader, text: &str, case: &str, expected: &str) -> CaseReport {
    let (verdict, words) = expected.split_once(": ").unwrap();
    let report = grade(grader, &lab(text), Some(case), None);
    let case = &report.cases[0];
    assert_eq!(serde_json::to_value(case.verdict).unwrap(), verdict, "{case:#?}");
    assert!(case.message.as_ref().is_some_and(|message| message.contains(words)), "{case:#?}");
    case.clone()
}

fn token(case: &CaseReport) -> String {
    schedule(case).token.unwrap()
}

fn token_of(name: &str, grader: &Grader) -> String {
    token(&grade(grader, &mistake(name), Some("counted"), None).cases[0])
}

fn schedule(case: &CaseReport) -> ScheduleEvidence {
    let schedule = case.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Schedule(schedule) => Some(*schedule.clone()),
        _ => None,
    });
    schedule.unwrap_or_else(|| panic!("{case:#?}"))
}

fn mistake(name: &str) -> Submission {
    lab(&std::fs::read_to_string(folder().join(format!("mistakes/{name}.py"))).unwrap())
}

fn grade(grader: &Grader, submission: &Submission, only: Option<&str>, replay: Option<&str>) -> Report {
    try_to_grade(grader, submission, only, replay).unwrap()
}

fn try_to_grade(
    grader: &Grader,
    submission: &Submission,
    only: Option<&str>,
    replay: Option<&str>,
) -> Result<Report, GraderError> {
    let (only, replay) = (only.map(str::to_owned), replay.map(str::to_owned));
    let request = Request { root: Root::Public, only, seed: None, set: BTreeMap::new(), replay };
    grader.grade(&exercise(), submission, &request, &mut |_| {}, &|| false)
}

fn lab(text: &str) -> Submission {
    Submission::from_files([(b"lab.py".to_vec(), text.as_bytes().to_vec())]).unwrap()
}

fn exercise() -> Exercise {
    Exercise::load(&folder()).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exploring")
}

fn programs(part: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join(part)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn named(what: &str, path: &Path) -> String {
    format!("{what}: {}", path.file_stem().unwrap().to_string_lossy())
}
