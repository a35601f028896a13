//! Subscriptions to webhooks and their deliveries.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A subscription, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    /// Permanent.
    pub id: Uuid,
    /// Where notifications go.
    #[schema(format = "uri", examples("https://jkc.example.nl/schakel"))]
    pub url: String,
    /// What it wants: kinds such as `call.ringing`, families such as `call.`; empty for all.
    pub kinds: Vec<String>,
    /// Several notifications in one request (`application/cloudevents-batch+json`).
    pub batch: bool,
    /// With telephone numbers and names.
    pub persons: bool,
    /// Paused by hand: nothing is sent, everything is kept.
    pub paused: bool,
    /// What is known of the endpoint.
    pub state: EndpointState,
    /// Why it is in that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Deliveries that wait.
    pub pending: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Until when the secret before the last rotation signs too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// What is known of a subscription's endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndpointState {
    /// Deliveries go on.
    Active,
    /// It failed several times in a row: one probe at a time.
    Open,
    /// Nothing is sent: paused by hand, or it refused our credentials (401, 403).
    Paused,
    /// It said that it is gone (410).
    Disabled,
}

/// A subscription with its secret, shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedSubscription {
    /// The subscription.
    #[serde(flatten)]
    pub subscription: SubscriptionView,
    /// The secret to verify signatures with (Standard Webhooks): it cannot be shown again.
    #[schema(examples("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))]
    pub secret: String,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    /// The notification's id.
    pub id: Uuid,
    /// Its place in the stream.
    pub sequence: String,
    /// Its type, without prefix and version.
    pub change: String,
    /// Its contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub contact: Option<Uuid>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// When it was given up.
    pub dead_at: Timestamp,
    /// Why.
    pub reason: String,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub struct AttemptView {
    /// The place in the stream of the (first) notification.
    pub sequence: String,
    /// When it ended.
    pub at: Timestamp,
    /// The HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<u16>,
    /// What went wrong.
    pub error: String,
}

/// What a redrive did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveResult {
    /// How many dead letters are delivered again.
    pub redriven: u64,
}
