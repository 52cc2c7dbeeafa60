//! Ids and names as types: no bare number or text that means a row crosses a function.
//!
//! Numbers and UUIDs come from the database. Names come from strangers, so each has one `parse` that proves its shape;
//! the same shape is a check in the schema.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 64;
/// Longest login, in bytes.
pub const LOGIN_BYTES_MAX: usize = 32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($of:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub $of);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A person.
    PersonId(i64)
);
id!(
    /// A course.
    CourseId(i64)
);
id!(
    /// An assignment.
    AssignmentId(i64)
);
id!(
    /// A grading.
    GradingId(i64)
);
id!(
    /// A submission: UUIDv7, so that ids sort by time.
    SubmissionId(Uuid)
);
id!(
    /// A personal access token: the `jti` of its JWT.
    TokenId(Uuid)
);

impl SubmissionId {
    /// A new one, of now.
    pub fn fresh() -> SubmissionId {
        SubmissionId(Uuid::now_v7())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                $name::parse(text)
            }
        }
    };
}

name!(
    /// The name of a course or an assignment in URLs.
    Slug
);
name!(
    /// What a person signs in as.
    Login
);
name!(
    /// One version of an exercise: SHA-256 of its files, lower-case hex.
    SuiteHash
);

impl Slug {
    pub fn parse(text: &str) -> Result<Slug, String> {
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if text.len() <= SLUG_BYTES_MAX && text.split('-').all(word) {
            return Ok(Slug(text.to_owned()));
        }
        Err(format!("parse slug {text:?}: lower-case letters and digits joined by single hyphens are wanted"))
    }
}

impl Login {
    pub fn parse(text: &str) -> Result<Login, String> {
        let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts && text.len() <= LOGIN_BYTES_MAX && text.bytes().all(rest) {
            return Ok(Login(text.to_owned()));
        }
        Err(format!(
            "parse login {text:?}: a lower-case letter, then at most 31 lower-case letters, digits, \".\", \"-\", \"_\""
        ))
    }
}

impl SuiteHash {
    pub fn parse(text: &str) -> Result<SuiteHash, String> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(SuiteHash(text.to_owned()));
        }
        Err(format!("parse suite hash {text:?}: 64 lower-case hex digits are wanted"))
    }
}

/// What a person is in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    Student,
    Assistant,
    Instructor,
}

impl Role {
    /// Assistants and instructors see every submission of their course.
    pub fn staff(self) -> bool {
        match self {
            Role::Student => false,
            Role::Assistant | Role::Instructor => true,
        }
    }
}

/// How far a submission or a grading got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum State {
    Queued,
    Running,
    Graded,
    /// Given up after the grader itself failed too often. Costs no attempt.
    Dead,
}

impl State {
    /// Whether nothing more will happen by itself.
    pub fn ended(self) -> bool {
        match self {
            State::Queued | State::Running => false,
            State::Graded | State::Dead => true,
        }
    }
}
