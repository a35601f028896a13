//! The smallest adapter that passes the conformance suite: copy it to write the next one.
//!
//! ```text
//!   bytes ─► wire/       lines, and what a line says; knows nothing of the house
//!              └► session.rs    the conversation: login, which answer belongs to which request, time limits
//!                   ├ translate.rs   the protocol's words to the house's, and back
//!                   └ dialect.rs     what differs between products, as data
//! ```
//!
//! The protocol is invented; `README.md` has all of it.

pub mod dialect;
mod session;
mod translate;
mod wire;

pub use dialect::Dialect;
pub use session::{Settings, Template};
