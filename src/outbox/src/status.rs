//! What an outbox shows of itself.

use serde::{Deserialize, Serialize};

/// How a subscription is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionStatus {
    /// The subscription.
    pub subscription: u128,
    /// Deliveries that wait or are in flight.
    pub pending: u64,
    /// Requests in flight.
    pub in_flight: usize,
    /// The endpoint's circuit breaker.
    pub circuit: Circuit,
    /// Why nothing is sent until somebody resumes it.
    pub hold: Option<Hold>,
    /// The last thing that went wrong; kept when things go well again.
    pub last_error: Option<LastError>,
    /// Notifications delivered since start.
    pub delivered: u64,
    /// Requests that failed since start.
    pub failed: u64,
    /// Notifications given up since start.
    pub dead: u64,
    /// Notifications that were delivered as history since start.
    pub late: u64,
}

/// The state of an endpoint's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Requests go.
    Closed,
    /// After failures in a row, one request at a time tries whether the endpoint is back.
    Open,
}

/// Why nothing is sent to a subscription until somebody resumes it. Survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What kind.
    pub kind: HoldKind,
    /// What the receiver said.
    pub reason: String,
    /// Since when, Unix ms.
    pub since_ms: i64,
}

/// What kind of hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldKind {
    /// The receiver answered 401 or 403.
    Paused,
    /// The receiver answered 410: it wants no more. Whoever makes notifications should stop making them for it.
    Disabled,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// When, Unix ms.
    pub at_ms: i64,
    /// What.
    pub text: String,
}

/// Something that an operator should know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The subscription.
    pub subscription: u128,
    /// When, Unix ms.
    pub at_ms: i64,
    /// What happened.
    pub kind: AlarmKind,
    /// Why.
    pub reason: String,
}

/// What happened to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmKind {
    /// Paused after 401 or 403.
    Paused,
    /// Disabled after 410.
    Disabled,
    /// The endpoint fails.
    CircuitOpened,
    /// The endpoint is back.
    CircuitClosed,
}
