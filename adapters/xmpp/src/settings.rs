//! Settings of one XMPP provider, as the configuration gives them.

use schakel_core::model::ids::{AgentId, QueueId, Str};
use schakel_core::model::time::Millis;

/// As what schakel is known to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// An ordinary account (RFC 6120): visitors write to it, and it speaks for all agents.
    Client {
        /// Its bare JID: `support@example.nl`. The full one comes with `Input::Named`.
        account: Str,
    },
    /// A component (XEP-0114) that owns a domain, with an address for each queue and each agent.
    Component {
        /// Its domain: `cti.example.nl`.
        domain: Str,
    },
}

/// Settings of one provider. [`Settings::client`] and [`Settings::component`] give the usual ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As what.
    pub shape: Shape,
    /// Which queue an address belongs to. The address is a localpart of the component (`permits`), a bare JID that is
    /// written to, a room, a workgroup, or a domain of rooms (`conference.example.nl`); the first that fits.
    pub queues: Vec<(Str, QueueId)>,
    /// The queue of what fits nothing; none: it is refused.
    pub default_queue: Option<QueueId>,
    /// What schakel is called in rooms. Default `schakel`.
    pub nickname: Str,
    /// The service that rooms are made at (`conference.example.nl`), and the only one that invitations are taken to;
    /// none: it is asked for (XEP-0030), and every service at an allowed domain will do.
    pub muc_service: Option<Str>,
    /// Fetch what was said while we were away (XEP-0313): of the account (client shape) and of rooms.
    pub archive: bool,
    /// Stream management (XEP-0198) runs: `Input::Acknowledged` comes. Without it each message is followed by a ping
    /// of the server, whose answer means the same.
    pub acknowledged: bool,
    /// Agents with chat programs of their own: who, and his bare JID. Their presence is listened to, and they are
    /// invited to the agents' own rooms.
    pub agents: Vec<(AgentId, Str)>,
    /// Send agents' files over HTTP upload (XEP-0363).
    pub upload: bool,
    /// The upload service; none: it is asked for (XEP-0030).
    pub upload_service: Option<Str>,
    /// Domains whose users may write to us, without and with their subdomains; empty: all.
    pub allowed_domains: Vec<Str>,
    /// Workgroups to join as an agent (XEP-0142 with Openfire Fastpath's ways): their bare JIDs.
    pub workgroups: Vec<Str>,
    /// Ask visitors' programs what they type (XEP-0301), by saying in disco that it is understood.
    pub real_time_text: bool,
    /// Bounds.
    pub limits: Limits,
    /// Spans of time.
    pub times: Times,
}

/// What is taken at most. What is beyond it is refused with a reason, and others do not notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a stanza, as it would be written. Default 262,144.
    pub stanza_bytes: usize,
    /// Bytes of a message's words. Default 16,384.
    pub body_bytes: usize,
    /// Conversations at a time. Default 10,000.
    pub conversations_max: usize,
    /// Rooms that we are in at a time. Default 1,000.
    pub rooms_max: usize,
    /// Stanzas that one sender may send in ten seconds. Default 100. Of what was kept for us meanwhile, and comes all at
    /// once, twenty times as many are taken.
    pub burst: u32,
    /// Live stanzas that wait while the archives are read. Default 5,000.
    pub held_max: usize,
    /// Entries after which a look for messages of our own is given up. What was missed is read to its end. Default
    /// 10,000.
    pub archive_entries_max: usize,
    /// Refused stanzas that are kept for the operator. Default 32.
    pub refused_kept_max: usize,
    /// Messages that wait in one conversation for an upload or an archive. Default 200.
    pub waiting_max: usize,
}

/// Spans of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// How long the server may be silent before it is pinged (XEP-0199). Default 60 s.
    pub ping_interval: Millis,
    /// How long an answer to a ping may take before the connection is closed. Default 20 s.
    pub ping_limit: Millis,
    /// How long any other answer may take. Default 15 s.
    pub answer_limit: Millis,
    /// How often a room is asked whether we are in it (XEP-0410). Default 60 s.
    pub self_ping: Millis,
    /// A server has in a room's archive what it has given to the room, after this. Default 1 s.
    pub archived_within: Millis,
    /// How far before now an archive is read that lost its place, or a room that we are new in. Default 10 minutes.
    pub look_back: Millis,
}

impl Settings {
    /// The usual settings of an account.
    pub fn client(account: &str) -> Self {
        Self::new(Shape::Client { account: account.into() }, true)
    }

    /// The usual settings of a component.
    pub fn component(domain: &str) -> Self {
        Self::new(Shape::Component { domain: domain.into() }, false)
    }

    fn new(shape: Shape, acknowledged: bool) -> Self {
        Self {
            shape,
            queues: Vec::new(),
            default_queue: None,
            nickname: "schakel".into(),
            muc_service: None,
            archive: true,
            acknowledged,
            agents: Vec::new(),
            upload: false,
            upload_service: None,
            allowed_domains: Vec::new(),
            workgroups: Vec::new(),
            real_time_text: true,
            limits: Limits::default(),
            times: Times::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stanza_bytes: 262_144,
            body_bytes: 16_384,
            conversations_max: 10_000,
            rooms_max: 1_000,
            burst: 100,
            held_max: 5_000,
            archive_entries_max: 10_000,
            refused_kept_max: 32,
            waiting_max: 200,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            ping_interval: Millis::seconds(60),
            ping_limit: Millis::seconds(20),
            answer_limit: Millis::seconds(15),
            self_ping: Millis::seconds(60),
            archived_within: Millis::seconds(1),
            look_back: Millis::seconds(600),
        }
    }
}

/// Why settings will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(pub(crate) Str);

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}
