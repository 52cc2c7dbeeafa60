//! `practicum grade`: grades a file or folder on this machine, without a server or a database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use grader::report::Evidence;
use grader::seed::{CaseSeed, Root};
use grader::{Exercise, Grader, GraderError, Report, Request, Submission};

use super::display::{self, Progress};
use super::{RuntimeFile, junit};

/// Grade a file or folder here, without a server.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  practicum grade exercises/net-02-echo-server my_server/
  practicum grade exercises/net-02-echo-server echo.py --set server.file=echo.py --set port=1664
  practicum grade exercises/net-02-echo-server my_server/ --case half-close-flush --seed 5f0c…
  practicum grade exercises/thr-02-bank bank.py --case overdraft --replay sQ…
  practicum grade exercises/net-02-echo-server my_server/ --json > report.json

Exit status: 0 all passed, 1 some case failed, 2 usage, 3 our own error.")]
pub struct Grade {
    /// Exercise folder, or the id of one below --exercises
    exercise: PathBuf,
    /// File, archive (.zip, .tar.gz) or folder to grade
    path: PathBuf,
    /// Only this case
    #[arg(long, value_name = "ID")]
    case: Option<String>,
    /// Repeat a case on this seed, as the staff view of a report tells it
    #[arg(long, value_name = "CASESEED", requires = "case")]
    seed: Option<CaseSeed>,
    /// Of all schedules of a case run and show one alone, by its token
    #[arg(long, value_name = "TOKEN", requires = "case")]
    replay: Option<String>,
    /// Override a var or a program's file (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
    /// Print the report as JSON, and nothing else, on standard output
    #[arg(long)]
    json: bool,
    /// Write the report as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the packets of the first case that failed, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
}

/// What `grade` and `check` need to know of this machine.
#[derive(Args, Debug)]
pub struct Machine {
    /// Folder with exercises, for those named by id
    #[arg(long, value_name = "DIR", default_value = "exercises", env = "PRACTICUM_EXERCISES")]
    pub exercises: PathBuf,
    /// Grade although control groups are missing and limits are not exact
    #[arg(long)]
    pub allow_weak_sandbox: bool,
    #[command(flatten)]
    runtime: RuntimeFile,
}

impl Machine {
    /// An exercise by folder, or by id.
    pub fn exercise(&self, name: &std::path::Path) -> Result<Exercise, String> {
        let folder = if name.is_dir() { name.to_owned() } else { self.exercises.join(name) };
        Exercise::load_with(&folder, &self.runtime.local()).map_err(|error| error.to_string())
    }

    pub fn grader(&self) -> Result<Grader, GraderError> {
        Ok(Grader::new(self.allow_weak_sandbox)?.with_runtime(self.runtime.local()))
    }

    /// What an exercise takes seconds for, once on a machine. Somebody waits for it, so it is told.
    pub fn prepare(&self, grader: &Grader, exercise: &Exercise) -> Result<(), GraderError> {
        let Some(runtime) = exercise.runtime() else { return Ok(()) };
        if !grader.runtimes().ready(runtime)? {
            eprintln!(
                "practicum: compiling the Python of the simulated lane, once on this machine: 10 s, or some more"
            );
            grader.runtimes().open(runtime)?;
        }
        Ok(())
    }
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted, such as port=1664")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Grade {
    pub fn run(self) -> ExitCode {
        let (exercise, submission) = match self.inputs() {
            Ok(inputs) => inputs,
            Err(reason) => return usage(&reason),
        };
        let request = Request {
            root: Root::Public,
            only: self.case.clone(),
            seed: self.seed,
            set: self.set.iter().cloned().collect::<BTreeMap<_, _>>(),
            replay: self.replay.clone(),
        };
        let mut progress = Progress::new(!self.json, Some(exercise.manifest().cases.len()));
        let graded = self.machine.grader().and_then(|grader| {
            self.machine.prepare(&grader, &exercise)?;
            grader.grade(&exercise, &submission, &request, &mut |event| progress.show(&event), &|| false)
        });
        progress.clear();
        match graded {
            Ok(report) => self.print(&report),
            Err(GraderError::Request(reason)) => usage(&reason),
            Err(error) => {
                eprintln!("practicum: failed to grade: {error}");
                ExitCode::from(3)
            }
        }
    }

    fn inputs(&self) -> Result<(Exercise, Submission), String> {
        let exercise = self.machine.exercise(&self.exercise)?;
        let submission = Submission::from_path(&self.path).map_err(|error| error.to_string())?;
        let set = self.set.iter().cloned().collect();
        exercise.accepts_with(&submission, &set).map_err(|error| error.to_string())?;
        Ok((exercise, submission))
    }

    fn print(&self, report: &Report) -> ExitCode {
        if let Some(file) = &self.junit
            && let Err(error) = std::fs::write(file, junit::document(report))
        {
            eprintln!("practicum: failed to write {}: {error}", file.display());
            return ExitCode::from(2);
        }
        if let Some(file) = &self.pcap
            && let Err(reason) = write_packets(file, report)
        {
            eprintln!("practicum: failed to write {}: {reason}", file.display());
            return ExitCode::from(2);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(report).expect("reports are plain data"));
        } else {
            print!("{}", display::report(report));
        }
        ExitCode::from(u8::from(!report.verdict.passed()))
    }
}

/// Where no case failed or nothing passed on its network, there is no file, and no error either.
fn write_packets(file: &Path, report: &Report) -> Result<(), String> {
    let packets = report.cases.iter().flat_map(|case| &case.evidence).find_map(|evidence| match evidence {
        Evidence::Wire { capture, .. } => capture.as_ref(),
        _ => None,
    });
    let Some(packets) = packets else { return Ok(()) };
    let bytes = BASE64_STANDARD.decode(packets).map_err(|error| error.to_string())?;
    std::fs::write(file, bytes).map_err(|error| error.to_string())
}

fn usage(reason: &str) -> ExitCode {
    eprintln!("practicum: {reason}");
    ExitCode::from(2)
}
