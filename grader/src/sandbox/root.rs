//! What a sandbox sees of the file system.
//!
//! The launcher builds one *template*: a small tmpfs with the interpreter's directories bound in read-only, masks over
//! modules that newer Pythons dropped, and nothing else; then it moves into it and lets go of the host's root. A
//! sandbox inherits a copy of these mounts, takes away what only the template needed, and adds what is its own: work
//! folder, /tmp, /dev/shm, /proc, its names and its bans. No path on the host is ever made, changed or removed, and no
//! mount tells of one but the interpreter's.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{FileType, Mode};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
};

use super::interpreter::Role;
use super::kernel;
use super::packages;
use crate::library;

/// Read-only folders of the host that hold the interpreter, its library and the ordinary commands.
const BOUND_FOLDERS: &[&str] = &["/usr/bin", "/usr/lib/python3.11", "/usr/lib64", "/usr/share/zoneinfo"];
/// Shared libraries, under whichever name the architecture gives them.
const LIBRARY_FOLDERS: &[&str] = &["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
/// Further distribution packages, for the examiner alone.
const EXAMINER_FOLDER: &str = "/usr/lib/python3";
/// Copied: a mount would show where the host keeps them.
const COPIED_FILES: &[&str] = &["/etc/ld.so.cache", "/etc/services", "/etc/protocols"];
/// Names and minor numbers of the memory devices.
const DEVICES: &[(&str, u32)] = &[("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)];
const MEMORY_DEVICES: u32 = 1;
const FOLDERS: &[&str] = &[
    "usr",
    "usr/lib",
    "usr/share",
    "etc",
    "dev",
    "proc",
    "tmp",
    "work",
    "practicum",
    "practicum/library",
    "practicum/template",
];
const LINKS: &[(&str, &str)] = &[
    ("usr/bin", "bin"),
    ("usr/bin", "sbin"),
    ("usr/lib", "lib"),
    ("usr/lib64", "lib64"),
    // Where the distribution's `sitecustomize` is a link to (see [`super::python`]).
    ("/practicum/template", "etc/python3.11"),
];
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
];
const TEXTS: &[(&str, &str)] = &[
    ("etc/passwd", "root:x:0:0::/:/bin/false\nstudent:x:1000:1000::/work:/bin/sh\n"),
    ("etc/group", "root:x:0:\nstudent:x:1000:\n"),
    ("etc/hosts", HOSTS),
    // A name may have several addresses, in the order of the file.
    ("etc/host.conf", "multi on\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"),
];
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost\n";
/// Where the standard library lies, in the sandbox as on the host.
pub const STANDARD_LIBRARY: &str = "/usr/lib/python3.11";
/// Modules that Python 3.12 or 3.13 dropped and nothing in the 3.11 library imports: one answer on every Python (K12).
const DROPPED_MODULES: &[&str] = &[
    "asyncore",
    "asynchat",
    "smtpd",
    "imp",
    "distutils",
    "cgi",
    "cgitb",
    "crypt",
    "nntplib",
    "pipes",
    "telnetlib",
    "xdrlib",
];

/// This program, for the fixtures that are part of it (see [`crate::applets`]): in the examiner's sandbox alone.
const APPLETS: &str = "/practicum/applets";
/// This program, for clusters that it simulates (see [`crate::simulator`]): where no native code of a student's runs.
pub const SIMULATOR: &str = "/practicum/simulator";
/// What schedules the threads of a student's module, for its interpreter to load.
const SCHEDULER: &str = "/practicum/scheduler.so";
/// On the host, beside this program.
const SCHEDULER_FILE: &str = "libscheduler.so";
/// Where the library of ours is bound, with the folders that it holds.
pub const LIBRARY: &str = "/practicum/library";
/// What a warm template starts with, and no sandbox sees: its `sitecustomize` and this program as a shared library.
pub(super) const TEMPLATE: &str = "/practicum/template";
/// The same, as `sitecustomize` knows it.
const TEMPLATE_NATIVE: &str = "practicum/template/practicum.so";
const DROPPED_STUB: &str = "/practicum/library/masks/dropped.py";
const BANNED_STUB: &str = "/practicum/library/masks/banned.py";

/// Largest /tmp and /dev/shm of a sandbox, in bytes, and most files in each.
const SCRATCH: TmpfsSize = TmpfsSize { bytes: 32 << 20, files: 4096 };

#[derive(Clone, Copy, Debug)]
pub struct TmpfsSize {
    pub bytes: u64,
    pub files: u64,
}

/// Builds the template below /mnt in a mount namespace that is already private, and moves into it. `library` is our
/// own Python on the host, `native` this program as a shared library.
pub fn enter_template(library: &Path, role: Role, native: Option<&Path>) -> io::Result<()> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let base = Path::new("/mnt");
    rustix::mount::mount("tmpfs", base, "tmpfs", MountFlags::NOSUID, Some(c"size=4m,nr_inodes=1024,mode=755"))?;
    rustix::process::chdir(base)?;
    FOLDERS.iter().try_for_each(fs::create_dir)?;
    make_devices()?;
    LINKS.iter().try_for_each(|(target, link)| symlink(target, link))?;
    TEXTS.iter().try_for_each(|(path, text)| fs::write(path, text))?;
    for file in COPIED_FILES.iter().filter(|file| Path::new(file).exists()) {
        fs::copy(file, &file[1..])?;
    }
    bind_host_folders(role)?;
    if role != Role::Examiner {
        fs::create_dir_all(&packages::FOLDER[1..])?;
    }
    let ours = if role == Role::Examiner { &["shim", "masks", "examiner"][..] } else { &["shim", "masks"] };
    ours.iter().try_for_each(|part| copy_folder(&library.join(part), &Path::new(&LIBRARY[1..]).join(part)))?;
    match role {
        Role::Examiner => bring_this_program(APPLETS)?,
        Role::Simulator => bring_this_program(SIMULATOR)?,
        Role::Submission | Role::Module | Role::Build => {}
    }
    // An exercise with programs may have modules too.
    if matches!(role, Role::Module | Role::Submission) {
        bring_scheduler()?;
    }
    furnish_template(library, native)?;
    DROPPED_MODULES.iter().try_for_each(|module| mask(".", module, DROPPED_STUB))?;
    rustix::mount::mount_bind_recursive("/proc", "proc")?;
    move_into(".")?;
    // What lies below is sealed by rules of its own.
    Ok(rustix::mount::mount_remount("/", ALONE | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV, "")?)
}

/// The mount at a path, without those below it.
const ALONE: MountFlags = MountFlags::BIND;

/// /dev, which nothing can be added to.
fn make_devices() -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("tmpfs", "dev", "tmpfs", flags, Some(c"size=64k,nr_inodes=32,mode=755"))?;
    fs::create_dir("dev/shm")?;
    for (name, minor) in DEVICES {
        let path = format!("dev/{name}");
        let device = rustix::fs::makedev(MEMORY_DEVICES, *minor);
        match rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::CharacterDevice, Mode::empty(), device) {
            Ok(()) => fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?,
            // Not for us to make: then the host's.
            Err(rustix::io::Errno::PERM) => {
                fs::write(&path, "")?;
                rustix::mount::mount_bind(format!("/{path}"), &path)?;
                rustix::mount::mount_remount(&path, ALONE | MountFlags::RDONLY | flags, "")?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    DEVICE_LINKS.iter().try_for_each(|(target, link)| symlink(target, link))?;
    Ok(rustix::mount::mount_remount("dev", ALONE | MountFlags::RDONLY | flags, "")?)
}

fn bind_host_folders(role: Role) -> io::Result<()> {
    let examiner = if role == Role::Examiner { &[EXAMINER_FOLDER][..] } else { &[] };
    let folders = BOUND_FOLDERS.iter().chain(LIBRARY_FOLDERS).chain(examiner);
    folders.filter(|folder| Path::new(folder).is_dir()).try_for_each(|folder| {
        fs::create_dir_all(&folder[1..])?;
        rustix::mount::mount_bind_recursive(*folder, &folder[1..])?;
        seal(&folder[1..])
    })
}

/// What a template needs and its sandboxes do not see lies on a mount of its own, which each of them takes away.
fn furnish_template(library: &Path, native: Option<&Path>) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", &TEMPLATE[1..], "tmpfs", flags, Some(c"size=1m,nr_inodes=32,mode=755"))?;
    if let Some(native) = native {
        copy_folder(&library.join("template"), Path::new(&TEMPLATE[1..]))?;
        fs::write(TEMPLATE_NATIVE, "")?;
        rustix::mount::mount_bind(native, TEMPLATE_NATIVE)?;
    }
    packages::shelve()?;
    seal(&TEMPLATE[1..])
}

fn bring_this_program(path: &str) -> io::Result<()> {
    fs::write(&path[1..], "")?;
    rustix::mount::mount_bind(std::env::current_exe()?, &path[1..])?;
    seal(&path[1..])
}

/// A copy, on a mount of its own: one of the host's file would tell where the host keeps it.
fn bring_scheduler() -> io::Result<()> {
    let file = library::beside(SCHEDULER_FILE)?;
    let bytes = fs::metadata(&file)?.len();
    let size = CString::new(format!("size={},nr_inodes=4,mode=755", bytes + (64 << 10))).expect("no NUL");
    rustix::mount::mount("tmpfs", "tmp", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(&*size))?;
    let copy = Path::new("tmp").join(&SCHEDULER[1..]);
    fs::create_dir(copy.parent().expect("it lies in a folder"))?;
    fs::copy(&file, &copy)?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o555))?;
    fs::write(&SCHEDULER[1..], "")?;
    rustix::mount::mount_bind(&copy, &SCHEDULER[1..])?;
    rustix::mount::unmount("tmp", UnmountFlags::DETACH)?;
    seal(&SCHEDULER[1..])
}

