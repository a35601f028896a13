//! One availability for telephone and chat: a pure function of the state (T02, rule 8).
//!
//! | reason, strongest first | from | in one word | takes of the ledger | new calls | new chats |
//! | --- | --- | --- | --- | --- | --- |
//! | sits nowhere; logged off | JKC; PBX | offline | | no | no |
//! | link down (or not looked over yet); out of service | PBX | unreachable | | no | no |
//! | a call at his device, in whatever state | PBX | on call | 100 a call | no | no |
//! | after-call work | session; PBX | after call | 100 | no | no |
//! | not ready | JKC, and the PBX in its own words | not ready | | no | no |
//! | do-not-disturb; forwarded | device | not ready | | no | no |
//! | an open session, but about a chat in which he takes part | JKC | in session | 100 | yes (T16) | no |
//! | a chat in which he takes part | JKC | chatting | 100/n a chat | no | while there is room |
//! | a chat that is offered to him | schakel | chatting | 100/n an offer | yes: it is taken away when one rings | while there is room |
//! | ignored too many offers; his chat program says away, busy or gone | schakel; provider | available | | yes | no |
//! | in the chat channel, at no telephone | JKC | available | | no | while there is room |
//! | none of these | | available | | yes | in the chat channel, while there is room |
//!
//! "Busy" of a PBX says nothing by itself: the calls at his device do. Nor does the "not ready" that it was asked for
//! because he chats. A session about a chat of his is no work beside it: he can have other chats meanwhile (O15). One in
//! the chat channel whose heartbeats have stopped is given no chats, and is what he was until his grace period is over.
//!
//! Whatever may change it marks the agent ([`Context::touch`]); at the end of the input those marked are looked at once:
//! questions about a session (T16), after-call work (T11), availability, what the PBX is to make of him, and his chats.

use super::Context;
use super::follow::{is_asked_for_chat, is_no_agent};
use crate::effect::Effect;
use crate::model::agent::{Agent, ProviderAgentState, Readiness};
use crate::model::availability::{Availability, AvailabilityState, Because, CAPACITY, Claim, Claimant};
use crate::model::cause::Cause;
use crate::model::chat_service::{ChatService, Show};
use crate::model::ids::{AgentId, CallId, ChatId, CommandId, DeviceId, ProviderId, SessionId};
use crate::model::provider::LinkState;
use crate::model::time::Time;
use crate::notification::{Kind, Subject};
use crate::state::State;

/// Why an agent is looked at again at the end of the input.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The command that touched him, where one did.
    command: Option<CommandId>,
    /// Nothing that touched him was seen to happen.
    concluded: bool,
    /// Calls that began to ring at his device.
    pub(super) rang: Vec<CallId>,
    /// The call that he left last, after he had spoken or dialled, and why.
    pub(super) left: Option<(CallId, Cause)>,
    /// The PBX is to be asked what he is.
    pub(super) look: bool,
}

/// What an agent is now. `since` is that of the last one that was told.
pub fn availability(state: &State, agent: &Agent) -> Availability {
    let reasons = reasons(state, agent);
    let word = reasons.first().map_or(AvailabilityState::Available, in_one_word);
    let works = matches!(word, AvailabilityState::Available | AvailabilityState::Chatting);
    let no_calls = |reason: &Because| matches!(reason, Because::Chat(_) | Because::NoTelephone);
    let no_chats = |reason: &Because| matches!(reason, Because::ChatPaused | Because::ChatShown(_));
    let takes_calls = (works || word == AvailabilityState::InSession) && !reasons.iter().any(no_calls);
    let may_chat = works && !reasons.iter().any(no_chats);
    let mut now = Availability {
        state: word,
        ledger: reasons.iter().filter_map(|reason| claim(state, agent, reason)).collect(),
        reasons,
        takes_calls,
        takes_chats: false,
        since: agent.availability.since,
    };
    let service = agent.chat.as_ref().filter(|service| may_chat && service.vanished.is_none());
    let least = service.and_then(|service| least_share(state, service));
    now.takes_chats = least.is_some_and(|least| now.room() >= least);
    now
}

/// What a chat takes, or would take, of an agent's capacity: by its queue, and by his own number of chats at once.
pub(super) fn share_of(state: &State, agent: &Agent, chat: ChatId) -> u16 {
    let queue = state.chats.get(&chat).and_then(|chat| state.settings.chat.queue(&chat.queue));
    let at_once = agent.chat.as_ref().and_then(|service| service.chats_max);
    // A queue that is not configured any more gives nothing to go by: its chats take nothing from others.
    queue.map_or(1, |queue| queue.share(at_once))
}

