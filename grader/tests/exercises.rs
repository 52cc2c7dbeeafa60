//! Which folders are exercises, and what their authors read about the others.

use std::collections::BTreeMap;
use std::path::Path;

use grader::Exercise;
use grader::exercise::Limits;
use grader::runtime::{LocalRuntime, sha256};

const MANIFEST: &str = r#"
title = "Twice"
section = 1
lane = "native"
files = ["twice.py"]

[limits]
cpu_s = 2
wall_s = 20
memory_mib = 64
processes = 4

[[case]]
id = "small"
points = 4
title = "small numbers"

[[case]]
id = "large-ones"
points = 6
title = "large numbers"
limits = { memory_mib = 512 }

[[wrong]]
name = "adds_two"
fails = ["large-ones"]
"#;

type Files = BTreeMap<String, Vec<u8>>;

fn files() -> Files {
    let files = [
        ("exercise.toml", MANIFEST),
        ("README.md", "# Twice\n"),
        ("suite.py", "def small(exam): ...\ndef large_ones(exam): ...\n"),
        ("starter/twice.py", "def twice(n): ...\n"),
        ("submissions/reference/twice.py", "def twice(n): return n * 2\n"),
        ("submissions/wrong/adds_two/twice.py", "def twice(n): return n + 2\n"),
    ];
    files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into()
}

fn exercise() -> Exercise {
    Exercise::from_files("twice", files()).unwrap()
}

/// The exercise with one change is refused with this reason.
#[track_caller]
fn check(change: impl FnOnce(&mut Files), reason: &str) {
    let mut files = files();
    change(&mut files);
    let error = Exercise::from_files("twice", files).unwrap_err();
    assert_eq!(error.to_string(), format!("read exercise \"twice\": {reason}"));
}

/// The same for one change of its exercise.toml.
#[track_caller]
fn check_manifest(old: &str, new: &str, reason: &str) {
    assert!(MANIFEST.contains(old), "{old:?} is not in the manifest");
    let manifest = MANIFEST.replacen(old, new, 1).into_bytes();
    check(|files| drop(files.insert("exercise.toml".to_owned(), manifest)), reason);
}

#[track_caller]
fn check_without(path: &str, reason: &str) {
    check(|files| files.retain(|file, _| !file.starts_with(path)), reason);
}

