//! Requests of either side, and those of call control and features.

use std::borrow::Cow;

use crate::enums::{
    AutoOriginate, ConsultOptions, DigitMode, EventCause, ForwardingType, ParticipationType,
    RequestedAgentState,
};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::route::{
    ReRoute, RouteEnd, RouteRegister, RouteRegisterAbort, RouteRegisterCancel, RouteReject, RouteRequest,
    RouteSelect, RouteUsed,
};
use crate::snapshot::{
    SnapshotCall, SnapshotCallData, SnapshotDevice, SnapshotDeviceData, SwitchingFunctionDevices,
};
use crate::system::{
    GetCSTAFeatures, GetLogicalDeviceInformation, GetPhysicalDeviceInformation, GetSwitchingFunctionCaps,
    GetSwitchingFunctionDevices, MonitorStart, MonitorStop, RequestSystemStatus, SystemRegister,
    SystemRegisterAbort, SystemRegisterCancel, SystemStatus,
};
use crate::value::{ConnectionId, Content, DeviceId, Field, Octets, Value, content};
use crate::write::Writer;

macro_rules! requests {
    ($( $name:ident $(<$life:lifetime>)? $(-> $response:literal)? ),* $(,)?) => {
        /// A request; see the struct of the same name for its fields.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, clippy::large_enum_variant)]
        pub enum Request<'a> { $( $name($name $(<$life>)?) ),* }

        impl<'a> Request<'a> {
            /// The root elements of all of them.
            pub const ROOTS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The root element.
            pub fn root(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }

            /// The root element of the positive response; `None` for requests that are not answered.
            pub fn response_root(&self) -> Option<&'static str> {
                #[allow(unreachable_patterns)]
                match self {
                    $($(Self::$name(_) => Some($response),)?)*
                    _ => None,
                }
            }

            pub(crate) fn read(pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match root.name {
                    $(stringify!($name) => Self::$name(Content::read_children(pull, root)?),)*
                    _ => return Ok(None),
                }))
            }

            pub(crate) fn write_children(&self, w: &mut Writer<'_>) {
                match self { $(Self::$name(request) => request.write_children(w)),* }
            }
        }

        $(impl<'a> From<$name $(<$life>)?> for Request<'a> {
            fn from(request: $name $(<$life>)?) -> Self {
                Self::$name(request)
            }
        })*
    };
}

requests! {
    MakeCall<'a> -> "MakeCallResponse",
    AnswerCall<'a> -> "AnswerCallResponse",
    HoldCall<'a> -> "HoldCallResponse",
    RetrieveCall<'a> -> "RetrieveCallResponse",
    ConsultationCall<'a> -> "ConsultationCallResponse",
    AlternateCall<'a> -> "AlternateCallResponse",
    ReconnectCall<'a> -> "ReconnectCallResponse",
    TransferCall<'a> -> "TransferCallResponse",
    ConferenceCall<'a> -> "ConferenceCallResponse",
    SingleStepTransferCall<'a> -> "SingleStepTransferCallResponse",
    SingleStepConferenceCall<'a> -> "SingleStepConferenceCallResponse",
    DeflectCall<'a> -> "DeflectCallResponse",
    DirectedPickupCall<'a> -> "DirectedPickupCallResponse",
    GroupPickupCall<'a> -> "GroupPickupCallResponse",
    ClearConnection<'a> -> "ClearConnectionResponse",
    ClearCall<'a> -> "ClearCallResponse",
    ParkCall<'a> -> "ParkCallResponse",
    JoinCall<'a> -> "JoinCallResponse",
    GenerateDigits<'a> -> "GenerateDigitsResponse",
    AssociateData<'a> -> "AssociateDataResponse",
    SendUserInformation<'a> -> "SendUserInformationResponse",
    SetDoNotDisturb<'a> -> "SetDoNotDisturbResponse",
    GetDoNotDisturb<'a> -> "GetDoNotDisturbResponse",
    SetForwarding<'a> -> "SetForwardingResponse",
    GetForwarding<'a> -> "GetForwardingResponse",
    SetAgentState<'a> -> "SetAgentStateResponse",
    GetAgentState<'a> -> "GetAgentStateResponse",
    MonitorStart<'a> -> "MonitorStartResponse",
    MonitorStop<'a> -> "MonitorStopResponse",
    SnapshotDevice<'a> -> "SnapshotDeviceResponse",
    SnapshotCall<'a> -> "SnapshotCallResponse",
    SnapshotDeviceData<'a>,
    SnapshotCallData<'a>,
    SystemRegister -> "SystemRegisterResponse",
    SystemRegisterCancel<'a> -> "SystemRegisterCancelResponse",
    SystemRegisterAbort<'a>,
    SystemStatus<'a> -> "SystemStatusResponse",
    RequestSystemStatus<'a> -> "RequestSystemStatusResponse",
    GetSwitchingFunctionCaps -> "GetSwitchingFunctionCapsResponse",
    GetSwitchingFunctionDevices<'a> -> "GetSwitchingFunctionDevicesResponse",
    SwitchingFunctionDevices<'a>,
    GetLogicalDeviceInformation<'a> -> "GetLogicalDeviceInformationResponse",
    GetPhysicalDeviceInformation<'a> -> "GetPhysicalDeviceInformationResponse",
    GetCSTAFeatures -> "GetCSTAFeaturesResponse",
    RouteRegister<'a> -> "RouteRegisterResponse",
    RouteRegisterCancel<'a> -> "RouteRegisterCancelResponse",
    RouteRegisterAbort<'a>,
    RouteRequest<'a>,
    ReRoute<'a>,
    RouteSelect<'a>,
    RouteReject<'a>,
    RouteUsed<'a>,
    RouteEnd<'a>,
}

