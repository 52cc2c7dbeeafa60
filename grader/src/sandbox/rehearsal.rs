//! Which of an interpreter's memory a program writes to, found out by running one.
//!
//! A process that has come from a fork shares its memory with its parent until it writes to it: then the kernel copies
//! the page, and the program waits. Python writes much, as it counts references where objects are. Most of it is the
//! same for every program: what the start touches, and what the interpreter tears down at its end. So a template has one
//! empty program run in a child and notes what that wrote ([`rehearse`]). A process that waits for its program has
//! these pages copied before it is told which it is ([`own_what_programs_write`]).
//!
//! Nothing depends on it but time. Where the kernel does not tell what was written (before 5.14), nothing is copied
//! ahead.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use super::kernel;

const PAGE_BYTES: usize = 4096;
/// Bits of an entry in `/proc/self/pagemap`: the page is in memory, and no other process has it.
const PRESENT: u64 = 1 << 63;
const EXCLUSIVE: u64 = 1 << 56;
const ENTRY_BYTES: usize = 8;
/// Largest list of pages that is taken from a rehearsal: more than an interpreter has.
const LIST_BYTES_MAX: u64 = 1 << 20;

/// What every program writes to, known to the template and so to all that is forked from it.
static WRITTEN: OnceLock<Vec<Range<usize>>> = OnceLock::new();
/// In a rehearsal, where its end is told and what can be told.
static STAGE: OnceLock<(File, Vec<Range<usize>>)> = OnceLock::new();

/// Forks a child that is to run an empty program to its end; `true` in that child. The parent waits until it has.
pub fn rehearse() -> io::Result<bool> {
    let memory = private_memory()?;
    let (told, tell) = io::pipe()?;
    let pid = kernel::fork()?;
    if pid == 0 {
        drop(told);
        STAGE.set((File::from(OwnedFd::from(tell)), memory)).expect("one rehearsal a template");
        // SAFETY: the handler is a function of this program, which is not unloaded.
        unsafe { libc::atexit(tell_what_was_written) };
        return Ok(true);
    }
    drop(tell);
    let mut list = Vec::new();
    told.take(LIST_BYTES_MAX).read_to_end(&mut list)?;
    rustix::process::waitpid(rustix::process::Pid::from_raw(pid), rustix::process::WaitOptions::empty())?;
    let mut words =
        list.chunks_exact(size_of::<usize>()).map(|word| usize::from_ne_bytes(word.try_into().expect("a word")));
    let ranges = std::iter::from_fn(|| Some(words.next()?..words.next()?)).collect();
    WRITTEN.set(ranges).expect("one rehearsal a template");
    Ok(false)
}

/// Copies what every program writes to, at once.
pub fn own_what_programs_write() {
    WRITTEN.get().into_iter().flatten().for_each(|pages| kernel::own_pages(pages.clone()));
}

/// The last thing that a rehearsal does: the interpreter has been torn down.
extern "C" fn tell_what_was_written() {
    let Some((tell, memory)) = STAGE.get() else { return };
    let list: Vec<u8> = written_of(memory)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|pages| [pages.start.to_ne_bytes(), pages.end.to_ne_bytes()].concat())
        .collect();
    let _ = (&*tell).write_all(&list);
}

/// Memory that can be written to and that a fork copies.
fn private_memory() -> io::Result<Vec<Range<usize>>> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    // `start-end rw-p … PATH`
    let private = maps.lines().filter(|line| line.contains(" rw-p "));
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    };
    Ok(private.filter_map(range).collect())
}

/// Pages of `memory` that this process has for itself, neighbours together.
fn written_of(memory: &[Range<usize>]) -> io::Result<Vec<Range<usize>>> {
    let pagemap = File::open("/proc/self/pagemap")?;
    let mut written: Vec<Range<usize>> = Vec::new();
    for range in memory {
        let pages = range.len() / PAGE_BYTES;
        let mut entries = vec![0; pages * ENTRY_BYTES];
        let length = pagemap.read_at(&mut entries, (range.start / PAGE_BYTES * ENTRY_BYTES) as u64)?;
        for (page, entry) in entries[..length].chunks_exact(ENTRY_BYTES).enumerate() {
            let entry = u64::from_ne_bytes(entry.try_into().expect("eight bytes"));
            let start = range.start + page * PAGE_BYTES;
            match written.last_mut() {
                _ if entry & PRESENT == 0 || entry & EXCLUSIVE == 0 => {}
                Some(last) if last.end == start => last.end += PAGE_BYTES,
                _ => written.push(start..start + PAGE_BYTES),
            }
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_written_are_told_from_others() {
        let length = 8 * PAGE_BYTES;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping, which nobody else knows of and which stays.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, access, kind, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED);
        for page in [2, 3, 6] {
            // SAFETY: inside that mapping.
            unsafe { memory.cast::<u8>().add(page * PAGE_BYTES).write_volatile(1) };
        }
        let page = |number: usize| memory.addr() + number * PAGE_BYTES;
        let two_halves = [page(0)..page(4), page(4)..page(8)];
        assert_eq!(written_of(&two_halves).unwrap(), [page(2)..page(4), page(6)..page(7)]);
        kernel::own_pages(page(0)..page(1));
        assert_eq!(written_of(&two_halves).unwrap(), [page(0)..page(1), page(2)..page(4), page(6)..page(7)]);
    }
}
