//! Problem details (RFC 9457): every error of the API, and the outcome of a refused command.
//!
//! | cause of a refusal | status | again? |
//! | --- | --- | --- |
//! | `unknownCall` `unknownDevice` `unknownTransfer` `unknownProvider` | 404 | no |
//! | `unknownSession` `unknownRoute` `unknownContact` | 404 | no |
//! | `invalidSessionState` `sessionOpen` `alreadyDecided` | 409 | no |
//! | `invalidConnectionState` `notRegistered` `notSupported` `notPermitted` `partyGone` | 409 | no |
//! | `deviceOutOfService` `resourceBusy` | 409 | yes |
//! | `versionMismatch` | 412 | yes |
//! | `unknownChat` `unknownOffer` `unknownQueue` | 404 | no |
//! | `invalidChatState` `offerClosed` `notInChannel` `notParticipant` `lastAgent` `invitationOpen` | 409 | no |
//! | `messageConflict` | 409 | no |
//! | `agentNotAvailable` | 409 | yes |
//! | `invalidDestination` `invalidContent` | 422 | no |
//! | `tooFast` | 429 with `Retry-After` | yes |
//! | `providerRefused` | 502 | no |
//! | `limitExceeded` `linkDown` `interrupted` | 503 with `Retry-After` | yes |
//! | `timeout` | 504 | yes |

use crate::mirror::mirror;
use crate::views::{ActionName, QueueAvailabilityView, ReasonView};
use schakel_core::command::{self, Refusal};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

mirror! {
    /// Why a command was refused; the names are close to ECMA-323's `CSTAErrorCode`.
    RefusalCause of command::RefusalCause, "camelCase" {
        /// The connection is not in a state that allows it.
        InvalidConnectionState,
        /// No such call.
        UnknownCall,
        /// No such device, or not one of ours.
        UnknownDevice,
        /// No such transfer.
        UnknownTransfer,
        /// No such session.
        UnknownSession,
        /// No such routing.
        UnknownRoute,
        /// No such contact.
        UnknownContact,
        /// The session is not in a state that allows it.
        InvalidSessionState,
        /// The agent has another session open.
        SessionOpen,
        /// No such chat.
        UnknownChat,
        /// No such offer.
        UnknownOffer,
        /// No such chat queue.
        UnknownQueue,
        /// The chat is not in a state that allows it.
        InvalidChatState,
        /// The offer was answered, expired or taken away before.
        OfferClosed,
        /// The agent is not in the chat channel.
        NotInChannel,
        /// The agent does not take part in the chat.
        NotParticipant,
        /// The last agent cannot leave a chat: invite another, or end it.
        LastAgent,
        /// One invitation at a time.
        InvitationOpen,
        /// Whoever is asked for has no room for it, or cannot be reached.
        AgentNotAvailable,
        /// Another message was sent under this id before.
        MessageConflict,
        /// What was sent cannot be taken: empty, too large, of a kind that is not taken.
        InvalidContent,
        /// Too much in too short a time.
        TooFast,
        /// It was decided otherwise before.
        AlreadyDecided,
        /// No such provider.
        UnknownProvider,
        /// The agent is registered nowhere.
        NotRegistered,
        /// The destination is no number or cannot be reached.
        InvalidDestination,
        /// The telephone system cannot do it.
        NotSupported,
        /// The telephone system does not permit it.
        NotPermitted,
        /// The device is out of service.
        DeviceOutOfService,
        /// The device or a line is busy.
        ResourceBusy,
        /// A limit of the telephone system is reached.
        LimitExceeded,
        /// The link to the telephone system is down.
        LinkDown,
        /// No answer within the time limit: the outcome is unknown, the state shown is what is known.
        Timeout,
        /// The caller acted on an old picture (`If-Match`).
        VersionMismatch,
        /// The other party has gone.
        PartyGone,
        /// The telephone system refused for a reason of its own.
        ProviderRefused,
        /// The daemon was restarted before an answer came; the state shown is what is known.
        Interrupted,
    }
}

