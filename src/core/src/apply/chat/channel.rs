//! Who is in the chat channel (O02, C01, W01).
//!
//! ```text
//!            start (ends a pause), heartbeat                     no heartbeat for lease + grace
//! outside ──► in the channel ◄───────── waited for ◄──── lease over     ──► outside: his chats go on without him
//!    ▲               └── stop: his chats go on with him
//! ```
//!
//! * JKC says who may: an agent needs no telephone for it, and leaves it by saying so or by vanishing. One who leaves his
//!   telephone stays in it.
//! * Who ignores too many offers in a row is paused: he stays in the channel and gets none until JKC says that he is back.
//! * What his own chat program shows is a hint, valid while its provider's link is up: it can keep chats from him, and
//!   never give him any.
//! * The daemon's own absence is nobody's vanishing: leases start anew when it does.

use super::Context;
use crate::adapter::ChatOperation;
use crate::apply::availability::newcomer;
use crate::command::{Refusal, RefusalCause};
use crate::effect::Effect;
use crate::model::agent::Agent;
use crate::model::availability::{AvailabilityState, Because};
use crate::model::cause::Cause;
use crate::model::chat::{Chat, Revoked};
use crate::model::chat_service::{AgentPresence, ChatService, Show, Shown};
use crate::model::ids::{AgentId, ChatId, ChatServiceId, ProviderId, QueueId, Str};
use crate::model::provider::LinkState;
use crate::notification::Kind;
use crate::state::{Deadline, State};

