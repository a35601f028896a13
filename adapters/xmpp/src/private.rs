//! The agents' own rooms (W08): for members only, made by us when the first private word is said beside a conversation.
//! No visitor enters one; if somebody unknown is seen in it, it is destroyed.

use std::collections::{BTreeSet, VecDeque};

use schakel_core::adapter::Output;
use schakel_core::model::chat::{PrivateMessage, Visitor};
use schakel_core::model::ids::{AgentId, ProviderChatId, Str};
use schakel_core::model::time::Time;
use schakel_core::report::chat::HeardBy;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::hear::Came;
use crate::own::Place;
use crate::session::{Question, Xmpp};
use crate::wire::muc::{codes, entrance, exit};
use crate::wire::{self, Set, message, ns};

/// How the names of agents' rooms begin.
const PREFIX: &str = "agents-";

/// A room of agents only.
#[derive(Debug)]
pub(crate) struct PrivateRoom {
    chat: ProviderChatId,
    from: Option<String>,
    nick: String,
    /// It is known to be for members only.
    is_closed: bool,
    invited: BTreeSet<AgentId>,
    /// Agents by the nicknames that they have in it.
    occupants: std::collections::BTreeMap<String, AgentId>,
    waiting: VecDeque<(PrivateMessage, Str)>,
}

impl Xmpp {
    /// Says a private word: to the agents with programs of their own. The others read it in the house.
    pub(crate) fn say_privately(&mut self, chat: &ProviderChatId, message: &PrivateMessage, nickname: &Str) {
        let Some(one) = self.conversations.get(chat) else { return };
        let takers = one.agents.keys().filter(|agent| **agent != message.author);
        if !takers.clone().any(|agent| self.own.agents.values().any(|known| known == agent)) {
            return self.observed.count("private_words_without_takers");
        }
        let waiting = (message.clone(), nickname.clone());
        let known = self.link.private.iter_mut().find(|(_, room)| room.chat == *chat);
        if let Some((room, private)) = known {
            if private.waiting.len() < self.settings.limits.waiting_max {
                private.waiting.push_back(waiting);
            }
            let room = room.clone();
            return self.flush_private(&room);
        }
        let Some(service) = self.link.muc_service.clone() else {
            return self.observed.count("private_words_without_room");
        };
        // A name that nobody can guess, so that nobody can be there before us: the message's id was made by its sender.
        let Ok(room) = BareJid::new(&format!("{PREFIX}{}@{service}", message.id)) else { return };
        let ours = match &one.place {
            Place::Direct { ours, .. } | Place::Room { ours, .. } => ours.to_string(),
            Place::Workgroup { .. } => self.own.bare.to_string(),
        };
        let from = self.own.component.then(|| format!("{ours}/schakel"));
        let nick = self.settings.nickname.to_string();
        let presence = entrance(from.as_deref(), &room, &nick, None);
        let private = PrivateRoom {
            chat: chat.clone(),
            from,
            nick,
            is_closed: false,
            invited: BTreeSet::new(),
            occupants: Default::default(),
            waiting: [waiting].into(),
        };
        self.link.private.insert(room, private);
        self.transmit(presence);
    }

    /// Presence in an agents' room.
    pub(crate) fn private_presence(&mut self, stanza: &Element, from: &Jid) {
        let room = from.to_bare();
        let Some(private) = self.link.private.get_mut(&room) else { return };
        let x = stanza.get_child("x", ns::MUC_USER);
        let codes = codes(x);
        let nick = from.resource().map(|nick| nick.as_str().to_owned()).unwrap_or_default();
        match stanza.attr("type") {
            // ejabberd tells what the room itself can do.
            None | Some("unavailable") if nick.is_empty() => {}
            Some("error") => self.drop_private(&room, "the agents' room cannot be made"),
            Some("unavailable") if codes.contains(&110) || nick == private.nick => {
                self.drop_private(&room, "the agents' room is gone")
            }
            Some("unavailable") => {
                private.occupants.remove(&nick);
            }
            None if codes.contains(&110) => {
                if private.is_closed {
                    return;
                }
                if !codes.contains(&201) {
                    return self.drop_private(&room, "somebody made the agents' room before us");
                }
                let from = private.from.clone();
                let form = configuration();
                self.ask(room.as_str(), from.as_deref(), "set", form, Question::Configure(room.clone()));
            }
            None => {
                let real = x.and_then(|x| x.get_child("item", ns::MUC_USER)?.attr("jid"));
                let real = real.and_then(|jid| Jid::new(jid).ok());
                match real.and_then(|jid| self.own.agents.get(&jid.to_bare()).cloned()) {
                    Some(agent) => {
                        private.occupants.insert(nick, agent);
                    }
                    None => self.drop_private(&room, "somebody unknown was in the agents' room"),
                }
            }
            _ => {}
        }
    }

    /// The room is for members only now, or could not be made so.
    pub(crate) fn private_configured(&mut self, room: &BareJid, good: bool) {
        if !good {
            return self.drop_private(room, "the agents' room could not be closed to others");
        }
        if let Some(private) = self.link.private.get_mut(room) {
            private.is_closed = true;
        }
        self.flush_private(room);
    }

