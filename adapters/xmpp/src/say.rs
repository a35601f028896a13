//! What is said to visitors. [`Xmpp::speak`] is the one place that makes a message with words for a visitor, and it
//! takes a [`Spoken`], of which private words have no way to become one.

use std::collections::VecDeque;

use schakel_core::model::chat::{Author, Content, Spoken};
use schakel_core::model::ids::{AgentId, MessageId, ProviderChatId, Str};
use schakel_core::report::chat::{ArchivePosition, ConversationEvent};
use xmpp_parsers::jid::Jid;
use xmpp_parsers::minidom::Element;

use crate::conversation::{Doubt, FileState, Waiting};
use crate::hear::named_by;
use crate::own::Place;
use crate::session::{Phase, Xmpp};
use crate::wire::{self, Set, ns};

impl Xmpp {
    /// Says something, once.
    pub(crate) fn say(&mut self, chat: &ProviderChatId, spoken: &Spoken) {
        let id = spoken.message().id;
        let (waiting_max, opened) = (self.settings.limits.waiting_max, self.link.opened);
        let on_its_way = self.link.said.iter().any(|(_, _, said)| *said == id);
        let looks = self.settings.archive && spoken.message().at < opened;
        let component = self.own.component;
        let Some(one) = self.known(chat) else {
            return self.tell(
                chat,
                ConversationEvent::NotDelivered(id, "there is no such conversation".into()),
                None,
            );
        };
        if one.confirmed.contains(&id) {
            return self.tell(chat, ConversationEvent::Sent(id), None);
        }
        if on_its_way
            || one.outbox.iter().chain(&one.unechoed).any(|waiting| waiting.spoken.message().id == id)
        {
            return;
        }
        if one.outbox.len() >= waiting_max {
            let words = "too many messages wait for the chat server".into();
            return self.tell(chat, ConversationEvent::NotDelivered(id, words), None);
        }
        let files = vec![FileState::New; spoken.message().content.files.len()];
        one.outbox.push_back(Waiting { spoken: spoken.clone(), files });
        // It may have been sent before the connection was lost: the archive knows.
        let has_archive = one.room.is_some() || !component;
        if looks && has_archive && one.doubt == Doubt::NotLooked {
            one.doubt = Doubt::Looking;
            let room_is_read = one.room.is_none() || self.is_in_room(chat);
            if room_is_read {
                self.look_for_ours(chat, spoken.message().at);
            }
        }
        self.pump(chat);
    }

    /// The archive has been looked through for our own messages of a conversation.
    pub(crate) fn looked_for_ours(&mut self, chat: &ProviderChatId) {
        if let Some(one) = self.conversations.get_mut(chat) {
            one.doubt = Doubt::Looked;
            self.pump(chat);
        }
    }

    /// Sends what can be sent of what waits in a conversation, in order.
    pub(crate) fn pump(&mut self, chat: &ProviderChatId) {
        if self.link.phase != Phase::Live {
            return;
        }
        let in_room = self.is_in_room(chat);
        loop {
            let Some(one) = self.conversations.get_mut(chat) else { return };
            let needs_room = !matches!(one.place, Place::Direct { .. });
            if one.doubt == Doubt::Looking || (needs_room && !in_room) {
                return;
            }
            let Some(first) = one.outbox.front() else {
                if one.is_ending {
                    self.end_now(chat);
                }
                return;
            };
            let id = first.spoken.message().id;
            if one.confirmed.contains(&id) {
                one.outbox.pop_front();
                continue;
            }
            if !first.files.iter().all(|file| matches!(file, FileState::There(_))) {
                return self.ask_for_slots(chat);
            }
            if let Some(first) = one.outbox.pop_front() {
                self.speak(chat, &first);
                if in_room && let Some(one) = self.conversations.get_mut(chat) {
                    // A service that echoes under other names never says so.
                    if one.unechoed.len() >= self.settings.limits.waiting_max {
                        one.unechoed.pop_front();
                    }
                    one.unechoed.push_back(first);
                }
            }
        }
    }

