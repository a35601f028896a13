//! Annex J framing: any bytes, cut anywhere. Frames come out the same however they are cut, and what comes out can
//! be put in again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schakel_csta_wire::{Deframer, Desync, InvokeId, MAX_FRAME_BYTES, encode_frame};

type Frames = (Vec<(InvokeId, Vec<u8>)>, Option<Desync>);

fn frames(bytes: &[u8], cut: usize) -> Frames {
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut found = Vec::new();
    for piece in bytes.chunks(cut) {
        deframer.push(piece);
        loop {
            match deframer.next_frame() {
                Ok(Some(frame)) => found.push((frame.invoke, frame.body.to_vec())),
                Ok(None) => break,
                Err(desync) => return (found, Some(desync)),
            }
        }
    }
    (found, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else { return };
    let whole = frames(bytes, bytes.len().max(1));
    assert_eq!(frames(bytes, usize::from(*cut).max(1)), whole);
    let mut again = Vec::new();
    for (invoke, body) in &whole.0 {
        encode_frame(*invoke, body, &mut again).expect("a frame that came out goes in");
    }
    assert_eq!(frames(&again, again.len().max(1)), (whole.0, None));
});
