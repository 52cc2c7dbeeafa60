//! Whole gradings of one small exercise: its submissions are attacks (`trust/*.py`), each of which names in its first
//! line the verdicts of both cases. None gains a point that it did not earn.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use grader::report::{Evidence, Reader, SeedOrigin};
use grader::seed::Root;
use grader::{Event, Exercise, Grader, GraderError, Report, Request, Submission, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let mut tests: Vec<Trial> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "py"))
        .map(|path| {
            let (name, grader) = (path.file_stem().unwrap().to_str().unwrap().to_owned(), grader.clone());
            Trial::test(name, move || an_attack(&grader, &path))
        })
        .collect();
    type Test = fn(&Grader) -> Result<(), Failed>;
    let named: [(&str, Test); 9] = [
        ("the_reference_passes_and_every_case_is_told", the_reference_passes_and_every_case_is_told),
        ("the_same_files_get_the_same_report", the_same_files_get_the_same_report),
        ("another_root_gives_other_seeds", another_root_gives_other_seeds),
        ("a_hidden_case_shows_a_student_no_more_than_its_verdict", a_hidden_case_shows_no_more_than_its_verdict),
        ("a_wrong_answer_comes_with_its_difference", a_wrong_answer_comes_with_its_difference),
        ("answers_that_only_grow_fail_the_case", answers_that_only_grow_fail_the_case),
        ("a_suite_that_raises_is_our_error", a_suite_that_raises_is_our_error),
        ("a_suite_that_exits_is_our_error", a_suite_that_exits_is_our_error),
        ("a_cancelled_grading_ends_without_a_report", a_cancelled_grading_ends_without_a_report),
    ];
    for (name, test) in named {
        let grader = grader.clone();
        tests.push(Trial::test(name, move || test(&grader)));
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trust")
}

fn exercise() -> Exercise {
    Exercise::load(&folder().join("exercise")).unwrap()
}

/// The exercise with another suite.
fn exercise_with(suite: &str) -> Exercise {
    let exercise = exercise();
    let mut files: BTreeMap<String, Vec<u8>> =
        exercise.paths().map(|path| (path.to_owned(), exercise.file(path).unwrap().to_vec())).collect();
    files.insert("suite.py".to_owned(), suite.as_bytes().to_vec());
    Exercise::from_files("exercise", files).unwrap()
}

fn submission(source: &str) -> Submission {
    Submission::from_files([(b"answer.py".to_vec(), source.as_bytes().to_vec())]).unwrap()
}

fn request(root: Root) -> Request {
    Request { root, only: None, seed: None, set: BTreeMap::new() }
}

fn grade(grader: &Grader, exercise: &Exercise, submission: &Submission) -> Result<Report, GraderError> {
    grader.grade(exercise, submission, &request(Root::Public), &mut |_| {}, &|| false)
}

fn an_attack(grader: &Grader, path: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let expected = source.lines().next().and_then(|line| line.strip_prefix("# expect: ")).ok_or("no expectation")?;
    let report = grade(grader, &exercise(), &submission(&source))?;
    let verdicts: Vec<String> = report
        .cases
        .iter()
        .map(|case| serde_json::to_string(&case.verdict).unwrap().trim_matches('"').to_owned())
        .collect();
    if verdicts.join(" ") != expected {
        return Err(format!("expected {expected}, got {}: {report:#?}", verdicts.join(" ")).into());
    }
    assert_eq!(report.points, 0);
    Ok(())
}

fn the_reference_passes_and_every_case_is_told(grader: &Grader) -> Result<(), Failed> {
    let told = RefCell::new(Vec::new());
    let exercise = exercise();
    let reference = exercise.submission("reference")?;
    let mut events = |event: Event| told.borrow_mut().push(event);
    let report = grader.grade(&exercise, &reference, &request(Root::Public), &mut events, &|| false)?;
    assert_eq!((report.verdict, report.points, report.points_max), (Verdict::Passed, 100, 100));
    assert_eq!(report.seed, SeedOrigin::Public);
    let case = |case: &str, points| {
        let case = case.to_owned();
        [Event::CaseStarted { case: case.clone() }, Event::CaseFinished { case, verdict: Verdict::Passed, points }]
    };
    let mut expected = vec![Event::BuildFinished { ok: true }];
    expected.extend(case("doubles", 40));
    expected.extend(case("answers", 60));
    assert_eq!(told.into_inner(), expected);
    Ok(())
}

