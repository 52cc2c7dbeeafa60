//! The one way into an embedded cluster: where its Unix socket lies, its URL, and how to ask whether anyone is in.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::NAME;
use super::host::Account;

/// Only a part of the socket's file name: nothing listens on TCP.
pub const PORT: u16 = 5432;
/// `sun_path` of `sockaddr_un`, with its closing zero.
const PATH_BYTES_MAX: usize = 108;
/// A Postgres that hangs is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Beside the files, which are private already, or in a directory under /tmp where that path is too long.
pub fn choose_directory(files: &Path, account: Account) -> Result<(PathBuf, Option<TempDir>)> {
    if file_in(files).as_os_str().len() < PATH_BYTES_MAX {
        return Ok((files.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("practicum-").tempdir_in("/tmp")?;
    account.take(temporary.path())?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

fn file_in(sockets: &Path) -> PathBuf {
    sockets.join(format!(".s.PGSQL.{PORT}"))
}

pub fn url(sockets: &Path) -> String {
    let host: String = sockets
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|&byte| match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("postgres://{NAME}@localhost/{NAME}?host={host}&port={PORT}")
}

/// What Postgres says to someone who wants to log in.
pub enum Answer {
    Ready,
    /// Starting, stopping or full.
    NotYet,
    Refused(String),
}

/// The first exchange of the wire protocol ("Message Flow", "Start-up" in Postgres' manual) and nothing after it: an
/// open socket alone says little, for Postgres listens long before it answers queries.
pub fn knock(sockets: &Path) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(file_in(sockets))?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let parameters = format!("user\0{NAME}\0database\0{NAME}\0\0");
    let length = u32::try_from(8 + parameters.len()).map_err(io::Error::other)?;
    let version_3_0 = 3_u32 << 16;
    stream.write_all(&[&length.to_be_bytes()[..], &version_3_0.to_be_bytes(), parameters.as_bytes()].concat())?;

    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    if head[0] == b'R' {
        stream.write_all(b"X\0\0\0\x04")?;
        return Ok(Answer::Ready);
    }
    let mut body = Vec::new();
    let body_bytes = u32::from_be_bytes([head[1], head[2], head[3], head[4]]).saturating_sub(4);
    stream.take(body_bytes.into()).read_to_end(&mut body)?;
    Ok(read_error(&String::from_utf8_lossy(&body)))
}

/// Fields of an ErrorResponse are a letter and a text each: `C` the SQLSTATE, `M` the message.
fn read_error(body: &str) -> Answer {
    let field = |letter: char| body.split('\0').find_map(|text| text.strip_prefix(letter)).unwrap_or_default();
    match field('C') {
        "57P03" | "53300" => Answer::NotYet,
        _ => Answer::Refused(field('M').to_owned()),
    }
}
