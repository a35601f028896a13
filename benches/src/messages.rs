//! The messages of ordinary call flows at the size that large PBXs send them: 1.4 KB on average, most of it what a
//! call centre never looks at (permitted services, linkage ids, correlator data). Made by our own encoder, so that the
//! benchmarks need no file.

use schakel_csta_wire::{
    CallEvent, CallEventKind, CallLinkage, ConnectionId, ConnectionListItem, DeviceHistoryItem, DeviceId,
    DeviceRef, Edition, Encoder, EventCause, LocalConnectionState, Message, Octets, Service, ServiceSet,
};

/// What may be done with a call that rings.
const WHEN_RINGING: &[Service] = &[
    Service::AnswerCall,
    Service::ClearConnection,
    Service::DeflectCall,
    Service::DirectedPickupCall,
    Service::AssociateData,
    Service::SendUserInformation,
];

/// What may be done in a conversation.
const WHEN_CONNECTED: &[Service] = &[
    Service::ClearConnection,
    Service::ConsultationCall,
    Service::HoldCall,
    Service::ParkCall,
    Service::SingleStepTransfer,
    Service::AssociateData,
    Service::GenerateDigits,
    Service::SendUserInformation,
];

/// What may be done with a call on hold.
const WHEN_HELD: &[Service] = &[
    Service::AlternateCall,
    Service::ClearConnection,
    Service::ConferenceCall,
    Service::ConsultationCall,
    Service::ReconnectCall,
    Service::RetrieveCall,
    Service::TransferCall,
    Service::AssociateData,
];

/// The edition that the benchmarks speak.
pub const EDITION: Edition = Edition::Ed4;

/// The parties of one call as the PBX names them.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// `monitorCrossRefID` of the device.
    pub monitor: &'a str,
    /// `callID`.
    pub call: &'a str,
    /// Our device.
    pub device: &'a str,
    /// The customer.
    pub caller: &'a str,
}

impl<'a> Parties<'a> {
    fn ours(self) -> ConnectionId<'a> {
        ConnectionId::new(self.call, self.device)
    }

    fn theirs(self) -> ConnectionId<'a> {
        ConnectionId::new(self.call, self.caller)
    }

    /// An event with all that is the same in every event of a call.
    fn event(self, kind: CallEventKind, connection: ConnectionId<'a>) -> CallEvent<'a> {
        CallEvent {
            calling: Some(number(self.caller)),
            called: Some(DeviceRef::known(self.device)),
            last_redirection: Some(DeviceRef::NotRequired),
            cause: Some(EventCause::NewCall),
            correlator: Some(Octets::from_bytes(b"JKC:4f0d6b0a7a3c4c0e9f0f14a3c2f60b11")),
            linkage: Some(CallLinkage {
                global_call: Some("FF00000000000000E6B7425E64140000".into()),
                thread: None,
            }),
            network_called: Some(DeviceRef::known("14020")),
            ..CallEvent::new(kind, self.monitor, connection)
        }
    }
}

fn number(value: &str) -> DeviceRef<'_> {
    DeviceRef::Identifier(DeviceId {
        value: value.into(),
        type_of_number: Some("explicitPublic:international".into()),
    })
}

