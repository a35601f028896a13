//! What JKC may ask, and how it is answered: one command, one outcome (rule 5).

pub mod chat;

use self::chat::ChatCommand;
use crate::model::action::{Action, Reason};
use crate::model::agent::{Readiness, RequestedAgentState};
use crate::model::ids::{
    AgentId, CallId, ChatId, CommandId, ContactId, DeviceId, OfferId, OfflineMessageId, ProviderId, RouteId,
    SessionId, Str, TransferId,
};
use crate::model::pii::Pii;
use crate::model::route::RouteDecision;
use crate::model::session::Decision;
use crate::model::time::Time;
use crate::model::transfer::TransferKind;
use serde::{Deserialize, Serialize};

/// What JKC asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// A user sits at an extension (T14). Takes over from whoever sat there.
    Register {
        /// Who.
        agent: AgentId,
        /// At which PBX.
        provider: ProviderId,
        /// At which extension.
        device: DeviceId,
        /// The PBX's agent id.
        provider_agent: Option<Str>,
        /// The queues that he serves.
        queues: Vec<DeviceId>,
    },
    /// A user leaves. Idempotent.
    Unregister {
        /// Who.
        agent: AgentId,
    },
    /// A user wants calls, or not (T02).
    SetReadiness {
        /// Who.
        agent: AgentId,
        /// Whether.
        readiness: Readiness,
    },
    /// A PBX follows: schakel's own, so that its agents are what ours are (T11).
    SetAgentState {
        /// Who.
        agent: AgentId,
        /// What the PBX makes of him.
        state: RequestedAgentState,
    },
    /// What does a PBX make of him? Schakel's own, after a registration and a resynchronisation.
    GetAgentState {
        /// Who.
        agent: AgentId,
    },
    /// JKC opens a contact session.
    OpenSession {
        /// Whose.
        agent: AgentId,
        /// About which contact.
        contact: Option<ContactId>,
        /// JKC's own reference.
        reference: Option<Str>,
    },
    /// JKC changes a contact session.
    ChangeSession {
        /// Which.
        session: SessionId,
        /// How.
        change: SessionChange,
    },
    /// JKC says where a call goes.
    DecideRoute {
        /// Which question it answers.
        route: RouteId,
        /// Where.
        decision: RouteDecision,
    },
    /// Start a call (T12).
    Dial {
        /// From the device where this agent sits.
        agent: AgentId,
        /// To this number or extension.
        destination: Pii<Str>,
        /// JKC's reference of the customer, kept with the contact.
        reference: Option<Str>,
    },
    /// Do something to a call at a device (T05, T06, T09, T15 …).
    Control {
        /// Which call.
        call: CallId,
        /// At which device of ours. For a pick-up: the device that takes it.
        device: DeviceId,
        /// What.
        control: Control,
    },
    /// Hand a customer over (T07, T08).
    Transfer {
        /// Which call.
        call: CallId,
        /// From which device.
        device: DeviceId,
        /// To this number or extension.
        to: Pii<Str>,
        /// Warm or cold.
        kind: TransferKind,
        /// The department that was chosen (T24), where one was.
        department: Option<Str>,
    },
    /// The colleague takes over now.
    CompleteTransfer {
        /// Which transfer.
        transfer: TransferId,
    },
    /// The agent takes the customer back. Idempotent.
    TakeBack {
        /// Which transfer.
        transfer: TransferId,
    },
    /// Set a device's do-not-disturb.
    SetDoNotDisturb {
        /// At which PBX.
        provider: ProviderId,
        /// Where.
        device: DeviceId,
        /// On or off.
        on: bool,
    },
    /// Set or reset a device's forwarding.
    SetForwarding {
        /// At which PBX.
        provider: ProviderId,
        /// Where.
        device: DeviceId,
        /// To; none switches it off.
        destination: Option<Pii<Str>>,
    },
    /// Something about chats.
    Chat(ChatCommand),
}

impl Command {
    /// The action that it is; none for what asks nothing of a provider, such as registering.
    pub const fn action(&self) -> Option<Action> {
        Some(match self {
            Command::Register { .. }
            | Command::Unregister { .. }
            | Command::SetReadiness { .. }
            | Command::GetAgentState { .. }
            | Command::OpenSession { .. }
            | Command::ChangeSession { .. }
            | Command::Chat(_) => return None,
            Command::SetAgentState { .. } => Action::SetAgentState,
            Command::DecideRoute { .. } => Action::DecideRoute,
            Command::Dial { .. } => Action::Dial,
            Command::Control { control, .. } => control.action(),
            Command::Transfer { kind: TransferKind::Warm, .. } => Action::TransferWarm,
            Command::Transfer { kind: TransferKind::Cold, .. } => Action::TransferCold,
            Command::CompleteTransfer { .. } => Action::CompleteTransfer,
            Command::TakeBack { .. } => Action::TakeBack,
            Command::SetDoNotDisturb { .. } => Action::SetDoNotDisturb,
            Command::SetForwarding { .. } => Action::SetForwarding,
        })
    }
}

