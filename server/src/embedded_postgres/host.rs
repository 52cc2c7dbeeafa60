//! What the machine offers an embedded cluster: Postgres' programs and the account that they run as.
//!
//! Programs come from PATH first, so that an operator can choose, then from where Debian and the PostgreSQL packages
//! for Red Hat put them, newest first. Accounts are looked up by `id`, which asks every source of accounts the machine
//! has and needs no unsafe code.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::process;

/// The oldest version that the schema is written for.
const MAJOR_MIN: u32 = 15;

#[derive(Debug)]
pub struct Binaries {
    /// Holds `postgres` and `initdb`.
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The first that can open files of version `wanted`, or where there are none yet the first that is new enough.
    pub fn find(wanted: Option<u32>) -> Result<Self> {
        let mut found: Vec<Self> = candidates().into_iter().filter_map(Self::at).collect();
        let suits = |binaries: &Self| wanted.map_or(binaries.major >= MAJOR_MIN, |major| binaries.major == major);
        if let Some(index) = found.iter().position(suits) {
            return Ok(found.swap_remove(index));
        }
        let installed: Vec<String> = found.iter().map(|binaries| binaries.major.to_string()).collect();
        let installed = if installed.is_empty() { "none".to_owned() } else { installed.join(", ") };
        match wanted {
            Some(major) => bail!(
                "its files are of Postgres {major}, installed: {installed}. Install postgresql-{major}, or move the data \
                 with pg_dump of {major} to a new directory"
            ),
            None => bail!("Postgres {MAJOR_MIN} or newer is needed, installed: {installed}. Install postgresql"),
        }
    }

    fn at(dir: PathBuf) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"; a beta is "19beta2".
        let text = String::from_utf8(output.stdout).ok()?;
        let digits = text.split_whitespace().nth(2)?.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self { major: digits.parse().ok()?, dir })
    }

    /// In an empty environment and in a directory that every account may enter.
    pub fn command(&self, program: &str, account: Account) -> Command {
        let mut command = Command::new(self.dir.join(program));
        command.env_clear().env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/");
        command.uid(account.uid).gid(account.gid);
        command
    }
}

/// Directories, best first. Links are followed: Postgres finds its own files relative to where its program really is.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = env::split_paths(&path)
        .filter_map(|dir| Some(dir.join("postgres").canonicalize().ok()?.parent()?.to_owned()))
        .collect();
    let mut packaged: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let major = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|text| text.parse().ok());
            packaged.extend(major.map(|major| (major, entry.path().join("bin"))));
        }
    }
    packaged.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    dirs.extend(packaged.into_iter().map(|(_, dir)| dir));
    dirs
}

/// Who runs Postgres: we ourselves, unless we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Whoever owns the files, or where there are none yet `postgres`, or `nobody`.
    pub fn of_cluster(files: &Path) -> Result<Self> {
        let us = Self { uid: process::geteuid().as_raw(), gid: process::getegid().as_raw() };
        let owner = fs::metadata(files).ok().map(|metadata| Self { uid: metadata.uid(), gid: metadata.gid() });
        match owner {
            Some(owner) if us.uid == 0 => {
                ensure!(
                    owner.uid != 0,
                    "{} belongs to root, but Postgres does not run as root: chown -R it to the account postgres",
                    files.display()
                );
                Ok(owner)
            }
            Some(owner) => {
                let (files, uid) = (files.display(), owner.uid);
                ensure!(
                    uid == us.uid,
                    "{files} belongs to the account with id {uid}: start as that account or as root"
                );
                Ok(us)
            }
            None if us.uid == 0 => Self::named("postgres").or_else(|_| Self::named("nobody")),
            None => Ok(us),
        }
    }

    fn named(name: &str) -> Result<Self> {
        Ok(Self { uid: id(&["-u", name])?.parse()?, gid: id(&["-g", name])?.parse()? })
    }

    pub fn take(self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).with_context(|| format!("give {} to Postgres", path.display()))
    }

    /// Postgres opens its files by their full path, so every directory above them must let its account pass. Of our own
    /// account nothing is asked: it has groups and access lists that the modes alone do not tell.
    pub fn check_reaches(self, data: &Path) -> Result<()> {
        if self.uid == process::geteuid().as_raw() {
            return Ok(());
        }
        for dir in data.ancestors() {
            let metadata = fs::metadata(dir)?;
            let shift = match () {
                () if metadata.uid() == self.uid => 6,
                () if metadata.gid() == self.gid => 3,
                () => 0,
            };
            ensure!(
                metadata.mode() >> shift & 0o1 == 1,
                "Postgres, which does not run as root but as the account with id {}, may not pass through {} (mode {:o}): \
                 choose a data directory elsewhere, for example /var/lib/practicum",
                self.uid,
                dir.display(),
                metadata.mode() & 0o7777
            );
        }
        Ok(())
    }
}

/// The name by which Postgres will know us: it looks our user id up in the same way.
pub fn our_name() -> Result<String> {
    id(&["-un"]).context("find the name of this account; Postgres serves only accounts that have one")
}

fn id(arguments: &[&str]) -> Result<String> {
    let output = Command::new("id").args(arguments).output().context("run id")?;
    ensure!(output.status.success(), "id {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
