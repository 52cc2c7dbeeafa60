//! What an examiner may write to the grader: frames, and in them words of the protocol. The examiner reads what students
//! make, so it is believed no more than a stranger.

#![no_main]

use grader::protocol::{Ask, Asked, FilesAsk};
use grader::submission::FileName;
use grader_fuzz::check;
use grader_fuzz::stream::stream;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize as _;

fuzz_target!(|input: &[u8]| {
    let piece = usize::from(input.first().copied().unwrap_or(0) / 2) + 1;
    let (messages, _) = check(&stream(input), piece);
    for message in messages {
        let Ok(Asked { ask, .. }) = Asked::deserialize(&message.head) else { continue };
        if let Ask::Files(FilesAsk { name, .. }) = ask
            && let Ok(name) = FileName::parse(name.as_bytes())
        {
            let parts = name.as_str().split('/');
            let inside = parts.clone().all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'));
            assert!(inside, "{name:?} leaves the work folder");
        }
    }
});
