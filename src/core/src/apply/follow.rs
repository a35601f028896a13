//! A PBX with agents of its own follows what ours are (ECMA-269 clause 22), and is believed (rule 1).
//!
//! ```text
//! registered, link up ──► SetAgentState loggedOn ──► GetAgentState ──► as wanted
//! resynchronised ─────────────────────────────────► GetAgentState ──┘
//! after-call work, readiness or the PBX's own break changed ────────► as wanted: SetAgentState, if it is another
//! log-off, another took his place ──► SetAgentState loggedOff
//! ```
//!
//! | what is wanted | when |
//! | --- | --- |
//! | working after call | after-call work goes on |
//! | not ready, for JKC's reason | JKC says so |
//! | not ready, for the PBX's reason | he pressed so at the telephone, and neither JKC nor he said ready since |
//! | not ready, for "chat" | he takes part in a chat (rule 8) |
//! | ready | otherwise |
//!
//! One request is under way for an agent at a time, and each wish is sent once: a PBX that refuses it, or says otherwise
//! afterwards, has the last word, and its word is shown. A refusal that may pass is tried once more. What a lost link
//! interrupted is wanted again after the resynchronisation, unless the PBX says then what the user pressed meanwhile. Only
//! a log-off is not made up for: by then nobody sits there whom it could be about.

use super::Context;
use super::take_back::ITSELF;
use crate::adapter::Operation;
use crate::command::{Actor, Command, CommandState, Refusal, RefusalCause};
use crate::model::agent::{Agent, Asked, ProviderAgentState, Readiness, Registration, RequestedAgentState};
use crate::model::ids::{AgentId, CommandId, DeviceId, ProviderId, Str};
use crate::model::provider::LinkState;

/// The step in which what was refused is tried once more.
const AGAIN: u8 = 1;

/// The reason for which a PBX gives no calls to one who chats.
const CHAT: &str = "chat";

