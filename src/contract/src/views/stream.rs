//! The stream of notifications, and the story of a contact.

use super::AttemptView;
use crate::Timestamp;
use crate::event::CloudEvent;
use serde::{Deserialize, Serialize};
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
    /// What happened, in order.
    pub items: Vec<TimelineEntry>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// One notification of a contact (with the command that caused it, if any) and where it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// What JKC was told.
    pub notification: CloudEvent<'static>,
    /// What made us tell it; absent when it is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub origin: Option<OriginView>,
    /// Where it had to go, and whether it arrived.
    pub deliveries: Vec<DeliveryView>,
}

/// What made us tell something: a message of the telephone system, its answer to a command, a command, a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Origin)]
pub struct OriginView {
    /// `report`, `reply`, `command`, `snapshot`, `link`, `deadline`, `configuration`, `start`, or `erasure`: what it was
    /// is not kept.
    #[schema(examples("report"))]
    pub kind: String,
    /// When it reached us.
    pub at: Timestamp,
    /// A message's name as in ECMA-323, a command's action, a link's new state.
    #[schema(examples("DeliveredEvent"))]
    pub event: String,
    /// The telephone system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pbx"))]
    pub provider: Option<String>,
    /// The device at whose monitor it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("2001"))]
    pub monitor: Option<String>,
    /// The telephone system's own id of the call: for its log only, it is used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("77"))]
    pub provider_call: Option<String>,
    /// The device that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("2001"), extensions(("x-personal" = json!(true))))]
    pub device: Option<String>,
    /// The cause that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("newCall"))]
    pub cause: Option<String>,
}

/// Deliveries of a subscription that are not settled, and what went wrong lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deliveries)]
pub struct DeliveriesView {
    /// Deliveries that wait, in order.
    pub items: Vec<DeliveryView>,
    /// The last attempts that failed, newest first.
    pub attempts: Vec<AttemptView>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
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
    /// Arrived.
    Delivered,
    /// Given up; can be redriven.
    Dead,
}
