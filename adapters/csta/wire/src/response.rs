//! Positive responses. What a PBX answers to a service without data is [`Response::Empty`].

use std::borrow::Cow;

use crate::enums::{AgentState, DeviceCategory, ForwardingType, PendingAgentState, SystemStatusValue};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::services::{ServiceGroup, ServiceSet};
use crate::snapshot::{SnapshotCallResponse, SnapshotDeviceResponse};
use crate::value::{
    CallLinkage, ConnectionId, ConnectionListItem, Content, DeviceId, Field, Item, content, nested,
};
use crate::write::Writer;

macro_rules! empty_responses {
    ($($name:ident = $root:literal),* $(,)?) => {
        /// A service whose positive response carries nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum EmptyResponse { $($name),* }

        impl EmptyResponse {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The root element.
            pub fn root(self) -> &'static str {
                match self { $(Self::$name => $root),* }
            }

            fn of_root(root: &str) -> Option<Self> {
                match root { $($root => Some(Self::$name),)* _ => None }
            }
        }
    };
}

empty_responses! {
    AnswerCall = "AnswerCallResponse",
    HoldCall = "HoldCallResponse",
    RetrieveCall = "RetrieveCallResponse",
    AlternateCall = "AlternateCallResponse",
    ReconnectCall = "ReconnectCallResponse",
    DeflectCall = "DeflectCallResponse",
    ClearConnection = "ClearConnectionResponse",
    ClearCall = "ClearCallResponse",
    GenerateDigits = "GenerateDigitsResponse",
    AssociateData = "AssociateDataResponse",
    SendUserInformation = "SendUserInformationResponse",
    SetDoNotDisturb = "SetDoNotDisturbResponse",
    SetForwarding = "SetForwardingResponse",
    MonitorStop = "MonitorStopResponse",
    SystemStatus = "SystemStatusResponse",
    SystemRegisterCancel = "SystemRegisterCancelResponse",
    RouteRegisterCancel = "RouteRegisterCancelResponse",
}

macro_rules! call_responses {
    ($($name:ident = $root:literal, $connection:literal $(, $list:literal)? $(; $linkage:literal)?)*) => {
        /// A service whose positive response names a connection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[allow(missing_docs)]
        pub enum CallService { #[default] $($name),* }

        impl CallService {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The root element of the response.
            pub fn root(self) -> &'static str {
                match self { $(Self::$name => $root),* }
            }

            fn of_root(root: &str) -> Option<Self> {
                match root { $($root => Some(Self::$name),)* _ => None }
            }

            /// The element of the connection.
            fn connection(self) -> &'static str {
                match self { $(Self::$name => $connection),* }
            }

            /// The element of the linkage, which edition 3 does not have.
            fn linkage(self) -> &'static str {
                match self {
                    Self::TransferCall | Self::ConferenceCall | Self::SingleStepTransferCall
                    | Self::SingleStepConferenceCall | Self::JoinCall => "callLinkageDataList",
                    _ => "callLinkageData",
                }
            }
        }
    };
}

call_responses! {
    MakeCall = "MakeCallResponse", "callingDevice"
    ConsultationCall = "ConsultationCallResponse", "initiatedCall"
    TransferCall = "TransferCallResponse", "transferredCall"
    ConferenceCall = "ConferenceCallResponse", "conferenceCall"
    SingleStepTransferCall = "SingleStepTransferCallResponse", "transferredCall"
    SingleStepConferenceCall = "SingleStepConferenceCallResponse", "conferencedCall"
    DirectedPickupCall = "DirectedPickupCallResponse", "pickedCall"
    GroupPickupCall = "GroupPickupCallResponse", "pickedCall"
    ParkCall = "ParkCallResponse", "parkedTo"
    JoinCall = "JoinCallResponse", "conferencedCall"
}

/// The response to a service that makes or joins calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallResponse<'a> {
    /// Which service is answered.
    pub service: CallService,
    /// The new connection; some products answer without one.
    pub connection: Option<ConnectionId<'a>>,
    /// The connections of the new call (transfers and `ConferenceCall` only).
    pub connections: Vec<ConnectionListItem<'a>>,
    /// Ids of the conversation (edition 4 and later; `MakeCall` also in edition 3).
    pub linkage: Option<CallLinkage<'a>>,
}

impl<'a> CallResponse<'a> {
    /// A response that names a connection.
    pub fn new(service: CallService, connection: ConnectionId<'a>) -> Self {
        Self { service, connection: Some(connection), ..Self::default() }
    }

    fn read(service: CallService, pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut response = Self { service, ..Self::default() };
        while let Some(tag) = pull.child(root)? {
            match tag.name {
                name if name == service.connection() => response.connection.absorb(pull, &tag)?,
                "connections" => response.connections.absorb(pull, &tag)?,
                "callLinkageData" | "callLinkageDataList" => response.linkage.absorb(pull, &tag)?,
                _ => pull.skip(&tag)?,
            }
        }
        Ok(response)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        self.connection.put(self.service.connection(), w);
        if matches!(
            self.service,
            CallService::TransferCall | CallService::ConferenceCall | CallService::SingleStepTransferCall
        ) {
            self.connections.put("connections", w);
        }
        if w.edition.is_ed4_or_later() || self.service == CallService::MakeCall {
            self.linkage.put(self.service.linkage(), w);
        }
    }
}

