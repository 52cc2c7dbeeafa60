//! The simulated lane through the whole way: an exercise with every power of it, programs with one mistake each, and
//! programs that would rather break it (`simulating/`).
//!
//! The first line of a program says which file of the submission it is, in which case it is tried, and how that is to end.
//! Whatever it does, that is never our error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use grader::report::{CaseReport, Evidence};
use grader::runtime::LocalRuntime;
use grader::seed::Root;
use grader::{Exercise, Grader, GraderError, Report, Request, Submission, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let mut tests = vec![
        trial(&grader, "the_reference_passes", |grader| {
            let report = grade(grader, &exercise().submission("reference").unwrap(), None, None);
            assert_eq!(report.points, report.points_max, "{report:#?}");
        }),
        trial(&grader, "a_run_is_repeated_by_its_token", a_run_is_repeated_by_its_token),
        trial(&grader, "a_repeated_run_is_shown_even_if_nothing_fails", a_repeated_run_is_shown_even_if_nothing_fails),
        trial(&grader, "a_run_that_there_is_not_is_not_repeated", a_run_that_there_is_not_is_not_repeated),
        trial(&grader, "a_failing_run_is_made_small", a_failing_run_is_made_small),
        trial(&grader, "a_grading_is_the_same_each_time", a_grading_is_the_same_each_time),
        trial(&grader, "what_the_lane_lacks_is_done_natively_where_that_may_be", what_is_lacking_is_done_natively),
        trial(&grader, "only_modules_of_webassembly_are_run", only_modules_of_webassembly_are_run),
    ];
    for part in ["mistakes", "attacks"] {
        for path in programs(part) {
            let name = format!("{part}: {}", path.file_stem().unwrap().to_string_lossy());
            tests.push(trial(&grader, &name, move |grader| {
                check(grader, &path);
            }));
        }
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

fn a_run_is_repeated_by_its_token(grader: &Grader) {
    let program = mistake("forgets_when_it_ends");
    let failed = grade(grader, &program, Some("register"), None);
    let token = token(&failed.cases[0]);
    let again = grade(grader, &program, Some("register"), Some(&token));
    assert_eq!(again.cases[0].message, failed.cases[0].message);
    assert_eq!(again.cases[0].evidence, failed.cases[0].evidence);
}

/// Whether it fails or not.
fn a_repeated_run_is_shown_even_if_nothing_fails(grader: &Grader) {
    let failed = grade(grader, &mistake("forgets_when_it_ends"), Some("register"), None);
    let reference = exercise().submission("reference").unwrap();
    let again = grade(grader, &reference, Some("register"), Some(&token(&failed.cases[0])));
    assert!(again.cases[0].verdict.passed(), "{again:#?}");
    let shown = again.cases[0].evidence.iter().any(|evidence| matches!(evidence, Evidence::Wire { .. }));
    assert!(shown, "{again:#?}");
}

fn a_run_that_there_is_not_is_not_repeated(grader: &Grader) {
    let reference = exercise().submission("reference").unwrap();
    // Run 100 of the first simulation, the first run of the third, and one with faults that there are not.
    for (token, case, words) in [
        ("sgAAAGM", "register", "none of this simulation's"),
        ("sgACAAA", "register", "of simulation 3, and this case came to 1 simulation"),
        ("sgAAAAD_", "register", "none of this simulation's"),
        ("sgAAAAA", "encoded", "simulates nothing"),
    ] {
        match try_to_grade(grader, &exercise(), &reference, Some(case), Some(token)) {
            Err(GraderError::Request(reason)) => assert!(reason.contains(words) && reason.contains(case), "{reason}"),
            other => panic!("{token}: {other:#?}"),
        }
    }
}

/// Of five faults those two that it takes are left.
fn a_failing_run_is_made_small(grader: &Grader) {
    let failed = grade(grader, &mistake("forgets_when_it_ends"), Some("register"), None);
    let token = token(&failed.cases[0]);
    let kept = base64_of(&token)[5];
    assert_eq!(kept, 0b11000, "{failed:#?}");
}

fn base64_of(token: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap()
}

/// And what that costs is not demanded, which the report says.
fn what_is_lacking_is_done_natively(grader: &Grader) {
    let needs = |code: &str| program(&format!("# codec.py - -\nimport ctypes\n{code}"));
    let right = needs("def encode(text):\n    return text.encode()\ndef decode(data):\n    return data.decode()\n");
    let strict = grade(grader, &right, Some("encoded"), None);
    assert_eq!(strict.cases[0].verdict, Verdict::RuleBroken, "{strict:#?}");
    let mut files = files_below(&folder());
    files.get_mut("exercise.toml").unwrap().splice(0..0, b"native_too = true\n".iter().copied());
    let runtime = LocalRuntime::default().get().unwrap().sha256.clone();
    let lenient = Exercise::from_files("simulating", files).unwrap().pinned(&runtime);
    for case in ["encoded", "linear"] {
        let report = try_to_grade(grader, &lenient, &right, Some(case), None).unwrap();
        assert!(report.cases[0].verdict.passed(), "{report:#?}");
        let said = report.cases[0].evidence.iter().any(|evidence| match evidence {
            Evidence::Output { text, .. } => text.contains("was run natively"),
            _ => false,
        });
        assert_eq!(said, case == "linear", "{report:#?}");
    }
    let wrong = needs("def encode(text):\n    return b''\ndef decode(data):\n    return ''\n");
    let report = try_to_grade(grader, &lenient, &wrong, Some("encoded"), None).unwrap();
    assert_eq!(report.cases[0].verdict, Verdict::WrongAnswer, "{report:#?}");
}

fn only_modules_of_webassembly_are_run(grader: &Grader) {
    for (content, words) in [
        (&b"\x7fELF and so on"[..], "native code"),
        (b"rubbish", "no WebAssembly module"),
        (b"\0asm\x01\0\0\0", "exports no _start"),
        (b"\0asm\x0d\0\x01\0", "component"),
    ] {
        let mut files = reference_files();
        files.insert("solver.wasm".to_owned(), content.to_vec());
        let report = grade(grader, &submission(files), Some("compiled"), None);
        let message = report.cases[0].message.clone().unwrap_or_default();
        assert!(message.contains(words), "{report:#?}");
        assert_eq!(report.cases[0].verdict, Verdict::RuntimeError, "{report:#?}");
    }
}

fn a_grading_is_the_same_each_time(grader: &Grader) {
    let program = mistake("forgets_when_it_ends");
    let reports = [(); 2].map(|()| grade(grader, &program, Some("register"), None));
    let told = reports.map(|report| (report.cases[0].message.clone(), report.cases[0].evidence.clone()));
    assert_eq!(told[0], told[1]);
}

/// The program ends its case as its first line says: a verdict, and words of the message.
#[track_caller]
fn check(grader: &Grader, path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let (case, verdict, words) = expected(&text);
    let report = grade(grader, &program(&text), Some(case), None);
    let case = &report.cases[0];
    assert_eq!(serde_json::to_value(case.verdict).unwrap(), verdict, "{case:#?}");
    assert!(case.message.as_deref().unwrap_or_default().contains(words), "{case:#?}");
}

/// Case, verdict and words.
fn expected(text: &str) -> (&str, &str, &str) {
    let line = text.lines().next().unwrap();
    let (_, rest) = line[2..].split_once(' ').unwrap();
    let (case, rest) = rest.split_once(' ').unwrap();
    let (verdict, words) = rest.split_once(':').unwrap();
    (case, verdict, words.trim())
}

/// The reference with that file in the place of its own.
fn program(text: &str) -> Submission {
    let name = text[2..].split_once(' ').unwrap().0;
    let mut files = reference_files();
    files.insert(name.to_owned(), text.as_bytes().to_vec());
    submission(files)
}

type Files = BTreeMap<String, Vec<u8>>;

fn reference_files() -> Files {
    files_below(&folder().join("submissions/reference"))
}

fn submission(files: Files) -> Submission {
    Submission::from_files(files.into_iter().map(|(name, content)| (name.into_bytes(), content))).unwrap()
}

fn files_below(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(files_below(&path).into_iter().map(|(below, content)| (format!("{name}/{below}"), content)));
        } else {
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
    files
}

/// What a report says to repeat.
fn token(case: &CaseReport) -> String {
    let message = case.message.as_deref().unwrap_or_default();
    let (_, rest) = message.split_once("to repeat it: ").unwrap_or_else(|| panic!("{case:#?}"));
    rest.trim_end_matches(')').to_owned()
}

fn mistake(name: &str) -> Submission {
    program(&std::fs::read_to_string(folder().join(format!("mistakes/{name}.py"))).unwrap())
}

fn grade(grader: &Grader, submission: &Submission, only: Option<&str>, replay: Option<&str>) -> Report {
    try_to_grade(grader, &exercise(), submission, only, replay).unwrap()
}

fn try_to_grade(
    grader: &Grader,
    exercise: &Exercise,
    submission: &Submission,
    only: Option<&str>,
    replay: Option<&str>,
) -> Result<Report, GraderError> {
    let (only, replay) = (only.map(str::to_owned), replay.map(str::to_owned));
    let request = Request { root: Root::Public, only, seed: None, set: BTreeMap::new(), replay };
    grader.grade(exercise, submission, &request, &mut |_| {}, &|| false)
}

fn exercise() -> Exercise {
    Exercise::load(&folder()).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulating")
}

fn programs(part: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join(part)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
