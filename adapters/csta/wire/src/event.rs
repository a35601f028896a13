//! Call events: one shape for all of them, because they differ only in which
//! children they have, what the subject's children are called, and the order.

use std::borrow::Cow;

use crate::edition::Edition;
use crate::enums::{EventCause, LocalConnectionState};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::services::ServiceSet;
use crate::value::{
    CallCharacteristics, CallLinkage, ConnectionId, ConnectionListItem, DeviceHistoryItem, DeviceId,
    DeviceRef, Field, Octets, read_only,
};
use crate::write::Writer;

/// A call event (ECMA-323 clause 15 and 16). What a kind of event does not have is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallEvent<'a> {
    /// Which event.
    pub kind: CallEventKind,
    /// `monitorCrossRefID`; empty where a product leaves it out.
    pub monitor: Cow<'a, str>,
    /// The connection the event is about: `originatedConnection`, `droppedConnection`,
    /// `clearedCall`, `primaryOldCall` and so on.
    pub connection: ConnectionId<'a>,
    /// `secondaryOldCall` of a transfer or conference: the consultation call.
    pub secondary: Option<ConnectionId<'a>>,
    /// The device it happened at: `alertingDevice`, `answeringDevice`, `releasingDevice`, `queue` and
    /// so on. `Originated` has none: there it is `calling`.
    pub subject: Option<DeviceRef<'a>>,
    /// `newDestination`, `transferredToDevice` or `addedParty`.
    pub target: Option<DeviceRef<'a>>,
    /// `callingDevice`.
    pub calling: Option<DeviceRef<'a>>,
    /// `calledDevice`.
    pub called: Option<DeviceRef<'a>>,
    /// The caller's name where a product tells it in an element of its own (`callingDisplayName`).
    pub calling_name: Option<Cow<'a, str>>,
    /// The called party's name, likewise (`calledDisplayName`).
    pub called_name: Option<Cow<'a, str>>,
    /// `lastRedirectionDevice`.
    pub last_redirection: Option<DeviceRef<'a>>,
    /// `originatingDevice` of `Originated`.
    pub originating: Option<DeviceId<'a>>,
    /// `originatingNIDConnection`: the connection at the network interface.
    pub originating_nid: Option<ConnectionId<'a>>,
    /// `numberQueued`: calls in the queue.
    pub number_queued: Option<u32>,
    /// `callsInFront`: calls in the queue before this one.
    pub calls_in_front: Option<u32>,
    /// `localConnectionInfo`: state of the connection at the monitored device.
    pub local_state: Option<LocalConnectionState<'a>>,
    /// `correlatorData`.
    pub correlator: Option<Octets<'a>>,
    /// `userData`.
    pub user_data: Option<Octets<'a>>,
    /// `cause`; mandatory in nearly all call events, and yet left out at times.
    pub cause: Option<EventCause<'a>>,
    /// `servicesPermitted`.
    pub services: Option<ServiceSet>,
    /// `networkCallingDevice`.
    pub network_calling: Option<DeviceRef<'a>>,
    /// `networkCalledDevice`: often the number that was dialled.
    pub network_called: Option<DeviceRef<'a>>,
    /// `associatedCallingDevice`.
    pub associated_calling: Option<DeviceRef<'a>>,
    /// `associatedCalledDevice`.
    pub associated_called: Option<DeviceRef<'a>>,
    /// `transferredConnections` or `conferenceConnections`.
    pub connections: Vec<ConnectionListItem<'a>>,
    /// `callCharacteristics`.
    pub characteristics: Option<CallCharacteristics>,
    /// `callLinkageData` or the new part of `callLinkageDataList` (edition 4 and later in some events).
    pub linkage: Option<CallLinkage<'a>>,
    /// `subjectOfCall`.
    pub subject_of_call: Option<Cow<'a, str>>,
    /// `deviceHistory`.
    pub history: Vec<DeviceHistoryItem<'a>>,
    /// `accountInfo` of `CallInformation`, hexadecimal.
    pub account: Option<Cow<'a, str>>,
    /// `digitGeneratedList` of `DigitsGenerated`.
    pub digits: Option<Cow<'a, str>>,
    /// `extensions/security/timeStamp`.
    pub time_stamp: Option<Cow<'a, str>>,
}

