//! Whole gradings of one small exercise (`exercise/`). Attacks on what judges and on the build are handed in
//! (`hostile/harness`, `hostile/build`): each names in its first line the verdicts of both cases, some also words that
//! the messages hold. Attacks on what a suite can reach (`hostile/powers`) are handed in to an exercise that has a case for
//! each way (`powers/`), and name theirs. None gains a point that it did not earn, and the host is as it was.

#[expect(dead_code, reason = "hand-ins are not told where the canaries are, for each would be another hand-in")]
#[path = "host/canaries.rs"]
mod canaries;
#[path = "host/stock.rs"]
mod stock;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use grader::report::{Answered, Evidence, Reader, SeedOrigin, WireDeed};
use grader::seed::Root;
use grader::{Event, Exercise, Grader, GraderError, Report, Request, Submission, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};

use canaries::Canaries;
use stock::Stock;

/// Growth of a process's memory that is no leak: buffers grow to their size.
const MEMORY_TOLERATED_KIB: usize = 64 << 10;

fn main() -> ExitCode {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    // From here on every template has been used.
    grade(&grader, &exercise(), &exercise().submission("reference").unwrap()).unwrap();
    let before = Stock::at_rest();
    let mut tests = attacks(&grader);
    type Test = fn(&Grader) -> Result<(), Failed>;
    let named: [(&str, Test); 14] = [
        ("the_reference_passes_and_every_case_is_told", the_reference_passes_and_every_case_is_told),
        ("the_same_files_get_the_same_report", the_same_files_get_the_same_report),
        ("another_root_gives_other_seeds", another_root_gives_other_seeds),
        ("a_hidden_case_shows_a_student_no_more_than_its_verdict", a_hidden_case_shows_no_more_than_its_verdict),
        ("a_wrong_answer_comes_with_its_difference", a_wrong_answer_comes_with_its_difference),
        ("a_difference_is_told_by_its_field", a_difference_is_told_by_its_field),
        ("fields_must_fit", fields_must_fit),
        ("a_wrong_answer_is_marked_in_what_passed", a_wrong_answer_is_marked_in_what_passed),
        ("answers_that_only_grow_fail_the_case", answers_that_only_grow_fail_the_case),
        ("a_program_that_never_rests_ends_at_the_wall_limit", a_program_that_never_rests_ends_at_the_wall_limit),
        ("a_suite_reaches_what_it_is_meant_to", a_suite_reaches_what_it_is_meant_to),
        ("a_suite_that_raises_is_our_error", a_suite_that_raises_is_our_error),
        ("a_suite_that_exits_is_our_error", a_suite_that_exits_is_our_error),
        ("a_cancelled_grading_ends_without_a_report", a_cancelled_grading_ends_without_a_report),
    ];
    for (name, test) in named {
        let grader = grader.clone();
        tests.push(Trial::test(name, move || test(&grader)));
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), tests);
    // While they run side by side, what there is cannot be told apart.
    let left = before.growth(MEMORY_TOLERATED_KIB);
    if !left.is_empty() {
        eprintln!("the host is not as it was, there are\n{}", left.join("\n"));
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// One test for each: a file that is handed in as `answer.py`, or a folder that is handed in whole.
fn attacks(grader: &Arc<Grader>) -> Vec<Trial> {
    let root = tests_folder().join("hostile");
    let families = ["harness", "build", "powers"].map(|family| std::fs::read_dir(root.join(family)).unwrap());
    let attacks = families.into_iter().flatten().map(|entry| entry.unwrap().path());
    attacks
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
            let grader = Arc::clone(grader);
            Trial::test(name, move || an_attack(&grader, &path))
        })
        .collect()
}

fn exercise() -> Exercise {
    Exercise::load(&tests_folder().join("exercise")).unwrap()
}

/// The one that has a case for each way between suite and submission.
fn powers() -> Exercise {
    Exercise::load(&tests_folder().join("powers")).unwrap()
}

