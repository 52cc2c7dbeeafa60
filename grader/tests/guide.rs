//! The suite author's guide (`python/README.md`) shows each power by an example. Here every example is run as a case,
//! against the programs in `guide/` and, for the simulated lane, `guide_simulated/`, so that none can rot.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use grader::exercise::Case;
use grader::runtime::LocalRuntime;
use grader::seed::Root;
use grader::{Exercise, Grader, Request};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    grader::sandbox::launcher_main();
    let grader = Arc::new(Grader::new(true).unwrap());
    let (before, rest) = GUIDE.split_once("\n## Simulated clusters\n").unwrap();
    let (simulated, after) = rest.split_once("\n## Pictures of the network\n").unwrap();
    let native = exercise("guide", &[blocks(before), blocks(after)].concat());
    let local = LocalRuntime::default();
    let simulated = exercise("guide_simulated", &blocks(simulated)).pinned(&local.get().unwrap().sha256);
    let tests = [native, simulated].map(Arc::new).into_iter().flat_map(|exercise| {
        let test = |case: &Case| {
            let (grader, exercise, case) = (grader.clone(), exercise.clone(), case.id.clone());
            Trial::test(case.clone(), move || check(&grader, &exercise, &case))
        };
        exercise.manifest().cases.iter().map(test).collect::<Vec<_>>()
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit();
}

const GUIDE: &str = include_str!("../python/README.md");

fn check(grader: &Grader, exercise: &Exercise, case: &str) -> Result<(), Failed> {
    let request =
        Request { root: Root::Public, only: Some(case.to_owned()), seed: None, set: BTreeMap::new(), replay: None };
    let submission = exercise.submission("reference").unwrap();
    let report = grader.grade(exercise, &submission, &request, &mut |_| {}, &|| false).map_err(|e| e.to_string())?;
    match report.cases[0].verdict.passed() {
        true => Ok(()),
        false => Err(format!("{:#?}", report.cases[0]).into()),
    }
}

/// Every block of Python in a part of the guide.
fn blocks(part: &'static str) -> Vec<&'static str> {
    let blocks = part.split("```python\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

/// That folder with the examples as its suite and a case for each; a block that begins with a file's name is that
/// file.
fn exercise(name: &str, blocks: &[&str]) -> Exercise {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut files = BTreeMap::new();
    read_below(&folder, "", &mut files);
    let file = |block: &&&str| block.starts_with("# drivers/");
    for block in blocks.iter().filter(file) {
        let (name, _) = block[2..].split_once('\n').unwrap();
        files.insert(name.to_owned(), block.as_bytes().to_vec());
    }
    let examples = blocks.iter().filter(|block| !file(block)).copied().collect::<Vec<_>>().join("\n\n");
    let manifest = files.get_mut("exercise.toml").unwrap();
    for function in functions(&examples) {
        let case = function.replace('_', "-");
        manifest.extend(format!("\n[[case]]\nid = \"{case}\"\npoints = 1\ntitle = \"{case}\"\n").bytes());
    }
    files.insert("suite.py".to_owned(), examples.into_bytes());
    Exercise::from_files("guide", files).unwrap()
}

/// Those that are cases: they take `exam` and nothing else.
fn functions(examples: &str) -> impl Iterator<Item = &str> {
    examples.lines().filter_map(|line| line.strip_prefix("def ")?.strip_suffix("(exam):"))
}

fn read_below(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => read_below(&entry.path(), &format!("{name}/"), files),
            false => drop(files.insert(name, fs::read(entry.path()).unwrap())),
        }
    }
}
