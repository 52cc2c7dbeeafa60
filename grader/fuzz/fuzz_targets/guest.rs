//! Whatever a program asks of the host functions.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = grader_fuzz::guest::run(input);
});
