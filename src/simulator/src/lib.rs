//! The world to test against: a telephone exchange (`schakel simulate`), and visitors who chat (`schakel simulate visitors`).
//!
//! * [`switch`]: a pure switch with extensions, queues and outside parties; time is an argument.
//! * The CSTA server ([`config::CstaConfig`]): ECMA-323 on a real TCP or TLS port, several clients at once.
//! * [`sins`]: what real PBXs do wrong, on demand.
//! * [`rehearsal`]: a scenario in virtual time: a day in a blink, without sockets.
//! * [`visitors`]: people who chat over XMPP, by the hundred.
//! * [`scenario`] and the HTTP control ([`control`]): people at telephones and outside.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use schakel_simulator::{config::SimulatorConfig, start};
//! let running = start(SimulatorConfig::demo()?).await?;
//! println!("CSTA at {:?}", running.csta_address());
//! running.ring("0201234567", "2001")?;
//! running.answer("2001")?;
//! running.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod config;
pub mod control;
mod csta;
pub mod deed;
pub mod duration;
pub mod options;
pub mod rehearsal;
mod running;
pub mod scenario;
pub mod sins;
pub mod switch;
pub mod visitors;

pub use csta::{LinkView, LogEntry, ServerState};
pub use running::{RunningSimulator, Simulator, SimulatorState, StartError, start};