content! {
    /// Makes a call.
    MakeCall['a] {
        /// The device that makes it.
        calling: DeviceId<'a> = "callingDevice";
        /// What is dialled.
        called: DeviceId<'a> = "calledDirectoryNumber";
        /// Account code, hexadecimal.
        account_code: Option<Cow<'a, str>> = "accountCode";
        /// Authorisation code, hexadecimal.
        auth_code: Option<Cow<'a, str>> = "authCode";
        /// Whether the user is prompted to lift the handset first.
        auto_originate: Option<AutoOriginate<'a>> = "autoOriginate";
        /// Data for the call.
        correlator: Option<Octets<'a>> = "correlatorData";
        /// Data for the other party.
        user_data: Option<Octets<'a>> = "userData";
        /// Why the call is made (edition 4 and later).
        reason: Option<EventCause<'a>> = "reason", since_ed4;
    }
}

content! {
    /// Answers an alerting call.
    AnswerCall['a] {
        /// The alerting connection.
        call: ConnectionId<'a> = "callToBeAnswered";
        /// Data for the call.
        correlator: Option<Octets<'a>> = "correlatorData";
    }
}

content! {
    /// Puts a call on hold.
    HoldCall['a] {
        /// The connected connection.
        call: ConnectionId<'a> = "callToBeHeld";
        /// Whether the facility is kept reserved.
        reservation: Option<bool> = "connectionReservation";
    }
}

content! {
    /// Takes a call from hold.
    RetrieveCall['a] {
        /// The held connection.
        call: ConnectionId<'a> = "callToBeRetrieved";
    }
}

content! {
    /// Holds the existing call and calls somebody else.
    ConsultationCall['a] {
        /// The connected connection.
        existing: ConnectionId<'a> = "existingCall";
        /// Who is consulted.
        consulted: DeviceId<'a> = "consultedDevice";
        /// Data for the new call.
        correlator: Option<Octets<'a>> = "correlatorData";
        /// Data for the consulted party.
        user_data: Option<Octets<'a>> = "userData";
        /// What it is meant for.
        options: Option<ConsultOptions<'a>> = "consultOptions";
    }
}

content! {
    /// Swaps a held and an active call. Mind the order: held first.
    AlternateCall['a] {
        /// The held connection.
        held: ConnectionId<'a> = "heldCall";
        /// The connected connection.
        active: ConnectionId<'a> = "activeCall";
    }
}

content! {
    /// Clears the active call and takes the held one back. Mind the order: active first.
    ReconnectCall['a] {
        /// The connection that ends.
        active: ConnectionId<'a> = "activeCall";
        /// The connection that is retrieved.
        held: ConnectionId<'a> = "heldCall";
    }
}

