//! Sync, and power loss. What they promise, the module `disk` says.
//!
//! Both trees of names are trees always. A commit moves all names of an inode at once, together with the directories above
//! it; so from whatever was committed the way up to the root is the one that programs see, and no circle can come about
//! below it. Whoever loses a name to another, and whoever is left in a directory that goes, is committed too, so that nobody
//! is lost who has a name still.

use std::collections::BTreeSet;

use super::inode::{File, Kind};
use super::names::Place;
use super::{Disk, DiskError, InodeId, ROOT};

impl Disk {
    /// Makes what is open outlast a power loss: a file's content and names, or the names in a directory.
    pub fn sync(&mut self, inode: InodeId) -> Result<(), DiskError> {
        let found = self.inodes.get_mut(&inode).ok_or(DiskError::BadDescriptor)?;
        if self.sync_lies {
            return Ok(());
        }
        match &mut found.kind {
            Kind::File(file) => {
                self.synced_used -= file.synced_len() as u64;
                file.sync();
                self.synced_used += file.synced_len() as u64;
                self.commit(vec![inode]);
            }
            Kind::Directory => {
                let mut changed = self.changed_in(inode);
                changed.push(inode);
                self.commit(changed);
            }
        }
        if self.synced_used > self.bytes_max || self.inodes.len() > self.inodes_max() {
            self.sync_everything();
        }
        Ok(())
    }

    /// As `sync` of the command line.
    pub(super) fn sync_everything(&mut self) {
        let lost: Vec<InodeId> = self.inodes.keys().copied().filter(|inode| self.names.links(*inode) == 0).collect();
        self.synced_names = self.names.clone();
        self.synced_used = 0;
        for inode in self.inodes.values_mut() {
            if let Kind::File(file) = &mut inode.kind {
                file.sync();
                self.synced_used += file.synced_len() as u64;
            }
        }
        for inode in lost {
            self.drop_if_unused(inode);
        }
    }

    /// Of what was written only what was synced remains, and of what was appended since then, of so many bytes, as many as
    /// `got_out` says. Nothing is open any more.
    pub fn power_loss(&mut self, mut got_out: impl FnMut(usize) -> usize) {
        self.names = self.synced_names.clone();
        self.inodes.retain(|inode, _| *inode == ROOT || self.names.links(*inode) > 0);
        self.handles = 0;
        self.life += 1;
        self.used = self.files().map(|file| file.synced_len() as u64).sum();
        for inode in self.inodes.values_mut() {
            inode.handles = 0;
            if let Kind::File(file) = &mut inode.kind {
                let before = file.synced_len();
                let appended = file.appended();
                // Files that come back may have taken the room.
                let room = usize::try_from(self.bytes_max.saturating_sub(self.used)).unwrap_or(usize::MAX);
                file.lose(if appended == 0 { 0 } else { got_out(appended).min(room) });
                self.used += (file.synced_len() - before) as u64;
            }
        }
        self.synced_used = self.used;
    }

    fn files(&self) -> impl Iterator<Item = &File> {
        self.inodes.values().filter_map(|inode| match &inode.kind {
            Kind::File(file) => Some(file),
            Kind::Directory => None,
        })
    }

    /// Whose names in a directory differ from the synced ones.
    fn changed_in(&self, directory: InodeId) -> Vec<InodeId> {
        let differs = |name: &str| self.names.get(directory, name) != self.synced_names.get(directory, name);
        let new = self.names.below(directory).filter(|(name, _)| differs(name));
        let gone = self.synced_names.below(directory).filter(|(name, _)| differs(name));
        new.chain(gone).map(|(_, inode)| inode).collect()
    }

    fn commit(&mut self, mut waiting: Vec<InodeId>) {
        let mut done = BTreeSet::from([ROOT]);
        while let Some(inode) = waiting.pop() {
            if !done.insert(inode) {
                continue;
            }
            let names: BTreeSet<Place> = self.names.places(inode).cloned().collect();
            let synced = self.synced_names.places(inode);
            let gone: Vec<Place> = synced.filter(|place| !names.contains(place)).cloned().collect();
            for place in &gone {
                self.synced_names.remove(place);
            }
            if names.is_empty() {
                waiting.extend(self.synced_names.below(inode).map(|(_, inside)| inside));
            }
            for place in names {
                waiting.push(place.0);
                let other = self.synced_names.insert(place, inode).filter(|other| *other != inode);
                waiting.extend(other);
            }
        }
        for inode in done {
            self.drop_if_unused(inode);
        }
    }
}
