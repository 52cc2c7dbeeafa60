//! House rules that a search can hold: what is absent where. ARCHITECTURE.md says why.
//!
//! A rule names where it looks, and looking at nothing is a failure too: a directory that was renamed must not take its
//! rule along.

use std::fs;
use std::path::{Path, PathBuf};

/// Where a reader gives up.
const FILE_LINES_MAX: usize = 500;

/// A file of the repository, with its path from the top.
struct Source {
    path: String,
    text: String,
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, source: &Source, line: usize, rule: &str) {
        self.0.push(format!("{}:{}: {rule}", source.path, line + 1));
    }

    /// Each line of `sources` that `breaks` the rule.
    fn forbid(&mut self, rule: &str, sources: &[&Source], breaks: impl Fn(&str) -> bool) {
        if sources.is_empty() {
            self.0.push(format!("no file left to look at: {rule}"));
        }
        for source in sources {
            let lines = source.text.lines().enumerate().filter(|(_, line)| breaks(line));
            lines.for_each(|(number, _)| self.add(source, number, rule));
        }
    }
}

#[test]
fn tidy() {
    let all = read_all();
    let mut findings = Findings::default();
    check_dependencies(&all, &mut findings);
    check_code(&all, &mut findings);
    check_shape(&all, &mut findings);
    check_exercises_and_schema(&all, &mut findings);
    assert!(findings.0.is_empty(), "\n{}\n", findings.0.join("\n"));
}

fn check_dependencies(all: &[Source], findings: &mut Findings) {
    let grader = under(all, "grader/");
    let grader = without(&grader, "grader/python/");
    findings.forbid("the grader knows neither SQL nor HTTP", &grader, |line| {
        has_word(line, "sqlx") || has_word(line, "axum")
    });
    let beside_simulation = without(&rust(&under(all, "")), "grader/simulation");
    findings.forbid("wasmtime is named only under grader/simulation", &beside_simulation, |line| {
        line.contains("wasmtime::")
    });
    let beside_db = without(&program(&under(all, "server/src/")), "server/src/db");
    findings.forbid("SQL is only under server/src/db", &beside_db, |line| {
        ["query(", "query!(", "query_as", "query_scalar", "QueryBuilder", "raw_sql"]
            .iter()
            .any(|name| has_call(line, name))
    });
    let http = under(all, "server/src/http");
    findings.forbid("http does not import worker", &http, |line| imports(line, "worker"));
    let worker = under(all, "server/src/worker");
    findings.forbid("worker does not import http", &worker, |line| imports(line, "http"));
}

fn check_code(all: &[Source], findings: &mut Findings) {
    let rust = rust(&under(all, ""));
    findings.forbid("finish it", &rust, |line| {
        ["todo!", "unimplemented!", "TODO", "FIXME"].iter().any(|mark| line.contains(mark))
    });
    findings.forbid("#[expect(…, reason = …)] instead of allow", &rust, |line| {
        line.trim_start().starts_with("#[allow(") || line.trim_start().starts_with("#![allow(")
    });
}

fn check_shape(all: &[Source], findings: &mut Findings) {
    for source in all.iter().filter(|source| source.path.contains("/src/") && is_code(&source.path)) {
        if source.text.lines().count() > FILE_LINES_MAX {
            findings.add(source, FILE_LINES_MAX, "the file is too long, find its seam");
        }
        if source.path.ends_with(".rs") && !source.path.contains("/tests") && !source.text.starts_with("//!") {
            findings.add(source, 0, "a module opens with its theory");
        }
    }
}

fn check_exercises_and_schema(all: &[Source], findings: &mut Findings) {
    let is_suite = |source: &&Source| source.path.ends_with("/suite.py") || source.path.contains("/drivers/");
    // A driver's `threads()` and `report` exist only where time is virtual: who sleeps there takes part in a schedule, or
    // in a simulated cluster.
    let is_virtual = |source: &&Source| {
        source.path.contains("/drivers/") && (has_call(&source.text, "threads(") || imports_report(&source.text))
    };
    let suites: Vec<&Source> =
        under(all, "").into_iter().filter(is_suite).filter(|source| !is_virtual(source)).collect();
    findings.forbid("a suite orders nothing by sleeping", &suites, |line| {
        has_call(line, "sleep(") || line.contains("time.sleep")
    });
    let library = under(all, "grader/python/examiner/");
    findings.forbid("neither does the suites' library", &library, |line| has_call(line, "sleep("));
    let migrations: Vec<&Source> =
        under(all, "migrations/").into_iter().filter(|source| source.path.ends_with(".sql")).collect();
    findings.forbid("a migration is lower case", &migrations, |line| line.starts_with("CREATE "));
    for source in migrations {
        let lines: Vec<&str> = source.text.lines().collect();
        let creates = ["create table ", "create index ", "create unique index ", "create type "];
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| creates.iter().any(|c| line.starts_with(c))) {
            if number == 0 || !lines[number - 1].starts_with("--") {
                findings.add(source, number, &format!("a comment above says what `{line}` is for"));
            }
        }
    }
}

fn imports_report(text: &str) -> bool {
    text.lines().any(|line| line == "import report")
}

/// `use crate::http…` and `use crate::{db, http}`, also spelled `crate::http::…` in the code.
fn imports(line: &str, module: &str) -> bool {
    let grouped = line.trim_start().starts_with("use crate::{") && has_word(line, module);
    grouped || line.split("crate::").skip(1).any(|rest| rest.strip_prefix(module).is_some_and(|r| !starts_word(r)))
}

fn has_word(line: &str, word: &str) -> bool {
    let mut parts = line.split(word).peekable();
    while let (Some(before), Some(after)) = (parts.next(), parts.peek()) {
        if !before.ends_with(is_word) && !starts_word(after) {
            return true;
        }
    }
    false
}

fn has_call(line: &str, name: &str) -> bool {
    line.split_once(name).is_some_and(|(before, _)| !before.ends_with(is_word) && !before.ends_with('.'))
}

fn starts_word(text: &str) -> bool {
    text.starts_with(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn under<'a>(all: &'a [Source], prefix: &str) -> Vec<&'a Source> {
    all.iter().filter(|source| source.path.starts_with(prefix)).collect()
}

fn without<'a>(sources: &[&'a Source], prefix: &str) -> Vec<&'a Source> {
    sources.iter().copied().filter(|source| !source.path.starts_with(prefix)).collect()
}

fn rust<'a>(sources: &[&'a Source]) -> Vec<&'a Source> {
    sources.iter().copied().filter(|source| source.path.ends_with(".rs")).collect()
}

/// The program itself: tests may ask the database what they like.
fn program<'a>(sources: &[&'a Source]) -> Vec<&'a Source> {
    rust(sources).into_iter().filter(|source| !source.path.contains("/tests")).collect()
}

fn is_code(path: &str) -> bool {
    [".rs", ".py", ".ts", ".svelte"].iter().any(|extension| path.ends_with(extension)) && !path.ends_with(".d.ts")
}

/// Every text file below the directories that hold our sources, but not this one, which spells what it forbids.
fn read_all() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    for dir in ["grader", "server", "exercises", "migrations", "web/src"] {
        read_below(top, &top.join(dir), &mut sources);
    }
    sources.retain(|source| !source.path.ends_with("/tidy.rs"));
    sources
}

fn read_below(top: &Path, dir: &Path, sources: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read_below(top, &path, sources);
        } else if let Ok(text) = fs::read_to_string(&path) {
            sources.push(Source { path: path.strip_prefix(top).unwrap().display().to_string(), text });
        }
    }
}
