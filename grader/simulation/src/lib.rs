//! A cluster of ordinary programs on a network, under clocks and on disks that exist only here.
//!
//! A program is a WebAssembly component or module: CPython with the standard library inside and a student's file as its
//! argument, or what a compiler made. All that it can reach of a machine is host functions, and these are ours: sockets
//! lead into a [`world`], files onto a [`disk`], clocks show the world's time, randomness comes from the seed. No socket,
//! file, clock or thread of this machine is linked. So a run is a function of its words alone ([`words::Cluster`]): the same
//! words give the same bytes at the same instants, on any machine and however busy it is.
//!
//! Time is virtual. It passes for two reasons: a program computes, and each unit of fuel that it burns takes
//! [`words::Pace::ns_per_1000_fuel`]; or nobody can go on, and the clock moves to the next event. A program is interrupted after a slice of
//! fuel, so that one that spins keeps nobody else from running. When no event is left and nobody can go on, nothing will
//! ever happen any more: the cluster is *still*, which proves a deadlock without any time-out.
//!
//! ```text
//! words ──▶ cluster ──▶ node: component + store ──▶ host ──▶ world (network, time, faults)
//!                                                    └─────▶ disk
//! ```
//! `world` and `disk` know nothing of WebAssembly, and `host` knows nothing of nodes other than its own. Nothing here judges.

mod cluster;
pub mod disk;
mod host;
mod machine;
mod precompiled;
mod preview1;
pub mod words;
pub mod world;

pub use machine::{Machine, Trouble};
pub use precompiled::Precompiler;
pub use preview1::MODULE_BYTES_MAX;

/// Of the runtime, as scripts/runtime makes it.
pub const PYTHON_VERSION: &str = "3.14.0";
