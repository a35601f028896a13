//! Events of the PBX to the house's reports.

use std::collections::BTreeMap;

use schakel_core::model::action::{Action, ActionSet};
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::report::{
    CallEvent, CallReport, DeviceEvent, EventReport, MovedConnection, ProviderConnection, ReportedParty,
};
use schakel_csta_wire as wire;
use schakel_csta_wire::{
    CallEventKind, DeviceRef, EventCause, FeatureEvent, LocalConnectionState, Service, ServiceSet,
};

use crate::agents::agent_event;
use crate::device::normalise;
use crate::dialect::Dialect;
use crate::memory::Memory;

/// Our own devices by their normalised id, under the name that the configuration gives them.
#[derive(Debug, Default)]
pub(crate) struct OwnDevices(BTreeMap<Str, (DeviceId, usize)>);

impl OwnDevices {
    pub(crate) fn new(devices: &[DeviceId]) -> Self {
        let entry = |(index, device): (usize, &DeviceId)| {
            (Str::from(&*normalise(device.as_str()).id), (device.clone(), index))
        };
        Self(devices.iter().enumerate().map(entry).collect())
    }

    /// The device that a normalised id means, and its index if it is ours.
    fn get(&self, id: &str) -> Option<&(DeviceId, usize)> {
        self.0.get(id)
    }

    /// The device that the PBX means by `raw`; `None` if there is no id in it.
    pub(crate) fn device(&self, raw: &str) -> Option<DeviceId> {
        let named = normalise(raw);
        if named.id.is_empty() {
            return None;
        }
        Some(self.get(&named.id).map_or_else(|| DeviceId::from(&*named.id), |(device, _)| device.clone()))
    }

    pub(crate) fn is_ours(&self, device: &DeviceId) -> bool {
        self.get(&normalise(device.as_str()).id).is_some()
    }

    /// A party as the PBX names it.
    pub(crate) fn party(&self, device: &DeviceRef<'_>) -> ReportedParty {
        match device {
            DeviceRef::Identifier(id) => {
                let named = normalise(&id.value);
                let number = (!named.id.is_empty()).then(|| Pii::new(Str::from(&*named.id)));
                let name = named.name.map(|name| Pii::new(Str::from(&*name)));
                ReportedParty {
                    device: self.device(&id.value),
                    party: Party { number, name, restricted: false },
                }
            }
            DeviceRef::Restricted => {
                ReportedParty { device: None, party: Party { restricted: true, ..Party::default() } }
            }
            DeviceRef::NotKnown | DeviceRef::NotRequired | DeviceRef::NotSpecified => {
                ReportedParty { device: None, party: Party::default() }
            }
        }
    }
}

/// Translates with what is known of devices and calls.
pub(crate) struct Translator<'t> {
    pub(crate) dialect: &'static Dialect,
    pub(crate) own: &'t OwnDevices,
    pub(crate) memory: &'t mut Memory,
}