/// Why a command was refused, and what is allowed instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refusal)]
pub struct RefusalView<'a> {
    /// For a program.
    pub cause: RefusalCause,
    /// The rule that says no, for a screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<ReasonView>,
    /// What, where, how to mend.
    pub detail: Cow<'a, str>,
    /// Whether the same again may work.
    pub can_retry: bool,
    /// What is allowed now.
    pub allowed_actions: Vec<ActionName>,
}

impl<'a> RefusalView<'a> {
    /// A refusal as it is shown.
    pub fn of(refusal: &'a Refusal, allowed_actions: Vec<ActionName>) -> Self {
        Self {
            cause: refusal.cause.into(),
            reason: refusal.reason.map(ReasonView::from),
            detail: Cow::Borrowed(&refusal.detail),
            can_retry: refusal.can_retry,
            allowed_actions,
        }
    }
}

/// Where the types of the problems live.
pub const TYPE_BASE: &str = "https://schakel.nl/problems/";

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $slug:literal, $title:literal;)*) => {
        /// A kind of problem: a status, a stable type, a title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)*
        }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &'static [ProblemKind] = &[$(ProblemKind::$name,)*];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(ProblemKind::$name => $status,)* }
            }

            /// The stable URI of the kind.
            pub const fn type_uri(self) -> &'static str {
                match self { $(ProblemKind::$name => concat!("https://schakel.nl/problems/", $slug),)* }
            }

            /// A short text, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(ProblemKind::$name => $title,)* }
            }
        }
    };
}

