//! What passed on the wire: from a bounded capture of a case's loopback to evidence for a case that failed.
//!
//! The capture runs beside the parties and knows nothing of them ([`capture`]). After a failure its packets become
//! events ([`events`]), these get names, and the few that explain most are shown ([`evidence`]); the packets themselves
//! go along as a file ([`pcapng`]). Names, and where the stream first went wrong, come from the examiner's library
//! ([`notes`]), which also keeps the record of sockets that have no packets (AF_UNIX). It says nothing about a case:
//! no verdict rests on what is seen here, and a machine that permits no capture grades without it.

pub mod capture;
mod events;
mod evidence;
mod lanes;
mod notes;
mod packet;
mod pcapng;

pub use capture::Capture;
pub use evidence::evidence;
pub use lanes::Listening;
pub use notes::Notes;

#[cfg(test)]
mod tests;