/// The exercise with another suite.
fn exercise_with(suite: &str) -> Exercise {
    let old = String::from_utf8(exercise().file("suite.py").unwrap().to_vec()).unwrap();
    exercise_changed(("suite.py", &old, suite))
}

/// The exercise with one text in a file replaced by another.
fn exercise_changed((path, from, to): (&str, &str, &str)) -> Exercise {
    let exercise = exercise();
    let mut files: BTreeMap<String, Vec<u8>> =
        exercise.paths().map(|path| (path.to_owned(), exercise.file(path).unwrap().to_vec())).collect();
    let file = files.get_mut(path).unwrap();
    let old = String::from_utf8(file.clone()).unwrap();
    assert!(old.contains(from), "{path} does not hold {from:?}");
    *file = old.replace(from, to).into_bytes();
    Exercise::from_files("exercise", files).unwrap()
}

fn submission(source: &str) -> Submission {
    Submission::from_files([(b"answer.py".to_vec(), source.as_bytes().to_vec())]).unwrap()
}

fn request(root: Root) -> Request {
    Request { root, only: None, seed: None, set: BTreeMap::new(), replay: None }
}

fn grade(grader: &Grader, exercise: &Exercise, submission: &Submission) -> Result<Report, GraderError> {
    grader.grade(exercise, submission, &request(Root::Public), &mut |_| {}, &|| false)
}

fn an_attack(grader: &Grader, path: &Path) -> Result<(), Failed> {
    let (program, submission) = match path.is_dir() {
        true => (path.join("answer.py"), Submission::from_files(files_below(path, path)?)?),
        false => (path.to_owned(), Submission::from_files([(b"answer.py".to_vec(), std::fs::read(path)?)])?),
    };
    let source = String::from_utf8_lossy(&std::fs::read(program)?).into_owned();
    let header = |name: &str| source.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
    let expected = header("expect: ").ok_or("no expectation")?;
    let mut canaries = Canaries::set_out()?;
    let only = header("case: ").map(str::to_owned);
    let exercise = if only.is_some() { powers() } else { exercise() };
    let request = Request { only, ..request(Root::Public) };
    let report = grader.grade(&exercise, &submission, &request, &mut |_| {}, &|| false)?;
    let verdicts: Vec<String> = report
        .cases
        .iter()
        .map(|case| serde_json::to_string(&case.verdict).unwrap().trim_matches('"').to_owned())
        .collect();
    if verdicts.join(" ") != expected {
        return Err(format!("expected {expected}, got {}: {report:#?}", verdicts.join(" ")).into());
    }
    let said = |words: &str| report.cases.iter().all(|case| case.message.as_ref().is_some_and(|it| it.contains(words)));
    if let Some(words) = header("says: ").filter(|words| !said(words)) {
        return Err(format!("not every case says {words:?}: {report:#?}").into());
    }
    assert_eq!(report.points, 0);
    assert_eq!(canaries.complaints(), Vec::<String>::new());
    Ok(())
}

fn files_below(root: &Path, folder: &Path) -> std::io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            let name = path.strip_prefix(root).expect("it is below").as_os_str().as_encoded_bytes().to_vec();
            files.push((name, std::fs::read(path)?));
        }
    }
    Ok(files)
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
    let source = std::fs::read_to_string(tests_folder().join("hostile/harness/steals_the_port.py"))?;
    let report = grade(grader, &exercise(), &submission(&source))?;
    let case = &report.cases[1];
    assert!(case.message.as_deref().unwrap().starts_with("the length of the line: byte 0 is"), "{case:?}");
    let Some(Evidence::Bytes { first_difference, want_length, .. }) = case.evidence.first() else {
        return Err(format!("no bytes in {case:?}").into());
    };
    assert_eq!((*first_difference, *want_length), (0, 3));
    Ok(())
}

