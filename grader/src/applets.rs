//! Fixtures that are part of this binary and run in the examiner's sandbox, started by its library.
//!
//! The sandbox has this program at `/practicum/applets`: `/practicum/applets applet NAME`. Descriptor 3 is the channel to
//! the library, of the one framing; when it ends, so does the applet. An applet is as confined as the suite that starts
//! it, and trusted no more: it knows no submission and no verdict, and what it tells is the suite's to judge.

mod amqp;
mod explore;
mod history;
mod picture;
mod relay;

use std::ffi::OsString;
use std::io;

use crate::channel::Channel;
use crate::sandbox::inherited;

/// The word that makes this binary an applet.
pub const WORD: &str = "applet";
/// Where an applet has its channel.
const CHANNEL: i32 = 3;

/// Runs the applet that `words` name.
pub fn run(mut words: impl Iterator<Item = OsString>) -> io::Result<()> {
    let name = words.next().unwrap_or_default();
    match name.to_str() {
        Some("relay") => relay::run(channel()?),
        Some("amqp") => amqp::run(channel()?),
        Some("explore") => explore::run(channel()?),
        Some("history") => history::run(channel()?),
        Some("picture") => picture::run(channel()?),
        _ => Err(io::Error::other(format!("{name:?} is no applet"))),
    }
}

/// The channel to the library.
fn channel() -> io::Result<Channel> {
    Ok(Channel::new(inherited(CHANNEL)?))
}