impl Translator<'_> {
    /// The report of a call event that the monitor of `monitor` told; `None` for events that say nothing of use.
    pub(crate) fn call(
        &mut self,
        event: &wire::CallEvent<'_>,
        monitor: Option<&DeviceId>,
    ) -> Option<CallReport> {
        let call = Str::from(&*event.connection.call);
        let device = self.subject(event, &call, monitor);
        let connection =
            ProviderConnection { call: ProviderCallId::from(call.clone()), device: device.clone() };
        let local = event.local_state.as_ref().and_then(state);
        let report = CallReport {
            event: self.event(event, &device)?,
            connection,
            monitor: monitor.cloned(),
            local,
            cause: event.cause.as_ref().map_or(Cause::Normal, cause),
            calling: named(self.calling(event), event.calling_name.as_deref()),
            called: named(
                event.called.as_ref().map(|party| self.own.party(party)),
                event.called_name.as_deref(),
            ),
            last_redirection: self.known(event.last_redirection.as_ref()),
            network_called: self.known(event.network_called.as_ref()),
            permitted: event.services.map(permitted),
            correlator: event.correlator.as_ref().and_then(correlator),
            linked_call: self.linked_call(event, &call),
        };
        Some(report)
    }

    /// The report of an event about a device.
    pub(crate) fn feature(
        &self,
        event: &FeatureEvent<'_>,
        monitor: Option<&DeviceId>,
    ) -> Option<EventReport> {
        let (device, event) = match event {
            FeatureEvent::DoNotDisturb(event) => (&event.device, DeviceEvent::DoNotDisturb(event.on)),
            FeatureEvent::Forwarding(event) => {
                use schakel_csta_wire::ForwardingType as Type;
                // Only what takes every call away is "forwarded"; on busy and on no answer the telephone still rings.
                let immediate = matches!(
                    event.forwarding_type,
                    None | Some(Type::ForwardImmediate | Type::ForwardImmInt | Type::ForwardImmExt)
                );
                if !immediate {
                    return None;
                }
                (&event.device, DeviceEvent::Forwarding(event.on))
            }
            FeatureEvent::BackInService(event) => (&event.device, DeviceEvent::OutOfService(false)),
            FeatureEvent::OutOfService(event) => (&event.device, DeviceEvent::OutOfService(true)),
            FeatureEvent::Agent(event) => return Some(agent_event(event, monitor, self.own)),
            FeatureEvent::MessageWaiting(_) => return None,
        };
        let named = device.as_ref().and_then(DeviceRef::value).and_then(|raw| self.own.device(raw));
        let device = named.or_else(|| monitor.cloned())?;
        Some(EventReport::Device { device, event })
    }

    fn event(&mut self, event: &wire::CallEvent<'_>, device: &DeviceId) -> Option<CallEvent> {
        Some(match event.kind {
            CallEventKind::ServiceInitiated => CallEvent::Initiated,
            CallEventKind::Originated => CallEvent::Originated,
            CallEventKind::NetworkReached => CallEvent::NetworkReached,
            CallEventKind::Offered => CallEvent::Offered,
            CallEventKind::Delivered => CallEvent::Delivered,
            CallEventKind::Established => CallEvent::Established,
            CallEventKind::Held => CallEvent::Held,
            CallEventKind::Retrieved => CallEvent::Retrieved,
            CallEventKind::ConnectionCleared => CallEvent::ConnectionCleared,
            CallEventKind::CallCleared => CallEvent::CallCleared,
            CallEventKind::Queued => CallEvent::Queued,
            CallEventKind::Diverted => {
                let to =
                    event.target.as_ref().and_then(DeviceRef::value).and_then(|raw| self.own.device(raw));
                CallEvent::Diverted { to }
            }
            CallEventKind::Failed => CallEvent::Failed,
            CallEventKind::Transferred => CallEvent::Transferred {
                secondary: secondary(event, device),
                to: event.target.as_ref().map(|party| self.own.party(party)),
                moved: self.moved(event),
            },
            CallEventKind::Conferenced => CallEvent::Conferenced {
                secondary: secondary(event, device),
                added: event.target.as_ref().map(|party| self.own.party(party)),
                moved: self.moved(event),
            },
            CallEventKind::CallInformation => CallEvent::Information,
            CallEventKind::DigitsGenerated | CallEventKind::Bridged => return None,
        })
    }

    /// The device whose connection changed. The connection says it; where it says nothing, or an id that the PBX made
    /// up for this call, the event's own device does.
    fn subject(&mut self, event: &wire::CallEvent<'_>, call: &Str, monitor: Option<&DeviceId>) -> DeviceId {
        let raw = &*event.connection.device.value;
        let named = match event.kind {
            // Who lets go is not who has gone.
            CallEventKind::ConnectionCleared if !raw.is_empty() => None,
            CallEventKind::ConnectionCleared if event.local_state == Some(LocalConnectionState::Null) => None,
            CallEventKind::Originated => event.calling.as_ref(),
            _ => event.subject.as_ref(),
        };
        let named = named.and_then(DeviceRef::value).and_then(|raw| self.own.device(raw));
        if matches!(event.kind, CallEventKind::Transferred | CallEventKind::Conferenced)
            && let Some(named) = named
        {
            self.memory.remember(call, &named, raw);
            return named;
        }
        let Some(plain) = self.own.device(raw) else {
            return named.or_else(|| monitor.cloned()).unwrap_or_else(|| DeviceId::from(""));
        };
        if self.own.is_ours(&plain) {
            self.memory.remember(call, &plain, raw);
            return plain;
        }
        let made_up = event.connection.device.type_of_number.as_deref() == Some("dynamic");
        let device = match named {
            Some(named) if made_up || self.own.is_ours(&named) => named,
            _ => self.memory.device(call, raw).cloned().unwrap_or(plain),
        };
        self.memory.remember(call, &device, raw);
        device
    }

    fn calling(&self, event: &wire::CallEvent<'_>) -> Option<ReportedParty> {
        match (&event.calling, &event.network_calling) {
            (None | Some(DeviceRef::NotKnown), Some(network @ DeviceRef::Identifier(_))) => {
                Some(self.own.party(network))
            }
            (calling, _) => calling.as_ref().map(|party| self.own.party(party)),
        }
    }

    fn known(&self, device: Option<&DeviceRef<'_>>) -> Option<ReportedParty> {
        device.filter(|device| device.value().is_some()).map(|device| self.own.party(device))
    }

    fn moved(&mut self, event: &wire::CallEvent<'_>) -> Vec<MovedConnection> {
        event.connections.iter().filter_map(|item| self.moved_one(item)).collect()
    }

    fn moved_one(&mut self, item: &wire::ConnectionListItem<'_>) -> Option<MovedConnection> {
        let endpoint_raw = item.endpoint.as_ref().and_then(DeviceRef::value).unwrap_or_default();
        let id = item.new.as_ref()?;
        let device = self.own.device(&id.device.value).or_else(|| self.own.device(endpoint_raw))?;
        let call = Str::from(&*id.call);
        self.memory.remember(&call, &device, &id.device.value);
        let new = ProviderConnection { call: ProviderCallId::from(call), device: device.clone() };
        let told = item.old.as_ref().map(|old| ProviderConnection {
            call: ProviderCallId::from(Str::from(&*old.call)),
            device: self.own.device(&old.device.value).unwrap_or_else(|| device.clone()),
        });
        let by_uid = || {
            let uid = normalise(&id.device.value).uid.or(normalise(endpoint_raw).uid)?;
            let call = ProviderCallId::from(uid);
            (self.dialect.links_by_uid && call != new.call).then_some(ProviderConnection { call, device })
        };
        let old = told.or_else(by_uid);
        Some(MovedConnection {
            old,
            endpoint: item.endpoint.as_ref().map(|party| self.own.party(party)),
            new,
        })
    }

    fn linked_call(&mut self, event: &wire::CallEvent<'_>, call: &Str) -> Option<ProviderCallId> {
        if let Some(global) = event.linkage.as_ref().and_then(|linkage| linkage.global_call.as_deref())
            && let Some(before) = self.memory.link(global, call)
        {
            return Some(ProviderCallId::from(before));
        }
        if !self.dialect.links_by_uid || event.kind == CallEventKind::Transferred {
            return None;
        }
        let devices = [event.calling.as_ref(), event.subject.as_ref(), event.called.as_ref()];
        let uid =
            devices.into_iter().flatten().filter_map(DeviceRef::value).find_map(|raw| normalise(raw).uid)?;
        (uid != &**call).then(|| ProviderCallId::from(uid))
    }
}

