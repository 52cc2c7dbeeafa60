//! Clusters of real programs, on the real runtime.

mod clusters;
mod common;
mod files;
mod limits;
mod modules;
mod precompiled;
mod programs;
mod sockets;
mod starting;
mod states;