content! {
    /// Joins the held call's party with the active call's, and leaves. Mind the order: held first.
    TransferCall['a] {
        /// The held connection.
        held: ConnectionId<'a> = "heldCall";
        /// The connection of the consultation.
        active: ConnectionId<'a> = "activeCall";
    }
}

content! {
    /// Joins both calls, and stays. Mind the order: held first.
    ConferenceCall['a] {
        /// The held connection.
        held: ConnectionId<'a> = "heldCall";
        /// The connection of the consultation.
        active: ConnectionId<'a> = "activeCall";
    }
}

content! {
    /// Transfers without consultation.
    SingleStepTransferCall['a] {
        /// The connection that leaves the call.
        active: ConnectionId<'a> = "activeCall";
        /// Where the call goes.
        to: DeviceId<'a> = "transferredTo";
        /// Data for the call.
        correlator: Option<Octets<'a>> = "correlatorData";
        /// Data for the receiver.
        user_data: Option<Octets<'a>> = "userData";
        /// Why (edition 3 and later).
        reason: Option<EventCause<'a>> = "reason";
    }
}

content! {
    /// Adds a device to a call without asking it first.
    SingleStepConferenceCall['a] {
        /// A connection of the call.
        active: ConnectionId<'a> = "activeCall";
        /// The device that joins.
        device: DeviceId<'a> = "deviceToJoin";
        /// Whether it is heard.
        participation: Option<ParticipationType<'a>> = "participationType";
    }
}

/// Sends an alerting call somewhere else. Edition 3 writes the destination as
/// text, edition 4 and later as a list of devices; both are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeflectCall<'a> {
    /// The alerting connection.
    pub call: ConnectionId<'a>,
    /// Where it goes; edition 3 can name one only.
    pub destinations: Vec<DeviceId<'a>>,
    /// Data for the call.
    pub correlator: Option<Octets<'a>>,
    /// Why.
    pub reason: Option<EventCause<'a>>,
}

impl<'a> DeflectCall<'a> {
    /// To one destination.
    pub fn new(call: ConnectionId<'a>, destination: impl Into<Cow<'a, str>>) -> Self {
        Self { call, destinations: vec![DeviceId::new(destination)], correlator: None, reason: None }
    }
}

impl<'a> Content<'a> for DeflectCall<'a> {
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        match tag.name {
            "callToBeDiverted" => self.call.absorb(pull, tag)?,
            "newDestination" => {
                let (list, text) = pull.devices_or_text(tag, "device")?;
                self.destinations = list;
                if self.destinations.is_empty() && !text.is_empty() {
                    self.destinations
                        .push(DeviceId { value: text, type_of_number: tag.attribute("typeOfNumber") });
                }
            }
            "correlatorData" => self.correlator.absorb(pull, tag)?,
            "reason" => self.reason.absorb(pull, tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        self.call.put("callToBeDiverted", w);
        if w.edition.is_ed4_or_later() {
            w.element("newDestination", |w| {
                self.destinations.iter().for_each(|device| device.write("device", w))
            });
        } else if let Some(device) = self.destinations.first() {
            device.write("newDestination", w);
        }
        self.correlator.put("correlatorData", w);
        self.reason.put("reason", w);
    }
}

content! {
    /// Takes an alerting call of another device.
    DirectedPickupCall['a] {
        /// The alerting connection at the other device.
        call: ConnectionId<'a> = "callToBePickedUp";
        /// The device that takes it.
        requesting: DeviceId<'a> = "requestingDevice";
    }
}

content! {
    /// Takes an alerting call of a pick-up group.
    GroupPickupCall['a] {
        /// The device that takes it.
        destination: DeviceId<'a> = "newDestination";
        /// The group; the device's own if absent.
        group: Option<DeviceId<'a>> = "pickGroup";
    }
}

content! {
    /// Takes one party out of a call.
    ClearConnection['a] {
        /// The connection that ends.
        connection: ConnectionId<'a> = "connectionToBeCleared";
        /// Data for the call.
        correlator: Option<Octets<'a>> = "correlatorData";
        /// Data for the others.
        user_data: Option<Octets<'a>> = "userData";
        /// Why.
        reason: Option<EventCause<'a>> = "reason";
    }
}

