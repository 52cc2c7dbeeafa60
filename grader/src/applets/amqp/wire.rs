//! Bytes to frames and back. The codec of methods and tables is the crate's; how long a frame may be is decided here,
//! before anything of it is parsed.

use amq_protocol::frame::{AMQPFrame, gen_frame, parse_frame};

/// Largest frame, as RabbitMQ tunes it.
pub const FRAME_BYTES_MAX: usize = 128 << 10;
/// Largest method or content header. Tables in tables are parsed by recursion: this bounds its depth.
pub const METHOD_BYTES_MAX: usize = 16 << 10;

const FRAME_HEAD_BYTES: usize = 7;
const FRAME_END: u8 = 206;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
/// `AMQP`, 0, and the version 0-9-1.
pub const GREETING: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// What a client's bytes are, if they are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first eight bytes ask for another protocol.
    Greeting,
    /// The frame is too long, or does not end where it says.
    Frame(&'static str),
    /// Its content is no method, or no content header.
    Syntax,
}

/// Bytes of one client that are not yet frames.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    greeted: bool,
}

impl Inbox {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first frame off if it is complete. After an error nothing more is to be read from this client.
    pub fn next_frame(&mut self) -> Result<Option<AMQPFrame>, Malformed> {
        let Some(length) = self.first_length()? else { return Ok(None) };
        if self.bytes.len() < length {
            return Ok(None);
        }
        let rest = self.bytes.split_off(length);
        let bytes = std::mem::replace(&mut self.bytes, rest);
        if self.greeted && bytes[length - 1] != FRAME_END {
            return Err(Malformed::Frame("a frame does not end where its length says"));
        }
        self.greeted = true;
        let (_, frame) = parse_frame(bytes.as_slice()).map_err(|_| Malformed::Syntax)?;
        Ok(Some(frame))
    }

    /// How long the first frame is, once that is known.
    fn first_length(&self) -> Result<Option<usize>, Malformed> {
        if !self.greeted {
            let came = &self.bytes[..self.bytes.len().min(GREETING.len())];
            return if GREETING.starts_with(came) { Ok(Some(GREETING.len())) } else { Err(Malformed::Greeting) };
        }
        let Some(head) = self.bytes.first_chunk::<FRAME_HEAD_BYTES>() else { return Ok(None) };
        let [kind, _, _, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize + FRAME_HEAD_BYTES + 1;
        let most = match kind {
            BODY => FRAME_BYTES_MAX,
            1 | 2 => METHOD_BYTES_MAX,
            HEARTBEAT => FRAME_HEAD_BYTES + 1,
            _ => return Err(Malformed::Frame("a frame of unknown type")),
        };
        if length > most { Err(Malformed::Frame("a frame is longer than was agreed")) } else { Ok(Some(length)) }
    }
}

/// Adds a frame's bytes to `out`.
pub fn encode(frame: &AMQPFrame, out: &mut Vec<u8>) {
    let context = gen_frame(frame)(Vec::new().into()).expect("a frame of ours has a form");
    out.extend_from_slice(&context.into_inner().0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_the_stream_is_cut() {
        let mut stream = GREETING.to_vec();
        encode(&AMQPFrame::Heartbeat, &mut stream);
        encode(&AMQPFrame::Body(3, b"abc".to_vec()), &mut stream);
        let mut inbox = Inbox::default();
        let mut frames = Vec::new();
        for byte in &stream {
            inbox.feed(std::slice::from_ref(byte));
            frames.extend(inbox.next_frame().unwrap());
        }
        assert_eq!(frames[1..], [AMQPFrame::Heartbeat, AMQPFrame::Body(3, b"abc".to_vec())]);
    }

    #[test]
    fn what_is_no_frame_is_refused_at_its_head() {
        let refused = |bytes: &[u8]| {
            let mut inbox = Inbox::default();
            inbox.feed(GREETING);
            inbox.next_frame().unwrap();
            inbox.feed(bytes);
            inbox.next_frame().unwrap_err()
        };
        assert!(matches!(refused(&[1, 0, 1, 0xff, 0xff, 0xff, 0xff]), Malformed::Frame(_)));
        assert!(matches!(refused(&[7, 0, 1, 0, 0, 0, 0]), Malformed::Frame(_)));
        assert!(matches!(refused(&[3, 0, 1, 0, 0, 0, 1, 65, 66]), Malformed::Frame(_)));
        assert_eq!(refused(&[1, 0, 1, 0, 0, 0, 2, 65, 66, FRAME_END]), Malformed::Syntax);
        let mut inbox = Inbox::default();
        inbox.feed(b"GET");
        assert_eq!(inbox.next_frame().unwrap_err(), Malformed::Greeting);
    }

    #[test]
    fn a_table_may_hold_tables_as_deep_as_a_method_is_long() {
        // basic.publish's content header with nothing but arrays in arrays.
        let depth = (METHOD_BYTES_MAX - 100) / 5;
        let mut array = Vec::new();
        for level in 0..depth {
            array.push(b'A');
            array.extend_from_slice(&u32::try_from(5 * (depth - 1 - level)).unwrap().to_be_bytes());
        }
        let table = [&[1, b'x'], array.as_slice()].concat();
        let mut payload = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0];
        payload.extend_from_slice(&u32::try_from(table.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(&table);
        let mut frame = vec![2, 0, 1];
        frame.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(&payload);
        frame.push(FRAME_END);
        let parse = move || {
            let mut inbox = Inbox::default();
            inbox.feed(GREETING);
            inbox.next_frame().unwrap();
            inbox.feed(&frame);
            inbox.next_frame().is_ok()
        };
        assert!(super::super::with_room_for_recursion(parse).unwrap());
    }
}
