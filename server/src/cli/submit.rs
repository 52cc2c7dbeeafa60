//! `practicum submit`: hands in over the API, from a shell or from CI.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::{Event, Report, Submission, Verdict};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, Url};
use serde::Deserialize;

use super::display::{self, Progress};
use super::{block_on, junit};

/// Seconds that one question for the report may wait on the server.
const WAIT_S: u32 = 30;
/// Largest line of an event stream that is believed.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Hand in a file or folder, and follow it to its report
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  practicum submit net-02-echo-server echo_server.py --course netcon --server https://labs.example.org --wait
  practicum submit net-02-echo-server . --course netcon --wait --junit report.xml    (server and token from the environment)

The token comes from the web page under Tokens, or from `practicum admin token create`.

Exit status: 0 handed in (with --wait: all passed), 1 some case failed, 2 usage or refused, 3 our own error.")]
pub struct Submit {
    /// Assignment, such as net-02-echo-server
    assignment: String,
    /// File, archive (.zip, .tar.gz) or folder to hand in
    path: PathBuf,
    /// Course
    #[arg(long, value_name = "COURSE", env = "PRACTICUM_COURSE")]
    course: String,
    /// Address of the server
    #[arg(long, value_name = "URL", env = "PRACTICUM_SERVER")]
    server: Url,
    /// Personal access token
    #[arg(long, value_name = "TOKEN", env = "PRACTICUM_TOKEN", hide_env_values = true)]
    token: String,
    /// Follow the grading and print the report
    #[arg(long)]
    wait: bool,
    /// Write the report as JUnit XML as well (implies --wait)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Why handing in or following it went no further.
#[derive(Debug, thiserror::Error)]
enum Stop {
    /// The student's to mend: refused, or wrong words.
    #[error("{0}")]
    Refused(String),
    /// The server's, the network's or ours.
    #[error("{0}")]
    Ours(String),
}

#[derive(Deserialize)]
struct Receipt {
    id: String,
    sha256: String,
    received_at: String,
    ordinal: u32,
}

#[derive(Deserialize)]
struct Seen {
    state: String,
    report: Option<Report>,
}

#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct CaseMoved {
    case: String,
    state: String,
    verdict: Option<Verdict>,
    points: Option<u32>,
}

impl Submit {
    pub fn run(self) -> ExitCode {
        let done = block_on(async { Ok(self.submit().await) });
        match done {
            Ok(Ok(code)) => code,
            Ok(Err(stop)) => {
                eprintln!("practicum: failed to hand in: {stop}");
                ExitCode::from(match stop {
                    Stop::Refused(_) => 2,
                    Stop::Ours(_) => 3,
                })
            }
            Err(error) => {
                eprintln!("practicum: failed to {error:#}");
                ExitCode::from(3)
            }
        }
    }

    async fn submit(&self) -> Result<ExitCode, Stop> {
        let submission = Submission::from_path(&self.path).map_err(|error| Stop::Refused(error.to_string()))?;
        let client = Client::new();
        let receipt = self.hand_in(&client, &submission).await?;
        eprintln!("attempt {} received {}, sha256 {}", receipt.ordinal, receipt.received_at, receipt.sha256);
        if !self.wait && self.junit.is_none() {
            println!("{}", self.url(&format!("submissions/{}", receipt.id))?);
            return Ok(ExitCode::SUCCESS);
        }
        self.follow(&client, &receipt.id).await;
        let report = self.report(&client, &receipt.id).await?;
        print!("{}", display::report(&report));
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::document(&report))
                .map_err(|error| Stop::Refused(format!("write {}: {error}", file.display())))?;
        }
        Ok(ExitCode::from(u8::from(!report.verdict.passed())))
    }

    async fn hand_in(&self, client: &Client, submission: &Submission) -> Result<Receipt, Stop> {
        let form = submission.files().fold(Form::new(), |form, (name, content)| {
            form.part("file", Part::bytes(content.to_vec()).file_name(name.to_string()))
        });
        let url = self.url(&format!("api/v1/courses/{}/assignments/{}/submissions", self.course, self.assignment))?;
        // A repetition of the same request must not become a second attempt.
        let key = uuid::Uuid::new_v4().to_string();
        let request = client.post(url).bearer_auth(&self.token).header("Idempotency-Key", key).multipart(form);
        read(answered(request.send().await).await?).await
    }

    /// Shows the cases as they finish. A stream that breaks loses only the display.
    async fn follow(&self, client: &Client, id: &str) {
        let Ok(url) = self.url(&format!("api/v1/submissions/{id}/events")) else { return };
        let Ok(mut response) = answered(client.get(url).bearer_auth(&self.token).send().await).await else { return };
        let mut progress = Progress::new(true, None);
        let mut pending = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            pending.extend_from_slice(&chunk);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                if let Some(event) = case_event(&line) {
                    progress.show(&event);
                }
            }
            if pending.len() > LINE_BYTES_MAX {
                break;
            }
        }
        progress.clear();
    }

    async fn report(&self, client: &Client, id: &str) -> Result<Report, Stop> {
        loop {
            let mut url = self.url(&format!("api/v1/submissions/{id}"))?;
            url.set_query(Some(&format!("wait={WAIT_S}")));
            let seen: Seen = read(answered(client.get(url).bearer_auth(&self.token).send().await).await?).await?;
            match (seen.state.as_str(), seen.report) {
                ("graded", Some(report)) => return Ok(report),
                ("dead", _) => {
                    return Err(Stop::Ours(
                        "the server could not grade it; staff know, and the attempt does not count".to_owned(),
                    ));
                }
                _ => {}
            }
        }
    }

    fn url(&self, path: &str) -> Result<Url, Stop> {
        let mut base = self.server.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(path).map_err(|error| Stop::Refused(format!("server {}: {error}", self.server)))
    }
}

/// The answer if it is a success; the problem it states otherwise.
async fn answered(response: reqwest::Result<Response>) -> Result<Response, Stop> {
    let response = response.map_err(|error| Stop::Ours(format!("reach the server: {error}")))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let problem = response.json::<Problem>().await;
    let words = match problem {
        Ok(problem) => problem.detail.unwrap_or(problem.title),
        Err(_) => format!("the server answered {status}"),
    };
    Err(if status.is_client_error() { Stop::Refused(words) } else { Stop::Ours(words) })
}

async fn read<T: for<'de> Deserialize<'de>>(response: Response) -> Result<T, Stop> {
    response.json().await.map_err(|error| Stop::Ours(format!("understand the server: {error}")))
}

/// A line of a server-sent event that tells of a case.
fn case_event(line: &[u8]) -> Option<Event> {
    let moved: CaseMoved = serde_json::from_slice(line.strip_prefix(b"data:")?).ok()?;
    match (moved.state.as_str(), moved.verdict) {
        ("running", _) => Some(Event::CaseStarted { case: moved.case }),
        ("finished", Some(verdict)) => {
            Some(Event::CaseFinished { case: moved.case, verdict, points: moved.points.unwrap_or(0) })
        }
        _ => None,
    }
}
