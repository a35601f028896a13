//! Chats: from the visitor's first word to JKC's record.
//!
//! ```text
//! channel  who is in the chat channel: start, stop, lease, pause, what his program shows
//! open     a visitor comes, tells who he is, goes away, comes back
//! queue    waiting chats, the order in which they are served, and the text that the visitor is shown (C07 to C10)
//! offer    offers and invitations: made, taken, declined, expired, revoked
//! party    who takes part: join, watch, leave, hand over
//! say      what is said: who may, order, repetition
//! content  what may be said: size, characters, files, choices
//! heard    what a provider tells that was said: repetition by its names, limits, what came late
//! delivery whether what was said reached the visitor, and what is said again
//! end      the end, silence, wrapping, archive, removal, rating
//! ```
//!
//! Texts that agents or visitors write never stay here: [`ChatWrite`](crate::effect::ChatWrite) carries them to where
//! transcripts are kept, in the same transaction as the input, and only then is anybody told (O14).

mod channel;
mod content;
mod delivery;
mod end;
mod heard;
mod offer;
mod open;
mod party;
mod queue;
mod say;

pub use queue::{QueueFacts, queue_facts, text_for};

use super::Context;
use super::control::version_mismatch;
use crate::adapter::{ChatOperation, Conversation, Memory};
use crate::command::chat::{ChatChange, ChatCommand};
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::effect::Effect;
use crate::model::chat::Chat;
use crate::model::ids::{AgentId, ChatId, CommandId, ProviderChatId, ProviderId, QueueId};
use crate::model::pii::Pii;
use crate::model::provider::LinkState;
use crate::report::chat::{ArchivePosition, ChatEvent, ChatReport, ConversationEvent};
use crate::settings::QueueSettings;
use crate::state::{ARCHIVES_KEPT, State};

