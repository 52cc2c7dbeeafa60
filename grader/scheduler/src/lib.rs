//! Runs a program's threads one at a time, as it is told.

pub mod audit;
pub mod tracer;
