//! Agents' own places in rooms: where we are a component, each speaks as himself.

use schakel_core::model::ids::{AgentId, Str};
use schakel_core::report::chat::ConversationEvent;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::own;
use crate::room::{Who, is_for_good};
use crate::session::Xmpp;
use crate::wire::muc::{codes, entrance, exit};
use crate::wire::{self, ns};

/// How many nicknames are tried, and how often he comes back who was put out without a reason.
const TRIES_MAX: u8 = 5;

/// An agent's own place in a room.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) from: String,
    pub(crate) nick: String,
    pub(crate) taken: bool,
    tries: u8,
}

impl Xmpp {
    /// Gives an agent a place in a room: one of his own where we are a component; else we speak for him.
    pub(crate) fn seat(&mut self, room: &BareJid, agent: &AgentId, nickname: &Str) {
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        let address = self.own.component.then(|| self.own.of_agent(agent)).flatten();
        // An agent who is called as the queue is has no address of his own.
        let from = address
            .map(|address| format!("{address}/schakel"))
            .filter(|from| one.from.as_ref() != Some(from));
        let Some(from) = from else {
            if one.is_in() {
                let chat = one.chat.clone();
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            return;
        };
        if !one.is_in() {
            // He is given one as soon as we are.
            return;
        }
        if let Some(seat) = one.seats.get(agent) {
            // The house asks again after a lost connection; while he is on his way in, he will be told of.
            if seat.taken {
                let chat = one.chat.clone();
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            return;
        }
        let nick = own::occupant_name(nickname);
        let presence = entrance(Some(&from), room, &nick, one.password.as_deref());
        let seat = Seat { from, nick, taken: false, tries: 0 };
        one.seats.insert(agent.clone(), seat);
        self.transmit(presence);
    }

    pub(crate) fn seat_presence(&mut self, stanza: &Element, room: &BareJid, agent: &AgentId) {
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        let chat = one.chat.clone();
        let Some(seat) = one.seats.get_mut(agent) else { return };
        let codes = codes(stanza.get_child("x", ns::MUC_USER));
        let is_self = codes.contains(&110);
        match stanza.attr("type") {
            None if is_self && !seat.taken => {
                seat.taken = true;
                // The room may have given him another (XEP-0045 section 7.2.3).
                let given = stanza.attr("from").and_then(|from| Jid::new(from).ok());
                if let Some(given) = given.as_ref().and_then(Jid::resource) {
                    seat.nick = given.as_str().to_owned();
                }
                let nick = seat.nick.clone();
                one.occupants.insert(nick, Who::Ours);
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            // Whoever is put out in passing comes back: with us, or at once where it was he alone.
            Some("unavailable") if is_self && !is_for_good(&codes) && seat.tries < TRIES_MAX => {
                seat.tries += 1;
                seat.taken = false;
                one.occupants.remove(&seat.nick);
                let presence = entrance(Some(&seat.from), room, &seat.nick, one.password.as_deref());
                if one.is_in() && !codes.contains(&332) {
                    self.transmit(presence);
                }
            }
            Some("unavailable") if is_self => {
                one.seats.remove(agent);
                self.tell(&chat, ConversationEvent::AgentLeft(agent.clone()), None);
            }
            Some("error") if !seat.taken => {
                let (condition, _) = wire::error_of(stanza);
                seat.tries += 1;
                // Whoever has his nickname is somebody else.
                if let Some(who @ Who::Ours) = one.occupants.get_mut(&seat.nick) {
                    *who = Who::Visitor;
                }
                if condition == "conflict" && seat.tries < TRIES_MAX {
                    seat.nick = format!(
                        "{} ({})",
                        seat.nick.trim_end_matches(|c: char| " ()".contains(c) || c.is_ascii_digit()),
                        seat.tries + 1
                    );
                    let presence = entrance(Some(&seat.from), room, &seat.nick, one.password.as_deref());
                    return self.transmit(presence);
                }
                // We speak for him ourselves.
                one.seats.remove(agent);
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            _ => {}
        }
    }

    /// Takes an agent's place away.
    pub(crate) fn unseat(&mut self, room: &BareJid, agent: &AgentId) {
        let seat = self.link.rooms.get_mut(room).and_then(|one| one.seats.remove(agent));
        if let Some(seat) = seat {
            self.transmit(exit(Some(&seat.from), room, &seat.nick));
        }
    }
}
