//! Replays every transcript of `protocol-fixtures/template`. `UPDATE_FIXTURES=1` writes the expectations anew.

mod support;

use std::path::Path;

use schakel_template::dialect::STANDARD;
use schakel_testkit::{Wire, replay, transcripts};

/// A unit is a line.
struct Lines;

impl Wire for Lines {
    fn encode(&self, text: &str) -> Result<Vec<u8>, String> {
        Ok(format!("{text}\n").into_bytes())
    }

    fn decode(&mut self, bytes: &[u8]) -> Vec<String> {
        String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
    }
}

#[test]
fn every_transcript_comes_out_as_written() {
    let paths = transcripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol-fixtures/template"));
    assert!(!paths.is_empty());
    for path in paths {
        if let Err(mismatch) = replay(&path, &mut Lines, &|_| Ok(support::adapter(&STANDARD))) {
            panic!("{mismatch}");
        }
    }
}
