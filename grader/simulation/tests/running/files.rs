//! Files as Python programs see them, and the faults that a disk has.

use std::process::Command;

use crate::common::{all, at, cluster, exit, run, run_with, stdout};
use simulation::disk::Image;
use simulation::words::Deed::{DiskFull, PowerLoss, Restart, SyncLies};
use simulation::words::{Exit, Limits, Ran, SECOND, Timed};

#[test]
fn files_behave_as_they_do_natively() {
    for name in ["files.py", "appends_and_reads.py"] {
        let ran = run(&cluster(&[&format!("node: {name} /tmp/here")]));
        assert_eq!(exit(&ran, 0), Exit::Exited(0), "{}", all(&ran));
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        let program = format!("{}/tests/programs/{name}", env!("CARGO_MANIFEST_DIR"));
        let native = Command::new("/usr/bin/python3").args([program.as_ref(), here.as_os_str()]).output().unwrap();
        let said = String::from_utf8(native.stdout).unwrap().replace(here.to_str().unwrap(), "/tmp/here");
        assert_eq!(stdout(&ran, 0), said, "{}", String::from_utf8_lossy(&native.stderr));
    }
}

/// Runs a program, given as text, to which that happens.
fn happens(script: &[Timed], text: &str) -> Ran {
    let mut cluster = cluster(&["node: main.py"]);
    cluster.script = script.to_vec();
    run_with(&cluster, Image::from([("work/main.py".to_owned(), text.as_bytes().to_vec())]))
}

const WRITER: &str = r#"
import os, time
if os.path.exists("synced"):
    print(sorted(os.listdir("/work")), open("synced").read(), flush=True)
    raise SystemExit
for name in "synced", "written":
    file = open(name, "w")
    file.write("first")
    file.flush()
    if name == "synced":
        os.fsync(file.fileno())
        file.write(" second")
        file.flush()
time.sleep(10)
"#;

#[test]
fn a_power_loss_keeps_what_was_synced() {
    let ran = happens(&[at(1.0, PowerLoss(0)), at(2.0, Restart(0))], WRITER);
    assert_eq!(stdout(&ran, 0), "['main.py', 'synced'] first\n", "{}", all(&ran));
}

#[test]
fn a_sync_that_lies_keeps_nothing() {
    let lies = at(0.0, SyncLies { node: 0, lies: true });
    let ran = happens(&[lies, at(1.0, PowerLoss(0)), at(2.0, Restart(0))], WRITER);
    assert_eq!((stdout(&ran, 0), ran.nodes[0].lives.len()), (String::new(), 2), "{}", all(&ran));
}

#[test]
fn a_full_disk_fails_writes_until_there_is_room_again() {
    let script = [at(1.0, DiskFull { node: 0, full: true }), at(3.0, DiskFull { node: 0, full: false })];
    let ran = happens(
        &script,
        r#"
import errno, time
for second in range(5):
    try:
        with open("log", "a") as log:
            log.write("line\n")
        print(second, "written")
    except OSError as error:
        print(second, errno.errorcode[error.errno])
    time.sleep(1)
print(open("log").read().count("\n"))
"#,
    );
    assert_eq!(stdout(&ran, 0), "0 written\n1 ENOSPC\n2 ENOSPC\n3 written\n4 written\n3\n", "{}", all(&ran));
}

#[test]
fn a_disk_has_its_size() {
    let mut cluster = cluster(&["node: main.py"]);
    cluster.limits = Limits { disk_bytes: 1000, ..Limits::default() };
    let text = b"open('small', 'w').write('x' * 1000)\nopen('large', 'w').write('x')\n".to_vec();
    let ran = run_with(&cluster, Image::from([("work/main.py".to_owned(), text)]));
    assert_eq!(ran.nodes[0].files.keys().collect::<Vec<_>>(), ["work/large", "work/small"], "{}", all(&ran));
    assert_eq!(ran.nodes[0].files["work/large"], "");
}

#[test]
fn what_is_written_to_the_report_is_told_line_by_line_with_its_time() {
    let text = r#"
import time
with open("/report", "a") as report:
    print("one", file=report, flush=True)
    time.sleep(2)
    report.write("tw")
    report.flush()
    time.sleep(1)
    report.write("o\nthree\nnot ended")
print(open("/report").read() == "")
"#;
    let mut cluster = cluster(&["node: main.py"]);
    cluster.nodes[0].reports = true;
    let image = Image::from([("work/main.py".to_owned(), text.as_bytes().to_vec())]);
    let ran = run_with(&cluster, image.clone());
    let told: Vec<_> =
        ran.reports.iter().map(|report| (report.at / SECOND, report.node, report.line.as_str())).collect();
    assert_eq!(told, [(0, 0, "one"), (3, 0, "two"), (3, 0, "three")], "{}", all(&ran));
    assert_eq!(stdout(&ran, 0), "True\n");
    cluster.nodes[0].reports = false;
    let ran = run_with(&cluster, image);
    assert!(ran.reports.is_empty(), "who does not report has a file of that name, and no more");
}
