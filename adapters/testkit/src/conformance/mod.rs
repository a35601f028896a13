//! What every adapter must meet, as one suite: the contract of [`schakel_core::adapter`], rule by rule.
//!
//! Who writes an adapter writes a [`Subject`] (a fresh adapter, and a scripted [`Peer`] at the other end of the wire),
//! and runs the suite over it in a file of tests:
//!
//! ```ignore
//! schakel_testkit::conformance!(MySubject);
//! ```
//!
//! Each rule is a test of its own name. Some laws hold at every input of every rule; [`laws`] has them.

mod conversation;
mod laws;
mod rules;

use std::fmt;

use schakel_core::adapter::{Adapter, Operation};

pub use rules::*;

/// An adapter, and who it is tried against.
pub trait Subject {
    /// The adapter.
    type Adapter: Adapter;
    /// The other end of the wire.
    type Peer: Peer;

    /// A fresh adapter that watches at least one device. The same each time.
    fn adapter(&self) -> Self::Adapter;
    /// The peer of a fresh connection.
    fn peer(&self) -> Self::Peer;
    /// Something that the adapter may ask of the peer.
    fn operation(&self) -> Operation;
    /// What a peer may send to an adapter that is ready: whole units, at least one, events first of all.
    fn samples(&self) -> Vec<Vec<u8>>;
}

/// A provider as scripted: it answers all that it is asked, at once.
pub trait Peer {
    /// What it sends by itself when a connection opens.
    fn greeting(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// What it sends for these bytes of the adapter. [`Subject::operation`] is answered as `operations` says,
    /// everything else so that the adapter becomes ready, shows its devices and stays content.
    fn answer(&mut self, bytes: &[u8], operations: Answer) -> Vec<u8>;
}

/// How a peer answers operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does them.
    Confirm,
    /// It refuses them.
    Refuse,
}

/// A rule is not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach(String);

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Breach {
    /// As text: a test that returns it shows it so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Breach {}

/// Fails with a [`Breach`] in these words unless the condition holds.
fn ensure(holds: bool, words: impl FnOnce() -> String) -> Result<(), Breach> {
    if holds { Ok(()) } else { Err(Breach(words())) }
}

/// One test for each rule, over a [`Subject`].
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance! { $subject;
            nothing_happens_without_a_connection
            a_login_is_ready_then_snapshots_then_resynced_once
            a_command_gets_its_one_reply
            a_command_without_an_answer_times_out_within_its_limit
            a_closed_connection_is_void
            deadlines_move_on
            bytes_may_be_cut_anywhere
            noise_ends_in_a_fault_or_a_close
            any_story_keeps_the_laws_and_can_be_told_again
        }
    };
    ($subject:expr; $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() -> Result<(), $crate::conformance::Breach> {
                $crate::conformance::$rule(&$subject)
            }
        )*
    };
}
