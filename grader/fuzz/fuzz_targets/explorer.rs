//! What a worker may say to the explorer of schedules: it runs beside the student's code, and whatever speaks in its
//! place is no more than a stranger.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    grader_fuzz::answers::read(input);
});
