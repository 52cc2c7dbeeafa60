//! Calls on a disk, whatever they are: it answers each, and it keeps what it promises.

use std::collections::{BTreeMap, BTreeSet};

use simulation::disk::{Disk, DiskError, Handle, Image, InodeId, Opening};

use super::bytes::Bytes;

const ROOM: u64 = 10_000;
const NAMES: [&str; 14] =
    ["a", "b", "c", "a/b", "b/a/c", ".", "..", "/", "a/", "../a/b", "work/x", "/tmp/./y", "a/../b", ""];

/// What an input does, and what holds after each call. Returns how many calls succeeded.
pub fn run(input: &[u8]) -> usize {
    let image = Image::from([("work/x".into(), b"of the image".to_vec())]);
    let mut run = Run { disk: Disk::new(&image, ROOM), handles: Vec::new(), synced: BTreeMap::new(), done: 0 };
    let mut bytes = Bytes(input);
    while !bytes.is_empty() {
        run.call(&mut bytes);
        run.holds();
    }
    run.done
}

struct Run {
    disk: Disk,
    handles: Vec<Handle>,
    /// The content of files at their last sync, since the disk was as the image.
    synced: BTreeMap<InodeId, Vec<u8>>,
    done: usize,
}

impl Run {
    fn call(&mut self, bytes: &mut Bytes<'_>) {
        let (kind, base) = (bytes.below(16), self.base(bytes));
        let (path, other) = (path(bytes), path(bytes));
        let disk = self.disk.at(i64::from(bytes.byte()));
        let done = match kind {
            0 => disk.make_directory(base, &path),
            1 => disk.remove_directory(base, &path),
            2 => disk.unlink(base, &path),
            3 | 4 => disk.rename(base, &path, disk.root(), &other),
            5 => disk.link(base, &path, base, &other),
            6 => disk.look_up(base, &path).and_then(|inode| disk.set_times(inode, Some(1), None)),
            7 => disk.write(base, bytes.number(), bytes.take(9)).map(drop),
            8 => disk.append(base, &vec![7; bytes.number().min(2 * ROOM) as usize]).map(drop),
            9 => disk.truncate(base, bytes.number()),
            10 => disk.read(base, bytes.number(), bytes.number() as usize).map(|_| ()),
            11 => self.sync(base),
            12 => return self.close(bytes),
            13 => return self.fault(bytes),
            _ => self.open(base, &path, bytes.byte()),
        };
        // Which of them succeed is for other tests.
        self.done += usize::from(done.is_ok());
    }

    /// Something that is open, or the root.
    fn base(&self, bytes: &mut Bytes<'_>) -> InodeId {
        let number = usize::from(bytes.byte());
        self.handles.get(number).map_or(self.disk.root(), |handle| handle.inode)
    }

    fn open(&mut self, base: InodeId, path: &str, how: u8) -> Result<(), DiskError> {
        let bit = |number: u8| how & 1 << number != 0;
        let opening = Opening { write: bit(0), create: bit(1), exclusive: bit(2), directory: bit(3), truncate: bit(4) };
        self.handles.push(self.disk.open(base, path, opening)?);
        Ok(())
    }

    fn close(&mut self, bytes: &mut Bytes<'_>) {
        if !self.handles.is_empty() {
            let number = bytes.below(self.handles.len());
            self.disk.close(self.handles.swap_remove(number));
        }
    }

    fn sync(&mut self, inode: InodeId) -> Result<(), DiskError> {
        self.disk.sync(inode)?;
        if let Ok(bytes) = self.disk.read(inode, 0, usize::MAX) {
            self.synced.insert(inode, bytes.to_vec());
        }
        Ok(())
    }

    fn fault(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.below(4) {
            0 => self.disk.set_full(bytes.byte() & 1 == 1),
            1 => self.disk.power_loss(|appended| bytes.below(appended + 1)),
            // What lies is no promise, so that nothing may be synced by it.
            2 => {
                self.disk.set_sync_lies(true);
                let (root, before) = (self.disk.root(), self.left());
                let _ = self.disk.sync(root);
                assert_eq!(self.left(), before, "a sync that lies has synced");
                self.disk.set_sync_lies(false);
            }
            _ => drop(self.disk.changes(&Image::new())),
        }
    }

    fn left(&self) -> Image {
        let mut after = self.disk.clone();
        after.power_loss(|_| 0);
        after.changes(&Image::new())
    }

    /// The names are a tree, whole; what is in it fits; and no content is made up by a power loss.
    fn holds(&self) {
        let used = reached(&self.disk);
        assert!(used <= ROOM + 12, "{used} bytes");
        let mut after = self.disk.clone();
        after.power_loss(|appended| appended);
        assert!(reached(&after) <= ROOM + 12);
        let mut again = after.clone();
        again.power_loss(|appended| appended);
        assert_eq!(again.changes(&Image::new()), after.changes(&Image::new()), "what is lost is lost at once");
    }
}

/// Everything that the names lead to; bytes of the files.
fn reached(disk: &Disk) -> u64 {
    let (mut directories, mut seen, mut bytes) = (vec![disk.root()], BTreeSet::new(), 0);
    while let Some(directory) = directories.pop() {
        assert!(seen.insert(directory), "a directory is in itself, or in two");
        let mut last = None;
        while let Some(entry) = disk.next_entry(directory, last.as_deref()) {
            let status = disk.status(entry.inode).expect("a name leads to something");
            assert_eq!(status.directory, entry.directory);
            match status.directory {
                true => directories.push(entry.inode),
                false if seen.insert(entry.inode) => bytes += status.bytes,
                false => {}
            }
            last = Some(entry.name);
        }
    }
    bytes
}

fn path(bytes: &mut Bytes<'_>) -> String {
    let (first, second) = (bytes.byte(), bytes.byte());
    let name = |byte: u8| NAMES[usize::from(byte) % NAMES.len()];
    match second {
        ..0x80 => name(first).to_owned(),
        0xff => name(first).repeat(usize::from(first) * 20),
        _ => format!("{}/{}", name(first), name(second)),
    }
}
