//! Devices, their connections, and the index of what goes on at each.

use super::Context;
use crate::model::action::Action;
use crate::model::call::{Call, Connection, ConnectionState};
use crate::model::cause::Cause;
use crate::model::device::{DeviceKind, Monitor};
use crate::model::ids::{CallId, CommandId, DeviceId, ProviderCallId, ProviderId, TransferId};
use crate::model::time::Millis;
use crate::report::DeviceEvent;
use crate::state::AtDevice;

/// A call keeps this many connections; of those that were cleared the oldest go first. A switch that sends a call in
/// circles must not fill the memory.
const CONNECTIONS_MAX: usize = 64;

impl Context<'_> {
    /// What a provider says about a device.
    pub(super) fn device_report(&mut self, provider: &ProviderId, device: &DeviceId, event: &DeviceEvent) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        let Some(known) = self.state.devices.get_mut(provider).and_then(|devices| devices.get_mut(device))
        else {
            self.state.counters.unexpected_reports += 1;
            return;
        };
        let mut fulfils = None;
        match event {
            DeviceEvent::DoNotDisturb(on) => {
                known.do_not_disturb = *on;
                fulfils = Some(Action::SetDoNotDisturb);
            }
            DeviceEvent::Forwarding(on) => {
                known.forwarding = *on;
                fulfils = Some(Action::SetForwarding);
            }
            DeviceEvent::OutOfService(out) => known.out_of_service = *out,
            DeviceEvent::Monitored => self.set_monitor(provider, device, Monitor::Active),
            DeviceEvent::MonitorRefused(words) => {
                self.set_monitor(provider, device, Monitor::Refused(words.clone()));
                for id in self.calls_at(provider, device).to_vec() {
                    self.mind_blind(id);
                }
            }
            DeviceEvent::Named(name) => known.name = Some(name.clone()),
        }
        self.touch_at(provider, device);
        let claimed = fulfils.and_then(|action| self.claim(provider, device, None, &[action]));
        if let Some(command) = claimed
            && self.is_so(command)
        {
            self.fulfil(command);
        }
    }

    /// Whether a device is ours, and what kind it is.
    pub(super) fn kind_of(&self, provider: &ProviderId, device: &DeviceId) -> Option<DeviceKind> {
        self.state.device(provider, device).map(|device| device.kind)
    }

    /// Whether a device is an extension of ours.
    pub(super) fn is_station(&self, provider: &ProviderId, device: &DeviceId) -> bool {
        self.kind_of(provider, device) == Some(DeviceKind::Station)
    }

    /// Brings a device's connection into a state; makes it where the device has none, or had one and left.
    /// Gives the state that it had before.
    pub(super) fn set_connection(
        &mut self,
        id: CallId,
        device: &DeviceId,
        named: Option<&ProviderCallId>,
        state: ConnectionState,
        cause: Cause,
    ) -> ConnectionState {
        let Some(call) = self.state.calls.get_mut(&id) else { return ConnectionState::Null };
        let ours = self.state.devices.get(&call.provider).and_then(|devices| devices.get(device));
        let agent = ours.and_then(|device| device.agent.clone());
        let live = call.connection_mut(device).filter(|connection| connection.state.is_live());
        let before = live.as_ref().map_or(ConnectionState::Null, |connection| connection.state);
        let (mut minded, mut left) = (agent.is_some(), None);
        match live {
            Some(connection) => {
                minded |= connection.agent.is_some();
                // It rings anew (a recall): that is to be told anew, to whoever sits there now.
                let spoke = matches!(before, ConnectionState::Connected | ConnectionState::Held);
                if state == ConnectionState::Alerting && spoke {
                    connection.announced = false;
                    if connection.agent != agent {
                        left = std::mem::replace(&mut connection.agent, agent);
                    }
                }
                if before == ConnectionState::Held && state != ConnectionState::Held {
                    let held = self.at - connection.since.max(connection.entered);
                    connection.held = Millis(connection.held.0.saturating_add(held.0));
                }
                if before != state {
                    connection.since = self.at;
                    connection.cause = cause;
                }
                if state == ConnectionState::Connected && connection.connected.is_none() {
                    connection.connected = Some(self.at);
                }
                if !state.is_live() {
                    connection.permitted = None;
                }
                connection.state = state;
                if let Some(named) = named {
                    connection.provider_call = named.clone();
                }
            }
            None if state.is_live() => {
                let connection = Connection {
                    device: device.clone(),
                    ours: ours.is_some(),
                    provider_call: named.unwrap_or(&call.provider_call).clone(),
                    state,
                    since: self.at,
                    connected: (state == ConnectionState::Connected).then_some(self.at),
                    entered: self.at,
                    held: Millis::default(),
                    agent,
                    announced: false,
                    cause,
                    permitted: None,
                };
                keep_room(&mut call.connections);
                call.connections.push(connection);
            }
            None => return before,
        }
        let provider = call.provider.clone();
        match (before.is_live(), state.is_live()) {
            (false, true) => self.entry(&provider, device).calls.push(id),
            (true, false) => {
                self.entry_without(&provider, device, |entry| entry.calls.retain(|at| *at != id))
            }
            _ => {}
        }
        let rings = state == ConnectionState::Alerting && before != state;
        if minded && (rings || before.is_live() != state.is_live()) {
            self.mind_agents(id, device, before, cause);
        }
        // He had gone to another telephone, and is not called back there.
        if let Some(left) = left {
            self.touch(&left).left = Some((id, cause));
        }
        before
    }

    /// Gives a live connection the name that the provider uses for its device from now on.
    pub(super) fn rename(&mut self, id: CallId, device: &DeviceId, to: &DeviceId) {
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        let Some(connection) = call.connection_mut(device).filter(|at| at.state.is_live()) else { return };
        connection.device = to.clone();
        let provider = call.provider.clone();
        self.entry_without(&provider, device, |entry| entry.calls.retain(|at| *at != id));
        self.entry(&provider, to).calls.push(id);
    }

    /// Moves a connection of one call into another as it is.
    pub(super) fn move_connection(&mut self, from: CallId, to: CallId, connection: Connection) {
        let connection = Connection { entered: self.at, held: Millis::default(), ..connection };
        let Some(call) = self.state.calls.get_mut(&to) else { return };
        let (device, provider) = (connection.device.clone(), call.provider.clone());
        keep_room(&mut call.connections);
        call.connections.push(connection);
        let entry = self.entry(&provider, &device);
        entry.calls.retain(|at| *at != from && *at != to);
        entry.calls.push(to);
    }

    /// The calls at a device.
    pub(super) fn calls_at(&self, provider: &ProviderId, device: &DeviceId) -> &[CallId] {
        self.at(provider, device).map_or(&[], |at| &at.calls)
    }

    /// The commands at a device.
    pub(super) fn commands_at(&self, provider: &ProviderId, device: &DeviceId) -> &[CommandId] {
        self.at(provider, device).map_or(&[], |at| &at.commands)
    }

    /// The transfers from a device that have not ended.
    pub(super) fn transfers_at(&self, provider: &ProviderId, device: &DeviceId) -> &[TransferId] {
        self.at(provider, device).map_or(&[], |at| &at.transfers)
    }

    /// The index entry of a device, made where it is not there.
    pub(super) fn entry(&mut self, provider: &ProviderId, device: &DeviceId) -> &mut AtDevice {
        let devices = self.state.at_device.entry(provider.clone()).or_default();
        devices.entry(device.clone()).or_default()
    }

    /// Takes something out of a device's index entry, and the entry away when it is empty.
    pub(super) fn entry_without(
        &mut self,
        provider: &ProviderId,
        device: &DeviceId,
        take: impl FnOnce(&mut AtDevice),
    ) {
        let Some(devices) = self.state.at_device.get_mut(provider) else { return };
        let Some(entry) = devices.get_mut(device) else { return };
        take(entry);
        if entry.calls.is_empty() && entry.commands.is_empty() && entry.transfers.is_empty() {
            devices.remove(device);
        }
        if devices.is_empty() {
            self.state.at_device.remove(provider);
        }
    }

    /// Sets a device's monitor and keeps the provider's counts.
    pub(super) fn set_monitor(&mut self, provider: &ProviderId, device: &DeviceId, monitor: Monitor) {
        let Some(known) = self.state.devices.get_mut(provider).and_then(|devices| devices.get_mut(device))
        else {
            return;
        };
        let before = std::mem::replace(&mut known.monitor, monitor.clone());
        let Some(provider) = self.state.providers.get_mut(provider) else { return };
        match before {
            Monitor::None => {}
            Monitor::Active => provider.monitors_active = provider.monitors_active.saturating_sub(1),
            Monitor::Refused(_) => provider.monitors_refused = provider.monitors_refused.saturating_sub(1),
        }
        match monitor {
            Monitor::None => {}
            Monitor::Active => provider.monitors_active += 1,
            Monitor::Refused(_) => provider.monitors_refused += 1,
        }
    }

    fn at(&self, provider: &ProviderId, device: &DeviceId) -> Option<&AtDevice> {
        self.state.at_device.get(provider)?.get(device)
    }
}

/// The state of a device's newest connection in a call; null where it has none.
pub(super) fn state_at(call: &Call, device: &DeviceId) -> ConnectionState {
    call.connection(device).map_or(ConnectionState::Null, |connection| connection.state)
}

fn keep_room(connections: &mut Vec<Connection>) {
    if connections.len() >= CONNECTIONS_MAX
        && let Some(oldest) = connections.iter().position(|connection| !connection.state.is_live())
    {
        connections.remove(oldest);
    }
}
