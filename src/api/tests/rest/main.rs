//! The REST API over a real engine, journal and outbox; the telephone system is a few lines of the test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod access;
mod admin;
mod agents;
mod answers;
mod audit;
mod chat_files;
mod chats;
mod commands;
mod document;
mod events;
mod house;
mod listening;
mod mails;
mod persons;
mod register;
mod reports;
mod resources;
mod routing;
mod sessions;
mod transcripts;
mod visits;
mod webhooks;
