//! `/report`: lines for the suite.

use super::super::Kernel;
use crate::disk::DiskError;
use crate::words::{Ns, Report};
use crate::world::NodeId;

/// Of all lines of a run.
const REPORTS_BYTES_MAX: usize = 16 << 20;
/// What a line costs besides, so that empty ones do too.
const REPORT_COST: usize = 64;

/// What the nodes of a run reported, in order.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    lines: Vec<Report>,
    /// Of the lines, and of those that were begun only.
    bytes: usize,
}

impl Reports {
    pub fn take(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.lines)
    }

    fn room(&self) -> usize {
        REPORTS_BYTES_MAX.saturating_sub(self.bytes)
    }

    fn push(&mut self, at: Ns, node: NodeId, line: &[u8]) {
        self.bytes += REPORT_COST;
        self.lines.push(Report { at, node, line: String::from_utf8_lossy(line).into_owned() });
    }
}

pub(super) fn room(kernel: &Kernel) -> Result<u64, DiskError> {
    match kernel.lock().reports().room() {
        0 => Err(DiskError::NoSpace),
        room => Ok(room as u64),
    }
}

/// One life's hand in it.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl Reporter {
    /// A line was said when its end is written.
    pub fn write(&mut self, kernel: &Kernel, bytes: &[u8]) -> Result<usize, DiskError> {
        let mut guard = kernel.lock();
        let at = guard.world().now();
        let reports = guard.reports();
        let taken = bytes.len().min(reports.room());
        reports.bytes += taken;
        for piece in bytes[..taken].split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.pop_if(|byte| *byte == b'\n').is_some() {
                reports.push(at, kernel.node, &std::mem::take(&mut self.begun));
            }
        }
        match taken == 0 && !bytes.is_empty() {
            true => Err(DiskError::NoSpace),
            false => Ok(taken),
        }
    }
}
