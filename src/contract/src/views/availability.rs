//! One availability for telephone and chat, with every reason and where it comes from (T02).

use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::model::agent::{ProviderAgentState, Readiness};
use schakel_core::model::availability::{self, Availability, Because, CAPACITY, Claimant};
use schakel_core::model::chat_service::Show;
use schakel_core::model::ids::{CallId, ChatId, OfferId, SessionId, Str};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

mirror! {
    /// What an agent is to routing, insight and reporting; the strongest of the reasons says which.
    AvailabilityState of availability::AvailabilityState, "camelCase" {
        /// Sits nowhere, or the telephone system has logged him off.
        Offline,
        /// The telephone cannot be reached.
        Unreachable,
        /// Rings, dials or speaks.
        OnCall,
        /// In after-call work.
        AfterCall,
        /// Does not want calls now.
        NotReady,
        /// Works in a contact session without a call.
        InSession,
        /// Takes part in a chat.
        Chatting,
        /// Free.
        Available,
    }
}

/// What an agent can take now, and why not more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Availability)]
pub struct AvailabilityView<'a> {
    /// In one word.
    pub state: AvailabilityState,
    /// Every reason, strongest first; empty for an agent who is simply available.
    pub reasons: Vec<AvailabilityReasonView<'a>>,
    /// The capacity ledger.
    pub capacity: CapacityView,
    /// A new call may be offered.
    pub takes_calls: bool,
    /// A new chat may be offered, while the ledger has room for it.
    pub takes_chats: bool,
    /// Since when the state is so.
    pub since: Timestamp,
}

/// A reason why an agent is not simply available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AvailabilityReason)]
pub struct AvailabilityReasonView<'a> {
    /// For a program.
    pub kind: AvailabilityReasonKind,
    /// Who says so.
    pub source: AvailabilitySource,
    /// The reason code that JKC or the telephone system gave with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pauze"))]
    pub code: Option<Cow<'a, str>>,
    /// The call that keeps him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<Uuid>,
    /// The session that keeps him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Uuid>,
    /// The chat that keeps him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<Uuid>,
    /// The offer of a chat that keeps him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<Uuid>,
    /// For a Dutch screen.
    pub nl: Cow<'a, str>,
    /// For an English screen.
    pub en: Cow<'a, str>,
}

/// Why an agent is not simply available, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AvailabilityReasonKind {
    /// He is registered at no device.
    NotRegistered,
    /// The telephone system has logged him off.
    LoggedOff,
    /// There is no link to the telephone system.
    LinkDown,
    /// The device is out of service.
    OutOfService,
    /// A call rings, is dialled, goes on or holds at his device.
    Call,
    /// After-call work.
    AfterCall,
    /// He does not want calls.
    NotReady,
    /// The device refuses calls.
    DoNotDisturb,
    /// The device's calls are forwarded.
    Forwarded,
    /// A session is open.
    Session,
    /// He takes part in a chat.
    Chat,
    /// A chat is offered to him.
    ChatOffer,
    /// He ignored too many chats in a row: no chats until JKC says that he is back.
    ChatPaused,
    /// His chat program says that he is away or busy; `code` has its word.
    ChatProgram,
    /// He is in the chat channel and sits at no telephone: no calls.
    NoTelephone,
}

/// Who says that an agent is not simply available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AvailabilitySource {
    /// JKC.
    Jkc,
    /// The telephone system, of its agent.
    Pbx,
    /// His device, or the link to it.
    Device,
    /// A call.
    Call,
    /// An open session.
    Session,
    /// After-call work of a session.
    AfterCall,
    /// The chat channel.
    Chat,
    /// His own chat program.
    ChatProgram,
}

/// The capacity ledger of an agent, in points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Capacity)]
pub struct CapacityView {
    /// All that he can take.
    #[schema(examples(100))]
    pub total: u16,
    /// What is taken; several calls take all of it once.
    pub used: u16,
    /// What is left.
    pub free: u16,
    /// Who has taken how much.
    pub claims: Vec<ClaimView>,
}

/// A share of an agent's capacity that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Claim)]
pub struct ClaimView {
    /// By what.
    pub kind: ClaimKind,
    /// How much.
    pub share: u16,
    /// The call that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub call: Option<Uuid>,
    /// The session that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Uuid>,
    /// The chat that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<Uuid>,
    /// The offer of a chat that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub offer: Option<Uuid>,
}

