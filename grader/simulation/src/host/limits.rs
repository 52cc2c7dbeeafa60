//! How much memory a life may have.

use wasmtime::ResourceLimiter;

use super::Kernel;

/// Counts what a life's linear memories take together. A guest that is refused gets the refusal of `memory.grow`, which
/// Python tells as `MemoryError`.
#[derive(Debug)]
pub(crate) struct Memory {
    kernel: Kernel,
    bytes: u64,
    bytes_max: u64,
    /// It was refused more at least once.
    pub refused: bool,
}

/// Entries of a table: CPython has some thousand functions in one.
const TABLE_ENTRIES_MAX: usize = 200_000;

impl Memory {
    pub fn new(kernel: Kernel, bytes_max: u64) -> Memory {
        Memory { kernel, bytes: 0, bytes_max, refused: false }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = self.bytes + desired.saturating_sub(current) as u64;
        if bytes > self.bytes_max {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = bytes;
        let mut guard = self.kernel.lock();
        let most = &mut guard.own().memory_bytes;
        *most = (*most).max(bytes);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ENTRIES_MAX)
    }
}
