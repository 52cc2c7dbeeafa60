//! Distribution packages that an exercise allows besides the standard library.
//!
//! The template of a role holds those that this machine has, on the mount that no sandbox sees; a sandbox brings the
//! ones that its exercise names to where the interpreter looks for them, read-only, and no others. So what one exercise
//! allows is absent in the next.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::MountFlags;

use super::root::{STANDARD_LIBRARY, TEMPLATE, seal};

/// What exercise.toml may name, the distribution's package, and the folders that are its modules.
const KNOWN: &[(&str, &str, &[&str])] = &[("pika", "python3-pika", &["pika"]), ("zmq", "python3-zmq", &["zmq"])];

/// Where the distribution keeps packages, and its interpreter looks for them.
pub const FOLDER: &str = "/usr/lib/python3/dist-packages";
/// Where the template keeps them.
const SHELF: &str = "packages";

/// Whether exercise.toml may name this; an error says what it may name.
pub fn check(name: &str) -> Result<(), String> {
    if KNOWN.iter().any(|(known, ..)| *known == name) {
        return Ok(());
    }
    let known: Vec<&str> = KNOWN.iter().map(|(known, ..)| *known).collect();
    Err(format!("exercise.toml: package {name:?} is none that sandboxes can hold: {}", known.join(", ")))
}

/// Puts everything that this machine has on the template's shelf; the working folder is the template's root.
pub fn shelve() -> io::Result<()> {
    for module in KNOWN.iter().flat_map(|(.., modules)| *modules) {
        let (theirs, shelved) = (format!("{FOLDER}/{module}"), format!("{}/{SHELF}/{module}", &TEMPLATE[1..]));
        if Path::new(&theirs).is_dir() {
            fs::create_dir_all(&shelved)?;
            rustix::mount::mount_bind(&theirs, &shelved)?;
        }
    }
    Ok(())
}

/// Brings packages from the shelf to where they can be imported, in a sandbox's own mount namespace.
pub fn bring(names: &[String]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", FOLDER, "tmpfs", flags, Some(c"size=64k,nr_inodes=64,mode=755"))?;
    for (name, package, modules) in KNOWN.iter().filter(|(name, ..)| names.iter().any(|wanted| wanted == name)) {
        for module in *modules {
            let (shelved, here) = (format!("{TEMPLATE}/{SHELF}/{module}"), format!("{FOLDER}/{module}"));
            if !Path::new(&shelved).is_dir() {
                let python = STANDARD_LIBRARY.rsplit('/').next().unwrap_or_default();
                let reason = format!("package {name:?} is not there: install {package} for the system's {python}");
                return Err(io::Error::new(io::ErrorKind::NotFound, reason));
            }
            fs::create_dir(&here)?;
            rustix::mount::mount_bind(&shelved, &here)?;
        }
    }
    seal(FOLDER)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_package_that_no_sandbox_holds_is_refused_by_name() {
        assert_eq!(check("pika"), Ok(()));
        assert!(check("numpy").unwrap_err().ends_with("\"numpy\" is none that sandboxes can hold: pika, zmq"));
    }
}
