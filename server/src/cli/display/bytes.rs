//! Two byte strings that should have been equal, as rows of hex and text; the row with the first difference is marked.
//! Where parts of the wanted bytes have names, these stand below them:
//!
//! ```text
//!      >00000000  50 52 41 43 00 00 00 05                          PRAC....
//!                 magic────── length─────
//! ```

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use grader::report::Field;

use super::printable;

const ROW_BYTES: usize = 16;
/// Of a byte in hex, and the blank behind it.
const COLUMN: usize = 3;

/// The parts of the evidence.
pub struct Bytes<'a> {
    pub got: &'a str,
    pub want: &'a str,
    pub offset: u64,
    pub first_difference: u64,
    pub fields: &'a [Field],
}

pub fn write(text: &mut String, bytes: &Bytes<'_>) {
    // Behind the field that differs, what came need not be laid out as what was wanted.
    let known = bytes.fields.iter().take_while(|field| field.from <= bytes.first_difference).count();
    value(text, "got", bytes.got, bytes, &bytes.fields[..known]);
    value(text, "wanted", bytes.want, bytes, bytes.fields);
}

fn value(text: &mut String, name: &str, encoded: &str, bytes: &Bytes<'_>, fields: &[Field]) {
    let content = BASE64_STANDARD.decode(encoded).unwrap_or_default();
    let _ = writeln!(text, "      {name}:{}", if content.is_empty() { " nothing" } else { "" });
    for (row, chunk) in content.chunks(ROW_BYTES).enumerate() {
        let start = bytes.offset + (row * ROW_BYTES) as u64;
        let marked = (start..start + ROW_BYTES as u64).contains(&bytes.first_difference);
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let ascii: String =
            chunk.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
        let mark = if marked { '>' } else { ' ' };
        let _ = writeln!(text, "     {mark}{start:08x}  {:<47}  {ascii}", hex.join(" "));
        if let Some(names) = names(fields, start, chunk.len() as u64, row == 0) {
            let _ = writeln!(text, "                {names}");
        }
    }
}

/// The line below a row; `None` where no field is to be named: each is where it begins, and once more where there was too
/// little room for its name.
fn names(fields: &[Field], start: u64, length: u64, first: bool) -> Option<String> {
    let end = start + length;
    let here: Vec<&Field> = fields.iter().filter(|field| field.from < end && field.to > start).collect();
    let was_cut = |field: &Field| {
        let room = start.saturating_sub(field.from) as usize * COLUMN;
        (1..=ROW_BYTES * COLUMN).contains(&room) && room <= field.name.chars().count()
    };
    let named = |field: &Field| first || field.from >= start || was_cut(field);
    if !here.iter().any(|field| named(field)) {
        return None;
    }
    let mut line = String::new();
    for field in here {
        let column = (field.from.max(start) - start) as usize * COLUMN;
        let width = (field.to.min(end) - field.from.max(start)) as usize * COLUMN - 1;
        let name = if named(field) { cut(&printable(&field.name), width) } else { String::new() };
        let _ = write!(line, "{}{name:─<width$}", " ".repeat(column - line.chars().count()));
    }
    Some(line)
}

fn cut(name: &str, width: usize) -> String {
    match name.chars().count() > width {
        true => name.chars().take(width - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, from: u64, to: u64) -> Field {
        Field { name: name.to_owned(), from, to }
    }

    #[test]
    fn names_stand_below_their_bytes() {
        let fields = [field("magic", 0, 4), field("kind", 4, 5), field("length", 6, 8), field("body", 8, 40)];
        let (got, want) = (b"PRAC\x01\0\0\x06abcdefghijklmnop", b"PRAC\x01\0\0\x05abcdefghijklmnop");
        let encoded = (BASE64_STANDARD.encode(got), BASE64_STANDARD.encode(want));
        let bytes = Bytes { got: &encoded.0, want: &encoded.1, offset: 0, first_difference: 7, fields: &fields };
        let mut text = String::new();
        write(&mut text, &bytes);
        let expected = "      got:
     >00000000  50 52 41 43 01 00 00 06 61 62 63 64 65 66 67 68  PRAC....abcdefgh
                magic────── k…    leng…
      00000010  69 6a 6b 6c 6d 6e 6f 70                          ijklmnop
      wanted:
     >00000000  50 52 41 43 01 00 00 05 61 62 63 64 65 66 67 68  PRAC....abcdefgh
                magic────── k…    leng… body───────────────────
      00000010  69 6a 6b 6c 6d 6e 6f 70                          ijklmnop
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn a_field_that_began_before_is_named_in_the_first_row() {
        assert_eq!(names(&[field("body", 8, 500)], 96, 16, true).unwrap(), format!("body{}", "─".repeat(43)));
        assert_eq!(names(&[field("body", 8, 500)], 112, 16, false), None);
        assert_eq!(names(&[field("body", 8, 113)], 112, 1, false), None);
        assert_eq!(names(&[field("length", 15, 19)], 16, 16, false).unwrap(), "length──");
        assert_eq!(names(&[field("body", 8, 114), field("sum", 114, 116)], 112, 4, false).unwrap(), "───── sum──");
    }
}
