//! Which instructions of a code object are points.
//!
//! An instruction is worth a choice only if it does not commute with what other threads may do: it reads or writes an
//! attribute, global or cell that somebody rebinds after construction, looks into or changes a container, or calls a C
//! function on something that can change. Everything else is local, and leaving it out loses no behaviour.
//!
//! An instruction with a prefix (`EXTENDED_ARG`) is reported at its prefix and not again, so that is where its mask is.

use std::collections::HashSet;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyTuple};

use super::Frame;
use super::calls;
use super::lines::{self, Line};
use crate::tracer::{Granularity, bits};

/// An instruction's number, its argument with all prefixes, where it is reported and where the next one begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Instruction {
    pub operation: u8,
    pub argument: u32,
    pub at: usize,
    pub next: usize,
}

/// What a watched code object has; all but the flags by place.
pub(super) struct Watched {
    first: *const u16,
    masks: Box<[u16]>,
    /// Of the line that a place is in; nothing if lines are not reported.
    lines: Option<Box<[Line]>>,
    /// A place where nothing is reported has the default.
    pub instructions: Box<[Instruction]>,
    traced: bool,
    /// Something is told of it while recording.
    told: bool,
}

impl Watched {
    #[inline]
    pub fn is_traced(&self, recording: bool) -> bool {
        self.traced || recording && self.told
    }

    /// # Safety
    /// `frame` runs the code that has this mask.
    #[inline]
    pub unsafe fn index(&self, frame: *const Frame) -> usize {
        // SAFETY: the frame's instruction lies in that code.
        unsafe { (*frame).instruction.cast_const().offset_from(self.first) as usize }
    }

    #[inline]
    pub fn line(&self, index: usize) -> Option<&Line> {
        self.lines.as_ref()?.get(index)
    }

    #[inline]
    pub fn mask(&self, index: usize) -> u16 {
        self.masks.get(index).copied().unwrap_or(0)
    }
}

pub(super) const BINARY_SUBSCR: u8 = 25;
pub(super) const STORE_SUBSCR: u8 = 60;
pub(super) const DELETE_SUBSCR: u8 = 61;
pub(super) const STORE_NAME: u8 = 90;
const DELETE_NAME: u8 = 91;
const UNPACK_SEQUENCE: u8 = 92;
pub(super) const FOR_ITER: u8 = 93;
pub(super) const STORE_ATTR: u8 = 95;
pub(super) const DELETE_ATTR: u8 = 96;
pub(super) const STORE_GLOBAL: u8 = 97;
pub(super) const DELETE_GLOBAL: u8 = 98;
pub(super) const LOAD_ATTR: u8 = 106;
pub(super) const LOAD_GLOBAL: u8 = 116;
pub(super) const CONTAINS_OP: u8 = 118;
pub(super) const STORE_FAST: u8 = 125;
const DELETE_FAST: u8 = 126;
pub(super) const LOAD_DEREF: u8 = 137;
pub(super) const STORE_DEREF: u8 = 138;
pub(super) const DELETE_DEREF: u8 = 139;
pub(super) const JUMP_BACKWARD: u8 = 140;
const CALL_FUNCTION_EX: u8 = 142;
const EXTENDED_ARG: u8 = 144;
pub(super) const LOAD_CLASSDEREF: u8 = 148;
const RESUME: u8 = 151;
pub(super) const LOAD_METHOD: u8 = 160;
pub(super) const PRECALL: u8 = 166;
pub(super) const CALL: u8 = 171;
pub(super) const POP_JUMP_BACKWARD_IF_NOT_NONE: u8 = 173;
pub(super) const POP_JUMP_BACKWARD_IF_NONE: u8 = 174;
pub(super) const POP_JUMP_BACKWARD_IF_FALSE: u8 = 175;
pub(super) const POP_JUMP_BACKWARD_IF_TRUE: u8 = 176;

/// `RESUME` with a smaller argument lets other threads run: a function's start, after a `yield`.
const RESUME_AWAITS: u32 = 2;

/// Where an object is made: what it sets there was not shared before.
const CONSTRUCTORS: [&str; 3] = ["__init__", "__new__", "__post_init__"];
/// Code that runs while a class is made.
const CLASS_MAKERS: [&str; 2] = ["__set_name__", "__init_subclass__"];
/// With these, attributes may be rebound that no instruction names.
const DYNAMIC: [&str; 5] = ["setattr", "delattr", "__dict__", "__setattr__", "vars"];
/// With these, a `for` may never end.
const ENDLESS: [&str; 2] = ["itertools", "iter"];
const ENDLESS_METHOD: &str = "__next__";
/// Subscripts of a class that has this are carried out without a call, see [`super::keep_visible`].
const SUBSCRIPT_METHOD: &str = "__getitem__";
const MODULE: &str = "<module>";

/// Names that are rebound after construction, over all sources.
#[derive(Default)]
struct Shared {
    attributes: HashSet<String>,
    globals: HashSet<String>,
    cells: HashSet<String>,
    /// Names of functions whose call is no point.
    harmless: HashSet<String>,
    dynamic: bool,
    endless: bool,
}

