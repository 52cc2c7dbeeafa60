//! `practicum openapi`.

use clap::Args;

use crate::http;

/// Print the API document (OpenAPI 3.1, JSON)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  practicum openapi > openapi.json")]
pub struct Openapi {}

impl Openapi {
    pub fn run(self) -> anyhow::Result<()> {
        println!("{}", http::openapi().to_pretty_json()?);
        Ok(())
    }
}
