//! What JKC is told.

use crate::model::cause::Cause;
use crate::model::chat::{Delivery, PrivateMessage, PublicMessage};
use crate::model::ids::{
    AgentId, CallId, ChatId, CommandId, ContactId, DeviceId, MessageId, NotificationId, OfferId,
    OfflineMessageId, ProviderId, QueueId, RouteId, SessionId, TransferId,
};
use crate::model::time::Time;
use serde::{Deserialize, Serialize};

/// One notification. It names its object; the object itself is rendered from the state right after the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The same over all retries.
    pub id: NotificationId,
    /// What happened.
    pub kind: Kind,
    /// About what.
    pub subject: Subject,
    /// The contact, and this notification's number in it (1, 2, 3 … without a gap); none for a provider or an agent.
    pub contact: Option<(ContactId, u64)>,
    /// At which device, where it is about one connection.
    pub device: Option<DeviceId>,
    /// For which agent, where one sits there.
    pub agent: Option<AgentId>,
    /// Why.
    pub cause: Cause,
    /// The command that caused it.
    pub command: Option<CommandId>,
    /// Built from a snapshot or a deadline rather than seen to happen.
    pub reconstructed: bool,
    /// When it happened.
    pub at: Time,
    /// When it is of no use any more as a pop-up (ringing).
    pub expires: Option<Time>,
}

/// The object of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Subject {
    /// A call.
    Call(CallId),
    /// A transfer.
    Transfer(TransferId),
    /// An agent.
    Agent(AgentId),
    /// A contact session.
    Session(SessionId),
    /// A routing.
    Route(RouteId),
    /// A command.
    Command(CommandId),
    /// A provider.
    Provider(ProviderId),
    /// A chat.
    Chat(ChatId),
    /// An offer or invitation, of a chat.
    Offer(ChatId, OfferId),
    /// What was said in a chat: the message with its words, so that whoever is told has no need to ask. A private one is
    /// told to JKC as what it is.
    Message(Box<MessageTold>),
    /// A message that was left while nobody could chat; for which queue.
    Offline(OfflineMessageId, QueueId),
}

/// A message as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageTold {
    /// One that the visitor sees.
    Public(PublicMessage),
    /// One among agents.
    Internal(PrivateMessage),
    /// Whether one reached the visitor.
    Delivery(ChatId, MessageId, Delivery),
}

impl MessageTold {
    /// Of which chat.
    pub fn chat(&self) -> ChatId {
        match self {
            MessageTold::Public(message) => message.chat,
            MessageTold::Internal(message) => message.chat,
            MessageTold::Delivery(chat, ..) => *chat,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened. The outward type is `nl.schakel.<name>.v1`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The name without prefix and version: `call.ringing`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }

            /// The CloudEvents type: `nl.schakel.call.ringing.v1`.
            pub const fn event_type(self) -> &'static str {
                match self { $(Kind::$name => concat!("nl.schakel.", $text, ".v1"),)* }
            }
        }
    };
}

