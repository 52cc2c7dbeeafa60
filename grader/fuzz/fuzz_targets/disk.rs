//! Whatever is called on a node's disk, in whatever order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = grader_fuzz::disk::run(input);
});
