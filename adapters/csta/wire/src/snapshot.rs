//! Snapshots of calls and lists of devices, whole or in segments.

use std::borrow::Cow;

use crate::enums::{DeviceCategory, LocalConnectionState, SimpleCallState};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::services::ServiceSet;
use crate::value::{
    CallCharacteristics, CallLinkage, ConnectionId, Content, DeviceId, DeviceRef, Field, Item, Octets, Value,
    content, nested,
};
use crate::write::Writer;

content! {
    /// Asks for the calls at a device.
    SnapshotDevice['a] {
        /// The device.
        device: DeviceId<'a> = "snapshotObject";
    }
}

content! {
    /// Asks for the parties of a call.
    SnapshotCall['a] {
        /// Any connection of the call.
        call: ConnectionId<'a> = "snapshotObject";
    }
}

/// State of a call at a device (ECMA-323, CallState).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum CallState<'a> {
    /// The state of each connection, the snapshot device's own first.
    Compound(Vec<LocalConnectionState<'a>>),
    /// One word for all of them.
    Simple(SimpleCallState<'a>),
    /// Not known.
    #[default]
    Unknown,
}

impl<'a> CallState<'a> {
    /// The state of the connection at the snapshot device itself.
    pub fn local(&self) -> Option<LocalConnectionState<'a>> {
        use LocalConnectionState as State;
        Some(match self {
            Self::Compound(states) => return states.first().cloned(),
            Self::Unknown => return None,
            Self::Simple(simple) => match simple {
                SimpleCallState::CallNull => State::Null,
                SimpleCallState::CallPending => State::Initiated,
                SimpleCallState::CallOriginated
                | SimpleCallState::CallDelivered
                | SimpleCallState::CallEstablished => State::Connected,
                // `…Held`: this end holds. `…OnHold`: the far end does (ECMA-269, simple call states; in CSTA
                // phase I their numbers are made of both ends' states, this end's last).
                SimpleCallState::CallDeliveredHeld
                | SimpleCallState::CallEstablishedHeld
                | SimpleCallState::CallQueuedHeld => State::Hold,
                SimpleCallState::CallEstablishedOnHold => State::Connected,
                SimpleCallState::CallReceived | SimpleCallState::CallReceivedOnHold => State::Alerting,
                SimpleCallState::CallQueued => State::Queued,
                SimpleCallState::CallFailed
                | SimpleCallState::CallFailedHeld
                | SimpleCallState::CallBlocked => State::Fail,
                SimpleCallState::Other(_) => return None,
            },
        })
    }
}

impl<'a> Value<'a> for CallState<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut state = Self::Unknown;
        while let Some(child) = pull.child(tag)? {
            match child.name {
                "compoundCallState" => {
                    let mut states = Vec::new();
                    while let Some(part) = pull.child(&child)? {
                        if part.name == "localConnectionState" {
                            states.push(LocalConnectionState::read(pull, &part)?);
                        } else {
                            pull.skip(&part)?;
                        }
                    }
                    state = Self::Compound(states);
                }
                "simpleCallState" => state = Self::Simple(SimpleCallState::read(pull, &child)?),
                _ => pull.skip(&child)?,
            }
        }
        Ok(state)
    }

    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| match self {
            Self::Compound(states) => w.element("compoundCallState", |w| {
                states.iter().for_each(|state| state.write("localConnectionState", w));
            }),
            Self::Simple(state) => state.write("simpleCallState", w),
            Self::Unknown => w.empty("unknown"),
        });
    }
}

content! {
    /// One call at the device.
    SnapshotDeviceInfo['a] {
        /// The call's connection at the device.
        connection: ConnectionId<'a> = "connectionIdentifier";
        /// The far end; several products leave it out.
        endpoint: Option<DeviceRef<'a>> = "endpointDevice";
        /// The state.
        state: CallState<'a> = "localCallState";
        /// What may be done with it.
        services: Option<ServiceSet> = "servicesPermitted";
        /// Ids of the conversation (edition 4 and later).
        linkage: Option<CallLinkage<'a>> = "callLinkageData", since_ed4;
    }
}

content! {
    /// One party of the call.
    SnapshotCallInfo['a] {
        /// The device.
        device: Option<DeviceRef<'a>> = "deviceOnCall";
        /// Its connection.
        connection: ConnectionId<'a> = "callIdentifier";
        /// Its state.
        state: Option<LocalConnectionState<'a>> = "localConnectionInfo";
        /// What may be done with it.
        services: Option<ServiceSet> = "servicesPermitted";
    }
}

nested!(SnapshotDeviceInfo['a], SnapshotCallInfo['a]);

impl Item for SnapshotDeviceInfo<'_> {
    const NAME: &'static str = "snapshotDeviceResponseInfo";
}
impl Item for SnapshotCallInfo<'_> {
    const NAME: &'static str = "snapshotCallResponseInfo";
}

/// The calls at a device, or the reference under which they will come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotDeviceResponse<'a> {
    /// `serviceCrossRefID`: the calls come as `SnapshotDeviceData`.
    pub cross_ref: Option<Cow<'a, str>>,
    /// The calls.
    pub calls: Vec<SnapshotDeviceInfo<'a>>,
}