/// What is done to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionChange {
    /// Keep it for later.
    Park,
    /// Go on with it.
    Resume,
    /// It is over: the agent is free.
    Close,
    /// A call has arrived: keep the session or ignore it (T16).
    Decide {
        /// Which call.
        call: CallId,
        /// What becomes of the session.
        decision: Decision,
    },
}

/// What is done to one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Take it.
    Answer,
    /// Put it on hold.
    Hold,
    /// Take it from hold.
    Retrieve,
    /// Leave the call.
    HangUp,
    /// Send tones.
    Dtmf(Pii<Str>),
    /// Send the ringing call elsewhere.
    Deflect(Pii<Str>),
    /// Take a call that rings elsewhere, at the command's device.
    PickUp,
    /// Call a colleague while this call holds: a warm transfer that may also end in a conference.
    Consult(Pii<Str>),
    /// Join the held and the active call of this device.
    Conference,
    /// Swap the held and the active call of this device.
    Alternate,
}

impl Control {
    /// The action that it is.
    pub const fn action(&self) -> Action {
        match self {
            Control::Answer => Action::Answer,
            Control::Hold => Action::Hold,
            Control::Retrieve => Action::Retrieve,
            Control::HangUp => Action::HangUp,
            Control::Dtmf(_) => Action::Dtmf,
            Control::Deflect(_) => Action::Deflect,
            Control::PickUp => Action::PickUp,
            Control::Consult(_) => Action::Consult,
            Control::Conference => Action::Conference,
            Control::Alternate => Action::Alternate,
        }
    }
}

/// Who asks: for the timeline and the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The id of the access token (never its secret), or `demo`, `cli`.
    pub token: Str,
    /// What the access token is called, where it was one.
    pub name: Option<Str>,
    /// The agent that the token is bound to.
    pub agent: Option<AgentId>,
    /// The address that the request came from.
    pub from: Option<Str>,
}

impl Actor {
    /// One who came by no token and from no address: `cli`, `demo`, schakel itself.
    pub fn named(name: &str) -> Self {
        Self { token: name.into(), name: None, agent: None, from: None }
    }
}

/// A command with its life (kept in the state until some time after its outcome).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// Ours.
    pub id: CommandId,
    /// What was asked.
    pub command: Command,
    /// By whom.
    pub by: Actor,
    /// When it was accepted.
    pub accepted: Time,
    /// Its life.
    pub state: CommandState,
    /// The step that was sent last.
    pub step: u8,
    /// At which device it is done; none for a command that asks nothing of a provider.
    pub device: Option<(ProviderId, DeviceId)>,
    /// What it concerns: known for most from the start, for a dial once the call exists.
    pub call: Option<CallId>,
    /// The transfer that it made or concerns.
    pub transfer: Option<TransferId>,
    /// The session that it made or concerns.
    pub session: Option<SessionId>,
    /// The routing that it concerns.
    pub route: Option<RouteId>,
    /// The chat that it made or concerns.
    pub chat: Option<ChatId>,
    /// The offer or invitation that it made or concerns.
    pub offer: Option<OfferId>,
    /// The offline message that it left.
    pub offline: Option<OfflineMessageId>,
    /// When the time limit passes.
    pub deadline: Time,
}

/// The life of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandState {
    /// Journalled, waiting for something before it can be sent (a take-back before the consultation exists).
    Accepted,
    /// Sent to the provider.
    Sent,
    /// Ended.
    Done {
        /// When.
        at: Time,
        /// How.
        outcome: CommandOutcome,
    },
}

/// The one outcome of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandOutcome {
    /// Done: the provider confirmed, or what it was to bring about is seen to be so.
    Succeeded,
    /// Refused, by the core or by the provider.
    Refused(Refusal),
}

/// A refusal is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub cause: RefusalCause,
    /// The rule that says no, where it is one of ours.
    pub reason: Option<Reason>,
    /// In words: what, where, how to mend; a provider's own words where it gave any.
    pub detail: Str,
    /// Whether the same again may work.
    pub can_retry: bool,
}

