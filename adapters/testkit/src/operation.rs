//! Operations as text, for transcripts.

use schakel_core::adapter::Operation;
use schakel_core::model::agent::RequestedAgentState;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::report::ProviderConnection;

/// Reads `answer|hold|retrieve|clear C`, `dial DEVICE NUMBER [CORRELATOR]`, `consult|single-step|deflect|digits C TEXT`,
/// `alternate|transfer|conference HELD ACTIVE`, `reconnect ACTIVE HELD`, `pick-up C DEVICE`, `dnd DEVICE on|off`,
/// `forward DEVICE [NUMBER]`, `route-select DIALOGUE NUMBER`, `route-reject DIALOGUE`, `agent-state DEVICE`,
/// `agent DEVICE AGENT|- logged-on|logged-off|ready|not-ready|working-after-call [QUEUE …]`; a connection C is
/// `CALL@DEVICE`.
///
/// # Errors
/// The text that is no operation.
pub fn operation(text: &str) -> Result<Operation, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let wrong = || format!("{text:?} is no operation");
    let number = |text: &str| Pii::new(Str::from(text));
    Ok(match words[..] {
        ["answer", call] => Operation::Answer(connection(call)?),
        ["hold", call] => Operation::Hold(connection(call)?),
        ["retrieve", call] => Operation::Retrieve(connection(call)?),
        ["clear", call] => Operation::Clear(connection(call)?),
        ["dial", device, to, ref rest @ ..] => Operation::MakeCall {
            device: DeviceId::from(device),
            destination: number(to),
            correlator: rest.first().map(|text| Str::from(*text)),
        },
        ["consult", call, to] => Operation::Consult { existing: connection(call)?, destination: number(to) },
        ["alternate", held, active] => {
            Operation::Alternate { held: connection(held)?, active: connection(active)? }
        }
        ["reconnect", active, held] => {
            Operation::Reconnect { active: connection(active)?, held: connection(held)? }
        }
        ["transfer", held, active] => {
            Operation::Transfer { held: connection(held)?, active: connection(active)? }
        }
        ["conference", held, active] => {
            Operation::Conference { held: connection(held)?, active: connection(active)? }
        }
        ["single-step", call, to] => {
            Operation::SingleStepTransfer { active: connection(call)?, destination: number(to) }
        }
        ["deflect", call, to] => Operation::Deflect { alerting: connection(call)?, destination: number(to) },
        ["pick-up", call, device] => {
            Operation::PickUp { alerting: connection(call)?, device: DeviceId::from(device) }
        }
        ["digits", call, digits] => {
            Operation::Digits { connection: connection(call)?, digits: number(digits) }
        }
        ["dnd", device, on] => Operation::SetDoNotDisturb { device: DeviceId::from(device), on: on == "on" },
        ["forward", device, ref rest @ ..] => Operation::SetForwarding {
            device: DeviceId::from(device),
            destination: rest.first().map(|to| number(to)),
        },
        ["route-select", dialogue, to] => {
            Operation::RouteSelect { dialogue: dialogue.into(), destination: number(to) }
        }
        ["route-reject", dialogue] => Operation::RouteReject { dialogue: dialogue.into() },
        ["agent-state", device] => Operation::GetAgentState { device: DeviceId::from(device) },
        ["agent", device, agent, state, ref queues @ ..] => Operation::SetAgentState {
            device: DeviceId::from(device),
            agent: (agent != "-").then(|| Str::from(agent)),
            state: requested(state).ok_or_else(wrong)?,
            queues: queues.iter().map(|queue| DeviceId::from(*queue)).collect(),
        },
        _ => return Err(wrong()),
    })
}

fn requested(state: &str) -> Option<RequestedAgentState> {
    Some(match state {
        "logged-on" => RequestedAgentState::LoggedOn,
        "logged-off" => RequestedAgentState::LoggedOff,
        "ready" => RequestedAgentState::Ready,
        "not-ready" => RequestedAgentState::NotReady(None),
        "working-after-call" => RequestedAgentState::WorkingAfterCall,
        _ => return None,
    })
}

fn connection(text: &str) -> Result<ProviderConnection, String> {
    let (call, device) = text.split_once('@').ok_or_else(|| format!("{text:?} is no CALL@DEVICE"))?;
    Ok(ProviderConnection { call: ProviderCallId::from(call), device: DeviceId::from(device) })
}
