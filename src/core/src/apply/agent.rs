//! Who sits at which extension (T14).

use super::Context;
use super::availability::newcomer;
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::model::action::Reason;
use crate::model::agent::{Agent, ProviderAgentState, Readiness, Registration};
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{AgentId, CommandId, DeviceId, ProviderId};
use crate::model::session::{SessionCause, SessionState};
use crate::notification::Kind;

impl Context<'_> {
    /// A user sits at an extension: he leaves the one where he sat, and whoever sat there leaves it.
    pub(super) fn register(&mut self, id: CommandId, command: &Command, by: &Actor, at: Registration) {
        self.accept(id, command, by, None, None, None);
        if let Err(refusal) = self.may_register(&at.provider, &at.device) {
            return self.refuse(id, refusal);
        }
        let sits = self.state.agents.get(&at.agent).and_then(|agent| agent.registration.as_ref());
        let same = sits.is_some_and(|sits| {
            sits.provider == at.provider
                && sits.device == at.device
                && sits.provider_agent == at.provider_agent
                && sits.queues == at.queues
        });
        let agent = at.agent.clone();
        if !same {
            let before = self.state.device(&at.provider, &at.device).and_then(|device| device.agent.clone());
            self.because_of(Some(id), |context| {
                if let Some(before) = before.filter(|before| *before != at.agent) {
                    context.leave(&before, Cause::TakenOver);
                }
                context.free_seat(&at.agent);
                context.sit(at);
            });
        }
        if same {
            self.log_on_again(id, &agent);
        }
        self.fulfil(id);
    }

    /// A user leaves. One who sits nowhere has left already.
    pub(super) fn unregister(&mut self, id: CommandId, command: &Command, by: &Actor, agent: &AgentId) {
        self.accept(id, command, by, None, None, None);
        self.because_of(Some(id), |context| context.leave(agent, Cause::LoggedOff));
        self.fulfil(id);
    }

    /// How often a user's registration has changed; one who never sat anywhere has no change yet.
    pub(super) fn version_of(&self, agent: &AgentId) -> u64 {
        self.state.agents.get(agent).map_or(0, |agent| agent.version)
    }

    /// A user's registration ends, and is told. What he was working on is kept: after-call work ends, his open session
    /// is parked. What was said of his day is over: he is ready when he comes back.
    pub(super) fn leave(&mut self, agent: &AgentId, cause: Cause) {
        let Some(device) = self.free_seat(agent) else { return };
        let Some(known) = self.state.agents.get_mut(agent) else { return };
        known.readiness = Readiness::Ready;
        known.rested = None;
        let session = known.session;
        self.tell_agent(Kind::AgentRegistered, agent, Some(&device), None, cause);
        if let Some(session) = session {
            self.end_session(session, SessionState::Parked, SessionCause::LoggedOff, cause);
        }
    }

    /// JKC says whether a user wants calls. His PBX follows by itself.
    pub(super) fn set_readiness(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        agent: &AgentId,
        readiness: &Readiness,
    ) {
        self.accept(id, command, by, None, None, None);
        let there = |agent: &&mut Agent| agent.registration.is_some() || agent.chat.is_some();
        let Some(known) = self.state.agents.get_mut(agent).filter(there) else {
            return self.refuse(id, Refusal::not_allowed(RefusalCause::NotRegistered, Reason::NotRegistered));
        };
        // He is back, for chats too.
        if let Some(service) = known.chat.as_mut().filter(|_| *readiness == Readiness::Ready) {
            service.paused = false;
            service.ignored = 0;
        }
        if known.readiness != *readiness || known.rested.is_some() {
            known.version += 1;
        }
        known.readiness = readiness.clone();
        // What was pressed at the telephone before is not wanted any more.
        known.rested = None;
        self.because_of(Some(id), |context| context.ask_anew(agent));
        self.fulfil(id);
    }

    /// A user registers where he sits already: one whom the PBX has logged off wants to be logged on.
    fn log_on_again(&mut self, id: CommandId, agent: &AgentId) {
        let Some(known) = self.state.agents.get_mut(agent) else { return };
        if known.provider_state == Some(ProviderAgentState::LoggedOff) {
            known.asked_state = None;
            self.because_of(Some(id), |context| {
                context.touch(agent);
            });
        }
    }

    fn may_register(&self, provider: &ProviderId, device: &DeviceId) -> Result<(), Refusal> {
        if !self.state.providers.contains_key(provider) {
            let detail = format!("There is no provider {provider:?} in the configuration.");
            return Err(Refusal::new(RefusalCause::UnknownProvider, detail));
        }
        match self.kind_of(provider, device) {
            Some(DeviceKind::Station) => Ok(()),
            Some(DeviceKind::Queue) => Err(Refusal::new(
                RefusalCause::UnknownDevice,
                format!("Device {device:?} is a queue; a user sits at an extension."),
            )),
            None => Err(Refusal::new(
                RefusalCause::UnknownDevice,
                format!("Device {device:?} is not configured at provider {provider:?}."),
            )),
        }
    }

    fn sit(&mut self, at: Registration) {
        let devices = self.state.devices.get_mut(&at.provider);
        if let Some(device) = devices.and_then(|devices| devices.get_mut(&at.device)) {
            device.agent = Some(at.agent.clone());
        }
        let (agent, device) = (at.agent.clone(), at.device.clone());
        let since = self.at;
        let known = self.state.agents.entry(agent.clone()).or_insert_with(|| newcomer(agent.clone(), since));
        known.registration = Some(Registration { since, ..at });
        known.version += 1;
        self.touch(&agent);
        self.tell_agent(Kind::AgentRegistered, &agent, Some(&device), None, Cause::Normal);
    }

    /// Empties the place of a user; gives it.
    fn free_seat(&mut self, agent: &AgentId) -> Option<DeviceId> {
        let known = self.state.agents.get(agent)?;
        let registration = known.registration.clone()?;
        let known = known.clone();
        self.log_off(&known, &registration);
        let known = self.state.agents.get_mut(agent)?;
        known.registration = None;
        known.provider_state = None;
        known.asked_state = None;
        known.version += 1;
        self.touch(agent);
        let devices = self.state.devices.get_mut(&registration.provider);
        if let Some(device) = devices.and_then(|devices| devices.get_mut(&registration.device))
            && device.is_registered_to(&registration)
        {
            device.agent = None;
        }
        Some(registration.device)
    }
}
