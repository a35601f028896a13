//! Workgroups (XEP-0142, and what Openfire Fastpath adds to it): the server keeps a queue of its own and offers its
//! visitors to us; who takes the offer meets him in a room.
//!
//! ```text
//! workgroup ── offer ──► Opened        Join ──► offer-accept ── invitation ──► the room is the conversation
//!                        offer-revoke ──► EndedByVisitor
//! ```

use schakel_core::model::chat::{Attribute, Visitor};
use schakel_core::model::chat_service::Show;
use schakel_core::model::ids::ProviderChatId;
use schakel_core::model::pii::Pii;
use schakel_core::report::chat::ConversationEvent;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::conversation::Conversation;
use crate::own::{self, Place};
use crate::presence::show_word;
use crate::session::{Question, Xmpp};
use crate::wire::{self, Set, message, ns};

/// What a visitor filled in, at most so many fields of so many bytes.
const FIELDS_MAX: usize = 20;
const FIELD_MAX_BYTES: usize = 500;

impl Xmpp {
    /// Tells the workgroups how many chats all agents together still take.
    pub(crate) fn show_workgroups(&mut self) {
        let takes = |show: Show| matches!(show, Show::Chat | Show::Available);
        let max: u32 =
            self.agents.values().filter(|one| takes(one.show)).map(|one| u32::from(one.chats_max)).sum();
        let show = if max > 0 { Show::Chat } else { Show::ExtendedAway };
        let ours = self.own.component.then(|| format!("{}/schakel", self.own.bare));
        for workgroup in self.own.workgroups.clone() {
            let status =
                wire::make("agent-status", ns::WORKGROUP).child("max-chats", ns::WORKGROUP, &max.to_string());
            let made = wire::stanza("presence", ours.as_deref(), workgroup.as_str(), None, "");
            let made =
                made.child("show", ns::CLIENT, show_word(show).unwrap_or_default()).append(status.build());
            self.transmit(made.build());
        }
    }

    /// What a workgroup asks of us. False if it is none of its questions.
    pub(crate) fn workgroup_request(
        &mut self,
        stanza: &Element,
        payload: &Element,
        from: Option<&Jid>,
    ) -> bool {
        let Some(workgroup) = from.map(Jid::to_bare).filter(|from| self.own.workgroups.contains(from)) else {
            return false;
        };
        if payload.is("offer", ns::WORKGROUP) {
            self.offered(stanza, payload, workgroup);
        } else if payload.is("offer-revoke", ns::WORKGROUP) {
            self.revoked(stanza, payload, &workgroup);
        } else {
            return false;
        }
        true
    }

    fn offered(&mut self, stanza: &Element, offer: &Element, workgroup: BareJid) {
        let Some(session) = session_of(offer) else {
            return self.refuse(stanza, "an offer without a session", Some(&wire::BAD_REQUEST));
        };
        let place = Place::Workgroup { session: session.as_str().into(), workgroup: workgroup.clone() };
        let chat = place.id();
        let user = offer.attr("jid").and_then(|jid| Jid::new(jid).ok());
        if !self.conversations.contains_key(&chat) && !self.has_room_for_one() {
            return self.refuse(stanza, "too many conversations", Some(&wire::RESOURCE_CONSTRAINT));
        }
        let Some(queue) = own::queue_of(&self.settings, &[&workgroup]) else {
            return self.refuse(
                stanza,
                "an offer of a workgroup that belongs to no queue",
                Some(&wire::ITEM_NOT_FOUND),
            );
        };
        self.answer(stanza, None);
        let one = self
            .conversations
            .entry(chat.clone())
            .or_insert_with(|| Conversation::new(place, Some(queue.clone())));
        (one.told, one.heard) = (true, self.now);
        one.reply_to = user.clone();
        let visitor = visitor_of(offer, user.as_ref());
        self.tell(&chat, ConversationEvent::Opened { queue, visitor }, None);
    }