/// Makes a mount and all below it read-only, without set-uid programs and devices.
pub(super) fn seal(path: &str) -> io::Result<()> {
    kernel::seal_mount(&CString::new(path).expect("our paths hold no NUL"))
}

/// Copies a folder of ours, which holds plain files and folders.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(source, target)?;
        }
    }
    Ok(())
}

fn move_into(folder: &str) -> io::Result<()> {
    rustix::process::pivot_root(folder, folder)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}

/// Puts a stub in the place of a standard module, so that importing it says why it is not there.
fn mask(root: &str, module: &str, stub: &str) -> io::Result<()> {
    let path = |tail: &str| format!("{root}{STANDARD_LIBRARY}/{module}{tail}");
    let file = [path(".py"), path("/__init__.py")].into_iter().find(|path| Path::new(path).exists());
    match file {
        Some(file) => {
            rustix::mount::mount_bind(format!("{root}{stub}"), &file)?;
            seal(&file)
        }
        None => Ok(()),
    }
}

/// What one sandbox adds to the template.
#[derive(Debug)]
pub struct Furnishing<'a> {
    pub folders: WritableFolders,
    /// Further lines of /etc/hosts.
    pub hosts: &'a [String],
    /// Standard modules that are absent.
    pub bans: &'a [String],
    /// Distribution packages that are there.
    pub packages: &'a [String],
}

