//! The grader: from an exercise and a submission to a report.
//!
//! Three parties are kept apart. The *submission* (student code) runs in one sandbox, the *examiner* (the author's
//! suite) in another, and this library, the *grader*, outside both. Only observations cross; the verdict is put
//! together here from the examiner's word and from facts that the kernel vouches for. Silence is failure.
//!
//! What is deliberately absent: HTTP, SQL, users, dates. A student's mistake is a verdict inside `Ok(Report)`; our own
//! failure is `Err(GraderError)` and never becomes points.

mod applets;
mod build;
pub mod channel;
pub mod check;
pub mod doctor;
pub mod exercise;
pub mod explore;
pub mod grading;
mod hex;
mod library;
mod replay;
pub mod report;
pub mod runtime;
pub mod sandbox;
pub mod seed;
pub mod simulator;
pub mod submission;
mod suite;
pub mod verdict;
pub mod wire;

// Public for whoever looks for words that it does not stand.
pub use suite::protocol;

pub use exercise::Exercise;
pub use grading::{Event, Grader, GraderError, Request};
pub use report::Report;
pub use submission::Submission;
pub use verdict::Verdict;
