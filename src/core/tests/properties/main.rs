//! Properties: what is true whatever a telephone system says and whatever JKC asks.

#![allow(clippy::expect_used, clippy::panic, reason = "a property that does not hold must stop its test")]

#[path = "../common/mod.rs"]
mod common;

mod chaos;
mod day;
mod follow;
mod routing;
mod switch;
mod warm;
