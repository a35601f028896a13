//! Providers and their links: what is configured, what a lost link leaves uncertain, and when all is certain again.

use super::Context;
use super::device::state_at;
use crate::command::{Refusal, RefusalCause};
use crate::model::call::{Call, ConnectionState, Direction};
use crate::model::cause::Cause;
use crate::model::device::Monitor;
use crate::model::ids::{CallId, DeviceId, ProviderId, Str, TransferId};
use crate::model::provider::{Capabilities, LinkState, Provider};
use crate::model::transfer::{TransferKind, TransferState};
use crate::notification::Kind;
use crate::settings::Settings;
use crate::state::Deadline;
use std::collections::BTreeSet;

impl Context<'_> {
    /// The daemon started: nothing that was certain is.
    pub(super) fn started(&mut self) {
        let refusal = Refusal::new(
            RefusalCause::Interrupted,
            "The daemon was restarted before the telephone system answered. The state shown is what is known.",
        );
        for provider in self.providers() {
            self.lose(&provider, Some("The daemon was restarted.".into()), &refusal);
        }
    }

    /// The configuration: what is new comes in, what is gone goes as soon as no call is on it.
    pub(super) fn configured(&mut self, settings: &Settings) {
        self.state.settings = settings.clone();
        let mut configured = BTreeSet::new();
        for provider in &settings.providers {
            self.state.providers.entry(provider.id.clone()).or_insert_with(|| Provider {
                id: provider.id.clone(),
                link: LinkState::Down,
                since: self.at,
                reason: None,
                capabilities: Capabilities::default(),
                monitors_active: 0,
                monitors_refused: 0,
            });
            let devices = self.state.devices.entry(provider.id.clone()).or_default();
            for device in &provider.devices {
                let known = devices.entry(device.id.clone()).or_default();
                known.kind = device.kind;
                if device.name.is_some() {
                    known.name.clone_from(&device.name);
                }
                configured.insert((provider.id.clone(), device.id.clone()));
            }
        }
        let known = self.state.devices.iter();
        let gone: BTreeSet<(ProviderId, DeviceId)> = known
            .flat_map(|(provider, devices)| devices.keys().map(|device| (provider.clone(), device.clone())))
            .filter(|at| !configured.contains(at))
            .collect();
        self.state.unconfigured.clone_from(&gone);
        for (provider, device) in gone {
            self.drop_unconfigured(&provider, &device);
        }
        for provider in self.providers() {
            self.drop_provider(&provider);
        }
    }

    /// A device that is not configured any more goes when no live call is on it.
    pub(super) fn drop_unconfigured(&mut self, provider: &ProviderId, device: &DeviceId) {
        if self.state.unconfigured.is_empty() {
            return;
        }
        let at = (provider.clone(), device.clone());
        if !self.state.unconfigured.contains(&at) || !self.calls_at(provider, device).is_empty() {
            return;
        }
        self.state.unconfigured.remove(&at);
        self.set_monitor(provider, device, Monitor::None);
        if let Some(agent) = self.state.device(provider, device).and_then(|device| device.agent.clone()) {
            self.leave(&agent, Cause::OutOfService);
        }
        if let Some(devices) = self.state.devices.get_mut(provider) {
            devices.remove(device);
        }
        self.drop_provider(provider);
    }

    /// A connection is being made.
    pub(super) fn link_connecting(&mut self, provider: &ProviderId, reason: Option<&Str>) {
        let Some(known) = self.state.providers.get(provider) else {
            self.state.counters.unknown_providers += 1;
            return;
        };
        if known.link.is_open() {
            self.lose(provider, reason.cloned(), &link_down());
        }
        self.set_link(provider, LinkState::Connecting, reason.cloned());
    }

    /// A connection is made, and this is what the provider can do.
    pub(super) fn link_ready(&mut self, provider: &ProviderId, capabilities: &Capabilities) {
        let Some(known) = self.state.providers.get_mut(provider) else {
            self.state.counters.unknown_providers += 1;
            return;
        };
        known.capabilities = capabilities.clone();
        if known.link.is_open() {
            // A new connection without the loss of the old one: what happened in between is not known either.
            self.lose(provider, None, &link_down());
        }
        self.set_link(provider, LinkState::Resyncing, None);
    }

    /// A link is lost.
    pub(super) fn link_lost(&mut self, provider: &ProviderId, reason: &Str) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        self.lose(provider, Some(reason.clone()), &link_down());
    }

    /// All devices have been looked at: what no snapshot showed is over (rule 2).
    pub(super) fn resynced(&mut self, provider: &ProviderId, without_snapshot: &[DeviceId]) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        self.concluding(|context| {
            context.settle_transfers(provider, without_snapshot);
            for id in context.live_calls(provider) {
                let Some(call) = context.state.calls.get(&id).filter(|call| call.is_live()) else { continue };
                let unseen = call.live().any(|at| at.ours && without_snapshot.contains(&at.device));
                if call.stale.is_some() && !unseen {
                    context.end_call(id, Cause::LinkRestored, None);
                } else if call.stale.is_none() {
                    context.mind_adrift(id);
                }
            }
        });
        let was = self.state.providers.get(provider).map(|known| known.link);
        self.set_link(provider, LinkState::Up, None);
        if was != Some(LinkState::Up) {
            self.tell_provider(Kind::ProviderUp, provider);
        }
        self.tell_provider(Kind::ProviderResynced, provider);
        self.chat_link_up(provider);
    }

    /// The live calls of a provider.
    pub(super) fn live_calls(&self, provider: &ProviderId) -> Vec<CallId> {
        let calls = self.state.calls.values();
        calls.filter(|call| call.is_live() && call.provider == *provider).map(|call| call.id).collect()
    }

    fn providers(&self) -> Vec<ProviderId> {
        self.state.providers.keys().cloned().collect()
    }

    /// Everything known of a provider becomes uncertain, visibly and at once (rule 2).
    fn lose(&mut self, provider: &ProviderId, reason: Option<Str>, refusal: &Refusal) {
        let was = self.state.providers.get(provider).map(|known| known.link);
        self.set_link(provider, LinkState::Down, reason);
        if was.is_some_and(LinkState::is_open) {
            self.tell_provider(Kind::ProviderDown, provider);
        }
        self.cut_off(provider, refusal);
        self.end_routes(provider, &refusal.detail);
        for id in self.live_calls(provider) {
            self.make_uncertain(id);
        }
        let devices = self.state.devices.get(provider);
        let devices: Vec<DeviceId> =
            devices.into_iter().flat_map(|devices| devices.keys()).cloned().collect();
        for device in devices {
            self.set_monitor(provider, &device, Monitor::None);
        }
        self.chat_link_lost(provider);
    }

    /// What is known of a call is from here on what was known last.
    fn make_uncertain(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        // One that is stale already keeps its deadline: a link that comes and goes must not keep a ghost alive.
        if call.stale.is_none() {
            call.stale = Some(self.at);
            self.arm(Deadline::StaleCall(id), self.state.settings.stale_limit);
            self.tell_call(Kind::CallStale, id, None, Cause::Normal);
        }
    }

    /// A call of which no device of ours is watched, because the provider refused the monitors, is uncertain: nobody
    /// would tell its end.
    pub(super) fn mind_blind(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id).filter(|call| call.is_live()) else { return };
        let is_refused = |device| {
            let known = self.state.device(&call.provider, device);
            known.is_some_and(|known| matches!(known.monitor, Monitor::Refused(_)))
        };
        let ours = || call.live().filter(|at| at.ours);
        if ours().next().is_some() && ours().all(|at| is_refused(&at.device)) {
            self.make_uncertain(id);
        }
    }

    fn set_link(&mut self, provider: &ProviderId, link: LinkState, reason: Option<Str>) {
        let at = self.at;
        let Some(known) = self.state.providers.get_mut(provider) else { return };
        known.reason = reason;
        if known.link != link {
            known.link = link;
            known.since = at;
            self.touch_all(provider, link == LinkState::Up);
        }
    }

    /// What became of the transfers while the link was down, by where the customer is now.
    fn settle_transfers(&mut self, provider: &ProviderId, without_snapshot: &[DeviceId]) {
        let devices = self.state.at_device.get(provider);
        let transfers: Vec<TransferId> = devices
            .into_iter()
            .flatten()
            .filter(|(device, _)| !without_snapshot.contains(device))
            .flat_map(|(_, at)| &at.transfers)
            .copied()
            .collect();
        for id in transfers {
            self.settle_transfer(id);
        }
    }

    fn settle_transfer(&mut self, id: TransferId) {
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        let (customer, device) = (transfer.call, transfer.device.clone());
        let cause = Cause::LinkRestored;
        let call = self.state.calls.get(&customer);
        let here = call.map_or(ConnectionState::Null, |call| state_at(call, &device));
        let colleague = |call: &Call| {
            call.live().any(|at| {
                let ours = at.ours || call.direction == Direction::Internal;
                ours && at.device != device && at.state == ConnectionState::Connected
            })
        };
        let with_colleague = call.is_some_and(colleague);
        let consultation = transfer.consultation.and_then(|call| self.state.calls.get(&call));
        let consulted =
            consultation.filter(|call| call.is_live() && call.stale.is_none()).map(|call| call.id);
        match (here.is_live(), consulted) {
            (false, _) if with_colleague => {
                self.finish_transfer(id, TransferState::Completed, cause);
            }
            // The colleague's call lives on without the transferring device: the customer is on it.
            (false, Some(consultation)) if !self.consults(id) => {
                self.make_certain(customer);
                self.join(customer, consultation, &device, cause, super::merge::Joining::Transfer);
            }
            (false, _) if transfer.kind == TransferKind::Cold => {}
            (false, _) => self.finish_transfer(id, TransferState::Failed, cause),
            (true, Some(_)) if self.consults(id) => {}
            (true, _) if here == ConnectionState::Connected && transfer.consultation.is_some() => {
                self.finish_transfer(id, TransferState::TakenBack, cause);
            }
            (true, _) => self.finish_transfer(id, TransferState::Failed, cause),
        }
    }

    fn drop_provider(&mut self, provider: &ProviderId) {
        let configured = self.state.settings.providers.iter().any(|known| known.id == *provider);
        let empty = self.state.devices.get(provider).is_none_or(|devices| devices.is_empty());
        if configured || !empty || !self.live_calls(provider).is_empty() {
            return;
        }
        self.cut_off(provider, &link_down());
        self.end_routes(provider, &"The telephone system is not configured any more.".into());
        self.state.devices.remove(provider);
        self.state.providers.remove(provider);
    }
}

fn link_down() -> Refusal {
    Refusal::new(
        RefusalCause::LinkDown,
        "The link to the telephone system was lost before it answered. The state shown is what is known.",
    )
}
