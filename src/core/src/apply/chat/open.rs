//! A visitor comes, tells who he is, goes away, comes back (O05, O06).

use super::content::{check_offline, clip};
use super::queue::{queue_facts, text_for};
use super::{Context, ended};
use crate::adapter::ChatOperation;
use crate::command::chat::OfflineMessage;
use crate::command::{Refusal, RefusalCause};
use crate::effect::Effect;
use crate::model::call::Party;
use crate::model::cause::Cause;
use crate::model::chat::{Chat, ChatState, EndReason, Fields, Presence, Visitor, Way};
use crate::model::contact::Contact;
use crate::model::ids::{ChatId, CommandId, ContactId, OfferId, ProviderChatId, ProviderId, QueueId, Str};
use crate::model::pii::Pii;
use crate::notification::Kind;
use crate::report::chat::Heard;
use crate::settings::{TextId, WhenBusy};
use crate::state::Deadline;
use std::collections::VecDeque;

/// Things that may be known of a visitor beside his name and address.
const ATTRIBUTES_MAX: usize = 50;

impl Context<'_> {
    pub(super) fn open_by_api(
        &mut self,
        id: CommandId,
        queue: &QueueId,
        visitor: &Visitor,
    ) -> Result<(), Refusal> {
        if self.state.settings.chat.queue(queue).is_none() {
            return Err(unknown_queue(queue));
        }
        self.has_room_for(visitor)?;
        if let Err(text) = self.admits(queue) {
            return Err(self.nobody_there(queue, text, visitor));
        }
        let chat = self.open_chat(Way::Api, queue, visitor);
        self.concerns_chat(id, chat);
        self.greet(chat);
        self.show_now(chat);
        self.mind_silence(chat);
        Ok(())
    }

    pub(super) fn opened_at_provider(
        &mut self,
        provider: &ProviderId,
        chat: &ProviderChatId,
        queue: &QueueId,
        visitor: &Visitor,
    ) {
        match self.live_at(provider, chat) {
            Some(known) => {
                self.learn_visitor(known, visitor);
                self.visitor_presence(known, Presence::There);
            }
            None => {
                self.open_at_provider(provider, chat, queue, visitor, None);
            }
        }
    }

    /// The live chat of a provider's conversation.
    pub(super) fn live_at(&self, provider: &ProviderId, chat: &ProviderChatId) -> Option<ChatId> {
        let known = self.state.chat_of(provider, chat)?;
        known.state.is_live().then_some(known.id)
    }

    /// A conversation that is not known, or not any more, becomes a chat that waits; with its first words, where it
    /// began with some. Where nobody can take it the visitor is told so, and it ends.
    pub(super) fn open_at_provider(
        &mut self,
        provider: &ProviderId,
        conversation: &ProviderChatId,
        queue: &QueueId,
        visitor: &Visitor,
        first: Option<&Heard>,
    ) {
        let known = self.state.settings.chat.queue(queue).is_some();
        if !known || self.has_room_for(visitor).is_err() {
            if known {
                self.state.counters.refused_messages += 1;
            } else {
                self.state.counters.unknown_conversations += 1;
            }
            // One who was away with us is not told hours later.
            if first.is_none_or(|heard| heard.said.is_none()) && self.is_link_up(provider) {
                let text = if known { TextId::Refused } else { TextId::ClosedWithoutForm };
                let operation = ChatOperation::Refuse {
                    chat: conversation.clone(),
                    keys: first.map(|heard| heard.keys.clone()).unwrap_or_default(),
                    text: self.state.settings.chat.text(text, visitor.language.as_deref()),
                    can_retry: known,
                };
                self.effects.push(Effect::Converse { provider: provider.clone(), operation });
            }
            return;
        }
        let admitted = self.admits(queue);
        let chat = self.open_chat(Way::Provider(provider.clone(), conversation.clone()), queue, visitor);
        if admitted.is_ok() {
            self.greet(chat);
        }
        if let Some(heard) = first {
            self.take_heard(chat, heard);
        }
        match admitted {
            Ok(()) => self.begin_to_wait(chat),
            Err(_) => self.leave_unserved(chat),
        }
    }

    /// An opened chat waits from now on, once.
    pub(super) fn begin_to_wait(&mut self, chat: ChatId) {
        if self.state.chats.get(&chat).is_some_and(|chat| chat.state == ChatState::Opened) {
            self.disarm(Deadline::ChatSilence(chat));
            self.enqueue(chat);
        }
    }

    pub(super) fn set_visitor_presence(&mut self, chat: ChatId, presence: Presence) -> Result<(), Refusal> {
        if !self.state.chats.get(&chat).is_some_and(|chat| chat.state.is_live()) {
            return Err(ended());
        }
        self.visitor_presence(chat, presence);
        Ok(())
    }

    /// The visitor is there, or not.
    pub(super) fn visitor_presence(&mut self, chat: ChatId, presence: Presence) {
        let grace = self.rules(chat).visitor_grace;
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat).filter(|chat| chat.state.is_live()) else { return };
        let was = std::mem::replace(&mut known.presence, presence);
        if was == presence {
            return;
        }
        known.presence_since = at;
        match (was, presence) {
            (_, Presence::There) => {
                self.disarm(Deadline::VisitorGrace(chat));
                self.tell_chat(Kind::ChatVisitorReturned, chat, None, Cause::Normal);
            }
            (Presence::There, _) => {
                self.arm(Deadline::VisitorGrace(chat), grace);
                self.tell_chat(Kind::ChatVisitorAway, chat, None, Cause::Normal);
            }
            // He is waited for from the first moment on.
            (Presence::Away | Presence::Gone, _) => {}
        }
    }

    /// A visitor who went away has not come back. While his provider's link is down nobody can tell.
    pub(crate) fn visitor_grace_over(&mut self, chat: ChatId) {
        if self.is_deaf(chat) {
            let grace = self.rules(chat).visitor_grace;
            return self.arm(Deadline::VisitorGrace(chat), grace);
        }
        if self.state.chats.get(&chat).is_some_and(|chat| chat.presence != Presence::There) {
            self.concluding(|context| context.finish_chat(chat, EndReason::VisitorGone, None));
        }
    }

    /// The daemon starts: nobody could be heard while it was away. Silence, an absence, and the time in which an offer can
    /// be answered count from now.
    pub(crate) fn renew_chats(&mut self) {
        let at = self.at;
        let live: Vec<ChatId> =
            self.state.chats.values().filter(|chat| chat.state.is_live()).map(|chat| chat.id).collect();
        for id in live {
            let rules = self.rules(id);
            let Some(chat) = self.state.chats.get_mut(&id) else { continue };
            let pending: Vec<OfferId> = chat.pending().map(|offer| offer.id).collect();
            for offer in chat.offers.iter_mut().filter(|offer| pending.contains(&offer.id)) {
                offer.deadline = at + rules.offer_limit;
            }
            for offer in pending {
                self.arm(Deadline::Offer(offer), rules.offer_limit);
            }
            self.begin_silence(id);
            for (deadline, span) in [
                (Deadline::VisitorGrace(id), rules.visitor_grace),
                (Deadline::ChatWait(id), rules.wait_limit),
            ] {
                if self.state.armed.contains_key(&deadline) {
                    self.arm(deadline, span);
                }
            }
        }
    }

    /// Whether nobody could tell what the visitor says or does: he comes over a provider whose link is not up.
    pub(super) fn is_deaf(&self, chat: ChatId) -> bool {
        let at = self.state.chats.get(&chat).and_then(Chat::at_provider);
        at.is_some_and(|(provider, _)| {
            self.state.providers.contains_key(provider) && !self.is_link_up(provider)
        })
    }

    /// A message is left while nobody can chat (C14, C15). Where it could not be sent to anybody it is not taken.
    pub(super) fn leave_message(&mut self, id: CommandId, message: &OfflineMessage) -> Result<(), Refusal> {
        let queue = self.state.settings.chat.queue(&message.queue);
        let queue = queue.ok_or_else(|| unknown_queue(&message.queue))?;
        if !queue.offline {
            let detail = "Messages cannot be left for this queue: no address is configured to send them to.";
            return Err(Refusal::new(RefusalCause::NotSupported, detail));
        }
        check_offline(message, queue.offline_strict, &self.state.settings.chat.limits)?;
        if let Some(record) = self.state.commands.get_mut(&id) {
            record.offline = Some(message.id);
        }
        self.effects.push(Effect::Mail(Box::new(message.clone())));
        self.tell_offline(message.id, &message.queue);
        Ok(())
    }

    /// Whether a chat may be opened in a queue now; else the text that says why not (C10, O04).
    pub(super) fn admits(&self, queue: &QueueId) -> Result<(), TextId> {
        let Some(facts) = queue_facts(self.state, queue, None) else {
            return Err(TextId::ClosedWithoutForm);
        };
        let may_wait = facts.free > 0 || facts.when_busy == WhenBusy::Queue;
        if facts.open && facts.agents > 0 && may_wait {
            return Ok(());
        }
        Err(match text_for(&facts) {
            text @ (TextId::Closed | TextId::ClosedWithoutForm) => text,
            _ if facts.offline => TextId::Closed,
            _ => TextId::ClosedWithoutForm,
        })
    }

    fn nobody_there(&self, queue: &QueueId, text: TextId, visitor: &Visitor) -> Refusal {
        let settings = &self.state.settings.chat;
        let words = settings.text(text, visitor.language.as_deref());
        let offline = settings.queue(queue).is_some_and(|queue| queue.offline);
        let form = if offline { "A message can be left." } else { "No message can be left." };
        Refusal::new(RefusalCause::AgentNotAvailable, format!("{words} ({form})"))
    }

    /// Whether there is room for one more chat, of this visitor.
    fn has_room_for(&self, visitor: &Visitor) -> Result<(), Refusal> {
        let limits = &self.state.settings.chat.limits;
        let (mut all, mut his) = (0_u32, 0_u32);
        for chat in self.state.chats.values().filter(|chat| chat.state.is_live()) {
            all += 1;
            his += u32::from(visitor.address.is_some() && chat.visitor.address == visitor.address);
        }
        if all >= limits.chats_max {
            let detail = format!("There are {all} chats, as many as there may be at once; try again later.");
            return Err(Refusal::new(RefusalCause::LimitExceeded, detail));
        }
        if his >= limits.chats_a_visitor_max {
            let detail = format!("This visitor has {his} chats open, as many as he may; end one of them.");
            return Err(Refusal::new(RefusalCause::LimitExceeded, detail));
        }
        Ok(())
    }

    /// A chat begins, in a contact of its own, and is told.
    fn open_chat(&mut self, way: Way, queue: &QueueId, visitor: &Visitor) -> ChatId {
        let (id, contact) = (ChatId(self.ids.make()), ContactId(self.ids.make()));
        let visitor = bounded(visitor);
        let name = visitor.nickname.clone();
        self.state.contacts.insert(
            contact,
            Contact {
                id: contact,
                customer: Party { name, ..Party::default() },
                dialled: None,
                calls: Vec::new(),
                chats: vec![id],
                transfers: Vec::new(),
                seq: 0,
                started: self.at,
                ended: None,
                reference: None,
                erased: false,
            },
        );
        if let Way::Provider(provider, conversation) = &way {
            let conversations = self.state.by_conversation.entry(provider.clone()).or_default();
            // One that ended has been told so for the last time: its end would be that of this one. Its last words, if
            // nobody has taken them yet, are said all the same.
            if let Some(before) = conversations.insert(conversation.clone(), id)
                && let Some(before) = self.state.chats.get_mut(&before)
            {
                before.closing = false;
            }
        }
        let chat = Chat {
            id,
            contact,
            way,
            queue: queue.clone(),
            visitor,
            presence: Presence::There,
            presence_since: self.at,
            state: ChatState::Opened,
            since: self.at,
            opened: self.at,
            queued: None,
            answered: None,
            offer: None,
            invitation: None,
            offers: VecDeque::new(),
            tried: Vec::new(),
            participants: Vec::new(),
            messages: Vec::new(),
            public_seq: 0,
            outgoing: VecDeque::new(),
            unanswered_since: None,
            last_word: self.at,
            warned: false,
            recent: VecDeque::new(),
            refused: None,
            shown: None,
            fields: Fields::default(),
            ended: None,
            closing: false,
            rating: None,
            session: None,
            version: 0,
        };
        self.state.chats.insert(id, chat);
        self.tell_chat(Kind::ChatOpened, id, None, Cause::Normal);
        id
    }

    /// What a visitor is told before anything else: the welcome (O03), and that what he types can be seen (O11).
    fn greet(&mut self, chat: ChatId) {
        let rules = self.rules(chat);
        if rules.welcome {
            self.say_text(chat, TextId::Welcome, None);
        }
        // A chat program says by itself whether it shows what is typed; a page is our own.
        let page = self.state.chats.get(&chat).is_some_and(|chat| chat.way == Way::Api);
        if rules.typing_preview && page {
            self.say_text(chat, TextId::PreviewNotice, None);
        }
    }

    /// A visitor says more of himself. Nothing that was known is lost, and nothing comes back that was erased.
    fn learn_visitor(&mut self, chat: ChatId, said: &Visitor) {
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        let Some(contact) = self.state.contacts.get_mut(&known.contact).filter(|contact| !contact.erased)
        else {
            return;
        };
        let said = bounded(said);
        let before = known.visitor.clone();
        let now = &mut known.visitor;
        now.nickname = said.nickname.or(now.nickname.take());
        now.email = said.email.or(now.email.take());
        now.address = said.address.or(now.address.take());
        now.language = said.language.or(now.language.take());
        for attribute in said.attributes {
            match now.attributes.iter().position(|known| known.name == attribute.name) {
                // What somebody vouches for is not overwritten by what the visitor says (W03).
                Some(at) if now.attributes[at].verified_by.is_none() || attribute.verified_by.is_some() => {
                    now.attributes[at] = attribute;
                }
                Some(_) => {}
                None if now.attributes.len() < ATTRIBUTES_MAX => now.attributes.push(attribute),
                None => {}
            }
        }
        if *now == before {
            return;
        }
        // Who came in the first place never changes (rule 3).
        if contact.customer.name.is_none() {
            contact.customer.name.clone_from(&now.nickname);
        }
        self.tell_chat(Kind::ChatUpdated, chat, None, Cause::Normal);
    }
}

/// What a visitor says of himself, cut to what a person's name, address and so on can be.
fn bounded(visitor: &Visitor) -> Visitor {
    const LINE_MAX: usize = 320;
    const VALUE_MAX: usize = 2_000;
    let line = |text: &Option<Pii<Str>>| {
        let text = text.as_ref().map(|text| clip(text.expose(), LINE_MAX));
        text.filter(|text| !text.is_empty()).map(Pii::new)
    };
    let mut attributes = visitor.attributes.clone();
    attributes.truncate(ATTRIBUTES_MAX);
    for attribute in &mut attributes {
        attribute.name = clip(&attribute.name, LINE_MAX);
        attribute.value = Pii::new(clip(attribute.value.expose(), VALUE_MAX));
    }
    Visitor {
        nickname: line(&visitor.nickname),
        email: line(&visitor.email),
        // An address is compared, never shown cut.
        address: visitor.address.clone(),
        language: visitor.language.as_ref().map(|language| clip(language, LINE_MAX)),
        attributes,
    }
}

fn unknown_queue(queue: &QueueId) -> Refusal {
    Refusal::new(RefusalCause::UnknownQueue, format!("There is no chat queue {:?}.", queue.as_str()))
}
