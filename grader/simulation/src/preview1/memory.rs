//! What a module passes: addresses into its memory, any of which may be wrong.

use std::ops::Range;

use super::{Errno, Stop};
use crate::disk::PATH_BYTES_MAX;
use crate::host::State;

/// Pieces of one read or write; more are not looked at.
const PIECES_MAX: u32 = 1024;
/// Of one read or write.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

/// A module during a call.
pub struct Guest<'a> {
    pub memory: &'a mut [u8],
    pub state: &'a mut State,
}

impl Guest<'_> {
    pub fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Stop> {
        Ok(self.memory.get(range(at, length)).ok_or(Errno::Fault)?)
    }

    pub fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Stop> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.memory.get_mut(range(at, length)).ok_or(Errno::Fault)?.copy_from_slice(bytes);
        Ok(())
    }

    pub fn put_u32(&mut self, at: u32, number: u32) -> Result<(), Stop> {
        self.put(at, &number.to_le_bytes())
    }

    pub fn put_u64(&mut self, at: u32, number: u64) -> Result<(), Stop> {
        self.put(at, &number.to_le_bytes())
    }

    pub fn u16(&self, at: u32) -> Result<u16, Stop> {
        Ok(self.bytes(at, 2)?.try_into().map(u16::from_le_bytes).map_err(|_| Errno::Fault)?)
    }

    pub fn u32(&self, at: u32) -> Result<u32, Stop> {
        Ok(self.bytes(at, 4)?.try_into().map(u32::from_le_bytes).map_err(|_| Errno::Fault)?)
    }

    pub fn u64(&self, at: u32) -> Result<u64, Stop> {
        Ok(self.bytes(at, 8)?.try_into().map(u64::from_le_bytes).map_err(|_| Errno::Fault)?)
    }

    pub fn path(&self, at: u32, length: u32) -> Result<String, Stop> {
        if length as usize > PATH_BYTES_MAX {
            return Err(Errno::NameTooLong.into());
        }
        let path = std::str::from_utf8(self.bytes(at, length)?).map_err(|_| Errno::IllegalBytes)?;
        Ok(path.to_owned())
    }

    /// The first of some buffers that is not empty, and how much of it is read or written at a time: a program goes on
    /// with the rest.
    pub fn piece(&self, pieces: u32, count: u32) -> Result<(u32, u32), Stop> {
        for number in 0..count.min(PIECES_MAX) {
            let at = pieces.checked_add(8 * number).ok_or(Errno::Fault)?;
            let (start, length) = (self.u32(at)?, self.u32(at.saturating_add(4))?);
            if length > 0 {
                self.bytes(start, length)?;
                return Ok((start, length.min(PIECE_BYTES_MAX as u32)));
            }
        }
        Ok((0, 0))
    }
}

fn range(at: u32, length: u32) -> Range<usize> {
    let at = at as usize;
    at..at.saturating_add(length as usize)
}
