//! The published samples and captures, where they are present.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use schakel_csta_wire::{Edition, Encoder, Message, decode, text_of};

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/csta").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "xml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_sample_of_the_main_flows_is_a_known_message() {
    let Some(folder) = shared("samples") else { return };
    // Call detail records are no part of what is spoken here.
    let declined = ["CDRReport", "StartCDRTransmission"];
    let files = files(&folder);
    assert!(files.len() > 80);
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let text = text_of(&bytes).unwrap();
        let decoded = decode(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(decoded.edition, Edition::Ed6, "{}", file.display());
        match &decoded.message {
            Message::Declined(d) => assert!(declined.contains(&&*d.root), "{}", file.display()),
            message => {
                // What is understood of a sample is written and understood again.
                let again = Encoder::new(Edition::Ed6).to_vec(message);
                let again = String::from_utf8(again).unwrap();
                assert_eq!(&decode(&again).unwrap().message, message, "{}", file.display());
            }
        }
    }
}

#[test]
fn nothing_in_the_corpus_of_real_dialects_panics_and_the_well_formed_is_read() {
    let Some(folder) = shared("corpus") else { return };
    let files = files(&folder);
    assert!(files.len() > 100);
    let mut declined = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let text = text_of(&bytes).unwrap();
        match decode(&text) {
            Ok(decoded) => {
                if let Message::Declined(d) = decoded.message {
                    declined.push(d.root.into_owned());
                }
            }
            // The one file that its author left malformed.
            Err(error) => {
                assert!(file.ends_with("avaya-dmcc/013-StopApplicationSession.xml"), "{file:?}: {error}")
            }
        }
    }
    declined.sort();
    declined.dedup();
    println!("declined: {declined:?}");
    for root in ["presence", "iq", "loginResponce", "keepalive"] {
        assert!(declined.iter().any(|d| d == root), "{root}");
    }
}
