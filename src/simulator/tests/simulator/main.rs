//! The simulator from outside: the pure switch, the CSTA server over real sockets, its sins, its control.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod agents;
mod client;
mod control;
mod day;
mod dialects;
mod flows;
mod front_end;
mod properties;
mod routing;
mod routing_front_end;
mod sins;
mod table;