impl<'a> Content<'a> for SnapshotDeviceResponse<'a> {
    /// The wrapper is missing in some products, so its children are read in either place. They are a choice: where
    /// both are there, the calls have been told, and no segments will come.
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        match tag.name {
            "crossRefIDorSnapshotData" => {
                while let Some(child) = pull.child(tag)? {
                    if child.name == "crossRefIDorSnapshotData" || !self.child(pull, &child)? {
                        pull.skip(&child)?;
                    }
                }
            }
            "serviceCrossRefID" if self.calls.is_empty() => self.cross_ref.absorb(pull, tag)?,
            "snapshotData" => {
                self.cross_ref = None;
                self.calls.absorb(pull, tag)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        w.element("crossRefIDorSnapshotData", |w| {
            write_reference_or_list(self.cross_ref.as_deref(), &self.calls, w)
        });
    }
}

/// The parties of a call, or the reference under which they will come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotCallResponse<'a> {
    /// `serviceCrossRefID`: the parties come as `SnapshotCallData`.
    pub cross_ref: Option<Cow<'a, str>>,
    /// The parties.
    pub parties: Vec<SnapshotCallInfo<'a>>,
    /// What sort of call it is.
    pub characteristics: Option<CallCharacteristics>,
    /// Who called.
    pub calling: Option<DeviceRef<'a>>,
    /// Who was called.
    pub called: Option<DeviceRef<'a>>,
    /// The caller's trunk.
    pub associated_calling: Option<DeviceRef<'a>>,
    /// The called party's trunk.
    pub associated_called: Option<DeviceRef<'a>>,
    /// Data of the call.
    pub correlator: Option<Octets<'a>>,
    /// Ids of the conversation.
    pub linkage: Option<CallLinkage<'a>>,
}

impl<'a> Content<'a> for SnapshotCallResponse<'a> {
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        match tag.name {
            "crossRefIDorSnapshotData" => {
                while let Some(child) = pull.child(tag)? {
                    if child.name == "crossRefIDorSnapshotData" || !self.child(pull, &child)? {
                        pull.skip(&child)?;
                    }
                }
            }
            "serviceCrossRefID" => self.cross_ref.absorb(pull, tag)?,
            "snapshotData" => self.parties.absorb(pull, tag)?,
            "callCharacteristics" => self.characteristics.absorb(pull, tag)?,
            "callingDevice" => self.calling.absorb(pull, tag)?,
            "calledDevice" => self.called.absorb(pull, tag)?,
            "associatedCallingDevice" => self.associated_calling.absorb(pull, tag)?,
            "associatedCalledDevice" => self.associated_called.absorb(pull, tag)?,
            "correlatorData" => self.correlator.absorb(pull, tag)?,
            "callLinkageData" => self.linkage.absorb(pull, tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        w.element("crossRefIDorSnapshotData", |w| {
            write_reference_or_list(self.cross_ref.as_deref(), &self.parties, w)
        });
        self.characteristics.put("callCharacteristics", w);
        self.calling.put("callingDevice", w);
        self.called.put("calledDevice", w);
        self.associated_calling.put("associatedCallingDevice", w);
        self.associated_called.put("associatedCalledDevice", w);
        self.correlator.put("correlatorData", w);
        self.linkage.put("callLinkageData", w);
    }
}

fn write_reference_or_list<'a, T: Value<'a> + Item>(cross_ref: Option<&str>, list: &[T], w: &mut Writer<'_>) {
    match cross_ref {
        Some(reference) => w.text("serviceCrossRefID", reference),
        None => w.element("snapshotData", |w| list.iter().for_each(|item| item.write(T::NAME, w))),
    }
}

content! {
    /// One segment of the calls at a device.
    SnapshotDeviceData['a] {
        /// The reference in the response.
        cross_ref: Cow<'a, str> = "serviceCrossRefID";
        /// Number of the segment.
        segment: Option<u32> = "segmentID";
        /// Whether no more segments follow.
        last: bool = "lastSegment";
        /// The calls.
        calls: Vec<SnapshotDeviceInfo<'a>> = "snapshotData";
    }
}

content! {
    /// One segment of the parties of a call.
    SnapshotCallData['a] {
        /// The reference in the response.
        cross_ref: Cow<'a, str> = "serviceCrossRefID";
        /// Number of the segment.
        segment: Option<u32> = "segmentID";
        /// Whether no more segments follow.
        last: bool = "lastSegment";
        /// The parties.
        parties: Vec<SnapshotCallInfo<'a>> = "snapshotData";
    }
}

content! {
    /// One device of the PBX.
    ListedDevice['a] {
        /// The id.
        device: DeviceId<'a> = "deviceID";
        /// The sort of device.
        category: Option<DeviceCategory<'a>> = "deviceCategory";
        /// The PBX's own name for the sort, as `station` or `acdGroup`.
        named_type: Option<Cow<'a, str>> = "namedDeviceTypes";
        /// The model.
        model: Option<Cow<'a, str>> = "deviceModelName";
    }
}
nested!(ListedDevice['a]);

impl Item for ListedDevice<'_> {
    const NAME: &'static str = "device";
}

content! {
    /// One segment of the devices of the PBX.
    SwitchingFunctionDevices['a] {
        /// The reference in the response.
        cross_ref: Cow<'a, str> = "serviceCrossRefID";
        /// Number of the segment; one product leaves it out.
        segment: Option<u32> = "segmentID";
        /// Whether no more segments follow.
        last: bool = "lastSegment";
        /// The devices.
        devices: Vec<ListedDevice<'a>> = "deviceList";
    }
}