content! {
    /// The monitor has started.
    MonitorStartResponse['a] {
        /// The monitor's id, in every event from now on.
        monitor: Cow<'a, str> = "monitorCrossRefID";
        /// Whether calls that exist already are reported.
        existing_calls: Option<bool> = "monitorExistingCalls";
    }
}

content! {
    /// The registration.
    SystemRegisterResponse['a] {
        /// Its id.
        id: Cow<'a, str> = "sysStatRegisterID";
    }
}

content! {
    /// The system status.
    RequestSystemStatusResponse['a] {
        /// The status.
        status: Option<SystemStatusValue<'a>> = "systemStatus";
    }
}

content! {
    /// The reference under which the devices will come.
    GetSwitchingFunctionDevicesResponse['a] {
        /// The reference.
        cross_ref: Cow<'a, str> = "serviceCrossRefID";
    }
}

content! {
    /// The registration for route requests.
    RouteRegisterResponse['a] {
        /// Its id.
        register: Cow<'a, str> = "routeRegisterReqID";
    }
}

content! {
    /// Do-not-disturb of a device.
    GetDoNotDisturbResponse[] {
        /// On or off.
        on: bool = "doNotDisturbOn";
    }
}

content! {
    /// One forwarding.
    ForwardingEntry['a] {
        /// When calls are forwarded.
        forwarding_type: Option<ForwardingType<'a>> = "forwardingType";
        /// On or off.
        on: bool = "forwardStatus";
        /// Where to.
        to: Option<DeviceId<'a>> = "forwardDN";
        /// Rings before a call is forwarded.
        ring_count: Option<u32> = "ringCount";
        /// Seconds before a call is forwarded (edition 4 and later).
        ring_duration: Option<u32> = "ringDuration", since_ed4;
    }
}
nested!(ForwardingEntry['a]);
impl Item for ForwardingEntry<'_> {
    const NAME: &'static str = "forwardListItem";
}

content! {
    /// The forwardings of a device.
    GetForwardingResponse['a] {
        /// Each of them.
        entries: Vec<ForwardingEntry<'a>> = "forwardingList";
    }
}

content! {
    /// The state asked for is set, or will be after the call.
    SetAgentStateResponse['a] {
        /// The state that will be.
        pending: Option<PendingAgentState<'a>> = "pendingAgentState";
    }
}

content! {
    /// An agent's state in one group.
    AgentInfo['a] {
        /// The group.
        group: Option<DeviceId<'a>> = "acdGroup";
        /// The state.
        state: Option<AgentState<'a>> = "agentState";
        /// The state after the call.
        pending: Option<PendingAgentState<'a>> = "pendingAgentState";
    }
}

content! {
    /// One agent.
    AgentStateEntry['a] {
        /// The agent's id.
        agent: Option<Cow<'a, str>> = "agentID";
        /// Whether he is logged on.
        logged_on: bool = "loggedOnState";
        /// His state in each group.
        info: Vec<AgentInfo<'a>> = "agentInfo";
    }
}
nested!(AgentInfo['a], AgentStateEntry['a]);
impl Item for AgentInfo<'_> {
    const NAME: &'static str = "agentInfoItem";
}
impl Item for AgentStateEntry<'_> {
    const NAME: &'static str = "agentStateEntry";
}

content! {
    /// The agents at a device.
    GetAgentStateResponse['a] {
        /// Each of them.
        entries: Vec<AgentStateEntry<'a>> = "agentStateList";
    }
}

content! {
    /// A device's logical side, as far as it is used.
    GetLogicalDeviceInformationResponse['a] {
        /// The sort of device.
        category: Option<DeviceCategory<'a>> = "deviceCategory";
        /// The PBX's own name for the sort.
        named_type: Option<Cow<'a, str>> = "namedDeviceTypes";
        /// The device's short id.
        short_form: Option<DeviceId<'a>> = "shortFormDeviceID";
        /// Whether there is a physical device.
        has_physical: Option<bool> = "hasPhysicalElement";
    }
}

content! {
    /// A device's physical side, as far as it is used.
    GetPhysicalDeviceInformationResponse['a] {
        /// The sort of device.
        category: Option<DeviceCategory<'a>> = "deviceCategory";
        /// The PBX's own name for the sort.
        named_type: Option<Cow<'a, str>> = "namedDeviceTypes";
        /// Whether there is a logical device.
        has_logical: Option<bool> = "hasLogicalElement";
        /// The model.
        model: Option<Cow<'a, str>> = "deviceModelName";
    }
}

const CAPABILITY_GROUPS: &[ServiceGroup] = &[
    ServiceGroup::Snapshot,
    ServiceGroup::CallControl,
    ServiceGroup::CallAssociated,
    ServiceGroup::MediaAttachment,
    ServiceGroup::Routeing,
    ServiceGroup::Logical,
];

