//! What is said: who may, order, repetition (O07, O14, W05, W06, W08, W09).
//!
//! Each message is written first and told then. One that was said before under the same id is the same message: it is
//! taken, and nothing is written twice.

use super::content::{check_content, fingerprint, invalid};
use super::{Context, ended, not_participant};
use crate::adapter::ChatOperation;
use crate::command::{Refusal, RefusalCause};
use crate::effect::{ChatWrite, Effect};
use crate::model::chat::{
    Audience, Author, Chat, Content, Delivery, MessageRef, NotForVisitors, Presence, PrivateMessage,
    PublicMessage, Role, Speaker, Spoken, Way,
};
use crate::model::ids::{AgentId, ChatId, MessageId, OptionId, Str};
use crate::model::time::{Millis, Time};
use crate::notification::{Kind, MessageTold};
use crate::settings::TextId;

/// The span in which a visitor's messages are counted.
pub(super) const MINUTE: Millis = Millis::seconds(60);

/// Schakel's own texts that a chat which is full may still get: that it ends, that somebody left.
const TEXTS_BEYOND: usize = 200;

/// A message on its way into the transcript.
pub(super) struct Saying {
    pub(super) id: MessageId,
    pub(super) author: Author,
    pub(super) audience: Audience,
    pub(super) content: Content,
    /// When it was said, where that was before now.
    pub(super) said: Option<Time>,
    pub(super) corrects: Option<MessageId>,
    /// What the provider calls it, where it came from one.
    pub(super) keys: Vec<Str>,
}

impl Context<'_> {
    pub(super) fn say(
        &mut self,
        chat: ChatId,
        by: &Speaker,
        message: MessageId,
        audience: Audience,
        content: &Content,
    ) -> Result<(), Refusal> {
        let Some(known) = self.state.chats.get(&chat) else { return Err(super::unknown_chat()) };
        let author = match by {
            Speaker::Visitor => Author::Visitor,
            Speaker::Agent(agent) => Author::Agent(agent.clone()),
        };
        if let Some(before) = known.message(message) {
            let same = before.author == author && before.fingerprint == fingerprint(audience, content);
            return if same { Ok(()) } else { Err(conflict(message)) };
        }
        may_speak(known, by)?;
        let (rules, limits) = (self.rules(chat), self.state.settings.chat.limits);
        check_content(content, by, audience, &rules, &limits)?;
        if let Some((asked, option)) = &content.chosen {
            may_choose(known, *asked, option)?;
        }
        if known.messages.len() >= limits.messages_max as usize {
            return Err(full(limits.messages_max));
        }
        if *by == Speaker::Visitor {
            self.count_words(chat)?;
        }
        self.put(
            chat,
            Saying {
                id: message,
                author,
                audience,
                content: content.clone(),
                said: None,
                corrects: None,
                keys: Vec::new(),
            },
        );
        if *by == Speaker::Visitor {
            self.visitor_presence(chat, Presence::There);
            self.begin_to_wait(chat);
        }
        Ok(())
    }

    /// The visitor is shown one of the organisation's texts, in his language; `about` is the agent whom it names. A text
    /// that the organisation has made empty is not said (C05: where wanted).
    pub(super) fn say_text(&mut self, chat: ChatId, text: TextId, about: Option<&AgentId>) {
        let settings = &self.state.settings.chat;
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else { return };
        if known.messages.len() >= settings.limits.messages_max as usize + TEXTS_BEYOND {
            return;
        }
        let words = settings.text(text, known.visitor.language.as_deref());
        if words.trim().is_empty() {
            return;
        }
        let nickname =
            about.map(|about| nickname_in(known, about).unwrap_or_else(|| about.as_shared().clone()));
        let words = nickname.map_or(words.to_string(), |name| words.replace("{name}", &name));
        let id = MessageId(self.ids.make());
        self.put(
            chat,
            Saying {
                id,
                author: Author::System(text),
                audience: Audience::Public,
                content: Content::text(&words),
                said: None,
                corrects: None,
                keys: Vec::new(),
            },
        );
    }

    /// Writes what was said, tells it, and gives it to those at the provider: in this order (O14).
    pub(super) fn put(&mut self, chat: ChatId, saying: Saying) {
        let at = self.at;
        let fingerprint = fingerprint(saying.audience, &saying.content);
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        // What a provider told is at the provider already.
        let from_provider = !saying.keys.is_empty();
        let order = known.messages.last().map_or(0, |last| last.order) + 1;
        let said = saying.said.filter(|said| *said <= at);
        let public = saying.audience == Audience::Public;
        known.public_seq += u64::from(public);
        let seq = public.then_some(known.public_seq);
        let delivery = match (&saying.author, &known.way) {
            (Author::Visitor, _) => Delivery::None,
            _ if !public => Delivery::None,
            (_, Way::Provider(..)) if !from_provider => Delivery::Pending,
            _ => Delivery::Sent,
        };
        let options = saying.content.choice.iter().flat_map(|choice| &choice.options);
        let reference = MessageRef {
            id: saying.id,
            order,
            seq,
            at: said.unwrap_or(at),
            author: saying.author.clone(),
            fingerprint,
            keys: saying.keys,
            options: options.map(|(id, _)| id.clone()).collect(),
            delivery: delivery.clone(),
        };
        known.messages.push(reference);
        // One of the options has been chosen: the others cannot be any more (W06).
        if let Some((asked, _)) = &saying.content.chosen
            && let Some(asked) = known.messages.iter_mut().rev().find(|message| message.id == *asked)
        {
            asked.options.clear();
        }
        match &saying.author {
            Author::Visitor => {
                known.unanswered_since.get_or_insert(at);
            }
            Author::Agent(_) if public => known.unanswered_since = None,
            Author::Agent(_) | Author::System(_) => {}
        }
        let nickname = match &saying.author {
            Author::Agent(agent) => nickname_in(known, agent),
            Author::Visitor | Author::System(_) => None,
        };
        if !matches!(saying.author, Author::System(_)) {
            known.last_word = at;
            known.warned = false;
            self.mind_silence(chat);
        }
        let Some(seq) = seq else {
            let Author::Agent(author) = saying.author else { return };
            let words = NotForVisitors::new(saying.content);
            let message =
                PrivateMessage { id: saying.id, chat, order, at: said.unwrap_or(at), author, words };
            return self.put_private(chat, message, nickname.filter(|_| !from_provider));
        };
        let message = PublicMessage {
            id: saying.id,
            chat,
            seq,
            order,
            at: said.unwrap_or(at),
            author: saying.author,
            content: saying.content,
            late: said.is_some(),
            corrects: saying.corrects,
        };
        self.effects.push(Effect::Write(ChatWrite::Public(Box::new(message.clone()))));
        self.tell_message(Kind::ChatMessage, MessageTold::Public(message.clone()));
        if delivery == Delivery::Pending {
            let spoken = Spoken::new(message, nickname);
            if let Some(known) = self.state.chats.get_mut(&chat) {
                known.outgoing.push_back(spoken.clone());
            }
            self.converse(chat, |chat| ChatOperation::Say { chat, spoken: Box::new(spoken) });
        }
    }

    /// A word among agents: to the internal transcript, to JKC, and to the agents' own room where it does not come from
    /// there. There is no way from here to the visitor.
    fn put_private(&mut self, chat: ChatId, message: PrivateMessage, nickname: Option<Str>) {
        self.effects.push(Effect::Write(ChatWrite::Internal(Box::new(message.clone()))));
        self.tell_message(Kind::ChatMessage, MessageTold::Internal(message.clone()));
        if let Some(nickname) = nickname {
            let message = Box::new(message);
            self.converse(chat, |chat| ChatOperation::SayPrivately { chat, message, nickname });
        }
    }

    /// Counts one more message of the visitor, unless he has said too much in the last minute.
    pub(super) fn count_words(&mut self, chat: ChatId) -> Result<(), Refusal> {
        let (at, max) = (self.at, self.state.settings.chat.limits.messages_a_minute_max);
        let Some(known) = self.state.chats.get_mut(&chat) else { return Ok(()) };
        while known.recent.front().is_some_and(|said| *said + MINUTE <= at) {
            known.recent.pop_front();
        }
        if known.recent.len() >= max as usize {
            self.state.counters.refused_messages += 1;
            let detail = format!("At most {max} messages a minute are taken; try again in a while.");
            return Err(Refusal::new(RefusalCause::TooFast, detail));
        }
        known.recent.push_back(at);
        Ok(())
    }
}