/// A child of a call event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Monitor,
    Connection,
    Secondary,
    Subject,
    Target,
    Calling,
    Called,
    CallingName,
    CalledName,
    LastRedirection,
    Originating,
    OriginatingNid,
    NumberQueued,
    CallsInFront,
    LocalState,
    Correlator,
    UserData,
    Cause,
    Services,
    NetworkCalling,
    NetworkCalled,
    AssociatedCalling,
    AssociatedCalled,
    Connections,
    Characteristics,
    Linkage,
    SubjectOfCall,
    History,
    Account,
    Digits,
    Extensions,
}

/// Zultys' own elements for names. They have no place in the standard's order and are written last.
const CALLING_NAME: &str = "callingDisplayName";
const CALLED_NAME: &str = "calledDisplayName";

/// The child that an element name stands for, in any event.
fn slot(name: &str) -> Option<Slot> {
    Some(match name {
        "monitorCrossRefID" => Slot::Monitor,
        "connection"
        | "originatedConnection"
        | "establishedConnection"
        | "heldConnection"
        | "retrievedConnection"
        | "queuedConnection"
        | "initiatedConnection"
        | "outboundConnection"
        | "offeredConnection"
        | "droppedConnection"
        | "failedConnection"
        | "bridgedConnection"
        | "clearedCall"
        | "primaryOldCall" => Slot::Connection,
        "secondaryOldCall" => Slot::Secondary,
        "alertingDevice"
        | "answeringDevice"
        | "holdingDevice"
        | "retrievingDevice"
        | "queue"
        | "initiatingDevice"
        | "networkInterfaceUsed"
        | "offeredDevice"
        | "releasingDevice"
        | "failingDevice"
        | "divertingDevice"
        | "transferringDevice"
        | "conferencingDevice"
        | "bridgedAppearance"
        | "device" => Slot::Subject,
        "newDestination" | "transferredToDevice" | "addedParty" => Slot::Target,
        "callingDevice" => Slot::Calling,
        CALLING_NAME => Slot::CallingName,
        CALLED_NAME => Slot::CalledName,
        "calledDevice" => Slot::Called,
        "lastRedirectionDevice" => Slot::LastRedirection,
        "originatingDevice" => Slot::Originating,
        // `originatin…` is the standard's spelling in Established.
        "originatingNIDConnection" | "originatinNIDConnection" => Slot::OriginatingNid,
        "numberQueued" => Slot::NumberQueued,
        "callsInFront" => Slot::CallsInFront,
        "localConnectionInfo" => Slot::LocalState,
        "correlatorData" => Slot::Correlator,
        "userData" => Slot::UserData,
        "cause" => Slot::Cause,
        "servicesPermitted" => Slot::Services,
        "networkCallingDevice" => Slot::NetworkCalling,
        "networkCalledDevice" => Slot::NetworkCalled,
        "associatedCallingDevice" => Slot::AssociatedCalling,
        "associatedCalledDevice" => Slot::AssociatedCalled,
        "transferredConnections" | "conferenceConnections" => Slot::Connections,
        "callCharacteristics" => Slot::Characteristics,
        "callLinkageData" | "callLinkageDataList" => Slot::Linkage,
        "subjectOfCall" => Slot::SubjectOfCall,
        "deviceHistory" => Slot::History,
        "accountInfo" => Slot::Account,
        "digitGeneratedList" => Slot::Digits,
        "extensions" => Slot::Extensions,
        _ => return None,
    })
}

