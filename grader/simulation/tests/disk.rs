//! The disk against a real one: the same calls, drawn from seeds, on both; and what is left after a power loss.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use schedules::Random;
use simulation::disk::{Disk, DiskError, HANDLES_MAX, Handle, Image, InodeId, NAMES_MAX, Opening};

const O_DIRECTORY: i32 = 0o200_000;
const ROOM: u64 = 1 << 20;

fn errno(error: &Error) -> String {
    match error.raw_os_error() {
        Some(1) => "NotPermitted".into(),
        Some(2) => "NoEntry".into(),
        Some(16) => "Busy".into(),
        Some(17) => "Exists".into(),
        Some(20) => "NotDirectory".into(),
        Some(21) => "IsDirectory".into(),
        Some(22) => "Invalid".into(),
        Some(36) => "NameTooLong".into(),
        Some(39) => "NotEmpty".into(),
        _ => format!("{error:?}"),
    }
}

/// One call on both disks, in words: what it gave, or the error's name.
struct Both {
    disk: Disk,
    real: tempfile::TempDir,
    handles: Vec<(Handle, fs::File)>,
}

type Said = Result<String, String>;

fn ours<T>(result: Result<T, DiskError>) -> Said {
    result.map(|_| String::new()).map_err(|error| format!("{error:?}"))
}

fn theirs<T>(result: Result<T, Error>) -> Said {
    result.map(|_| String::new()).map_err(|error| errno(&error))
}

impl Both {
    fn new() -> Both {
        let real = tempfile::tempdir().unwrap();
        for directory in ["tmp", "work"] {
            fs::create_dir(real.path().join(directory)).unwrap();
        }
        Both { disk: Disk::new(&Image::new(), ROOM), real, handles: Vec::new() }
    }

    fn real(&self, path: &str) -> std::path::PathBuf {
        // `join` would take a trailing slash or dot away in places.
        format!("{}/{path}", self.real.path().display()).into()
    }

    fn open(&mut self, path: &str, opening: Opening) -> (Said, Said) {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(opening.write).truncate(opening.truncate);
        options.create(opening.create && !opening.exclusive).create_new(opening.create && opening.exclusive);
        options.custom_flags(if opening.directory { O_DIRECTORY } else { 0 });
        let (mine, other) = (self.disk.open(self.disk.root(), path, opening), options.open(self.real(path)));
        let said = (
            ours(mine),
            theirs(other.as_ref().map_err(|error| Error::from_raw_os_error(error.raw_os_error().unwrap()))),
        );
        if let (Ok(mine), Ok(other)) = (mine, other) {
            if opening.write && self.handles.len() < 8 {
                self.handles.push((mine, other));
            } else {
                self.disk.close(mine);
            }
        }
        said
    }

    /// One call, drawn.
    fn step(&mut self, random: &mut Random) -> (String, Said, Said) {
        let root = self.disk.root();
        let (path, other) = (path(random), path(random));
        let (mine, real) = match random.below(12) {
            0 => (ours(self.disk.make_directory(root, &path)), theirs(fs::create_dir(self.real(&path)))),
            1 => (ours(self.disk.remove_directory(root, &path)), theirs(fs::remove_dir(self.real(&path)))),
            2 => (ours(self.disk.unlink(root, &path)), theirs(fs::remove_file(self.real(&path)))),
            3 | 4 => (
                ours(self.disk.rename(root, &path, root, &other)),
                theirs(fs::rename(self.real(&path), self.real(&other))),
            ),
            5 => (
                ours(self.disk.link(root, &path, root, &other)),
                theirs(fs::hard_link(self.real(&path), self.real(&other))),
            ),
            6 => return self.status(path),
            7 if !self.handles.is_empty() => return self.write(random),
            8 if !self.handles.is_empty() => return self.close(random),
            _ => {
                let write = random.chance(800);
                let opening = Opening {
                    write,
                    create: write && random.chance(700),
                    exclusive: random.chance(200),
                    directory: !write && random.chance(400),
                    truncate: write && random.chance(300),
                };
                let (mine, real) = self.open(&path, opening);
                return (format!("open {path} {opening:?}"), mine, real);
            }
        };
        (format!("{path} {other}"), mine, real)
    }