/// Completes the copy of the template that a new mount namespace has inherited.
pub fn furnish(furnishing: Furnishing<'_>) -> io::Result<()> {
    let WritableFolders { work, tmp, shm } = furnishing.folders;
    [(work, "/work"), (tmp, "/tmp"), (shm, "/dev/shm")].iter().try_for_each(|(mount, path)| attach(mount, path))?;
    name_hosts(furnishing.hosts)?;
    furnishing.bans.iter().try_for_each(|module| mask("", &module.replace('.', "/"), BANNED_STUB))?;
    packages::bring(furnishing.packages)?;
    rustix::mount::unmount(TEMPLATE, UnmountFlags::DETACH)?;
    replace_proc()
}

/// /proc of this sandbox instead of the one that the template was built with. An ordinary user may make it only while
/// another can be seen.
fn replace_proc() -> io::Result<()> {
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(context.as_fd(), "hidepid", "invisible")?;
    rustix::mount::fsconfig_set_string(context.as_fd(), "subset", "pid")?;
    rustix::mount::fsconfig_create(context.as_fd())?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc = rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    rustix::mount::unmount("/proc", UnmountFlags::DETACH)?;
    attach(&proc, "/proc")
}

fn attach(mount: &OwnedFd, path: &str) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(rustix::mount::move_mount(mount.as_fd(), "", rustix::fs::CWD, path, flags)?)
}

fn name_hosts(hosts: &[String]) -> io::Result<()> {
    if hosts.is_empty() {
        return Ok(());
    }
    let draft = "/tmp/hosts";
    fs::write(draft, format!("{HOSTS}{}\n", hosts.join("\n")))?;
    rustix::mount::mount_bind(draft, "/etc/hosts")?;
    seal("/etc/hosts")?;
    fs::remove_file(draft)
}

/// All that a sandbox's programs can write to: a tmpfs each, mounted nowhere yet, and filled and read through its
/// descriptor.
#[derive(Debug)]
pub struct WritableFolders {
    pub work: OwnedFd,
    pub tmp: OwnedFd,
    pub shm: OwnedFd,
}

impl WritableFolders {
    /// With a work folder of that size, all of them for the user `owner`.
    pub fn make(work: TmpfsSize, owner: u32) -> io::Result<WritableFolders> {
        let none = MountAttrFlags::empty();
        Ok(WritableFolders {
            work: detached_tmpfs(work, "700", owner, none)?,
            tmp: detached_tmpfs(SCRATCH, "1777", owner, none)?,
            shm: detached_tmpfs(SCRATCH, "1777", owner, MountAttrFlags::MOUNT_ATTR_NOEXEC)?,
        })
    }
}

fn detached_tmpfs(size: TmpfsSize, mode: &str, owner: u32, attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let settings = [
        ("size", size.bytes.to_string()),
        ("nr_inodes", size.files.to_string()),
        ("mode", mode.to_owned()),
        ("uid", owner.to_string()),
        ("gid", owner.to_string()),
    ];
    for (key, value) in settings {
        rustix::mount::fsconfig_set_string(context.as_fd(), key, value)?;
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    let attributes = attributes | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}
