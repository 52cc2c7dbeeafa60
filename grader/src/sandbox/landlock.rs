//! A second wall around files: Landlock.
//!
//! The mount namespace decides what there is, and its mounts decide what may be changed. Landlock says the same once
//! more, per process and for ever, by other code of the kernel: a program reads what there is, and makes and changes
//! files in its own folders alone. /proc, which no mount option could make read-only without hurting init, is read-only
//! to programs by this wall. Where the kernel lacks Landlock, or parts of it, the first wall stands alone;
//! `practicum doctor` tells.

use std::io;

use ::landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
};

/// The newest interface whose rights are asked for; a kernel that knows fewer enforces those.
const INTERFACE: ABI = ABI::V5;

/// Where programs may make, change and remove.
const OWN_FOLDERS: &[&str] = &["/work", "/tmp", "/dev/shm"];

/// The wall of one sandbox, once its mounts are in place; each program goes behind it by `restrict_self`.
pub fn wall() -> io::Result<RulesetCreated> {
    build().map_err(io::Error::other)
}

fn build() -> Result<RulesetCreated, Box<dyn std::error::Error + Send + Sync>> {
    let everything = AccessFs::from_all(INTERFACE);
    let looking = AccessFs::from_read(INTERFACE);
    let mut wall = Ruleset::default().handle_access(everything)?.create()?;
    let mut allow = |path: &str, access: BitFlags<AccessFs>| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        (&mut wall).add_rule(PathBeneath::new(PathFd::new(path)?, access))?;
        Ok(())
    };
    allow("/", looking)?;
    allow("/dev", AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile)?;
    let devices = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    OWN_FOLDERS.iter().try_for_each(|folder| allow(folder, everything & !devices))?;
    Ok(wall)
}
