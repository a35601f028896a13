//! The seam between the house and a protocol.
//!
//! An adapter is a pure state machine. It opens no socket and reads no clock: the link ([`Adapter::handle`]'s caller)
//! owns the I/O, gives it what arrived together with the time, and does what it asks for.
//!
//! ```text
//!   link ── Opened · Received · Closed · Execute · Tick ──►  Adapter
//!   link ◄─ Transmit · Close · Ready · Snapshot · Resynced · Report · Reply · Fault ──
//! ```
//!
//! Contract:
//! * `Opened` starts a fresh connection; everything that the adapter knew of the old one is void.
//! * After `Opened` the adapter logs in, starts monitors, takes snapshots; each device's [`Output::Snapshot`] is
//!   given out in the order of the wire (so that events after it are newer), then [`Output::Resynced`] once.
//! * Each [`Input::Execute`] gets exactly one [`Output::Reply`], unless the connection closes first: then the core
//!   itself ends the command.
//! * A fault of the peer that leaves the stream readable is [`Output::Fault`] and the connection lives on; one that
//!   does not is [`Output::Close`].

use crate::command::Refusal;
use crate::model::action::ActionSet;
use crate::model::agent::RequestedAgentState;
use crate::model::chat::{PrivateMessage, Spoken};
use crate::model::chat_service::AgentPresence;
use crate::model::ids::{AgentId, CommandId, DeviceId, FileId, ProviderChatId, QueueId, Str};
use crate::model::pii::Pii;
use crate::model::provider::Capabilities;
use crate::model::time::{Millis, Time};
use crate::report::chat::ArchivePosition;
use crate::report::{DeviceSnapshot, EventReport, ProviderConnection};
use serde::{Deserialize, Serialize};