macro_rules! call_events {
    ($( $(#[$meta:meta])* $kind:ident = $root:literal $(| $alias:literal)* : [$($name:literal $slot:ident),* $(,)?] )*) => {
        /// Which call event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum CallEventKind { $( $(#[$meta])* $kind ),* }

        impl CallEventKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The root element.
            pub fn root(self) -> &'static str {
                match self { $(Self::$kind => $root),* }
            }

            pub(crate) fn of_root(root: &str) -> Option<Self> {
                match root {
                    $($root $(| $alias)* => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// The children in the standard's order.
            fn children(self) -> &'static [(&'static str, Slot)] {
                match self { $(Self::$kind => &[$(($name, Slot::$slot)),*]),* }
            }
        }
    };
}

call_events! {
    /// The call is ringing at a device (or is about to).
    #[default]
    Delivered = "DeliveredEvent": [
        "monitorCrossRefID" Monitor, "connection" Connection, "alertingDevice" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "originatingNIDConnection" OriginatingNid, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// Answered.
    Established = "EstablishedEvent": [
        "monitorCrossRefID" Monitor, "establishedConnection" Connection, "answeringDevice" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "originatinNIDConnection" OriginatingNid, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// Put on hold.
    Held = "HeldEvent": [
        "monitorCrossRefID" Monitor, "heldConnection" Connection, "holdingDevice" Subject, "localConnectionInfo" LocalState, "correlatorData" Correlator, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "extensions" Extensions,
    ]
    /// Taken from hold.
    Retrieved = "RetrievedEvent": [
        "monitorCrossRefID" Monitor, "retrievedConnection" Connection, "retrievingDevice" Subject, "localConnectionInfo" LocalState, "correlatorData" Correlator, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "extensions" Extensions,
    ]
    /// One party has left the call.
    ConnectionCleared = "ConnectionClearedEvent": [
        "monitorCrossRefID" Monitor, "droppedConnection" Connection, "releasingDevice" Subject, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "deviceHistory" History, "extensions" Extensions,
    ]
    /// The call is over.
    CallCleared = "CallClearedEvent": [
        "monitorCrossRefID" Monitor, "clearedCall" Connection, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "extensions" Extensions,
    ]
    /// A call is being made.
    Originated = "OriginatedEvent": [
        "monitorCrossRefID" Monitor, "originatedConnection" Connection, "callingDevice" Calling, "calledDevice" Called, "originatingDevice" Originating, "localConnectionInfo" LocalState, "correlatorData" Correlator, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "extensions" Extensions,
    ]
    /// Off hook, or prompted to lift the handset.
    ServiceInitiated = "ServiceInitiatedEvent": [
        "monitorCrossRefID" Monitor, "initiatedConnection" Connection, "initiatingDevice" Subject, "calledDevice" Called, "localConnectionInfo" LocalState, "correlatorData" Correlator, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "extensions" Extensions,
    ]
    /// An outbound call has left the switch.
    NetworkReached = "NetworkReachedEvent": [
        "monitorCrossRefID" Monitor, "outboundConnection" Connection, "networkInterfaceUsed" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "originatingNIDConnection" OriginatingNid, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "callLinkageData" Linkage, "deviceHistory" History, "extensions" Extensions,
    ]
    /// The call is offered before it rings.
    Offered = "OfferedEvent": [
        "monitorCrossRefID" Monitor, "offeredConnection" Connection, "offeredDevice" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "originatingNIDConnection" OriginatingNid, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// The call waits in a queue.
    Queued = "QueuedEvent": [
        "monitorCrossRefID" Monitor, "queuedConnection" Connection, "queue" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "numberQueued" NumberQueued, "callsInFront" CallsInFront, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// The call has left a device for another.
    Diverted = "DivertedEvent": [
        "monitorCrossRefID" Monitor, "connection" Connection, "divertingDevice" Subject, "newDestination" Target, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// The call cannot go on.
    Failed = "FailedEvent": [
        "monitorCrossRefID" Monitor, "failedConnection" Connection, "failingDevice" Subject, "callingDevice" Calling, "calledDevice" Called, "lastRedirectionDevice" LastRedirection, "originatingNIDConnection" OriginatingNid, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "networkCallingDevice" NetworkCalling, "networkCalledDevice" NetworkCalled, "associatedCallingDevice" AssociatedCalling, "associatedCalledDevice" AssociatedCalled, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "subjectOfCall" SubjectOfCall, "deviceHistory" History, "extensions" Extensions,
    ]
    /// A call was transferred; the misspelling on the wire is the standard's.
    Transferred = "TransferedEvent" | "TransferredEvent": [
        "monitorCrossRefID" Monitor, "primaryOldCall" Connection, "secondaryOldCall" Secondary, "transferringDevice" Subject, "transferredToDevice" Target, "transferredConnections" Connections, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageDataList" Linkage, "deviceHistory" History, "extensions" Extensions,
    ]
    /// Calls were joined.
    Conferenced = "ConferencedEvent": [
        "monitorCrossRefID" Monitor, "primaryOldCall" Connection, "secondaryOldCall" Secondary, "conferencingDevice" Subject, "addedParty" Target, "conferenceConnections" Connections, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageDataList" Linkage, "deviceHistory" History, "extensions" Extensions,
    ]
    /// Data of the call has changed.
    CallInformation = "CallInformationEvent": [
        "monitorCrossRefID" Monitor, "connection" Connection, "device" Subject, "callingDevice" Calling, "accountInfo" Account, "correlatorData" Correlator, "servicesPermitted" Services, "userData" UserData, "callLinkageDataList" Linkage, "callCharacteristics" Characteristics, "subjectOfCall" SubjectOfCall, "extensions" Extensions,
    ]
    /// Digits were sent in the call.
    DigitsGenerated = "DigitsGeneratedEvent": [
        "monitorCrossRefID" Monitor, "connection" Connection, "digitGeneratedList" Digits, "extensions" Extensions,
    ]
    /// The call appears at a shared appearance.
    Bridged = "BridgedEvent": [
        "monitorCrossRefID" Monitor, "bridgedConnection" Connection, "bridgedAppearance" Subject, "localConnectionInfo" LocalState, "correlatorData" Correlator, "userData" UserData, "cause" Cause, "servicesPermitted" Services, "callCharacteristics" Characteristics, "callLinkageData" Linkage, "extensions" Extensions,
    ]
}

/// `calledDevice` came into `ServiceInitiated` with edition 4.
fn is_written(kind: CallEventKind, slot: Slot, edition: Edition) -> bool {
    !(kind == CallEventKind::ServiceInitiated && slot == Slot::Called) || edition.is_ed4_or_later()
}

impl CallEventKind {
    /// Names such as `monitorCrossRefId` are in use.
    fn slot_in_another_case(self, name: &str) -> Option<Slot> {
        self.children().iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, slot)| *slot)
    }
}

impl<'a> CallEvent<'a> {
    /// An event of this kind with nothing else in it.
    pub fn new(kind: CallEventKind, monitor: impl Into<Cow<'a, str>>, connection: ConnectionId<'a>) -> Self {
        Self { kind, monitor: monitor.into(), connection, ..Self::default() }
    }

    pub(crate) fn read(
        kind: CallEventKind,
        pull: &mut Pull<'a>,
        root: &Tag<'a>,
    ) -> Result<Box<Self>, DecodeError> {
        let mut event = Box::new(Self { kind, ..Self::default() });
        while let Some(tag) = pull.child(root)? {
            event.read_child(pull, &tag)?;
        }
        Ok(event)
    }

    fn read_child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<(), DecodeError> {
        match slot(tag.name).or_else(|| self.kind.slot_in_another_case(tag.name)) {
            Some(Slot::Extensions) => {
                while let Some(part) = pull.child(tag)? {
                    if part.name == "security" {
                        self.time_stamp = read_only(pull, &part, "timeStamp")?;
                    } else {
                        pull.skip(&part)?;
                    }
                }
                Ok(())
            }
            Some(Slot::Monitor) => self.monitor.absorb(pull, tag),
            Some(Slot::Connection) => self.connection.absorb(pull, tag),
            Some(Slot::Secondary) => self.secondary.absorb(pull, tag),
            Some(Slot::Subject) => self.subject.absorb(pull, tag),
            Some(Slot::Target) => self.target.absorb(pull, tag),
            Some(Slot::Calling) => self.calling.absorb(pull, tag),
            Some(Slot::Called) => self.called.absorb(pull, tag),
            Some(Slot::CallingName) => self.calling_name.absorb(pull, tag),
            Some(Slot::CalledName) => self.called_name.absorb(pull, tag),
            Some(Slot::LastRedirection) => self.last_redirection.absorb(pull, tag),
            Some(Slot::Originating) => self.originating.absorb(pull, tag),
            Some(Slot::OriginatingNid) => self.originating_nid.absorb(pull, tag),
            Some(Slot::NumberQueued) => self.number_queued.absorb(pull, tag),
            Some(Slot::CallsInFront) => self.calls_in_front.absorb(pull, tag),
            Some(Slot::LocalState) => self.local_state.absorb(pull, tag),
            Some(Slot::Correlator) => self.correlator.absorb(pull, tag),
            Some(Slot::UserData) => self.user_data.absorb(pull, tag),
            Some(Slot::Cause) => self.cause.absorb(pull, tag),
            Some(Slot::Services) => self.services.absorb(pull, tag),
            Some(Slot::NetworkCalling) => self.network_calling.absorb(pull, tag),
            Some(Slot::NetworkCalled) => self.network_called.absorb(pull, tag),
            Some(Slot::AssociatedCalling) => self.associated_calling.absorb(pull, tag),
            Some(Slot::AssociatedCalled) => self.associated_called.absorb(pull, tag),
            Some(Slot::Connections) => self.connections.absorb(pull, tag),
            Some(Slot::Characteristics) => self.characteristics.absorb(pull, tag),
            Some(Slot::Linkage) => self.linkage.absorb(pull, tag),
            Some(Slot::SubjectOfCall) => self.subject_of_call.absorb(pull, tag),
            Some(Slot::History) => self.history.absorb(pull, tag),
            Some(Slot::Account) => self.account.absorb(pull, tag),
            Some(Slot::Digits) => self.digits.absorb(pull, tag),
            None => pull.skip(tag),
        }
    }

    pub(crate) fn write_children(&self, w: &mut Writer<'_>) {
        for (name, slot) in self.kind.children() {
            if is_written(self.kind, *slot, w.edition) {
                self.write_child(name, *slot, w);
            }
        }
        self.calling_name.put(CALLING_NAME, w);
        self.called_name.put(CALLED_NAME, w);
    }

    fn write_child(&self, name: &str, slot: Slot, w: &mut Writer<'_>) {
        match slot {
            Slot::Extensions => {
                if let Some(time) = &self.time_stamp {
                    w.element(name, |w| w.element("security", |w| w.text("timeStamp", time)));
                }
            }
            Slot::Monitor => self.monitor.put(name, w),
            Slot::Connection => self.connection.put(name, w),
            Slot::Secondary => self.secondary.put(name, w),
            Slot::Subject => self.subject.put(name, w),
            Slot::Target => self.target.put(name, w),
            Slot::Calling => self.calling.put(name, w),
            Slot::Called => self.called.put(name, w),
            Slot::CallingName | Slot::CalledName => {}
            Slot::LastRedirection => self.last_redirection.put(name, w),
            Slot::Originating => self.originating.put(name, w),
            Slot::OriginatingNid => self.originating_nid.put(name, w),
            Slot::NumberQueued => self.number_queued.put(name, w),
            Slot::CallsInFront => self.calls_in_front.put(name, w),
            Slot::LocalState => self.local_state.put(name, w),
            Slot::Correlator => self.correlator.put(name, w),
            Slot::UserData => self.user_data.put(name, w),
            Slot::Cause => self.cause.put(name, w),
            Slot::Services => self.services.put(name, w),
            Slot::NetworkCalling => self.network_calling.put(name, w),
            Slot::NetworkCalled => self.network_called.put(name, w),
            Slot::AssociatedCalling => self.associated_calling.put(name, w),
            Slot::AssociatedCalled => self.associated_called.put(name, w),
            Slot::Connections => self.connections.put(name, w),
            Slot::Characteristics => self.characteristics.put(name, w),
            Slot::Linkage => self.linkage.put(name, w),
            Slot::SubjectOfCall => self.subject_of_call.put(name, w),
            Slot::History => self.history.put(name, w),
            Slot::Account => self.account.put(name, w),
            Slot::Digits => self.digits.put(name, w),
        }
    }
}
