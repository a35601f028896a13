//! Decoding: any bytes. What is understood is written for each edition, and understood again as the same kind of message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schakel_csta_wire::{Edition, Encoder, Message, decode, documents, leaves, text_of};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = text_of(data) else { return };
    let mut end = 0;
    for (at, document) in documents(&text) {
        assert!(at >= end && !document.is_empty());
        end = at + document.len();
    }
    let decoded = match decode(&text) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(error.offset <= text.len());
            assert!(leaves(&text).is_err());
            return;
        }
    };
    assert!(leaves(&text).is_ok());
    if matches!(decoded.message, Message::Declined(_)) {
        return;
    }
    for edition in [Edition::Ed3, Edition::Ed4, Edition::Ed6] {
        let written = Encoder::new(edition).to_vec(&decoded.message);
        let written = text_of(&written).expect("what is written is text");
        let again = decode(&written).expect("what is written is read");
        assert_eq!(again.message.root(), decoded.message.root());
    }
});
