//! Chats: what agents see, what visitors see, what is asked.

mod event;
mod personal;
mod request;
mod view;
mod visitor;
mod world;
