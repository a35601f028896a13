//! What people do: at a telephone, outside, and to the PBX itself. One vocabulary for scenario files, the HTTP
//! control and tests; nobody in it needs to know a call id.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::csta::Core;
use crate::sins::{Sin, SinError};
use crate::switch::{
    AgentRequest, CallId, Command, ConnectionId, Forwarding, LocalState, Number, SwitchError,
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
        /// The extension or queue.
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
        /// The queue or group.
        #[serde(default)]
        group: Option<Number>,
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
        match deed {
            Deed::Sin { what } => self.commit(now, what)?,
            Deed::Expect { device, state } => self.expect(device, *state)?,
            deed => {
                if let Some(command) = self.command_for(deed)? {
                    return Ok(self.execute(now, &command)?.connection().cloned());
                }
            }
        }
        Ok(None)
    }

    fn command_for(&self, deed: &Deed) -> Result<Option<Command>, DeedError> {
        use LocalState::{Alerting, Connected, Fail, Hold, Initiated};
        let ringing = |device| self.at(device, "ringing", |s| matches!(s, Alerting | Initiated));
        let active = |device| self.at(device, "active", |s| s == Connected);
        let held = |device| self.at(device, "on hold", |s| s == Hold);
        Ok(Some(match deed {
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
                let any = self
                    .at(device, "there", |s| matches!(s, Connected | Initiated | Fail))
                    .or_else(|_| self.at(device, "there", |_| true));
                Command::ClearConnection(any?)
            }
            Deed::Consult { device, to } => {
                Command::Consult { existing: active(device)?, to: to.clone(), correlator: None }
            }
            Deed::Swap { device } => Command::Alternate { held: held(device)?, active: active(device)? },
            Deed::TakeBack { device } => {
                let active = self.at(device, "active", |s| matches!(s, Connected | Fail))?;
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
            Deed::Agent { device, request, agent, group } => Command::SetAgentState {
                device: device.clone(),
                agent: agent.clone(),
                group: group.clone(),
                request: *request,
            },
            Deed::OutsideBusy { number } => Command::OutsideBusy(ringing(number)?),
            Deed::EndCall { call } => Command::ClearCall(call.clone()),
            Deed::Sin { .. } | Deed::Expect { .. } => return Ok(None),
        }))
    }

    fn at(
        &self,
        device: &Number,
        wanted: &'static str,
        fits: impl Fn(LocalState) -> bool,
    ) -> Result<ConnectionId, DeedError> {
        self.switch().connection_at(device, fits).map_err(|error| match error {
            SwitchError::UnknownConnection(_) => DeedError::NoSuchCall { device: device.clone(), wanted },
            other => DeedError::Refused(other),
        })
    }

    fn expect(&self, device: &Number, wanted: LocalState) -> Result<(), DeedError> {
        let calls = self.switch().calls_at(device);
        let legs = calls.iter().flat_map(|call| &call.connections).filter(|leg| leg.device == *device);
        let is: Vec<LocalState> = legs.map(|leg| leg.state).collect();
        let met = if wanted == LocalState::Null { is.is_empty() } else { is.contains(&wanted) };
        if met { Ok(()) } else { Err(DeedError::NotMet { device: device.clone(), wanted, is }) }
    }
}

fn states(states: &[LocalState]) -> String {
    if states.is_empty() {
        return "in no call".to_owned();
    }
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(" and ")
}
