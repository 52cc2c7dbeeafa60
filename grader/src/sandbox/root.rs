//! What a sandbox sees of the file system.
//!
//! The launcher builds one *template*: a small tmpfs with the interpreter's directories bound in read-only, masks over
//! modules that newer Pythons dropped, and nothing else; then it moves into it and lets go of the host's root. A
//! sandbox inherits a copy of these mounts and adds only what is its own: work folder, /tmp, /dev/shm, /proc, its names
//! and its bans. No path on the host is ever made, changed or removed.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
};

use super::interpreter::Role;
use super::kernel;

/// Read-only folders of the host that hold the interpreter, its library and the ordinary commands.
const BOUND_FOLDERS: &[&str] = &["/usr/bin", "/usr/lib/python3.11", "/usr/lib64", "/usr/share/zoneinfo"];
/// Shared libraries, under whichever name the architecture gives them.
const LIBRARY_FOLDERS: &[&str] = &["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
/// Further distribution packages, for the examiner alone.
const EXAMINER_FOLDER: &str = "/usr/lib/python3";
const BOUND_FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/services",
    "/etc/protocols",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];
const FOLDERS: &[&str] = &[
    "usr",
    "usr/lib",
    "usr/share",
    "etc",
    "dev",
    "dev/shm",
    "proc",
    "tmp",
    "work",
    "practicum",
    "practicum/library",
    "practicum/library/shim",
    "practicum/library/masks",
    "practicum/library/examiner",
    "practicum/template",
];
const LINKS: &[(&str, &str)] = &[
    ("usr/bin", "bin"),
    ("usr/bin", "sbin"),
    ("usr/lib", "lib"),
    ("usr/lib64", "lib64"),
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
    // Where the distribution's `sitecustomize` is a link to (see [`super::python`]).
    ("/practicum/template", "etc/python3.11"),
];
const TEXTS: &[(&str, &str)] = &[
    ("etc/passwd", "root:x:0:0::/:/bin/false\nstudent:x:1000:1000::/work:/bin/sh\n"),
    ("etc/group", "root:x:0:\nstudent:x:1000:\n"),
    ("etc/hosts", HOSTS),
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

/// Where the library of ours is bound, with the folders that it holds.
pub const LIBRARY: &str = "/practicum/library";
/// What a warm template starts with, and no sandbox sees: its `sitecustomize` and this program as a shared library.
const TEMPLATE: &str = "/practicum/template";
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
    LINKS.iter().try_for_each(|(target, link)| symlink(target, link))?;
    TEXTS.iter().try_for_each(|(path, text)| fs::write(path, text))?;
    let examiner = if role == Role::Examiner { &[EXAMINER_FOLDER][..] } else { &[] };
    for folder in BOUND_FOLDERS.iter().chain(LIBRARY_FOLDERS).chain(examiner) {
        if Path::new(folder).is_dir() {
            fs::create_dir_all(&folder[1..])?;
            bind(Path::new(folder), &folder[1..])?;
        }
    }
    for file in BOUND_FILES.iter().filter(|file| Path::new(file).exists()) {
        fs::write(&file[1..], "")?;
        rustix::mount::mount_bind(*file, &file[1..])?;
    }
    let ours = if role == Role::Examiner { &["shim", "masks", "examiner"][..] } else { &["shim", "masks"] };
    ours.iter().try_for_each(|part| bind(&library.join(part), &format!("{}/{part}", &LIBRARY[1..])))?;
    if let Some(native) = native {
        fs::write(TEMPLATE_NATIVE, "")?;
        rustix::mount::mount_bind(native, TEMPLATE_NATIVE)?;
        for file in ["sitecustomize.py", "wardrobe.py"] {
            fs::copy(library.join("template").join(file), format!("{}/{file}", &TEMPLATE[1..]))?;
        }
    }
    DROPPED_MODULES.iter().try_for_each(|module| mask(".", module, DROPPED_STUB))?;
    rustix::mount::mount_bind_recursive("/proc", "proc")?;
    move_into(".")?;
    kernel_seal("/")
}

/// Binds a host folder read-only.
fn bind(source: &Path, target: &str) -> io::Result<()> {
    rustix::mount::mount_bind_recursive(source, target)?;
    kernel_seal(target)
}

fn kernel_seal(path: &str) -> io::Result<()> {
    // The template's own root is sealed alone, not what lies below it: /proc and devices are sealed by their own rules.
    if path == "/" {
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::BIND;
        return Ok(rustix::mount::mount_remount("/", flags, "")?);
    }
    kernel::seal_mount(&CString::new(path).expect("our paths hold no NUL"))
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
        Some(file) => Ok(rustix::mount::mount_bind(format!("{root}{stub}"), file)?),
        None => Ok(()),
    }
}

/// What one sandbox adds to the template.
#[derive(Debug)]
pub struct Furnishing<'a> {
    pub work: OwnedFd,
    /// Further names of 127.0.0.1.
    pub names: &'a [String],
    /// Standard modules that are absent.
    pub bans: &'a [String],
    /// Owner of the scratch folders.
    pub owner: u32,
}

/// Completes the copy of the template that a new mount namespace has inherited.
pub fn furnish(furnishing: Furnishing<'_>) -> io::Result<()> {
    let none = "";
    rustix::mount::move_mount(
        furnishing.work.as_fd(),
        none,
        rustix::fs::CWD,
        "/work",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )?;
    for (folder, flags) in [("/tmp", MountFlags::empty()), ("/dev/shm", MountFlags::NOEXEC)] {
        let options =
            format!("size={},nr_inodes={},mode=1777,uid={2},gid={2}", SCRATCH.bytes, SCRATCH.files, furnishing.owner);
        let options = CString::new(options).expect("digits only");
        let flags = flags | MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("tmpfs", folder, "tmpfs", flags, Some(options.as_c_str()))?;
    }
    name_hosts(furnishing.names)?;
    furnishing.bans.iter().try_for_each(|module| mask("", &module.replace('.', "/"), BANNED_STUB))?;
    hide(TEMPLATE)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(rustix::mount::mount("proc", "/proc", "proc", flags, Some(c"hidepid=2,subset=pid"))?)
}

/// Covers a folder with an empty one.
fn hide(folder: &str) -> io::Result<()> {
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    Ok(rustix::mount::mount("tmpfs", folder, "tmpfs", flags, Some(c"size=4k,nr_inodes=2,mode=755"))?)
}

fn name_hosts(names: &[String]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let draft = "/tmp/hosts";
    fs::write(draft, format!("{HOSTS}127.0.0.1 {}\n", names.join(" ")))?;
    rustix::mount::mount_bind(draft, "/etc/hosts")?;
    kernel_seal("/etc/hosts")?;
    fs::remove_file(draft)
}

/// A tmpfs that is mounted nowhere yet: filled and read through its descriptor.
pub fn detached_tmpfs(size: TmpfsSize, owner: u32) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let settings = [
        ("size", size.bytes.to_string()),
        ("nr_inodes", size.files.to_string()),
        ("mode", "700".to_owned()),
        ("uid", owner.to_string()),
        ("gid", owner.to_string()),
    ];
    for (key, value) in settings {
        rustix::mount::fsconfig_set_string(context.as_fd(), key, value)?;
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}