/// What a code object says about itself.
pub(super) struct Code<'py> {
    object: Bound<'py, PyCode>,
    name: String,
    pub names: Vec<String>,
    /// Variables, cells and free variables, as arguments count them.
    variables: Vec<String>,
    free: HashSet<String>,
    pub instructions: Vec<Instruction>,
    /// The line of each place.
    numbers: Vec<Option<u32>>,
}

pub(in super::super) fn watch(py: Python<'_>, sources: &[Bound<'_, PyCode>], granularity: Granularity) -> PyResult<()> {
    let mut codes = Vec::new();
    for source in sources {
        below(source, &mut codes)?;
    }
    let shared = Shared::of(&codes);
    codes.iter().try_for_each(|code| super::keep(py, &code.object, code.watched(&shared, granularity)))
}

/// The address of a code object's first instruction: they follow the object's head.
///
/// # Safety
/// `code` is a code object.
pub(super) unsafe fn first_word(code: *mut ffi::PyObject) -> *mut u16 {
    // SAFETY: as said; a code object's type tells its head's size.
    unsafe { code.cast::<u8>().offset(ffi::PyCode_Type.tp_basicsize).cast() }
}

fn below<'py>(code: &Bound<'py, PyCode>, codes: &mut Vec<Code<'py>>) -> PyResult<()> {
    codes.push(Code::read(code)?);
    for constant in code.getattr("co_consts")?.cast::<PyTuple>()?.iter() {
        if let Ok(code) = constant.cast::<PyCode>() {
            below(code, codes)?;
        }
    }
    Ok(())
}

