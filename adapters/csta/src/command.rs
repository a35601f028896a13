//! Operations of the house to requests, and the PBX's answers to `Done` or a refusal.

use schakel_core::adapter::{Done, Operation, Output, ProviderCommand};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::model::action::Action;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::time::Time;
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection};
use schakel_csta_wire as wire;
use schakel_csta_wire::{
    AutoOriginate, CallEventKind, CstaError, DigitMode, ForwardingType, Octets, Request, Response,
};

use crate::agents::{get_agent_state, set_agent_state};
use crate::refusal::refusal;
use crate::session::{Awaited, Csta};

/// Take-backs whose `Retrieved` may still come.
const RECONNECTS_MAX: usize = 64;

/// A take-back that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Reconnected {
    active: ProviderConnection,
    held: ProviderConnection,
}

impl Csta {
    /// Sends a command's request.
    pub(crate) fn execute(&mut self, command: &ProviderCommand, now: Time, output: &mut Vec<Output>) {
        if !self.is_ready() {
            let refusal =
                Refusal::new(RefusalCause::LinkDown, "the link to the telephone system is not ready yet");
            return reply(command, Err(refusal), output);
        }
        if let Operation::Reconnect { active, held } = &command.operation
            && self.settings.dialect.reconnect_retrieves_consultation
        {
            if self.reconnects.len() >= RECONNECTS_MAX {
                self.reconnects.remove(0);
            }
            self.reconnects.push(Reconnected { active: active.clone(), held: held.clone() });
        }
        if let Operation::RouteSelect { .. } | Operation::RouteReject { .. } = &command.operation {
            return self.answer_route(command, now, output);
        }
        let request = self.request_for(&command.operation);
        self.request(request, Awaited::Command(Box::new(command.clone())), command.limit, now, output);
    }

    pub(crate) fn request_for(&self, operation: &Operation) -> Request<'static> {
        let device = |device: &DeviceId| wire::DeviceId::new(device.as_str().to_owned());
        let number = |number: &str| wire::DeviceId::new(number.to_owned());
        let id = |connection: &ProviderConnection| self.connection_id(connection);
        match operation {
            Operation::Answer(call) => wire::AnswerCall { call: id(call), correlator: None }.into(),
            Operation::Hold(call) => wire::HoldCall { call: id(call), reservation: None }.into(),
            Operation::Retrieve(call) => wire::RetrieveCall { call: id(call) }.into(),
            Operation::Clear(call) => {
                wire::ClearConnection { connection: id(call), ..Default::default() }.into()
            }
            Operation::MakeCall { device: from, destination, correlator } => wire::MakeCall {
                calling: device(from),
                called: number(destination.expose()),
                // The user asked for the call at his screen: he need not be asked again by his telephone.
                auto_originate: Some(AutoOriginate::DoNotPrompt),
                correlator: correlator.as_ref().map(|text| Octets::from_bytes(text.as_bytes())),
                ..Default::default()
            }
            .into(),
            Operation::Consult { existing, destination } => wire::ConsultationCall {
                existing: id(existing),
                consulted: number(destination.expose()),
                ..Default::default()
            }
            .into(),
            Operation::Alternate { held, active } => {
                wire::AlternateCall { held: id(held), active: id(active) }.into()
            }
            Operation::Reconnect { active, held } => {
                wire::ReconnectCall { active: id(active), held: id(held) }.into()
            }
            Operation::Transfer { held, active } => {
                wire::TransferCall { held: id(held), active: id(active) }.into()
            }
            Operation::Conference { held, active } => {
                wire::ConferenceCall { held: id(held), active: id(active) }.into()
            }
            Operation::SingleStepTransfer { active, destination } => wire::SingleStepTransferCall {
                active: id(active),
                to: number(destination.expose()),
                ..Default::default()
            }
            .into(),
            Operation::Deflect { alerting, destination } => {
                wire::DeflectCall::new(id(alerting), destination.expose().to_string()).into()
            }
            Operation::PickUp { alerting, device: at } => {
                wire::DirectedPickupCall { call: id(alerting), requesting: device(at) }.into()
            }
            Operation::Digits { connection, digits } => wire::GenerateDigits {
                connection: id(connection),
                mode: Some(DigitMode::DTMF),
                digits: digits.expose().to_string().into(),
                ..Default::default()
            }
            .into(),
            Operation::SetDoNotDisturb { device: at, on } => {
                wire::SetDoNotDisturb { device: device(at), on: *on }.into()
            }
            Operation::SetForwarding { device: at, destination } => wire::SetForwarding {
                device: device(at),
                forwarding_type: Some(ForwardingType::ForwardImmediate),
                activate: destination.is_some(),
                to: destination.as_ref().map(|to| number(to.expose())),
                ..Default::default()
            }
            .into(),
            Operation::SetAgentState { device, agent, state, queues } => {
                set_agent_state(device, agent.as_ref(), state, queues)
            }
            Operation::GetAgentState { device } => get_agent_state(device),
            // The seam may grow; what is not known here is refused by the PBX as an empty request would be.
            _ => wire::RequestSystemStatus::default().into(),
        }
    }

    /// The PBX answered a command.
    pub(crate) fn command_answered(
        &mut self,
        command: &ProviderCommand,
        service: &str,
        result: Result<Response<'_>, CstaError<'_>>,
        output: &mut Vec<Output>,
    ) {
        let result = match result {
            Ok(response) => {
                if let Operation::Consult { existing, .. } = &command.operation
                    && self.settings.dialect.consultation_holds_silently
                {
                    output.push(Output::Report(held(existing)));
                }
                if let (Operation::GetAgentState { device }, Response::GetAgentState(response)) =
                    (&command.operation, &response)
                {
                    self.agents_told(device, response, true, output);
                }
                Ok(Done { connection: self.connection_of(&response, &command.operation) })
            }
            Err(error) => {
                // One that cannot tell its agents' states may well set them.
                let only_asks = matches!(command.operation, Operation::GetAgentState { .. });
                if error.value == "serviceNotSupported" && !only_asks {
                    self.observed.unsupported(action(&command.operation));
                }
                let refusal = refusal(service, &error);
                if matches!(refusal.cause, RefusalCause::InvalidConnectionState | RefusalCause::UnknownCall) {
                    // Our picture allowed it: an event was lost. What is so is looked up rather than waited for.
                    self.look_again(|device| devices(&command.operation).contains(&Some(device)));
                }
                Err(refusal)
            }
        };
        reply(command, result, output);
    }

    /// The connection that an answer names; its device is the one that asked, unless it says otherwise.
    fn connection_of(
        &mut self,
        response: &Response<'_>,
        operation: &Operation,
    ) -> Option<ProviderConnection> {
        let Response::Call(response) = response else { return None };
        let id = response.connection.as_ref().filter(|id| !id.call.is_empty())?;
        let asked = match operation {
            Operation::MakeCall { device, .. } | Operation::PickUp { device, .. } => device,
            Operation::Consult { existing: at, .. }
            | Operation::Transfer { active: at, .. }
            | Operation::Conference { active: at, .. }
            | Operation::SingleStepTransfer { active: at, .. } => &at.device,
            _ => return None,
        };
        let call = Str::from(&*id.call);
        let own_call = matches!(operation, Operation::MakeCall { .. } | Operation::Consult { .. });
        let named = self.own.device(&id.device.value);
        // A new call is at the device that asked for it, whatever the PBX calls that device in it.
        let device = match named {
            Some(named) if !own_call || self.own.is_ours(&named) => named,
            _ => asked.clone(),
        };
        if !id.device.is_empty() {
            self.memory.remember(&call, &device, &id.device.value);
        }
        Some(ProviderConnection { call: ProviderCallId::from(call), device })
    }

    /// Puts right a `Retrieved` that names the consultation instead of the call that was taken back.
    pub(crate) fn right_retrieved(&mut self, kind: CallEventKind, report: &mut CallReport) {
        if kind != CallEventKind::Retrieved || self.reconnects.is_empty() {
            return;
        }
        let meant = |asked: &Reconnected| {
            asked.active.device == report.connection.device
                && (asked.active.call == report.connection.call || asked.held.call == report.connection.call)
        };
        if let Some(at) = self.reconnects.iter().position(meant) {
            report.connection.call = self.reconnects.remove(at).held.call;
        }
    }
}

