//! What a provider tells that was said: repetition by its names, limits, what came late.

use super::Context;
use super::content::{digest, fingerprint, neutral};
use super::say::{MINUTE, Saying};
use crate::adapter::ChatOperation;
use crate::effect::Effect;
use crate::model::chat::{Audience, Author, Chat, ChatState, Content, MessageRef, Presence};
use crate::model::ids::{ChatId, MessageId, OptionId, ProviderChatId, ProviderId, QueueId, Str};
use crate::model::pii::Pii;
use crate::report::chat::{Heard, HeardBy};
use crate::settings::{ChatLimits, TextId};
use crate::state::HEARD_KEPT;

/// Names that are kept of one message: a provider and its archive have two or three for it.
const KEYS_MAX: usize = 8;

impl Context<'_> {
    pub(super) fn heard(&mut self, provider: &ProviderId, conversation: &ProviderChatId, heard: &Heard) {
        if self.is_repetition(provider, conversation, heard) {
            self.state.counters.repeated_messages += 1;
            return;
        }
        let names = names(heard, &self.state.settings.chat.limits);
        self.remember(provider, &names);
        match (self.live_at(provider, conversation), &heard.by, &heard.queue) {
            (Some(chat), ..) => self.take_heard(chat, heard),
            (None, HeardBy::Visitor, Some(queue)) => {
                if let Some(chat) = self.at_closed_door(provider, conversation, queue) {
                    let said =
                        |context: &Self| context.state.chats.get(&chat).map(|chat| chat.messages.len());
                    let before = said(self);
                    self.take_heard(chat, heard);
                    // What was refused changes nothing.
                    if said(self) > before {
                        self.keep_again(chat);
                    }
                    return;
                }
                self.open_at_provider(provider, conversation, queue, &heard.visitor, Some(heard));
            }
            (None, ..) => self.state.counters.unknown_conversations += 1,
        }
    }

    /// The chat of a visitor who has just been told that nobody is there, while nobody is: what he says next belongs to
    /// it. Else a program that answers by itself would open chats for as long as it is answered.
    fn at_closed_door(
        &self,
        provider: &ProviderId,
        conversation: &ProviderChatId,
        queue: &QueueId,
    ) -> Option<ChatId> {
        let last = self.state.chat_of(provider, conversation)?;
        let just_ended = last.ended.as_ref().is_some_and(|ended| ended.at + MINUTE > self.at);
        let erased = self.state.contacts.get(&last.contact).is_none_or(|contact| contact.erased);
        let is_it = last.state == ChatState::Unserved && just_ended && !erased && last.queue == *queue;
        (is_it && self.admits(queue).is_err()).then_some(last.id)
    }

    /// Takes what was said in a live chat into its transcript, within its limits.
    pub(super) fn take_heard(&mut self, chat: ChatId, heard: &Heard) {
        let limits = self.state.settings.chat.limits;
        let Some(known) = self.state.chats.get(&chat) else { return };
        let text = words(heard, &limits);
        if text.trim().is_empty() {
            self.state.counters.unexpected_reports += 1;
            return;
        }
        let full = known.messages.len() >= limits.messages_max as usize;
        let large = text.len() > limits.message_bytes_max as usize;
        let audience = audience(&heard.by);
        let author = match &heard.by {
            HeardBy::Visitor => Author::Visitor,
            HeardBy::Agent(agent) | HeardBy::AgentPrivately(agent) => Author::Agent(agent.clone()),
        };
        if full || large {
            self.state.counters.refused_messages += 1;
            return self.refuse_heard(chat, heard, false);
        }
        // What was kept for us meanwhile came in its own time: the limit is for what is said now.
        if author == Author::Visitor && heard.said.is_none() && self.count_words(chat).is_err() {
            return self.refuse_heard(chat, heard, true);
        }
        let Some(known) = self.state.chats.get(&chat) else { return };
        if let Author::Agent(agent) = &author
            && !known.present().any(|one| one.agent == *agent)
        {
            // He said it, and the others have seen it: it is believed.
            self.state.counters.unexpected_reports += 1;
        }
        let mut content = Content::text(&text);
        if author == Author::Visitor {
            content.chosen = chosen(known, &text);
        }
        let corrects = heard.corrects.as_ref().and_then(|key| corrected(known, key, &author, audience));
        // He may say of his words that they are old, but not older than what he said before them.
        let before = known.messages.iter().rev().find(|said| said.author == author).map(|said| said.at);
        let said = heard.said.map(|said| before.map_or(said, |before| said.max(before)));
        let mut keys = heard.keys.clone();
        keys.truncate(KEYS_MAX);
        let id = MessageId(self.ids.make());
        let is_visitor = author == Author::Visitor;
        self.confirm_kept(chat, heard);
        self.put(chat, Saying { id, author, audience, content, said, corrects, keys });
        if is_visitor && heard.said.is_none() {
            self.visitor_presence(chat, Presence::There);
        }
    }

    /// Whether it was heard before: one of its names is known, and the words are the same. The others are learnt, so that
    /// whichever comes next is known too.
    fn is_repetition(&mut self, provider: &ProviderId, conversation: &ProviderChatId, heard: &Heard) -> bool {
        let limits = self.state.settings.chat.limits;
        let known = self.state.archives.get(provider).map(|read| &read.known);
        let names = names(heard, &limits);
        let in_ring = known.is_some_and(|known| names.iter().any(|name| known.contains(name)));
        let chat = self.state.by_conversation.get(provider).and_then(|ids| ids.get(conversation)).copied();
        let known = chat.and_then(|chat| self.state.chats.get_mut(&chat));
        let audience = audience(&heard.by);
        let same = fingerprint(audience, &Content::text(&words(heard, &limits)));
        let is_it = |said: &MessageRef| {
            let named = || heard.keys.iter().any(|key| said.keys.contains(key));
            certain(heard).is_some_and(|key| said.keys.contains(key)) || (said.fingerprint == same && named())
        };
        let said = known.and_then(|chat| chat.messages.iter_mut().rev().find(|said| is_it(said)));
        let in_chat = said.is_some();
        if let Some(said) = said {
            for key in &heard.keys {
                if said.keys.len() < KEYS_MAX && !said.keys.contains(key) {
                    said.keys.push(key.clone());
                }
            }
        }
        if in_ring || in_chat {
            self.remember(provider, &names);
        }
        if let Some(chat) = chat.filter(|_| in_chat) {
            // He may not have heard it the first time. What was not taken the first time is in no transcript.
            self.confirm_kept(chat, heard);
        }
        in_ring || in_chat
    }

    /// Whoever said it is told that it is in the transcript, if he asked for that. Also while the provider catches up:
    /// a link that is not there leaves it undone.
    fn confirm_kept(&mut self, chat: ChatId, heard: &Heard) {
        let at = self.state.chats.get(&chat).and_then(Chat::at_provider).filter(|_| heard.receipt);
        if let Some((provider, conversation)) = at {
            let operation = ChatOperation::Kept { chat: conversation.clone(), keys: heard.keys.clone() };
            self.effects.push(Effect::Converse { provider: provider.clone(), operation });
        }
    }

    fn remember(&mut self, provider: &ProviderId, names: &[u64]) {
        let read = self.state.archives.entry(provider.clone()).or_default();
        for name in names {
            if read.known.insert(*name) {
                read.heard.push_back(*name);
            }
        }
        while read.heard.len() > HEARD_KEPT {
            if let Some(oldest) = read.heard.pop_front() {
                read.known.remove(&oldest);
            }
        }
    }

    /// The visitor is told that something of his was not taken; once a minute at most.
    fn refuse_heard(&mut self, chat: ChatId, heard: &Heard, can_retry: bool) {
        let at = self.at;
        let settings = &self.state.settings.chat;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        if heard.by != HeardBy::Visitor || known.refused.is_some_and(|told| told + MINUTE > at) {
            return;
        }
        known.refused = Some(at);
        let text = settings.text(TextId::Refused, known.visitor.language.as_deref());
        let keys = heard.keys.clone();
        self.converse(chat, |chat| ChatOperation::Refuse { chat, keys, text, can_retry });
    }
}