/// An agent who has just become known: he sits nowhere yet.
pub(super) fn newcomer(id: AgentId, at: Time) -> Agent {
    Agent {
        id,
        registration: None,
        readiness: Readiness::default(),
        provider_state: None,
        asked_state: None,
        rested: None,
        after_call: None,
        session: None,
        chat: None,
        availability: Availability {
            state: AvailabilityState::Offline,
            reasons: vec![Because::NotRegistered],
            ledger: Vec::new(),
            takes_calls: false,
            takes_chats: false,
            since: at,
        },
        version: 0,
    }
}

impl Context<'_> {
    /// An agent is to be looked at again at the end of this input.
    pub(super) fn touch(&mut self, agent: &AgentId) -> &mut Touched {
        let (command, concluded) = (self.command, self.reconstructed);
        let new = Touched { concluded: true, ..Touched::default() };
        let touched = self.touched.entry(agent.clone()).or_insert(new);
        touched.command = command.or(touched.command);
        touched.concluded &= concluded;
        touched
    }

    /// As [`Context::touch`], for whoever sits at a device.
    pub(super) fn touch_at(&mut self, provider: &ProviderId, device: &DeviceId) {
        if let Some(agent) = self.state.device(provider, device).and_then(|device| device.agent.clone()) {
            self.touch(&agent);
        }
    }

    /// As [`Context::touch`], for all who sit at a provider's devices.
    pub(super) fn touch_all(&mut self, provider: &ProviderId, look: bool) {
        let devices = self.state.devices.get(provider).into_iter().flatten();
        let agents: Vec<AgentId> = devices.filter_map(|(_, device)| device.agent.clone()).collect();
        for agent in agents {
            self.touch(&agent).look |= look;
        }
    }

    /// What follows for the agents who were touched.
    pub(super) fn settle(&mut self) {
        while !self.touched.is_empty() {
            for (agent, touched) in std::mem::take(&mut self.touched) {
                let command = touched.command.or_else(|| self.command_behind(&touched));
                let before = std::mem::replace(&mut self.reconstructed, touched.concluded);
                self.because_of(command, |context| {
                    context.mind_decisions(&agent, &touched.rang);
                    context.mind_after_call(&agent, touched.left);
                    if touched.look {
                        context.look_at(&agent);
                    }
                    // What the PBX has been asked says how its "logged off" is meant.
                    context.make_follow(&agent);
                    context.refresh(&agent);
                    context.mind_chats(&agent);
                });
                self.reconstructed = before;
            }
        }
    }

    /// Keeps and tells what an agent is, where that has changed.
    fn refresh(&mut self, id: &AgentId) {
        let Some(agent) = self.state.agents.get(id) else { return };
        let mut now = availability(self.state, agent);
        if now == agent.availability {
            return;
        }
        if now.state != agent.availability.state {
            now.since = self.at;
        }
        let device = agent.registration.as_ref().map(|sits| sits.device.clone());
        self.redistribute |= agent.chat.is_some();
        if let Some(agent) = self.state.agents.get_mut(id) {
            agent.availability = now;
            agent.version += 1;
        }
        self.tell_agent(Kind::AgentAvailabilityChanged, id, device.as_ref(), None, Cause::Normal);
    }

    /// The command that ended the call which an agent left, as it was told.
    fn command_behind(&self, touched: &Touched) -> Option<CommandId> {
        let (call, _) = touched.left.filter(|_| !touched.concluded)?;
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Notify(told) if told.subject == Subject::Call(call) => told.command,
            _ => None,
        })
    }
}

