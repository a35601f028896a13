//! The vocabulary: CSTA's words, one meaning each.

pub mod action;
pub mod agent;
pub mod availability;
pub mod call;
pub mod cause;
pub mod chat;
pub mod chat_service;
pub mod contact;
pub mod device;
pub mod ids;
pub mod pii;
pub mod provider;
pub mod route;
pub mod session;
pub mod time;
pub mod transfer;
