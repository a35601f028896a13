//! Who sits at which extension (T14).

use super::Context;
use super::availability::newcomer;
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::model::agent::{ProviderAgentState, Registration};
use crate::model::device::DeviceKind;
use crate::model::ids::{AgentId, CommandId, DeviceId, ProviderId, Str};

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
        if !same {
            let before = self.state.device(&at.provider, &at.device).and_then(|device| device.agent.clone());
            self.because_of(Some(id), |context| {
                if let Some(before) = before.filter(|before| *before != at.agent) {
                    context.leave(&before);
                }
                context.free_seat(&at.agent);
                context.sit(at);
            });
        }
        self.fulfil(id);
    }

    /// A user leaves. One who sits nowhere has left already.
    pub(super) fn unregister(&mut self, id: CommandId, command: &Command, by: &Actor, agent: &AgentId) {
        self.accept(id, command, by, None, None, None);
        self.because_of(Some(id), |context| context.leave(agent));
        self.fulfil(id);
    }

    /// How often a user's registration has changed; one who never sat anywhere has no change yet.
    pub(super) fn version_of(&self, agent: &AgentId) -> u64 {
        self.state.agents.get(agent).map_or(0, |agent| agent.version)
    }

    /// A user's registration ends, and is told.
    pub(super) fn leave(&mut self, agent: &AgentId) {
        let Some(device) = self.free_seat(agent) else { return };
        self.tell_agent(agent, Some(&device));
    }

    /// JKC says whether a user wants calls, or schakel that the PBX is to follow.
    pub(super) fn agent_command(&mut self, id: CommandId, command: &Command, by: &Actor) {
        self.accept(id, command, by, None, None, None);
        self.refuse(id, Refusal::new(RefusalCause::NotSupported, "Readiness is not kept yet."));
    }

    /// What a provider says of one of its agents.
    pub(super) fn agent_report(
        &mut self,
        _provider: &ProviderId,
        _device: Option<&DeviceId>,
        _agent: Option<&Str>,
        _state: &ProviderAgentState,
        _queues: &[DeviceId],
    ) {
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
        let known =
            self.state.agents.entry(agent.clone()).or_insert_with(|| newcomer(agent.clone(), since));
        known.registration = Some(Registration { since, ..at });
        known.version += 1;
        self.tell_agent(&agent, Some(&device));
    }

    /// Empties the place of a user; gives it.
    fn free_seat(&mut self, agent: &AgentId) -> Option<DeviceId> {
        let known = self.state.agents.get_mut(agent)?;
        let registration = known.registration.take()?;
        known.version += 1;
        let devices = self.state.devices.get_mut(&registration.provider);
        if let Some(device) = devices.and_then(|devices| devices.get_mut(&registration.device))
            && device.is_registered_to(&registration)
        {
            device.agent = None;
        }
        Some(registration.device)
    }
}
