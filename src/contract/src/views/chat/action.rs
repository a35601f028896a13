//! What can be done with a chat now, and if not, why not (rule 6): what JKC makes its buttons from.

use schakel_core::model::chat::{Chat, ChatState, Offer, OfferState, Participant, Role};
use schakel_core::settings::ChatLimits;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// What can be asked of a chat; also the last part of its path, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChatActionName {
    /// Take an offer or an invitation.
    Accept,
    /// Decline it.
    Reject,
    /// Join without an offer (O08).
    Join,
    /// Watch unseen, with the permission to manage chats (O23).
    Observe,
    /// Say something to all.
    Say,
    /// Say something to the other agents (W08).
    SayPrivately,
    /// Invite another agent (O20, W07).
    Invite,
    /// Take the invitation back.
    Withdraw,
    /// Invite another agent and leave when he joins (O22).
    Transfer,
    /// Leave.
    Leave,
    /// Note something for JKC's record (O09).
    SetFields,
    /// End the talking (W10).
    End,
    /// Keep it (C06).
    Archive,
    /// Take it out, with the permission to manage chats (O24).
    Remove,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $dutch:literal, $english:literal;)*) => {
        /// Why something cannot be done with a chat now.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum ChatReasonCode {
            $($(#[$doc])* $name,)*
        }

        impl ChatReasonCode {
            /// All of them.
            pub const ALL: &'static [ChatReasonCode] = &[$(ChatReasonCode::$name,)*];

            /// For a Dutch screen.
            pub const fn dutch(self) -> &'static str {
                match self { $(ChatReasonCode::$name => $dutch,)* }
            }

            /// For an English screen.
            pub const fn english(self) -> &'static str {
                match self { $(ChatReasonCode::$name => $english,)* }
            }
        }
    };
}

reasons! {
    /// The talking is over.
    Ended = "De chat is beëindigd.", "The chat has ended.";
    /// It still goes on.
    GoesOn = "De chat is nog bezig.", "The chat still goes on.";
    /// It is kept, or nothing came of it.
    Over = "De chat is al afgesloten.", "The chat is closed already.";
    /// It was taken out.
    Removed = "De chat is verwijderd.", "The chat was removed.";
    /// As many agents take part as can.
    Full = "Er nemen al zoveel medewerkers deel als mogelijk is.", "As many agents take part as is possible.";
    /// He is the last agent (O21).
    LastAgent = "De laatste medewerker kan de chat niet verlaten.", "The last agent cannot leave the chat.";
    /// One invitation at a time (W07).
    InvitationOpen = "Er is al een medewerker uitgenodigd.", "Another agent is invited already.";
    /// Nobody is invited.
    NoInvitation = "Er is niemand uitgenodigd.", "Nobody is invited.";
    /// The offer was answered, expired or taken away.
    OfferClosed = "Het aanbod is niet meer open.", "The offer is not open any more.";
    /// Who watches unseen says and does nothing (O23).
    Observer = "Wie meekijkt, neemt niet deel.", "Who watches does not take part.";
}

/// An action: allowed, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatAction)]
pub struct ChatActionView {
    /// Which.
    pub action: ChatActionName,
    /// Whether it can be asked now.
    pub allowed: bool,
    /// Why not; absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<ChatReasonView>,
}

/// A reason, for a program and for a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatReason)]
pub struct ChatReasonView {
    /// For a program.
    pub code: ChatReasonCode,
    /// For a Dutch screen.
    pub nl: Cow<'static, str>,
    /// For an English screen.
    pub en: Cow<'static, str>,
}

impl From<ChatReasonCode> for ChatReasonView {
    fn from(code: ChatReasonCode) -> Self {
        Self { code, nl: code.dutch().into(), en: code.english().into() }
    }
}

impl ChatActionView {
    /// What anybody may do who has the permission.
    pub(super) fn of_chat(limits: &ChatLimits, chat: &Chat) -> Vec<Self> {
        let live = live(chat);
        let full = chat.present().count() >= limits.participants_max as usize;
        let not_removed = unless(chat.state == ChatState::Removed, ChatReasonCode::Removed);
        let ended = unless(chat.state.is_live(), ChatReasonCode::GoesOn);
        let over = unless(chat.state.is_over(), ChatReasonCode::Over);
        vec![
            Self::of(ChatActionName::Join, live.and(unless(full, ChatReasonCode::Full))),
            Self::of(ChatActionName::Observe, live),
            Self::of(ChatActionName::SetFields, not_removed),
            Self::of(ChatActionName::Archive, ended.and(not_removed).and(over)),
            Self::of(ChatActionName::Remove, ended.and(not_removed)),
        ]
    }

    /// What a participant may do; nothing, once he has left.
    pub(super) fn of_participant(chat: &Chat, one: &Participant) -> Vec<Self> {
        if one.left.is_some() {
            return Vec::new();
        }
        let observer = unless(matches!(one.role, Role::Observer(_)), ChatReasonCode::Observer);
        let takes_part = live(chat).and(observer);
        let alone = observer.is_ok() && chat.present().count() < 2;
        let invitation = unless(chat.invitation.is_some(), ChatReasonCode::InvitationOpen);
        let invited = unless(chat.invitation.is_none(), ChatReasonCode::NoInvitation);
        vec![
            Self::of(ChatActionName::Say, takes_part),
            Self::of(ChatActionName::SayPrivately, takes_part),
            Self::of(ChatActionName::Invite, takes_part.and(invitation)),
            Self::of(ChatActionName::Withdraw, takes_part.and(invited)),
            Self::of(ChatActionName::Transfer, takes_part.and(invitation)),
            Self::of(ChatActionName::Leave, live(chat).and(unless(alone, ChatReasonCode::LastAgent))),
            Self::of(ChatActionName::End, takes_part),
        ]
    }

    /// What the agent to whom it is offered may do.
    pub(super) fn of_offer(chat: &Chat, offer: &Offer) -> Vec<Self> {
        let closed = unless(offer.state != OfferState::Pending, ChatReasonCode::OfferClosed);
        let open = live(chat).and(closed);
        vec![Self::of(ChatActionName::Accept, open), Self::of(ChatActionName::Reject, open)]
    }

    fn of(action: ChatActionName, allowed: Result<(), ChatReasonCode>) -> Self {
        Self { action, allowed: allowed.is_ok(), reason: allowed.err().map(ChatReasonView::from) }
    }
}

fn live(chat: &Chat) -> Result<(), ChatReasonCode> {
    unless(!chat.state.is_live(), ChatReasonCode::Ended)
}

fn unless(hindrance: bool, code: ChatReasonCode) -> Result<(), ChatReasonCode> {
    if hindrance { Err(code) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t15_every_reason_is_told_in_dutch_and_english() {
        for code in ChatReasonCode::ALL {
            let reason = ChatReasonView::from(*code);
            assert!(
                reason.nl.ends_with('.') && reason.en.ends_with('.') && reason.nl != reason.en,
                "{code:?}"
            );
        }
    }
}