/// The name that is believed whatever the words are now: the first of several, which a server gave or its sender says is
/// his only one. An id alone means something within its stream only (RFC 6120 section 8.1.3), and many a program begins
/// to count at 1 again.
fn certain(heard: &Heard) -> Option<&Str> {
    heard.keys.first().filter(|_| heard.keys.len() > 1)
}

/// What a message is known by again: its certain name, and each of its names with its words.
fn names(heard: &Heard, limits: &ChatLimits) -> Vec<u64> {
    let words = words(heard, limits);
    let keys = heard.keys.iter().take(KEYS_MAX);
    let with_words = keys.map(|key| digest(&[key, &words]));
    certain(heard).map(|key| digest(&[key])).into_iter().chain(with_words).collect()
}

fn audience(by: &HeardBy) -> Audience {
    match by {
        HeardBy::Visitor | HeardBy::Agent(_) => Audience::Public,
        HeardBy::AgentPrivately(_) => Audience::Agents,
    }
}

/// The words, and after them the files that lie at the provider: named, one a line.
fn words(heard: &Heard, limits: &ChatLimits) -> String {
    let mut text = neutral(heard.text.expose());
    for link in heard.links.iter().take(limits.files_max as usize).map(Pii::expose) {
        let link = neutral(link);
        if !text.contains(&link) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&link);
        }
    }
    text
}

/// The message that another takes the place of: of the same author, for the same eyes. What is not known is not
/// corrected: its correction stands as a message.
fn corrected(chat: &Chat, key: &Str, author: &Author, audience: Audience) -> Option<MessageId> {
    let public = audience == Audience::Public;
    let named = chat.messages.iter().rev().find(|said| said.keys.contains(key));
    let same = named.filter(|said| said.author == *author && said.seq.is_some() == public);
    same.map(|said| said.id)
}

/// The option that a visitor chose in a chat program that knows no choices: he writes its name, or its number in the
/// list that he was shown last (W06). His words stay what they are.
fn chosen(chat: &Chat, text: &str) -> Option<(MessageId, OptionId)> {
    let asked = chat.messages.iter().rev().find(|said| !said.options.is_empty())?;
    let text = text.trim();
    let named = asked.options.iter().find(|option| option.as_str().eq_ignore_ascii_case(text));
    let number = || text.parse::<usize>().ok()?.checked_sub(1);
    let option = named.or_else(|| asked.options.get(number()?))?;
    Some((asked.id, option.clone()))
}