/// A party with the name that the event tells beside it.
fn named(party: Option<ReportedParty>, name: Option<&str>) -> Option<ReportedParty> {
    let mut party = party?;
    if party.party.name.is_none() && !party.party.restricted {
        party.party.name = name.filter(|name| !name.is_empty()).map(|name| Pii::new(Str::from(name)));
    }
    Some(party)
}

fn secondary(event: &wire::CallEvent<'_>, device: &DeviceId) -> Option<ProviderConnection> {
    let id = event.secondary.as_ref().filter(|id| !id.call.is_empty())?;
    // It is the same device's: only the call differs.
    Some(ProviderConnection { call: ProviderCallId::from(&*id.call), device: device.clone() })
}

/// The state of a connection; `None` for a word that nobody knows.
pub(crate) fn state(state: &LocalConnectionState<'_>) -> Option<ConnectionState> {
    Some(match state {
        LocalConnectionState::Null => ConnectionState::Null,
        LocalConnectionState::Initiated => ConnectionState::Initiated,
        LocalConnectionState::Alerting => ConnectionState::Alerting,
        LocalConnectionState::Connected => ConnectionState::Connected,
        LocalConnectionState::Hold => ConnectionState::Held,
        LocalConnectionState::Queued => ConnectionState::Queued,
        LocalConnectionState::Fail => ConnectionState::Failed,
        LocalConnectionState::Other(_) => return None,
    })
}

