//! The outward contract: the JSON that JKC, screens, testers and operators see.
//!
//! | module | what |
//! | --- | --- |
//! | [`views`] | objects as they are shown: calls with their connections and actions, transfers, contacts … |
//! | [`event`] | notifications: CloudEvents 1.0 structured JSON, Dutch government profile |
//! | [`reply`] | the answer to a command |
//! | [`problem`] | RFC 9457 problem details |
//! | [`requests`] | bodies of the REST commands |
//! | [`Recognise`] | what a notification's number is looked up by |
//! | [`RouteGuide`] | what a routeing device's department and opening hours are looked up by |
//!
//! Core types never go out: every outward type is here, and is made from the core's by borrowing, so that a
//! notification is written from the state without copies. `X<'static>` is what a receiver gets by deserialising.
//! Property names are camelCase, times RFC 3339 in UTC with milliseconds, ids UUIDs in the usual form.

mod guide;
mod mirror;
mod number;
mod recognise;
mod time;

pub mod event;
pub mod problem;
pub mod reply;
pub mod requests;
pub mod views;

pub use guide::{NoGuide, RouteGuide};
pub use number::{E164, NotE164};
pub use recognise::{NoRecognition, Recognise, raw_of};
pub use time::Timestamp;