kinds! {
    /// A call is offered to a device before it rings.
    CallOffered = "call.offered",
    /// A call rings at a device of ours: the pop-up (T03).
    CallRinging = "call.ringing",
    /// A device of ours answered (T04), or the called party did on a call that we dialled.
    CallAnswered = "call.answered",
    /// It rang here and was answered by another.
    CallAnsweredElsewhere = "call.answered-elsewhere",
    /// Put on hold (T05).
    CallHeld = "call.held",
    /// Taken from hold (T06).
    CallRetrieved = "call.retrieved",
    /// A device of ours dials (T12).
    CallDialling = "call.dialling",
    /// It rings at the other side.
    CallAlertingRemote = "call.alerting-remote",
    /// Waits in a queue.
    CallQueued = "call.queued",
    /// Left a device for another destination.
    CallDiverted = "call.diverted",
    /// Became a conference.
    CallConferenced = "call.conferenced",
    /// Its data changed: parties, permitted actions, correlator; or it is certain again after a lost link.
    CallUpdated = "call.updated",
    /// It ended (T09).
    CallEnded = "call.ended",
    /// An inbound call ended before anybody answered it.
    CallMissed = "call.missed",
    /// It could not be completed: busy, unobtainable.
    CallFailed = "call.failed",
    /// The link is lost: shown as it was last known.
    CallStale = "call.stale",
    /// Found in a snapshot: its beginning was missed.
    CallReconstructed = "call.reconstructed",
    /// A transfer began.
    TransferStarted = "transfer.started",
    /// The colleague's telephone rings.
    TransferRinging = "transfer.ringing",
    /// The colleague is on the line, the customer waits.
    TransferConsulting = "transfer.consulting",
    /// The colleague has the customer.
    TransferCompleted = "transfer.completed",
    /// The agent has the customer back.
    TransferTakenBack = "transfer.taken-back",
    /// It came to nothing.
    TransferFailed = "transfer.failed",
    /// A user sits at an extension, or left it (T14).
    AgentRegistered = "agent.registered",
    /// An agent can take other work than before (T02).
    AgentAvailabilityChanged = "agent.availability-changed",
    /// After-call work began (T11).
    AgentAfterCallStarted = "agent.after-call-started",
    /// After-call work ended: the agent is free.
    AgentAfterCallEnded = "agent.after-call-ended",
    /// A call arrived while a session is open: keep it or ignore it? (T16)
    SessionDecisionAsked = "session.decision-asked",
    /// A session is kept for later.
    SessionParked = "session.parked",
    /// A session goes on.
    SessionResumed = "session.resumed",
    /// A session is over.
    SessionClosed = "session.closed",
    /// A PBX asks where a call shall go (T01).
    RouteRequested = "route.requested",
    /// JKC said where.
    RouteDecided = "route.decided",
    /// JKC did not say in time: the configuration did.
    RouteFellBack = "route.fell-back",
    /// A visitor is there (O06).
    ChatOpened = "chat.opened",
    /// A chat waits for an agent, for the first time or again.
    ChatQueued = "chat.queued",
    /// A chat is offered to an agent, or he is invited into one: the pop-up and the tone (C03, O20).
    ChatOffered = "chat.offered",
    /// He took it.
    ChatAccepted = "chat.accepted",
    /// He declined it (W02).
    ChatRejected = "chat.rejected",
    /// He ignored it (C03).
    ChatExpired = "chat.expired",
    /// It was taken away from him: the visitor left, his telephone rang.
    ChatRevoked = "chat.revoked",
    /// Visitor and agent can talk.
    ChatActive = "chat.active",
    /// Something was said.
    ChatMessage = "chat.message",
    /// A message reached the visitor, or did not.
    ChatDelivery = "chat.delivery",
    /// An agent takes part (O08).
    ChatParticipantJoined = "chat.participant-joined",
    /// An agent takes part no more (O21).
    ChatParticipantLeft = "chat.participant-left",
    /// An agent is invited (O20, W07).
    ChatInvited = "chat.invited",
    /// The chat has another owner (O22).
    ChatTransferred = "chat.transferred",
    /// The visitor's connection is lost, or his page hidden.
    ChatVisitorAway = "chat.visitor-away",
    /// The visitor is back.
    ChatVisitorReturned = "chat.visitor-returned",
    /// Its data changed: fields, the text that the visitor is shown.
    ChatUpdated = "chat.updated",
    /// The talking is over (W10).
    ChatEnded = "chat.ended",
    /// It is kept, with all that JKC's record needs (C06).
    ChatArchived = "chat.archived",
    /// It was taken out.
    ChatRemoved = "chat.removed",
    /// The visitor said what he thought of it (O18).
    ChatRated = "chat.rated",
    /// Somebody watches unseen (O23). For the organisation's log.
    ChatObserved = "chat.observed",
    /// A message was left while nobody could chat (C14).
    ChatOfflineReceived = "chat.offline-received",
    /// An agent came into the chat channel, or left it (O02).
    AgentChatChanged = "agent.chat-changed",
    /// A command has its outcome.
    CommandCompleted = "command.completed",
    /// A provider is up and everything known of it is current.
    ProviderUp = "provider.up",
    /// A provider's link is lost.
    ProviderDown = "provider.down",
    /// What a lost link may have hidden has been repaired.
    ProviderResynced = "provider.resynced",
}

impl Kind {
    /// The kind of an outward name, with or without prefix and version.
    pub fn from_name(name: &str) -> Option<Kind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name || kind.event_type() == name)
    }
}
