//! Messages of visitors who write to an address of ours, and what is common to all messages that are heard.

use schakel_core::adapter::{Output, Typing};
use schakel_core::model::chat::{Presence, Visitor};
use schakel_core::model::ids::{MessageId, ProviderChatId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Time;
use schakel_core::report::chat::{ArchivePosition, ConversationEvent, Heard, HeardBy};
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::conversation::Conversation;
use crate::own::{self, Place};
use crate::session::{Phase, Task, Xmpp};
use crate::wire::{self, Set, message, ns};

/// Bytes of live messages that wait while an archive is read.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Stands between a sender and the name that he gave his message: neither can have it in them, because XML has no such
/// character.
const BETWEEN: char = '\u{1f}';

/// How a message came to us.
#[derive(Debug, Clone, Default)]
pub(crate) struct Came {
    /// Out of an archive: whose, and its id there.
    pub(crate) archived: Option<(Str, Str)>,
    /// When it was said, where it was kept meanwhile.
    pub(crate) said: Option<Time>,
}

impl Xmpp {
    /// A live message: at once, or when the archive has been read.
    pub(crate) fn message(&mut self, stanza: &Element, from: Option<&Jid>) {
        if stanza.attr("type") == Some("error") {
            return self.bounced(stanza, from);
        }
        let of_room = from.is_some_and(|from| self.link.is_room(&from.to_bare()));
        if self.archived_or_private(stanza, from) || of_room {
            return;
        }
        if self.link.phase == Phase::CatchingUp && !self.own.component {
            let bytes = self.link.held_bytes + wire::size(stanza, HELD_BYTES_MAX);
            let fits = bytes <= HELD_BYTES_MAX && self.link.held.len() < self.settings.limits.held_max;
            // What comes after one that did not fit is read from the archive too, in its turn.
            if fits && !self.link.missed {
                self.link.held.push_back(stanza.clone());
                self.link.held_bytes = bytes;
            } else {
                self.observed.count("held_dropped");
                self.link.missed = true;
            }
            return;
        }
        self.message_now(stanza);
    }

    /// What belongs to a look into an archive, or to a room.
    fn archived_or_private(&mut self, stanza: &Element, from: Option<&Jid>) -> bool {
        if let Some(result) = stanza.get_child("result", ns::MAM) {
            self.archive_result(stanza, result, from);
            return true;
        }
        if let Some(from) = from {
            let room = from.to_bare();
            if self.link.private.contains_key(&room) {
                self.heard_privately(stanza, from);
                return true;
            }
            if self.link.rooms.contains_key(&room) {
                self.room_message(stanza, from);
                return true;
            }
            return self.left_room_message(stanza, from);
        }
        false
    }

    /// A message to an address of ours, which is not of a room that we are in.
    pub(crate) fn message_now(&mut self, stanza: &Element) {
        let sender = stanza.attr("from").map(Jid::new);
        let Some(Ok(from)) = sender else {
            return self.refuse(stanza, "a message without a sender", None);
        };
        for direction in ["received", "sent"] {
            if let Some(envelope) = stanza.get_child(direction, ns::CARBONS) {
                return self.carbon(stanza, envelope, &from, direction == "received");
            }
        }
        if self.invitation(stanza, &from) {
            return;
        }
        let to =
            stanza.attr("to").map_or_else(|| Some(Jid::from(self.own.bare.clone())), |to| Jid::new(to).ok());
        let Some(to) = to.filter(|to| self.own.is_ours(to)) else {
            return self.refuse(stanza, "a message for somebody else", None);
        };
        if self.own.is_ours(&from) {
            return self.observed.count("own_messages_ignored");
        }
        if stanza.attr("type") == Some("groupchat") && self.link.tasks.contains(&Task::Alone) {
            // A room from before, which is not entered again yet: its archive has it.
            return self.observed.count("early_room_messages");
        }
        if matches!(stanza.attr("type"), Some("groupchat" | "headline")) {
            return self.refuse(stanza, "a message of a room that we are not in", None);
        }
        if !own::may_write(&self.settings, &from) {
            return self.refuse(stanza, "a sender whose domain is not allowed", Some(&wire::FORBIDDEN));
        }
        let read = self.live_position(stanza);
        let came = Came { said: message::delay(stanza).map(Time), ..Came::default() };
        self.direct(stanza, from, to.to_bare(), came, read);
    }

    /// A copy of what another program of our account got or sent (XEP-0280). Only our own account makes copies.
    fn carbon(&mut self, stanza: &Element, envelope: &Element, from: &Jid, received: bool) {
        if self.own.component || from.resource().is_some() || from.to_bare() != self.own.bare {
            return self.refuse(stanza, "a forged carbon copy (XEP-0280)", None);
        }
        let Some((inside, delay)) = message::forwarded(envelope) else {
            return self.refuse(stanza, "a carbon copy of nothing", None);
        };
        let sender = inside.attr("from").and_then(|from| Jid::new(from).ok());
        let Some(sender) = sender.filter(|sender| received && !self.own.is_ours(sender)) else {
            return self.observed.count("own_messages_ignored");
        };
        if inside.attr("type").is_some_and(|kind| kind != "chat" && kind != "normal")
            || !own::may_write(&self.settings, &sender)
        {
            return self.observed.count("carbons_ignored");
        }
        let read = self.live_position(inside);
        let came = Came { said: delay.or_else(|| message::delay(inside)).map(Time), ..Came::default() };
        self.direct(inside, sender, self.own.bare.clone(), came, read);
    }

    /// Where our account's archive has a live message.
    fn live_position(&self, stanza: &Element) -> Option<ArchivePosition> {
        if self.own.component || !self.settings.archive {
            return None;
        }
        let id = message::stanza_id(stanza, self.own.bare.as_str())?;
        Some(ArchivePosition { archive: Pii::new("".into()), id: id.into() })
    }

    /// A message of a visitor to an address of ours.
    pub(crate) fn direct(
        &mut self,
        stanza: &Element,
        from: Jid,
        ours: BareJid,
        came: Came,
        read: Option<ArchivePosition>,
    ) {
        let place = Place::Direct { visitor: from.to_bare(), ours };
        let chat = place.id();
        let is_live = came.archived.is_none();
        if let Some(known) = self.conversations.get_mut(&chat) {
            known.heard = self.now;
            if is_live || known.reply_to.is_none() {
                known.reply_to = Some(from.clone());
            }
        }
        self.told_about_ours(&chat, stanza);
        if is_live {
            self.typed_in(&chat, stanza);
        }
        let Some((text, language)) = message::body(stanza) else { return };
        if let Some(reason) = self.unreadable(stanza, &text) {
            if is_live {
                self.refuse(stanza, reason, Some(&wire::NOT_ACCEPTABLE));
            }
            if self.conversations.get(&chat).is_some_and(|known| known.told) {
                self.tell(&chat, ConversationEvent::Refused(reason.into()), read);
            }
            return;
        }
        if !self.conversations.contains_key(&chat) {
            if !self.has_room_for_one() {
                return self.refuse(stanza, "too many conversations", Some(&wire::RESOURCE_CONSTRAINT));
            }
            let Place::Direct { ours, .. } = &place else { return };
            let Some(queue) = own::queue_of(&self.settings, &[ours, &from.to_bare()]) else {
                return self.refuse(
                    stanza,
                    "an address that belongs to no queue",
                    Some(&wire::ITEM_NOT_FOUND),
                );
            };
            let mut one = Conversation::new(place, Some(queue));
            (one.heard, one.reply_to) = (self.now, Some(from.clone()));
            self.conversations.insert(chat.clone(), one);
        }
        let visitor = Visitor {
            nickname: message::nick(stanza).map(|nick| Pii::new(nick.into())),
            address: Some(Pii::new(from.to_string().into())),
            language: language.map(Into::into),
            ..Visitor::default()
        };
        if is_live {
            self.tell_presence(&chat, Presence::There);
        }
        self.said(&chat, stanza, &text, HeardBy::Visitor, visitor, &from, came, read);
    }

    /// Why a message's words cannot be taken, if so.
    pub(crate) fn unreadable(&self, stanza: &Element, text: &str) -> Option<&'static str> {
        if message::is_encrypted(stanza) {
            return Some("end-to-end encrypted messages cannot be read here");
        }
        (text.len() > self.settings.limits.body_bytes).then_some("the message is too long")
    }

    /// Tells the house that something was said.
    #[expect(clippy::too_many_arguments, reason = "they are what a message is")]
    pub(crate) fn said(
        &mut self,
        chat: &ProviderChatId,
        stanza: &Element,
        text: &str,
        by: HeardBy,
        visitor: Visitor,
        from: &Jid,
        came: Came,
        read: Option<ArchivePosition>,
    ) {
        let links = message::links(stanza);
        // Programs that send a file's address repeat it as the words.
        let repeats = links.iter().any(|link| *link == text.trim());
        let words = if repeats { "".into() } else { message::words(text) };
        if words.trim().is_empty() && links.is_empty() {
            return;
        }
        let keys = self.keys(stanza, from, &came, read.as_ref());
        let corrects = message::replaces(stanza).map(|id| sender_key(from, id));
        let Some(one) = self.conversations.get_mut(chat) else { return };
        // Whoever goes on is not at an end.
        one.is_ending = false;
        one.told = true;
        one.typed = None;
        one.typing = false;
        let heard = Heard {
            queue: one.queue.clone(),
            visitor,
            by,
            keys,
            text: Pii::new(words.as_ref().into()),
            links: links.iter().map(|link| Pii::new(link.as_str().into())).collect(),
            said: came.said.filter(|said| *said <= self.now),
            corrects,
            receipt: stanza.has_child("request", ns::RECEIPTS) && stanza.attr("type") != Some("groupchat"),
        };
        self.tell(chat, ConversationEvent::Said(heard), read);
    }

    /// The names by which a message may be told again. What an archive is believed about is its own ids only: any
    /// sender can write what he likes into his messages.
    fn keys(
        &mut self,
        stanza: &Element,
        from: &Jid,
        came: &Came,
        read: Option<&ArchivePosition>,
    ) -> Vec<Str> {
        let mut keys: Vec<Str> = Vec::new();
        let archived = came.archived.as_ref().map(|(archive, id)| (&**archive, &**id));
        let live = read.map(|read| (&**read.archive.expose(), &*read.id));
        if let Some((archive, id)) = archived.or(live) {
            let by = if archive.is_empty() { self.own.bare.as_str() } else { archive };
            keys.push(format!("sid:{by}:{id}").into());
        }
        for id in [message::origin_id(stanza), stanza.attr("id").and_then(message::id)].into_iter().flatten()
        {
            let key = sender_key(from, id);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            self.nameless += 1;
            keys.push(format!("none:{from}:{}:{}", self.now.0, self.nameless).into());
        }
        keys
    }

    /// Receipts and markers about what we said (XEP-0184, XEP-0333).
    pub(crate) fn told_about_ours(&mut self, chat: &ProviderChatId, stanza: &Element) {
        let Some((id, seen)) = message::receipt(stanza) else { return };
        let Ok(message) = id.parse::<MessageId>() else { return };
        if self.conversations.get(chat).is_some_and(|known| known.told) {
            let event = if seen {
                ConversationEvent::Displayed(message)
            } else {
                ConversationEvent::Delivered(message)
            };
            self.tell(chat, event, None);
        }
    }

    /// What a visitor types, in a conversation that is known (O11).
    pub(crate) fn typed_in(&mut self, chat: &ProviderChatId, stanza: &Element) {
        let bytes_max = self.settings.limits.body_bytes;
        let Some(one) = self.conversations.get_mut(chat).filter(|one| one.told) else { return };
        let mut presence = None;
        let before = (one.typing, one.typed.clone());
        match message::chat_state(stanza) {
            Some("composing") => one.typing = true,
            Some("active" | "paused" | "inactive") => one.typing = false,
            Some("gone") => {
                one.typing = false;
                presence = Some(Presence::Gone);
            }
            _ => {}
        }
        if let Some(rtt) = stanza.get_child("rtt", ns::RTT) {
            message::edit(&mut one.typed, rtt, bytes_max);
            one.typing = one.typed.as_ref().is_none_or(|text| !text.is_empty());
        }
        let after = (one.typing, one.typed.clone());
        if before != after {
            let (typing, text) = after;
            let text = text.map(|text| Pii::new(text.into()));
            self.out.push(Output::Typing(Typing { chat: chat.clone(), typing, text }));
        }
        if let Some(presence) = presence {
            self.tell_presence(chat, presence);
        }
    }

    /// Says that a message is kept (XEP-0184): it is in the house's transcript, and on its disk.
    pub(crate) fn tell_kept(&mut self, chat: &ProviderChatId, keys: &[Str]) {
        let ours = match Place::of(chat) {
            Some(Place::Direct { ours, .. }) => ours,
            // In a room the room's own echo says so.
            _ => return,
        };
        let Some((to, id)) = named_by(keys) else { return self.observed.count("receipts_untold") };
        let from = self.own.component.then_some(ours.as_str());
        let received = wire::make("received", ns::RECEIPTS).set("id", &id).build();
        let answer = wire::stanza("message", from, to.as_str(), Some("chat"), "");
        self.transmit(answer.append(received).append(wire::bare("store", ns::HINTS)).build());
    }
}

/// Who said what has these names, and what he named it in the stanza: the last of his names for it.
pub(crate) fn named_by(keys: &[Str]) -> Option<(Jid, String)> {
    keys.iter().rev().find_map(|key| {
        let (from, id) = key.strip_prefix("oid:")?.split_once(BETWEEN)?;
        Some((Jid::new(from).ok()?, id.to_owned()))
    })
}

/// The name that a sender gave his message.
pub(crate) fn sender_key(from: &Jid, id: &str) -> Str {
    format!("oid:{from}{BETWEEN}{id}").into()
}
