//! An agent's telephone and screen, through the REST API and the event stream, as JKC itself works.
//!
//! | module | what |
//! | --- | --- |
//! | [`phone`] | the library form: sign on, give commands, wait for what must come |
//! | [`missing`] | what an agent wanted to do something with, and is not there |
//! | `heart` | what JKC's browser does by itself: sessions and heartbeats |
//! | `chat` | the agent's chats, with their short numbers |
//! | [`chat_typed`] | what he types about them |
//! | `chat_screen` | how he sees them |
//! | [`chat_script`] | what a script says of them |
//! | `channel` | what JKC's browser does by itself in the chat channel |
//! | `work` | the agent's own work: ready or not, contact sessions, the directory |
//! | [`typed`] | what an agent types, in Dutch and English |
//! | [`script`] | a day in a file: commands, waits and expectations |
//! | `terminal` | `schakel softphone` for a person |
//! | `run` | `schakel softphone` |

mod channel;
mod chat;
mod chat_screen;
pub mod chat_script;
pub mod chat_typed;
mod heart;
pub mod missing;
pub mod phone;
mod run;
pub mod script;
mod terminal;
pub mod typed;
mod work;

pub use phone::{Habits, Seat, Softphone, SoftphoneError};
pub use run::{SoftphoneArgs, run};
