//! End to end, over real sockets: a simulated PBX, the daemon, and a stand-in for JKC.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is untrue"
)]

mod agents;
mod calls;
mod chaos;
mod chat_ends;
mod chat_kill;
mod chats;
mod day;
mod disk;
mod harness;
mod kill;
mod links;
mod privacy;
mod private;
mod process;
mod register;
mod report;
mod routing;
mod sins;
mod storm;
mod transfers;
mod two;
