//! What people do: at a telephone, outside, and to the PBX itself. One vocabulary for scenario files, the HTTP
//! control and tests; nobody in it needs to know a call id.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::csta::Core;
use crate::sins::{Sin, SinError};
use crate::switch::{
    AgentRequest, AgentState, CallId, Command, ConnectionId, Forwarding, LocalState, Number, Switch,
    SwitchError,
};

/// A deed, as `{"do": "ring", "from": "0201234567", "to": "2001"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Deed {
    /// Someone outside calls in.
    Ring {
        /// The number; absent: withheld.
        #[serde(default)]
        from: Option<Number>,
        /// The extension, queue or routing point.
        to: Number,
        /// Data that comes with the call (hexadecimal).
        #[serde(default)]
        data: Option<Arc<str>>,
    },
    /// Someone at a telephone calls.
    Call {
        /// The extension.
        device: Number,
        /// What is dialled.
        to: Number,
        /// The telephone must be picked up first.
        #[serde(default)]
        prompt: bool,
    },
    /// A ringing telephone is picked up.
    Answer {
        /// The extension.
        device: Number,
    },
    /// The call is put on hold.
    Hold {
        /// The extension.
        device: Number,
    },
    /// The held call is taken back.
    Retrieve {
        /// The extension.
        device: Number,
    },
    /// The receiver is put down (or a ringing call rejected).
    HangUp {
        /// The extension.
        device: Number,
    },
    /// The call is put on hold and a colleague called.
    Consult {
        /// The extension.
        device: Number,
        /// The colleague.
        to: Number,
    },
    /// Between held and active call.
    Swap {
        /// The extension.
        device: Number,
    },
    /// The consultation is ended, the held call taken back.
    TakeBack {
        /// The extension.
        device: Number,
    },
    /// Held and active call are connected with each other.
    Transfer {
        /// The extension.
        device: Number,
    },
    /// The call is given away without asking.
    ColdTransfer {
        /// The extension.
        device: Number,
        /// Who gets it.
        to: Number,
    },
    /// Held and active call become a conference.
    Conference {
        /// The extension.
        device: Number,
    },
    /// Someone is asked into the call.
    Invite {
        /// The extension.
        device: Number,
        /// Who.
        to: Number,
    },
    /// A ringing call is sent on.
    Deflect {
        /// The extension.
        device: Number,
        /// Where to.
        to: Number,
    },
    /// A call that rings elsewhere is taken.
    PickUp {
        /// The extension that takes it.
        device: Number,
        /// Where it rings; absent: in the pickup group.
        #[serde(default)]
        from: Option<Number>,
    },
    /// Keys are pressed during the call.
    Digits {
        /// The extension.
        device: Number,
        /// The keys.
        digits: Arc<str>,
    },
    /// Do-not-disturb.
    DoNotDisturb {
        /// The extension.
        device: Number,
        /// On.
        on: bool,
    },
    /// Forwarding.
    Forwarding {
        /// The extension.
        device: Number,
        /// Which.
        kind: Forwarding,
        /// Where to; absent: no more.
        #[serde(default)]
        to: Option<Number>,
    },
    /// The telephone is unplugged, or plugged in again.
    OutOfService {
        /// The extension.
        device: Number,
        /// Unplugged.
        out: bool,
    },
    /// An agent logs on or off, or changes state.
    Agent {
        /// The extension.
        device: Number,
        /// What.
        request: AgentRequest,
        /// Who; needed to log on.
        #[serde(default)]
        agent: Option<Arc<str>>,
        /// The queue to log on to; absent: every queue that the extension is a member of.
        #[serde(default)]
        group: Option<Number>,
        /// Why not ready.
        #[serde(default)]
        reason: Option<Arc<str>>,
    },
    /// The called party outside answers.
    OutsideAnswer {
        /// The number.
        number: Number,
    },
    /// The called party outside is busy.
    OutsideBusy {
        /// The number.
        number: Number,
    },
    /// The party outside, caller or called, hangs up.
    OutsideHangUp {
        /// The number.
        number: Number,
    },
    /// A call ends for everybody.
    EndCall {
        /// The call.
        call: CallId,
    },
    /// The PBX misbehaves.
    Sin {
        /// How.
        what: Sin,
    },
    /// Nothing is done: a telephone must be in this state.
    Expect {
        /// The extension.
        device: Number,
        /// The state that one of its calls is in; `null`: it is in no call.
        state: LocalState,
    },
    /// Nothing is done: the agent at a telephone must be in this state.
    ExpectAgent {
        /// The extension.
        device: Number,
        /// The state; absent: nobody is logged on.
        #[serde(default)]
        state: Option<AgentState>,
    },
    /// Nothing is done: so many calls must wait in a queue.
    ExpectWaiting {
        /// The queue.
        queue: Number,
        /// So many.
        calls: usize,
    },
}

