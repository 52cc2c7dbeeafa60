//! Which lines have to be reported instruction by instruction.
//!
//! To be told of each instruction costs twice as much as the rest of tracing, so a frame asks for it only in lines that
//! have points, and is told of the beginning of lines otherwise. A jump back begins a line, even the same one, which is
//! how loops are seen. Stores are looked at only when a loop has jumped back so often that it may be a busy wait.

use pyo3::prelude::*;
use pyo3::types::PyCode;

use super::masks::{self, Instruction};
use crate::tracer::bits;

/// The line has points.
pub(super) const ALWAYS: u8 = 1;
/// The line shows whether a loop changes something.
pub(super) const SUSPECTED: u8 = 2;
/// The line has what is told while recording.
pub(super) const TOLD: u8 = 4;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    /// When its instructions are reported.
    pub needs: u8,
    /// How many it has; more are not counted.
    pub weight: u8,
    /// Of a loop that begins at this place, the line to be named; 0 where none does.
    pub head: u32,
}

/// A loop other than over an iterator.
pub(super) struct Loop {
    head: usize,
    jump: usize,
}

/// The line of each code unit.
pub(super) fn numbers(code: &Bound<'_, PyCode>, length: usize) -> PyResult<Vec<Option<u32>>> {
    let mut numbers = vec![None; length];
    for range in code.call_method0("co_lines")?.try_iter()? {
        let (start, end, line): (usize, usize, Option<u32>) = range?.extract()?;
        numbers[start / size_of::<u16>()..end / size_of::<u16>()].fill(line);
    }
    Ok(numbers)
}

pub(super) fn loops(instructions: &[Instruction], numbers: &[Option<u32>]) -> Vec<Loop> {
    let jumps = instructions.iter().filter(|it| {
        matches!(
            it.operation,
            masks::JUMP_BACKWARD | masks::POP_JUMP_BACKWARD_IF_NOT_NONE..=masks::POP_JUMP_BACKWARD_IF_TRUE
        )
    });
    let found = jumps.filter_map(|jump| {
        let head = jump.next.checked_sub(jump.argument as usize)?;
        let first = instructions.binary_search_by_key(&head, |instruction| instruction.at).ok()?;
        let over_iterator = instructions[first].operation == masks::FOR_ITER;
        (!over_iterator).then_some(Loop { head, jump: jump.at })
    });
    debug_assert!(numbers.len() >= instructions.len());
    found.collect()
}

/// What a function stores outside of such loops is gone when it returns: no loop that calls it gets on by that.
pub(super) fn keep_stores_of_loops(instructions: &[Instruction], loops: &[Loop], masks: &mut [u16]) {
    for instruction in instructions {
        let within = loops.iter().any(|it| (it.head..=it.jump).contains(&instruction.at));
        if !within {
            masks[instruction.at] &= !bits::STORES;
        }
    }
}

/// The lines of all places. A loop that begins where no line does is counted by its jump instead.
pub(super) fn of(
    instructions: &[Instruction],
    numbers: &[Option<u32>],
    loops: &[Loop],
    masks: &mut [u16],
) -> Box<[Line]> {
    let mut lines = vec![Line::default(); numbers.len()];
    for it in loops {
        match numbers[it.head] {
            // A jump to itself is no new line.
            Some(_) if it.head != it.jump => lines[it.head].head = numbers[it.jump].or(numbers[it.head]).unwrap_or(0),
            _ => masks[it.jump] |= bits::BACK,
        }
    }
    let mut of_number = std::collections::HashMap::<u32, (u8, u8)>::new();
    let mut of_all = 0;
    for instruction in instructions {
        let needs = need(masks[instruction.at]);
        match numbers[instruction.at] {
            Some(number) => {
                let line = of_number.entry(number).or_default();
                *line = (line.0 | needs, line.1.saturating_add(1));
            }
            // What belongs to no line is reported in whichever line was before.
            None => of_all |= needs,
        }
    }
    for (line, number) in lines.iter_mut().zip(numbers) {
        let (needs, weight) = number.and_then(|number| of_number.get(&number)).copied().unwrap_or_default();
        (line.needs, line.weight) = (needs | of_all, weight);
    }
    lines.into()
}

/// When an instruction with this mask has to be reported.
pub(super) fn need(mask: u16) -> u8 {
    let point = mask & bits::ACCESS != 0 && mask & bits::SILENT == 0;
    let always = bits::DEFINES | bits::BACK | bits::POINT | bits::MAY_JUMP | bits::RETURNED | bits::CALLEE;
    let changes = bits::STORES | bits::CHANGES | bits::WRITES | bits::CALLS;
    let of = |needed: bool, need: u8| if needed { need } else { 0 };
    of(point || mask & always != 0, ALWAYS) | of(mask & changes != 0, SUSPECTED) | of(mask & bits::ACCESS != 0, TOLD)
}
