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

mod kind;

pub use kind::{ProblemKind, TYPE_BASE};

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
        /// A limit is reached: of the telephone system, or of chats.
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
    /// The same in Dutch, for a screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub title_nl: Option<Cow<'a, str>>,
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
            title_nl: Some(kind.dutch_title().into()),
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
            assert_ne!(kind.title(), kind.dutch_title(), "{kind:?}");
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
