//! Chats: stories of agents, visitors and queues. One a requirement.

#![allow(clippy::expect_used, clippy::panic, reason = "a story that does not hold must stop its test")]

#[path = "../common/mod.rs"]
mod common;
mod world;

mod channel;
mod coming;
mod desk;
mod endings;
mod interleaving;
mod lost;
mod offers;
mod parties;
mod talk;
mod texts;
mod visit;