/// The house's cause of a cause; those that tell nothing more for a call's story fall together.
pub(crate) fn cause(cause: &EventCause<'_>) -> Cause {
    use EventCause as E;
    match cause {
        E::ACDBusy | E::CallInterceptionBusy => Cause::Busy,
        E::ACDForward => Cause::Distributed,
        E::AlertTimeExpired => Cause::NoAnswer,
        E::BusyOverflow
        | E::CapacityOverflow
        | E::CalendarOverflow
        | E::UnknownOverflow
        | E::ACDSaturated => Cause::Overflow,
        E::CampOnTrunks | E::SelectedTrunkBusy => Cause::TrunksBusy,
        E::DestOutOfOrder => Cause::DestinationNotObtainable,
        E::NetworkNotObtainable => Cause::DestinationNotObtainable,
        E::NumberUnallocated | E::NumberChanged | E::InvalidNumberFormat => Cause::InvalidNumber,
        E::KeyOperationInUse => Cause::KeyOperation,
        E::MakePredictiveCall | E::MakeConnection => Cause::MakeCall,
        E::RecallResourcesNotAvailable => Cause::Recall,
        E::ActiveParticipation | E::SilentParticipation | E::JoinCall => Cause::SingleStepConference,
        E::NetworkDialling | E::NetworkSignal => Cause::Normal,
        E::NotAvailableBearerService | E::CallInterceptionResourcesNotAvailable => {
            Cause::ResourcesNotAvailable
        }
        E::MaxTimeout | E::InterdigitTimeout => Cause::Timeout,
        other => Cause::from_name(other.as_str()).unwrap_or(Cause::Other),
    }
}

/// What may be done to a connection, of the services that the PBX permits. What is
/// asked of a device and not of a connection is never refused by this.
pub(crate) fn permitted(services: ServiceSet) -> ActionSet {
    let of_device = [
        Action::Dial,
        Action::SetDoNotDisturb,
        Action::SetForwarding,
        Action::SetAgentState,
        Action::DecideRoute,
    ];
    let mut set = of_device.into_iter().collect::<ActionSet>();
    for service in services.iter() {
        for action in actions(service) {
            set = set.with(*action);
        }
    }
    set
}

/// What a PBX can do at all, of the services that it supports.
pub(crate) fn operations(services: ServiceSet) -> ActionSet {
    let mut set: ActionSet = services.iter().flat_map(actions).copied().collect();
    for (service, action) in [
        (Service::MakeCall, Action::Dial),
        (Service::SetDoNotDisturb, Action::SetDoNotDisturb),
        (Service::SetForwarding, Action::SetForwarding),
        (Service::SetAgentState, Action::SetAgentState),
        (Service::RouteRequest, Action::DecideRoute),
        (Service::RouteSelect, Action::DecideRoute),
    ] {
        if services.contains(service) {
            set = set.with(action);
        }
    }
    set
}

fn actions(service: Service) -> &'static [Action] {
    match service {
        Service::AnswerCall => &[Action::Answer],
        Service::HoldCall => &[Action::Hold],
        // A consultation that ends gives the customer back by retrieving him.
        Service::RetrieveCall => &[Action::Retrieve, Action::TakeBack],
        Service::ClearConnection | Service::ClearCall => &[Action::HangUp],
        Service::GenerateDigits => &[Action::Dtmf],
        Service::DeflectCall => &[Action::Deflect],
        Service::DirectedPickupCall => &[Action::PickUp],
        Service::ConsultationCall => &[Action::Consult, Action::TransferWarm],
        Service::ConferenceCall => &[Action::Conference],
        Service::AlternateCall => &[Action::Alternate],
        Service::TransferCall => &[Action::CompleteTransfer],
        Service::ReconnectCall => &[Action::TakeBack],
        Service::SingleStepTransfer => &[Action::TransferCold],
        _ => &[],
    }
}

/// Correlator data as text; hexadecimal as it stands where it is no text.
pub(crate) fn correlator(data: &wire::Octets<'_>) -> Option<Str> {
    let wire::Octets::Hex(hex) = data else { return None };
    if hex.is_empty() {
        return None;
    }
    let text = data.to_bytes().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.chars().any(char::is_control));
    Some(text.map_or_else(|| Str::from(&**hex), Str::from))
}
