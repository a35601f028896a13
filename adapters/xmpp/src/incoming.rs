//! Which stanza is for whom.

use schakel_core::model::ids::MessageId;
use schakel_core::report::chat::ConversationEvent;
use xmpp_parsers::jid::Jid;
use xmpp_parsers::minidom::Element;

use crate::own::Place;
use crate::session::{Asked, Phase, Question, Xmpp};
use crate::wire::{self, ns};

impl Xmpp {
    /// Takes one stanza.
    pub(crate) fn received(&mut self, stanza: &Element) {
        if self.link.phase == Phase::Closed {
            return;
        }
        self.link.heard = self.now;
        self.observed.count("messages_received");
        let from = match stanza.attr("from").map(Jid::new) {
            None => None,
            Some(Ok(from)) => Some(from),
            Some(Err(_)) => return self.refuse(stanza, "a sender that is no XMPP address", None),
        };
        if !self.is_bearable(stanza, from.as_ref()) {
            return;
        }
        if stanza.is("message", ns::CLIENT) {
            self.message(stanza, from.as_ref());
        } else if stanza.is("presence", ns::CLIENT) {
            self.presence(stanza, from.as_ref());
        } else if stanza.is("iq", ns::CLIENT) {
            self.iq(stanza, from.as_ref());
        } else {
            self.refuse(stanza, "neither message, presence nor iq", None);
        }
    }

    fn iq(&mut self, stanza: &Element, from: Option<&Jid>) {
        let id = stanza.attr("id").unwrap_or_default();
        match stanza.attr("type") {
            Some("result" | "error") => {
                let theirs = self.link.asked.get(id).is_some_and(|asked| self.may_answer(asked, from));
                match theirs.then(|| self.link.asked.remove(id)).flatten() {
                    Some(asked) => self.answered(asked, Some(stanza)),
                    None => self.observed.count("late_responses"),
                }
            }
            Some("get" | "set") => {
                // A component's ping to its own domain comes round to us: the server has taken what went before it.
                let own = from.is_some_and(|from| from.as_str() == self.own.bare.as_str());
                if self.own.component && own {
                    return match self.link.asked.remove(id) {
                        Some(asked) => self.answered(asked, Some(stanza)),
                        None => self.observed.count("late_responses"),
                    };
                }
                self.request(stanza, from);
            }
            _ => self.refuse(stanza, "an iq of no type", Some(&wire::BAD_REQUEST)),
        }
    }

    /// Whether an answer comes from who was asked. The server answers for our own account without saying who it is.
    fn may_answer(&self, asked: &Asked, from: Option<&Jid>) -> bool {
        let Some(from) = from else { return asked.whom.is_empty() || asked.whom == self.own.bare.as_str() };
        let ours = asked.whom.is_empty() && !self.own.component;
        from.as_str() == asked.whom
            || (ours && (from.to_bare() == self.own.bare || from.as_str() == self.own.bare.domain().as_str()))
    }

    /// An answer, or none in time.
    pub(crate) fn answered(&mut self, asked: Asked, answer: Option<&Element>) {
        let good = answer.filter(|answer| answer.attr("type") != Some("error"));
        match asked.what {
            Question::Ping | Question::Nothing => {}
            Question::Alone => self.came_round(answer.is_some()),
            Question::AloneLater => self.ask_whether_alone(),
            Question::Taken(count) => self.taken(count),
            Question::InRoom(room) => self.room_answered(&room, answer),
            Question::Archive(query) => self.archive_answered(&query, answer),
            Question::ArchiveLater(look) => self.look(*look),
            Question::RoomLater(room) => {
                if self.link.rooms.get(&room).is_some_and(|one| one.reading && one.is_in()) {
                    self.catch_up_room(&room);
                }
            }
            Question::Services => self.services_found(good),
            Question::Service(name) => self.service_found(&name, good),
            Question::Slot(chat, message, file) => self.slot(&chat, message, file, answer),
            Question::Configure(room) => self.private_configured(&room, good.is_some()),
        }
    }

    /// An error that a message of ours came back with.
    pub(crate) fn bounced(&mut self, stanza: &Element, from: Option<&Jid>) {
        let Some(from) = from else { return };
        let Ok(message) = stanza.attr("id").unwrap_or_default().parse::<MessageId>() else {
            return self.observed.count("errors_ignored");
        };
        let (condition, words) = wire::error_of(stanza);
        let words = if words.is_empty() { condition } else { format!("{condition}: {words}") };
        let bare = from.to_bare();
        let chat = if let Some(room) = self.link.rooms.get(&bare) {
            // The room itself refuses; an occupant's program that is gone is no matter of ours.
            from.resource().is_none().then(|| room.chat.clone())
        } else {
            let ours = stanza.attr("to").and_then(|to| Jid::new(to).ok());
            let ours =
                ours.filter(|to| self.own.is_ours(to)).map_or_else(|| self.own.bare.clone(), Jid::into_bare);
            Some(Place::Direct { visitor: bare, ours }.id())
        };
        let Some(chat) = chat.filter(|chat| self.conversations.get(chat).is_some_and(|one| one.told)) else {
            return self.observed.count("errors_ignored");
        };
        self.link.said.retain(|(_, _, said)| *said != message);
        if let Some(one) = self.conversations.get_mut(&chat) {
            one.is_done(message);
        }
        self.tell(&chat, ConversationEvent::NotDelivered(message, words.into()), None);
    }
}