impl Context<'_> {
    /// What a provider says of one of its agents.
    pub(super) fn agent_report(
        &mut self,
        provider: &ProviderId,
        device: Option<&DeviceId>,
        agent: Option<&Str>,
        state: &ProviderAgentState,
    ) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        // A PBX has agents who are no users of JKC.
        let Some(id) = self.agent_meant(provider, device, agent) else { return };
        let Some(known) = self.state.agents.get_mut(&id) else { return };
        if known.provider_state.as_ref() == Some(state) || is_less(state, known.provider_state.as_ref()) {
            return;
        }
        let late = is_late(known, state);
        match state {
            ProviderAgentState::NotReady(reason) if !late && !is_rendering(known) => {
                known.rested = Some(reason.clone());
            }
            ProviderAgentState::Ready | ProviderAgentState::LoggedOff => known.rested = None,
            _ => {}
        }
        if let Some(asked) = known.asked_state.as_mut().filter(|_| !late) {
            // On its way to what was asked a PBX may tell what was before: of whoever sat there, or of the call's end.
            asked.heard |= match asked.state {
                RequestedAgentState::LoggedOn => false,
                RequestedAgentState::Ready => {
                    matches!(state, ProviderAgentState::Ready | ProviderAgentState::Busy)
                }
                _ => !matches!(state, ProviderAgentState::Ready | ProviderAgentState::Busy),
            };
            if asked.heard {
                asked.late.clear();
            }
        }
        known.provider_state = Some(state.clone());
        known.version += 1;
        self.touch(&id);
    }

    /// Asks the PBX what an agent is, who was logged on there before.
    pub(super) fn look_at(&mut self, id: &AgentId) {
        let Some(seat) = self.followed_seat(id) else { return };
        let asked = self.state.agents.get(id).is_some_and(|agent| agent.asked_state.is_some());
        if asked && !self.is_asking(id, &seat) {
            let command = Command::GetAgentState { agent: id.clone() };
            let operation = Operation::GetAgentState { device: seat.device.clone() };
            self.ask_about(command, &seat, operation);
        }
    }

    /// Asks the PBX to make of an agent what he is, where that has not been asked yet.
    pub(super) fn make_follow(&mut self, id: &AgentId) {
        let Some(seat) = self.followed_seat(id) else { return };
        if self.is_asking(id, &seat) {
            return;
        }
        let chats = self.is_in_chat(id);
        let Some(agent) = self.state.agents.get_mut(id) else { return };
        let wanted = match &agent.asked_state {
            None => RequestedAgentState::LoggedOn,
            Some(_) if agent.provider_state == Some(ProviderAgentState::LoggedOff) => return,
            Some(asked) => {
                let wanted = wanted(agent, chats);
                if asked.state == wanted {
                    return;
                }
                // What the PBX said before it made of him what it was asked says nothing of what it makes of him now;
                // but what it says by itself needs no asking.
                if (asked.heard || is_rested(agent)) && is_so(agent, &wanted) {
                    agent.asked_state = Some(Asked::settled(wanted));
                    return;
                }
                wanted
            }
        };
        agent.asked_state = Some(Asked::after(agent.asked_state.take(), wanted.clone()));
        self.set_state(id, &seat, wanted);
    }

    /// An agent leaves a device where he was logged on.
    pub(super) fn log_off(&mut self, agent: &Agent, seat: &Registration) {
        let gone = agent.provider_state == Some(ProviderAgentState::LoggedOff);
        if agent.asked_state.is_some() && !gone && self.is_followed_by(&seat.provider) {
            self.set_state(&agent.id, seat, RequestedAgentState::LoggedOff);
        }
    }

    /// What was asked before does not stand in the way of asking it again.
    pub(super) fn ask_anew(&mut self, id: &AgentId) {
        // While a request is under way its answer goes on from there.
        let asking = self.followed_seat(id).is_some_and(|seat| self.is_asking(id, &seat));
        let chats = self.is_in_chat(id);
        let Some(agent) = self.state.agents.get_mut(id) else { return };
        let wanted = wanted(agent, chats);
        let otherwise = !matches!(agent.provider_state, None | Some(ProviderAgentState::Busy));
        let otherwise = otherwise && !asking && !is_no_agent(agent);
        if otherwise
            && !is_so(agent, &wanted)
            && let Some(asked) = &mut agent.asked_state
        {
            *asked =
                Asked { heard: true, ..Asked::after(Some(asked.clone()), RequestedAgentState::LoggedOn) };
        }
        self.touch(id);
    }

    /// An answer to a request about an agent.
    pub(super) fn agent_answered(&mut self, id: CommandId, step: u8, result: Result<(), Refusal>) {
        let Some(record) = self.state.commands.get(&id) else { return };
        let (command, device) = (record.command.clone(), record.device.clone());
        let (agent, state) = match command {
            Command::SetAgentState { agent, state } => (agent, Some(state)),
            Command::GetAgentState { agent } => (agent, None),
            _ => return,
        };
        let known = self.state.agents.get(&agent);
        // What was asked where he sits no more, or sits anew, is wanted no more.
        let seat = known.and_then(|known| known.registration.clone()).filter(|seat| {
            device.is_some_and(|(provider, device)| seat.provider == provider && seat.device == device)
        });
        let asked = known.and_then(|known| known.asked_state.as_ref()).map(|asked| asked.state.clone());
        let wants = state.filter(|state| asked.as_ref() == Some(state)).zip(seat);
        match result {
            Ok(()) => self.fulfil(id),
            Err(refusal) => {
                let cut_off = matches!(refusal.cause, RefusalCause::LinkDown | RefusalCause::Interrupted);
                let unknown = cut_off || refusal.cause == RefusalCause::Timeout;
                if let Some((state, seat)) = wants.as_ref().filter(|_| !unknown && refusal.can_retry)
                    && step < AGAIN
                {
                    let operation = setting(seat, state.clone());
                    return self.send(id, AGAIN, operation);
                }
                self.refuse(id, refusal);
                if !unknown && wants.is_some() {
                    self.hears_no(&agent);
                }
                if cut_off && let Some((state, _)) = &wants {
                    self.wants_again(&agent, state);
                }
            }
        }
        let logged_on = wants.is_some_and(|(state, _)| state == RequestedAgentState::LoggedOn);
        self.touch(&agent).look |= logged_on;
    }

    /// Whether the PBX says of an agent what it was asked to make of him.
    pub(super) fn is_followed(&self, agent: &AgentId, state: &RequestedAgentState) -> bool {
        self.state.agents.get(agent).is_some_and(|agent| is_so(agent, state))
    }

    /// The PBX leaves him what he is: what it said of him before is still so.
    fn hears_no(&mut self, id: &AgentId) {
        if let Some(asked) = self.state.agents.get_mut(id).and_then(|agent| agent.asked_state.as_mut()) {
            // Of one who was not logged on nothing was heard: see `is_no_agent`.
            asked.heard |= asked.state != RequestedAgentState::LoggedOn;
        }
    }

    /// Nobody knows what the PBX made of it: it is asked again when the link is back.
    fn wants_again(&mut self, id: &AgentId, state: &RequestedAgentState) {
        let Some(agent) = self.state.agents.get_mut(id) else { return };
        agent.asked_state = match state {
            RequestedAgentState::LoggedOn => None,
            _ => Some(Asked::settled(RequestedAgentState::LoggedOn)),
        };
    }

    fn set_state(&mut self, id: &AgentId, seat: &Registration, state: RequestedAgentState) {
        let command = Command::SetAgentState { agent: id.clone(), state: state.clone() };
        self.ask_about(command, seat, setting(seat, state));
    }

    fn ask_about(&mut self, command: Command, seat: &Registration, operation: Operation) {
        let id = CommandId(self.ids.make());
        let at = (seat.provider.clone(), seat.device.clone());
        self.accept(id, &command, &Actor::named(ITSELF), Some(at), None, None);
        self.send(id, 0, operation);
    }

    /// Whether an agent takes part in a chat.
    fn is_in_chat(&self, id: &AgentId) -> bool {
        self.state.of_agent.get(id).is_some_and(|has| !has.chats.is_empty())
    }

    /// Where an agent sits, if the PBX there has agents and can be asked.
    fn followed_seat(&self, id: &AgentId) -> Option<Registration> {
        let seat = self.state.agents.get(id)?.registration.as_ref()?;
        self.is_followed_by(&seat.provider).then(|| seat.clone())
    }

    fn is_followed_by(&self, provider: &ProviderId) -> bool {
        let provider = self.state.providers.get(provider);
        // Before it has been looked over, nobody knows what was pressed while the link was down.
        provider.is_some_and(|known| known.link == LinkState::Up && known.capabilities.agent_states)
    }

    fn is_asking(&self, id: &AgentId, seat: &Registration) -> bool {
        self.commands_at(&seat.provider, &seat.device).iter().any(|command| {
            self.state.commands.get(command).is_some_and(|record| {
                let about = match &record.command {
                    Command::SetAgentState { agent, .. } | Command::GetAgentState { agent } => agent == id,
                    _ => false,
                };
                about && !matches!(record.state, CommandState::Done { .. })
            })
        })
    }

    /// The agent of ours whom a report means: who sits at the device, unless he is known there under another id; else
    /// who is known under the id.
    fn agent_meant(
        &self,
        provider: &ProviderId,
        device: Option<&DeviceId>,
        named: Option<&Str>,
    ) -> Option<AgentId> {
        let sits = device.and_then(|device| self.state.device(provider, device)?.agent.clone());
        let seat = |id: &AgentId| self.state.agents.get(id)?.registration.as_ref();
        let other = |id: &AgentId| {
            let own = seat(id).and_then(|seat| seat.provider_agent.as_ref());
            own.zip(named).is_some_and(|(own, named)| own != named)
        };
        if let Some(id) = sits.filter(|id| !other(id)) {
            return Some(id);
        }
        let named = named?;
        let mut agents = self.state.agents.values();
        let meant = agents.find(|agent| {
            agent
                .registration
                .as_ref()
                .is_some_and(|seat| seat.provider == *provider && seat.provider_agent.as_ref() == Some(named))
        });
        meant.map(|agent| agent.id.clone())
    }
}

