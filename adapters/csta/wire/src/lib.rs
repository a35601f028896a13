//! CSTA XML (ECMA-323) on the wire: Annex J framing, and typed messages that
//! decode from XML and encode to it, for both ends of a link.
//!
//! * [`Deframer`] and [`encode_frame`]: the 8-byte header of "CSTA over TCP
//!   without SOAP" (ECMA-323 edition 6, Annex J.2).
//! * [`text_of`] then [`decode`]: bytes to text, text to a [`Decoded`] message
//!   that borrows from it. Elements are matched by local name; a namespace is
//!   recorded ([`Edition`]) and never demanded.
//! * [`Encoder`]: any [`Message`] in the standard's own order of children for
//!   the chosen edition.
//!
//! # What is tolerated on the way in
//!
//! Products differ more than the standard allows, so decoding accepts: any
//! prefix or namespace (or none), children in any order, unknown children and
//! private data (skipped), missing mandatory children (empty), a nested
//! `deviceIdentifier` inside `deviceID`, bare text where a device choice should
//! be, both spellings of `TransferedEvent`, both shapes of
//! `DeflectCall/newDestination`, SOAP envelopes and faults, a call id as bare text
//! of a connection, words of enumerations in any case (`NORMAL_CLEARING`), CDATA,
//! entities, and white space around and inside values. Well-formed XML that is not a known message
//! is [`Message::Declined`], not an error.
//!
//! # What is refused
//!
//! A `DOCTYPE` (and so every entity bomb), more than [`MAX_DEPTH`] levels,
//! markup that is not well formed, text that is not in its declared encoding.
//! The size of a document is limited by the framing.

mod documents;
mod edition;
mod enums;
mod error;
mod event;
mod fault;
mod feature;
mod frame;
mod message;
mod pull;
mod request;
mod response;
mod route;
mod services;
mod session;
mod snapshot;
mod system;
mod text;
mod value;
mod write;

pub use documents::documents;
pub use edition::Edition;
pub use enums::*;
pub use error::{DecodeError, Problem, SecondOpinion};
pub use event::{CallEvent, CallEventKind};
pub use fault::{CstaError, ErrorCategory};
pub use feature::*;
pub use frame::{
    Deframer, Desync, Frame, FrameTooLong, HEADER_BYTES, InvokeId, MAX_FRAME_BYTES, encode_frame,
};
pub use message::{Declined, Decoded, Encoder, Message, decode, leaves};
pub use pull::MAX_DEPTH;
pub use request::*;
pub use response::*;
pub use route::*;
pub use services::{Service, ServiceGroup, ServiceSet};
pub use session::*;
pub use snapshot::*;
pub use system::*;
pub use text::{is_utf16, text_of};
pub use value::{
    CallCharacteristics, CallLinkage, ConnectionId, ConnectionListItem, DeviceHistoryItem, DeviceId,
    DeviceRef, Octets,
};
