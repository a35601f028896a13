//! The stream of notifications, and the story of a contact.

use super::{CommandView, ContactDetailView};
use crate::Timestamp;
use crate::event::CloudEvent;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// Notifications in the order of the stream.
    pub items: Vec<CloudEvent<'static>>,
    /// Give this as `after` to go on; it moves also when the page is empty.
    #[schema(pattern = "^[0-9]{20}$", examples("00000000000000000042"))]
    pub next: String,
    /// More can be had at once.
    pub more: bool,
}

/// The story of a contact: what happened, who asked for what, and what was delivered where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Timeline)]
pub struct TimelineView {
    /// The contact with its objects, while they are live or recently were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<ContactDetailView<'static>>,
    /// What happened, in order.
    pub entries: Vec<TimelineEntry>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// One notification of a contact with where it came from and where it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What the telephone system said, or what else came in, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub input: Option<Cow<'static, str>>,
    /// The command that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<CommandView<'static>>,
    /// What JKC was told.
    pub notification: CloudEvent<'static>,
    /// Where it had to go, and whether it arrived.
    pub deliveries: Vec<DeliveryView>,
}

/// A delivery of one notification to one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// The subscription.
    pub subscription: Uuid,
    /// The notification.
    pub notification: Uuid,
    /// Its place in the stream.
    pub sequence: String,
    /// Its type, without prefix and version.
    pub change: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Since when it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub since: Option<Timestamp>,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// Waits, or is being tried.
    Pending,
    /// Given up; can be redriven.
    Dead,
}