/// A protocol's state machine, over the protocol's own unit: bytes where the adapter frames them itself, a stanza where a
/// library owns the transport and the link hands over what it read.
pub trait Adapter<Unit: ToOwned + ?Sized = [u8]> {
    /// Takes what happened at `now` and pushes what is to be done, in order.
    fn handle(&mut self, input: Input<'_, Unit>, now: Time, output: &mut Vec<Output<Unit::Owned>>);

    /// When it wants an [`Input::Tick`], if nothing else happens before.
    fn next_deadline(&self) -> Option<Time>;

    /// What the operator may look at: counters and the last messages that were refused.
    fn observations(&self) -> Observations;
}

/// What happened on an adapter's side of the house.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input<'a, Unit: ?Sized = [u8]> {
    /// What the core knows of this provider's conversations; before [`Input::Opened`], for chat providers.
    Remember(&'a Memory),
    /// A connection is open.
    Opened,
    /// A unit arrived. Bytes may be cut anywhere.
    Received(&'a Unit),
    /// The connection closed, for this reason. One that the link resumes by itself (XEP-0198) did not.
    Closed(&'a str),
    /// The core wants this done.
    Execute(&'a ProviderCommand),
    /// The core wants this said or done in a conversation.
    Converse(&'a ChatOperation),
    /// An agent types; what, where his client says it. Passed on and forgotten (O11).
    Typing {
        /// In which conversation.
        chat: &'a ProviderChatId,
        /// The agent's nickname.
        nickname: &'a str,
        /// Whether he still does.
        typing: bool,
    },
    /// Under which name the peer knows this connection: a full JID. Before [`Input::Opened`], where there is one.
    Named(&'a str),
    /// The peer has taken so many of the units that were transmitted since [`Input::Opened`] (XEP-0198), over all
    /// resumptions of the connection.
    Acknowledged(u64),
    /// What became of an [`Output::Upload`].
    Uploaded {
        /// Which.
        upload: u64,
        /// Where it can be had is known already; an error in words.
        result: Result<(), Str>,
    },
    /// The deadline that was asked for has come.
    Tick,
}

/// What an adapter wants to be done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output<Unit = Vec<u8>> {
    /// Send this.
    Transmit(Unit),
    /// Close the connection: it is of no use any more. The link reconnects with back-off.
    Close(CloseReason),
    /// Logged in; this is what the provider can do. Monitors and snapshots follow.
    Ready(Capabilities),
    /// What one device looks like now.
    Snapshot(DeviceSnapshot),
    /// All devices have been looked at; these could not be.
    Resynced {
        /// Devices of which no snapshot could be had; their calls stay stale until their deadline.
        without_snapshot: Vec<DeviceId>,
    },
    /// Something happened.
    Report(EventReport),
    /// The one answer to a command.
    Reply {
        /// Which command.
        command: CommandId,
        /// Which step of it.
        step: u8,
        /// What came of it.
        result: Result<Done, Refusal>,
    },
    /// A visitor types (O11): never stored, never in a webhook.
    Typing(Typing),
    /// Put a file where the provider said (XEP-0363): HTTP PUT, then [`Input::Uploaded`].
    Upload {
        /// To know it again.
        upload: u64,
        /// Which file of the house.
        file: FileId,
        /// What it is.
        media_type: Str,
        /// Where to.
        url: Str,
        /// Headers that the provider wants.
        headers: Vec<(Str, Str)>,
    },
    /// The peer sent something that was refused; it is kept in [`Observations`], and the connection lives on.
    Fault(Str),
}

/// Why an adapter closes a connection, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// For the operator: what, where, and how to mend it.
    pub text: Str,
    /// Trying again at once would only fail again (a wrong password): wait for the longest back-off.
    pub fatal: bool,
}

/// A command as a provider gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderCommand {
    /// The command of JKC that it serves.
    pub command: CommandId,
    /// Its step, from 0: some commands take several.
    pub step: u8,
    /// How long an answer may take.
    pub limit: Millis,
    /// What to do.
    pub operation: Operation,
}

/// What can be asked of a provider (ECMA-269 clause 17.1 and 22.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Operation {
    /// AnswerCall.
    Answer(ProviderConnection),
    /// HoldCall.
    Hold(ProviderConnection),
    /// RetrieveCall.
    Retrieve(ProviderConnection),
    /// ClearConnection.
    Clear(ProviderConnection),
    /// MakeCall.
    MakeCall {
        /// From this device.
        device: DeviceId,
        /// To this number or extension.
        destination: Pii<Str>,
        /// Correlator data to give along, as text.
        correlator: Option<Str>,
    },
    /// ConsultationCall.
    Consult {
        /// The call that goes on hold.
        existing: ProviderConnection,
        /// To this number or extension.
        destination: Pii<Str>,
    },
    /// AlternateCall.
    Alternate {
        /// The held call.
        held: ProviderConnection,
        /// The active call.
        active: ProviderConnection,
    },
    /// ReconnectCall: clears the active call and retrieves the held one.
    Reconnect {
        /// The active call.
        active: ProviderConnection,
        /// The held call.
        held: ProviderConnection,
    },
    /// TransferCall.
    Transfer {
        /// The held call.
        held: ProviderConnection,
        /// The active call.
        active: ProviderConnection,
    },
    /// ConferenceCall.
    Conference {
        /// The held call.
        held: ProviderConnection,
        /// The active call.
        active: ProviderConnection,
    },
    /// SingleStepTransferCall.
    SingleStepTransfer {
        /// The call that moves.
        active: ProviderConnection,
        /// To this number or extension.
        destination: Pii<Str>,
    },
    /// DeflectCall.
    Deflect {
        /// The ringing call.
        alerting: ProviderConnection,
        /// To this number or extension.
        destination: Pii<Str>,
    },
    /// DirectedPickupCall.
    PickUp {
        /// The call where it rings.
        alerting: ProviderConnection,
        /// The device that takes it.
        device: DeviceId,
    },
    /// GenerateDigits.
    Digits {
        /// The connected call.
        connection: ProviderConnection,
        /// `0-9`, `*`, `#`, `A-D`.
        digits: Pii<Str>,
    },
    /// SetDoNotDisturb.
    SetDoNotDisturb {
        /// Where.
        device: DeviceId,
        /// On or off.
        on: bool,
    },
    /// SetAgentState (ECMA-269 clause 22).
    SetAgentState {
        /// Where the agent sits.
        device: DeviceId,
        /// The PBX's agent id, where it has one.
        agent: Option<Str>,
        /// What he is to be.
        state: RequestedAgentState,
        /// The queues that he logs on to or off from; empty where the PBX knows by itself.
        queues: Vec<DeviceId>,
    },
    /// GetAgentState; what it says comes as a report, before the reply. From now on an adapter whose PBX does not report
    /// agent states asks for this device's again and again.
    GetAgentState {
        /// Where the agent sits.
        device: DeviceId,
    },
    /// RouteSelect (ECMA-269 clause 20). Has no answer of its own: the reply says that it was sent.
    RouteSelect {
        /// The PBX's id of the dialogue.
        dialogue: Str,
        /// Where the call goes.
        destination: Pii<Str>,
    },
    /// RouteReject: the PBX does what it would have done. As RouteSelect.
    RouteReject {
        /// The PBX's id of the dialogue.
        dialogue: Str,
    },
    /// SetForwarding, immediate.
    SetForwarding {
        /// Where.
        device: DeviceId,
        /// To; none switches it off.
        destination: Option<Pii<Str>>,
    },
}

/// What can be asked of a chat provider. Its result comes as a report; what was not confirmed is asked again after a lost
/// link, so each is idempotent by what it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ChatOperation {
    /// Give this to the visitor.
    Say {
        /// In which conversation.
        chat: ProviderChatId,
        /// What. Only what is public can be one.
        spoken: Box<Spoken>,
    },
    /// Give this to the other agents, in a room of their own which no visitor enters (W08).
    SayPrivately {
        /// Beside which conversation.
        chat: ProviderChatId,
        /// What.
        message: Box<PrivateMessage>,
        /// The author's nickname.
        nickname: Str,
    },
    /// An agent takes part.
    Join {
        /// In which conversation.
        chat: ProviderChatId,
        /// Who.
        agent: AgentId,
        /// What visitors see him called.
        nickname: Str,
    },
    /// An agent takes part no more.
    Leave {
        /// In which conversation.
        chat: ProviderChatId,
        /// Who.
        agent: AgentId,
    },
    /// The conversation is over.
    End {
        /// Which.
        chat: ProviderChatId,
    },
    /// What the visitor sent is kept: a promise, and therefore made only now (XEP-0184). Made again when he repeats it.
    Kept {
        /// In which conversation.
        chat: ProviderChatId,
        /// The keys of what he sent.
        keys: Vec<Str>,
    },
    /// What the visitor sent was not taken.
    Refuse {
        /// In which conversation.
        chat: ProviderChatId,
        /// The keys of what he sent.
        keys: Vec<Str>,
        /// Why, in the visitor's language.
        text: Str,
        /// He may try again later.
        can_retry: bool,
    },
    /// Show what an agent is.
    Show(AgentPresence),
}

impl ChatOperation {
    /// The conversation that it is about.
    pub fn chat(&self) -> Option<&ProviderChatId> {
        match self {
            ChatOperation::Say { chat, .. }
            | ChatOperation::SayPrivately { chat, .. }
            | ChatOperation::Join { chat, .. }
            | ChatOperation::Leave { chat, .. }
            | ChatOperation::End { chat }
            | ChatOperation::Kept { chat, .. }
            | ChatOperation::Refuse { chat, .. } => Some(chat),
            ChatOperation::Show(_) => None,
        }
    }
}

/// What the core knows of a provider's conversations: what an adapter goes on from after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// How far each archive has been read.
    pub archives: Vec<ArchivePosition>,
    /// Live conversations.
    pub conversations: Vec<Conversation>,
    /// The agents in the chat channel, and what they are.
    pub agents: Vec<AgentPresence>,
}

