//! Whose addresses are whose: ours, our agents', and which queue one belongs to.

use std::collections::BTreeMap;

use schakel_core::model::ids::{AgentId, ProviderChatId, QueueId, Str};
use xmpp_parsers::jid::{BareJid, Jid, ResourcePart};

use crate::settings::{Settings, SettingsError, Shape};

/// Our own addresses, and those of our agents' programs.
#[derive(Debug)]
pub(crate) struct Own {
    /// The account, or the component's domain.
    pub(crate) bare: BareJid,
    /// We are a component.
    pub(crate) component: bool,
    /// Agents' own programs.
    pub(crate) agents: BTreeMap<BareJid, AgentId>,
    /// The workgroups that we are in.
    pub(crate) workgroups: Vec<BareJid>,
}

impl Own {
    /// Reads the addresses of the settings.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let read = |what: &str, text: &str| {
            BareJid::new(text)
                .map_err(|error| SettingsError(format!("{what} {text:?} is no XMPP address: {error}").into()))
        };
        let (component, bare) = match &settings.shape {
            Shape::Client { account } => (false, read("the account", account)?),
            Shape::Component { domain } => (true, read("the component's domain", domain)?),
        };
        if component == bare.node().is_some() {
            let text = if component {
                format!("the component's domain {bare} has an @; give the domain alone")
            } else {
                format!("the account {bare} has no name before its domain, as in support@example.nl")
            };
            return Err(SettingsError(text.into()));
        }
        for service in settings.muc_service.iter().chain(&settings.upload_service) {
            read("the service", service)?;
        }
        let agents = settings.agents.iter();
        Ok(Self {
            bare,
            component,
            agents: agents
                .map(|(agent, jid)| Ok((read("an agent's address", jid)?, agent.clone())))
                .collect::<Result<_, _>>()?,
            workgroups: settings
                .workgroups
                .iter()
                .map(|jid| read("the workgroup", jid))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether an address is one of ours.
    pub(crate) fn is_ours(&self, jid: &Jid) -> bool {
        if self.component { jid.domain() == self.bare.domain() } else { jid.to_bare() == self.bare }
    }

    /// Whether a service is at or below the domain of our own server (for a component: the one above it). What it says
    /// of who its occupants are is believed; any other could say that a visitor is one of our agents.
    pub(crate) fn is_near(&self, service: &str) -> bool {
        let own = self.bare.domain().as_str();
        let server = if self.component { own.split_once('.').map_or(own, |(_, above)| above) } else { own };
        is_at_or_below(service, server)
    }

    /// The address that an agent has at our component: his id, escaped as XEP-0106 has it.
    pub(crate) fn of_agent(&self, agent: &AgentId) -> Option<BareJid> {
        let escape = |letter: char| match letter {
            ' ' => "\\20".to_owned(),
            '"' => "\\22".to_owned(),
            '&' => "\\26".to_owned(),
            '\'' => "\\27".to_owned(),
            '/' => "\\2f".to_owned(),
            ':' => "\\3a".to_owned(),
            '<' => "\\3c".to_owned(),
            '>' => "\\3e".to_owned(),
            '@' => "\\40".to_owned(),
            '\\' => "\\5c".to_owned(),
            other => other.to_string(),
        };
        let local: String = agent.as_str().chars().map(escape).collect();
        BareJid::new(&format!("{local}@{}", self.bare)).ok()
    }
}

/// The queue that the first of these addresses has, which has one.
pub(crate) fn queue_of(settings: &Settings, addresses: &[&BareJid]) -> Option<QueueId> {
    let fits = |name: &str, jid: &BareJid| {
        name.eq_ignore_ascii_case(jid.as_str())
            || jid.node().is_some_and(|node| name.eq_ignore_ascii_case(node.as_str()))
            || name.eq_ignore_ascii_case(jid.domain().as_str())
    };
    let found = addresses.iter().find_map(|jid| {
        settings.queues.iter().find(|(name, _)| fits(name, jid)).map(|(_, queue)| queue.clone())
    });
    found.or_else(|| settings.default_queue.clone())
}

/// What a conversation is; written into the house's opaque id of it, so that it is known again after a restart. No
/// part of it can hold a blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A visitor writes to an address of ours.
    Direct {
        /// The visitor, whichever of his programs he uses.
        visitor: BareJid,
        /// Ours.
        ours: BareJid,
    },
    /// A room that we were invited to.
    Room {
        /// Which.
        room: BareJid,
        /// The address of ours that was invited.
        ours: BareJid,
    },
    /// A workgroup's session: an offer first, a room later.
    Workgroup {
        /// The session's id.
        session: Str,
        /// Whose.
        workgroup: BareJid,
    },
}