macro_rules! refusal_causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $retry:literal;)*) => {
        /// Why a command was refused. The outward names are close to ECMA-323's `CSTAErrorCode`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum RefusalCause {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCause {
            /// All of them.
            pub const ALL: &'static [RefusalCause] = &[$(RefusalCause::$name,)*];

            /// The outward name.
            pub const fn as_str(self) -> &'static str {
                match self { $(RefusalCause::$name => $text,)* }
            }

            /// Whether the same again may work.
            pub const fn can_retry(self) -> bool {
                match self { $(RefusalCause::$name => $retry,)* }
            }
        }
    };
}

refusal_causes! {
    /// The connection is not in a state that allows it.
    InvalidConnectionState = "invalidConnectionState", false;
    /// No such call.
    UnknownCall = "unknownCall", false;
    /// No such device, or not one of ours.
    UnknownDevice = "unknownDevice", false;
    /// No such transfer.
    UnknownTransfer = "unknownTransfer", false;
    /// No such session.
    UnknownSession = "unknownSession", false;
    /// No such routing.
    UnknownRoute = "unknownRoute", false;
    /// No such contact.
    UnknownContact = "unknownContact", false;
    /// The session is not in a state that allows it.
    InvalidSessionState = "invalidSessionState", false;
    /// The agent has another session open.
    SessionOpen = "sessionOpen", false;
    /// No such chat.
    UnknownChat = "unknownChat", false;
    /// No such offer.
    UnknownOffer = "unknownOffer", false;
    /// No such queue.
    UnknownQueue = "unknownQueue", false;
    /// The chat is not in a state that allows it.
    InvalidChatState = "invalidChatState", false;
    /// The offer was answered, expired or taken away before.
    OfferClosed = "offerClosed", false;
    /// The agent is not in the chat channel.
    NotInChannel = "notInChannel", false;
    /// The agent does not take part in the chat.
    NotParticipant = "notParticipant", false;
    /// The last agent cannot leave a chat (O21): invite another, or end it.
    LastAgent = "lastAgent", false;
    /// One invitation at a time (W07).
    InvitationOpen = "invitationOpen", false;
    /// Whoever is asked for has no room for it, or cannot be reached.
    AgentNotAvailable = "agentNotAvailable", true;
    /// Another message was sent under this id before.
    MessageConflict = "messageConflict", false;
    /// What was sent cannot be taken: empty, too large, of a kind that is not taken.
    InvalidContent = "invalidContent", false;
    /// Too much in too short a time.
    TooFast = "tooFast", true;
    /// It was decided otherwise before.
    AlreadyDecided = "alreadyDecided", false;
    /// No such provider.
    UnknownProvider = "unknownProvider", false;
    /// The agent is registered nowhere.
    NotRegistered = "notRegistered", false;
    /// The destination is no number or cannot be reached.
    InvalidDestination = "invalidDestination", false;
    /// The provider cannot do it.
    NotSupported = "notSupported", false;
    /// The provider does not permit it.
    NotPermitted = "notPermitted", false;
    /// The device is out of service.
    DeviceOutOfService = "deviceOutOfService", true;
    /// Something is busy: the device, a line.
    ResourceBusy = "resourceBusy", true;
    /// A limit of the provider is reached.
    LimitExceeded = "limitExceeded", true;
    /// The link to the provider is down.
    LinkDown = "linkDown", true;
    /// No answer within the time limit; the outcome at the provider is unknown, the state shown is what is known.
    Timeout = "timeout", true;
    /// The caller acted on an old picture (`If-Match`).
    VersionMismatch = "versionMismatch", true;
    /// The other party has gone.
    PartyGone = "partyGone", false;
    /// The provider refused for a reason of its own; see the detail.
    ProviderRefused = "providerRefused", false;
    /// The daemon was restarted before an answer came; the state shown is what is known.
    Interrupted = "interrupted", true;
}

impl Refusal {
    /// A refusal of this kind, in these words.
    pub fn new(cause: RefusalCause, detail: impl Into<Str>) -> Self {
        Self { cause, reason: None, detail: detail.into(), can_retry: cause.can_retry() }
    }

    /// A refusal because an action is not allowed now.
    pub fn not_allowed(cause: RefusalCause, reason: Reason) -> Self {
        Self { cause, reason: Some(reason), detail: reason.english().into(), can_retry: cause.can_retry() }
    }
}
