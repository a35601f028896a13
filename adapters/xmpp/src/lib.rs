//! The XMPP adapter: visitors who chat over an XMPP server, behind the house's seam
//! [`schakel_core::adapter::Adapter`].
//!
//! ```text
//!   stanza ─► guard.rs ─► incoming.rs      what is bearable, and which stanza is for whom
//!                          ├ session.rs    the connection: questions and answers, what the server has taken
//!                          ├ hear.rs       visitors who write to an address of ours
//!                          ├ archive.rs    what was said while we were away (XEP-0313)
//!                          ├ room.rs       rooms of visitors and agents (XEP-0045): who is in them
//!                          ├ room_talk.rs  and what is said there
//!                          ├ private.rs    rooms of agents only
//!                          ├ workgroup.rs  queues that the server keeps (XEP-0142)
//!                          ├ presence.rs   who is there (RFC 6121)
//!                          └ service.rs    questions of others (XEP-0030)
//!   Converse ─► say.rs ─► upload.rs        what is said to visitors, with files (XEP-0363)
//! ```
//!
//! A pure state machine: stanzas in, stanzas out, time as an argument, deadlines asked for. The link owns sockets,
//! TLS, login and stream management. Conversations are known by ids that
//! say where they are (`own.rs`), and so survive a restart.

mod alone;
mod archive;
mod conversation;
mod guard;
mod hear;
mod incoming;
mod own;
mod presence;
mod private;
mod room;
mod room_talk;
mod say;
mod seat;
mod service;
mod session;
pub mod settings;
mod upload;
mod wire;
mod workgroup;

pub use session::Xmpp;
pub use settings::{Limits, Settings, SettingsError, Shape, Times};
