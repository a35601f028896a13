//! The outward JSON, made from a small world and read back as a receiver reads it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod chat;
mod event;
mod reply;
mod world;