/// What takes capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClaimKind {
    /// A call.
    Call,
    /// After-call work.
    AfterCall,
    /// An open session.
    Session,
    /// A chat in which he takes part.
    Chat,
    /// A chat that is offered to him.
    ChatOffer,
}

/// Whether an agent wants calls, as JKC set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Readiness)]
pub struct ReadinessView<'a> {
    /// Whether.
    pub ready: bool,
    /// Why not, in JKC's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pauze"))]
    pub reason: Option<Cow<'a, str>>,
}

/// What the telephone system says of its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderAgentState)]
pub struct ProviderAgentStateView<'a> {
    /// In one word.
    pub state: ProviderAgentStateName,
    /// Why he is not ready, in the telephone system's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Cow<'a, str>>,
}

/// The state of a telephone system's agent (ECMA-269 clause 6.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProviderAgentStateName {
    /// Not logged on.
    LoggedOff,
    /// Logged on, wants no calls.
    NotReady,
    /// Waits for a call.
    Ready,
    /// Has a call.
    Busy,
    /// After-call work.
    WorkingAfterCall,
}

impl<'a> AvailabilityView<'a> {
    /// An availability as it is shown.
    pub fn of(availability: &'a Availability) -> Self {
        let free = availability.room();
        Self {
            state: availability.state.into(),
            reasons: availability.reasons.iter().map(AvailabilityReasonView::of).collect(),
            capacity: CapacityView {
                total: CAPACITY,
                used: CAPACITY.saturating_sub(free),
                free,
                claims: availability
                    .ledger
                    .iter()
                    .map(|claim| ClaimView::of(claim.by, claim.share))
                    .collect(),
            },
            takes_calls: availability.takes_calls,
            takes_chats: availability.takes_chats,
            since: availability.since.into(),
        }
    }
}

impl<'a> AvailabilityReasonView<'a> {
    fn of(because: &'a Because) -> Self {
        use AvailabilityReasonKind as Kind;
        use AvailabilitySource as Source;
        match because {
            Because::NotRegistered => Self::plain(
                Kind::NotRegistered,
                Source::Jkc,
                "Niet aangemeld op een toestel.",
                "Not registered at a device.",
            ),
            Because::LoggedOff => Self::plain(
                Kind::LoggedOff,
                Source::Pbx,
                "Afgemeld in de telefooncentrale.",
                "Logged off in the telephone system.",
            ),
            Because::LinkDown => Self::plain(
                Kind::LinkDown,
                Source::Device,
                "Er is geen verbinding met de telefooncentrale.",
                "There is no link to the telephone system.",
            ),
            Because::OutOfService => Self::plain(
                Kind::OutOfService,
                Source::Device,
                "Het toestel is buiten dienst.",
                "The device is out of service.",
            ),
            Because::Call(call) => Self {
                call: Some(uuid_of_call(*call)),
                ..Self::plain(Kind::Call, Source::Call, "Heeft een gesprek.", "Has a call.")
            },
            Because::AfterCall(session) => Self {
                session: session.map(uuid_of_session),
                ..Self::plain(
                    Kind::AfterCall,
                    if session.is_some() { Source::AfterCall } else { Source::Pbx },
                    "Werkt een gesprek af.",
                    "Does after-call work.",
                )
            },
            Because::NotReady(code) => Self::with_code(Kind::NotReady, Source::Jkc, code.as_ref()),
            Because::ProviderNotReady(code) => Self::with_code(Kind::NotReady, Source::Pbx, code.as_ref()),
            Because::DoNotDisturb => Self::plain(
                Kind::DoNotDisturb,
                Source::Device,
                "Het toestel staat op niet storen.",
                "The device is set to do not disturb.",
            ),
            Because::Forwarded => Self::plain(
                Kind::Forwarded,
                Source::Device,
                "Het toestel is doorgeschakeld.",
                "The device's calls are forwarded.",
            ),
            Because::Session(session) => Self {
                session: Some(uuid_of_session(*session)),
                ..Self::plain(
                    Kind::Session,
                    Source::Session,
                    "Heeft een contactsessie open.",
                    "Has a contact session open.",
                )
            },
            Because::Chat(chat) => Self {
                chat: Some(uuid_of_chat(*chat)),
                ..Self::plain(Kind::Chat, Source::Chat, "Is in een chat.", "Takes part in a chat.")
            },
            Because::Offer(offer) => Self {
                offer: Some(uuid_of_offer(*offer)),
                ..Self::plain(
                    Kind::ChatOffer,
                    Source::Chat,
                    "Krijgt een chat aangeboden.",
                    "Is offered a chat.",
                )
            },
            Because::ChatPaused => Self::plain(
                Kind::ChatPaused,
                Source::Chat,
                "Krijgt geen chats: heeft te vaak niet gereageerd.",
                "Gets no chats: too many were ignored.",
            ),
            Because::ChatShown(show) => Self {
                code: Some(word_of_show(*show).into()),
                ..Self::plain(
                    Kind::ChatProgram,
                    Source::ChatProgram,
                    "Niet beschikbaar in het eigen chatprogramma.",
                    "Not available in his own chat program.",
                )
            },
            Because::NoTelephone => Self::plain(
                Kind::NoTelephone,
                Source::Jkc,
                "Chat, en zit niet aan een toestel.",
                "Chats, and sits at no telephone.",
            ),
        }
    }