/// Why a deed was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeedError {
    /// The switch does not do it.
    #[error(transparent)]
    Refused(#[from] SwitchError),
    /// There is no call that it could be done to.
    #[error("{device} has no call that is {wanted}")]
    NoSuchCall {
        /// The device.
        device: Number,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// The sin makes no sense.
    #[error(transparent)]
    Sin(#[from] SinError),
    /// There is no link on which the sin could be committed.
    #[error("that sin is one of the link, and there is none in a rehearsal")]
    NoLink,
    /// An expectation of an agent is not met.
    #[error("the agent at {device} should be {}, but is {}", agent(*.wanted), agent(*.is))]
    AgentNotMet {
        /// The device.
        device: Number,
        /// What the agent should be.
        wanted: Option<AgentState>,
        /// What the agent is.
        is: Option<AgentState>,
    },
    /// An expectation of a queue is not met.
    #[error("in queue {queue} {wanted} calls should wait, but {is} do")]
    WaitingNotMet {
        /// The queue.
        queue: Number,
        /// So many should wait.
        wanted: usize,
        /// So many do.
        is: usize,
    },
    /// An expectation is not met.
    #[error("{device} should be {}, but is {}", .wanted.name(), states(.is))]
    NotMet {
        /// The device.
        device: Number,
        /// What it should be.
        wanted: LocalState,
        /// The states of all its calls.
        is: Vec<LocalState>,
    },
}

impl Core {
    /// Does it; the connection that came of it, if one did.
    pub(crate) fn perform(&mut self, now: Duration, deed: &Deed) -> Result<Option<ConnectionId>, DeedError> {
        if let Deed::Sin { what } = deed {
            self.commit(now, what)?;
            return Ok(None);
        }
        match deed.command(self.switch())? {
            Some(command) => Ok(self.execute(now, &command)?.connection().cloned()),
            None => Ok(None),
        }
    }
}

impl Deed {
    /// Whether nothing is done, only looked.
    #[must_use]
    pub const fn is_expectation(&self) -> bool {
        matches!(self, Self::Expect { .. } | Self::ExpectAgent { .. } | Self::ExpectWaiting { .. })
    }

    /// What it comes down to at this switch now; `None` for a sin, and for an expectation that is met.
    ///
    /// # Errors
    /// When there is no such call, or an expectation is not met.
    pub fn command(&self, switch: &Switch) -> Result<Option<Command>, DeedError> {
        use LocalState::{Alerting, Connected, Fail, Hold, Initiated};
        let ringing = |device| at(switch, device, "ringing", |s| matches!(s, Alerting | Initiated));
        let active = |device| at(switch, device, "active", |s| s == Connected);
        let held = |device| at(switch, device, "on hold", |s| s == Hold);
        Ok(Some(match self {
            Deed::Ring { from, to, data } => {
                Command::OutsideCall { from: from.clone(), to: to.clone(), correlator: data.clone() }
            }
            Deed::Call { device, to, prompt } => {
                Command::MakeCall { from: device.clone(), to: to.clone(), prompt: *prompt, correlator: None }
            }
            Deed::Answer { device } | Deed::OutsideAnswer { number: device } => {
                Command::Answer(ringing(device)?)
            }
            Deed::Hold { device } => Command::Hold(active(device)?),
            Deed::Retrieve { device } => Command::Retrieve(held(device)?),
            Deed::HangUp { device } | Deed::OutsideHangUp { number: device } => {
                let any = at(switch, device, "there", |s| matches!(s, Connected | Initiated | Fail))
                    .or_else(|_| at(switch, device, "there", |_| true));
                Command::ClearConnection(any?)
            }
            Deed::Consult { device, to } => {
                Command::Consult { existing: active(device)?, to: to.clone(), correlator: None }
            }
            Deed::Swap { device } => Command::Alternate { held: held(device)?, active: active(device)? },
            Deed::TakeBack { device } => {
                let active = at(switch, device, "active", |s| matches!(s, Connected | Fail))?;
                Command::Reconnect { held: held(device)?, active }
            }
            Deed::Transfer { device } => Command::Transfer { held: held(device)?, active: active(device)? },
            Deed::ColdTransfer { device, to } => {
                Command::SingleStepTransfer { active: active(device)?, to: to.clone() }
            }
            Deed::Conference { device } => {
                Command::Conference { held: held(device)?, active: active(device)? }
            }
            Deed::Invite { device, to } => {
                Command::SingleStepConference { active: active(device)?, to: to.clone(), silent: false }
            }
            Deed::Deflect { device, to } => Command::Deflect { connection: ringing(device)?, to: to.clone() },
            Deed::PickUp { device, from: None } => Command::GroupPickup { by: device.clone() },
            Deed::PickUp { device, from: Some(from) } => {
                Command::DirectedPickup { connection: ringing(from)?, by: device.clone() }
            }
            Deed::Digits { device, digits } => {
                Command::Digits { connection: active(device)?, digits: Arc::clone(digits) }
            }
            Deed::DoNotDisturb { device, on } => Command::SetDoNotDisturb { device: device.clone(), on: *on },
            Deed::Forwarding { device, kind, to } => {
                Command::SetForwarding { device: device.clone(), kind: *kind, to: to.clone() }
            }
            Deed::OutOfService { device, out } => {
                Command::SetOutOfService { device: device.clone(), out: *out }
            }
            Deed::Agent { device, request, agent, group, reason } => Command::SetAgentState {
                device: device.clone(),
                agent: agent.clone(),
                group: group.clone(),
                request: *request,
                reason: reason.clone(),
            },
            Deed::OutsideBusy { number } => Command::OutsideBusy(ringing(number)?),
            Deed::EndCall { call } => Command::ClearCall(call.clone()),
            Deed::Sin { .. } => return Ok(None),
            Deed::Expect { device, state } => return expect(switch, device, *state).map(|()| None),
            Deed::ExpectAgent { device, state: wanted } => {
                let (is, wanted) = (switch.agent_state(device), *wanted);
                let not_met = || DeedError::AgentNotMet { device: device.clone(), wanted, is };
                return if is == wanted { Ok(None) } else { Err(not_met()) };
            }
            Deed::ExpectWaiting { queue, calls } => {
                let (is, wanted) = (switch.waiting_in(queue), *calls);
                let not_met = || DeedError::WaitingNotMet { queue: queue.clone(), wanted, is };
                return if is == wanted { Ok(None) } else { Err(not_met()) };
            }
        }))
    }
}

fn at(
    switch: &Switch,
    device: &Number,
    wanted: &'static str,
    fits: impl Fn(LocalState) -> bool,
) -> Result<ConnectionId, DeedError> {
    switch.connection_at(device, fits).map_err(|error| match error {
        SwitchError::UnknownConnection(_) => DeedError::NoSuchCall { device: device.clone(), wanted },
        other => DeedError::Refused(other),
    })
}

fn expect(switch: &Switch, device: &Number, wanted: LocalState) -> Result<(), DeedError> {
    let calls = switch.calls_at(device);
    let legs = calls.iter().flat_map(|call| &call.connections).filter(|leg| leg.device == *device);
    let is: Vec<LocalState> = legs.map(|leg| leg.state).collect();
    let met = if wanted == LocalState::Null { is.is_empty() } else { is.contains(&wanted) };
    if met { Ok(()) } else { Err(DeedError::NotMet { device: device.clone(), wanted, is }) }
}

fn agent(state: Option<AgentState>) -> &'static str {
    state.map_or("logged off", AgentState::name)
}

fn states(states: &[LocalState]) -> String {
    if states.is_empty() {
        return "in no call".to_owned();
    }
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(" and ")
}
