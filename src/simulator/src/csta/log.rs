//! The last messages, as text, for people.

use std::collections::VecDeque;

use serde::Serialize;

/// One message that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Milliseconds since the simulator began.
    pub at: u64,
    /// The link.
    pub link: u64,
    /// `>` from the PBX, `<` to the PBX, `!` a remark.
    pub direction: char,
    /// The invoke id of the frame; empty for a remark.
    pub invoke: String,
    /// The message.
    pub text: String,
}

/// A bounded list of messages.
pub(crate) struct MessageLog {
    entries: VecDeque<LogEntry>,
    most: usize,
}

impl MessageLog {
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: VecDeque::new(), most }
    }

    pub(crate) fn add(&mut self, at: u64, link: u64, direction: char, invoke: &[u8], bytes: &[u8]) {
        if self.most == 0 {
            return;
        }
        if self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.entries.push_back(LogEntry { at, link, direction, invoke: text(invoke), text: text(bytes) });
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.entries.iter().cloned().collect()
    }
}