    fn with_code(kind: AvailabilityReasonKind, source: AvailabilitySource, code: Option<&'a Str>) -> Self {
        let (nl, en) = match source {
            AvailabilitySource::Pbx => {
                ("Niet beschikbaar in de telefooncentrale", "Not ready in the telephone system")
            }
            _ => ("Niet beschikbaar", "Not ready"),
        };
        let text = |words: &str| match code {
            Some(code) => format!("{words}: {code}."),
            None => format!("{words}."),
        };
        Self {
            kind,
            source,
            code: code.map(|code| Cow::Borrowed(&**code)),
            call: None,
            session: None,
            chat: None,
            offer: None,
            nl: text(nl).into(),
            en: text(en).into(),
        }
    }

    fn plain(
        kind: AvailabilityReasonKind,
        source: AvailabilitySource,
        nl: &'static str,
        en: &'static str,
    ) -> Self {
        Self {
            kind,
            source,
            code: None,
            call: None,
            session: None,
            chat: None,
            offer: None,
            nl: nl.into(),
            en: en.into(),
        }
    }
}

impl ClaimView {
    fn of(by: Claimant, share: u16) -> Self {
        let of = |kind| Self { kind, share, call: None, session: None, chat: None, offer: None };
        match by {
            Claimant::Call(call) => Self { call: Some(uuid_of_call(call)), ..of(ClaimKind::Call) },
            Claimant::AfterCall => of(ClaimKind::AfterCall),
            Claimant::Session(session) => {
                Self { session: Some(uuid_of_session(session)), ..of(ClaimKind::Session) }
            }
            Claimant::Chat(chat) => Self { chat: Some(uuid_of_chat(chat)), ..of(ClaimKind::Chat) },
            Claimant::Offer(offer) => Self { offer: Some(uuid_of_offer(offer)), ..of(ClaimKind::ChatOffer) },
        }
    }
}

impl<'a> ReadinessView<'a> {
    /// Readiness as it is shown.
    pub fn of(readiness: &'a Readiness) -> Self {
        match readiness {
            Readiness::Ready => Self { ready: true, reason: None },
            Readiness::NotReady(reason) => {
                Self { ready: false, reason: reason.as_deref().map(Cow::Borrowed) }
            }
        }
    }
}

impl<'a> ProviderAgentStateView<'a> {
    /// A telephone system's agent as it is shown.
    pub fn of(state: &'a ProviderAgentState) -> Self {
        use ProviderAgentStateName as Name;
        let (state, reason) = match state {
            ProviderAgentState::LoggedOff => (Name::LoggedOff, None),
            ProviderAgentState::NotReady(reason) => (Name::NotReady, reason.as_deref()),
            ProviderAgentState::Ready => (Name::Ready, None),
            ProviderAgentState::Busy => (Name::Busy, None),
            ProviderAgentState::WorkingAfterCall => (Name::WorkingAfterCall, None),
        };
        Self { state, reason: reason.map(Cow::Borrowed) }
    }
}

fn uuid_of_call(call: CallId) -> Uuid {
    Uuid::from_u128(call.0)
}

fn uuid_of_chat(chat: ChatId) -> Uuid {
    Uuid::from_u128(chat.0)
}

fn uuid_of_offer(offer: OfferId) -> Uuid {
    Uuid::from_u128(offer.0)
}

