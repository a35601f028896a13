//! Devices of ours.

use crate::mirror::mirror;
use schakel_core::model::device::{self, Device, Monitor};
use schakel_core::model::ids::{DeviceId, ProviderId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

mirror! {
    /// What kind of device it is.
    DeviceKind of device::DeviceKind, "camelCase" {
        /// A telephone or softphone.
        Station,
        /// A queue or pilot number.
        Queue,
    }
}

/// A device of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Device)]
pub struct DeviceView<'a> {
    /// The telephone system.
    pub provider: Cow<'a, str>,
    /// The extension.
    pub device: Cow<'a, str>,
    /// Station or queue.
    pub kind: DeviceKind,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub name: Option<Cow<'a, str>>,
    /// Whether it is watched.
    pub monitor: MonitorView<'a>,
    /// It refuses calls.
    pub do_not_disturb: bool,
    /// Its calls are forwarded.
    pub forwarding: bool,
    /// It is out of service.
    pub out_of_service: bool,
    /// The agent who sits here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
}

/// Whether a device is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Monitor)]
pub struct MonitorView<'a> {
    /// Whether.
    pub state: MonitorState,
    /// Why not, in the telephone system's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Cow<'a, str>>,
}

/// Whether a device is watched, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MonitorState {
    /// Not (yet).
    None,
    /// It is.
    Active,
    /// The telephone system refused.
    Refused,
}

impl<'a> DeviceView<'a> {
    /// A device as it is shown.
    pub fn of(provider: &'a ProviderId, id: &'a DeviceId, device: &'a Device) -> Self {
        let (state, reason) = match &device.monitor {
            Monitor::None => (MonitorState::None, None),
            Monitor::Active => (MonitorState::Active, None),
            Monitor::Refused(reason) => (MonitorState::Refused, Some(Cow::Borrowed(&**reason))),
        };
        Self {
            provider: Cow::Borrowed(provider.as_str()),
            device: Cow::Borrowed(id.as_str()),
            kind: device.kind.into(),
            name: device.name.as_ref().map(|name| Cow::Borrowed(&**name.expose())),
            monitor: MonitorView { state, reason },
            do_not_disturb: device.do_not_disturb,
            forwarding: device.forwarding,
            out_of_service: device.out_of_service,
            agent: device.agent.as_ref().map(|agent| Cow::Borrowed(agent.as_str())),
        }
    }
}