    /// Makes the message that a visitor gets.
    fn speak(&mut self, chat: &ProviderChatId, waiting: &Waiting) {
        let message = waiting.spoken.message();
        let Some(one) = self.conversations.get(chat) else { return };
        let addresses: Vec<_> = waiting
            .files
            .iter()
            .filter_map(|file| match file {
                FileState::There(address) => Some(address.as_str()),
                _ => None,
            })
            .collect();
        let mut words = words_of(&message.content, &addresses);
        let id = message.id.to_string();
        let nickname = waiting.spoken.nickname().map(|name| &**name);
        let (mut made, in_room) = match (&one.place, &one.room) {
            (_, Some(room)) => {
                let Some(seen) = self.link.rooms.get(room) else { return };
                let author = match &message.author {
                    Author::Agent(agent) => Some(agent),
                    _ => None,
                };
                let seat = author.and_then(|agent| seen.seat_of(agent));
                if let (None, Some(name)) = (&seat, nickname) {
                    words = format!("{name}: {words}");
                }
                let from = seat.or(seen.from.clone());
                (wire::stanza("message", from.as_deref(), room.as_str(), Some("groupchat"), &id), true)
            }
            (Place::Direct { visitor, ours }, None) => {
                let from = self.own.component.then_some(ours.as_str());
                let to = one.reply_to.as_ref().map_or(visitor.as_str(), Jid::as_str);
                let mut made = wire::stanza("message", from, to, Some("chat"), &id);
                if let Some(name) = nickname {
                    made = made.child("nick", ns::NICK, name);
                }
                (made, false)
            }
            _ => return,
        };
        made = made.child("body", ns::CLIENT, &words);
        for address in &addresses {
            made = made.append(wire::make("x", ns::OOB).child("url", ns::OOB, address).build());
        }
        if let Some(corrects) = message.corrects {
            made = made
                .append(wire::make("replace", ns::MESSAGE_CORRECT).set("id", &corrects.to_string()).build());
        }
        made = made
            .append(wire::make("origin-id", ns::SID).set("id", &id).build())
            .append(wire::bare("active", ns::CHATSTATES))
            .append(wire::bare("markable", ns::MARKERS));
        if !in_room {
            made = made.append(wire::bare("request", ns::RECEIPTS));
        }
        self.transmit(made.build());
        if !in_room {
            // In a room its own echo says so, with more right.
            self.link.said.push_back((self.link.transmitted, chat.clone(), message.id));
            self.ask_whether_taken();
        }
    }

    /// A message of ours has arrived.
    pub(crate) fn confirm(
        &mut self,
        chat: &ProviderChatId,
        message: MessageId,
        read: Option<ArchivePosition>,
    ) {
        let Some(one) = self.conversations.get_mut(chat) else {
            // Its last words: the house still waits to hear of them.
            return self.tell(chat, ConversationEvent::Sent(message), read);
        };
        let is_news = one.confirm(message);
        one.is_done(message);
        let ends = one.is_ending && one.outbox.is_empty();
        if is_news && one.told {
            self.tell(chat, ConversationEvent::Sent(message), read);
        } else if let Some(read) = read {
            self.tell_read(read.archive.expose(), &read.id);
        }
        if ends {
            self.end_now(chat);
        }
    }

    /// An agent takes part.
    pub(crate) fn join(&mut self, chat: &ProviderChatId, agent: &AgentId, nickname: &Str) {
        let Some(one) = self.known(chat) else { return self.observed.count("operations_unknown") };
        one.is_ending = false;
        one.agents.insert(agent.clone(), nickname.clone());
        match one.place.clone() {
            Place::Direct { .. } => self.tell(chat, ConversationEvent::AgentJoined(agent.clone()), None),
            Place::Room { room, .. } => self.seat(&room, agent, nickname),
            Place::Workgroup { session, workgroup } => {
                match self.conversations.get(chat).and_then(|one| one.room.clone()) {
                    Some(room) => self.seat(&room, agent, nickname),
                    None => self.accept_offer(&session, &workgroup),
                }
            }
        }
    }

    /// An agent takes part no more.
    pub(crate) fn leave(&mut self, chat: &ProviderChatId, agent: &AgentId) {
        let Some(one) = self.conversations.get_mut(chat) else { return };
        one.agents.remove(agent);
        let room = one.room.clone();
        if let Some(room) = room {
            self.unseat(&room, agent);
        }
        self.tell(chat, ConversationEvent::AgentLeft(agent.clone()), None);
    }

