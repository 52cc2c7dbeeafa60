//! What ends a program that takes too much, and how that is told.

mod common;

use common::*;
use simulation::words::{End, Exit};

#[test]
fn a_program_prints_and_ends() {
    let ran = run_text("import sys; print('hello'); sys.exit(3)");
    assert_eq!((ran.end, exit(&ran, 0), stdout(&ran, 0).as_str()), (End::Done, Exit::Exited(3), "hello\n"), "{}", all(&ran));
}
#[test]
fn tmp_trace() {
    let mut c = cluster(&["server: echo.py server", "client: echo.py client"]);
    c.nodes[1].starts_at = 100_000_000;
    c.trace = true;
    let ran = run(&c);
    for h in &ran.trace { println!("{:>10} {:?}", h.at / 1000, h.what); }
    println!("{}", all(&ran));
}