/// A live conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Which.
    pub chat: ProviderChatId,
    /// The queue that it belongs to.
    pub queue: QueueId,
    /// The agents who take part, with their nicknames.
    pub agents: Vec<(AgentId, Str)>,
}

/// A visitor types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// In which conversation.
    pub chat: ProviderChatId,
    /// Whether he still does.
    pub typing: bool,
    /// What is in his field, where his program says (XEP-0301) and the queue allows it.
    pub text: Option<Pii<Str>>,
}

/// A positive answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// The connection that the answer names: the new call of a dial or consultation, the resulting call of a transfer.
    pub connection: Option<ProviderConnection>,
}

/// What an adapter has seen, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observations {
    /// Counters by name (`messages_received`, `messages_refused`, `late_responses` …), sorted by name.
    pub counters: Vec<(&'static str, u64)>,
    /// The last messages that were refused, oldest first, bounded.
    pub refused: Vec<RefusedMessage>,
    /// The operations that were refused by the provider as not supported, so that they are not offered again.
    pub unsupported: ActionSet,
}

/// A message that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMessage {
    /// When it came.
    pub at: Time,
    /// What is wrong with it, and where.
    pub reason: Str,
    /// The message itself, cut to a bound.
    pub message: Pii<Vec<u8>>,
}