    fn status(&self, path: String) -> (String, Said, Said) {
        let mine = self.disk.status_at(self.disk.root(), &path);
        let mine = mine.map_err(|error| format!("{error:?}")).map(|status| match status.directory {
            true => "directory".into(),
            false => format!("{} bytes, {} links", status.bytes, status.links),
        });
        let real =
            fs::symlink_metadata(self.real(&path)).map_err(|error| errno(&error)).map(|status| match status.is_dir() {
                true => "directory".into(),
                false => format!("{} bytes, {} links", status.len(), status.nlink()),
            });
        (format!("status {path}"), mine, real)
    }

    fn write(&mut self, random: &mut Random) -> (String, Said, Said) {
        let number = random.below(self.handles.len());
        let (handle, file) = &mut self.handles[number];
        let (inode, bytes) = (handle.inode, vec![random.below(256) as u8; random.below(40)]);
        let offset = random.below(100) as u64;
        match random.below(3) {
            0 => {
                self.disk.write(inode, offset, &bytes).unwrap();
                file.write_all_at(&bytes, offset).unwrap();
            }
            1 => {
                self.disk.append(inode, &bytes).unwrap();
                file.seek(SeekFrom::End(0)).unwrap();
                file.write_all(&bytes).unwrap();
            }
            _ => {
                self.disk.truncate(inode, offset).unwrap();
                file.set_len(offset).unwrap();
            }
        }
        let mut real = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut real).unwrap();
        let mine = self.disk.read(inode, 0, 10_000).unwrap().to_vec();
        (format!("write {offset}"), Ok(format!("{mine:?}")), Ok(format!("{real:?}")))
    }

    fn close(&mut self, random: &mut Random) -> (String, Said, Said) {
        let (handle, _) = self.handles.swap_remove(random.below(self.handles.len()));
        self.disk.close(handle);
        ("close".into(), Ok(String::new()), Ok(String::new()))
    }
}

/// Of few names, so that calls meet; never above where it begins.
fn path(random: &mut Random) -> String {
    let parts = ["a", "b", "c", "a", "b", ".", ".."];
    let (mut path, mut depth) = (Vec::new(), 0);
    for _ in 0..1 + random.below(4) {
        let part = parts[random.below(parts.len())];
        depth += match part {
            "." => 0,
            ".." => -1,
            _ => 1,
        };
        if depth < 1 {
            return "a".into();
        }
        path.push(part);
    }
    path.join("/") + if random.chance(100) { "/" } else { "" }
}

fn real_files(directory: &Path, at: &str, files: &mut Image) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{at}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => real_files(&entry.path(), &format!("{name}/"), files),
            false => drop(files.insert(name, fs::read(entry.path()).unwrap())),
        }
    }
}

#[test]
fn it_does_what_a_real_disk_does() {
    let mut errors: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..150 {
        let (mut both, mut random) = (Both::new(), Random::new(seed));
        for number in 0..200 {
            let (what, mine, real) = both.step(&mut random);
            assert_eq!(mine, real, "seed {seed}, call {number}: {what}");
            *errors.entry(mine.err().unwrap_or_default()).or_default() += 1;
        }
        let mut files = Image::new();
        real_files(both.real.path(), "", &mut files);
        assert_eq!(both.disk.changes(&Image::new()), files, "seed {seed}");
    }
    assert!(errors.len() >= 9 && errors[""] > 5_000, "the calls show little: {errors:?}");
}

/// A disk with short ways to say things.
struct Small(Disk);

impl Small {
    fn new() -> Small {
        Small(Disk::new(&Image::from([("work/old".into(), b"old".to_vec())]), ROOM))
    }

    fn put(&mut self, path: &str, bytes: &str) -> InodeId {
        let opening = Opening { write: true, create: true, truncate: true, ..Opening::default() };
        let handle = self.0.open(self.0.root(), path, opening).unwrap();
        self.0.write(handle.inode, 0, bytes.as_bytes()).unwrap();
        self.0.close(handle);
        handle.inode
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.0.rename(self.0.root(), from, self.0.root(), to).unwrap();
    }

    fn sync(&mut self, path: &str) {
        self.0.sync(self.0.look_up(self.0.root(), path).unwrap()).unwrap();
    }

    /// Files after a power loss, in words.
    fn left(&mut self) -> String {
        self.0.power_loss(|_| 0);
        let files = self.0.changes(&Image::new());
        let words = files.iter().map(|(path, bytes)| format!("{path}={}", String::from_utf8_lossy(bytes)));
        words.collect::<Vec<_>>().join(" ")
    }
}

#[track_caller]
fn check_left(deeds: impl FnOnce(&mut Small), left: &str) {
    let mut small = Small::new();
    deeds(&mut small);
    assert_eq!(small.left(), left);
}

