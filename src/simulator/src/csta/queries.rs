//! What clients ask of the server itself: monitors, snapshots, capabilities, settings.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use schakel_csta_wire as wire;
use wire::{
    AgentInfo, AgentStateEntry, CallState, CstaError, DeviceCategory, EmptyResponse, ForwardingEntry,
    GetAgentStateResponse, GetCSTAFeaturesResponse, GetDoNotDisturbResponse, GetForwardingResponse,
    GetLogicalDeviceInformationResponse, GetPhysicalDeviceInformationResponse,
    GetSwitchingFunctionCapsResponse, GetSwitchingFunctionDevicesResponse, InvokeId, ListedDevice, Message,
    MonitorObject, MonitorStart, MonitorStartResponse, Request, RequestSystemStatusResponse,
    RequestedDeviceCategory, Response, SnapshotCallInfo, SnapshotCallResponse, SnapshotDeviceInfo,
    SnapshotDeviceResponse, SwitchingFunctionDevices, SystemRegisterResponse, SystemStatusValue,
};

use super::core::Core;
use super::identity::number_of;
use super::link::LinkId;
use super::translate::{
    agent_state, all_services, csta_error, error, forwarding_type, local_state, pending, service_set,
};
use crate::sins::Pending;
use crate::switch::{
    AgentSupport, CallView, Caller, ErrorCategory, ExtensionView, Forwarding, LegView, Number, SwitchError,
};

/// So many devices are listed in one message.
const DEVICES_A_SEGMENT: usize = 50;

type Answered = Result<Response<'static>, CstaError<'static>>;

impl Core {
    pub(super) fn query(&mut self, now: Duration, id: LinkId, invoke: InvokeId, request: Request<'_>) {
        if let Request::GetSwitchingFunctionDevices(r) = &request {
            return self.list_devices(now, id, invoke, r);
        }
        let answered = match &request {
            Request::MonitorStart(r) => self.start_monitor(id, r),
            Request::MonitorStop(r) => self.stop_monitor(id, &r.monitor),
            Request::SnapshotDevice(r) => self.snapshot_device(&number_of(&r.device.value)),
            Request::SnapshotCall(r) => self.snapshot_call(&r.call),
            Request::RequestSystemStatus(_) => {
                Ok(RequestSystemStatusResponse { status: Some(SystemStatusValue::Normal) }.into())
            }
            Request::SystemRegister(_) => self.register(id),
            Request::SystemRegisterCancel(r) => self.cancel_registration(id, &r.id),
            Request::GetSwitchingFunctionCaps(_) => Ok(GetSwitchingFunctionCapsResponse {
                sub_domain: Cow::Owned(self.csta.sub_domain.clone()),
                manufacturer: Cow::Owned(self.csta.manufacturer.clone()),
                services: self.services(),
            }
            .into()),
            Request::GetCSTAFeatures(_) => Ok(GetCSTAFeaturesResponse { services: self.services() }.into()),
            Request::GetLogicalDeviceInformation(r) => self.logical_device(&number_of(&r.device.value)),
            Request::GetPhysicalDeviceInformation(r) => self.physical_device(&number_of(&r.device.value)),
            Request::GetDoNotDisturb(r) => self
                .telephone(&number_of(&r.device.value))
                .map(|extension| GetDoNotDisturbResponse { on: extension.do_not_disturb }.into()),
            Request::GetForwarding(r) => {
                self.telephone(&number_of(&r.device.value)).map(|extension| self.forwarding(&extension))
            }
            Request::GetAgentState(r) => self.agents(&number_of(&r.device.value)),
            _ => Err(CstaError::service_not_supported()),
        };
        match answered {
            Ok(response) => self.respond(now, id, invoke, response),
            Err(refused) => self.refuse(now, id, invoke, refused),
        }
    }

    fn services(&self) -> wire::ServiceSet {
        let agents = self.switch.behaviour().agents != AgentSupport::None;
        all_services(agents, self.switch.routing_point_numbers().next().is_some())
    }

    fn start_monitor(&mut self, id: LinkId, request: &MonitorStart<'_>) -> Answered {
        let MonitorObject::Device(device) = &request.object else {
            return Err(csta_error(ErrorCategory::Operation, "invalidMonitorObject".to_owned()));
        };
        if request.monitor_type.as_deref() == Some("call") {
            return Err(csta_error(ErrorCategory::Operation, "monitorTypeNotSupported".to_owned()));
        }
        let device = number_of(&device.value);
        if !self.switch.is_device(&device) {
            return Err(error(&SwitchError::UnknownDevice(device)));
        }
        if !self.switch.is_told(&device) {
            return Err(error(&SwitchError::NotForThisDevice(device)));
        }
        let monitors: usize = self.links.values().map(|link| link.monitors.len()).sum();
        if Pending::take(&mut self.sins.refuse_monitors) || monitors >= self.csta.monitor_limit {
            let full = "overallMonitorLimitExceeded".to_owned();
            return Err(csta_error(ErrorCategory::SystemResource, full));
        }
        let monitor: Arc<str> = Arc::from(self.next_monitor.to_string());
        self.next_monitor += 1;
        if let Some(link) = self.links.get_mut(&id) {
            link.monitors.insert(Arc::clone(&monitor), device.clone());
            self.monitors.entry(device).or_default().push((id, Arc::clone(&monitor)));
        }
        let monitor = Cow::Owned(monitor.as_ref().to_owned());
        Ok(MonitorStartResponse { monitor, existing_calls: Some(true) }.into())
    }

