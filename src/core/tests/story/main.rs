//! Stories: what happens at the telephone system, and what JKC is told of it. One a requirement and a dialect's flow.

#[path = "../common/mod.rs"]
mod common;

mod after_call;
mod agents;
mod calls;
mod commands;
mod dialects;
mod erase;
mod facts;
mod late;
mod links;
mod routes;
mod sessions;
mod transfers;
