//! Which names lead where: a tree of directories, kept both ways.
//!
//! A file may have several names, a directory has one. Whether the names form a tree is the callers' affair.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::InodeId;

pub type Name = Arc<str>;

/// Where something has a name: the directory, and the name in it.
pub type Place = (InodeId, Name);

#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By directory; none of them is empty.
    below: BTreeMap<InodeId, BTreeMap<Name, InodeId>>,
    /// By what the names lead to; none of them is empty.
    places: BTreeMap<InodeId, BTreeSet<Place>>,
    count: usize,
}

impl Names {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn get(&self, directory: InodeId, name: &str) -> Option<InodeId> {
        self.below.get(&directory)?.get(name).copied()
    }

    /// What a directory has, by name.
    pub fn below(&self, directory: InodeId) -> impl Iterator<Item = (&Name, InodeId)> {
        self.below.get(&directory).into_iter().flatten().map(|(name, inode)| (name, *inode))
    }

    /// What a directory has next after a name, or first.
    pub fn after(&self, directory: InodeId, last: Option<&str>) -> Option<(&Name, InodeId)> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.below.get(&directory)?.range::<str, _>((from, Bound::Unbounded));
        rest.next().map(|(name, inode)| (name, *inode))
    }

    pub fn is_empty(&self, directory: InodeId) -> bool {
        !self.below.contains_key(&directory)
    }

    pub fn places(&self, inode: InodeId) -> impl Iterator<Item = &Place> {
        self.places.get(&inode).into_iter().flatten()
    }

    pub fn links(&self, inode: InodeId) -> usize {
        self.places.get(&inode).map_or(0, BTreeSet::len)
    }

    /// The directory that this one is in.
    pub fn parent(&self, directory: InodeId) -> Option<InodeId> {
        self.places(directory).next().map(|(parent, _)| *parent)
    }

    /// Lets a name lead to `inode`. Returns where it led before.
    pub fn insert(&mut self, place: Place, inode: InodeId) -> Option<InodeId> {
        let before = self.remove(&place);
        let (directory, name) = place.clone();
        self.below.entry(directory).or_default().insert(name, inode);
        self.places.entry(inode).or_default().insert(place);
        self.count += 1;
        before
    }

    /// Takes a name away. Returns where it led.
    pub fn remove(&mut self, place: &Place) -> Option<InodeId> {
        let names = self.below.get_mut(&place.0)?;
        let inode = names.remove(&place.1)?;
        if names.is_empty() {
            self.below.remove(&place.0);
        }
        if let Some(places) = self.places.get_mut(&inode) {
            places.remove(place);
            if places.is_empty() {
                self.places.remove(&inode);
            }
        }
        self.count -= 1;
        Some(inode)
    }
}
