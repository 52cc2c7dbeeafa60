//! The simulator: runs clusters of a student's programs, and single ones, on a machine that is simulated.
//!
//! It is this program, started again as `/practicum/simulator simulator` in the submission's sandbox, for the programs
//! that it runs are the student's: wasmtime holds them, and should one ever break out of it, it is where native programs
//! of students are. Descriptor 3 is the channel to the library, of the one framing; descriptor 4 is the compiled runtime,
//! which the grader opened outside. It obeys [`Order`]s until the channel ends, decides nothing and keeps no secret. What
//! it answers is read like a stranger's: it could have been forged, as what any process of a student's says.

pub mod evidence;
mod shared;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use simulation::disk::Image;
use simulation::words::{Answer, Order};
use simulation::{Machine, Precompiler};

use crate::channel::Channel;
use crate::sandbox::inherited;

pub use self::shared::Shared;

/// The word that makes this binary the simulator.
pub const WORD: &str = "simulator";
const CHANNEL: i32 = 3;
const RUNTIME: i32 = 4;

/// Obeys the orders of the library.
pub fn run() -> io::Result<()> {
    let mut channel = Channel::new(inherited(CHANNEL)?);
    let machine = Machine::from_compiled(File::from(inherited(RUNTIME)?)).map_err(io::Error::other)?;
    let mut precompiler = Precompiler::new(&machine);
    let mut images = BTreeMap::new();
    while let Some(frame) = channel.receive()? {
        match frame.head()? {
            Order::Image { name, files } => {
                let mut image = unpacked(files, &frame.tail)?;
                precompiler.add_to(&mut image).map_err(io::Error::other)?;
                images.insert(name, image);
            }
            Order::Run(cluster) => {
                let (answer, tail) = match machine.run(&cluster, &images) {
                    Ok(ran) => (Answer::Ran, serde_json::to_vec(&ran).expect("what was seen is plain data")),
                    Err(trouble) => (Answer::Refused(trouble.to_string()), vec![]),
                };
                channel.send(&answer, &tail, &[])?;
            }
        }
    }
    Ok(())
}

/// The files of an image, whose contents lie one after the other.
fn unpacked(files: Vec<(String, u64)>, contents: &[u8]) -> io::Result<Image> {
    let mut rest = contents;
    let mut image = Image::new();
    for (path, length) in files {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (content, after) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        image.insert(path, content.to_vec());
        rest = after;
    }
    Ok(image)
}