/// What the PBX is and can do, as far as it is used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetSwitchingFunctionCapsResponse<'a> {
    /// The PBX's name for its part of the network.
    pub sub_domain: Cow<'a, str>,
    /// The manufacturer.
    pub manufacturer: Cow<'a, str>,
    /// The services it supports; their options are not kept.
    pub services: ServiceSet,
}

impl<'a> Content<'a> for GetSwitchingFunctionCapsResponse<'a> {
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        match tag.name {
            "switchingSubDomainName" => self.sub_domain.absorb(pull, tag)?,
            "manufacturerName" => self.manufacturer.absorb(pull, tag)?,
            "servEvtsList" => self.services = ServiceSet::read_capabilities(pull, tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        self.sub_domain.put("switchingSubDomainName", w);
        self.manufacturer.put("manufacturerName", w);
        if !self.services.is_empty() {
            w.element("servEvtsList", |w| self.services.write_capabilities(CAPABILITY_GROUPS, w));
        }
    }
}

/// What the PBX supports (the uaCSTA way).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GetCSTAFeaturesResponse {
    /// The services; their options are not kept.
    pub services: ServiceSet,
}

impl<'a> Content<'a> for GetCSTAFeaturesResponse {
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        if tag.name != "supportedServices" {
            return Ok(false);
        }
        self.services = ServiceSet::read_capabilities(pull, tag)?;
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        w.element("supportedServices", |w| self.services.write_capabilities(CAPABILITY_GROUPS, w));
    }
}

macro_rules! responses {
    ($( $name:ident($ty:ident $(<$life:lifetime>)?) = $root:literal ),* $(,)?) => {
        /// A positive response; see the struct of the same name for its fields.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum Response<'a> {
            /// Done, and nothing more to say.
            Empty(EmptyResponse),
            /// Done, and this is the connection.
            Call(CallResponse<'a>),
            $( $name($ty $(<$life>)?) ),*
        }

        impl<'a> Response<'a> {
            /// The root elements of those that are neither [`Response::Empty`] nor [`Response::Call`].
            pub const ROOTS: &'static [&'static str] = &[$($root),*];

            /// The root element.
            pub fn root(&self) -> &'static str {
                match self {
                    Self::Empty(service) => service.root(),
                    Self::Call(response) => response.service.root(),
                    $(Self::$name(_) => $root),*
                }
            }

            pub(crate) fn read(pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Option<Self>, DecodeError> {
                if let Some(service) = CallService::of_root(root.name) {
                    return CallResponse::read(service, pull, root).map(|r| Some(Self::Call(r)));
                }
                if let Some(service) = EmptyResponse::of_root(root.name) {
                    pull.skip(root)?;
                    return Ok(Some(Self::Empty(service)));
                }
                Ok(Some(match root.name {
                    $($root => Self::$name(Content::read_children(pull, root)?),)*
                    _ => return Ok(None),
                }))
            }

            pub(crate) fn write_children(&self, w: &mut Writer<'_>) {
                match self {
                    Self::Empty(_) => {}
                    Self::Call(response) => response.write_children(w),
                    $(Self::$name(response) => Content::write_children(response, w)),*
                }
            }
        }

        $(impl<'a> From<$ty $(<$life>)?> for Response<'a> {
            fn from(response: $ty $(<$life>)?) -> Self {
                Self::$name(response)
            }
        })*
    };
}

responses! {
    MonitorStart(MonitorStartResponse<'a>) = "MonitorStartResponse",
    SnapshotDevice(SnapshotDeviceResponse<'a>) = "SnapshotDeviceResponse",
    SnapshotCall(SnapshotCallResponse<'a>) = "SnapshotCallResponse",
    SystemRegister(SystemRegisterResponse<'a>) = "SystemRegisterResponse",
    RequestSystemStatus(RequestSystemStatusResponse<'a>) = "RequestSystemStatusResponse",
    GetSwitchingFunctionCaps(GetSwitchingFunctionCapsResponse<'a>) = "GetSwitchingFunctionCapsResponse",
    GetSwitchingFunctionDevices(GetSwitchingFunctionDevicesResponse<'a>) = "GetSwitchingFunctionDevicesResponse",
    GetLogicalDeviceInformation(GetLogicalDeviceInformationResponse<'a>) = "GetLogicalDeviceInformationResponse",
    GetPhysicalDeviceInformation(GetPhysicalDeviceInformationResponse<'a>) = "GetPhysicalDeviceInformationResponse",
    GetCSTAFeatures(GetCSTAFeaturesResponse) = "GetCSTAFeaturesResponse",
    RouteRegister(RouteRegisterResponse<'a>) = "RouteRegisterResponse",
    GetDoNotDisturb(GetDoNotDisturbResponse) = "GetDoNotDisturbResponse",
    GetForwarding(GetForwardingResponse<'a>) = "GetForwardingResponse",
    SetAgentState(SetAgentStateResponse<'a>) = "SetAgentStateResponse",
    GetAgentState(GetAgentStateResponse<'a>) = "GetAgentStateResponse",
}
