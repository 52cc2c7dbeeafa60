//! The hostile corpus: every program of these families in `hostile/` runs in a sandbox, does its worst, and meets its expected fact.
//!
//! A program that held its own against a wall says `contained`; another names its end in `# expect: …`. `# reads: NAME
//! WHAT` is for what the grader then reads in the work folder: `nothing`, or so many bytes of the 100 that it asks for.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use grader::Grader;
use grader::sandbox::{Exit, Role, Sandbox};
use grader::submission::FileName;
use libtest_mimic::{Failed, Trial};

use crate::canaries::Canaries;
use crate::traces::Traces;
use crate::{World, first_line, start};

const COMMON: &str = include_str!("../hostile/attack.py");
const READ_BYTES: usize = 100;
/// An attack that is not over by then has met no wall.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often what may change under the reader is read.
const READINGS: usize = 300;

/// Those that need no examiner to attack; the others are handed in (`../grading.rs`).
const FAMILIES: &[&str] = &["collector", "escape", "network", "resources"];

/// One test for each program, and one for a program that is no attack.
pub fn tests(grader: &Arc<Grader>) -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let programs = FAMILIES.iter().flat_map(|family| python_files(root.join(family)));
    programs
        .chain([root.join("uses_ordinary_features.py")])
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
            let grader = Arc::clone(grader);
            Trial::test(name, move || a_hostile_program(&grader, &path))
        })
        .collect()
}

fn python_files(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|kind| kind == "py"))
}

fn a_hostile_program(grader: &Arc<Grader>, path: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let header = |name: &str| source.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
    let expected = header("expect: ").unwrap_or("contained");
    let mut canaries = Canaries::set_out()?;
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    sandbox.work().write(&FileName::parse(b"attack.py")?, COMMON.as_bytes())?;
    sandbox.work().write(&FileName::parse(b"canaries.json")?, canaries.told().as_bytes())?;
    sandbox.prepared()?;
    let traces = Traces::of(&sandbox);

    let _killer = sandbox.killer_after(PATIENCE)?;
    let (id, mut output) = start(&mut sandbox, &source);
    let said = match expected {
        "contained" => first_line(&mut output),
        "killed for memory" => {
            sandbox.exit_of(id).unwrap();
            if sandbox.usage().memory_kills > 0 { expected.to_owned() } else { "not killed".to_owned() }
        }
        _ => match sandbox.exit_of(id).unwrap() {
            Some(Exit::Exited(code)) => format!("exit {code}"),
            Some(Exit::Signalled(signal)) => format!("signal {signal}"),
            None => "gone".to_owned(),
        },
    };
    if said != expected {
        let mut rest = String::new();
        output.read_to_string(&mut rest)?;
        return Err(format!("expected {expected:?}, got {said:?}\n{rest}").into());
    }
    if let Some(reads) = header("reads: ") {
        collect(&sandbox, reads)?;
    }
    let at_the_end = Traces::of(&sandbox);
    drop(sandbox);
    drop(world);

    let complaints = [traces.remains(), at_the_end.remains(), canaries.complaints()].concat();
    if complaints.is_empty() { Ok(()) } else { Err(format!("the host is not as it was: {complaints:#?}").into()) }
}

/// Reads as the grader does.
fn collect(sandbox: &Sandbox, reads: &str) -> Result<(), Failed> {
    let (name, expected) = reads.split_once(' ').ok_or("no expectation")?;
    let name = FileName::parse(name.as_bytes())?;
    let expected: Vec<Option<usize>> = expected.split(" or ").map(|it| it.parse().ok()).collect();
    for _ in 0..READINGS {
        let read = sandbox.work().read(&name, READ_BYTES)?.map(|content| content.len());
        assert!(expected.contains(&read), "read {read:?}, expected {expected:?}");
    }
    Ok(())
}
