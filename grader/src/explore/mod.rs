//! Explores schedules: how a student's module behaves when its threads are interrupted here or there.
//!
//! ```text
//!  suite ── the library ══ frames ══ this, an applet beside it ══ frames ══ a worker, in the submission's sandbox
//!           checks what was seen       chooses, believes or not               carries out schedules, decides nothing
//! ```
//!
//! [`search`] chooses what is run: all schedules with few preemptions ([`bounded`]), and a [`portfolio`] of strategies.
//! What a worker answers is believed only as far as [`trust`] and the [`canary`] go, in the [`lab`]. What was seen is
//! kept once, with the simplest schedule that shows it ([`outcomes`]). A schedule that fails counts when it fails again in
//! a fresh process; then it is made small ([`shrink`]) and shown, together with how far it reaches ([`reach`]). Of those
//! that do not fail some are repeated too ([`samples`]).
//!
//! [`history`] looks for an order of calls that explains what they returned.
//!
//! Here is no verdict, and what is right is the suite's to say. Everything follows from the case's seed.

mod bounded;
mod canary;
mod explorer;
pub mod history;
mod lab;
mod outcomes;
pub mod portfolio;
mod reach;
mod samples;
mod search;
mod seeds;
mod shrink;
mod trust;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

pub use self::bounded::{Bounded, Certificate};
pub use self::explorer::{Explorer, Found, Shown, Task};
pub use self::lab::{Trouble, Worker};
pub use self::outcomes::{Outcome, Seen};
pub use self::reach::Reach;
pub use self::samples::{Explored, Sample, repeat};
pub use self::search::{Budget, Kind};
pub use self::trust::believe;