#[test]
fn a_power_loss_leaves_what_was_synced() {
    for path in ["work/new", "work/old"] {
        check_left(|disk| _ = disk.put(path, "longer"), "work/old=old");
    }
    check_left(
        |disk| {
            disk.put("work/old", "x");
            disk.sync("work/old");
            disk.put("work/old", "y and more");
        },
        "work/old=x",
    );
    // The file's own sync makes its name last, and the directories on the way.
    check_left(
        |disk| {
            disk.0.make_directory(disk.0.root(), "work/deep").unwrap();
            disk.put("work/deep/new", "new");
            disk.sync("work/deep/new");
        },
        "work/deep/new=new work/old=old",
    );
    // That of the directory not the content.
    check_left(
        |disk| {
            disk.put("work/new", "new");
            disk.sync("work");
        },
        "work/new= work/old=old",
    );
}

#[test]
fn of_what_was_appended_a_beginning_may_have_got_out() {
    let left = |deeds: fn(&mut Small), got_out: usize| {
        let mut small = Small::new();
        deeds(&mut small);
        small.0.power_loss(|_| got_out);
        let content = small.0.changes(&Image::new()).remove("work/log").map(|bytes| String::from_utf8(bytes).unwrap());
        (content, small)
    };
    let append = |disk: &mut Small| {
        let log = disk.put("work/log", "one\n");
        disk.sync("work/log");
        disk.0.append(log, b"two\n").unwrap();
    };
    for (got_out, found) in [(0, "one\n"), (2, "one\ntw"), (4, "one\ntwo\n"), (9, "one\ntwo\n")] {
        let (content, mut small) = left(append, got_out);
        assert_eq!(content.as_deref(), Some(found));
        // It stays as it was found.
        assert!(small.left().contains(&format!("work/log={found}")));
    }
    // A new file, whose name has been synced in its directory.
    let new = |disk: &mut Small| {
        disk.put("work/log", "new");
        disk.sync("work");
    };
    assert_eq!(left(new, 2).0.as_deref(), Some("ne"));
    // What came before has changed too, so none of it is there.
    let over = |disk: &mut Small| {
        let log = disk.put("work/log", "one\n");
        disk.sync("work/log");
        disk.0.write(log, 0, b"ONE\n").unwrap();
        disk.0.append(log, b"two\n").unwrap();
    };
    assert_eq!(left(over, 4).0.as_deref(), Some("one\n"));
}

#[test]
fn a_rename_lasts_whole_or_not_at_all() {
    let write = |disk: &mut Small, sync_file: bool, sync_directory: bool| {
        disk.put("work/temporary", "new");
        if sync_file {
            disk.sync("work/temporary");
        }
        disk.rename("work/temporary", "work/old");
        if sync_directory {
            disk.sync("work");
        }
    };
    check_left(|disk| write(disk, false, false), "work/old=old");
    check_left(|disk| write(disk, true, false), "work/old=old work/temporary=new");
    check_left(|disk| write(disk, false, true), "work/old=");
    check_left(|disk| write(disk, true, true), "work/old=new");
    // From one directory to another, synced on either side.
    for synced in ["work", "tmp"] {
        check_left(
            |disk| {
                disk.rename("work/old", "tmp/moved");
                disk.sync(synced);
            },
            "tmp/moved=old",
        );
    }
    // Who takes another's name takes the other's new one along.
    check_left(
        |disk| {
            disk.rename("work/old", "tmp/moved");
            disk.put("work/old", "new");
            disk.sync("work/old");
        },
        "tmp/moved=old work/old=new",
    );
}

#[test]
fn a_removal_lasts_once_it_is_synced() {
    check_left(|disk| disk.0.unlink(disk.0.root(), "work/old").unwrap(), "work/old=old");
    check_left(
        |disk| {
            disk.0.unlink(disk.0.root(), "work/old").unwrap();
            disk.sync("work");
        },
        "",
    );
}

#[test]
fn a_sync_that_lies_syncs_nothing() {
    check_left(
        |disk| {
            disk.0.set_sync_lies(true);
            disk.put("work/old", "new");
            disk.sync("work/old");
            disk.sync("work");
        },
        "work/old=old",
    );
}

