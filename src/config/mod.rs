//! The configuration: TOML over the compiled-in defaults, checked as a whole, all errors at once.
//!
//! `config.example.toml` is the default: it is parsed at start-up, and a file needs to name only what differs.

mod chat;
mod compare;
mod load;
mod merge;
mod overrides;
mod validate;
mod xmpp;

pub use chat::{Canned, Chat, ChatQueue, WhenBusy};
pub use load::{ConfigError, Problem};
pub use xmpp::{AddressOfAgent, AddressOfQueue, Security, Xmpp, XmppMode};

use rustls_pki_types::ServerName;
use schakel_register::number::PlanSettings;
use schakel_reports::{Rules, UnknownTimeZone};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The default configuration, with every key and its reason.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// The whole configuration. Each field is the section or key of the same name in [`EXAMPLE`], which documents it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "config.example.toml documents every key, and a test holds the two together")]
pub struct Config {
    pub organisation: Organisation,
    pub journal: Journal,
    pub privacy: Privacy,
    pub api: Api,
    pub numbers: Numbers,
    pub register: Register,
    pub admin: Admin,
    pub webhooks: Webhooks,
    pub calls: Calls,
    pub sessions: Sessions,
    pub opening_hours: Vec<OpeningHours>,
    pub chat: Chat,
    pub mail: Mail,
    pub reports: Reports,
    pub log: Log,
    pub providers: Vec<Provider>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Organisation {
    pub id: String,
    pub oin: String,
    pub system: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Journal {
    pub path: PathBuf,
    pub snapshot_every_inputs: u64,
    pub retention_days: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Privacy {
    pub persons_days: u32,
    pub audit_days: u32,
    pub agents_days: u32,
    pub facts_days: u32,
    pub chats_days: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Api {
    pub listen: String,
    pub tls_certificate_file: PathBuf,
    pub tls_key_file: PathBuf,
    pub body_bytes_max: u32,
    pub header_timeout_seconds: u32,
    pub connections_max: u32,
    pub requests_per_second_max: u32,
    pub command_wait_seconds: u32,
    pub answer_timeout_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Numbers {
    pub country: String,
    pub area_code: String,
    pub trunk_prefixes: Vec<String>,
    pub outside_line: String,
    pub extensions: Vec<String>,
    pub own: Vec<String>,
}

impl Numbers {
    /// As the register takes it.
    pub fn plan(&self) -> PlanSettings {
        PlanSettings {
            country: self.country.clone(),
            area_code: self.area_code.clone(),
            trunk_prefixes: self.trunk_prefixes.clone(),
            outside_line: self.outside_line.clone(),
            extensions: self.extensions.clone(),
            own: self.own.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Register {
    pub path: PathBuf,
    pub numbers_max: u64,
    pub entries_max: u64,
    pub import_bytes_max: u64,
}

impl Config {
    /// The file of the register: a name without a folder is in the folder of the journal.
    pub fn register_path(&self) -> PathBuf {
        let folder = self.journal.path.parent().unwrap_or(Path::new(""));
        match self.register.path.parent() {
            Some(given) if !given.as_os_str().is_empty() => self.register.path.clone(),
            _ => folder.join(&self.register.path),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Admin {
    pub listen: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Webhooks {
    pub allowed_hosts: Vec<String>,
    pub ca_file: PathBuf,
    pub allow_insecure: bool,
    pub request_timeout_seconds: u32,
    pub retry_for_hours: u32,
    pub lanes_max: u32,
    pub batch_max: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Calls {
    pub command_limit_seconds: u32,
    pub ringing_expires_seconds: u32,
    pub stale_limit_seconds: u32,
    pub keep_ended_seconds: u32,
    pub held_return_seconds: u32,
    pub answered_elsewhere_seconds: u32,
    pub adrift_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Sessions {
    pub lease_seconds: u32,
    pub grace_seconds: u32,
    pub vanished: Vanished,
    pub keep_closed_seconds: u32,
    pub keep_parked_hours: u32,
}

/// The mail server for offline messages.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub ca_file: PathBuf,
    pub user: String,
    pub password_file: PathBuf,
    pub hello: String,
    pub from: String,
    pub timeout_seconds: u32,
}

/// Opening hours of one name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct OpeningHours {
    #[serde(default)]
    pub name: String,
    #[serde(default = "OpeningHours::time_zone")]
    pub time_zone: String,
    #[serde(default)]
    pub weekly: Vec<String>,
    #[serde(default)]
    pub exceptions: Vec<String>,
}

impl OpeningHours {
    fn time_zone() -> String {
        "Europe/Amsterdam".into()
    }
}

/// What an agent is whose browser vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vanished {
    /// Gets no calls until JKC says ready.
    NotReady,
    /// Gets calls.
    Ready,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Reports {
    pub time_zone: String,
    pub short_abandon_seconds: u32,
    pub internal_digits_max: u8,
}

impl Reports {
    /// As reports take it.
    ///
    /// # Errors
    /// When the time zone is none.
    pub fn rules(&self) -> Result<Rules, UnknownTimeZone> {
        Rules::new(&self.time_zone, self.short_abandon_seconds, self.internal_digits_max)
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Provider {
    pub name: String,
    pub adapter: String,
    pub mode: Mode,
    pub address: String,
    pub allowed_peers: Vec<String>,
    pub tls: bool,
    pub tls_name: String,
    pub tls_ca_file: PathBuf,
    pub tls_12: bool,
    pub tls_certificate_file: PathBuf,
    pub tls_key_file: PathBuf,
    pub csta: Csta,
    pub xmpp: Xmpp,
    pub devices: Vec<Devices>,
    pub routes: Vec<Routes>,
}

impl Provider {
    /// The name that the certificate of the PBX or the chat server must have.
    ///
    /// # Errors
    /// The text that is no name.
    pub fn expected_name(&self) -> Result<ServerName<'static>, String> {
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host.trim_matches(['[', ']']));
        let name = match self.adapter.as_str() {
            _ if !self.tls_name.is_empty() => &self.tls_name,
            // RFC 6125: what is served counts, not the machine that serves it.
            "xmpp" => self.xmpp.served_domain(),
            _ => host,
        };
        ServerName::try_from(name.to_owned()).map_err(|_| name.to_owned())
    }
}

impl Provider {
    /// Whether the link has TLS.
    pub fn secured(&self) -> bool {
        match self.adapter.as_str() {
            "xmpp" => self.xmpp.security != Security::None,
            _ => self.tls,
        }
    }

    /// The chat queues that it names, with the keys that do.
    pub(crate) fn queues(&self) -> Vec<(String, &String)> {
        if self.adapter != "xmpp" {
            return Vec::new();
        }
        let listed = self.xmpp.queues.iter().enumerate();
        let mut queues: Vec<_> =
            listed.map(|(at, each)| (format!("xmpp.queues[{at}].queue"), &each.queue)).collect();
        if !self.xmpp.default_queue.is_empty() {
            queues.push(("xmpp.default_queue".into(), &self.xmpp.default_queue));
        }
        queues
    }
}

/// Who makes the connection to a PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// We do.
    Connect,
    /// The PBX does.
    Listen,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Csta {
    pub dialect: String,
    pub edition: u8,
    pub session: bool,
    pub session_user: String,
    pub session_password_file: PathBuf,
    pub session_duration_seconds: u32,
    pub session_namespace: String,
    pub system_register: bool,
    pub get_capabilities: bool,
    pub heartbeat_seconds: u32,
    pub request_limit_seconds: u32,
    pub outstanding_max: u32,
    pub refused_kept_max: u32,
    pub agent_poll_seconds: u32,
    pub route_reject: bool,
}

/// A routeing device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Routes {
    pub device: String,
    pub limit_milliseconds: u32,
    pub fallback: String,
    #[serde(default)]
    pub opening_hours: String,
    #[serde(default)]
    pub fallback_closed: String,
    #[serde(default)]
    pub department: String,
}

impl Routes {
    /// Whether it names a device.
    pub fn is_one(&self) -> bool {
        !self.device.trim().is_empty()
    }
}

/// Telephones of a PBX that are watched.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Devices {
    pub numbers: Vec<String>,
    #[serde(default)]
    pub kind: Kind,
    pub name: Option<String>,
}

/// What the devices are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Telephones.
    #[default]
    Station,
    /// Queues or pilot numbers.
    Queue,
}

/// A range of more numbers than this is a mistake rather than a PBX.
const RANGE_MAX: u64 = 100_000;

impl Devices {
    /// The numbers with ranges spelt out.
    ///
    /// # Errors
    /// The text that is neither a number nor a range, and how to write it.
    pub fn expand(&self) -> Result<BTreeSet<String>, String> {
        let mut all = BTreeSet::new();
        for text in &self.numbers {
            let Some((first, last)) = text.split_once('-') else {
                if text.trim().is_empty() {
                    return Err("a number is empty".into());
                }
                all.insert(text.trim().to_owned());
                continue;
            };
            let (first, last) = (first.trim(), last.trim());
            let (Ok(low), Ok(high)) = (first.parse::<u64>(), last.parse::<u64>()) else {
                return Err(format!("\"{text}\" is not a range; write it as \"2001-2010\""));
            };
            if first.len() != last.len() || low > high || high - low >= RANGE_MAX {
                return Err(format!(
                    "\"{text}\" is not a range of at most {RANGE_MAX} numbers of equal length, low to high"
                ));
            }
            let width = first.len();
            all.extend((low..=high).map(|number| format!("{number:0width$}")));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(numbers: &[&str]) -> Devices {
        Devices {
            numbers: numbers.iter().map(ToString::to_string).collect(),
            kind: Kind::Station,
            name: None,
        }
    }

    #[test]
    fn p05_a_range_keeps_its_leading_zeros() {
        let numbers = devices(&["0098-0101", "7"]).expand().unwrap();
        assert_eq!(numbers.into_iter().collect::<Vec<_>>(), ["0098", "0099", "0100", "0101", "7"]);
    }

    #[test]
    fn p05_what_is_no_range_is_an_error_that_shows_how() {
        for text in ["20-x", "99-101", "2010-2001", "", "0-9999999"] {
            assert!(devices(&[text]).expand().is_err(), "{text:?}");
        }
        assert!(devices(&["20-x"]).expand().unwrap_err().contains("2001-2010"));
    }
}
