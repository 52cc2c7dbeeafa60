//! Counts the words of its input, works on files, waits, and asks for what a module does not have. What a compiler makes of it
//! is `words.wasm`:
//!
//!     rustc --target wasm32-wasip1 --edition 2024 -C opt-level=z -C lto=fat -C panic=abort -C strip=symbols \
//!         -C codegen-units=1 words.rs -o words.wasm

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> io::Result<ExitCode> {
    println!("{:?}", std::env::args().collect::<Vec<_>>());
    println!("{:?}", words()?);
    println!("{:?}", files()?);
    let (begun, date) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH));
    thread::sleep(Duration::from_millis(1500));
    println!("{} {}", date.map_or(0, |date| date.as_secs()), begun.elapsed().as_millis());
    println!("{:?}", File::open("nowhere").map_err(|error| error.kind()).map(drop));
    println!("{:?}", thread::Builder::new().spawn(|| ()).map_err(|error| error.kind()).map(drop));
    println!("{:?}", TcpStream::connect("10.0.0.1:80").map_err(|error| error.kind()).map(drop));
    eprintln!("bye");
    Ok(ExitCode::from(7))
}

fn words() -> io::Result<Vec<(String, usize)>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in io::stdin().lock().lines() {
        for word in line?.split_whitespace() {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort();
    Ok(words)
}

/// What is found of a file that was written and renamed.
fn files() -> io::Result<(Vec<String>, String)> {
    fs::create_dir_all("deep/out")?;
    let mut file = File::create("deep/out/draft")?;
    writeln!(file, "hello")?;
    file.sync_all()?;
    fs::rename("deep/out/draft", "deep/out/text")?;
    let names = fs::read_dir("deep/out")?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    Ok((names.collect::<io::Result<_>>()?, fs::read_to_string("deep/out/text")?))
}
