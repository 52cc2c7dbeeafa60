//! What ends a program that takes too much, and how that is told.

mod common;

use common::*;
use simulation::words::{End, Exit};

#[test]
fn a_program_prints_and_ends() {
    let ran = run_text("import sys; print('hello'); sys.exit(3)");
    assert_eq!((ran.end, exit(&ran, 0), stdout(&ran, 0).as_str()), (End::Done, Exit::Exited(3), "hello\n"), "{}", all(&ran));
}