/// What the PBX is to make of an agent, who takes part in chats or not.
fn wanted(agent: &Agent, chats: bool) -> RequestedAgentState {
    match (&agent.after_call, &agent.readiness, &agent.rested) {
        (Some(_), ..) => RequestedAgentState::WorkingAfterCall,
        (None, Readiness::NotReady(reason), _) => RequestedAgentState::NotReady(reason.clone()),
        (None, Readiness::Ready, Some(reason)) => RequestedAgentState::NotReady(reason.clone()),
        (None, Readiness::Ready, None) if chats => RequestedAgentState::NotReady(Some(CHAT.into())),
        (None, Readiness::Ready, None) => RequestedAgentState::Ready,
    }
}

/// Whether a PBX's "not ready" is only what it was asked because he chats.
pub(super) fn is_asked_for_chat(agent: &Agent) -> bool {
    let asked = agent.asked_state.as_ref().map(|asked| &asked.state);
    let for_chat = |state: &RequestedAgentState| matches!(state, RequestedAgentState::NotReady(Some(reason)) if **reason == *CHAT);
    agent.rested.is_none() && agent.readiness == Readiness::Ready && asked.is_some_and(for_chat)
}

/// Whether what the PBX is to make of him is only what it said itself.
fn is_rested(agent: &Agent) -> bool {
    agent.after_call.is_none() && agent.readiness == Readiness::Ready && agent.rested.is_some()
}

