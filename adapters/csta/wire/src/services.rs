//! Sets of services: what a connection permits just now (`servicesPermitted`)
//! and what a PBX can do at all (capabilities).

use std::fmt;

use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::value::Value;
use crate::write::Writer;

/// The groups that the standard sorts services into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceGroup {
    /// Call control.
    CallControl,
    /// Call associated.
    CallAssociated,
    /// Media attachment.
    MediaAttachment,
    /// Routeing.
    Routeing,
    /// Logical device features.
    Logical,
    /// Snapshots.
    Snapshot,
}

impl ServiceGroup {
    /// Element inside `servicesPermitted`; the misspelling is the standard's.
    fn permitted(self) -> Option<&'static str> {
        match self {
            Self::CallControl => Some("callControlServices"),
            Self::CallAssociated => Some("callAssociatedServices"),
            Self::MediaAttachment => Some("mediaAttachementServices"),
            Self::Routeing => Some("routeingServices"),
            Self::Logical | Self::Snapshot => None,
        }
    }

    /// Element inside capability lists.
    fn capability(self) -> &'static str {
        match self {
            Self::CallControl => "callControlServList",
            Self::CallAssociated => "callAssociatedServList",
            Self::MediaAttachment => "mediaServList",
            Self::Routeing => "routeingServList",
            Self::Logical => "logicalServList",
            Self::Snapshot => "snapshotServList",
        }
    }
}

macro_rules! services {
    ($($group:ident: $variant:ident = $name:literal,)*) => {
        /// A service that can be permitted or supported.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub enum Service { $($variant),* }

        impl Service {
            /// All of them, each group in the standard's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The element that names the service in a list.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The group that the service belongs to.
            pub fn group(self) -> ServiceGroup {
                match self { $(Self::$variant => ServiceGroup::$group),* }
            }

            /// The service that an element names.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    // Spellings of the service's own message.
                    "singleStepConferenceCall" => Some(Self::SingleStepConference),
                    "singleStepTransferCall" => Some(Self::SingleStepTransfer),
                    _ => None,
                }
            }
        }
    };
}

services! {
    CallControl: AcceptCall = "acceptCall",
    CallControl: AlternateCall = "alternateCall",
    CallControl: AnswerCall = "answerCall",
    CallControl: CallBack = "callBack",
    CallControl: CallBackMessage = "callBackMessage",
    CallControl: CampOnCall = "campOnCall",
    CallControl: ClearCall = "clearCall",
    CallControl: ClearConnection = "clearConnection",
    CallControl: ConferenceCall = "conferenceCall",
    CallControl: ConsultationCall = "consultationCall",
    CallControl: DeflectCall = "deflectCall",
    CallControl: DialDigits = "dialDigits",
    CallControl: DirectedPickupCall = "directedPickupCall",
    CallControl: GroupPickupCall = "groupPickupCall",
    CallControl: HoldCall = "holdCall",
    CallControl: IntrudeCall = "intrudeCall",
    CallControl: JoinCall = "joinCall",
    CallControl: MakeCall = "makeCall",
    CallControl: MakePredictiveCall = "makePredictiveCall",
    CallControl: ParkCall = "parkCall",
    CallControl: ReconnectCall = "reconnectCall",
    CallControl: RetrieveCall = "retrieveCall",
    CallControl: SendMessage = "sendMessage",
    CallControl: SingleStepConference = "singleStepConference",
    CallControl: SingleStepTransfer = "singleStepTransfer",
    CallControl: TransferCall = "transferCall",
    CallAssociated: AssociateData = "associateData",
    CallAssociated: CancelTelephonyTones = "cancelTelephonyTones",
    CallAssociated: GenerateDigits = "generateDigits",
    CallAssociated: GenerateTelephonyTones = "generateTelephonyTones",
    CallAssociated: SendUserInformation = "sendUserInformation",
    MediaAttachment: AttachMediaService = "attachMediaService",
    MediaAttachment: DetachMediaService = "detachMediaService",
    Routeing: RouteRegister = "routeRegister",
    Routeing: RouteRegisterCancel = "routeRegisterCancel",
    Routeing: RouteRegisterAbort = "routeRegisterAbort",
    Routeing: ReRoute = "reRoute",
    Routeing: RouteEnd = "routeEnd",
    Routeing: RouteReject = "routeReject",
    Routeing: RouteRequest = "routeRequest",
    Routeing: RouteSelect = "routeSelect",
    Routeing: RouteUsed = "routeUsed",
    Logical: GetAgentState = "getAgentState",
    Logical: GetDoNotDisturb = "getDoNotDisturb",
    Logical: GetForwarding = "getForwarding",
    Logical: SetAgentState = "setAgentState",
    Logical: SetDoNotDisturb = "setDoNotDisturb",
    Logical: SetForwarding = "setForwarding",
    Snapshot: SnapshotCall = "snapshotCall",
    Snapshot: SnapshotDevice = "snapshotDevice",
}

