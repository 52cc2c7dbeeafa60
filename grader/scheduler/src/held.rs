//! What only the thread that holds the interpreter's lock touches.
//!
//! The scheduler's state is shared by all threads of the process and by nobody at the same time: whoever looks at it has a
//! `Python<'_>`, which is the proof that the interpreter's lock is held. Plain cells are enough for that, but the compiler
//! cannot know it.

use std::ops::Deref;

#[derive(Debug, Default)]
pub struct Held<T>(T);

// SAFETY: see above. Values are made, looked at and dropped by threads that hold the interpreter's lock, and by no others:
// statics are looked at through functions that want a `Python<'_>`, and fields of Python objects through their methods.
unsafe impl<T> Send for Held<T> {}
// SAFETY: as for `Send`.
unsafe impl<T> Sync for Held<T> {}

impl<T> Held<T> {
    pub const fn new(value: T) -> Held<T> {
        Held(value)
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
