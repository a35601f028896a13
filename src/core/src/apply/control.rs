//! What JKC asks becomes an operation, or is refused in this one place with the reason.

use super::Context;
use super::actions::{allowed, cause_of, is_supported, is_under_way, other_call, transfer_at};
use super::device::state_at;
use crate::adapter::Operation;
use crate::command::{Actor, Command, CommandState, Control, Refusal, RefusalCause};
use crate::model::action::{Action, Reason};
use crate::model::agent::Registration;
use crate::model::call::ConnectionState;
use crate::model::ids::{AgentId, CallId, CommandId, DeviceId, ProviderId, Str, TransferId};
use crate::model::pii::Pii;
use crate::model::transfer::TransferKind;
use crate::notification::Kind;
use crate::report::ProviderConnection;

impl Context<'_> {
    /// JKC asks. A command's id is given once; the same again is the same command, which is here already.
    pub(super) fn command(&mut self, id: CommandId, command: &Command, by: &Actor, if_version: Option<u64>) {
        if self.state.commands.contains_key(&id) {
            return;
        }
        match command {
            Command::Register { agent, .. }
            | Command::Unregister { agent }
            | Command::SetReadiness { agent, .. }
            | Command::OpenSession { agent, .. }
                if if_version.is_some_and(|version| version != self.version_of(agent)) =>
            {
                self.accept(id, command, by, None, None, None);
                self.refuse(id, version_mismatch());
            }
            Command::Register { agent, provider, device, provider_agent, queues } => {
                let at = Registration {
                    agent: agent.clone(),
                    provider: provider.clone(),
                    device: device.clone(),
                    provider_agent: provider_agent.clone(),
                    queues: queues.clone(),
                    since: self.at,
                };
                self.register(id, command, by, at);
            }
            Command::Unregister { agent } => self.unregister(id, command, by, agent),
            Command::SetReadiness { agent, readiness } => {
                self.set_readiness(id, command, by, agent, readiness);
            }
            Command::SetAgentState { .. } | Command::GetAgentState { .. } => {
                self.accept(id, command, by, None, None, None);
                let detail =
                    "The telephone system follows by itself: set the user's readiness, or end his session.";
                self.refuse(id, Refusal::new(RefusalCause::NotSupported, detail));
            }
            Command::OpenSession { agent, contact, reference } => {
                self.open_session(id, command, by, agent, *contact, reference.as_ref());
            }
            Command::ChangeSession { session, change } => {
                self.change_session(id, command, by, *session, *change, if_version);
            }
            Command::DecideRoute { .. } => self.route_command(id, command, by),
            Command::Dial { agent, destination, .. } => self.dial(id, command, by, agent, destination),
            Command::Control { call, device, control } => {
                self.control(id, command, by, (*call, device), if_version, control);
            }
            Command::Transfer { call, device, to, kind, .. } => {
                let action = match kind {
                    TransferKind::Warm => Action::TransferWarm,
                    TransferKind::Cold => Action::TransferCold,
                };
                let checked = self.check_call((*call, device), if_version, action);
                self.hand_over(id, command, by, (*call, device), checked, to, *kind);
            }
            Command::CompleteTransfer { transfer } => {
                self.change_transfer(id, command, by, *transfer, if_version, Action::CompleteTransfer);
            }
            Command::TakeBack { transfer } => {
                self.change_transfer(id, command, by, *transfer, if_version, Action::TakeBack);
            }
            Command::SetDoNotDisturb { provider, device, on } => {
                let operation = Operation::SetDoNotDisturb { device: device.clone(), on: *on };
                self.set_device(id, command, by, (provider, device), operation);
            }
            Command::Chat(asked) => self.chat_command(id, command, by, asked, if_version),
            Command::SetForwarding { provider, device, destination } => {
                let operation =
                    Operation::SetForwarding { device: device.clone(), destination: destination.clone() };
                self.set_device(id, command, by, (provider, device), operation);
            }
        }
    }

    /// A connection by the provider's ids, as the provider named it last.
    pub(super) fn connection_of(&self, call: CallId, device: &DeviceId) -> Option<ProviderConnection> {
        let connection = self.state.calls.get(&call)?.connection(device)?;
        Some(ProviderConnection { call: connection.provider_call.clone(), device: device.clone() })
    }

    fn control(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        (call, device): (CallId, &DeviceId),
        if_version: Option<u64>,
        control: &Control,
    ) {
        let checked = self.check_call((call, device), if_version, control.action());
        if let Control::Consult(to) = control {
            return self.hand_over(id, command, by, (call, device), checked, to, TransferKind::Warm);
        }
        let operation = checked.and_then(|()| self.operation(call, device, control));
        let known = self.state.calls.get(&call).map(|known| known.provider.clone());
        let at = known.filter(|provider| self.kind_of(provider, device).is_some());
        let at = at.map(|provider| (provider, device.clone()));
        let call = self.state.calls.contains_key(&call).then_some(call);
        self.accept(id, command, by, at, call, None);
        match operation {
            Ok(operation) => self.send(id, 0, operation),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// The operation that a control is at a provider.
    fn operation(&self, call: CallId, device: &DeviceId, control: &Control) -> Result<Operation, Refusal> {
        let not_here = || Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotHere);
        let no_other = || Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NoOtherCall);
        let known = self.state.calls.get(&call).ok_or_else(not_here)?;
        if let Control::PickUp = control {
            let ringing = known
                .live()
                .find(|at| at.ours && at.state == ConnectionState::Alerting && at.device != *device)
                .ok_or_else(not_here)?;
            let alerting =
                ProviderConnection { call: ringing.provider_call.clone(), device: ringing.device.clone() };
            return Ok(Operation::PickUp { alerting, device: device.clone() });
        }
        let connection = self.connection_of(call, device).ok_or_else(not_here)?;
        let pair = || {
            let other = other_call(self.state, known, device).ok_or_else(no_other)?;
            let other = self.connection_of(other.id, device).ok_or_else(not_here)?;
            // The held call first: a switch that is given them the wrong way round does the wrong thing.
            Ok::<_, Refusal>(match state_at(known, device) {
                ConnectionState::Held => (connection.clone(), other),
                _ => (other, connection.clone()),
            })
        };
        Ok(match control {
            Control::Answer => Operation::Answer(connection),
            Control::Hold => Operation::Hold(connection),
            Control::Retrieve => Operation::Retrieve(connection),
            Control::HangUp => Operation::Clear(connection),
            Control::Dtmf(digits) => Operation::Digits { connection, digits: digits.clone() },
            Control::Deflect(to) => {
                Operation::Deflect { alerting: connection, destination: destination(to)? }
            }
            Control::Consult(to) => {
                Operation::Consult { existing: connection, destination: destination(to)? }
            }
            Control::Conference => {
                let (held, active) = pair()?;
                Operation::Conference { held, active }
            }
            Control::Alternate => {
                let (held, active) = pair()?;
                Operation::Alternate { held, active }
            }
            Control::PickUp => return Err(not_here()),
        })
    }

    /// Begins a transfer: by consultation, or straight away.
    #[allow(clippy::too_many_arguments, reason = "one command with everything that was checked of it")]
    fn hand_over(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        (call, device): (CallId, &DeviceId),
        checked: Result<(), Refusal>,
        to: &Pii<Str>,
        kind: TransferKind,
    ) {
        let prepared = checked.and_then(|()| {
            let to = destination(to)?;
            let here = self.connection_of(call, device);
            let here = here
                .ok_or_else(|| Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotHere))?;
            Ok((to, here))
        });
        let provider = self.state.calls.get(&call).map(|known| known.provider.clone());
        let at = provider.filter(|provider| self.kind_of(provider, device).is_some());
        let known = self.state.calls.contains_key(&call).then_some(call);
        self.accept(id, command, by, at.map(|provider| (provider, device.clone())), known, None);
        let (to, here) = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return self.refuse(id, refusal),
        };
        let transfer = self.make_transfer(call, device, to.clone(), kind, Some(id));
        if let (Some(record), Some(transfer)) = (self.state.commands.get_mut(&id), transfer) {
            record.transfer = Some(transfer);
            self.because_of(Some(id), |context| context.tell_transfer(Kind::TransferStarted, transfer));
        }
        let operation = match kind {
            TransferKind::Warm => Operation::Consult { existing: here, destination: to },
            TransferKind::Cold => Operation::SingleStepTransfer { active: here, destination: to },
        };
        self.send(id, 0, operation);
    }

    /// Completes a transfer, or takes its customer back.
    fn change_transfer(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        transfer: TransferId,
        if_version: Option<u64>,
        action: Action,
    ) {
        let Some(known) = self.state.transfers.get(&transfer) else {
            self.accept(id, command, by, None, None, None);
            let refusal = Refusal::new(
                RefusalCause::UnknownTransfer,
                "There is no such transfer, or it ended too long ago.",
            );
            return self.refuse(id, refusal);
        };
        let (call, device, consultation) = (known.call, known.device.clone(), known.consultation);
        let checked = if if_version.is_some_and(|version| version != known.version) {
            Err(version_mismatch())
        } else {
            self.check_transfer(transfer, action)
        };
        let provider = self.state.calls.get(&call).map(|call| call.provider.clone());
        let at = provider.map(|provider| (provider, device.clone()));
        self.accept(id, command, by, at, Some(call), Some(transfer));
        match checked {
            Ok(true) => return self.fulfil(id),
            Ok(false) => {}
            Err(refusal) => return self.refuse(id, refusal),
        }
        if action == Action::TakeBack {
            let failed = self.state.transfers.get(&transfer).is_some_and(|known| known.state.is_terminal());
            return if failed { self.retrieve_failed(transfer, id) } else { self.take_back(transfer, id) };
        }
        let pair = consultation.and_then(|consultation| {
            let customer = self.connection_of(call, &device)?;
            let colleague = self.connection_of(consultation, &device)?;
            let swapped = self.state.calls.get(&consultation).map(|call| state_at(call, &device));
            Some(match swapped {
                Some(ConnectionState::Held) => (colleague, customer),
                _ => (customer, colleague),
            })
        });
        let Some((held, active)) = pair else {
            let refusal = Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotHere);
            return self.refuse(id, refusal);
        };
        if let Some(known) = self.state.transfers.get_mut(&transfer) {
            known.pending = Some(id);
        }
        self.send(id, 0, Operation::Transfer { held, active });
    }

    /// The rules for a change of a transfer; `Ok(true)` when it is so already.
    fn check_transfer(&self, transfer: TransferId, action: Action) -> Result<bool, Refusal> {
        let gone = || Refusal::new(RefusalCause::PartyGone, "The customer has hung up.");
        let known = self.state.transfers.get(&transfer).ok_or_else(gone)?;
        let call = self.state.calls.get(&known.call).ok_or_else(gone)?;
        if action == Action::TakeBack && self.may_take_back(transfer)? {
            return Ok(true);
        }
        if action == Action::CompleteTransfer {
            if known.state.is_terminal() {
                return Err(not_allowed(Reason::TransferEnded));
            }
            if !call.is_live() {
                return Err(gone());
            }
            if known.kind == TransferKind::Cold {
                return Err(not_allowed(Reason::NoTransfer));
            }
            if known.pending.is_some() {
                return Err(not_allowed(Reason::UnderWay));
            }
        }
        if transfer_at(self.state, call, &known.device).is_some_and(|newest| newest.id != transfer) {
            return Err(not_allowed(Reason::TransferEnded));
        }
        if is_under_way(self.state, call, &known.device, action) {
            return Err(not_allowed(Reason::UnderWay));
        }
        // A failed transfer's customer is fetched back by a plain retrieval.
        let action = if known.state.is_terminal() { Action::Retrieve } else { action };
        allowed(self.state, call, &known.device, action).map(|()| false).map_err(not_allowed)
    }

    fn dial(&mut self, id: CommandId, command: &Command, by: &Actor, agent: &AgentId, to: &Pii<Str>) {
        let sits = self.state.agents.get(agent).and_then(|agent| agent.registration.as_ref());
        let at = sits.map(|sits| (sits.provider.clone(), sits.device.clone()));
        let checked = match &at {
            None => Err(not_allowed(Reason::NotRegistered)),
            Some((provider, device)) => self
                .check_device(provider, device, Action::Dial)
                .and_then(|()| destination(to).map(|to| (device.clone(), to))),
        };
        self.accept(id, command, by, at, None, None);
        match checked {
            Ok((device, destination)) => {
                self.send(id, 0, Operation::MakeCall { device, destination, correlator: None });
            }
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    fn set_device(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        (provider, device): (&ProviderId, &DeviceId),
        operation: Operation,
    ) {
        let action = command.action().unwrap_or(Action::SetForwarding);
        let checked = self.check_device(provider, device, action);
        let known = self.kind_of(provider, device).map(|_| (provider.clone(), device.clone()));
        self.accept(id, command, by, known, None, None);
        match checked {
            Ok(()) => self.send(id, 0, operation),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// The rules for what is done to a call at a device, in the order in which JKC can do something about them.
    fn check_call(
        &self,
        (call, device): (CallId, &DeviceId),
        if_version: Option<u64>,
        action: Action,
    ) -> Result<(), Refusal> {
        let Some(known) = self.state.calls.get(&call) else {
            let detail = "There is no such call, or it ended too long ago.";
            return Err(Refusal::new(RefusalCause::UnknownCall, detail));
        };
        if if_version.is_some_and(|version| version != known.version) {
            return Err(version_mismatch());
        }
        allowed(self.state, known, device, action).map_err(not_allowed)
    }

    /// The rules for what is done to a device.
    fn check_device(&self, provider: &ProviderId, device: &DeviceId, action: Action) -> Result<(), Refusal> {
        let Some(known) = self.state.providers.get(provider) else {
            let detail = format!("There is no provider {provider:?} in the configuration.");
            return Err(Refusal::new(RefusalCause::UnknownProvider, detail));
        };
        let Some(at) = self.state.device(provider, device).filter(|_| self.is_station(provider, device))
        else {
            return Err(not_allowed(Reason::NotOurs));
        };
        if !known.link.is_open() {
            return Err(not_allowed(Reason::LinkDown));
        }
        if at.out_of_service {
            return Err(not_allowed(Reason::OutOfService));
        }
        let under_way = self.commands_at(provider, device).iter().any(|id| {
            self.state.commands.get(id).is_some_and(|record| {
                record.command.action() == Some(action) && !matches!(record.state, CommandState::Done { .. })
            })
        });
        if under_way {
            return Err(not_allowed(Reason::UnderWay));
        }
        if !is_supported(&known.capabilities, action) {
            return Err(not_allowed(Reason::NotSupported));
        }
        Ok(())
    }
}

/// The refusal that a reason makes.
fn not_allowed(reason: Reason) -> Refusal {
    Refusal::not_allowed(cause_of(reason), reason)
}

pub(super) fn version_mismatch() -> Refusal {
    Refusal::new(
        RefusalCause::VersionMismatch,
        "It has changed since you looked. Look again, and ask again if it is still wanted.",
    )
}

/// A destination that can be dialled at all.
pub(super) fn destination(to: &Pii<Str>) -> Result<Pii<Str>, Refusal> {
    let text = to.expose().trim();
    // Longer than any number, SIP address or name that a PBX takes.
    const LONGEST: usize = 256;
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Refusal::new(
            RefusalCause::InvalidDestination,
            "The destination is empty, longer than 256 characters, or holds control characters.",
        ));
    }
    Ok(Pii::new(text.into()))
}
