//! With the smallest component there is, which compiles at once.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A component without content.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

fn cache() -> (tempfile::TempDir, Compiled) {
    let folder = tempfile::tempdir().unwrap();
    let compiled = Compiled::in_folder(folder.path().join("below/practicum"));
    (folder, compiled)
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn only_file(compiled: &Compiled) -> PathBuf {
    let files = fs::read_dir(compiled.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.extension().is_some());
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

#[test]
fn a_component_is_compiled_once() {
    let (_folder, compiled) = cache();
    let name = sha256(EMPTY);
    assert!(compiled.open(&name).unwrap().is_none());
    compiled.compile(EMPTY).unwrap();
    let when = fs::metadata(only_file(&compiled)).unwrap().modified().unwrap();
    compiled.compile(EMPTY).unwrap();
    assert_eq!(fs::metadata(only_file(&compiled)).unwrap().modified().unwrap(), when);
    assert!(compiled.open(&name).unwrap().is_some());
    assert!(compiled.open(&sha256(b"another")).unwrap().is_none());
}

#[test]
fn what_others_may_write_to_is_never_taken() {
    let (_folder, compiled) = cache();
    let name = sha256(EMPTY);
    compiled.compile(EMPTY).unwrap();
    let file = only_file(&compiled);
    let refused = || compiled.open(&name).unwrap_err().to_string();
    allow(&file, 0o664);
    assert_eq!(refused(), format!("trust {}: others may write to it, and it holds native code", file.display()));
    allow(&file, 0o644);
    allow(compiled.folder(), 0o777);
    assert!(refused().contains("others may write to it"), "{}", refused());
    assert!(compiled.compile(EMPTY).is_err());
    allow(compiled.folder(), 0o755);
    assert!(compiled.open(&name).unwrap().is_some());
}

#[test]
fn a_link_is_not_followed() {
    let (folder, compiled) = cache();
    compiled.compile(EMPTY).unwrap();
    let (file, elsewhere) = (only_file(&compiled), folder.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert!(compiled.open(&sha256(EMPTY)).is_err());
}

#[test]
fn old_ones_are_forgotten() {
    let (_folder, compiled) = cache();
    for number in 0..8u8 {
        // A custom section makes it another component.
        compiled.compile(&[EMPTY, &[0, 2, 1, number]].concat()).unwrap();
    }
    let files =
        fs::read_dir(compiled.folder()).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some());
    assert_eq!(files.count(), 4);
    assert!(compiled.open(&sha256(&[EMPTY, &[0, 2, 1, 7]].concat())).unwrap().is_some());
}

#[test]
fn only_what_has_the_name_that_was_asked_for_is_compiled() {
    let (folder, compiled) = cache();
    let path = folder.path().join("python.wasm");
    fs::write(&path, EMPTY).unwrap();
    let runtimes = Runtimes { local: LocalRuntime::new(Some(path)), compiled };
    let error = runtimes.provide(&sha256(b"another"), EMPTY).unwrap_err();
    assert!(matches!(error, RuntimeError::Altered { .. }), "{error}");
    assert!(matches!(runtimes.open(&sha256(b"another")), Err(RuntimeError::Absent(_))));
    assert!(!runtimes.ready(&sha256(EMPTY)).unwrap());
    runtimes.open(&sha256(EMPTY)).unwrap();
    assert!(runtimes.ready(&sha256(EMPTY)).unwrap());
}

#[test]
fn a_missing_component_is_told_with_the_way_to_one() {
    let error = LocalRuntime::new(Some("/nowhere/python.wasm".into())).get().unwrap_err().to_string();
    assert_eq!(
        error,
        "find the Python of the simulated lane: looked for /nowhere/python.wasm. `scripts/runtime` makes one, --runtime or \
         PRACTICUM_RUNTIME names one that is elsewhere"
    );
}

#[test]
fn a_component_that_changed_under_way_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("python.wasm");
    fs::write(&path, EMPTY).unwrap();
    let local = LocalRuntime::new(Some(path.clone()));
    assert_eq!(local.get().unwrap().sha256, sha256(EMPTY));
    fs::write(&path, b"another").unwrap();
    assert!(matches!(local.get().unwrap().component(), Err(RuntimeError::Altered { .. })));
}