fn the_same_files_get_the_same_report(grader: &Grader) -> Result<(), Failed> {
    let wrong = submission("def double(number):\n    return number + 1\n");
    let facts = |mut report: Report| {
        report.cases.iter_mut().for_each(|case| case.usage = Default::default());
        report
    };
    let first = facts(grade(grader, &exercise(), &wrong)?);
    let second = facts(grade(grader, &exercise(), &wrong)?);
    assert_eq!(first, second);
    Ok(())
}

fn another_root_gives_other_seeds(grader: &Grader) -> Result<(), Failed> {
    let exercise = exercise();
    let reference = exercise.submission("reference")?;
    let seeds = |root| -> Result<Vec<Option<String>>, GraderError> {
        let report = grader.grade(&exercise, &reference, &request(root), &mut |_| {}, &|| false)?;
        Ok(report.cases.into_iter().map(|case| case.seed).collect())
    };
    let (public, server) = (seeds(Root::Public)?, seeds(Root::Server([7; 32]))?);
    assert!(public.iter().zip(&server).all(|(public, server)| public != server));
    Ok(())
}

fn a_hidden_case_shows_no_more_than_its_verdict(grader: &Grader) -> Result<(), Failed> {
    let report = grade(grader, &exercise(), &submission("def double(number):\n    return 1\n"))?;
    let seen = report.clone().seen_by(Reader::Student { assignment_closed: false });
    let hidden = &seen.cases[1];
    assert_eq!((hidden.message.as_ref(), hidden.hint.as_ref(), hidden.seed.as_ref()), (None, None, None));
    assert!(hidden.evidence.is_empty());
    assert_eq!(hidden.verdict, report.cases[1].verdict);
    assert!(seen.cases[0].message.is_some() && seen.cases[0].seed.is_none());
    assert_eq!(report.clone().seen_by(Reader::Staff), report);
    Ok(())
}

fn a_wrong_answer_comes_with_its_difference(grader: &Grader) -> Result<(), Failed> {
    let source = std::fs::read_to_string(folder().join("steals_the_port.py"))?;
    let report = grade(grader, &exercise(), &submission(&source))?;
    let case = &report.cases[1];
    assert!(case.message.as_deref().unwrap().starts_with("the length of the line: byte 0 is"), "{case:?}");
    let Some(Evidence::Bytes { first_difference, want_length, .. }) = case.evidence.first() else {
        return Err(format!("no bytes in {case:?}").into());
    };
    assert_eq!((*first_difference, *want_length), (0, 3));
    Ok(())
}

/// Before the examiner, which keeps them, is out of memory.
fn answers_that_only_grow_fail_the_case(grader: &Grader) -> Result<(), Failed> {
    let suite =
        "def doubles(exam):\n    answer = exam.load('answer.py')\n    kept = [answer.double(n) for n in range(2000)]
def answers(exam):\n    pass\n";
    let report =
        grade(grader, &exercise_with(suite), &submission("def double(number):\n    return 'x' * 1_000_000\n"))?;
    assert_eq!(report.cases[0].message.as_deref(), Some("the program's answers are too large"));
    Ok(())
}

fn a_suite_that_raises_is_our_error(grader: &Grader) -> Result<(), Failed> {
    let exercise = exercise_with("def doubles(exam):\n    [][1]\ndef answers(exam):\n    pass\n");
    let error = grade(grader, &exercise, &exercise.submission("reference")?).unwrap_err();
    assert!(
        matches!(&error, GraderError::Suite { case, reason } if case == "doubles" && reason.contains("IndexError")),
        "{error}"
    );
    Ok(())
}

fn a_suite_that_exits_is_our_error(grader: &Grader) -> Result<(), Failed> {
    let exercise = exercise_with("import os\ndef doubles(exam):\n    os._exit(0)\n");
    let error = grade(grader, &exercise, &exercise.submission("reference")?).unwrap_err();
    assert!(matches!(error, GraderError::Suite { .. }), "{error}");
    Ok(())
}

fn a_cancelled_grading_ends_without_a_report(grader: &Grader) -> Result<(), Failed> {
    let exercise = exercise();
    let cancelled =
        grader.grade(&exercise, &exercise.submission("reference")?, &request(Root::Public), &mut |_| {}, &|| true);
    assert!(matches!(cancelled, Err(GraderError::Cancelled)));
    Ok(())
}
