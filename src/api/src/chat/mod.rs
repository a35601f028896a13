//! What routes of chats share: files, transcripts as pages, streams, and the door for visitors' programs.

pub(crate) mod attachment;
pub(crate) mod transcript;
