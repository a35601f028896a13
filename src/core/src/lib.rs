//! The heart of schakel: what a call is, and what happens to it.
//!
//! Everything that happens is one [`Input`](input::Input). [`apply::apply`] turns it into new
//! [`State`](state::State) and a list of [`Effect`](effect::Effect)s, without I/O and without failing: a refusal is
//! data, a report that fits no edge is believed and counted. Time and entropy come with the input, so the same
//! journal always gives the same state.
//!
//! The crate is pure by its manifest: no runtime, clock, socket, thread, randomness or hash map. Adapters implement
//! [`adapter::Adapter`] and see nothing else of the house.

pub mod adapter;
pub mod apply;
pub mod command;
pub mod effect;
pub mod fact;
pub mod input;
pub mod invariants;
pub mod model;
pub mod notification;
pub mod report;
pub mod settings;
pub mod state;