fn a_difference_is_told_by_its_field(grader: &Grader) -> Result<(), Failed> {
    let suite = "def doubles(exam):
    got = exam.load('answer.py').double(4)
    fields = [*exam.fields('>2sHxB', 'magic', 'length', 'kind'), ('body', None), (None, 1)]
    exam.equal(got, b'PX' + bytes([0, 300 % 256, 0, 7]) + bytes(300) + b'.', 'the message', fields=fields)
def answers(exam):
    pass
";
    let program = "def double(number):\n    return b'PX' + bytes([0, 43, 0, 7])\n";
    let report = grade(grader, &exercise_with(suite), &submission(program))?;
    let case = &report.cases[0];
    assert_eq!(
        case.message.as_deref(),
        Some("the message: byte 3, in `length` (bytes 2–3), is 0x2b, expected 0x2c"),
        "{case:?}"
    );
    let Some(Evidence::Bytes { fields, .. }) = case.evidence.first() else {
        return Err(format!("no bytes in {case:?}").into());
    };
    let fields: Vec<(&str, u64, u64)> =
        fields.iter().map(|field| (field.name.as_str(), field.from, field.to)).collect();
    assert_eq!(fields, [("magic", 0, 2), ("length", 2, 4), ("kind", 5, 6), ("body", 6, 306)]);
    Ok(())
}

/// Fields that do not fit are the suite's mistake, which shows with every program.
fn fields_must_fit(grader: &Grader) -> Result<(), Failed> {
    let suite = "def doubles(exam):
    exam.equal(b'abc', b'abc', 'the message', fields=[('magic', 4)])
def answers(exam):
    pass
";
    let error = grade(grader, &exercise_with(suite), &submission("def double(number):\n    return 1\n")).unwrap_err();
    assert!(error.to_string().contains("do not fit into 3 bytes"), "{error}");
    Ok(())
}

/// The difference is at the first byte of the answer, which the program sent in one piece.
fn a_wrong_answer_is_marked_in_what_passed(grader: &Grader) -> Result<(), Failed> {
    let source = std::fs::read_to_string(tests_folder().join("hostile/harness/steals_the_port.py"))?;
    let report = grade(grader, &exercise(), &submission(&source))?;
    let wire = report.cases[1].evidence.iter().find(|evidence| matches!(evidence, Evidence::Wire { .. }));
    let Some(Evidence::Wire { lanes, events, left_out, divergence, capture, .. }) = wire else {
        return Err(format!("no wire in {:?}", report.cases[1]).into());
    };
    let names: Vec<&str> = lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(names, ["client 1", "server"]);
    assert!(left_out.is_empty() && capture.is_some());
    assert!(matches!(events[0].what, WireDeed::Connect { answer: Answered::Accepted }), "{events:?}");
    let marked = divergence.ok_or("nothing is marked")?;
    let event = &events[marked.event as usize];
    assert!(matches!(event.what, WireDeed::Data { offset: 0, .. }), "{event:?}");
    assert_eq!((names[event.from as usize], marked.byte), ("server", Some(0)));
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

/// It does something each moment, and so it is not stuck, but not enough to use up its processor time.
fn a_program_that_never_rests_ends_at_the_wall_limit(grader: &Grader) -> Result<(), Failed> {
    let source = "import itertools, socket, time
def double(number):
    for turn in itertools.cycle(range(2)):
        with socket.create_server(('127.0.0.1', 8000 + turn)):
            time.sleep(0.05)
";
    let request = Request { only: Some("doubles".to_owned()), ..request(Root::Public) };
    let exercise = exercise_changed(("exercise.toml", "cpu_s = 2\nwall_s = 12", "cpu_s = 1\nwall_s = 6"));
    let report = grader.grade(&exercise, &submission(source), &request, &mut |_| {}, &|| false)?;
    let case = &report.cases[0];
    assert_eq!((case.verdict, case.message.as_deref()), (Verdict::TimeLimit, Some("the case was not over after 6 s")));
    Ok(())
}

fn a_suite_reaches_what_it_is_meant_to(grader: &Grader) -> Result<(), Failed> {
    let report = grade(grader, &powers(), &powers().submission("reference")?)?;
    assert_eq!(report.points, report.points_max, "{report:#?}");
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
