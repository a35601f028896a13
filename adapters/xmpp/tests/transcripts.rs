//! Replays every transcript of `protocol-fixtures/xmpp`. `UPDATE_FIXTURES=1` writes the expectations anew.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{fixtures, replay};

/// What must be shown.
const FLOWS: [&str; 17] = [
    "client-chat",
    "client-catch-up",
    "archive-troubles",
    "client-forged",
    "forged-occupants",
    "last-words",
    "component-chat",
    "flood",
    "room-component",
    "room-client",
    "room-lost",
    "room-put-out",
    "room-reconnect",
    "private-room",
    "services",
    "upload",
    "workgroup",
];

#[test]
fn c01_o14_w09_every_transcript_comes_out_as_written() {
    let mut failures = Vec::new();
    for flow in FLOWS {
        failures.extend(replay(&fixtures().join(format!("{flow}.txt"))).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_transcript_that_is_not_so_is_found_out() {
    let text = std::fs::read_to_string(fixtures().join("client-chat.txt")).unwrap();
    let wrong = text.replacen("= resynced", "= closed", 1);
    assert!(text != wrong);
    let folder = std::env::temp_dir().join(format!("schakel-xmpp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("wrong.txt");
    std::fs::write(&copy, wrong).unwrap();
    let result = replay(&copy);
    std::fs::remove_dir_all(&folder).unwrap();
    let updating = std::env::var_os("UPDATE_FIXTURES").is_some();
    assert!(updating || result.unwrap_err().contains("= closed"));
}
