//! Replays every transcript of `protocol-fixtures/csta`. `UPDATE_FIXTURES=1` writes the expectations anew.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{CstaWire, DIALECTS, adapter, fixtures};

/// What every dialect must show.
const FLOWS: [&str; 19] = [
    "agent-day",
    "agent-polled",
    "re-route",
    "route-aborted",
    "route-rejected",
    "route-rejected-to-network",
    "route-selected",
    "abandoned",
    "cold-transfer",
    "conference",
    "deflect",
    "errors",
    "hold-retrieve",
    "inbound",
    "link-status",
    "outbound",
    "queue",
    "take-back",
    "warm-transfer",
];

#[test]
fn t03_to_t09_every_transcript_comes_out_as_written() {
    let mut failures = Vec::new();
    for dialect in DIALECTS {
        let paths = schakel_testkit::transcripts(&fixtures().join(dialect));
        for path in paths {
            if let Err(mismatch) = schakel_testkit::replay(&path, &mut CstaWire::default(), &adapter) {
                failures.push(mismatch.to_string());
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_flow_has_a_transcript_in_every_dialect() {
    for dialect in DIALECTS {
        for flow in FLOWS {
            let path = fixtures().join(dialect).join(format!("{flow}.txt"));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}

#[test]
fn a_transcript_that_is_not_so_is_found_out() {
    let path = fixtures().join("standard-ed4/inbound.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let wrong = text.replacen("cause newCall", "cause busy", 1);
    assert_ne!(text, wrong);
    let folder = std::env::temp_dir().join(format!("schakel-transcript-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("wrong.txt");
    std::fs::write(&copy, wrong).unwrap();
    let result = schakel_testkit::replay(&copy, &mut CstaWire::default(), &adapter);
    std::fs::remove_dir_all(&folder).unwrap();
    let updating = std::env::var_os("UPDATE_FIXTURES").is_some();
    assert!(updating || result.unwrap_err().to_string().contains("cause busy"));
}