/// One line more at the top of exercise.toml is refused with words like these.
#[track_caller]
fn check_line(line: &str, words: &str) {
    let mut files = files();
    files.insert("exercise.toml".to_owned(), format!("{line}\n{MANIFEST}").into_bytes());
    let error = Exercise::from_files("twice", files).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_host_that_has_no_name_or_no_address_is_refused() {
    check_line("names = [\"Shop\"]", "name \"Shop\": lower-case letters, digits and hyphens between dots are wanted");
    check_line("names = [\"shop.test 127.0.0\"]", "name \"shop.test\": \"127.0.0\" is no address");
    check_line("addresses = [\"10.0.0\"]", "invalid IP address");
    check_line("packages = [\"numpy\"]", "numpy");
}

#[test]
fn an_exercise_comes_back_from_its_archive_byte_for_byte() {
    let exercise = exercise();
    let back = Exercise::from_archive("twice", &exercise.to_archive()).unwrap();
    assert_eq!(back.suite_hash(), exercise.suite_hash());
    assert!(back.paths().eq(exercise.paths()));
    assert_eq!(back.to_archive(), exercise.to_archive());
}

#[test]
fn every_exercise_of_the_catalogue_comes_back_from_its_archive() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exercises");
    let mut seen = 0;
    for folder in std::fs::read_dir(catalogue).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let exercise = Exercise::load(&folder).unwrap();
        let back = Exercise::from_archive(exercise.id(), &exercise.to_archive()).unwrap();
        let back = match exercise.runtime() {
            Some(runtime) => back.pinned(runtime),
            None => back,
        };
        assert_eq!(back.suite_hash(), exercise.suite_hash());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn a_path_too_long_for_plain_tar_survives_the_archive() {
    let mut files = files();
    let long = format!("data/{}/{}.txt", "d".repeat(120), "f".repeat(120));
    files.insert(long.clone(), b"content".to_vec());
    let exercise = Exercise::from_files("twice", files).unwrap();
    let back = Exercise::from_archive("twice", &exercise.to_archive()).unwrap();
    assert_eq!(back.file(&long), Some(b"content".as_slice()));
}

#[test]
fn the_suite_hash_tells_every_file_and_every_name() {
    let hash = |change: fn(&mut Files)| {
        let mut files = files();
        change(&mut files);
        Exercise::from_files("twice", files).unwrap().suite_hash().to_owned()
    };
    let before = hash(|_| {});
    assert_ne!(hash(|files| files.get_mut("README.md").unwrap().push(b'\n')), before);
    assert_ne!(hash(|files| drop(files.insert("data.txt".to_owned(), vec![]))), before);
    let renamed = |files: &mut Files| {
        let starter = files.remove("starter/twice.py").unwrap();
        files.insert("starter/thrice.py".to_owned(), starter);
    };
    assert_ne!(hash(renamed), before);
}

#[test]
fn only_an_exercise_of_the_simulated_lane_is_pinned_to_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let (top, runtime) = (folder.path().join("twice"), folder.path().join("python.wasm"));
    std::fs::write(&runtime, "one").unwrap();
    let load = |lane: &str, runtime: &Path| {
        for (path, mut content) in files() {
            if path == "exercise.toml" {
                content = String::from_utf8(content).unwrap().replace("\"native\"", lane).into_bytes();
            }
            std::fs::create_dir_all(top.join(&path).parent().unwrap()).unwrap();
            std::fs::write(top.join(&path), content).unwrap();
        }
        Exercise::load_with(&top, &LocalRuntime::new(Some(runtime.to_owned())))
    };
    let (one, nowhere) = (load("\"simulated\"", &runtime).unwrap(), folder.path().join("none"));
    assert_eq!(one.runtime(), Some(sha256(b"one").as_str()));
    let back = Exercise::from_archive("twice", &one.to_archive()).unwrap();
    assert_ne!(back.suite_hash(), one.suite_hash());
    assert_eq!(back.clone().pinned(&sha256(b"one")).suite_hash(), one.suite_hash());
    let other = back.pinned(&sha256(b"two"));
    assert_ne!(other.suite_hash(), one.suite_hash());
    assert_eq!(other.files_hash(), one.files_hash(), "seeds hang on it");
    let error = load("\"simulated\"", &nowhere).unwrap_err().to_string();
    assert!(error.contains("find the Python of the simulated lane: looked for"), "{error}");
    let native = load("\"native\"", &nowhere).unwrap();
    assert_eq!((native.runtime(), native.suite_hash()), (None, exercise().suite_hash()));
}

#[test]
fn an_archive_that_is_damaged_is_no_exercise() {
    let archive = exercise().to_archive();
    let error = Exercise::from_archive("twice", &archive[..600]).unwrap_err();
    assert!(error.to_string().starts_with("read exercise \"twice\": "), "{error}");
}

#[test]
fn a_case_inherits_every_limit_that_it_does_not_state() {
    let exercise = exercise();
    let general = exercise.manifest().limits;
    let limits: Vec<Limits> = exercise.manifest().cases.iter().map(|case| general.changed(case.limits)).collect();
    assert_eq!(limits[0], Limits { cpu_s: 2, wall_s: 20, memory_mib: 64, processes: 4 });
    assert_eq!(limits[1], Limits { cpu_s: 2, wall_s: 20, memory_mib: 512, processes: 4 });
}

#[test]
fn what_an_exercise_cannot_do_without_is_named() {
    check_without("exercise.toml", "exercise.toml is missing");
    check_without("README.md", "README.md is missing");
    check_without("suite.py", "suite.py is missing");
    check_without("starter/", "starter/ is missing");
    check_without("submissions/reference/", "submissions/reference/ is missing");
    check(|files| drop(files.insert("suite.py".to_owned(), b"\xff".to_vec())), "suite.py is not UTF-8");
    check(|files| drop(files.insert("big.bin".to_owned(), vec![0; 8 << 20])), "its files hold more than 8388608 bytes");
}

