//! Properties: what is true whatever a telephone system says and whatever JKC asks.

#[path = "../common/mod.rs"]
mod common;

mod chaos;
mod switch;
mod warm;
