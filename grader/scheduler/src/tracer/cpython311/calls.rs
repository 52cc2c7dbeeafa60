//! Calls that are known to be no points before they happen, so that code with no others need not be traced.
//!
//! What is called is seen at the call itself; here it is only looked for where it is plain: a global's name, simple
//! arguments, the call. A name is known if it is one of a few built-in ones, or a function of the same sources, and
//! nothing in them binds it again.

use std::collections::{HashMap, HashSet};

use super::masks::{self, Code, Instruction};

/// Built-in types and functions that look into nothing that can change, and call nobody.
const HARMLESS: [&str; 12] =
    ["range", "isinstance", "issubclass", "callable", "id", "ord", "chr", "abs", "round", "divmod", "super", "object"];

const UNARY_POSITIVE: u8 = 10;
const UNARY_NEGATIVE: u8 = 11;
const UNARY_NOT: u8 = 12;
const UNARY_INVERT: u8 = 15;
const LOAD_CONST: u8 = 100;
const COMPARE_OP: u8 = 107;
const IS_OP: u8 = 117;
const BINARY_OP: u8 = 122;
const LOAD_FAST: u8 = 124;
const MAKE_FUNCTION: u8 = 132;
const KW_NAMES: u8 = 172;

/// Names whose call is no point.
pub(super) fn harmless(codes: &[Code<'_>]) -> HashSet<String> {
    let mut bound = HashMap::<&str, usize>::new();
    let mut functions = HashSet::new();
    for code in codes {
        for (number, instruction) in code.instructions.iter().enumerate() {
            let binds = match instruction.operation {
                masks::STORE_NAME => code.is_module(),
                masks::STORE_GLOBAL | masks::DELETE_GLOBAL => true,
                _ => false,
            };
            if binds {
                let name = &*code.names[instruction.argument as usize];
                *bound.entry(name).or_default() += 1;
                let before = number.checked_sub(1).map(|before| code.instructions[before].operation);
                if before == Some(MAKE_FUNCTION) && instruction.operation == masks::STORE_NAME {
                    functions.insert(name);
                }
            }
        }
    }
    let built_in = HARMLESS.into_iter().filter(|name| !bound.contains_key(name));
    functions.into_iter().filter(|name| bound[name] == 1).chain(built_in).map(str::to_owned).collect()
}

/// The place in `names` of the global that the call at this place calls.
pub(super) fn called_name(instructions: &[Instruction], call: usize) -> Option<usize> {
    let mut wanted = instructions[call].argument;
    for instruction in instructions[..call].iter().rev() {
        let pushes_null = instruction.argument & 1 == 1;
        match instruction.operation {
            masks::LOAD_GLOBAL if wanted == 0 => {
                return pushes_null.then_some(instruction.argument as usize >> 1);
            }
            KW_NAMES if wanted == instructions[call].argument => {}
            _ if wanted == 0 => return None,
            LOAD_FAST | LOAD_CONST | masks::LOAD_DEREF => wanted -= 1,
            masks::LOAD_GLOBAL if !pushes_null => wanted -= 1,
            BINARY_OP | COMPARE_OP | IS_OP | masks::BINARY_SUBSCR => wanted += 1,
            masks::LOAD_ATTR | UNARY_POSITIVE | UNARY_NEGATIVE | UNARY_NOT | UNARY_INVERT => {}
            _ => return None,
        }
    }
    None
}
