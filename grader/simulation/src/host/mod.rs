//! What a program can reach.

pub mod files;
