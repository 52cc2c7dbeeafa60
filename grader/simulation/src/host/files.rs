//! `wasi:filesystem` over a node's disk.
//!
//! The stock implementation of it would read this machine's files, on threads. This one has one preopened directory, `/`,
//! and answers at once, so that a program never waits for its disk.
//!
//! Where a node reports, it has the file `/report`: what is written there comes onto no disk, but its lines go to the
//! suite, with the time. Times of files are the node's clock's.

mod calls;
mod report;
mod streams;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::TrappableError;

use crate::disk::{Disk, DiskError, Handle, InodeId, Opening, Time};
use crate::words::Ns;

use bindings::wasi::filesystem::preopens;
use bindings::wasi::filesystem::types::{self, DescriptorFlags, ErrorCode};

pub use report::{Reporter, Reports};

pub(super) mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package practicum:files;
            world files {
                import wasi:filesystem/types@0.2.12;
                import wasi:filesystem/preopens@0.2.12;
            }
        ",
        path: "wit",
        imports: { default: trappable },
        require_store_data_send: true,
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": super::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": super::Listing,
        },
        trappable_error_type: { "wasi:filesystem/types.error-code" => super::FileError },
    });
}

/// Where a reporting node writes what it tells the suite.
const REPORT: &str = "/report";

type FileError = TrappableError<ErrorCode>;

/// It outlives the program: the next life finds it as this one left it.
pub type SharedDisk = Arc<Mutex<Disk>>;

/// When something is done.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub world: Ns,
    /// By the node's own clock.
    pub node: Time,
}

pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// What the file calls of one life of a node work on.
#[derive(Clone)]
pub struct Files {
    disk: SharedDisk,
    clock: Clock,
    reporting: Option<Reporting>,
}

#[derive(Clone)]
struct Reporting {
    /// `/report`: who has it open by whatever path reports.
    inode: InodeId,
    reporter: Arc<Mutex<Reporter>>,
}

impl Files {
    pub fn new(disk: SharedDisk, clock: Clock, reporter: Option<Reporter>) -> Files {
        let mut files = Files { disk, clock, reporting: None };
        if let Some(reporter) = reporter
            && let Some(inode) = files.make_report()
        {
            files.reporting = Some(Reporting { inode, reporter: Arc::new(Mutex::new(reporter)) });
        }
        files
    }

    fn make_report(&self) -> Option<InodeId> {
        let mut disk = self.disk();
        let root = disk.root();
        let handle = disk.open(root, REPORT, Opening { create: true, ..Opening::default() }).ok()?;
        disk.close(handle);
        Some(handle.inode)
    }

    /// The disk, where what is done is done now.
    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        let now = self.now();
        let mut disk = lock(&self.disk);
        disk.at(now);
        disk
    }

    pub(crate) fn now(&self) -> Time {
        (self.clock)().node
    }

    pub(crate) fn open(&self, base: InodeId, path: &str, opening: Opening) -> Result<Held, DiskError> {
        let handle = self.disk().open(base, path, opening)?;
        Ok(Held { disk: Arc::clone(&self.disk), handle })
    }

    pub(crate) fn hold(&self, inode: InodeId) -> Result<Held, DiskError> {
        let handle = self.disk().hold(inode)?;
        Ok(Held { disk: Arc::clone(&self.disk), handle })
    }

    /// Returns how many bytes were taken.
    pub(crate) fn write(&self, inode: InodeId, place: Place, bytes: &[u8]) -> Result<usize, DiskError> {
        match (&self.reporting, place) {
            (Some(reporting), _) if reporting.inode == inode => {
                lock(&reporting.reporter).write((self.clock)().world, bytes)
            }
            (_, Place::At(offset)) => self.disk().write(inode, offset, bytes),
            (_, Place::End) => self.disk().append(inode, bytes),
        }
    }

    /// How many bytes can be written at once; at least one.
    fn room(&self, inode: InodeId, place: Place) -> Result<u64, DiskError> {
        match (&self.reporting, place) {
            (Some(reporting), _) if reporting.inode == inode => lock(&reporting.reporter).room(),
            (_, Place::At(offset)) => self.disk().room(inode, offset),
            (_, Place::End) => {
                let disk = self.disk();
                disk.room(inode, disk.status(inode)?.bytes)
            }
        }
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Files").field("disk", &self.disk).finish_non_exhaustive()
    }
}

/// Where in a file something is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    At(u64),
    End,
}

/// Nobody who panics leaves anything half done: a call is one step on the disk.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something on the disk that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    disk: SharedDisk,
    handle: Handle,
}

impl Held {
    pub(crate) fn inode(&self) -> InodeId {
        self.handle.inode
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.disk).close(self.handle);
    }
}

#[derive(Debug)]
pub struct Descriptor {
    held: Held,
    flags: DescriptorFlags,
}

/// A directory that is being read. What comes into it meanwhile is found, if its name comes after the last one read.
#[derive(Debug)]
pub struct Listing {
    held: Held,
    last: Option<String>,
}

/// What the calls see of a store's state.
pub struct View<'a> {
    pub table: &'a mut ResourceTable,
    pub files: &'a Files,
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(out)
    }
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = View<'a>;
}

/// Links `wasi:filesystem`.
pub fn add_to_linker<T: Send + 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> Result<()> {
    types::add_to_linker::<T, HasFiles>(linker, view)?;
    preopens::add_to_linker::<T, HasFiles>(linker, view)
}

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let root = self.files.disk().root();
        // A program that has too much open already has no more to open it with.
        let Ok(held) = self.files.hold(root) else { return Ok(Vec::new()) };
        let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        Ok(vec![(self.table.push(Descriptor { held, flags })?, "/".into())])
    }
}

fn code(error: DiskError) -> ErrorCode {
    match error {
        DiskError::BadDescriptor => ErrorCode::BadDescriptor,
        DiskError::Busy => ErrorCode::Busy,
        DiskError::Exists => ErrorCode::Exist,
        DiskError::FileTooLarge => ErrorCode::FileTooLarge,
        DiskError::Invalid => ErrorCode::Invalid,
        DiskError::IsDirectory => ErrorCode::IsDirectory,
        DiskError::NameTooLong => ErrorCode::NameTooLong,
        DiskError::NoEntry => ErrorCode::NoEntry,
        DiskError::NoSpace => ErrorCode::InsufficientSpace,
        DiskError::NotDirectory => ErrorCode::NotDirectory,
        DiskError::NotEmpty => ErrorCode::NotEmpty,
        DiskError::NotPermitted => ErrorCode::NotPermitted,
        // There is no code for it.
        DiskError::TooManyOpen => ErrorCode::InsufficientMemory,
    }
}
