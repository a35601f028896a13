//! The life of a command: one command, one outcome (rule 5).

use super::Context;
use super::call::Beginning;
use super::device::state_at;
use super::merge::Joining;
use crate::adapter::{Done, Operation, ProviderCommand};
use crate::command::{Actor, Command, CommandOutcome, CommandRecord, CommandState, Refusal, RefusalCause};
use crate::effect::Effect;
use crate::model::action::Action;
use crate::model::call::{Call, ConnectionState, Party};
use crate::model::cause::Cause;
use crate::model::ids::{CallId, CommandId, DeviceId, ProviderId, TransferId};
use crate::model::transfer::{TransferKind, TransferState};
use crate::notification::Kind;
use crate::report::{ProviderConnection, ReportedParty};
use crate::state::Deadline;

impl Context<'_> {
    /// A command begins its life. It ends by [`Context::fulfil`], [`Context::succeed`] or [`Context::refuse`].
    pub(super) fn accept(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        device: Option<(ProviderId, DeviceId)>,
        call: Option<CallId>,
        transfer: Option<TransferId>,
    ) {
        let limit = self.state.settings.command_limit;
        if let Some((provider, device)) = &device {
            self.entry(provider, device).commands.push(id);
        }
        self.state.commands.insert(
            id,
            CommandRecord {
                id,
                command: command.clone(),
                by: by.clone(),
                accepted: self.at,
                state: CommandState::Accepted,
                step: 0,
                device,
                call,
                transfer,
                session: None,
                route: None,
                chat: None,
                offer: None,
                offline: None,
                deadline: self.at + limit,
            },
        );
        self.arm(Deadline::Command(id), limit);
    }

    /// Asks the provider.
    pub(super) fn send(&mut self, id: CommandId, step: u8, operation: Operation) {
        let Some(record) = self.state.commands.get_mut(&id) else { return };
        let Some((provider, _)) = record.device.clone() else { return };
        record.state = CommandState::Sent;
        record.step = step;
        let limit = record.deadline - self.at;
        let command = ProviderCommand { command: id, step, limit, operation };
        self.effects.push(Effect::Execute { provider, command });
    }

    /// A step was answered; the next may be sent.
    pub(super) fn unsend(&mut self, id: CommandId) {
        if let Some(record) = self.state.commands.get_mut(&id)
            && record.state == CommandState::Sent
        {
            record.state = CommandState::Accepted;
        }
    }

    /// Whether a step is at the provider.
    pub(super) fn is_sent(&self, id: CommandId) -> bool {
        self.state.commands.get(&id).is_some_and(|record| record.state == CommandState::Sent)
    }

    /// What a command was to bring about has been seen to be so.
    pub(super) fn fulfil(&mut self, id: CommandId) {
        self.complete(id, CommandOutcome::Succeeded);
        self.release(id);
    }

    /// The provider says yes; the event may follow, and is attributed to the command until its time limit passes.
    pub(super) fn succeed(&mut self, id: CommandId) {
        self.complete(id, CommandOutcome::Succeeded);
    }

    /// Nothing came of it.
    pub(super) fn refuse(&mut self, id: CommandId, refusal: Refusal) {
        self.complete(id, CommandOutcome::Refused(refusal));
        self.release(id);
    }

    /// Nothing came of it, and what hangs on it follows: its transfer, the customer on hold.
    pub(super) fn fail_command(&mut self, id: CommandId, refusal: Refusal) {
        let Some(record) = self.state.commands.get(&id) else { return };
        if is_about_agent(&record.command) {
            return self.agent_answered(id, record.step, Err(refusal));
        }
        let Some(transfer) = record.transfer else { return self.refuse(id, refusal) };
        let action = record.command.action();
        let cut_off = matches!(refusal.cause, RefusalCause::LinkDown | RefusalCause::Interrupted);
        let unknown = refusal.cause == RefusalCause::Timeout;
        let cause = cause_of(&refusal);
        match action {
            Some(Action::TakeBack) => self.give_up_taking_back(id, refusal),
            Some(Action::Consult | Action::TransferWarm | Action::TransferCold) => {
                self.refuse(id, refusal);
                // Nobody knows what the PBX made of it: the resynchronisation tells.
                if cut_off {
                    return;
                }
                let Some(known) = self.state.transfers.get(&transfer) else { return };
                if let Some(take_back) = known.take_back.filter(|_| unknown) {
                    // It may yet be made: nobody can say that the customer is back.
                    self.refuse(take_back, overdue());
                    self.finish_transfer(transfer, TransferState::Failed, cause);
                } else if known.take_back.is_some() {
                    self.go_on_taking_back(transfer);
                } else if known.state == TransferState::Started {
                    self.finish_transfer(transfer, TransferState::Failed, cause);
                }
            }
            _ => {
                self.refuse(id, refusal);
                if action == Some(Action::Retrieve) && self.is_customer_held(transfer) {
                    self.arm(Deadline::HeldReturn(transfer), self.state.settings.held_return);
                }
            }
        }
    }

    /// The time limit has passed.
    pub(super) fn command_overdue(&mut self, id: CommandId) {
        let Some(record) = self.state.commands.get(&id) else { return };
        if matches!(record.state, CommandState::Done { .. }) {
            return self.release(id);
        }
        if self.is_so(id) {
            return self.fulfil(id);
        }
        self.fail_command(id, overdue());
    }

    /// All commands under way at a provider end: nobody will answer them any more.
    pub(super) fn cut_off(&mut self, provider: &ProviderId, refusal: &Refusal) {
        let devices = self.state.at_device.get(provider);
        let ids: Vec<CommandId> = devices
            .into_iter()
            .flat_map(|devices| devices.values())
            .flat_map(|at| &at.commands)
            .copied()
            .collect();
        for id in ids {
            let done = |record: &CommandRecord| matches!(record.state, CommandState::Done { .. });
            if self.state.commands.get(&id).is_some_and(|record| !done(record)) {
                self.fail_command(id, refusal.clone());
            } else {
                self.release(id);
            }
        }
    }

    /// A provider's answer to a step of a command.
    pub(super) fn reply(
        &mut self,
        provider: &ProviderId,
        id: CommandId,
        step: u8,
        result: &Result<Done, Refusal>,
    ) {
        let record = self.state.commands.get(&id);
        let record = record.filter(|record| record.device.as_ref().is_some_and(|(at, _)| at == provider));
        let Some(record) = record else {
            self.state.counters.late_replies += 1;
            return;
        };
        let connection = result.as_ref().ok().and_then(|done| done.connection.clone());
        if let CommandState::Done { outcome, .. } = &record.state {
            let refused = matches!(outcome, CommandOutcome::Refused(_));
            // What the PBX made too late for JKC is there all the same, and the customer with it.
            let made = matches!(record.command.action(), Some(Action::Consult | Action::TransferWarm));
            if refused {
                self.state.counters.late_replies += 1;
            }
            if let Some(connection) = connection.filter(|_| made || !refused) {
                self.learn_reply(id, &connection);
            }
            return;
        }
        // An earlier step's answer, after an event let us go on to the next.
        if record.step != step || record.state != CommandState::Sent {
            return;
        }
        if record.command.action() == Some(Action::TakeBack) {
            let result = result.as_ref().map(|_| ()).map_err(Clone::clone);
            return self.take_back_answered(id, step, &result);
        }
        if is_about_agent(&record.command) {
            let result = result.as_ref().map(|_| ()).map_err(Clone::clone);
            return self.agent_answered(id, step, result);
        }
        match result {
            Err(refusal) => self.fail_command(id, refusal.clone()),
            Ok(_) => {
                if let Some(connection) = &connection {
                    self.because_of(Some(id), |context| context.learn_reply(id, connection));
                }
                self.confirmed(id, connection.as_ref());
            }
        }
    }

    /// The command at a device that does one of these actions, under way or still awaiting its event.
    pub(super) fn claim(
        &self,
        provider: &ProviderId,
        device: &DeviceId,
        call: Option<CallId>,
        actions: &[Action],
    ) -> Option<CommandId> {
        self.commands_at(provider, device).iter().copied().find(|id| {
            self.state.commands.get(id).is_some_and(|record| {
                (call.is_none() || record.call == call)
                    && record.command.action().is_some_and(|action| actions.contains(&action))
            })
        })
    }

    /// What a command does.
    pub(super) fn action_of(&self, id: CommandId) -> Option<Action> {
        self.state.commands.get(&id)?.command.action()
    }

    /// Whether what a command was to bring about is so now.
    pub(super) fn is_so(&self, id: CommandId) -> bool {
        let Some(record) = self.state.commands.get(&id) else { return false };
        let call = record.call.and_then(|call| self.state.calls.get(&call));
        let at = record.device.as_ref();
        let here = match (call, at) {
            (Some(call), Some((_, device))) => state_at(call, device),
            _ => ConnectionState::Null,
        };
        let transfer = record.transfer.and_then(|transfer| self.state.transfers.get(&transfer));
        let device = at.and_then(|(provider, device)| self.state.device(provider, device));
        match &record.command {
            Command::SetDoNotDisturb { on, .. } => device.is_some_and(|device| device.do_not_disturb == *on),
            Command::SetForwarding { destination, .. } => {
                device.is_some_and(|device| device.forwarding == destination.is_some())
            }
            Command::SetAgentState { agent, state } => self.is_followed(agent, state),
            command => match command.action() {
                Some(Action::Answer | Action::PickUp | Action::Retrieve) => {
                    here == ConnectionState::Connected
                }
                Some(Action::Hold) => here == ConnectionState::Held,
                Some(Action::HangUp | Action::Deflect) => !here.is_live(),
                Some(Action::Dial) => record.call.is_some(),
                Some(Action::Consult | Action::TransferWarm) => {
                    transfer.is_some_and(|transfer| transfer.consultation.is_some())
                }
                Some(Action::TransferCold) => !here.is_live() && call.is_some_and(Call::is_live),
                Some(Action::CompleteTransfer) => {
                    transfer.is_some_and(|transfer| transfer.state == TransferState::Completed)
                }
                Some(Action::TakeBack) => transfer.is_some_and(|transfer| match transfer.state {
                    TransferState::TakenBack => true,
                    TransferState::Failed => here == ConnectionState::Connected,
                    _ => false,
                }),
                _ => false,
            },
        }
    }

    /// A call has ended: what was asked of it has its outcome. What its transfer was asked follows with the transfer.
    pub(super) fn commands_of_ended(&mut self, id: CallId, provider: &ProviderId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let ours = call.connections.iter().filter(|at| at.ours);
        let asked: Vec<CommandId> = ours
            .flat_map(|at| self.commands_at(provider, &at.device))
            .copied()
            .filter(|command| self.state.commands.get(command).is_some_and(|record| record.call == Some(id)))
            .collect();
        for command in asked {
            let Some(record) = self.state.commands.get(&command) else { continue };
            if matches!(record.state, CommandState::Done { .. }) {
                self.release(command);
                continue;
            }
            match record.command.action() {
                Some(Action::HangUp | Action::Dial) => self.fulfil(command),
                _ if record.transfer.is_some() => {}
                _ => self.refuse(command, Refusal::new(RefusalCause::PartyGone, "The call has ended.")),
            }
        }
    }

    /// What a dial knows of the call that it begins.
    pub(super) fn dialled_parties(&self, id: CommandId, provider: &ProviderId, beginning: &mut Beginning) {
        let Some(record) = self.state.commands.get(&id) else { return };
        let Command::Dial { destination, reference, .. } = &record.command else { return };
        let told = beginning.called.as_ref().is_some_and(|called| called.party.is_known());
        if !told {
            let device = DeviceId::from(destination.expose().clone());
            beginning.called = Some(ReportedParty {
                device: self.kind_of(provider, &device).map(|_| device),
                party: Party { number: Some(destination.clone()), ..Party::default() },
            });
        }
        beginning.reference.clone_from(reference);
        beginning.dialled_by = Some(id);
    }

    /// The outcome, once.
    fn complete(&mut self, id: CommandId, outcome: CommandOutcome) {
        let at = self.at;
        let Some(record) = self.state.commands.get_mut(&id) else { return };
        if matches!(record.state, CommandState::Done { .. }) {
            return;
        }
        record.state = CommandState::Done { at, outcome };
        let transfer = record.transfer;
        if let Some(transfer) = transfer.and_then(|transfer| self.state.transfers.get_mut(&transfer)) {
            if transfer.pending == Some(id) {
                transfer.pending = None;
            }
            if transfer.take_back == Some(id) {
                transfer.take_back = None;
            }
        }
        self.effects.push(Effect::Completed(id));
        self.tell_command(id);
        self.arm(Deadline::ForgetCommand(id), self.state.settings.keep_ended);
    }

    /// Nothing more is awaited of a command.
    fn release(&mut self, id: CommandId) {
        self.disarm(Deadline::Command(id));
        let Some((provider, device)) = self.state.commands.get(&id).and_then(|record| record.device.clone())
        else {
            return;
        };
        self.entry_without(&provider, &device, |entry| entry.commands.retain(|at| *at != id));
    }

    /// What the connection in a positive answer tells: the call that was made, or the id that two calls have now.
    fn learn_reply(&mut self, id: CommandId, connection: &ProviderConnection) {
        let Some(record) = self.state.commands.get(&id) else { return };
        let Some((provider, device)) = record.device.clone() else { return };
        let (call, transfer) = (record.call, record.transfer);
        match record.command.action() {
            Some(Action::Dial) if call.is_none() => {
                self.dialled(id, &provider, &device, connection);
                if let Some(call) = self.state.commands.get(&id).and_then(|record| record.call) {
                    self.mind_blind(call);
                }
            }
            Some(Action::Consult | Action::TransferWarm) => {
                if let Some(transfer) = transfer {
                    self.consulted(transfer, &provider, &device, connection);
                }
            }
            Some(Action::TransferCold | Action::CompleteTransfer | Action::Conference) => {
                let customer = transfer
                    .and_then(|transfer| self.state.transfers.get(&transfer))
                    .map(|transfer| transfer.call)
                    .or(call);
                if let Some(customer) = customer
                    && self.call_by_id(&provider, &connection.call).is_none()
                    && self.state.calls.get(&customer).is_some_and(Call::is_live)
                {
                    self.alias(&provider, &connection.call, customer, false);
                }
            }
            _ => {}
        }
    }

    /// A positive answer to a command of one step.
    fn confirmed(&mut self, id: CommandId, connection: Option<&ProviderConnection>) {
        let transfer = self.state.commands.get(&id).and_then(|record| record.transfer);
        let known = transfer.and_then(|transfer| self.state.transfers.get(&transfer)).cloned();
        match (self.action_of(id), known) {
            (Some(Action::CompleteTransfer), Some(known)) if !known.state.is_terminal() => {
                let Some(consultation) = known.consultation else { return self.succeed(id) };
                self.join(known.call, consultation, &known.device, Cause::Transfer, Joining::Transfer);
                if let Some(connection) = connection
                    && let Some(call) = self.state.calls.get_mut(&known.call)
                    && call.provider_calls.contains(&connection.call)
                {
                    call.provider_call = connection.call.clone();
                }
                self.succeed(id);
            }
            (Some(Action::Consult | Action::TransferWarm), Some(known)) => {
                self.succeed(id);
                if known.take_back.is_some() {
                    self.go_on_taking_back(known.id);
                }
            }
            (Some(Action::SetDoNotDisturb | Action::SetForwarding | Action::DecideRoute), _) => {
                self.fulfil(id)
            }
            _ => self.succeed(id),
        }
    }

    fn dialled(&mut self, id: CommandId, provider: &ProviderId, device: &DeviceId, at: &ProviderConnection) {
        let known = self.call_by_id(provider, &at.call).and_then(|call| self.state.calls.get(&call));
        let known = known.filter(|call| call.is_live());
        let call = match known {
            Some(call) if call.calling_device.as_ref() == Some(device) => call.id,
            other => {
                if let Some(old) = other.map(|call| call.id) {
                    self.state.counters.ids_reused += 1;
                    self.concluding(|context| context.end_call(old, Cause::IdReused, None));
                }
                let mut beginning = Beginning { caller: Some(device.clone()), ..Beginning::default() };
                self.dialled_parties(id, provider, &mut beginning);
                let call = self.begin(provider, &at.call, beginning);
                self.set_connection(call, device, None, ConnectionState::Initiated, Cause::MakeCall);
                self.mind_adrift(call);
                call
            }
        };
        if let Some(call) = self.state.calls.get_mut(&call) {
            call.dialled_by = Some(id);
        }
        if let Some(record) = self.state.commands.get_mut(&id) {
            record.call = Some(call);
        }
    }

    fn consulted(
        &mut self,
        transfer: TransferId,
        provider: &ProviderId,
        device: &DeviceId,
        at: &ProviderConnection,
    ) {
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        if known.state.is_terminal() {
            return self.consulted_late(transfer, provider, device, at);
        }
        let (customer, contact, to) = (known.call, known.contact, known.to.clone());
        let live = self.call_by_id(provider, &at.call).and_then(|call| self.state.calls.get(&call));
        let mut live = live.filter(|call| call.is_live());
        if let Some(old) = live.filter(|call| call.contact != contact && is_of_another(call, device)) {
            let old = old.id;
            self.state.counters.ids_reused += 1;
            self.concluding(|context| context.end_call(old, Cause::IdReused, None));
            live = None;
        }
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        match live {
            Some(call) if call.id == customer => {}
            Some(call) => {
                let id = call.id;
                self.link_consultation(transfer, id);
            }
            None if known.consultation.is_none() => {
                let to_device = DeviceId::from(to.expose().clone());
                let called = ReportedParty {
                    device: self.kind_of(provider, &to_device).map(|_| to_device),
                    party: Party { number: Some(to), ..Party::default() },
                };
                let id = self.begin(
                    provider,
                    &at.call,
                    Beginning {
                        caller: Some(device.clone()),
                        called: Some(called),
                        contact: Some(contact),
                        ..Beginning::default()
                    },
                );
                self.set_connection(id, device, None, ConnectionState::Initiated, Cause::Consultation);
                self.mind_adrift(id);
                self.link_consultation(transfer, id);
            }
            None => {}
        }
    }

    /// The answer names a consultation that its transfer did not wait for: its time limit had passed, or what an earlier
    /// request made was taken for its own. It belongs to whatever transfer of the customer is under way by now.
    fn consulted_late(
        &mut self,
        late: TransferId,
        provider: &ProviderId,
        device: &DeviceId,
        at: &ProviderConnection,
    ) {
        let Some(known) = self.state.transfers.get(&late) else { return };
        let (customer, to, began) = (known.call, known.to.clone(), known.started);
        let named = self.call_by_id(provider, &at.call);
        if named.is_some() && named == known.consultation {
            return;
        }
        let named = named.and_then(|named| self.state.calls.get(&named));
        let over = named.is_some_and(|named| !named.is_live() && named.started >= began);
        if !over {
            let here = self.state.calls.get(&customer).filter(|call| call.is_live());
            if !here.is_some_and(|call| state_at(call, device).is_live()) {
                return;
            }
            let current = self.active_transfer(customer).or_else(|| {
                let current = self.make_transfer(customer, device, to, TransferKind::Warm, None)?;
                self.tell_transfer(Kind::TransferStarted, current);
                Some(current)
            });
            let waits = |id: &TransferId| {
                self.state.transfers.get(id).is_some_and(|current| current.consultation.is_none())
            };
            if let Some(current) = current.filter(waits) {
                self.consulted(current, provider, device, at);
                self.take_back_awaited(current);
            }
        }
        let consultation = self.call_by_id(provider, &at.call);
        if let Some(known) = self.state.transfers.get_mut(&late)
            && known.consultation.is_none()
        {
            known.consultation = consultation;
            known.version += 1;
        }
    }
}

/// Whether somebody else than this device made a call, and the device is not on it.
fn is_of_another(call: &Call, device: &DeviceId) -> bool {
    call.calling_device.as_ref().is_some_and(|caller| caller != device) && !state_at(call, device).is_live()
}

/// Whether it asks a PBX about one of its agents.
fn is_about_agent(command: &Command) -> bool {
    matches!(command, Command::SetAgentState { .. } | Command::GetAgentState { .. })
}

fn overdue() -> Refusal {
    Refusal::new(
        RefusalCause::Timeout,
        "The telephone system did not answer in time. The state shown is what is known; look before trying again.",
    )
}

/// The cause that a refused command gives its transfer.
fn cause_of(refusal: &Refusal) -> Cause {
    match refusal.cause {
        RefusalCause::InvalidDestination => Cause::DestinationNotObtainable,
        RefusalCause::ResourceBusy => Cause::Busy,
        RefusalCause::DeviceOutOfService => Cause::OutOfService,
        RefusalCause::LimitExceeded => Cause::ResourcesNotAvailable,
        RefusalCause::NotPermitted => Cause::Blocked,
        RefusalCause::Timeout => Cause::Timeout,
        _ => Cause::Other,
    }
}
