//! The door: which uploads become a submission, and what a student reads about the others.
//!
//! Every refusal is compared as a whole, since it is all that the student gets to see.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use grader::Submission;
use grader::submission::{BYTES_MAX, FILES_MAX, FileName, SubmissionError};
use tar::{EntryType, Header};
use zip::write::{SimpleFileOptions, ZipWriter};

const CODE: &[u8] = b"print('hello')\n";
const TOO_LARGE: &str = "more than 1048576 bytes in all: leave out what the exercise does not ask for";
const TOO_MANY: &str = "more than 32 files: leave out what the exercise does not ask for";
const CLIMBS: &str = "\".\", \"..\" and empty parts are not allowed";
const ABSOLUTE: &str = "absolute and Windows paths are not allowed: send a relative name with / between folders";

type File<'a> = (&'a str, &'a [u8]);

fn from_files(files: &[File<'_>]) -> Result<Submission, SubmissionError> {
    Submission::from_files(files.iter().map(|(name, content)| (name.as_bytes().to_vec(), content.to_vec())))
}

fn upload(name: &str, content: Vec<u8>) -> Result<Submission, SubmissionError> {
    Submission::from_upload(vec![(name.as_bytes().to_vec(), content)])
}

/// The names that were taken in, joined by blanks, or the text of the refusal.
fn outcome(submission: Result<Submission, SubmissionError>) -> String {
    match submission {
        Ok(submission) => submission.files().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(submission: Result<Submission, SubmissionError>, expect: &str) {
    assert_eq!(outcome(submission), expect);
}

#[track_caller]
fn check_name(name: &[u8], expect: &str) {
    let parsed = FileName::parse(name);
    assert_eq!(parsed.map_or_else(|error| error.to_string(), |name| name.to_string()), expect);
}

#[track_caller]
fn check_refused(name: &str, reason: &str) {
    check_name(name.as_bytes(), &format!("file name {name:?}: {reason}"));
}

// Names

#[test]
fn an_ordinary_name_is_kept_as_it_is() {
    for name in ["echo_server.py", "src/net/echo.py", "Übung 1.py", ".hidden", "a..b.py", "…"] {
        check_name(name.as_bytes(), name);
    }
}

#[test]
fn a_name_that_climbs_is_refused() {
    for name in ["../echo.py", "src/../../echo.py", "..", ".", "./echo.py", "src//echo.py", "src/"] {
        check_refused(name, CLIMBS);
    }
}

#[test]
fn an_absolute_or_windows_name_is_refused() {
    for name in ["/etc/passwd", "/", "src\\echo.py", "C:echo.py", "C:/echo.py", "..\\echo.py"] {
        check_refused(name, ABSOLUTE);
    }
}

#[test]
fn control_characters_are_refused_and_shown_escaped() {
    check_name(b"echo\n.py", r#"file name "echo\n.py": control characters are not allowed"#);
    check_name(b"echo\0.py", r#"file name "echo\0.py": control characters are not allowed"#);
    check_name(b"\x1b[2Jecho.py", r#"file name "\u{1b}[2Jecho.py": control characters are not allowed"#);
    check_name("echo\u{85}.py".as_bytes(), r#"file name "echo\u{85}.py": control characters are not allowed"#);
}

#[test]
fn a_name_that_is_not_utf_8_is_refused() {
    check_name(b"caf\xe9.py", "file name \"caf\u{fffd}.py\": it is not UTF-8: rename the file");
}

#[test]
fn a_name_may_have_200_bytes_and_no_more() {
    check_name(&[b'a'; 200], &"a".repeat(200));
    check_refused(&"a".repeat(201), "it is longer than 200 bytes");
    check_refused("", "it is empty");
}

#[test]
fn a_file_may_lie_seven_folders_deep_and_no_deeper() {
    check_name(b"1/2/3/4/5/6/7/echo.py", "1/2/3/4/5/6/7/echo.py");
    check_refused("1/2/3/4/5/6/7/8/echo.py", "it lies more than 7 folders deep");
}

#[test]
fn a_decomposed_name_becomes_a_composed_one() {
    check_name("Schlu\u{308}ssel.py".as_bytes(), "Schl\u{fc}ssel.py");
}

#[test]
fn two_spellings_of_one_name_are_one_file_twice() {
    check(
        from_files(&[("Schlu\u{308}ssel.py", CODE), ("Schl\u{fc}ssel.py", CODE)]),
        "the file \"Schlüssel.py\" is there twice: send each file once",
    );
}

// What belongs together

#[test]
fn one_name_cannot_be_a_file_and_a_folder() {
    for files in [[("echo", CODE), ("echo/main.py", CODE)], [("echo/main.py", CODE), ("echo", CODE)]] {
        check(from_files(&files), "file name \"echo\": it is the name of a file and of a folder");
    }
    check(from_files(&[("echo", CODE), ("echo.py", CODE), ("echo-1/a.py", CODE)]), "echo echo-1/a.py echo.py");
}

#[test]
fn thirty_two_files_are_enough() {
    let names: Vec<String> = (0..=FILES_MAX).map(|number| format!("{number:02}.py")).collect();
    let files: Vec<File<'_>> = names.iter().map(|name| (name.as_str(), CODE)).collect();
    check(from_files(&files[..FILES_MAX]), &names[..FILES_MAX].join(" "));
    check(from_files(&files), TOO_MANY);
}

#[test]
fn one_mib_is_enough() {
    let whole = vec![b'#'; BYTES_MAX];
    check(from_files(&[("a.py", &whole)]), "a.py");
    check(from_files(&[("a.py", &whole), ("b.py", b"#")]), TOO_LARGE);
}

#[test]
fn nothing_at_all_is_refused_but_one_file_may_be_empty() {
    check(from_files(&[]), "the submission is empty: hand in at least one file");
    check(from_files(&[("a.py", b"")]), "the file \"a.py\" is empty: hand in its content");
    check(from_files(&[("pkg/__init__.py", b""), ("pkg/a.py", CODE)]), "pkg/__init__.py pkg/a.py");
}

#[test]
fn the_hash_tells_names_and_contents_but_not_their_order() {
    let hash = |files: &[File<'_>]| from_files(files).unwrap().hash().to_owned();
    let files: [File<'_>; 2] = [("a.py", b"1"), ("b.py", b"2")];
    let before = hash(&files);
    assert_eq!(before.len(), 64);
    assert_eq!(hash(&[files[1], files[0]]), before);
    for other in [[("a.py", b"1"), ("b.py", b"3")], [("a.py", b"1"), ("c.py", b"2")], [("a.py", b"2"), ("b.py", b"1")]]
    {
        assert_ne!(hash(&other.map(|(name, content)| (name, content.as_slice()))), before);
    }
    assert_ne!(hash(&[("a", b"bc")]), hash(&[("ab", b"c")]));
}

// Zip

fn zip(entries: &[File<'_>]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        match name.strip_suffix('/') {
            Some(folder) => archive.add_directory(folder, SimpleFileOptions::default()).unwrap(),
            None => archive.start_file(*name, SimpleFileOptions::default()).unwrap(),
        }
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[track_caller]
fn check_zip(entries: &[File<'_>], expect: &str) {
    check(upload("work.zip", zip(entries)), expect);
}

#[test]
fn a_zip_is_the_files_in_it() {
    check_zip(&[("src/", b""), ("src/echo.py", CODE), ("README.md", CODE)], "README.md src/echo.py");
    let opened = upload("work.zip", zip(&[("src/echo.py", CODE)])).unwrap();
    assert_eq!(opened.hash(), from_files(&[("src/echo.py", CODE)]).unwrap().hash());
    assert_eq!(opened.file("src/echo.py"), Some(CODE));
}

#[test]
fn what_packers_add_by_themselves_is_left_out() {
    let added: [File<'_>; 5] = [
        ("__MACOSX/._echo.py", b"\0\x05\x16\x07"),
        ("._echo.py", b"\0\x05\x16\x07"),
        ("src/__pycache__/echo.cpython-311.pyc", b"\xa7\r\r\n"),
        (".DS_Store", b"\0\0\0\x01"),
        ("src/echo.py", CODE),
    ];
    check_zip(&added, "src/echo.py");
    check(upload("work.tar.gz", tar_gz(&added.map(|(name, content)| file(name, content)))), "src/echo.py");
}

#[test]
fn a_zip_bomb_is_refused_after_the_first_byte_too_many() {
    let bomb = vec![0; 8 << 20];
    let archive = zip(&[("echo.py", &bomb)]);
    assert!(archive.len() < 16 << 10);
    check(upload("work.zip", archive), TOO_LARGE);
}

#[test]
fn a_zip_with_a_link_is_refused() {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.add_symlink("echo.py", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let archive = archive.finish().unwrap().into_inner();
    check(upload("work.zip", archive), "open archive \"work.zip\": \"echo.py\" is a link: put the file itself in");
}

#[test]
fn names_in_a_zip_are_as_strange_as_any() {
    check_zip(&[("../echo.py", CODE)], &format!("file name \"../echo.py\": {CLIMBS}"));
    check_zip(&[("/etc/passwd", CODE)], &format!("file name \"/etc/passwd\": {ABSOLUTE}"));
    check_zip(&[("src\\echo.py", CODE)], &format!("file name \"src\\\\echo.py\": {ABSOLUTE}"));
}

#[test]
fn of_one_name_twice_in_a_zip_the_last_counts() {
    let archive = zip(&[("one.py", CODE), ("two.py", b"print(2)\n")]);
    let opened = upload("work.zip", replaced(&archive, b"two.py", b"one.py")).unwrap();
    assert_eq!(opened.files().count(), 1);
    assert_eq!(opened.file("one.py"), Some(b"print(2)\n".as_slice()));
}

#[test]
fn too_many_entries_in_a_zip_are_refused_before_any_is_read() {
    let names: Vec<String> = (0..300).map(|number| format!("{number}/")).collect();
    let entries: Vec<File<'_>> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    check_zip(&entries, TOO_MANY);
    check_zip(&entries[..200], "the submission is empty: hand in at least one file");
}

#[test]
fn a_zip_that_is_damaged_or_none_says_so() {
    let archive = zip(&[("echo.py", &[CODE; 50].concat())]);
    let damaged = "open archive \"work.zip\": it is damaged or not a zip archive: pack it again";
    check(upload("work.zip", archive[..archive.len() / 2].to_vec()), damaged);
    check(upload("work.zip", CODE.to_vec()), damaged);
    check(upload("work.zip", vec![]), damaged);
    let mut flipped = archive;
    flipped[45] ^= 0x55;
    check(upload("work.zip", flipped), damaged);
}

// Tar

fn entry(kind: EntryType, name: &str, content: &[u8]) -> (Header, Vec<u8>) {
    let mut header = Header::new_ustar();
    // By hand: the library refuses to write what an attacker would.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    if kind.is_symlink() || kind.is_hard_link() {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    (header, content.to_vec())
}

fn file(name: &str, content: &[u8]) -> (Header, Vec<u8>) {
    entry(EntryType::Regular, name, content)
}

fn tar_gz(entries: &[(Header, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (header, content) in entries {
        archive.append(header, content.as_slice()).unwrap();
    }
    gzip(&archive.into_inner().unwrap())
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[track_caller]
fn check_tar(entries: &[(Header, Vec<u8>)], expect: &str) {
    for name in ["work.tar.gz", "work.tgz"] {
        check(upload(name, tar_gz(entries)), &expect.replace("WORK", name));
    }
}

#[test]
fn a_tar_gz_is_the_files_in_it() {
    let folder = entry(EntryType::Directory, "./src/", b"");
    check_tar(&[folder, file("./src/echo.py", CODE), file("README.md", CODE)], "README.md src/echo.py");
}

#[test]
fn only_plain_files_are_taken_out_of_a_tar() {
    let strange = [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo];
    for kind in strange {
        check_tar(
            &[entry(kind, "echo.py", b"")],
            "open archive \"WORK\": \"echo.py\" is not a plain file: put the file itself in",
        );
    }
}

#[test]
fn names_in_a_tar_are_as_strange_as_any() {
    check_tar(&[file("../echo.py", CODE)], &format!("file name \"../echo.py\": {CLIMBS}"));
    check_tar(&[file("/etc/passwd", CODE)], &format!("file name \"/etc/passwd\": {ABSOLUTE}"));
    check_tar(&[file("a.py", CODE), file("./a.py", CODE)], "the file \"a.py\" is there twice: send each file once");
}

#[test]
fn a_long_name_in_a_tar_counts_as_a_whole() {
    let (fits, too_long) = (format!("{}/echo.py", "d".repeat(150)), format!("{}/echo.py", "d".repeat(300)));
    let refused = format!("file name {too_long:?}: it is longer than 200 bytes");
    for (name, expect) in [(&fits, &fits), (&too_long, &refused)] {
        check(upload("work.tar.gz", gnu_long_name(name)), expect);
        check(upload("work.tar.gz", pax_long_name(name)), expect);
    }
}

fn gnu_long_name(name: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(CODE.len() as u64);
    archive.append_data(&mut header, name, CODE).unwrap();
    gzip(&archive.into_inner().unwrap())
}

fn pax_long_name(name: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_pax_extensions([("path", name.as_bytes())]).unwrap();
    let (header, content) = file("short.py", CODE);
    archive.append(&header, content.as_slice()).unwrap();
    gzip(&archive.into_inner().unwrap())
}

#[test]
fn a_gzip_bomb_is_refused_wherever_it_hides() {
    let bomb = vec![0; 8 << 20];
    check_tar(&[file("echo.py", &bomb)], TOO_LARGE);
    check_tar(&[file("__pycache__/echo.pyc", &bomb), file("echo.py", CODE)], TOO_LARGE);
    check(upload("work.tar.gz", pax_long_name(&"a".repeat(8 << 20))), TOO_LARGE);
}

#[test]
fn too_many_entries_in_a_tar_are_refused() {
    let folders: Vec<_> = (0..300).map(|number| entry(EntryType::Directory, &format!("{number}/"), b"")).collect();
    check_tar(&folders, TOO_MANY);
}

#[test]
fn a_tar_gz_that_is_damaged_or_none_says_so() {
    let damaged = "open archive \"work.tgz\": it is damaged or not a gzipped tar archive: pack it again";
    let archive = tar_gz(&[file("echo.py", &noise(5000))]);
    check(upload("work.tgz", archive.clone()), "echo.py");
    check(upload("work.tgz", archive[..archive.len() / 2].to_vec()), damaged);
    check(upload("work.tgz", archive[..archive.len() - 6].to_vec()), damaged);
    check(upload("work.tgz", CODE.to_vec()), damaged);
    check(upload("work.tgz", gzip(&noise(5000))), damaged);
    check(upload("work.tgz", vec![]), damaged);
    let mut flipped = archive;
    let checksum = flipped.len() - 7;
    flipped[checksum] ^= 1;
    check(upload("work.tgz", flipped), damaged);
}

#[test]
fn an_archive_beside_another_file_is_a_plain_file() {
    let files = vec![(b"work.zip".to_vec(), b"anything".to_vec()), (b"a.py".to_vec(), CODE.to_vec())];
    check(Submission::from_upload(files), "a.py work.zip");
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 24) as u8
    };
    std::iter::repeat_with(|| step(&mut state)).take(length).collect()
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for start in 0..=bytes.len() - old.len() {
        if bytes[start..].starts_with(old) {
            bytes[start..start + new.len()].copy_from_slice(new);
        }
    }
    bytes
}

// Files of this machine

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, CODE).unwrap();
    }
    folder
}

#[test]
fn a_folder_is_its_files_without_the_hidden_ones() {
    let folder = folder(&["echo.py", "src/a.py", ".git/config", ".env", "src/.b.swp", "__pycache__/echo.pyc"]);
    check(Submission::from_path(folder.path()), "echo.py src/a.py");
}

#[test]
fn links_in_a_folder_are_not_followed() {
    let folder = folder(&["echo.py"]);
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd.py")).unwrap();
    std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    check(Submission::from_path(folder.path()), "echo.py");
}

#[test]
fn a_path_is_a_file_an_archive_or_a_folder() {
    let folder = folder(&["echo.py"]);
    check(Submission::from_path(&folder.path().join("echo.py")), "echo.py");
    std::fs::write(folder.path().join("work.zip"), zip(&[("a.py", CODE), ("b.py", CODE)])).unwrap();
    check(Submission::from_path(&folder.path().join("work.zip")), "a.py b.py");
    check(
        Submission::from_path(Path::new("/nowhere/echo.py")),
        "read \"/nowhere/echo.py\": No such file or directory (os error 2)",
    );
}

#[test]
fn a_folder_is_held_to_the_same_limits() {
    let names: Vec<String> = (0..=FILES_MAX).map(|number| format!("{number}.py")).collect();
    let many = folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
    check(Submission::from_path(many.path()), TOO_MANY);
    let large = folder(&[]);
    std::fs::write(large.path().join("a.py"), vec![b'#'; 10 << 20]).unwrap();
    check(Submission::from_path(large.path()), TOO_LARGE);
    check(Submission::from_path(&large.path().join("a.py")), TOO_LARGE);
    check(Submission::from_path(folder(&[]).path()), "the submission is empty: hand in at least one file");
}
