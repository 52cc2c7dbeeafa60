//! Compiled modules: they run as programs, and what is none is refused. Those that are run were written by hand
//! (`modules/programs.wat`), but for one that a compiler made (`modules/words.rs`).

use std::collections::BTreeMap;

use crate::common::{all, cluster, machine, stderr, stdout};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulation::disk::Image;
use simulation::words::{Cluster, Exit, Limits, MS, Program, Ran, SECOND};
use simulation::{MODULE_BYTES_MAX, Machine};

const PROGRAMS: &[u8] = include_bytes!("../modules/programs.wasm");
const COMPILED: &[u8] = include_bytes!("../modules/words.wasm");

fn calls(arguments: &str) -> Cluster {
    let mut cluster = cluster(&["node: main.wasm"]);
    let argv = format!("main.wasm {arguments}").split(' ').map(str::to_owned).collect();
    cluster.nodes[0].program = Program::Module { argv };
    cluster
}

fn run(cluster: &Cluster, module: &[u8]) -> Ran {
    let files = [("work/main.wasm", module), ("work/greeting", b"good morning")];
    let image: Image = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).into();
    machine().run(cluster, &BTreeMap::from([("programs".to_owned(), image)])).unwrap()
}

fn exit(ran: &Ran) -> Exit {
    crate::common::exit(ran, 0)
}

fn stdout_bytes(ran: &Ran) -> Vec<u8> {
    ran.nodes[0].output.iter().flat_map(|written| STANDARD.decode(&written.bytes).unwrap()).collect()
}

#[test]
fn it_reads_its_input_and_writes_its_output() {
    let mut cluster = calls("Shout");
    let said = "to be or not to be\n".repeat(50);
    cluster.nodes[0].stdin = STANDARD.encode(&said);
    let ran = run(&cluster, PROGRAMS);
    assert_eq!((exit(&ran), stdout(&ran, 0)), (Exit::Exited(0), said.to_uppercase()));
    assert_eq!(run(&cluster, PROGRAMS), ran, "the same words show the same");
}

#[test]
fn it_is_told_its_arguments_and_tells_its_code() {
    let ran = run(&calls("arguments two"), PROGRAMS);
    assert_eq!((exit(&ran), stdout(&ran, 0)), (Exit::Exited(3), "main.wasm\0arguments\0two\0".to_owned()));
}

#[test]
fn it_works_on_its_nodes_files() {
    let ran = run(&calls("files"), PROGRAMS);
    assert_eq!(exit(&ran), Exit::Exited(0));
    let said: String =
        stdout_bytes(&ran).into_iter().map(|byte| if byte.is_ascii_graphic() { byte.into() } else { ' ' }).collect();
    let words: Vec<&str> = said.split(' ').filter(|word| word.len() > 2).collect();
    assert_eq!(words, ["good", "greeting", "main.wasm", "new"], "{said}");
    let files = BTreeMap::from([("work/new".to_owned(), STANDARD.encode("greetinggo"))]);
    assert_eq!(ran.nodes[0].files, files);
}

#[test]
fn it_sleeps_in_virtual_time() {
    let ran = run(&calls("zzz"), PROGRAMS);
    assert_eq!(exit(&ran), Exit::Exited(0));
    assert!((10 * SECOND..10 * SECOND + MS).contains(&ran.at), "{}", ran.at);
}

#[test]
fn it_gets_its_randomness_from_the_seed() {
    let drawn = |seed: u64| stdout_bytes(&run(&Cluster { seed, ..calls("draws") }, PROGRAMS));
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn it_has_limits() {
    let limits = Limits { fuel: 10_000_000, memory_bytes: 1 << 20, ..Limits::default() };
    let ends = |arguments: &str| exit(&run(&Cluster { limits, ..calls(arguments) }, PROGRAMS));
    assert_eq!(ends("spins"), Exit::OutOfFuel);
    assert_eq!(ends("grows"), Exit::OutOfMemory);
    assert_eq!(ends("talks"), Exit::OutOfOutput);
    assert_eq!(ends("recurses"), Exit::Trapped("call stack exhausted".to_owned()));
}

#[test]
fn wrong_addresses_and_descriptors_are_told() {
    assert_eq!(exit(&run(&calls("errors"), PROGRAMS)), Exit::Exited(0));
}

#[track_caller]
fn check_refused(module: &[u8], words: &str) {
    let Exit::Trapped(said) = exit(&run(&calls("x"), module)) else { panic!("it was run") };
    assert!(said.contains(words), "{said}");
}

#[test]
fn what_is_no_module_is_refused_in_words() {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    check_refused(b"", "no WebAssembly module");
    check_refused(b"(module)", "no WebAssembly module");
    check_refused(COMPONENT, "component");
    check_refused(&vec![0; MODULE_BYTES_MAX + 1], "8388609 bytes");
    check_refused(b"\0asm\x01\0\0\0\xff", "cannot be run");
    check_refused(b"\0asm\x01\0\0\0", "exports no _start");
    // What wasmtime has compiled is native code, and would do as it likes.
    check_refused(&Machine::compile(COMPONENT).unwrap(), "native code");
}

#[test]
fn a_module_is_a_program_and_imports_nothing_else() {
    let start_alone = b"\0asm\x01\0\0\0\x01\x04\x01`\0\0\x03\x02\x01\0\x07\n\x01\x06_start\0\0\n\x04\x01\x02\0\x0b";
    check_refused(start_alone, "exports no memory");
    let imports =
        b"\0asm\x01\0\0\0\x01\x04\x01`\0\0\x02\t\x01\x03env\x01f\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\
        \x06memory\x02\0\x06_start\0\x01\n\x04\x01\x02\0\x0b";
    check_refused(imports, "env::f");
}

#[test]
fn what_a_compiler_made_runs_as_it_is() {
    let mut cluster = calls("one two");
    cluster.nodes[0].stdin = STANDARD.encode("to be or not to be\nto");
    let ran = run(&cluster, COMPILED);
    let said = r#"["main.wasm", "one", "two"]
[("be", 2), ("not", 1), ("or", 1), ("to", 3)]
(["text"], "hello\n")
1767225600 1500
Err(NotFound)
Err(Unsupported)
Err(Unsupported)
"#;
    assert_eq!((exit(&ran), stdout(&ran, 0).as_str()), (Exit::Exited(7), said), "{}", all(&ran));
    assert_eq!((stderr(&ran, 0).as_str(), ran.at), ("bye\n", 1500 * MS));
    assert_eq!(run(&cluster, COMPILED), ran, "the same words show the same");
}
