//! What to start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schakel_csta_wire::Edition;
use serde::{Deserialize, Serialize};

use crate::duration::Span;
use crate::scenario::Step;
use crate::switch::SwitchConfig;

/// A simulator: a switch, its CSTA server, its control port, and what happens by itself.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// The switch.
    pub switch: SwitchConfig,
    /// The CSTA server.
    pub csta: CstaConfig,
    /// Where the HTTP control listens; `None`: nowhere. Port 0 takes a free one.
    pub control: Option<SocketAddr>,
    /// What happens by itself, beginning at the start.
    pub steps: Vec<Step>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            switch: SwitchConfig::default(),
            csta: CstaConfig::default(),
            control: Some(loopback(0)),
            steps: Vec::new(),
        }
    }
}

/// The CSTA server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent property of real servers")]
pub struct CstaConfig {
    /// Where it listens; port 0 takes a free one. Absent: it only pushes.
    pub listen: Option<SocketAddr>,
    /// A listener to connect to, as `host:port`, for set-ups in which the PBX comes to the application.
    pub push_to: Option<String>,
    /// The edition in which it speaks until it knows the client's.
    pub edition: SpokenEdition,
    /// Always speak `edition`, whatever the client speaks.
    pub insist_on_edition: bool,
    /// Write the namespace.
    pub namespace: bool,
    /// Tell with every event what may be done now.
    pub services_permitted: bool,
    /// How device ids look.
    pub device_ids: DeviceIdStyle,
    /// After a single-step transfer the old call is named by `;uid=` in the new device ids, and nowhere else.
    pub uid_links: bool,
    /// `AgentNotReady` has the reason in the place of its cause, as a word that the standard does not know.
    pub agent_reasons: bool,
    /// What comes first.
    pub order: Order,
    /// So many monitors at most, over all links.
    pub monitor_limit: usize,
    /// Whether clients need an ECMA-354 session.
    pub session: SessionPolicy,
    /// A session lasts at most so long without a reset.
    pub session_limit: Span,
    /// Send `SystemStatus` as soon as a client is connected.
    pub status_on_connect: bool,
    /// Send `SystemStatus` every so often.
    pub status_every: Option<Span>,
    /// Name of the switching sub-domain.
    pub sub_domain: String,
    /// Name of the manufacturer.
    pub manufacturer: String,
    /// Speak TLS to clients that connect.
    pub tls: Option<TlsConfig>,
    /// How many messages the log keeps; 0 switches it off.
    pub log_messages: usize,
    /// So many links at once.
    pub max_links: usize,
}

impl Default for CstaConfig {
    fn default() -> Self {
        Self {
            listen: Some(loopback(0)),
            push_to: None,
            edition: SpokenEdition::Ed6,
            insist_on_edition: false,
            namespace: true,
            services_permitted: false,
            device_ids: DeviceIdStyle::Plain,
            uid_links: false,
            agent_reasons: false,
            order: Order::ResponseFirst,
            monitor_limit: 20_000,
            session: SessionPolicy::Optional,
            session_limit: Span::seconds(180),
            status_on_connect: false,
            status_every: None,
            sub_domain: "schakel simulator".to_owned(),
            manufacturer: "schakel".to_owned(),
            tls: None,
            log_messages: 500,
            max_links: 64,
        }
    }
}

/// The certificate and key of a TLS server, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// The editions that can be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpokenEdition {
    /// Edition 2.
    Ed2,
    /// Edition 3, June 2004.
    Ed3,
    /// Edition 4, December 2006.
    Ed4,
    /// Edition 5, June 2009.
    Ed5,
    /// Edition 6, December 2011.
    #[default]
    Ed6,
}

impl From<SpokenEdition> for Edition {
    fn from(edition: SpokenEdition) -> Self {
        match edition {
            SpokenEdition::Ed2 => Self::Ed2,
            SpokenEdition::Ed3 => Self::Ed3,
            SpokenEdition::Ed4 => Self::Ed4,
            SpokenEdition::Ed5 => Self::Ed5,
            SpokenEdition::Ed6 => Self::Ed6,
        }
    }
}

/// How device ids look on the wire. Every style is understood from clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceIdStyle {
    /// `2001`
    #[default]
    Plain,
    /// `N<2001>`
    Bracketed,
    /// `N<2001>Jan de Vries`
    Named,
    /// `tel:2001`
    Tel,
}

/// What comes first when a request makes something happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The response, then the events.
    #[default]
    ResponseFirst,
    /// The events, then the response.
    EventsFirst,
}

/// Whether clients need an ECMA-354 session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionPolicy {
    /// A client may begin one.
    #[default]
    Optional,
    /// Without one every other request is refused.
    Required,
    /// Beginning one is refused.
    Refused,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
