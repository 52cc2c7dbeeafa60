//! Python files, compiled before anything runs.
//!
//! A program is started hundreds of times, on every node and in every run, and to compile it takes longer than all the rest
//! of its start. So each file of an image is compiled once, and what comes of it is put into the image, where the
//! interpreter looks for it. It holds for that very text: a program that writes its own file anew is compiled anew.
//!
//! Compiling is done on a machine of its own for each file, which runs nothing but [`SCRIPT`]: no text has a say in what
//! another one is compiled to. What cannot be compiled so is left to whoever starts it, who is told why.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::disk::Image;
use crate::machine::{Machine, Trouble};
use crate::words::{Cluster, Limits, Network, Node, Pace, Program, SECOND};

const SCRIPT: &str = include_str!("precompile.py");
const SCRIPT_PATH: &str = "precompile/precompile.py";

/// Of one file; a larger one is compiled by each life that runs it.
const SOURCE_BYTES_MAX: usize = 256 << 10;
/// Of one image.
const FILES_MAX: usize = 64;
/// About a second.
const FUEL_MAX: u64 = 5_000_000_000;

/// A file: its path and what is in it.
type Content = (String, Vec<u8>);

/// Compiles images, and remembers what it has compiled.
#[derive(Debug)]
pub struct Precompiler<'a> {
    machine: &'a Machine,
    /// By source. None where it cannot be compiled.
    known: BTreeMap<Content, Option<Content>>,
}

impl<'a> Precompiler<'a> {
    pub fn new(machine: &'a Machine) -> Precompiler<'a> {
        Precompiler { machine, known: BTreeMap::new() }
    }

    /// The image with its Python files compiled, as far as they can be.
    pub fn add_to(&mut self, image: &mut Image) -> Result<(), Trouble> {
        let sources: Vec<Content> = image
            .iter()
            .filter(|(path, text)| path.ends_with(".py") && text.len() <= SOURCE_BYTES_MAX)
            .take(FILES_MAX)
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        for source in sources {
            let compiled = match self.known.get(&source) {
                Some(compiled) => compiled.clone(),
                None => {
                    let compiled = compile(self.machine, &source)?;
                    self.known.insert(source, compiled.clone());
                    compiled
                }
            };
            image.extend(compiled);
        }
        Ok(())
    }
}

/// Where it belongs and what it is.
fn compile(machine: &Machine, (path, text): &Content) -> Result<Option<Content>, Trouble> {
    let image = Image::from([(path.clone(), text.clone()), (SCRIPT_PATH.to_owned(), SCRIPT.into())]);
    let ran = machine.run(&alone(path), &BTreeMap::from([("sources".to_owned(), image)]))?;
    let left = &ran.nodes[0].files;
    Ok(left.iter().find(|(path, _)| path.starts_with("pycache/")).and_then(|(path, bytes)| {
        let bytes = STANDARD.decode(bytes).ok()?;
        Some((path.clone(), bytes))
    }))
}

fn alone(path: &str) -> Cluster {
    let node = Node {
        name: "compiler".to_owned(),
        program: Program::Python { argv: vec![format!("/{SCRIPT_PATH}"), format!("/{path}")] },
        image: "sources".to_owned(),
        env: BTreeMap::new(),
        stdin: String::new(),
        starts_at: 0,
        reports: false,
        clock_offset: 0,
        clock_drift_ppm: 0,
    };
    Cluster {
        nodes: vec![node],
        script: vec![],
        network: Network::default(),
        pace: Pace::default(),
        seed: 0,
        until: 60 * SECOND,
        limits: Limits { fuel: FUEL_MAX, ..Limits::default() },
        trace: false,
    }
}
