//! Bodies of requests. An unknown property is an error; the schema of each says everything that is checked.

use crate::Timestamp;
use crate::views::{Scope, TransferKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Destination {
    /// A telephone number or an extension, as it is dialled.
    Number(DialString),
    /// A colleague, at the device where he sits.
    Agent(AgentName),
}

/// A telephone number or an extension, as it is dialled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(pattern = r"^\+?[0-9A-Za-z*#@.:;=_-]{1,64}$", min_length = 1, max_length = 65, examples("2002"))]
pub struct DialString(pub String);

/// JKC's name of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 128, examples("jansen"))]
pub struct AgentName(pub String);

/// Seats a user at an extension (T14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistrationRequest {
    /// At which telephone system.
    #[schema(min_length = 1, max_length = 128, examples("centrale"))]
    pub provider: String,
    /// At which extension.
    #[schema(min_length = 1, max_length = 128, examples("2001"))]
    pub device: String,
    /// The telephone system's own agent id, where it has agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub agent_id: Option<String>,
    /// The queues that he serves.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub queues: Vec<String>,
}

/// Starts a call (T12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DialRequest {
    /// To whom.
    pub destination: Destination,
    /// JKC's reference of the customer, kept with the contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub reference: Option<String>,
}

/// Sends tones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DtmfRequest {
    /// The tones.
    #[schema(pattern = "^[0-9*#A-D]{1,32}$", min_length = 1, max_length = 32, examples("1#"))]
    pub digits: String,
}

/// Sends a call to somebody: deflect and consult.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationRequest {
    /// To whom.
    pub destination: Destination,
}

/// Starts a transfer (T07, T08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferRequest {
    /// The customer's call.
    pub call: Uuid,
    /// From which device.
    #[schema(min_length = 1, max_length = 128, examples("2001"))]
    pub device: String,
    /// To whom.
    pub to: Destination,
    /// Warm or cold.
    pub kind: TransferKind,
}

/// Sets do-not-disturb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoNotDisturbRequest {
    /// On or off.
    pub on: bool,
}

/// Sets forwarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForwardingRequest {
    /// To whom; absent (or null) switches forwarding off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
}

/// Makes a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// Where notifications go; the host must be on the configuration's list.
    #[schema(
        format = "uri",
        min_length = 8,
        max_length = 2048,
        pattern = "^https?://[^\\s]+$",
        examples("https://jkc.example.nl/schakel")
    )]
    pub url: String,
    /// What it wants: kinds such as `call.ringing`, families such as `call.`; empty for all.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub kinds: Vec<String>,
    /// Several notifications in one request.
    #[serde(default)]
    pub batch: bool,
}

/// Delivers dead letters again: those with these ids, or all that were recorded in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum RedriveRequest {
    /// These notifications.
    Ids(RedriveIds),
    /// Those recorded in this period.
    Period(RedrivePeriod),
}

/// Ids of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_items = 1, max_items = 500)]
pub struct RedriveIds(pub Vec<Uuid>);

/// A period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedrivePeriod {
    /// From, inclusive.
    pub from: Timestamp,
    /// To, exclusive.
    pub to: Timestamp,
}

/// Makes a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for.
    #[schema(min_length = 1, max_length = 128, examples("JKC productie"))]
    pub name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 32)]
    pub scopes: Vec<Scope>,
    /// The one agent that it may act for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub agent: Option<String>,
    /// When it ends; absent for the configuration's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