/// The call rings at our device.
pub fn delivered(of: Parties<'_>) -> Message<'_> {
    CallEvent {
        subject: Some(DeviceRef::known(of.device)),
        local_state: Some(LocalConnectionState::Alerting),
        services: Some(ServiceSet::of(WHEN_RINGING)),
        ..of.event(CallEventKind::Delivered, of.ours())
    }
    .into()
}

/// Our device answered.
pub fn established(of: Parties<'_>) -> Message<'_> {
    CallEvent {
        subject: Some(DeviceRef::known(of.device)),
        local_state: Some(LocalConnectionState::Connected),
        services: Some(ServiceSet::of(WHEN_CONNECTED)),
        ..of.event(CallEventKind::Established, of.ours())
    }
    .into()
}

/// Our device left, and with it the call is over.
pub fn cleared(of: Parties<'_>) -> Message<'_> {
    CallEvent {
        subject: Some(DeviceRef::known(of.device)),
        local_state: Some(LocalConnectionState::Null),
        cause: Some(EventCause::NormalClearing),
        services: Some(ServiceSet::of(WHEN_CONNECTED)),
        ..of.event(CallEventKind::ConnectionCleared, of.ours())
    }
    .into()
}

/// Every kind of event that the flows of a contact centre have, one of each: what the decoder is measured with.
pub fn flow() -> Vec<Vec<u8>> {
    let of = Parties {
        monitor: "1001",
        call: "FF00000000000000E6B7425E64140000",
        device: "2001",
        caller: "+31201234567",
    };
    let held = CallEvent {
        subject: Some(DeviceRef::known(of.device)),
        local_state: Some(LocalConnectionState::Hold),
        cause: Some(EventCause::Consultation),
        services: Some(ServiceSet::of(WHEN_HELD)),
        ..of.event(CallEventKind::Held, of.ours())
    };
    let retrieved = CallEvent {
        local_state: Some(LocalConnectionState::Connected),
        services: Some(ServiceSet::of(WHEN_CONNECTED)),
        ..CallEvent { kind: CallEventKind::Retrieved, ..held.clone() }
    };
    let originated = CallEvent {
        subject: None,
        calling: Some(DeviceRef::known(of.device)),
        originating: Some(DeviceId::new(of.device)),
        local_state: Some(LocalConnectionState::Connected),
        services: Some(ServiceSet::of(WHEN_CONNECTED)),
        ..of.event(CallEventKind::Originated, of.ours())
    };
    let queued = CallEvent {
        subject: Some(DeviceRef::known("7000")),
        number_queued: Some(4),
        calls_in_front: Some(3),
        local_state: Some(LocalConnectionState::Queued),
        cause: Some(EventCause::NoAvailableAgents),
        services: Some(ServiceSet::of(WHEN_RINGING)),
        history: vec![DeviceHistoryItem {
            device: Some(DeviceRef::known("14020")),
            cause: Some(EventCause::EnteringDistribution),
            connection: Some(ConnectionId::new(of.call, "14020")),
        }],
        ..of.event(CallEventKind::Queued, ConnectionId::new(of.call, "7000"))
    };
    let diverted = CallEvent {
        subject: Some(DeviceRef::known("7000")),
        target: Some(DeviceRef::known(of.device)),
        local_state: Some(LocalConnectionState::Null),
        cause: Some(EventCause::Distributed),
        services: Some(ServiceSet::of(WHEN_RINGING)),
        ..of.event(CallEventKind::Diverted, ConnectionId::new(of.call, "7000"))
    };
    let new_call = "03000000000000002A4BCA5F11070000";
    let item = |device: &'static str, old: &'static str| ConnectionListItem {
        new: Some(ConnectionId::new(new_call, device)),
        old: Some(ConnectionId::new(old, device)),
        endpoint: Some(DeviceRef::known(device)),
        associated_nid: None,
    };
    let transferred = CallEvent {
        secondary: Some(ConnectionId::new("FF00000000000000E6B7425E64160000", of.device)),
        subject: Some(DeviceRef::known(of.device)),
        target: Some(DeviceRef::known("2002")),
        local_state: Some(LocalConnectionState::Null),
        cause: Some(EventCause::Transfer),
        connections: vec![
            item("+31201234567", "FF00000000000000E6B7425E64140000"),
            item("2002", "FF00000000000000E6B7425E64160000"),
        ],
        ..of.event(CallEventKind::Transferred, of.ours())
    };
    let far_end_left = CallEvent {
        subject: Some(number(of.caller)),
        local_state: Some(LocalConnectionState::Connected),
        cause: Some(EventCause::NormalClearing),
        services: Some(ServiceSet::of(WHEN_CONNECTED)),
        ..of.event(CallEventKind::ConnectionCleared, of.theirs())
    };
    let messages: [Message<'_>; 10] = [
        delivered(of),
        established(of),
        held.into(),
        retrieved.into(),
        originated.into(),
        queued.into(),
        diverted.into(),
        transferred.into(),
        far_end_left.into(),
        cleared(of),
    ];
    messages.iter().map(xml).collect()
}

/// The document of a message, with prolog and namespace.
pub fn xml(message: &Message<'_>) -> Vec<u8> {
    Encoder::new(EDITION).with_namespace(true).with_prolog(true).to_vec(message)
}
