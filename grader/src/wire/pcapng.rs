//! Packets as a pcapng file (draft-ietf-opsawg-pcapng), which Wireshark and tcpdump read.
//!
//! One section, one interface with raw IP packets and nanoseconds, then a block for each packet. Little-endian.

use std::time::Duration;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
/// LINKTYPE_RAW: packets begin with their IP header.
const LINK_TYPE_RAW: u16 = 101;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_INTERFACE_NAME: u16 = 2;
const OPTION_APPLICATION: u16 = 4;
const OPTION_TIME_RESOLUTION: u16 = 9;
const NANOSECONDS: u8 = 9;

/// What a block has around a packet and its comment, at most.
pub const BLOCK_BYTES: usize = 48;

/// One packet of the file.
pub struct Entry<'a> {
    pub at: Duration,
    pub whole_length: usize,
    pub bytes: &'a [u8],
    pub comment: Option<String>,
}

pub fn file<'a>(snap_bytes: u32, entries: impl IntoIterator<Item = Entry<'a>>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut header = Vec::new();
    header.extend(BYTE_ORDER_MAGIC.to_le_bytes());
    // Version 1.0, and a section of unknown length.
    header.extend([1, 0, 0, 0]);
    header.extend([0xff; 8]);
    option(&mut header, OPTION_APPLICATION, b"practicum");
    option(&mut header, OPTION_END, b"");
    block(&mut file, SECTION_HEADER, &header);

    let mut interface = Vec::new();
    interface.extend(LINK_TYPE_RAW.to_le_bytes());
    interface.extend([0; 2]);
    interface.extend(snap_bytes.to_le_bytes());
    option(&mut interface, OPTION_INTERFACE_NAME, b"lo");
    option(&mut interface, OPTION_TIME_RESOLUTION, &[NANOSECONDS]);
    option(&mut interface, OPTION_END, b"");
    block(&mut file, INTERFACE, &interface);

    for entry in entries {
        block(&mut file, ENHANCED_PACKET, &packet(&entry));
    }
    file
}

fn packet(entry: &Entry<'_>) -> Vec<u8> {
    let at = entry.at.as_nanos() as u64;
    let mut body = Vec::new();
    // The first and only interface.
    body.extend(0_u32.to_le_bytes());
    body.extend(((at >> 32) as u32).to_le_bytes());
    body.extend((at as u32).to_le_bytes());
    body.extend((entry.bytes.len() as u32).to_le_bytes());
    body.extend((entry.whole_length as u32).to_le_bytes());
    padded(&mut body, entry.bytes);
    if let Some(comment) = &entry.comment {
        option(&mut body, OPTION_COMMENT, comment.as_bytes());
        option(&mut body, OPTION_END, b"");
    }
    body
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (body.len() as u32 + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.extend(length);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    padded(body, value);
}

fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types and bodies of a file's blocks, read as the format says.
    fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let length = number(file, 4) as usize;
            assert_eq!(length % 4, 0);
            assert_eq!(number(file, length - 4) as usize, length);
            blocks.push((number(file, 0), file[8..length - 4].to_vec()));
            file = &file[length..];
        }
        blocks
    }

    #[test]
    fn a_file_reads_back_block_by_block() {
        let at = Duration::new(1_700_000_000, 123_456_789);
        let whole = Entry { at, whole_length: 5, bytes: b"\x45abcd", comment: None };
        let cut = Entry { at, whole_length: 999, bytes: b"\x45abc", comment: Some("here".to_owned()) };
        let blocks = blocks(&file(1600, [whole, cut]));
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [SECTION_HEADER, INTERFACE, ENHANCED_PACKET, ENHANCED_PACKET]);
        assert_eq!(blocks[0].1[..4], BYTE_ORDER_MAGIC.to_le_bytes());
        assert_eq!(blocks[1].1[..2], LINK_TYPE_RAW.to_le_bytes());

        let (_, body) = &blocks[2];
        let word = |at: usize| u64::from(u32::from_le_bytes(body[at..at + 4].try_into().unwrap()));
        assert_eq!(Duration::from_nanos(word(4) << 32 | word(8)), at);
        assert_eq!((word(12), word(16)), (5, 5));
        assert_eq!(body[20..], *b"\x45abcd\0\0\0");

        let (_, body) = &blocks[3];
        assert_eq!(body[12..20], [4, 0, 0, 0, 0xe7, 3, 0, 0]);
        assert_eq!(body[20..], *b"\x45abc\x01\0\x04\0here\0\0\0\0");
    }
}
