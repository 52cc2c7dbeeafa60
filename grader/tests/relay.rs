//! The relay through whole gradings: programs in one sandbox, the relay beside the suite in another (`relay/`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use grader::seed::Root;
use grader::{Exercise, Grader, Report, Request, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};

type Test = fn(&Grader) -> Result<(), Failed>;

fn main() {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let named: [(&str, Test); 2] = [
        ("programs_meet_each_fault_and_the_ledger_tells_it", programs_meet_each_fault_and_the_ledger_tells_it),
        ("the_same_seed_gives_the_same_ledger", the_same_seed_gives_the_same_ledger),
    ];
    let tests = named.map(|(name, test)| {
        let grader = Arc::clone(&grader);
        Trial::test(name, move || test(&grader))
    });
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit();
}

fn exercise() -> Exercise {
    Exercise::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relay")).unwrap()
}

fn grade(grader: &Grader, exercise: &Exercise, only: Option<&str>, seed: Option<char>) -> Result<Report, Failed> {
    let seed = seed.map(|digit| digit.to_string().repeat(64).parse().expect("64 hex digits"));
    let request =
        Request { root: Root::Public, only: only.map(str::to_owned), seed, set: BTreeMap::new(), replay: None };
    Ok(grader.grade(exercise, &exercise.submission("reference")?, &request, &mut |_| {}, &|| false)?)
}

fn programs_meet_each_fault_and_the_ledger_tells_it(grader: &Grader) -> Result<(), Failed> {
    let report = grade(grader, &exercise(), None, None)?;
    if report.verdict == Verdict::Passed { Ok(()) } else { Err(format!("{:#?}", report.cases).into()) }
}

/// The case fails with its ledger as the message.
fn the_same_seed_gives_the_same_ledger(grader: &Grader) -> Result<(), Failed> {
    let exercise = exercise();
    let mut files: BTreeMap<String, Vec<u8>> =
        exercise.paths().map(|path| (path.to_owned(), exercise.file(path).unwrap().to_vec())).collect();
    let suite = String::from_utf8(files["suite.py"].clone())?;
    let telling = suite.replace("    return told(net)", "    exam.fail(told(net))");
    assert_ne!(suite, telling);
    files.insert("suite.py".to_owned(), telling.into_bytes());
    let exercise = Exercise::from_files("relay", files)?;
    let ledger = |seed| -> Result<String, Failed> {
        let report = grade(grader, &exercise, Some("faults"), Some(seed))?;
        Ok(report.cases[0].message.clone().expect("the case fails"))
    };
    let first = ledger('1')?;
    assert!(first.starts_with("client0:"), "{first}");
    assert_eq!(first, ledger('1')?);
    assert_ne!(first, ledger('2')?);
    Ok(())
}