impl Context<'_> {
    /// An agent comes into the chat channel, or says again that he is there, perhaps with another profile.
    pub(super) fn start_chatting(
        &mut self,
        agent: &AgentId,
        queues: &[QueueId],
        nickname: Option<&Str>,
        chats_max: Option<u16>,
    ) -> Result<(), Refusal> {
        let queues = self.profile(queues)?;
        let nickname = nickname.filter(|name| !name.trim().is_empty());
        let nickname = nickname.unwrap_or(agent.as_shared()).clone();
        let (at, lease) = (self.at, self.state.settings.chat.lease);
        let id = ChatServiceId(self.ids.make());
        let known = self.state.agents.entry(agent.clone()).or_insert_with(|| newcomer(agent.clone(), at));
        let before = known.chat.take();
        let mut service = before.clone().unwrap_or_else(|| ChatService {
            id,
            since: at,
            queues: Vec::new(),
            nickname: nickname.clone(),
            chats_max,
            lease: at,
            vanished: None,
            ignored: 0,
            paused: false,
            cools_until: None,
            offered: None,
            shown: None,
            announced: None,
        });
        service.queues = queues;
        service.nickname = nickname;
        service.chats_max = chats_max;
        service.paused = false;
        service.ignored = 0;
        service.vanished = None;
        let changed = before.as_ref() != Some(&service);
        service.lease = at + lease;
        let id = service.id;
        known.chat = Some(service);
        known.version += u64::from(changed);
        self.arm(Deadline::ChatLease(id), lease);
        if changed {
            self.tell_channel(agent, Cause::Normal);
            self.touch(agent);
            self.revoke_offers_outside(agent);
            self.redistribute = true;
        }
        Ok(())
    }

    /// An agent leaves the chat channel: no more offers, and his chats go on.
    pub(super) fn stop_chatting(&mut self, agent: &AgentId) -> Result<(), Refusal> {
        self.leave_channel(agent, Cause::LoggedOff);
        Ok(())
    }

    /// JKC is there, for an agent in the chat channel.
    pub(crate) fn chat_heartbeat(&mut self, agent: &AgentId) {
        let (at, lease) = (self.at, self.state.settings.chat.lease);
        let known = self.state.agents.get_mut(agent);
        let Some(service) = known.and_then(|agent| agent.chat.as_mut()) else { return };
        let id = service.id;
        service.lease = at + lease;
        let is_back = service.vanished.take().is_some();
        self.arm(Deadline::ChatLease(id), lease);
        if is_back {
            self.touch(agent);
        }
    }

    /// The heartbeats have stopped: he is waited for. The grace period is over too: he is gone.
    pub(crate) fn chat_lease_over(&mut self, service: ChatServiceId) {
        let (at, grace) = (self.at, self.state.settings.chat.agent_grace);
        let mut agents = self.state.agents.values_mut();
        let his = |agent: &&mut Agent| agent.chat.as_ref().is_some_and(|chat| chat.id == service);
        let Some(known) = agents.find(his) else { return };
        let agent = known.id.clone();
        let Some(service) = known.chat.as_mut() else { return };
        let until = *service.vanished.get_or_insert(service.lease) + grace;
        if until > at {
            let id = service.id;
            self.arm(Deadline::ChatLease(id), until - at);
            self.touch(&agent);
            return;
        }
        self.leave_channel(&agent, Cause::Timeout);
        // Those that he watches too, which are not among his: who comes in his name later says for what.
        let his = |chat: &&Chat| chat.state.is_live() && chat.participant(&agent).is_some();
        let chats: Vec<ChatId> = self.state.chats.values().filter(his).map(|chat| chat.id).collect();
        for chat in chats {
            self.agent_lost(chat, &agent);
        }
    }

    /// The daemon starts: no heartbeat could be heard while it was away.
    pub(crate) fn renew_chat_leases(&mut self) {
        for agent in self.in_channel() {
            self.chat_heartbeat(&agent);
        }
    }

    /// An agent's own chat program says what he is.
    pub(super) fn agent_shown(&mut self, agent: &AgentId, show: Show, status: Option<&Str>) {
        let at = self.at;
        let known = self.state.agents.get_mut(agent);
        let Some(service) = known.and_then(|agent| agent.chat.as_mut()) else { return };
        service.shown = Some(Shown { show, status: status.cloned(), at });
        self.touch(agent);
    }

    /// A chat provider's link is up: what has not been confirmed is asked again; its agents are shown.
    pub(crate) fn chat_link_up(&mut self, provider: &ProviderId) {
        if !self.state.providers.get(provider).is_some_and(|known| known.capabilities.chat) {
            return;
        }
        for presence in presences(self.state) {
            self.show(provider, presence);
        }
        let conversations = self.state.by_conversation.get(provider).into_iter().flatten();
        let live = conversations.filter_map(|(conversation, id)| {
            let chat = self.state.chats.get(id).filter(|chat| chat.state.is_live())?;
            Some(chat.present().map(|one| (conversation.clone(), one.agent.clone(), one.nickname.clone())))
        });
        let joining: Vec<_> = live.flatten().collect();
        for (chat, agent, nickname) in joining {
            let operation = ChatOperation::Join { chat, agent, nickname };
            self.effects.push(Effect::Converse { provider: provider.clone(), operation });
        }
        self.say_again(provider);
    }

    /// A chat provider's link is lost: what its programs said of agents is void.
    pub(crate) fn chat_link_lost(&mut self, provider: &ProviderId) {
        if !self.state.providers.get(provider).is_some_and(|known| known.capabilities.chat) {
            return;
        }
        for agent in self.in_channel() {
            let known = self.state.agents.get_mut(&agent);
            if known.and_then(|agent| agent.chat.as_mut()).and_then(|service| service.shown.take()).is_some()
            {
                self.touch(&agent);
            }
        }
    }

    /// The configuration is another: what chats take may be, and queues may have come or gone.
    pub(crate) fn mind_chat_settings(&mut self) {
        self.redistribute = true;
        let with_chats = self.state.of_agent.keys().cloned();
        let agents: Vec<AgentId> = with_chats.chain(self.in_channel()).collect();
        for agent in agents {
            self.touch(&agent);
        }
    }

    /// What has changed of an agent is shown at chat providers, and waiting chats may be his. Called for each agent who
    /// was touched, after his availability is known.
    pub(crate) fn mind_chats(&mut self, agent: &AgentId) {
        let Some(known) = self.state.agents.get(agent) else { return };
        if known.availability.reasons.iter().any(takes_offers_away) {
            self.revoke_offers_to(agent, Revoked::AgentBusy);
        }
        let Some(known) = self.state.agents.get(agent) else { return };
        let Some(presence) = presence(self.state, known) else { return };
        if known.chat.as_ref().and_then(|service| service.announced.as_ref()) == Some(&presence) {
            return;
        }
        self.show_everywhere(&presence);
        let known = self.state.agents.get_mut(agent);
        if let Some(service) = known.and_then(|agent| agent.chat.as_mut()) {
            service.announced = Some(presence);
        }
    }

    /// The queues of a profile, each once.
    fn profile(&self, queues: &[QueueId]) -> Result<Vec<QueueId>, Refusal> {
        let mut profile: Vec<QueueId> =
            Vec::with_capacity(queues.len().min(self.state.settings.chat.queues.len()));
        for queue in queues {
            if self.state.settings.chat.queue(queue).is_none() {
                let detail = format!("There is no chat queue {queue:?} in the configuration.");
                return Err(Refusal::new(RefusalCause::UnknownQueue, detail));
            }
            if !profile.contains(queue) {
                profile.push(queue.clone());
            }
        }
        if profile.is_empty() {
            let detail = "An agent chats for one queue at least; name those of his profile.";
            return Err(Refusal::new(RefusalCause::UnknownQueue, detail));
        }
        Ok(profile)
    }

    fn leave_channel(&mut self, agent: &AgentId, cause: Cause) {
        let Some(known) = self.state.agents.get_mut(agent) else { return };
        let Some(service) = known.chat.take() else { return };
        known.version += 1;
        self.disarm(Deadline::ChatLease(service.id));
        self.tell_channel(agent, cause);
        self.touch(agent);
        self.redistribute = true;
        self.revoke_offers_to(agent, Revoked::AgentGone);
        if service.announced.is_some() {
            self.show_everywhere(&AgentPresence {
                agent: agent.clone(),
                nickname: service.nickname,
                show: Show::Unavailable,
                chats: 0,
                chats_max: 0,
            });
        }
    }

    fn tell_channel(&mut self, agent: &AgentId, cause: Cause) {
        let seat = self.state.agents.get(agent).and_then(|agent| agent.registration.as_ref());
        let device = seat.map(|seat| seat.device.clone());
        self.tell_agent(Kind::AgentChatChanged, agent, device.as_ref(), None, cause);
    }

    fn in_channel(&self) -> Vec<AgentId> {
        let agents = self.state.agents.values();
        agents.filter(|agent| agent.chat.is_some()).map(|agent| agent.id.clone()).collect()
    }

    fn show_everywhere(&mut self, presence: &AgentPresence) {
        let providers = self.state.providers.values();
        // What is shown of all of them when a link comes up need not be shown before.
        let chat = providers.filter(|known| known.capabilities.chat && known.link == LinkState::Up);
        let providers: Vec<ProviderId> = chat.map(|known| known.id.clone()).collect();
        for provider in providers {
            self.show(&provider, presence.clone());
        }
    }

    fn show(&mut self, provider: &ProviderId, presence: AgentPresence) {
        let operation = ChatOperation::Show(presence);
        self.effects.push(Effect::Converse { provider: provider.clone(), operation });
    }
}