fn reasons(state: &State, agent: &Agent) -> Vec<Because> {
    let mut found = Vec::new();
    let seat = agent.registration.as_ref();
    let device = seat.and_then(|seat| state.device(&seat.provider, &seat.device));
    let chats = state.of_agent.get(&agent.id);
    if seat.is_none() && agent.chat.is_none() {
        found.push(Because::NotRegistered);
    }
    if agent.provider_state == Some(ProviderAgentState::LoggedOff) && !is_no_agent(agent) {
        found.push(Because::LoggedOff);
    }
    if let Some(seat) = seat {
        // While a provider is looked over, what is known of its telephones may be old.
        if state.providers.get(&seat.provider).is_none_or(|provider| provider.link != LinkState::Up) {
            found.push(Because::LinkDown);
        }
        if device.is_some_and(|device| device.out_of_service) {
            found.push(Because::OutOfService);
        }
        let at = state.at_device.get(&seat.provider).and_then(|devices| devices.get(&seat.device));
        found.extend(at.into_iter().flat_map(|at| &at.calls).map(|call| Because::Call(*call)));
    }
    match (&agent.after_call, &agent.provider_state) {
        (Some(work), _) => found.push(Because::AfterCall(Some(work.session))),
        (None, Some(ProviderAgentState::WorkingAfterCall)) => found.push(Because::AfterCall(None)),
        _ => {}
    }
    if let Readiness::NotReady(reason) = &agent.readiness {
        found.push(Because::NotReady(reason.clone()));
    }
    let chatting = chats.is_some_and(|has| !has.chats.is_empty());
    if let Some(ProviderAgentState::NotReady(reason)) = &agent.provider_state
        && !(chatting && is_asked_for_chat(agent))
    {
        found.push(Because::ProviderNotReady(reason.clone()));
    }
    if device.is_some_and(|device| device.do_not_disturb) {
        found.push(Because::DoNotDisturb);
    }
    if device.is_some_and(|device| device.forwarding) {
        found.push(Because::Forwarded);
    }
    found
        .extend(agent.session.filter(|session| !is_about_chat(state, agent, *session)).map(Because::Session));
    if let Some(has) = chats {
        found.extend(has.chats.iter().map(|chat| Because::Chat(*chat)));
        found.extend(has.offers.keys().map(|offer| Because::Offer(*offer)));
    }
    if let Some(service) = &agent.chat {
        if service.paused {
            found.push(Because::ChatPaused);
        }
        let shown = service.shown.as_ref().map(|shown| shown.show);
        let free = |show: &Show| matches!(show, Show::Chat | Show::Available);
        found.extend(shown.filter(|show| !free(show)).map(Because::ChatShown));
        if seat.is_none() {
            found.push(Because::NoTelephone);
        }
    }
    found
}

/// Whether a session is about a chat in which its agent takes part, or that is offered to him.
fn is_about_chat(state: &State, agent: &Agent, session: SessionId) -> bool {
    let about = state.sessions.get(&session).and_then(|session| session.contact);
    let has = state.of_agent.get(&agent.id).into_iter();
    let mut chats = has
        .flat_map(|has| has.chats.iter().chain(has.offers.values()))
        .filter_map(|chat| state.chats.get(chat));
    about.is_some() && chats.any(|chat| Some(chat.contact) == about)
}

/// What the smallest chat of an agent's queues would take; none where he has no queue.
fn least_share(state: &State, service: &ChatService) -> Option<u16> {
    let queues = service.queues.iter().filter_map(|queue| state.settings.chat.queue(queue));
    queues.map(|queue| queue.share(service.chats_max)).min()
}

fn in_one_word(reason: &Because) -> AvailabilityState {
    match reason {
        Because::NotRegistered | Because::LoggedOff => AvailabilityState::Offline,
        Because::LinkDown | Because::OutOfService => AvailabilityState::Unreachable,
        Because::Call(_) => AvailabilityState::OnCall,
        Because::AfterCall(_) => AvailabilityState::AfterCall,
        Because::NotReady(_) | Because::ProviderNotReady(_) | Because::DoNotDisturb | Because::Forwarded => {
            AvailabilityState::NotReady
        }
        Because::Session(_) => AvailabilityState::InSession,
        Because::Chat(_) | Because::Offer(_) => AvailabilityState::Chatting,
        Because::ChatPaused | Because::ChatShown(_) | Because::NoTelephone => AvailabilityState::Available,
    }
}

fn claim(state: &State, agent: &Agent, reason: &Because) -> Option<Claim> {
    let offered = |offer| state.of_agent.get(&agent.id).and_then(|has| has.offers.get(offer));
    let (by, share) = match reason {
        Because::Call(call) => (Claimant::Call(*call), CAPACITY),
        Because::AfterCall(_) => (Claimant::AfterCall, CAPACITY),
        Because::Session(session) => (Claimant::Session(*session), CAPACITY),
        Because::Chat(chat) => (Claimant::Chat(*chat), share_of(state, agent, *chat)),
        Because::Offer(offer) => (Claimant::Offer(*offer), share_of(state, agent, *offered(offer)?)),
        _ => return None,
    };
    Some(Claim { by, share })
}
