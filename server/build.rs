//! The schema and the web app are compiled into the binary: this says when to compile again, and makes sure that the
//! web app's folder is there even before it was first built.

use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../web/dist");
    let dist = Path::new("../web/dist");
    if let Err(error) = fs::create_dir_all(dist) {
        println!("cargo::error=create {}: {error}", dist.display());
    }
}