/// What a chat program says of its user, in RFC 6121's words.
pub(crate) const fn word_of_show(show: Show) -> &'static str {
    match show {
        Show::Chat => "chat",
        Show::Available => "available",
        Show::Away => "away",
        Show::ExtendedAway => "xa",
        Show::DoNotDisturb => "dnd",
        Show::Unavailable => "unavailable",
    }
}

fn uuid_of_session(session: SessionId) -> Uuid {
    Uuid::from_u128(session.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::time::Time;

    #[test]
    fn t02_every_reason_has_a_source_and_is_told_in_dutch_and_english() {
        let (call, session) = (CallId(1), SessionId(2));
        let reasons = vec![
            Because::NotRegistered,
            Because::LoggedOff,
            Because::LinkDown,
            Because::OutOfService,
            Because::Call(call),
            Because::AfterCall(Some(session)),
            Because::AfterCall(None),
            Because::NotReady(Some("pauze".into())),
            Because::NotReady(None),
            Because::ProviderNotReady(Some("12".into())),
            Because::DoNotDisturb,
            Because::Forwarded,
            Because::Session(session),
            Because::Chat(ChatId(3)),
            Because::Offer(OfferId(4)),
            Because::ChatPaused,
            Because::ChatShown(Show::DoNotDisturb),
            Because::NoTelephone,
        ];
        let availability = Availability {
            state: availability::AvailabilityState::OnCall,
            reasons,
            ledger: vec![
                availability::Claim { by: Claimant::Call(call), share: CAPACITY },
                availability::Claim { by: Claimant::Session(session), share: CAPACITY },
            ],
            takes_calls: false,
            takes_chats: false,
            since: Time(1),
        };
        let view = AvailabilityView::of(&availability);
        for reason in &view.reasons {
            assert!(
                reason.nl.ends_with('.') && reason.en.ends_with('.') && reason.nl != reason.en,
                "{reason:?}"
            );
        }
        let shown = |at: usize| {
            let reason = &view.reasons[at];
            (reason.kind, reason.source, reason.code.as_deref(), reason.nl.as_ref())
        };
        use AvailabilityReasonKind as Kind;
        use AvailabilitySource as Source;
        assert_eq!(shown(7), (Kind::NotReady, Source::Jkc, Some("pauze"), "Niet beschikbaar: pauze."));
        assert_eq!(shown(9).1, Source::Pbx);
        assert_eq!((shown(5).1, shown(6).1), (Source::AfterCall, Source::Pbx));
        assert_eq!(view.reasons[4].call, Some(Uuid::from_u128(1)));
        assert_eq!(view.reasons[12].session, Some(Uuid::from_u128(2)));
        assert_eq!(view.reasons[13].chat, Some(Uuid::from_u128(3)));
        assert_eq!(view.reasons[14].offer, Some(Uuid::from_u128(4)));
        assert_eq!(view.reasons[16].code.as_deref(), Some("dnd"));
        let capacity = &view.capacity;
        assert_eq!((capacity.total, capacity.used, capacity.free, capacity.claims.len()), (100, 100, 0, 2));
        let text = serde_json::to_string(&view).unwrap();
        let received: AvailabilityView<'static> = serde_json::from_str(&text).unwrap();
        assert_eq!(received, view);
    }

    #[test]
    fn t02_what_jkc_and_the_telephone_system_said_is_shown_with_its_reason() {
        let set = Readiness::NotReady(Some("overleg".into()));
        assert_eq!(
            serde_json::to_string(&ReadinessView::of(&set)).unwrap(),
            r#"{"ready":false,"reason":"overleg"}"#
        );
        assert_eq!(
            serde_json::to_string(&ReadinessView::of(&Readiness::Ready)).unwrap(),
            r#"{"ready":true}"#
        );
        for (state, text) in [
            (ProviderAgentState::LoggedOff, r#"{"state":"loggedOff"}"#),
            (ProviderAgentState::NotReady(Some("7".into())), r#"{"state":"notReady","reason":"7"}"#),
            (ProviderAgentState::Ready, r#"{"state":"ready"}"#),
            (ProviderAgentState::Busy, r#"{"state":"busy"}"#),
            (ProviderAgentState::WorkingAfterCall, r#"{"state":"workingAfterCall"}"#),
        ] {
            assert_eq!(serde_json::to_string(&ProviderAgentStateView::of(&state)).unwrap(), text);
        }
    }
}
