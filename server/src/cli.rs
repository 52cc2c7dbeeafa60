//! The command line.

pub mod with_postgres;
