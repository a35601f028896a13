//! Bodies of requests. An unknown property is an error; the schema of each says everything that is checked.

mod check;
mod privacy;
mod register;

pub mod chat;
pub mod visit;

pub use privacy::ErasureRequest;
pub use register::{
    CustomerNumberRequest, CustomerRequest, DirectoryEntryRequest, DirectorySearchRequest,
    NumberSearchRequest,
};

use crate::Timestamp;
use crate::views::{Scope, SessionDecision, TransferKind};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Destination {
    /// A telephone number or an extension, as it is dialled.
    Number(DialString),
    /// A colleague, at the device where he sits.
    Agent(AgentName),
    /// An entry of the directory: a colleague where he sits now, else at his extension; a department.
    Entry(EntryId),
    /// A person or an organisation, by JKC's reference: the one number that is kept for it.
    Customer(CustomerReference),
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

/// JKC's own reference of a person or an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 128, examples("K-10042"))]
pub struct CustomerReference(pub String);

/// The id of an entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 128, examples("medewerker-17"))]
pub struct EntryId(pub String);

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
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    pub agent_id: Option<String>,
    /// The queues that he serves.
    #[serde(default)]
    #[schema(max_items = 64, value_type = Vec<QueueName>)]
    pub queues: Vec<String>,
}

/// The number of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$", examples("7000"))]
pub struct QueueName(pub String);

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
    /// The department that was chosen (T24); without it, the one that the directory has for the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, examples("Burgerzaken"))]
    pub department: Option<String>,
}

/// Says whether a user wants calls (T02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AvailabilityRequest {
    /// Whether.
    pub ready: bool,
    /// Why not: JKC's own code, shown with his availability. Of one who is ready it means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        examples("pauze")
    )]
    pub reason: Option<String>,
}

/// Opens a contact session (T11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionRequest {
    /// Whose work it is.
    pub agent: AgentName,
    /// The customer's contact that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Uuid>,
    /// JKC's own reference of the session or the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub reference: Option<String>,
}

/// Says what becomes of an open session now that a call has arrived: "bewaren of negeren" (T16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionDecisionRequest {
    /// The call that arrived.
    pub call: Uuid,
    /// What becomes of the session.
    pub decision: SessionDecision,
}

/// Says where a call goes (T01): to a destination, or where the telephone system would send it by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum RouteDecisionRequest {
    /// To whom.
    Destination(Destination),
    /// Where the telephone system would send it by itself.
    Default(True),
}

/// `true`, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct True;

impl Serialize for True {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(True),
            false => Err(D::Error::custom("only true is possible here")),
        }
    }
}

impl ToSchema for True {
    fn name() -> Cow<'static, str> {
        "True".into()
    }
}

impl PartialSchema for True {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).into()
    }
}

/// What the receiver of a `route.requested` may answer its webhook with, so that it needs no request of its own (T01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteAnswer {
    /// Where the call goes; absent (or null, or no body at all) when that will be said by a request, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<RouteDecisionRequest>,
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
    /// With telephone numbers and names, for which the token needs the scope `persons:read`; without them when false.
    #[serde(default = "with_persons")]
    #[schema(default = true)]
    pub persons: bool,
}

const fn with_persons() -> bool {
    true
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
