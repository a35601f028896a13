//! A chat server in the configuration.

use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Xmpp {
    pub mode: XmppMode,
    pub jid: String,
    pub password_file: PathBuf,
    pub domain: String,
    pub secret_file: PathBuf,
    pub security: Security,
    pub allow_insecure: bool,
    pub resource: String,
    pub stream_management: bool,
    pub archive: bool,
    pub nickname: String,
    pub muc_service: String,
    pub queues: Vec<AddressOfQueue>,
    pub default_queue: String,
    pub agents: Vec<AddressOfAgent>,
    pub allowed_domains: Vec<String>,
    pub workgroups: Vec<String>,
    pub upload: bool,
    pub upload_service: String,
    pub real_time_text: bool,
    pub conversations_max: u32,
    pub rooms_max: u32,
    pub stanza_bytes_max: u32,
    pub burst_max: u32,
    pub ping_seconds: u32,
}

/// As what schakel is known to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XmppMode {
    /// An account.
    Client,
    /// A component that owns a domain (XEP-0114).
    Component,
}

/// What keeps others from reading along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// TLS that is asked for over a plain connection, and nothing without it.
    Starttls,
    /// TLS from the first byte.
    DirectTls,
    /// None.
    None,
}

/// Which queue an address is for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct AddressOfQueue {
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub queue: String,
}

/// Which agent an address is of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct AddressOfAgent {
    #[serde(default)]
    pub agent: String,
    #[serde(default)]
    pub jid: String,
}

impl Xmpp {
    /// The domain whose name the server's certificate must have.
    pub fn served_domain(&self) -> &str {
        match self.mode {
            XmppMode::Client => self.jid.rsplit_once('@').map_or(self.jid.as_str(), |(_, domain)| domain),
            XmppMode::Component => &self.domain,
        }
    }
}