#[test]
fn a_full_disk_takes_no_more_but_lets_itself_be_written_over() {
    let mut disk = Small::new();
    let file = disk.put("work/file", "0123456789");
    disk.0.set_full(true);
    assert_eq!(disk.0.write(file, 5, b"abcdefgh"), Ok(5));
    assert_eq!(disk.0.append(file, b"x"), Err(DiskError::NoSpace));
    assert_eq!(disk.0.truncate(file, 11), Err(DiskError::NoSpace));
    assert_eq!(disk.0.read(file, 0, 100).unwrap(), b"01234abcde");
    let opening = Opening { write: true, create: true, ..Opening::default() };
    let new = disk.0.open(disk.0.root(), "work/new", opening).unwrap();
    assert_eq!(disk.0.write(new.inode, 0, b"x"), Err(DiskError::NoSpace));
    disk.0.set_full(false);
    assert_eq!(disk.0.write(new.inode, 0, b"x"), Ok(1));
}

#[test]
fn bytes_names_and_handles_have_their_limits() {
    let mut disk = Small::new();
    let file = disk.put("work/file", "");
    assert_eq!(disk.0.write(file, 10, &vec![1; 2 << 20]), Ok((ROOM - 10) as usize));
    assert_eq!(disk.0.write(file, u64::MAX, b"x"), Err(DiskError::NoSpace));
    assert_eq!(disk.0.truncate(file, u64::MAX), Err(DiskError::NoSpace));
    assert_eq!(disk.0.append(file, b"x"), Err(DiskError::NoSpace));
    let root = disk.0.root();
    assert_eq!(disk.0.make_directory(root, &"n".repeat(256)), Err(DiskError::NameTooLong));
    assert_eq!(disk.0.make_directory(root, &"n/".repeat(2048)), Err(DiskError::NameTooLong));
    assert_eq!(disk.0.make_directory(root, "work/\0"), Err(DiskError::Invalid));
    let names = (0..).take_while(|number| disk.0.make_directory(root, &format!("tmp/{number}")).is_ok()).count();
    assert_eq!(names, NAMES_MAX - 1);
    let handles = (0..).take_while(|_| disk.0.hold(file).is_ok()).count();
    assert_eq!(handles, HANDLES_MAX);
}

#[test]
fn what_nobody_can_reach_is_not_kept() {
    let mut disk = Small::new();
    for number in 0..200 {
        // Each is synced, so that a power loss brings it back until the removal is written out.
        let path = format!("work/{number}");
        disk.put(&path, &"x".repeat(100_000));
        disk.sync(&path);
        disk.0.unlink(disk.0.root(), &path).unwrap();
    }
    disk.0.power_loss(|_| 0);
    let kept: usize = disk.0.changes(&Image::new()).values().map(Vec::len).sum();
    assert!(kept <= ROOM as usize + 3, "{kept} bytes");
}

/// A file is found with the content that it had at its last sync, and who outlasts a power loss once is not lost as long
/// as it has a name.
#[test]
fn nobody_is_lost_and_no_content_is_made_up() {
    for seed in 0..200 {
        let (mut both, mut random) = (Both::new(), Random::new(seed));
        let (mut synced, mut lasting) = (BTreeMap::<InodeId, Vec<u8>>::new(), Vec::new());
        for number in 0..200 {
            let _ = both.step(&mut random);
            if let Ok(inode) = both.disk.look_up(both.disk.root(), &path(&mut random))
                && random.chance(500)
            {
                both.disk.sync(inode).unwrap();
                if let Ok(bytes) = both.disk.read(inode, 0, 10_000) {
                    synced.insert(inode, bytes.to_vec());
                }
            }
            let named = found(&both.disk);
            let mut after = both.disk.clone();
            after.power_loss(|_| 0);
            let left = found(&after);
            for inode in &left {
                let Ok(bytes) = after.read(*inode, 0, 10_000) else { continue };
                assert_eq!(Some(bytes), synced.get(inode).map(Vec::as_slice).or(Some(b"")), "seed {seed}, {number}");
            }
            lasting.retain(|inode| named.contains(inode));
            assert!(lasting.iter().all(|inode| left.contains(inode)), "seed {seed}, {number}: {lasting:?} {left:?}");
            lasting.clone_from(&left);
        }
    }
}

/// Everything that has a name.
fn found(disk: &Disk) -> Vec<InodeId> {
    let (mut found, mut directories) = (Vec::new(), vec![disk.root()]);
    while let Some(directory) = directories.pop() {
        let mut last = None;
        while let Some(entry) = disk.next_entry(directory, last.as_deref()) {
            found.push(entry.inode);
            if entry.directory {
                directories.push(entry.inode);
            }
            last = Some(entry.name);
        }
    }
    found
}
