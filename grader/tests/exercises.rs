//! Reading exercises: what is accepted comes back byte for byte, and each mistake of an author is named.

use std::collections::BTreeMap;
use std::path::Path;

use grader::Exercise;
use grader::exercise::Limits;

type Files = BTreeMap<String, Vec<u8>>;

/// A small exercise that is right.
fn good() -> Files {
    let exercise = Exercise::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trust/exercise")).unwrap();
    exercise.paths().map(|path| (path.to_owned(), exercise.file(path).unwrap().to_vec())).collect()
}

/// The reason for which the exercise is refused after `mistake` was made in it.
#[track_caller]
fn check(mistake: impl FnOnce(&mut Files), reason: &str) {
    let mut files = good();
    mistake(&mut files);
    let error = Exercise::from_files("trust", files).unwrap_err();
    assert!(error.reason.contains(reason), "{error}");
}

/// Replaces text in exercise.toml.
fn toml(old: &'static str, new: &'static str) -> impl FnOnce(&mut Files) {
    move |files| {
        let text = String::from_utf8(files["exercise.toml"].clone()).unwrap();
        assert!(text.contains(old));
        files.insert("exercise.toml".to_owned(), text.replacen(old, new, 1).into_bytes());
    }
}

fn without(path: &'static str) -> impl FnOnce(&mut Files) {
    move |files| files.retain(|name, _| !name.starts_with(path))
}

#[test]
fn an_exercise_comes_back_from_its_archive_with_the_same_hash() {
    let exercise = Exercise::from_files("trust", good()).unwrap();
    let back = Exercise::from_archive("trust", &exercise.to_archive()).unwrap();
    assert_eq!(back.suite_hash(), exercise.suite_hash());
    assert_eq!(back.to_archive(), exercise.to_archive());
    assert_eq!(back.points_max(), 100);
}

#[test]
fn every_byte_counts_for_the_hash() {
    let mut files = good();
    let before = Exercise::from_files("trust", files.clone()).unwrap();
    files.get_mut("README.md").unwrap().push(b'\n');
    assert_ne!(Exercise::from_files("trust", files).unwrap().suite_hash(), before.suite_hash());
}

#[test]
fn a_typing_mistake_never_becomes_a_default() {
    check(toml("cpu_s = 2", "cpu = 2"), "unknown field `cpu`");
    check(toml("title = \"Trust\"", "titel = \"Trust\""), "unknown field `titel`");
    check(toml("visibility = \"hidden\"", "visibility = \"secret\""), "unknown variant `secret`");
}

#[test]
fn ids_and_points_make_sense() {
    check(toml("id = \"answers\"", "id = \"doubles\""), "case \"doubles\" is there twice");
    check(toml("points = 60", "points = 0"), "case \"answers\" gives no points");
    check(toml("id = \"answers\"", "id = \"Answers_1\""), "case id \"Answers_1\": lower-case letters and digits");
    check(toml("files = [\"answer.py\"]", "files = [\"../answer.py\"]"), "file name \"../answer.py\"");
}

#[test]
fn what_an_exercise_needs_is_there() {
    check(without("README.md"), "README.md is missing");
    check(without("suite.py"), "suite.py is missing");
    check(without("exercise.toml"), "exercise.toml is missing");
    check(without("starter/"), "starter/ is missing");
    check(without("submissions/reference/"), "submissions/reference/ is missing");
    let unknown = "program \"server\" runs \"server.py\", which is not in files";
    check(toml("file = \"answer.py\"", "file = \"server.py\""), unknown);
}

#[test]
fn wrong_programs_stand_in_the_folder_and_in_the_file() {
    let folder = |files: &mut Files| {
        files.insert("submissions/wrong/lazy/answer.py".to_owned(), b"pass\n".to_vec());
    };
    let named = |files: &mut Files, fails: &str| {
        let text = files.get_mut("exercise.toml").unwrap();
        text.extend_from_slice(format!("\n[[wrong]]\nname = \"lazy\"\nfails = {fails}\n").as_bytes());
    };
    check(folder, "submissions/wrong/lazy has no [[wrong]] in exercise.toml");
    check(|files| named(files, "[\"doubles\"]"), "wrong program \"lazy\" has no folder submissions/wrong/lazy");
    check(|files| named(files, "[\"triples\"]"), "wrong program \"lazy\" names the unknown case \"triples\"");
    check(|files| named(files, "[]"), "wrong program \"lazy\" fails nothing");
}

#[test]
fn a_case_changes_only_the_limits_that_it_names() {
    let mut files = good();
    toml("points = 40", "points = 40\nlimits = { wall_s = 90 }")(&mut files);
    let exercise = Exercise::from_files("trust", files).unwrap();
    let limits = |case: usize| exercise.manifest().limits.changed(exercise.manifest().cases[case].limits);
    assert_eq!(limits(0), Limits { wall_s: 90, ..limits(1) });
    assert_eq!(limits(1), Limits { cpu_s: 2, wall_s: 12, memory_mib: 64, processes: 16 });
}
