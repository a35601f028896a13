//! A stand-in for JKC: it receives webhooks, verifies them, keeps the picture, and shows the pop-up that JKC would show.
//!
//! | module | what |
//! | --- | --- |
//! | [`verify`] | Standard Webhooks signatures, from the specification |
//! | [`server`] | the HTTP side, which can be told to misbehave |
//! | [`routing`] | where calls go, by rules, in the answer to a webhook |
//! | [`stand_in`] | the library form, for the demo and for tests |
//! | [`certificate`] | a certificate authority of one's own |
//! | `run` | `schakel jkc` |

pub mod certificate;
pub mod routing;
mod run;
pub mod server;
pub mod stand_in;
pub mod verify;

pub use routing::{NotARule, Routing, Rule};
pub use run::{JkcArgs, run};
pub use server::Behaviour;
pub use stand_in::{NotSeen, StandIn};
pub use verify::{Secret, VerifyError};