impl Context<'_> {
    /// JKC, or a visitor's program, asks something of chats.
    pub(super) fn chat_command(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        asked: &ChatCommand,
        if_version: Option<u64>,
    ) {
        self.accept(id, command, by, None, None, None);
        let done = self.because_of(Some(id), |context| match asked {
            ChatCommand::Start { agent, queues, nickname, chats_max } => {
                context.start_chatting(agent, queues, nickname.as_ref(), *chats_max)
            }
            ChatCommand::Stop { agent } => context.stop_chatting(agent),
            ChatCommand::Open { queue, visitor } => context.open_by_api(id, queue, visitor),
            ChatCommand::LeaveMessage(message) => context.leave_message(id, message),
            ChatCommand::Change { chat, change } => {
                let known = context.state.chats.get(chat).ok_or_else(unknown_chat)?;
                if if_version.is_some_and(|version| version != known.version) {
                    return Err(version_mismatch());
                }
                context.concerns_chat(id, *chat);
                context.change_chat(id, *chat, change)
            }
        });
        match done {
            Ok(()) => self.fulfil(id),
            Err(refusal) => self.refuse(id, refusal),
        }
        if let Some(Command::Chat(asked)) = self.state.commands.get_mut(&id).map(|record| &mut record.command)
        {
            super::erase::forget_words(asked);
        }
    }

    fn change_chat(&mut self, id: CommandId, chat: ChatId, change: &ChatChange) -> Result<(), Refusal> {
        match change {
            ChatChange::Accept { offer, agent } => self.accept_offer(chat, *offer, agent),
            ChatChange::Reject { offer, agent } => self.reject_offer(chat, *offer, agent),
            ChatChange::Join { agent } => self.join_unasked(chat, agent),
            ChatChange::Observe { agent, purpose } => self.observe(chat, agent, purpose),
            ChatChange::Say { by, message, audience, content } => {
                self.say(chat, by, *message, *audience, content)
            }
            ChatChange::Invite { by, whom, leave_on_join } => {
                let offer = self.invite(chat, by, whom, *leave_on_join)?;
                if let Some(record) = self.state.commands.get_mut(&id) {
                    record.offer = Some(offer);
                }
                Ok(())
            }
            ChatChange::Withdraw { by } => self.withdraw(chat, by),
            ChatChange::Leave { agent } => self.leave_chat(chat, agent),
            ChatChange::SetFields(fields) => self.set_fields(chat, fields),
            ChatChange::SetPresence(presence) => self.set_visitor_presence(chat, *presence),
            ChatChange::End { by } => self.end_by(chat, by),
            ChatChange::Archive => self.archive_asked(chat),
            ChatChange::Remove { purpose } => self.remove_chat(chat, purpose),
            ChatChange::Rate { stars, explanation } => self.rate(chat, *stars, explanation.as_ref()),
        }
    }

    /// A chat provider says that something happened.
    pub(super) fn chat_report(&mut self, provider: &ProviderId, report: &ChatReport) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        match &report.event {
            None => {}
            Some(ChatEvent::AgentShown { agent, show, status }) => {
                self.agent_shown(agent, *show, status.as_ref());
            }
            Some(ChatEvent::Chat { chat, event }) => match &**event {
                ConversationEvent::Opened { queue, visitor } => {
                    self.opened_at_provider(provider, chat, queue, visitor);
                }
                ConversationEvent::Said(heard) => self.heard(provider, chat, heard),
                other => match self.state.chat_of(provider, chat).map(|chat| chat.id) {
                    Some(id) => self.conversation_event(id, other),
                    None => self.state.counters.unknown_conversations += 1,
                },
            },
        }
        if let Some(read) = &report.read {
            let archives = self.state.archives.entry(provider.clone()).or_default();
            if read.id.is_empty() {
                archives.positions.remove(read.archive.expose());
            } else {
                archives.positions.insert(read.archive.expose().clone(), read.id.clone());
            }
            while archives.positions.len() > ARCHIVES_KEPT {
                let mut others = archives.positions.keys();
                let other = others.find(|archive| !archive.is_empty() && *archive != read.archive.expose());
                let Some(other) = other.cloned() else { break };
                archives.positions.remove(&other);
            }
        }
    }

    fn conversation_event(&mut self, chat: ChatId, event: &ConversationEvent) {
        match event {
            // Both are taken before, where the conversation need not be known.
            ConversationEvent::Opened { .. } | ConversationEvent::Said(_) => {}
            ConversationEvent::Presence(presence) => self.visitor_presence(chat, *presence),
            ConversationEvent::EndedByVisitor => self.ended_by_visitor(chat),
            ConversationEvent::EndedByProvider(_) => self.ended_by_provider(chat),
            ConversationEvent::Sent(message) => self.message_sent(chat, *message),
            ConversationEvent::Delivered(message) => self.message_delivered(chat, *message),
            ConversationEvent::Displayed(message) => self.message_displayed(chat, *message),
            ConversationEvent::NotDelivered(message, why) => self.message_failed(chat, *message, why),
            ConversationEvent::AgentJoined(agent) => self.joined_at_provider(chat, agent),
            ConversationEvent::AgentLeft(agent) => self.left_at_provider(chat, agent),
            ConversationEvent::Refused(_) => self.state.counters.refused_messages += 1,
        }
    }

    /// Asks a chat's provider, where it has one. While its link is not up nothing is asked: what matters is said again
    /// when it is.
    fn converse(&mut self, chat: ChatId, operation: impl FnOnce(ProviderChatId) -> ChatOperation) {
        let at = self.state.chats.get(&chat).and_then(Chat::at_provider);
        let Some((provider, conversation)) = at.map(|(at, chat)| (at.clone(), chat.clone())) else { return };
        if self.is_link_up(&provider) {
            self.effects.push(Effect::Converse { provider, operation: operation(conversation) });
        }
    }

    pub(super) fn is_link_up(&self, provider: &ProviderId) -> bool {
        self.state.providers.get(provider).is_some_and(|known| known.link == LinkState::Up)
    }

    /// The rules of a chat's queue; the documents' where it is not configured any more.
    fn rules(&self, chat: ChatId) -> QueueSettings {
        let queue = self.state.chats.get(&chat).map(|chat| &chat.queue);
        let known = queue.and_then(|queue| self.state.settings.chat.queue(queue)).cloned();
        known.unwrap_or_else(|| QueueSettings::named(queue.map_or("", QueueId::as_str)))
    }

    /// Notes the chat that a command made or concerns.
    fn concerns_chat(&mut self, id: CommandId, chat: ChatId) {
        if let Some(record) = self.state.commands.get_mut(&id) {
            record.chat = Some(chat);
        }
    }
}

/// What an adapter goes on from after a restart.
pub fn memory(state: &State, provider: &ProviderId) -> Memory {
    let archives = state.archives.get(provider).into_iter().flat_map(|read| &read.positions);
    let conversations = state.by_conversation.get(provider).into_iter().flatten();
    Memory {
        archives: archives
            .map(|(archive, id)| ArchivePosition { archive: Pii::new(archive.clone()), id: id.clone() })
            .collect(),
        conversations: conversations
            .filter_map(|(conversation, id)| {
                let chat = state.chats.get(id).filter(|chat| chat.state.is_live() || chat.closing)?;
                let agents = chat
                    .present()
                    .filter(|_| chat.state.is_live())
                    .map(|one| (one.agent.clone(), one.nickname.clone()));
                Some(Conversation {
                    chat: conversation.clone(),
                    queue: chat.queue.clone(),
                    agents: agents.collect(),
                })
            })
            .collect(),
        agents: channel::presences(state),
    }
}

/// The chat is not in a state that allows it, in these words.
fn not_now(detail: &str) -> Refusal {
    Refusal::new(RefusalCause::InvalidChatState, detail)
}

fn ended() -> Refusal {
    not_now("The chat has ended.")
}

fn not_participant(agent: &AgentId) -> Refusal {
    let detail = format!("User {agent:?} does not take part in the chat; join it first.");
    Refusal::new(RefusalCause::NotParticipant, detail)
}

fn unknown_chat() -> Refusal {
    let detail = "There is no such chat, or it ended too long ago to be changed.";
    Refusal::new(RefusalCause::UnknownChat, detail)
}