impl Shared {
    fn of(codes: &[Code<'_>]) -> Shared {
        let mut shared = Shared { harmless: calls::harmless(codes), ..Shared::default() };
        for code in codes {
            shared.dynamic |= code.names.iter().any(|name| DYNAMIC.contains(&&**name));
            shared.endless |= code.name == ENDLESS_METHOD || code.names.iter().any(|name| ENDLESS.contains(&&**name));
            let constructs = CONSTRUCTORS.contains(&&*code.name) || CLASS_MAKERS.contains(&&*code.name);
            for instruction in &code.instructions {
                match instruction.operation {
                    STORE_ATTR | DELETE_ATTR if !constructs => {
                        shared.attributes.insert(code.names[instruction.argument as usize].clone());
                    }
                    STORE_GLOBAL | DELETE_GLOBAL => {
                        shared.globals.insert(code.names[instruction.argument as usize].clone());
                    }
                    STORE_DEREF | DELETE_DEREF if code.free.contains(code.variable(instruction)) => {
                        shared.cells.insert(code.variable(instruction).to_owned());
                    }
                    _ => {}
                }
            }
        }
        shared
    }
}

impl<'py> Code<'py> {
    fn read(code: &Bound<'py, PyCode>) -> PyResult<Code<'py>> {
        let text = code.getattr("co_code")?;
        let text = text.cast::<PyBytes>()?.as_bytes();
        let of_arguments: Vec<String> = code.getattr("co_varnames")?.extract()?;
        let cells: Vec<String> = code.getattr("co_cellvars")?.extract()?;
        let free: Vec<String> = code.getattr("co_freevars")?.extract()?;
        let mut variables = of_arguments.clone();
        // A cell that is an argument too has one place only.
        variables.extend(cells.into_iter().filter(|cell| !of_arguments.contains(cell)));
        variables.extend(free.iter().cloned());
        Ok(Code {
            object: code.clone(),
            name: code.getattr("co_name")?.extract()?,
            names: code.getattr("co_names")?.extract()?,
            variables,
            free: free.into_iter().collect(),
            instructions: decode(text),
            numbers: lines::numbers(code, text.len() / size_of::<u16>())?,
        })
    }

    pub fn is_module(&self) -> bool {
        self.name == MODULE
    }

    fn variable(&self, instruction: &Instruction) -> &str {
        &self.variables[instruction.argument as usize]
    }

    fn watched(&self, shared: &Shared, granularity: Granularity) -> Watched {
        let mut masks = vec![0; self.numbers.len()];
        let mut instructions = vec![Instruction::default(); self.numbers.len()];
        for (number, instruction) in self.instructions.iter().enumerate() {
            let called = || calls::called_name(&self.instructions, number).map(|name| &self.names[name]);
            let mask = match instruction.operation {
                PRECALL if called().is_some_and(|name| shared.harmless.contains(name)) => 0,
                _ => self.mask(instruction, shared),
            };
            masks[instruction.at] |= match granularity {
                _ if self.is_module() => self.quiet(mask),
                Granularity::Shared => mask,
                Granularity::Interpreter | Granularity::Synchronisation if mask & bits::ACCESS != 0 => {
                    mask | bits::SILENT
                }
                Granularity::Interpreter | Granularity::Synchronisation => mask,
            };
            instructions[instruction.at] = *instruction;
        }
        self.for_variables(&mut masks);
        if granularity == Granularity::Interpreter && !self.is_module() {
            self.switches(&mut masks);
        }
        let loops = lines::loops(&self.instructions);
        lines::keep_stores_of_loops(&self.instructions, &loops, &mut masks);
        let lines = lines::of(&self.instructions, &self.numbers, &loops, &mut masks);
        let points = masks.iter().any(|mask| lines::need(*mask) & lines::ALWAYS != 0);
        let may_not_end = loops.iter().any(|it| shared.endless || !it.over_iterator);
        Watched {
            // SAFETY: a code object.
            first: unsafe { first_word(self.object.as_ptr()) },
            traced: points || may_not_end,
            told: masks.iter().any(|mask| mask & bits::ACCESS != 0),
            masks: masks.into(),
            lines,
            instructions: instructions.into(),
        }
    }

    fn mask(&self, instruction: &Instruction, shared: &Shared) -> u16 {
        let argument = instruction.argument as usize;
        let rebound = |at: usize| shared.dynamic || shared.attributes.contains(&self.names[at]);
        let constructs = CONSTRUCTORS.contains(&&*self.name);
        let reads = |shared: bool| if shared { bits::READS } else { 0 };
        match instruction.operation {
            LOAD_ATTR | LOAD_METHOD => reads(rebound(argument)),
            STORE_ATTR | DELETE_ATTR if constructs && !shared.attributes.contains(&self.names[argument]) => {
                bits::CHANGES
            }
            STORE_ATTR | DELETE_ATTR | STORE_GLOBAL | DELETE_GLOBAL | STORE_SUBSCR | DELETE_SUBSCR => bits::WRITES,
            // The argument's lowest bit says something else.
            LOAD_GLOBAL => reads(shared.globals.contains(&self.names[argument >> 1])),
            LOAD_DEREF | LOAD_CLASSDEREF => reads(shared.cells.contains(self.variable(instruction))),
            STORE_DEREF | DELETE_DEREF if shared.cells.contains(self.variable(instruction)) => bits::WRITES,
            STORE_NAME if self.names[argument] == SUBSCRIPT_METHOD => bits::DEFINES,
            STORE_DEREF | DELETE_DEREF | DELETE_FAST | STORE_NAME | DELETE_NAME => bits::CHANGES,
            BINARY_SUBSCR | CONTAINS_OP => bits::LOOKS_INTO,
            PRECALL => bits::CALLS,
            STORE_FAST => bits::STORES,
            _ => 0,
        }
    }

    /// A module's own code runs once and before its threads: no points, but it may be endless.
    fn quiet(&self, mask: u16) -> u16 {
        let changes = if mask & bits::WRITES != 0 { bits::CHANGES } else { 0 };
        let calls = if mask & bits::CALLS != 0 { bits::CALLS | bits::SILENT } else { 0 };
        mask & !bits::ACCESS | changes | calls
    }

    /// Takes back what was said of the variables of `for`: they change, but the loop does not make them.
    fn for_variables(&self, masks: &mut [u16]) {
        for (number, _) in self.instructions.iter().enumerate().filter(|(_, it)| it.operation == FOR_ITER) {
            let mut stores = self.instructions[number + 1..].iter();
            let mut variables = 1;
            if let Some(unpack) = self.instructions.get(number + 1).filter(|it| it.operation == UNPACK_SEQUENCE) {
                variables = unpack.argument as usize;
                stores.next();
            }
            for store in stores.take(variables).take_while(|it| it.operation == STORE_FAST) {
                masks[store.at] = 0;
            }
        }
    }

    /// Where the interpreter itself lets other threads run: at a start, after a jump back, after a call of C.
    fn switches(&self, masks: &mut [u16]) {
        for (number, instruction) in self.instructions.iter().enumerate() {
            let after = self.instructions.get(number + 1).map(|next| next.at);
            let mut add = |at: Option<usize>, mask: u16| at.into_iter().for_each(|at| masks[at] |= mask);
            match instruction.operation {
                RESUME if instruction.argument < RESUME_AWAITS => add(Some(instruction.at), bits::POINT),
                JUMP_BACKWARD => add(Some(instruction.at), bits::POINT),
                POP_JUMP_BACKWARD_IF_NOT_NONE..=POP_JUMP_BACKWARD_IF_TRUE => add(Some(instruction.at), bits::MAY_JUMP),
                CALL => {
                    add(Some(instruction.at), bits::CALLEE);
                    add(after, bits::RETURNED);
                }
                CALL_FUNCTION_EX => add(after, bits::POINT),
                _ => {}
            }
        }
    }
}

/// Without the empty units that instructions have behind them for the interpreter's use.
fn decode(text: &[u8]) -> Vec<Instruction> {
    let mut instructions: Vec<Instruction> = Vec::new();
    let (mut prefix, mut prefixed_at) = (0, None);
    for (at, word) in text.chunks_exact(2).enumerate() {
        let argument = prefix << u8::BITS | u32::from(word[1]);
        match word[0] {
            0 => {}
            EXTENDED_ARG => {
                prefix = argument;
                prefixed_at = prefixed_at.or(Some(at));
            }
            operation => {
                instructions.push(Instruction { operation, argument, at: prefixed_at.unwrap_or(at), next: at + 1 });
                (prefix, prefixed_at) = (0, None);
            }
        }
    }
    instructions
}
