//! Runs a program's threads one at a time, as it is told.

mod audit;
mod tracer;