problem_kinds! {
    /// Invalid input; `errors` has all that is wrong.
    InvalidRequest = 400, "invalid-request", "The request is not valid";
    /// No token, or one that is unknown, expired or revoked.
    Unauthenticated = 401, "unauthenticated", "A valid access token is needed";
    /// The token lacks a scope, or is bound to another agent.
    Forbidden = 403, "forbidden", "The access token does not allow this";
    /// No such path or object.
    NotFound = 404, "not-found", "Not found";
    /// The path does not take this method.
    MethodNotAllowed = 405, "method-not-allowed", "The method is not allowed here";
    /// None of the accepted media types can be given.
    NotAcceptable = 406, "not-acceptable", "None of the accepted media types can be given";
    /// The request took too long to arrive.
    RequestTimeout = 408, "request-timeout", "The request took too long to arrive";
    /// Another request with the same key is still running.
    StillRunning = 409, "still-running", "A request with this key is still running";
    /// The object is not in a state that allows it.
    Conflict = 409, "conflict", "The state of the object does not allow this";
    /// The cursor is older than what is kept.
    CursorGone = 410, "cursor-gone", "The cursor is older than what is kept";
    /// It has ended and is not kept any more.
    Gone = 410, "gone", "It has ended and is not kept any more";
    /// The object has changed (`If-Match`).
    VersionMismatch = 412, "version-mismatch", "The object has changed meanwhile";
    /// The body is larger than the limit.
    BodyTooLarge = 413, "body-too-large", "The body is too large";
    /// The media type of the body cannot be read.
    UnsupportedMediaType = 415, "unsupported-media-type", "The media type of the body is not supported";
    /// The key was used before with another request.
    KeyReused = 422, "idempotency-key-reused", "The key was used before with another request";
    /// Too many requests of this token.
    TooManyRequests = 429, "too-many-requests", "Too many requests";
    /// A bug.
    Internal = 500, "internal", "Something went wrong inside schakel";
    /// Stopping, or more work than can be done.
    Unavailable = 503, "unavailable", "Schakel cannot do this now";

    /// The connection is not in a state that allows it.
    InvalidConnectionState = 409, "invalid-connection-state", "The call is not in a state that allows this";
    /// No such call.
    UnknownCall = 404, "unknown-call", "There is no such call";
    /// No such device.
    UnknownDevice = 404, "unknown-device", "There is no such device here";
    /// No such transfer.
    UnknownTransfer = 404, "unknown-transfer", "There is no such transfer";
    /// No such session.
    UnknownSession = 404, "unknown-session", "There is no such session";
    /// No such routing.
    UnknownRoute = 404, "unknown-route", "There is no such routing";
    /// No such contact.
    UnknownContact = 404, "unknown-contact", "There is no such contact";
    /// The session is not in a state that allows it.
    InvalidSessionState = 409, "invalid-session-state", "The session is not in a state that allows this";
    /// The agent has another session open.
    SessionOpen = 409, "session-open", "The agent has another session open";
    /// No such chat.
    UnknownChat = 404, "unknown-chat", "There is no such chat";
    /// No such offer.
    UnknownOffer = 404, "unknown-offer", "There is no such offer";
    /// No such chat queue.
    UnknownQueue = 404, "unknown-queue", "There is no such chat queue";
    /// The chat is not in a state that allows it.
    InvalidChatState = 409, "invalid-chat-state", "The chat is not in a state that allows this";
    /// The offer was answered, expired or taken away before.
    OfferClosed = 409, "offer-closed", "The offer is not open any more";
    /// The agent is not in the chat channel.
    NotInChannel = 409, "not-in-channel", "The agent is not in the chat channel";
    /// The agent does not take part in the chat.
    NotParticipant = 409, "not-participant", "The agent does not take part in the chat";
    /// The last agent cannot leave a chat: invite another, or end it.
    LastAgent = 409, "last-agent", "The last agent cannot leave the chat";
    /// One invitation at a time.
    InvitationOpen = 409, "invitation-open", "Another invitation is open";
    /// Whoever is asked for has no room for it, or cannot be reached.
    AgentNotAvailable = 409, "agent-not-available", "No agent is available for this";
    /// Another message was sent under this id before.
    MessageConflict = 409, "message-conflict", "Another message was sent under this id";
    /// What was sent cannot be taken: empty, too large, of a kind that is not taken.
    InvalidContent = 422, "invalid-content", "What was sent cannot be taken";
    /// Too much in too short a time.
    TooFast = 429, "too-fast", "Too much in too short a time";
    /// It was decided otherwise before.
    AlreadyDecided = 409, "already-decided", "It was decided otherwise before";
    /// No such provider.
    UnknownProvider = 404, "unknown-provider", "There is no such telephone system";
    /// The agent is registered nowhere.
    NotRegistered = 409, "not-registered", "The agent is not registered at a device";
    /// The destination is no number or cannot be reached.
    InvalidDestination = 422, "invalid-destination", "The destination cannot be called";
    /// The provider cannot do it.
    NotSupported = 409, "not-supported", "The telephone system cannot do this";
    /// The provider does not permit it.
    NotPermitted = 409, "not-permitted", "The telephone system does not permit this now";
    /// The device is out of service.
    DeviceOutOfService = 409, "device-out-of-service", "The device is out of service";
    /// Something is busy.
    ResourceBusy = 409, "resource-busy", "The device or a line is busy";
    /// A limit of the provider is reached.
    LimitExceeded = 503, "limit-exceeded", "A limit of the telephone system is reached";
    /// The link is down.
    LinkDown = 503, "link-down", "There is no link to the telephone system";
    /// No answer in time.
    Timeout = 504, "timeout", "The telephone system did not answer in time";
    /// The other party has gone.
    PartyGone = 409, "party-gone", "The other party has gone";
    /// The provider refused for a reason of its own.
    ProviderRefused = 502, "provider-refused", "The telephone system refused";
    /// The daemon was restarted before an answer came.
    Interrupted = 503, "interrupted", "Schakel was restarted before an answer came";
}