/// A set of services.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceSet(u64);

impl ServiceSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set with `service` in it.
    #[must_use]
    pub const fn with(self, service: Service) -> Self {
        Self(self.0 | 1 << service as u8)
    }

    /// A set of these services.
    pub fn of(services: &[Service]) -> Self {
        services.iter().fold(Self::EMPTY, |set, service| set.with(*service))
    }

    /// Adds a service.
    pub fn insert(&mut self, service: Service) {
        *self = self.with(service);
    }

    /// Whether `service` is in the set.
    pub const fn contains(self, service: Service) -> bool {
        self.0 >> (service as u8) & 1 == 1
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The services in the set, in the standard's order.
    pub fn iter(self) -> impl Iterator<Item = Service> {
        Service::ALL.iter().copied().filter(move |service| self.contains(*service))
    }

    /// Reads a capability list of any depth: every element that names a service counts.
    pub(crate) fn read_capabilities<'a>(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut set = Self::EMPTY;
        while let Some(list) = pull.child(tag)? {
            while let Some(child) = pull.child(&list)? {
                // A group tells services from events of the same name (`offered`, `callBack`).
                if let Some(service) = Service::from_name(child.name)
                    && list.name.ends_with("ServList")
                {
                    set.insert(service);
                }
                pull.skip(&child)?;
            }
        }
        Ok(set)
    }

    /// Writes capability lists: the services that are supported, without their options.
    pub(crate) fn write_capabilities(self, groups: &[ServiceGroup], writer: &mut Writer<'_>) {
        for group in groups {
            if self.iter().any(|service| service.group() == *group) {
                writer.element(group.capability(), |w| {
                    self.iter().filter(|service| service.group() == *group).for_each(|s| w.empty(s.name()));
                });
            }
        }
    }
}

impl fmt::Debug for ServiceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Service> for ServiceSet {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Self {
        services.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl<'a> Value<'a> for ServiceSet {
    /// `servicesPermitted`: groups with one flag a service; what is absent is not permitted.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut set = Self::EMPTY;
        while let Some(group) = pull.child(tag)? {
            while let Some(child) = pull.child(&group)? {
                match Service::from_name(child.name) {
                    Some(service) => {
                        if bool::read(pull, &child)? {
                            set.insert(service);
                        }
                    }
                    None => pull.skip(&child)?,
                }
            }
        }
        Ok(set)
    }

    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        use ServiceGroup::{CallAssociated, CallControl, MediaAttachment, Routeing};
        writer.element(name, |w| {
            for group in [CallControl, CallAssociated, MediaAttachment, Routeing] {
                let Some(element) = group.permitted() else { continue };
                w.element(element, |w| {
                    self.iter().filter(|s| s.group() == group).for_each(|s| w.flag(s.name(), true));
                });
            }
            w.empty("voiceServices");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_place_of_its_own_in_the_set() {
        assert!(Service::ALL.len() <= 64);
        for service in Service::ALL {
            assert_eq!(ServiceSet::of(&[*service]).iter().collect::<Vec<_>>(), vec![*service]);
            assert_eq!(Service::from_name(service.name()), Some(*service));
        }
    }
}
