//! Fixtures that are part of this binary and run in the examiner's sandbox, started by its library.
//!
//! The sandbox has this program at `/practicum/applets`: `/practicum/applets applet NAME`. Descriptor 3 is the channel to
//! the library, of the one framing; when it ends, so does the applet. An applet is as confined as the suite that starts
//! it, and trusted no more: it knows no submission and no verdict, and what it tells is the suite's to judge.

mod amqp;

use std::ffi::OsString;
use std::io;

/// The word that makes this binary an applet.
pub const WORD: &str = "applet";

/// Runs the applet that `words` name.
pub fn run(mut words: impl Iterator<Item = OsString>) -> io::Result<()> {
    let name = words.next().unwrap_or_default();
    match name.to_str() {
        Some("amqp") => amqp::run(),
        _ => Err(io::Error::other(format!("{name:?} is no applet"))),
    }
}
