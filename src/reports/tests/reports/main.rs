//! The reports against the real core: examples of every definition, and generated days against a second, simpler model.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod days;
mod definitions;
mod house;
mod model;
mod shown;
mod story;
