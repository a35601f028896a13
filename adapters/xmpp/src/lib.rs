//! The XMPP adapter: visitors who chat over an XMPP server, behind the house's seam
//! [`schakel_core::adapter::Adapter`].

pub mod settings;

pub use settings::{Limits, Settings, SettingsError, Shape, Times};