    fn stop_monitor(&mut self, id: LinkId, monitor: &str) -> Answered {
        match self.links.get_mut(&id).and_then(|link| link.monitors.remove(monitor)) {
            Some(device) => {
                self.forget_monitor(id, monitor, &device);
                Ok(Response::Empty(EmptyResponse::MonitorStop))
            }
            None => Err(csta_error(ErrorCategory::Operation, "invalidMonitorCrossRefID".to_owned())),
        }
    }

    fn snapshot_device(&self, device: &Number) -> Answered {
        if !self.switch.is_device(device) {
            return Err(error(&SwitchError::UnknownDevice(device.clone())));
        }
        let calls = self.switch.calls_at(device);
        let calls = calls.iter().filter_map(|call| self.snapshot_of_device(device, call)).collect();
        Ok(SnapshotDeviceResponse { cross_ref: None, calls }.into())
    }

    fn snapshot_of_device(&self, device: &Number, call: &CallView) -> Option<SnapshotDeviceInfo<'static>> {
        let own = call.connections.iter().find(|leg| leg.device == *device)?;
        let others = || call.connections.iter().filter(|leg| leg.device != *device);
        // The device itself stands first.
        let states = std::iter::once(own).chain(others()).map(|leg| local_state(leg.state)).collect();
        Some(SnapshotDeviceInfo {
            connection: self.connection_of(call, own),
            endpoint: others().next().map(|leg| self.party(call, &leg.device)),
            state: CallState::Compound(states),
            services: self.csta.services_permitted.then(|| service_set(own.services)),
            ..SnapshotDeviceInfo::default()
        })
    }

    fn snapshot_call(&self, connection: &wire::ConnectionId<'_>) -> Answered {
        let connection = self.connection(connection).map_err(|refused| error(&refused))?;
        let call = self.switch.call(&connection.call);
        let call = call.ok_or_else(|| error(&SwitchError::UnknownCall(connection.call.clone())))?;
        let parties = call.connections.iter().map(|leg| SnapshotCallInfo {
            device: Some(self.party(&call, &leg.device)),
            connection: self.connection_of(&call, leg),
            state: Some(local_state(leg.state)),
            services: self.csta.services_permitted.then(|| service_set(leg.services)),
        });
        let called = wire::DeviceRef::known(self.names().text(&call.called).into_owned());
        Ok(SnapshotCallResponse {
            parties: parties.collect(),
            calling: Some(self.party(&call, &call.calling)),
            called: Some(called),
            ..SnapshotCallResponse::default()
        }
        .into())
    }

    /// A party as others may see it.
    fn party(&self, call: &CallView, device: &Number) -> wire::DeviceRef<'static> {
        let withheld = call.withheld && call.calling == *device;
        let caller = Caller { device: device.clone(), withheld };
        match self.names().caller(&caller) {
            wire::DeviceRef::Identifier(id) => wire::DeviceRef::known(id.value.into_owned()),
            _ => wire::DeviceRef::Restricted,
        }
    }

    fn connection_of(&self, call: &CallView, leg: &LegView) -> wire::ConnectionId<'static> {
        let device = self.names().text(&leg.device).into_owned();
        wire::ConnectionId::new(call.id.as_str().to_owned(), device)
    }

    fn register(&mut self, id: LinkId) -> Answered {
        let registration = self.next_reference.to_string();
        self.next_reference += 1;
        if let Some(link) = self.links.get_mut(&id) {
            link.registered = Some(registration.clone());
        }
        Ok(SystemRegisterResponse { id: Cow::Owned(registration) }.into())
    }

    fn cancel_registration(&mut self, id: LinkId, registration: &str) -> Answered {
        let registered = self.links.get_mut(&id).map(|link| &mut link.registered);
        match registered.and_then(|own| own.take_if(|own| own == registration)) {
            Some(_) => Ok(Response::Empty(EmptyResponse::SystemRegisterCancel)),
            None => Err(csta_error(ErrorCategory::Operation, "invalidCrossRefID".to_owned())),
        }
    }

    fn list_devices(
        &mut self,
        now: Duration,
        id: LinkId,
        invoke: InvokeId,
        request: &wire::GetSwitchingFunctionDevices<'_>,
    ) {
        let only = request.device.as_ref().map(|device| number_of(&device.value));
        let (stations, queues, points) = match &request.category {
            None => (true, true, true),
            Some(RequestedDeviceCategory::Station) => (true, false, false),
            Some(RequestedDeviceCategory::RouteingDevice) => (false, false, true),
            Some(category) => (false, category.as_str().to_ascii_lowercase().contains("acd"), false),
        };
        let listed = |number: &&Number| only.as_ref().is_none_or(|only| only == *number);
        let mut devices = Vec::new();
        if stations {
            let numbers = self.switch.extension_numbers().filter(listed);
            devices.extend(numbers.map(|number| self.listed(number, DeviceCategory::Station)));
        }
        if queues {
            let numbers = self.switch.queue_numbers().filter(listed);
            devices.extend(numbers.map(|number| self.listed(number, DeviceCategory::Acd)));
        }
        if points {
            let numbers = self.switch.routing_point_numbers().filter(listed);
            devices.extend(numbers.map(|number| self.listed(number, DeviceCategory::RouteingDevice)));
        }
        let reference = self.next_reference.to_string();
        self.next_reference += 1;
        let cross_ref = Cow::Owned(reference.clone());
        self.respond(now, id, invoke, GetSwitchingFunctionDevicesResponse { cross_ref }.into());
        let segments = devices.len().div_ceil(DEVICES_A_SEGMENT).max(1);
        for segment in 0..segments {
            let rest = devices.split_off(devices.len().min(DEVICES_A_SEGMENT));
            let message = SwitchingFunctionDevices {
                cross_ref: Cow::Borrowed(&reference),
                segment: u32::try_from(segment + 1).ok(),
                last: segment + 1 == segments,
                devices: std::mem::replace(&mut devices, rest),
            };
            let Some(link) = self.links.get_mut(&id) else { return };
            let invoke = link.invoke();
            self.transmit(now, id, invoke, &Message::Request(message.into()), None);
        }
    }

    fn listed(&self, number: &Number, category: DeviceCategory<'static>) -> ListedDevice<'static> {
        ListedDevice {
            device: wire::DeviceId::new(self.names().text(number).into_owned()),
            category: Some(category),
            ..ListedDevice::default()
        }
    }

    fn logical_device(&self, number: &Number) -> Answered {
        Ok(GetLogicalDeviceInformationResponse {
            category: Some(self.category(number)?),
            short_form: Some(wire::DeviceId::new(number.as_str().to_owned())),
            has_physical: Some(self.switch.extension(number).is_some()),
            ..GetLogicalDeviceInformationResponse::default()
        }
        .into())
    }

    fn physical_device(&self, number: &Number) -> Answered {
        Ok(GetPhysicalDeviceInformationResponse {
            category: Some(self.category(number)?),
            has_logical: Some(true),
            model: Some(Cow::Borrowed("simulated telephone")),
            ..GetPhysicalDeviceInformationResponse::default()
        }
        .into())
    }

    fn category(&self, number: &Number) -> Result<DeviceCategory<'static>, CstaError<'static>> {
        if self.switch.extension(number).is_some() {
            Ok(DeviceCategory::Station)
        } else if self.switch.is_routing_point(number) {
            Ok(DeviceCategory::RouteingDevice)
        } else if self.switch.is_device(number) {
            Ok(DeviceCategory::Acd)
        } else {
            Err(error(&SwitchError::UnknownDevice(number.clone())))
        }
    }

    fn telephone(&self, number: &Number) -> Result<ExtensionView, CstaError<'static>> {
        self.switch.extension(number).ok_or_else(|| {
            error(&if self.switch.is_device(number) {
                SwitchError::NotForThisDevice(number.clone())
            } else {
                SwitchError::UnknownDevice(number.clone())
            })
        })
    }

    fn forwarding(&self, extension: &ExtensionView) -> Response<'static> {
        let entry = |kind: Forwarding| {
            let to = extension.forwarding.get(&kind);
            ForwardingEntry {
                forwarding_type: Some(forwarding_type(kind)),
                on: to.is_some(),
                to: to.map(|to| wire::DeviceId::new(self.names().text(to).into_owned())),
                ..ForwardingEntry::default()
            }
        };
        GetForwardingResponse { entries: Forwarding::ALL.into_iter().map(entry).collect() }.into()
    }

    /// The agent at a telephone, or every agent of a queue.
    fn agents(&self, number: &Number) -> Answered {
        if self.switch.behaviour().agents == AgentSupport::None {
            return Err(CstaError::service_not_supported());
        }
        let devices = match self.switch.extension(number) {
            Some(_) => vec![number.clone()],
            None if self.switch.queue_numbers().any(|queue| queue == number) => self.switch.agents_of(number),
            None => return self.telephone(number).map(|_| GetAgentStateResponse::default().into()),
        };
        let views = devices.iter().filter_map(|device| self.switch.extension(device)?.agent);
        let entries = views.map(|agent| {
            let info = |group: Option<&Number>| AgentInfo {
                group: group.map(|group| wire::DeviceId::new(self.names().text(group).into_owned())),
                state: Some(agent_state(agent.state)),
                pending: agent.pending.and_then(pending),
            };
            let groups = agent.groups.iter().map(|group| info(Some(group)));
            let nameless = agent.groups.is_empty().then(|| info(None));
            AgentStateEntry {
                agent: Some(Cow::Owned(agent.id.as_ref().to_owned())),
                logged_on: true,
                info: groups.chain(nameless).collect(),
            }
        });
        Ok(GetAgentStateResponse { entries: entries.collect() }.into())
    }
}