impl Place {
    /// The id.
    pub(crate) fn id(&self) -> ProviderChatId {
        let text = match self {
            Place::Direct { visitor, ours } => format!("direct {visitor} {ours}"),
            Place::Room { room, ours } => format!("room {room} {ours}"),
            Place::Workgroup { session, workgroup } => format!("workgroup {session} {workgroup}"),
        };
        ProviderChatId::from(text.as_str())
    }

    /// What an id says.
    pub(crate) fn of(id: &ProviderChatId) -> Option<Self> {
        let mut words = id.as_str().split(' ');
        let (kind, first, second) = (words.next()?, words.next()?, BareJid::new(words.next()?).ok()?);
        match (kind, words.next()) {
            ("direct", None) => Some(Place::Direct { visitor: BareJid::new(first).ok()?, ours: second }),
            ("room", None) => Some(Place::Room { room: BareJid::new(first).ok()?, ours: second }),
            ("workgroup", None) => Some(Place::Workgroup { session: first.into(), workgroup: second }),
            _ => None,
        }
    }
}

/// Whether one may write to us: by the domain, itself or above it.
pub(crate) fn may_write(settings: &Settings, from: &Jid) -> bool {
    let domain = from.domain().as_str();
    settings.allowed_domains.is_empty()
        || settings.allowed_domains.iter().any(|allowed| is_at_or_below(domain, allowed))
}

fn is_at_or_below(domain: &str, above: &str) -> bool {
    domain.eq_ignore_ascii_case(above)
        || domain
            .len()
            .checked_sub(above.len() + 1)
            .and_then(|dot| domain.get(dot..))
            .is_some_and(|end| end.starts_with('.') && end[1..].eq_ignore_ascii_case(above))
}

/// A nickname as a room's server will write it (RFC 7622 section 3.4): an `é` of two letters becomes one, and so on. As it
/// is, where it is none that a room can take: the server says so.
pub(crate) fn occupant_name(nickname: &str) -> String {
    ResourcePart::new(nickname).map_or_else(|_| nickname.to_owned(), |name| name.as_str().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_known_again_by_its_id() {
        let jid = |text| BareJid::new(text).unwrap();
        let places = [
            Place::Direct { visitor: jid("v@anon.x"), ours: jid("permits@cti.x") },
            Place::Room { room: jid("r@conference.x"), ours: jid("support@x") },
            Place::Workgroup { session: "ab12".into(), workgroup: jid("sales@workgroup.x") },
        ];
        for place in places {
            assert_eq!(Place::of(&place.id()), Some(place));
        }
        for wrong in ["", "direct", "direct a@x", "direct a@x b@y c", "room @ @", "else a@x b@y"] {
            assert_eq!(Place::of(&ProviderChatId::from(wrong)), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_domain_is_allowed_with_those_below_it() {
        let mut settings = Settings::client("support@x.nl");
        let may = |settings: &Settings, from: &str| may_write(settings, &Jid::new(from).unwrap());
        assert!(may(&settings, "v@anywhere.example"));
        settings.allowed_domains = vec!["x.nl".into()];
        assert!(may(&settings, "v@x.nl") && may(&settings, "v@anon.X.nl/web"));
        assert!(
            !may(&settings, "v@ax.nl") && !may(&settings, "v@nl") && !may(&settings, "v@x.nl.evil.example")
        );
    }

    #[test]
    fn only_services_of_our_own_server_are_near_and_nicknames_are_written_as_it_does() {
        let account = Own::new(&Settings::client("support@x.nl")).unwrap();
        assert!(account.is_near("conference.x.nl") && account.is_near("X.nl") && !account.is_near("ax.nl"));
        let component = Own::new(&Settings::component("cti.x.nl")).unwrap();
        assert!(component.is_near("conference.x.nl") && !component.is_near("conference.evil.example"));
        assert_eq!(occupant_name("Zoe\u{308}"), "Zo\u{eb}");
        assert_eq!(occupant_name(""), "");
    }

    #[test]
    fn agents_of_any_name_have_addresses() {
        let own = Own::new(&Settings::component("cti.x")).unwrap();
        let of = |name: &str| own.of_agent(&AgentId::from(name)).map(|jid| jid.to_string());
        assert_eq!(of("jan").as_deref(), Some("jan@cti.x"));
        assert_eq!(of("jan@stad.nl").as_deref(), Some("jan\\40stad.nl@cti.x"));
        assert_eq!(of(""), None);
    }
}