/// The devices whose connections an operation is about.
fn devices(operation: &Operation) -> [Option<&DeviceId>; 2] {
    match operation {
        Operation::Answer(at)
        | Operation::Hold(at)
        | Operation::Retrieve(at)
        | Operation::Clear(at)
        | Operation::Consult { existing: at, .. }
        | Operation::Alternate { active: at, .. }
        | Operation::Reconnect { active: at, .. }
        | Operation::Transfer { active: at, .. }
        | Operation::Conference { active: at, .. }
        | Operation::SingleStepTransfer { active: at, .. }
        | Operation::Deflect { alerting: at, .. }
        | Operation::Digits { connection: at, .. } => [Some(&at.device), None],
        Operation::PickUp { alerting, device } => [Some(&alerting.device), Some(device)],
        _ => [None, None],
    }
}

/// Pushes a command's one answer.
pub(crate) fn reply(command: &ProviderCommand, result: Result<Done, Refusal>, output: &mut Vec<Output>) {
    output.push(Output::Reply { command: command.command, step: command.step, result });
}

/// What the PBX does not tell: that the consultation holds the call.
fn held(existing: &ProviderConnection) -> EventReport {
    EventReport::Call(Box::new(CallReport {
        event: CallEvent::Held,
        connection: existing.clone(),
        monitor: Some(existing.device.clone()),
        local: Some(ConnectionState::Held),
        cause: Cause::Consultation,
        calling: None,
        called: None,
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }))
}

fn action(operation: &Operation) -> Action {
    match operation {
        Operation::Answer(_) => Action::Answer,
        Operation::Hold(_) => Action::Hold,
        Operation::Retrieve(_) => Action::Retrieve,
        Operation::Clear(_) => Action::HangUp,
        Operation::Consult { .. } => Action::Consult,
        Operation::Alternate { .. } => Action::Alternate,
        Operation::Reconnect { .. } => Action::TakeBack,
        Operation::Transfer { .. } => Action::CompleteTransfer,
        Operation::Conference { .. } => Action::Conference,
        Operation::SingleStepTransfer { .. } => Action::TransferCold,
        Operation::Deflect { .. } => Action::Deflect,
        Operation::PickUp { .. } => Action::PickUp,
        Operation::Digits { .. } => Action::Dtmf,
        Operation::SetDoNotDisturb { .. } => Action::SetDoNotDisturb,
        Operation::SetForwarding { .. } => Action::SetForwarding,
        Operation::SetAgentState { .. } => Action::SetAgentState,
        Operation::RouteSelect { .. } | Operation::RouteReject { .. } => Action::DecideRoute,
        _ => Action::Dial,
    }
}