    fn revoked(&mut self, stanza: &Element, revoke: &Element, workgroup: &BareJid) {
        self.answer(stanza, None);
        let user = revoke.attr("jid").and_then(|jid| Jid::new(jid).ok());
        let by_session = session_of(revoke).map(|session| {
            Place::Workgroup { session: session.as_str().into(), workgroup: workgroup.clone() }.id()
        });
        let known = by_session.filter(|chat| self.conversations.contains_key(chat)).or_else(|| {
            let his = |one: &Conversation| {
                matches!(&one.place, Place::Workgroup { workgroup: at, .. } if at == workgroup)
                    && user.is_some()
                    && one.reply_to == user
            };
            self.conversations.iter().find(|(_, one)| his(one)).map(|(chat, _)| chat.clone())
        });
        // Once there is a room, the offer is history: who leaves the room ends it.
        let Some(chat) =
            known.filter(|chat| self.conversations.get(chat).is_some_and(|one| one.room.is_none()))
        else {
            return;
        };
        self.conversations.remove(&chat);
        self.tell(&chat, ConversationEvent::EndedByVisitor, None);
    }

    /// An agent of the house takes the visitor.
    pub(crate) fn accept_offer(&mut self, session: &str, workgroup: &BareJid) {
        self.answer_offer("offer-accept", session, workgroup);
    }

    /// Nobody does.
    pub(crate) fn reject_offer(&mut self, session: &str, workgroup: &BareJid) {
        self.answer_offer("offer-reject", session, workgroup);
    }

    fn answer_offer(&mut self, word: &str, session: &str, workgroup: &BareJid) {
        let chat = Place::Workgroup { session: session.into(), workgroup: workgroup.clone() }.id();
        let user = self.conversations.get(&chat).and_then(|one| one.reply_to.as_ref()).map(Jid::to_string);
        let payload =
            wire::make(word, ns::WORKGROUP).set_if("jid", user.as_deref()).set("id", session).build();
        let ours = self.own.component.then(|| format!("{}/schakel", self.own.bare));
        self.ask(workgroup.as_str(), ours.as_deref(), "set", payload, Question::Nothing);
    }

    /// The conversation that an invitation belongs to, where a workgroup's offer came before it.
    pub(crate) fn session_of_invitation(&self, stanza: &Element, room: &BareJid) -> Option<ProviderChatId> {
        let told = stanza.get_child("session", ns::FASTPATH).and_then(|session| session.attr("id"));
        let name = room.node().map(|node| node.as_str());
        let fits = |session: &str| told.map_or(name == Some(session), |told| told == session);
        let found = self.conversations.iter().find(
            |(_, one)| matches!(&one.place, Place::Workgroup { session, .. } if one.room.is_none() && fits(session)),
        );
        found.map(|(chat, _)| chat.clone())
    }
}

/// The session of an offer: as Fastpath says it, else the visitor's address, as XEP-0142 knows no other.
fn session_of(offer: &Element) -> Option<String> {
    let session = offer.get_child("session", ns::FASTPATH).and_then(|session| session.attr("id"));
    let session = session.or(offer.attr("id")).or(offer.attr("jid"))?;
    message::id(session).filter(|id| !id.contains(char::is_whitespace)).map(str::to_owned)
}

/// What an offer says of the visitor: what he filled in, which nobody vouches for.
fn visitor_of(offer: &Element, user: Option<&Jid>) -> Visitor {
    let mut visitor =
        Visitor { address: user.map(|jid| Pii::new(jid.to_string().into())), ..Visitor::default() };
    let metadata = offer.get_child("metadata", ns::FASTPATH).into_iter().flat_map(Element::children);
    for field in metadata.filter(|child| child.name() == "value").take(FIELDS_MAX) {
        let (Some(name), value) = (field.attr("name"), field.text()) else { continue };
        let value = wire::clean(&value);
        let value = Pii::new(wire::cut(&value, FIELD_MAX_BYTES).into());
        match name {
            "username" | "name" => visitor.nickname = Some(value),
            "email" => visitor.email = Some(value),
            _ => visitor.attributes.push(Attribute {
                name: wire::cut(&wire::clean(name), FIELD_MAX_BYTES).into(),
                value,
                verified_by: None,
            }),
        }
    }
    visitor
}