/// Whether the PBX says so already.
fn is_so(agent: &Agent, wanted: &RequestedAgentState) -> bool {
    match (&agent.provider_state, wanted) {
        (Some(ProviderAgentState::Ready), RequestedAgentState::Ready) => true,
        (Some(ProviderAgentState::WorkingAfterCall), RequestedAgentState::WorkingAfterCall) => true,
        (Some(ProviderAgentState::NotReady(is)), RequestedAgentState::NotReady(wanted)) => is == wanted,
        (Some(ProviderAgentState::LoggedOff), RequestedAgentState::LoggedOff) => true,
        _ => false,
    }
}

/// Whether a PBX's "logged off" is only that it has no agent there: it says so of any telephone, and refused to log on
/// one who has neither an agent id nor queues. His telephone rings all the same.
pub(super) fn is_no_agent(agent: &Agent) -> bool {
    let seat = agent.registration.as_ref();
    let nameless = seat.is_some_and(|seat| seat.provider_agent.is_none() && seat.queues.is_empty());
    let asked = agent.asked_state.as_ref();
    let never = asked.is_some_and(|asked| asked.state == RequestedAgentState::LoggedOn && !asked.heard);
    nameless && never && agent.provider_state == Some(ProviderAgentState::LoggedOff)
}

/// Whether a report tells what is known, without the reason: an event has one where the answer to a question has none.
fn is_less(said: &ProviderAgentState, known: Option<&ProviderAgentState>) -> bool {
    *said == ProviderAgentState::NotReady(None)
        && matches!(known, Some(ProviderAgentState::NotReady(Some(_))))
}

/// Whether what a PBX says is what it made of him some requests ago; then it has said so now.
fn is_late(agent: &mut Agent, said: &ProviderAgentState) -> bool {
    let Some(asked) = &mut agent.asked_state else { return false };
    let shows = |state: &RequestedAgentState| match state {
        RequestedAgentState::LoggedOff => *said == ProviderAgentState::LoggedOff,
        RequestedAgentState::Ready => *said == ProviderAgentState::Ready,
        RequestedAgentState::LoggedOn => {
            matches!(said, ProviderAgentState::NotReady(_) | ProviderAgentState::Ready)
        }
        RequestedAgentState::NotReady(_) => matches!(said, ProviderAgentState::NotReady(_)),
        RequestedAgentState::WorkingAfterCall => {
            matches!(said, ProviderAgentState::WorkingAfterCall | ProviderAgentState::NotReady(_))
        }
    };
    let Some(at) = asked.late.iter().position(shows) else { return false };
    asked.late.drain(..=at);
    true
}

/// Whether a "not ready" is how the PBX shows what it was asked, rather than a break that was pressed: many log on into
/// it, and some know no after-call work. What it says before it was asked anything is of before he sat down.
fn is_rendering(agent: &Agent) -> bool {
    let asked = agent.asked_state.as_ref();
    asked.is_none_or(|asked| !asked.heard && asked.state != RequestedAgentState::Ready)
}

fn setting(seat: &Registration, state: RequestedAgentState) -> Operation {
    let logs = matches!(state, RequestedAgentState::LoggedOn | RequestedAgentState::LoggedOff);
    Operation::SetAgentState {
        device: seat.device.clone(),
        agent: seat.provider_agent.clone(),
        state,
        queues: if logs { seat.queues.clone() } else { Vec::new() },
    }
}
