//! schakel connects JOIN Klantcontact (JKC) to telephony and chat: a headless daemon that turns CSTA XML into one call
//! model, and gives that model to JKC over signed webhooks, a REST API and a resumable event stream.
//!
//! This crate puts the rooms of the house together: configuration, links, the registry of adapters, and the command
//! line. `ARCHITECTURE.md` draws the whole.

pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod hours;
pub mod jkc;
pub mod link;
pub mod observe;
pub mod registry;
pub mod serve;
pub mod softphone;
pub mod tls;
