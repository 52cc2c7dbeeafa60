//! The Pythons of the simulated lane, each under its SHA-256.

#[cfg(test)]
mod tests;

use std::io::{Read, Write};

use anyhow::{Context, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use grader::runtime::{self, RUNTIME_BYTES_MAX};
use sqlx::PgPool;

pub async fn has(db: &PgPool, sha256: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (
             select
             from runtimes
             where sha256 = $1)",
    )
    .bind(sha256)
    .fetch_one(db)
    .await
}

/// Adds a component; nothing, if it is there.
pub async fn add(db: &PgPool, component: Vec<u8>) -> anyhow::Result<()> {
    let size = i64::try_from(component.len())?;
    let (sha256, packed) = tokio::task::spawn_blocking(move || (runtime::sha256(&component), pack(&component))).await?;
    sqlx::query(
        "insert into runtimes (sha256, size, component)
         values ($1, $2, $3)
         on conflict (sha256) do nothing",
    )
    .bind(sha256)
    .bind(size)
    .bind(packed)
    .execute(db)
    .await?;
    Ok(())
}

/// The component of that name, and no other.
pub async fn component(db: &PgPool, sha256: &str) -> anyhow::Result<Vec<u8>> {
    let packed: Vec<u8> = sqlx::query_scalar(
        "select component
         from runtimes
         where sha256 = $1",
    )
    .bind(sha256)
    .fetch_one(db)
    .await
    .with_context(|| format!("load runtime {sha256}"))?;
    let unpacked = tokio::task::spawn_blocking(move || unpack(&packed).map(|it| (runtime::sha256(&it), it)));
    let (found, component) = unpacked.await?.with_context(|| format!("unpack runtime {sha256}"))?;
    ensure!(found == sha256, "runtime {sha256} has other content");
    Ok(component)
}

fn pack(component: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(component).and_then(|()| packed.finish()).expect("writing to memory does not fail")
}

fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut component = Vec::new();
    GzDecoder::new(packed).take(RUNTIME_BYTES_MAX).read_to_end(&mut component)?;
    Ok(component)
}
