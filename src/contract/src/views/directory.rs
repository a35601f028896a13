//! Colleagues and departments (T13, T24).

use super::{AvailabilityView, QueueSummaryView};
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// A colleague or a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EntryKind {
    /// A colleague.
    Person,
    /// A department.
    Department,
}

/// Who can be called or transferred to by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DirectoryEntry)]
pub struct DirectoryEntryView {
    /// Its id, given by who put it here.
    #[schema(examples("medewerker-17"))]
    pub id: String,
    /// A colleague or a department.
    pub kind: EntryKind,
    /// The name.
    #[schema(examples("Jan van der Berg"), extensions(("x-personal" = json!(true))))]
    pub name: String,
    /// The extension or the number, as it is dialled.
    #[schema(examples("8123"), extensions(("x-personal" = json!(true))))]
    pub number: String,
    /// The department; of a department the one that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub department: Option<String>,
    /// What he does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub function: Option<String>,
    /// JKC's name of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
    /// His address for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub email: Option<String>,
    /// The queue of a department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<String>,
    /// Counts changes; the entity tag, for `If-Match`.
    #[serde(default)]
    pub version: u64,
}

/// An entry that was found, with how it is there at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DirectoryHit)]
pub struct DirectoryHitView<'a> {
    /// The entry.
    pub entry: Cow<'a, DirectoryEntryView>,
    /// The user who sits there, or whom the entry names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<Cow<'a, str>>,
    /// What he can take now; absent of who has never registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub availability: Option<AvailabilityView<'a>>,
    /// The telephone, where it is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<PresenceView<'a>>,
    /// The queue, of a department that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub queue: Option<QueueSummaryView<'a>>,
}

/// A telephone at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Presence)]
pub struct PresenceView<'a> {
    /// The telephone system.
    pub provider: Cow<'a, str>,
    /// The extension.
    pub device: Cow<'a, str>,
    /// It rings, dials, speaks or holds.
    pub in_call: bool,
    /// It refuses calls.
    pub do_not_disturb: bool,
    /// Its calls are forwarded.
    pub forwarding: bool,
    /// It is out of service.
    pub out_of_service: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportReport)]
pub struct ImportReportView {
    /// Nothing was stored: it was asked what would be.
    pub dry_run: bool,
    /// Rows that were read.
    pub rows: u64,
    /// What there is now.
    pub total: u64,
    /// What there was before and is not any more.
    pub removed: u64,
}

impl<'a> PresenceView<'a> {
    /// The telephone with this extension, where a telephone system has one that is watched.
    pub fn of(state: &'a State, extension: &DeviceId) -> Option<Self> {
        state.devices.iter().find_map(|(provider, devices)| {
            let (id, device) = devices.get_key_value(extension)?;
            Some(Self {
                provider: Cow::Borrowed(provider.as_str()),
                device: Cow::Borrowed(id.as_str()),
                in_call: in_call(state, provider, id),
                do_not_disturb: device.do_not_disturb,
                forwarding: device.forwarding,
                out_of_service: device.out_of_service,
            })
        })
    }
}

fn in_call(state: &State, provider: &ProviderId, device: &DeviceId) -> bool {
    let here = state.at_device.get(provider).and_then(|devices| devices.get(device));
    here.is_some_and(|here| !here.calls.is_empty())
}

impl<'a> DirectoryHitView<'a> {
    /// An entry as it is there in this state. `extension` is its number as the telephone systems name devices.
    pub fn of(state: &'a State, entry: DirectoryEntryView, extension: &DeviceId) -> Self {
        let sits = |agent: &&schakel_core::model::agent::Agent| {
            agent.registration.as_ref().is_some_and(|seat| seat.device == *extension)
        };
        let linked = entry.agent.as_deref().map(|agent| state.agents.get(&agent.into()));
        // Who is named is meant wherever he sits; else whoever sits at the extension.
        let agent = linked.unwrap_or_else(|| {
            let device = state.devices.values().find_map(|devices| devices.get(extension))?;
            state.agents.get(device.agent.as_ref()?).filter(sits)
        });
        let seat = agent.and_then(|agent| agent.registration.as_ref()).map(|seat| &seat.device);
        let queue = entry.queue.as_deref().and_then(|queue| {
            let queue = DeviceId::from(queue);
            let (provider, id) = state
                .devices
                .iter()
                .find_map(|(provider, devices)| Some((provider, devices.get_key_value(&queue)?.0)))?;
            super::QueueView::of(state, provider, id).map(|queue| queue.summary)
        });
        Self {
            agent: agent.map(|agent| Cow::Borrowed(agent.id.as_str())),
            availability: agent.map(|agent| AvailabilityView::of(&agent.availability)),
            device: PresenceView::of(state, seat.unwrap_or(extension)),
            queue,
            entry: Cow::Owned(entry),
        }
    }
}