impl From<command::RefusalCause> for ProblemKind {
    fn from(cause: command::RefusalCause) -> Self {
        use command::RefusalCause as Cause;
        match cause {
            Cause::InvalidConnectionState => Self::InvalidConnectionState,
            Cause::UnknownCall => Self::UnknownCall,
            Cause::UnknownDevice => Self::UnknownDevice,
            Cause::UnknownTransfer => Self::UnknownTransfer,
            Cause::UnknownSession => Self::UnknownSession,
            Cause::UnknownRoute => Self::UnknownRoute,
            Cause::UnknownContact => Self::UnknownContact,
            Cause::InvalidSessionState => Self::InvalidSessionState,
            Cause::SessionOpen => Self::SessionOpen,
            Cause::UnknownChat => Self::UnknownChat,
            Cause::UnknownOffer => Self::UnknownOffer,
            Cause::UnknownQueue => Self::UnknownQueue,
            Cause::InvalidChatState => Self::InvalidChatState,
            Cause::OfferClosed => Self::OfferClosed,
            Cause::NotInChannel => Self::NotInChannel,
            Cause::NotParticipant => Self::NotParticipant,
            Cause::LastAgent => Self::LastAgent,
            Cause::InvitationOpen => Self::InvitationOpen,
            Cause::AgentNotAvailable => Self::AgentNotAvailable,
            Cause::MessageConflict => Self::MessageConflict,
            Cause::InvalidContent => Self::InvalidContent,
            Cause::TooFast => Self::TooFast,
            Cause::AlreadyDecided => Self::AlreadyDecided,
            Cause::UnknownProvider => Self::UnknownProvider,
            Cause::NotRegistered => Self::NotRegistered,
            Cause::InvalidDestination => Self::InvalidDestination,
            Cause::NotSupported => Self::NotSupported,
            Cause::NotPermitted => Self::NotPermitted,
            Cause::DeviceOutOfService => Self::DeviceOutOfService,
            Cause::ResourceBusy => Self::ResourceBusy,
            Cause::LimitExceeded => Self::LimitExceeded,
            Cause::LinkDown => Self::LinkDown,
            Cause::Timeout => Self::Timeout,
            Cause::VersionMismatch => Self::VersionMismatch,
            Cause::PartyGone => Self::PartyGone,
            Cause::ProviderRefused => Self::ProviderRefused,
            Cause::Interrupted => Self::Interrupted,
        }
    }
}

/// Problem details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem<'a> {
    /// A stable URI of the kind of problem.
    #[serde(rename = "type")]
    #[schema(format = "uri", examples("https://schakel.nl/problems/invalid-connection-state"))]
    pub kind: Cow<'a, str>,
    /// The kind in a few words.
    pub title: Cow<'a, str>,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What, where, how to mend.
    pub detail: Cow<'a, str>,
    /// The path that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance: Option<Cow<'a, str>>,
    /// Of a refused command: why, for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cause: Option<RefusalCause>,
    /// Of a refused command: the rule that says no, for a screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<ReasonView>,
    /// Whether the same again may work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub can_retry: Option<bool>,
    /// Of a refused command: what is allowed now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_actions: Option<Vec<ActionName>>,
    /// Of a chat that could not be opened: what the visitor is shown, and whether he can leave a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub availability: Option<Box<QueueAvailabilityView<'a>>>,
    /// Of a refused command: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<Uuid>,
    /// Of invalid input: everything that is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InputError>,
}

/// One thing that is wrong with the input (REST API Design Rules, `/core/error-handling/bad-request`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputError {
    /// Where it was given.
    #[serde(rename = "in")]
    pub place: InputPlace,
    /// Which part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub location: Option<InputLocation>,
    /// What is wrong, for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<Cow<'static, str>>,
    /// What is wrong, and what is expected.
    pub detail: String,
}

/// Where a piece of input was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum InputPlace {
    /// In the body.
    Body,
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// Which part of the input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputLocation {
    /// A JSON pointer into the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("/destination/number"))]
    pub pointer: Option<String>,
    /// The name of a parameter, header or property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pageSize"))]
    pub name: Option<String>,
    /// Of a file: the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub line: Option<u64>,
}

impl InputError {
    /// Something in the body, at a JSON pointer (empty for the whole).
    pub fn body(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let location = InputLocation { pointer: Some(pointer.into()), ..InputLocation::default() };
        Self {
            place: InputPlace::Body,
            location: Some(location),
            code: Some(code.into()),
            detail: detail.into(),
        }
    }

