//! `/report`: lines for the suite.

use std::sync::{Arc, Mutex};

use super::lock;
use crate::disk::DiskError;
use crate::words::{Ns, Report};

/// Of all lines of a run.
const REPORTS_BYTES_MAX: usize = 16 << 20;
/// What a line costs besides, so that empty ones do too.
const REPORT_COST: usize = 64;

/// What the nodes of a run reported, in order.
#[derive(Debug, Default)]
pub struct Reports {
    lines: Vec<Report>,
    bytes: usize,
}

impl Reports {
    pub fn take(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.lines)
    }
}

/// One node's hand in it.
#[derive(Debug)]
pub struct Reporter {
    node: usize,
    reports: Arc<Mutex<Reports>>,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl Reporter {
    pub fn new(node: usize, reports: Arc<Mutex<Reports>>) -> Reporter {
        Reporter { node, reports, begun: Vec::new() }
    }

    pub(super) fn room(&self) -> Result<u64, DiskError> {
        match REPORTS_BYTES_MAX.saturating_sub(lock(&self.reports).bytes) {
            0 => Err(DiskError::NoSpace),
            room => Ok(room as u64),
        }
    }

    /// A line was said when its end is written.
    pub(super) fn write(&mut self, at: Ns, bytes: &[u8]) -> Result<usize, DiskError> {
        let taken = bytes.len().min(usize::try_from(self.room()?).unwrap_or(usize::MAX));
        let mut reports = lock(&self.reports);
        reports.bytes += taken;
        for piece in bytes[..taken].split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.pop_if(|byte| *byte == b'\n').is_some() {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned();
                reports.bytes += REPORT_COST;
                reports.lines.push(Report { at, node: self.node, line });
            }
        }
        Ok(taken)
    }
}