content! {
    /// Ends a call for everybody.
    ClearCall['a] {
        /// Any connection of the call.
        call: ConnectionId<'a> = "callToBeCleared";
        /// Data for the others.
        user_data: Option<Octets<'a>> = "userData";
        /// Why (edition 4 and later).
        reason: Option<EventCause<'a>> = "reason", since_ed4;
    }
}

content! {
    /// Parks a call.
    ParkCall['a] {
        /// The connection that is parked.
        call: ConnectionId<'a> = "parking";
        /// Where; the PBX chooses if absent.
        to: Option<DeviceId<'a>> = "parkTo";
    }
}

content! {
    /// Joins a call in progress.
    JoinCall['a] {
        /// A connection of the call.
        active: ConnectionId<'a> = "activeCall";
        /// The device that joins.
        device: DeviceId<'a> = "joiningDevice";
        /// Whether its user is prompted.
        auto_originate: Option<AutoOriginate<'a>> = "autoOriginate";
        /// Whether it is heard.
        participation: Option<ParticipationType<'a>> = "participationType";
    }
}

content! {
    /// Sends digits in a call.
    GenerateDigits['a] {
        /// The connection that hears them.
        connection: ConnectionId<'a> = "connectionToSendDigits";
        /// How.
        mode: Option<DigitMode<'a>> = "digitMode";
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digits: Cow<'a, str> = "charactersToSend";
        /// Length of a tone, milliseconds.
        tone_duration: Option<u32> = "toneDuration";
        /// Length of a pause, milliseconds.
        pause_duration: Option<u32> = "pauseDuration";
    }
}

content! {
    /// Ties data to a call.
    AssociateData['a] {
        /// The connection.
        existing: ConnectionId<'a> = "existingCall";
        /// Account code, hexadecimal.
        account_code: Option<Cow<'a, str>> = "accountCode";
        /// The data.
        correlator: Option<Octets<'a>> = "correlatorData";
    }
}

content! {
    /// Sends data to the other party.
    SendUserInformation['a] {
        /// The connection.
        existing: ConnectionId<'a> = "existingCall";
        /// The data.
        user_data: Option<Octets<'a>> = "userData";
    }
}

content! {
    /// Switches do-not-disturb.
    SetDoNotDisturb['a] {
        /// The device.
        device: DeviceId<'a> = "device";
        /// On or off.
        on: bool = "doNotDisturbOn";
    }
}

content! {
    /// Asks for do-not-disturb.
    GetDoNotDisturb['a] {
        /// The device.
        device: DeviceId<'a> = "device";
    }
}

content! {
    /// Sets or clears a forwarding.
    SetForwarding['a] {
        /// The device.
        device: DeviceId<'a> = "device";
        /// When calls are forwarded.
        forwarding_type: Option<ForwardingType<'a>> = "forwardingType";
        /// On or off.
        activate: bool = "activateForward";
        /// Where to.
        to: Option<DeviceId<'a>> = "forwardDN";
        /// Rings before a call is forwarded.
        ring_count: Option<u32> = "ringCount";
        /// Seconds before a call is forwarded (edition 4 and later).
        ring_duration: Option<u32> = "ringDuration", since_ed4;
    }
}

content! {
    /// Asks for forwardings.
    GetForwarding['a] {
        /// The device.
        device: DeviceId<'a> = "device";
    }
}

content! {
    /// Sets an agent's state.
    SetAgentState['a] {
        /// The device.
        device: DeviceId<'a> = "device";
        /// The state asked for.
        requested: Option<RequestedAgentState<'a>> = "requestedAgentState";
        /// The agent.
        agent: Option<Cow<'a, str>> = "agentID";
        /// The agent's password, hexadecimal.
        password: Option<Cow<'a, str>> = "password";
        /// The group that it is for.
        group: Option<DeviceId<'a>> = "group";
    }
}

content! {
    /// Asks for agents' states.
    GetAgentState['a] {
        /// The device or group.
        device: DeviceId<'a> = "device";
        /// The group.
        group: Option<DeviceId<'a>> = "acdGroup";
    }
}
