//! The one loop of an organisation: collect what happened, apply it, commit it, then act on it.
//!
//! ```text
//! links, API ──► inbox ──► apply (pure) ──► journal: inputs, notifications, keys — one transaction ──► act
//!                                                                                     ├─ ask the providers
//!                                                                                     ├─ tell the outbox and the stream
//!                                                                                     └─ answer who waits
//! ```
//!
//! Nothing is acted on before it is durable, and a reader never sees what is not: both wait in the same queue.
//! The price: a command waits for one fsync before it is on the wire, and so does a notification.

mod audit;
mod chat;
pub mod clock;
pub mod engine;
mod fact;
pub mod handle;
mod idempotency;
mod order;
mod origin;
mod recover;
mod subscribers;
mod typing;

pub use audit::{identifier, transcript_read};
pub use chat::{
    ChatError, decode_delivery, decode_offline, decode_private, decode_public, decode_record,
    encode_delivery, encode_offline, encode_private, encode_public, encode_record, erase_words,
};
pub use engine::{Committed, Engine, EngineSettings};
pub use fact::{FactError, Verified, anonymise_fact, decode_fact, encode_fact, state_in, verify_facts};
pub use handle::{
    Accepted, CommandError, CommandRequest, EngineHandle, EngineStopped, Erased, Idempotency, StoredReply,
    SubscriptionFilter, TestDelivery,
};
pub use order::Order;
pub use origin::{Origin, origin};
pub use recover::{RecoverError, erased_input, names_customer};
pub use typing::{TypingError, TypingTold, Typist};
