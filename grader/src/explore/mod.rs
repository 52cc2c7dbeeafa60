//! Looking for schedules under which a program fails, and for orders that explain what it did.

pub mod history;
