//! Which lines have to be reported instruction by instruction.
//!
//! To be told of each instruction costs twice as much as the rest of tracing, so a frame asks for it only in lines that
//! have points, and is told of the beginning of lines otherwise. A jump back begins a line, even the same one, which is
//! how loops are seen. Stores are looked at only when a loop has jumped back so often that it may be a busy wait.
//!
//! A line that is told of costs something, too. Code whose points are nearly everywhere is reported by instructions
//! alone.

use std::collections::{HashMap, HashSet};

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

/// Between a place and a later one that jumps back to it.
pub(super) struct Loop {
    head: usize,
    jump: usize,
    pub over_iterator: bool,
}

/// How many instructions that are not reported make up for a line that is, as measured.
const PER_LINE: usize = 4;

/// The line of each code unit.
pub(super) fn numbers(code: &Bound<'_, PyCode>, length: usize) -> PyResult<Vec<Option<u32>>> {
    let mut numbers = vec![None; length];
    for range in code.call_method0("co_lines")?.try_iter()? {
        let (start, end, line): (usize, usize, Option<u32>) = range?.extract()?;
        numbers[start / size_of::<u16>()..end / size_of::<u16>()].fill(line);
    }
    Ok(numbers)
}

pub(super) fn loops(instructions: &[Instruction]) -> Vec<Loop> {
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
        Some(Loop { head, jump: jump.at, over_iterator })
    });
    found.collect()
}

/// What a function stores outside of such loops is gone when it returns: no loop that calls it gets on by that.
pub(super) fn keep_stores_of_loops(instructions: &[Instruction], loops: &[Loop], masks: &mut [u16]) {
    for instruction in instructions {
        if !loops.iter().any(|it| !it.over_iterator && it.contains(instruction)) {
            masks[instruction.at] &= !bits::STORES;
        }
    }
}

impl Loop {
    fn contains(&self, instruction: &Instruction) -> bool {
        (self.head..=self.jump).contains(&instruction.at)
    }
}

/// The lines of all places; none if the code is better reported by instructions alone. Jumps that no line shows are
/// marked.
pub(super) fn of(
    instructions: &[Instruction],
    numbers: &[Option<u32>],
    loops: &[Loop],
    masks: &mut [u16],
) -> Option<Box<[Line]>> {
    let mut heads = vec![0; numbers.len()];
    let by_number = by_number(instructions, numbers, masks);
    let worth = are_worth_it(instructions, numbers, loops, &by_number);
    for it in loops {
        match numbers[it.head] {
            // A jump to itself is no new line.
            Some(number) if worth && it.head != it.jump => {
                if !it.over_iterator {
                    heads[it.head] = numbers[it.jump].unwrap_or(number);
                }
            }
            _ => masks[it.jump] |= if it.over_iterator { bits::NEXT } else { bits::BACK },
        }
    }
    // What belongs to no line is reported in whichever line was before; jumps were marked since.
    let anywhere = instructions.iter().filter(|it| numbers[it.at].is_none()).map(|it| need(masks[it.at]));
    let anywhere = anywhere.fold(0, |all, needs| all | needs);
    let jumps = instructions.iter().filter(|it| masks[it.at] & (bits::BACK | bits::NEXT) != 0);
    let with_jumps: HashSet<_> = jumps.filter_map(|it| numbers[it.at]).collect();
    let line = |(number, head): (&Option<u32>, u32)| {
        let (needs, weight) = number.and_then(|number| by_number.get(&number)).copied().unwrap_or_default();
        let jumps = if number.is_some_and(|number| with_jumps.contains(&number)) { ALWAYS } else { 0 };
        Line { needs: needs | anywhere | jumps, weight, head }
    };
    worth.then(|| numbers.iter().zip(heads).map(line).collect())
}

/// Each line's need and weight.
type ByNumber = HashMap<u32, (u8, u8)>;

fn by_number(instructions: &[Instruction], numbers: &[Option<u32>], masks: &[u16]) -> ByNumber {
    let mut lines = ByNumber::new();
    for instruction in instructions {
        if let Some(number) = numbers[instruction.at] {
            let line = lines.entry(number).or_default();
            *line = (line.0 | need(masks[instruction.at]), line.1.saturating_add(1));
        }
    }
    lines
}

/// Judged by the loops, if there are any: that is where time goes.
fn are_worth_it(instructions: &[Instruction], numbers: &[Option<u32>], loops: &[Loop], by_number: &ByNumber) -> bool {
    let counted = |it: &&Instruction| loops.is_empty() || loops.iter().any(|within| within.contains(it));
    let (mut lines, mut spared, mut last) = (0, 0, None);
    for number in instructions.iter().filter(counted).map(|it| numbers[it.at]) {
        lines += usize::from(number != last);
        let needs = number.and_then(|number| by_number.get(&number)).map_or(ALWAYS, |line| line.0);
        spared += usize::from(needs & ALWAYS == 0);
        last = number;
    }
    spared > PER_LINE * lines
}

/// When an instruction with this mask has to be reported.
pub(super) fn need(mask: u16) -> u8 {
    let point = mask & bits::ACCESS != 0 && mask & bits::SILENT == 0;
    let always = bits::DEFINES | bits::BACK | bits::POINT | bits::MAY_JUMP | bits::RETURNED | bits::CALLEE;
    let changes = bits::STORES | bits::CHANGES | bits::WRITES | bits::CALLS;
    let of = |needed: bool, need: u8| if needed { need } else { 0 };
    of(point || mask & always != 0, ALWAYS) | of(mask & changes != 0, SUSPECTED) | of(mask & bits::ACCESS != 0, TOLD)
}