/// Whether what is offered to an agent is taken away for this: he rings, speaks, works after a call, has a session, wants
/// nothing now (C02, rule 8). That his telephone cannot be reached keeps new offers from him; what he has on his screen
/// already is his, until more is known.
fn takes_offers_away(reason: &Because) -> bool {
    !matches!(
        reason,
        Because::LinkDown
            | Because::OutOfService
            | Because::Chat(_)
            | Because::Offer(_)
            | Because::ChatPaused
            | Because::ChatShown(_)
            | Because::NoTelephone
    )
}

/// What chat providers are to show of all agents in the channel.
pub(super) fn presences(state: &State) -> Vec<AgentPresence> {
    state.agents.values().filter_map(|agent| presence(state, agent)).collect()
}

/// What chat providers are to show of an agent; none who is not in the channel.
fn presence(state: &State, agent: &Agent) -> Option<AgentPresence> {
    let service = agent.chat.as_ref()?;
    let is = &agent.availability;
    let works = matches!(is.state, AvailabilityState::Available | AvailabilityState::Chatting);
    let is_there = service.vanished.is_none() && !service.paused;
    let show = match is.state {
        _ if is.takes_chats => Show::Chat,
        AvailabilityState::OnCall | AvailabilityState::AfterCall | AvailabilityState::InSession => {
            Show::DoNotDisturb
        }
        // Full, or his own program says what he is; that need not be said for it.
        _ if works && is_there => Show::DoNotDisturb,
        _ => Show::Away,
    };
    let queues = service.queues.iter().filter_map(|queue| state.settings.chat.queue(queue));
    let at_once = service.chats_max.or_else(|| queues.map(|queue| queue.chats_max).max());
    let chats = state.of_agent.get(&agent.id).map_or(0, |has| has.chats.len());
    Some(AgentPresence {
        agent: agent.id.clone(),
        nickname: service.nickname.clone(),
        show,
        chats: u16::try_from(chats).unwrap_or(u16::MAX),
        chats_max: at_once.unwrap_or(0),
    })
}
