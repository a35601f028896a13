//! What is said in rooms of visitors and agents.

use schakel_core::model::chat::Visitor;
use schakel_core::model::ids::{MessageId, ProviderChatId};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Time;
use schakel_core::report::chat::{ArchivePosition, ConversationEvent, HeardBy};
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::hear::Came;
use crate::own;
use crate::room::Who;
use crate::session::Xmpp;
use crate::wire::{self, message, ns};

impl Xmpp {
    /// A live message of a room. A component gets one copy for each place that it has: one counts.
    pub(crate) fn room_message(&mut self, stanza: &Element, from: &Jid) {
        let waiting_max = self.settings.limits.waiting_max;
        let Some(one) = self.link.rooms.get_mut(&from.to_bare()) else { return };
        let to = stanza.attr("to").unwrap_or_default();
        if one.from.as_deref().is_some_and(|ours| ours != to) || from.resource().is_none() {
            return;
        }
        if stanza.attr("type") != Some("groupchat") {
            if stanza.has_child("body", ns::CLIENT) {
                self.refuse(stanza, "a private message; write to the room", Some(&wire::NOT_ACCEPTABLE));
            }
            return;
        }
        if one.waits() {
            // What comes after one that did not fit is read from the archive too, in its turn.
            if one.missed || one.held.len() >= waiting_max {
                one.missed = true;
                return self.observed.count("held_dropped");
            }
            return one.held.push_back(stanza.clone());
        }
        self.room_live(stanza, from);
    }

    /// What was said in a room while it was waited for what was said before.
    pub(crate) fn hear_held(&mut self, room: &BareJid) {
        let held = self.link.rooms.get_mut(room).map(|one| std::mem::take(&mut one.held));
        for stanza in held.unwrap_or_default() {
            if let Some(from) = stanza.attr("from").and_then(|from| Jid::new(from).ok()) {
                self.room_live(&stanza, &from);
            }
        }
    }

    fn room_live(&mut self, stanza: &Element, from: &Jid) {
        let archive = from.to_bare();
        let id = message::stanza_id(stanza, archive.as_str()).filter(|_| self.settings.archive);
        let read = id.map(|id| ArchivePosition { archive: Pii::new(archive.as_str().into()), id: id.into() });
        let came = Came { said: message::delay(stanza).map(Time), ..Came::default() };
        self.room_heard(stanza, from, came, read);
    }

    /// What comes of a room that we have just left: the echo of our last words, and what is of no matter any more.
    pub(crate) fn left_room_message(&mut self, stanza: &Element, from: &Jid) -> bool {
        let Some(chat) = self.link.left.get(&from.to_bare()).cloned() else { return false };
        if stanza.attr("type") != Some("groupchat") {
            return false;
        }
        if let Some(Ok(ours)) = stanza.attr("id").map(str::parse) {
            self.confirm(&chat, ours, None);
        }
        true
    }

    /// A message of a room, live or out of its archive.
    pub(crate) fn room_heard(
        &mut self,
        stanza: &Element,
        from: &Jid,
        came: Came,
        read: Option<ArchivePosition>,
    ) {
        let Some(one) = self.link.rooms.get(&from.to_bare()) else { return };
        let Some(nick) = from.resource().map(|nick| nick.as_str()) else { return };
        let chat = one.chat.clone();
        let is_live = came.archived.is_none();
        let ids = [message::origin_id(stanza), stanza.attr("id")];
        let ours: Option<MessageId> = ids.into_iter().flatten().find_map(|id| id.parse().ok());
        // An archive may tell the address (XEP-0313 section 5.1.3); who had which nickname then is not known any more.
        let real = stanza.get_child("x", ns::MUC_USER).filter(|_| !is_live);
        let real = real
            .and_then(|x| x.get_child("item", ns::MUC_USER)?.attr("jid"))
            .and_then(|jid| Jid::new(jid).ok());
        let of_real = real.map(|jid| match self.own.agents.get(&jid.to_bare()) {
            _ if self.own.is_ours(&jid) => Who::Ours,
            Some(agent) => Who::Agent(agent.clone()),
            None => Who::Visitor,
        });
        let by_nick =
            || if one.is_of_ours(from) { Some(Who::Ours) } else { one.occupants.get(nick).cloned() };
        // Who had which nickname when it was archived is not told to everybody: our own messages are known by their ids
        // together with the names under which we speak.
        let names_us = !is_live && ours.is_some() && self.speaks_as(&chat, nick);
        let of_real = of_real.and_then(|who| one.who_was(nick, who));
        let who = if names_us { Who::Ours } else { of_real.or_else(by_nick).unwrap_or(Who::Visitor) };
        let text = message::body(stanza);
        let by = match who {
            Who::Ours => {
                return match ours {
                    Some(ours) => self.confirm(&chat, ours, read),
                    None => read.into_iter().for_each(|read| self.tell_read(read.archive.expose(), &read.id)),
                };
            }
            Who::Agent(agent) => HeardBy::Agent(agent),
            Who::Visitor => HeardBy::Visitor,
        };
        if by == HeardBy::Visitor {
            self.told_about_ours(&chat, stanza);
            if is_live {
                self.typed_in(&chat, stanza);
            }
        }
        let Some((text, language)) = text else { return };
        if let Some(reason) = self.unreadable(stanza, &text) {
            if is_live {
                self.refuse(stanza, reason, None);
            }
            return self.tell(&chat, ConversationEvent::Refused(reason.into()), read);
        }
        let visitor = Visitor {
            nickname: Some(Pii::new(wire::clean(nick).into())),
            language: language.map(Into::into),
            ..Visitor::default()
        };
        self.said(&chat, stanza, &text, by, visitor, from, came, read);
    }

    /// Whether a nickname is one under which we speak in a conversation, with what is added where it is taken.
    fn speaks_as(&self, chat: &ProviderChatId, nick: &str) -> bool {
        let names = self.conversations.get(chat).map(|one| one.agents.values()).into_iter().flatten();
        names.chain([&self.settings.nickname]).any(|name| {
            let rest = nick.strip_prefix(own::occupant_name(name).as_str());
            rest.is_some_and(|rest| rest.chars().all(|one| "_ ()".contains(one) || one.is_ascii_digit()))
        })
    }
}