#[test]
fn an_unknown_key_is_an_error_at_every_level() {
    let told = |line: &str, key: &str, known: &str| {
        let number = MANIFEST.lines().position(|other| other == line).unwrap() + 1;
        let error = Exercise::from_files("twice", {
            let mut files = files();
            let with_key = MANIFEST.replacen(line, &format!("{key} = 1\n{line}"), 1);
            files.insert("exercise.toml".to_owned(), with_key.into_bytes());
            files
        });
        let text = error.unwrap_err().to_string();
        assert!(text.contains(&format!("exercise.toml: TOML parse error at line {number}, column 1")), "{text}");
        assert!(text.contains(&format!("unknown field `{key}`")) && text.contains(known), "{text}");
    };
    told("title = \"Twice\"", "titel", "`title`");
    told("cpu_s = 2", "cpu_ms", "`cpu_s`");
    told("title = \"small numbers\"", "point", "`points`");
    told("fails = [\"large-ones\"]", "fail", "`fails`");
}

#[test]
fn a_case_names_itself_once_and_gives_points() {
    check_manifest("id = \"large-ones\"", "id = \"small\"", "exercise.toml: case \"small\" is there twice");
    check_manifest("points = 4", "points = 0", "exercise.toml: case \"small\" gives no points");
    let cases = &MANIFEST[MANIFEST.find("[[case]]").unwrap()..];
    check_manifest(cases, "", "exercise.toml: it has no [[case]]");
}

#[test]
fn ids_are_lower_case_words_joined_by_hyphens() {
    for id in ["Small", "small ones", "small_ones", "-small", "small-", "small--ones", "", "../small", "größe"] {
        let reason = format!("case id {id:?}: lower-case letters and digits joined by single hyphens are wanted");
        check_manifest("id = \"small\"", &format!("id = \"{id}\""), &format!("exercise.toml: {reason}"));
    }
    let error = Exercise::from_files("Twice", files()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read exercise \"Twice\": exercise id \"Twice\": lower-case letters and digits joined by single hyphens are wanted"
    );
}

#[test]
fn wrong_programs_and_their_folders_belong_together() {
    check_manifest(
        "fails = [\"large-ones\"]",
        "fails = [\"large\"]",
        "exercise.toml: wrong program \"adds_two\" names the unknown case \"large\"",
    );
    check_manifest("fails = [\"large-ones\"]", "fails = []", "exercise.toml: wrong program \"adds_two\" fails nothing");
    check_without("submissions/wrong/", "wrong program \"adds_two\" has no folder submissions/wrong/adds_two");
    check(
        |files| drop(files.insert("submissions/wrong/adds_three/twice.py".to_owned(), b"pass\n".to_vec())),
        "submissions/wrong/adds_three has no [[wrong]] in exercise.toml",
    );
    let again = format!("{MANIFEST}\n[[wrong]]\nname = \"adds_two\"\nfails = [\"small\"]\n").into_bytes();
    check(
        |files| drop(files.insert("exercise.toml".to_owned(), again)),
        "exercise.toml: wrong program \"adds_two\" is there twice",
    );
}

#[test]
fn files_that_a_student_must_hand_in_have_proper_names() {
    check_manifest(
        "files = [\"twice.py\"]",
        "files = [\"../twice.py\"]",
        "exercise.toml: files: file name \"../twice.py\": \".\", \"..\" and empty parts are not allowed",
    );
    check_manifest(
        "[limits]",
        "[programs.server]\nfile = \"server.py\"\n[limits]",
        "exercise.toml: program \"server\" runs \"server.py\", which is not in files",
    );
}

#[test]
fn a_folder_is_read_without_hidden_files_and_refused_with_links() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("twice");
    for (path, content) in files() {
        let path = top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    std::fs::write(top.join(".DS_Store"), b"\0").unwrap();
    assert_eq!(Exercise::load(&top).unwrap().suite_hash(), exercise().suite_hash());
    std::os::unix::fs::symlink("/etc/passwd", top.join("passwd")).unwrap();
    assert_eq!(
        Exercise::load(&top).unwrap_err().to_string(),
        "read exercise \"twice\": passwd is neither a file nor a folder"
    );
}
