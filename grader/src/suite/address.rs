//! Where a program listens, as exercise.toml and suites name it.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::submission::FileName;

/// `HOST:PORT` by TCP, `udp:HOST:PORT`, or `unix:NAME` for a socket in the program's work folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Address {
    Tcp(SocketAddr),
    Udp(SocketAddr),
    Unix(FileName),
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Address, String> {
        let socket = |text: &str| {
            text.parse().map_err(|_| format!("{text:?} is no ADDRESS:PORT, such as 127.0.0.1:7000 or udp:[::1]:7000"))
        };
        if let Some(name) = text.strip_prefix("unix:") {
            return FileName::parse(name.as_bytes()).map(Address::Unix).map_err(|error| error.to_string());
        }
        match text.strip_prefix("udp:") {
            Some(text) => socket(text).map(Address::Udp),
            None => socket(&text).map(Address::Tcp),
        }
    }
}
