//! What everybody needs who uses schakel from outside: the softphone, the stand-in for JKC and the demo.
//!
//! | module | what |
//! | --- | --- |
//! | [`rest`] | the REST API with its problems, and the arguments that say where it is |
//! | [`stream`] | the event stream, which goes on where it was after a lost connection |
//! | [`ledger`] | each notification once, in order within its contact; what is not is counted |
//! | [`picture`] | the calls, transfers and contacts of this moment, kept up to date by notifications |
//! | [`screen`] | what a person sees: pop-up, buttons with reasons, a line for each notification |
//! | [`talk`] | the same of chats: offers, words, who takes part |
//! | [`visitor`] | a visitor's program: what a website does for one visitor |
//! | [`work`] | the same of recognition, availability, contact sessions, routings and the directory |
//! | [`language`] | Dutch and English |
//! | [`keyboard`] | lines that are typed |
//!
//! It knows the daemon by its contract alone, as JKC does.

pub mod keyboard;
pub mod language;
pub mod ledger;
pub mod picture;
pub mod rest;
pub mod screen;
pub mod stream;
pub mod talk;
pub mod visitor;
pub mod work;

pub use language::Language;
pub use ledger::{Counts, Entry, Ledger, Order};
pub use picture::Picture;
pub use rest::{AccessArgs, Api, ApiError};
pub use stream::{EventStream, Messages, StreamItem};
pub use visitor::Visitor;