    /// Something in a line of a file, in a column of it where that is known.
    pub fn line(line: u64, column: Option<&str>, code: &'static str, detail: impl Into<String>) -> Self {
        let location = InputLocation { pointer: None, name: column.map(Into::into), line: Some(line) };
        Self {
            place: InputPlace::Body,
            location: Some(location),
            code: Some(code.into()),
            detail: detail.into(),
        }
    }

    /// A parameter of the path or the query, or a header.
    pub fn parameter(place: InputPlace, name: &str, code: &'static str, detail: impl Into<String>) -> Self {
        let location = InputLocation { name: Some(name.into()), ..InputLocation::default() };
        Self { place, location: Some(location), code: Some(code.into()), detail: detail.into() }
    }
}

impl<'a> Problem<'a> {
    /// A problem of a kind, in these words.
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind: kind.type_uri().into(),
            title: kind.title().into(),
            status: kind.status(),
            detail: detail.into(),
            instance: None,
            cause: None,
            reason: None,
            can_retry: None,
            allowed_actions: None,
            availability: None,
            command: None,
            errors: Vec::new(),
        }
    }

    /// Invalid input, with everything that is wrong with it.
    pub fn invalid(errors: Vec<InputError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            many => format!("{} things are wrong with the request, see errors", many.len()),
        };
        Self { errors, ..Self::new(ProblemKind::InvalidRequest, detail) }
    }

    /// A refused command.
    pub fn refused(refusal: &'a Refusal, command: Option<Uuid>, allowed_actions: Vec<ActionName>) -> Self {
        Self {
            cause: Some(refusal.cause.into()),
            reason: refusal.reason.map(ReasonView::from),
            can_retry: Some(refusal.can_retry),
            allowed_actions: Some(allowed_actions),
            command,
            ..Self::new(refusal.cause.into(), Cow::Borrowed(&*refusal.detail))
        }
    }

    /// The path that it is about.
    #[must_use]
    pub fn at(mut self, instance: impl Into<Cow<'a, str>>) -> Self {
        self.instance = Some(instance.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_type_of_its_own_and_an_error_status() {
        let types: BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.type_uri()).collect();
        assert_eq!(types.len(), ProblemKind::ALL.len());
        for kind in ProblemKind::ALL {
            assert!((400..600).contains(&kind.status()), "{kind:?}");
            assert!(kind.type_uri().starts_with(TYPE_BASE));
        }
    }

    #[test]
    fn every_refusal_has_the_status_of_the_table() {
        use command::RefusalCause as Cause;
        for cause in Cause::ALL {
            let expected = match cause {
                Cause::UnknownCall
                | Cause::UnknownDevice
                | Cause::UnknownTransfer
                | Cause::UnknownSession
                | Cause::UnknownRoute
                | Cause::UnknownContact
                | Cause::UnknownChat
                | Cause::UnknownOffer
                | Cause::UnknownQueue
                | Cause::UnknownProvider => 404,
                Cause::InvalidSessionState | Cause::SessionOpen | Cause::AlreadyDecided => 409,
                Cause::InvalidChatState | Cause::OfferClosed | Cause::NotInChannel => 409,
                Cause::NotParticipant | Cause::LastAgent | Cause::InvitationOpen => 409,
                Cause::AgentNotAvailable | Cause::MessageConflict => 409,
                Cause::TooFast => 429,
                Cause::InvalidConnectionState | Cause::NotRegistered | Cause::NotSupported => 409,
                Cause::NotPermitted | Cause::PartyGone | Cause::DeviceOutOfService | Cause::ResourceBusy => {
                    409
                }
                Cause::VersionMismatch => 412,
                Cause::InvalidDestination | Cause::InvalidContent => 422,
                Cause::ProviderRefused => 502,
                Cause::LimitExceeded | Cause::LinkDown | Cause::Interrupted => 503,
                Cause::Timeout => 504,
            };
            assert_eq!(ProblemKind::from(*cause).status(), expected, "{cause:?}");
            let spelt = serde_json::to_string(&RefusalCause::from(*cause)).unwrap();
            assert_eq!(spelt, format!("\"{}\"", cause.as_str()));
        }
    }
}
