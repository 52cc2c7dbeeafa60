//! A node's disk. SKELETON: signatures that `host` and `cluster` rely on.

use std::collections::BTreeMap;

/// Paths without a leading slash, `/` between parts: `work/main.py`.
pub type Image = BTreeMap<String, Vec<u8>>;

#[derive(Debug)]
pub struct Disk {}

#[expect(unused_variables, clippy::unimplemented, reason = "a skeleton")]
impl Disk {
    pub fn new(image: &Image, bytes_max: u64) -> Disk {
        unimplemented!()
    }
    /// Of what was written only what was synced remains. (With the directory entries that a sync of the directory, or of the
    /// file itself, made durable: as ext4 does.)
    pub fn power_loss(&mut self) {
        unimplemented!()
    }
    pub fn set_full(&mut self, full: bool) {
        unimplemented!()
    }
    pub fn set_sync_lies(&mut self, lies: bool) {
        unimplemented!()
    }
    /// What differs from `image`.
    pub fn changes(&self, image: &Image) -> Image {
        unimplemented!()
    }
}
