//! The CSTA adapter: ECMA-323 (CSTA XML) over TCP or TLS with Annex J framing,
//! behind the house's seam [`schakel_core::adapter::Adapter`].
//!
//! ```text
//!   bytes ─► Deframer ─► decode ─► incoming.rs   which message is for whom
//!                                 ├ session.rs   greeting, session, capabilities, heartbeat, request matching
//!                                 ├ watch.rs     monitors, and what happens before they are there
//!                                 ├ snapshot.rs  what a device looks like now
//!                                 ├ translate.rs events → EventReport
//!                                 ├ routeing.rs  where shall this call go?
//!                                 ├ agents.rs    agents of the PBX
//!                                 └ command.rs   operations → requests, responses → Done | Refusal
//! ```
//!
//! A pure state machine: bytes in, bytes out, time as an argument, deadlines asked
//! for. The codec is `schakel-csta-wire`; what differs between products is data in
//! [`dialect`]. [`inspect()`] shows what is understood of any message.

mod agents;
mod command;
mod device;
pub mod dialect;
mod incoming;
mod inspect;
mod memory;
mod observe;
mod refusal;
mod routeing;
mod says;
mod session;
mod settings;
mod snapshot;
mod translate;
mod watch;

pub use device::{Named, normalise};
pub use dialect::Dialect;
pub use inspect::{Call, Connection, Field, Inspected, Inspection, Moved, Party, Problem, Verdict, inspect};
pub use session::Csta;
pub use settings::{SessionSettings, Settings, SettingsError};