    /// Invites who is not yet, and says what waits.
    fn flush_private(&mut self, room: &BareJid) {
        let Some(private) = self.link.private.get_mut(room).filter(|private| private.is_closed) else {
            return;
        };
        let from = private.from.clone();
        let waiting = std::mem::take(&mut private.waiting);
        let Some(one) = self.conversations.get(&private.chat) else { return };
        let known = self.own.agents.iter().filter(|(_, agent)| one.agents.contains_key(*agent));
        let new: Vec<_> = known
            .filter(|(_, agent)| private.invited.insert((*agent).clone()))
            .map(|(jid, _)| jid.to_string())
            .collect();
        for jid in new {
            let item =
                wire::make("item", ns::MUC_ADMIN).set("affiliation", "member").set("jid", &jid).build();
            let query = wire::make("query", ns::MUC_ADMIN).append(item).build();
            self.ask(room.as_str(), from.as_deref(), "set", query, Question::Nothing);
            let invite = wire::make("invite", ns::MUC_USER).set("to", &jid).build();
            let x = wire::make("x", ns::MUC_USER).append(invite).build();
            let made = wire::stanza("message", from.as_deref(), room.as_str(), None, "").append(x);
            self.transmit(made.build());
        }
        for (message, nickname) in waiting {
            if let Some(stanza) = self.whispered(room, &message, &nickname) {
                self.transmit(stanza);
            }
        }
    }

    /// Makes the stanza with a private word: the one place that does. It goes to a room of agents that is closed, and
    /// to nothing that a visitor has ever been in.
    fn whispered(&self, room: &BareJid, message: &PrivateMessage, nickname: &Str) -> Option<Element> {
        let private = self.link.private.get(room)?;
        let is_public = self.link.rooms.contains_key(room)
            || self.conversations.values().any(|one| one.room.as_ref() == Some(room));
        let is_named_so = room.node().is_some_and(|node| node.as_str().starts_with(PREFIX));
        if is_public || !private.is_closed || !is_named_so {
            return None;
        }
        let words = format!("{nickname}: {}", message.words.for_agents().text.expose());
        let id = message.id.to_string();
        let made = wire::stanza("message", private.from.as_deref(), room.as_str(), Some("groupchat"), &id);
        Some(made.child("body", ns::CLIENT, &words).build())
    }

    /// What an agent says in the agents' room.
    pub(crate) fn heard_privately(&mut self, stanza: &Element, from: &Jid) {
        let Some(private) = self.link.private.get(&from.to_bare()) else { return };
        let agent = from.resource().and_then(|nick| private.occupants.get(nick.as_str())).cloned();
        let Some(agent) = agent.filter(|_| stanza.attr("type") == Some("groupchat")) else { return };
        let chat = private.chat.clone();
        let Some((text, _)) = message::body(stanza) else { return };
        if let Some(reason) = self.unreadable(stanza, &text) {
            return self.refuse(stanza, reason, None);
        }
        let by = HeardBy::AgentPrivately(agent);
        let came = Came { said: message::delay(stanza).map(Time), ..Came::default() };
        self.said(&chat, stanza, &text, by, Visitor::default(), from, came, None);
    }

    /// The conversation is over: so is its agents' room.
    pub(crate) fn end_private(&mut self, chat: &ProviderChatId) {
        let room =
            self.link.private.iter().find(|(_, room)| room.chat == *chat).map(|(room, _)| room.clone());
        if let Some(room) = room {
            self.destroy_private(&room);
        }
    }

    fn drop_private(&mut self, room: &BareJid, why: &str) {
        self.observed.count("private_rooms_dropped");
        self.out.push(Output::Fault(why.into()));
        self.destroy_private(room);
    }

    fn destroy_private(&mut self, room: &BareJid) {
        let Some(private) = self.link.private.remove(room) else { return };
        let destroy = wire::bare("destroy", ns::MUC_OWNER);
        let query = wire::make("query", ns::MUC_OWNER).append(destroy).build();
        self.ask(room.as_str(), private.from.as_deref(), "set", query, Question::Nothing);
        self.transmit(exit(private.from.as_deref(), room, &private.nick));
    }
}

/// A room for members only, of which nothing stays, and in which we see who is who.
fn configuration() -> Element {
    let field = |name: &str, value: &str| {
        wire::make("field", ns::DATA_FORMS).set("var", name).child("value", ns::DATA_FORMS, value).build()
    };
    let fields = [
        ("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"),
        ("muc#roomconfig_membersonly", "1"),
        ("muc#roomconfig_publicroom", "0"),
        ("muc#roomconfig_persistentroom", "0"),
        ("muc#roomconfig_allowinvites", "0"),
        ("muc#roomconfig_whois", "moderators"),
    ];
    let fields = fields.map(|(name, value)| field(name, value));
    let form = wire::make("x", ns::DATA_FORMS).set("type", "submit").append_all(fields).build();
    wire::make("query", ns::MUC_OWNER).append(form).build()
}
