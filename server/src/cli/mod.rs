//! The command line: one file a subcommand.

pub mod check;
mod display;
pub mod grade;
mod junit;
pub mod with_postgres;