/// What the visitor sees an agent called in a chat, whom he sees or saw there.
pub(super) fn nickname_in(chat: &Chat, agent: &AgentId) -> Option<Str> {
    let named = chat.participants.iter().rev().find(|one| one.agent == *agent);
    named.map(|one| one.nickname.clone())
}

fn may_speak(chat: &Chat, by: &Speaker) -> Result<(), Refusal> {
    if !chat.state.is_live() {
        return Err(ended());
    }
    let Speaker::Agent(agent) = by else { return Ok(()) };
    match chat.participant(agent).map(|one| &one.role) {
        Some(Role::Owner | Role::Guest) => {}
        Some(Role::Observer(_)) => {
            let detail = "Who watches unseen says nothing; join the chat to speak.";
            return Err(Refusal::new(RefusalCause::NotParticipant, detail));
        }
        None => return Err(not_participant(agent)),
    }
    Ok(())
}

/// Whether an option can be chosen: it was offered, and none has been chosen yet (W06).
fn may_choose(chat: &Chat, asked: MessageId, option: &OptionId) -> Result<(), Refusal> {
    let Some(asked) = chat.message(asked) else {
        return Err(invalid("There is no such message to choose from."));
    };
    if asked.options.contains(option) {
        return Ok(());
    }
    if asked.options.is_empty() {
        let detail = "The message offers no choice, or one of its options was chosen before.";
        return Err(Refusal::new(RefusalCause::AlreadyDecided, detail));
    }
    Err(invalid("The message does not offer this option."))
}

fn conflict(message: MessageId) -> Refusal {
    let detail = format!("Something else was said as message {message} before; give what is new a new id.");
    Refusal::new(RefusalCause::MessageConflict, detail)
}

fn full(max: u32) -> Refusal {
    let detail = format!("The chat has {max} messages, as many as it may have; end it and open another.");
    Refusal::new(RefusalCause::LimitExceeded, detail)
}