    /// The conversation is over: as soon as its last words are out, which may wait for a file to be put up, for a room to
    /// be entered, or for an archive.
    pub(crate) fn end(&mut self, chat: &ProviderChatId) {
        match self.conversations.get_mut(chat) {
            Some(one) if !one.outbox.is_empty() => one.is_ending = true,
            _ => return self.end_now(chat),
        }
        self.pump(chat);
    }

    /// Nothing of a conversation stays.
    fn end_now(&mut self, chat: &ProviderChatId) {
        let room = self.conversations.get(chat).and_then(|one| one.room.clone());
        if let Some(room) = room {
            self.leave_room(&room);
        }
        self.end_private(chat);
        if let Some(one) = self.conversations.get(chat)
            && let Place::Workgroup { session, workgroup } = one.place.clone()
            && one.room.is_none()
        {
            self.reject_offer(&session, &workgroup);
        }
        self.conversations.remove(chat);
    }

    /// A visitor is told that what he sent was not taken.
    pub(crate) fn tell_refused(&mut self, chat: &ProviderChatId, keys: &[Str], text: &str, can_retry: bool) {
        let Some(one) = self.conversations.get(chat) else { return };
        let Some((from, id)) = named_by(keys) else { return self.observed.count("refusals_untold") };
        let condition = if can_retry { wire::RESOURCE_CONSTRAINT } else { wire::NOT_ACCEPTABLE };
        let answer = match &one.place {
            Place::Direct { ours, .. } => {
                let to = self.own.component.then_some(ours.as_str());
                let his =
                    wire::stanza("message", Some(from.as_str()), to.unwrap_or_default(), Some("chat"), &id);
                wire::error(&his.build(), &condition, text)
            }
            // In a room an error is the room's to send: he is told by a word of his own.
            _ => self.whisper(&from, text),
        };
        if let Some(answer) = answer {
            self.transmit(answer);
        }
    }

    fn whisper(&self, occupant: &Jid, text: &str) -> Option<Element> {
        let room = self.link.rooms.get(&occupant.to_bare())?;
        occupant.resource()?;
        let made = wire::stanza("message", room.from.as_deref(), occupant.as_str(), Some("chat"), "");
        Some(made.child("body", ns::CLIENT, text).append(wire::bare("x", ns::MUC_USER)).build())
    }

    /// An agent types, or does so no more (XEP-0085).
    pub(crate) fn type_out(&mut self, chat: &ProviderChatId, nickname: &str, typing: bool) {
        if self.link.phase != Phase::Live {
            return;
        }
        let Some(one) = self.conversations.get(chat) else { return };
        let state = if typing { "composing" } else { "paused" };
        let made = match (&one.place, &one.room) {
            (_, Some(room)) => {
                let Some(seen) = self.link.rooms.get(room).filter(|seen| seen.is_in()) else { return };
                let of_name = one.agents.iter().find(|(_, name)| &***name == nickname);
                let from = of_name.and_then(|(agent, _)| seen.seat_of(agent)).or(seen.from.clone());
                wire::stanza("message", from.as_deref(), room.as_str(), Some("groupchat"), "")
            }
            (Place::Direct { visitor, ours }, None) => {
                let from = self.own.component.then_some(ours.as_str());
                let to = one.reply_to.as_ref().map_or(visitor.as_str(), Jid::as_str);
                wire::stanza("message", from, to, Some("chat"), "")
            }
            _ => return,
        };
        let state = wire::bare(state, ns::CHATSTATES);
        self.transmit(made.append(state).append(wire::bare("no-store", ns::HINTS)).build());
    }
}

/// The words of a message: its text, the options that it offers, and where its files are.
fn words_of(content: &Content, addresses: &[&str]) -> String {
    let options = content.choice.iter().flat_map(|choice| &choice.options).enumerate();
    let options = options.map(|(at, (_, words))| format!("{}. {}", at + 1, words.expose()));
    let mut lines: VecDeque<String> =
        options.chain(addresses.iter().map(|address| (*address).to_owned())).collect();
    if !content.text.expose().is_empty() {
        lines.push_front(content.text.expose().to_string());
    }
    Vec::from(lines).join("\n")
}
