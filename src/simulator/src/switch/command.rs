//! What can be asked of the switch, and what it answers.

use std::sync::Arc;

use super::event::Moved;
use super::model::{AgentRequest, CallId, ConnectionId, Forwarding, Number, RegistrationId, RouteId};

/// Something that an application, a person at a telephone or someone outside does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An extension calls.
    MakeCall {
        /// The extension.
        from: Number,
        /// What it dials.
        to: Number,
        /// It must be picked up first.
        prompt: bool,
        /// Data to hang on the call (hexadecimal).
        correlator: Option<Arc<str>>,
    },
    /// Someone outside calls in.
    OutsideCall {
        /// The number; `None`: withheld.
        from: Option<Number>,
        /// The extension, queue or routing point that is called.
        to: Number,
        /// Data to hang on the call (hexadecimal).
        correlator: Option<Arc<str>>,
    },
    /// A ringing call is answered, or a prompted telephone is picked up.
    Answer(ConnectionId),
    /// The active call is put on hold.
    Hold(ConnectionId),
    /// A held call is taken back.
    Retrieve(ConnectionId),
    /// Held and active call are swapped.
    Alternate {
        /// The held connection.
        held: ConnectionId,
        /// The active connection of the same device.
        active: ConnectionId,
    },
    /// The active call is ended and the held one taken back.
    Reconnect {
        /// The held connection.
        held: ConnectionId,
        /// The active connection of the same device.
        active: ConnectionId,
    },
    /// The active call is put on hold and another device called.
    Consult {
        /// The active connection.
        existing: ConnectionId,
        /// Whom to ask.
        to: Number,
        /// Data to hang on the new call (hexadecimal).
        correlator: Option<Arc<str>>,
    },
    /// The parties of both calls are joined, the device leaves (warm transfer).
    Transfer {
        /// The held connection.
        held: ConnectionId,
        /// The active connection of the same device.
        active: ConnectionId,
    },
    /// The parties of both calls and the device are joined.
    Conference {
        /// The held connection.
        held: ConnectionId,
        /// The active connection of the same device.
        active: ConnectionId,
    },
    /// The call is given to another device without asking (cold transfer).
    SingleStepTransfer {
        /// The active connection.
        active: ConnectionId,
        /// Who gets it.
        to: Number,
    },
    /// Another device is asked into the call.
    SingleStepConference {
        /// The active connection.
        active: ConnectionId,
        /// Who is asked in.
        to: Number,
        /// It only listens.
        silent: bool,
    },
    /// A ringing or waiting call is sent elsewhere.
    Deflect {
        /// The connection.
        connection: ConnectionId,
        /// Where to.
        to: Number,
    },
    /// A call that rings elsewhere is taken.
    DirectedPickup {
        /// The ringing connection.
        connection: ConnectionId,
        /// Who takes it.
        by: Number,
    },
    /// The longest ringing call of the pickup group is taken.
    GroupPickup {
        /// Who takes it.
        by: Number,
    },
    /// Tones are sent into the call.
    Digits {
        /// The connection that sends.
        connection: ConnectionId,
        /// The digits: `0`–`9`, `*`, `#`, `A`–`D`.
        digits: Arc<str>,
    },
    /// Data is hung on the call, in place of what was there.
    AssociateData {
        /// A connection of the call.
        connection: ConnectionId,
        /// The data (hexadecimal).
        correlator: Arc<str>,
    },
    /// One party leaves.
    ClearConnection(ConnectionId),
    /// The whole call ends.
    ClearCall(CallId),
    /// The called outside party turns out to be busy.
    OutsideBusy(ConnectionId),
    /// Do-not-disturb on or off.
    SetDoNotDisturb {
        /// The extension.
        device: Number,
        /// On.
        on: bool,
    },
    /// A forwarding is set or ended.
    SetForwarding {
        /// The extension.
        device: Number,
        /// Which.
        kind: Forwarding,
        /// Where to; `None` ends it.
        to: Option<Number>,
    },
    /// An agent logs on or off, or changes state.
    SetAgentState {
        /// The extension.
        device: Number,
        /// The agent; needed to log on.
        agent: Option<Arc<str>>,
        /// The queue to log on to or off from; `None`: every queue that the extension is a member of. An agent may
        /// log on to several, one by one.
        group: Option<Number>,
        /// What is asked.
        request: AgentRequest,
        /// Why, for not ready.
        reason: Option<Arc<str>>,
    },
    /// An application wants to be asked where calls shall go.
    RouteRegister {
        /// The routing point; `None`: all of them.
        point: Option<Number>,
    },
    /// An application no longer wants to be asked; what it has been asked already it may still answer.
    RouteCancel(RegistrationId),
    /// The switch asks no more, of one registration or of all; what is open goes to the default destination.
    RouteAbort(Option<RegistrationId>),
    /// The answer to a route request: go there.
    RouteSelect {
        /// The dialogue.
        route: RouteId,
        /// Where.
        to: Number,
        /// Whether the application wants to know where the call went in the end.
        tell_used: bool,
        /// Data to hang on the call (hexadecimal).
        correlator: Option<Arc<str>>,
    },
    /// The answer to a route request: not by this application.
    RouteReject(RouteId),
    /// The application ends the dialogue.
    RouteEnd(RouteId),
    /// An extension goes out of or comes back into service.
    SetOutOfService {
        /// The extension.
        device: Number,
        /// Out of service.
        out: bool,
    },
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, nothing to tell.
    Done,
    /// Done; this is the connection that came of it.
    Connection(ConnectionId),
    /// Two calls became one.
    Joined {
        /// A connection of the resulting call.
        connection: ConnectionId,
        /// Its parties.
        parties: Vec<Moved>,
    },
    /// It will be done when the agent's call is over.
    Pending(AgentRequest),
    /// The application will be asked.
    Registered(RegistrationId),
}

impl Outcome {
    /// The connection that came of the command.
    #[must_use]
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Connection(connection) | Self::Joined { connection, .. } => Some(connection),
            Self::Done | Self::Pending(_) | Self::Registered(_) => None,
        }
    }
}
