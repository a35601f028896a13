//! Transfers: a resource of its own, driven by the events of its two calls (T07, T08).

use super::Context;
use super::call::starts;
use super::device::state_at;
use crate::command::{Command, Refusal, RefusalCause};
use crate::model::action::Reason;
use crate::model::call::{Call, ConnectionState, Purpose};
use crate::model::cause::Cause;
use crate::model::ids::{CallId, CommandId, ContactId, DeviceId, ProviderId, Str, TransferId};
use crate::model::pii::Pii;
use crate::model::transfer::{Transfer, TransferKind, TransferState};
use crate::notification::Kind;
use crate::report::CallReport;
use crate::state::Deadline;

impl Context<'_> {
    /// The transfer under way of a call: of the customer's, or the one that it consults for.
    pub(super) fn active_transfer(&self, id: CallId) -> Option<TransferId> {
        let call = self.state.calls.get(&id)?;
        let contact = self.state.contacts.get(&call.contact)?;
        contact.transfers.iter().rev().copied().find(|transfer| {
            self.state.transfers.get(transfer).is_some_and(|transfer| {
                !transfer.state.is_terminal() && (transfer.call == id || transfer.consultation == Some(id))
            })
        })
    }

    /// Makes a transfer of a customer's call. `None` for the command when it was begun at the telephone.
    pub(super) fn make_transfer(
        &mut self,
        call: CallId,
        device: &DeviceId,
        to: Pii<Str>,
        kind: TransferKind,
        command: Option<CommandId>,
    ) -> Option<TransferId> {
        let asked = command.and_then(|command| self.state.commands.get(&command));
        let department = asked.and_then(|record| match &record.command {
            Command::Transfer { department, .. } => department.clone(),
            _ => None,
        });
        let customer = self.state.calls.get(&call)?;
        let (provider, contact) = (customer.provider.clone(), customer.contact);
        let id = TransferId(self.ids.make());
        // A new try: the customer is not to be fetched from under it.
        self.let_held(call, device);
        self.state.transfers.insert(
            id,
            Transfer {
                id,
                contact,
                kind,
                device: device.clone(),
                call,
                consultation: None,
                to,
                department,
                to_device: None,
                state: TransferState::Started,
                cause: Cause::Normal,
                pending: command,
                take_back: None,
                by_hand: command.is_none(),
                started: self.at,
                ended: None,
                version: 0,
            },
        );
        if let Some(contact) = self.state.contacts.get_mut(&contact) {
            contact.transfers.push(id);
        }
        self.entry(&provider, device).transfers.push(id);
        Some(id)
    }

    /// Ends a transfer, once, and gives the commands that wait for it their outcome.
    pub(super) fn finish_transfer(&mut self, id: TransferId, state: TransferState, cause: Cause) {
        let at = self.at;
        let Some(transfer) = self.state.transfers.get_mut(&id) else { return };
        if transfer.state.is_terminal() {
            return;
        }
        transfer.state = state;
        transfer.cause = cause;
        transfer.ended = Some(at);
        let (pending, take_back) = (transfer.pending.take(), transfer.take_back.take());
        let (call, device) = (transfer.call, transfer.device.clone());
        let customer = self.state.calls.get(&call);
        let gone = !customer.is_some_and(Call::is_live);
        if let Some(provider) = customer.map(|customer| customer.provider.clone()) {
            self.entry_without(&provider, &device, |entry| entry.transfers.retain(|at| *at != id));
        }
        let kind = match state {
            TransferState::Completed => Kind::TransferCompleted,
            TransferState::TakenBack => Kind::TransferTakenBack,
            _ => Kind::TransferFailed,
        };
        let causing = if state == TransferState::TakenBack { take_back } else { pending };
        self.because_of(causing, |context| context.tell_transfer(kind, id));
        if let Some(command) = pending {
            match state {
                TransferState::Completed => self.fulfil(command),
                _ => self.refuse(command, ended_refusal(gone, state)),
            }
        }
        if let Some(command) = take_back {
            match state {
                TransferState::TakenBack => self.fulfil(command),
                _ => self.refuse(command, ended_refusal(gone, state)),
            }
        }
        if state == TransferState::Failed && self.is_customer_held(id) {
            self.arm(Deadline::HeldReturn(id), self.state.settings.held_return);
        }
    }

    /// Whether a transfer failed and its customer still waits at the device that transferred.
    pub(super) fn is_customer_held(&self, id: TransferId) -> bool {
        self.state.transfers.get(&id).is_some_and(|transfer| {
            transfer.state == TransferState::Failed
                && self.state.calls.get(&transfer.call).is_some_and(|call| {
                    call.is_live() && state_at(call, &transfer.device) == ConnectionState::Held
                })
        })
    }

    /// Nobody has to fetch the customer back any more.
    pub(super) fn let_held(&mut self, call: CallId, device: &DeviceId) {
        let Some(contact) = self.state.calls.get(&call).map(|call| call.contact) else { return };
        let Some(contact) = self.state.contacts.get(&contact) else { return };
        for id in contact.transfers.clone() {
            let this = self
                .state
                .transfers
                .get(&id)
                .is_some_and(|transfer| transfer.call == call && transfer.device == *device);
            if this {
                self.disarm(Deadline::HeldReturn(id));
            }
        }
    }

    /// The transfer that a new call of this device consults for: one that waits for its consultation, or one that is
    /// begun by hand, because the device holds a customer to consult. Gives the customer's contact too.
    pub(super) fn consultation_at(
        &mut self,
        provider: &ProviderId,
        caller: &DeviceId,
        report: &CallReport,
    ) -> Option<(TransferId, ContactId)> {
        if !self.is_station(provider, caller) {
            return None;
        }
        let waiting = self.transfers_at(provider, caller).iter().find_map(|id| {
            let transfer = self.state.transfers.get(id)?;
            let waits = transfer.kind == TransferKind::Warm && transfer.consultation.is_none();
            waits.then_some((*id, transfer.contact))
        });
        if waiting.is_some() {
            return waiting;
        }
        if !starts(&report.event) {
            return None;
        }
        let consults = report.cause == Cause::Consultation;
        let (customer, contact) = self.calls_at(provider, caller).iter().rev().find_map(|id| {
            let call = self.state.calls.get(id)?;
            let here = call.connection(caller)?;
            let held = here.state == ConnectionState::Held && (consults || here.cause == Cause::Consultation);
            let speaks = here.state == ConnectionState::Connected && consults && call.answered.is_some();
            let late = self.consults_late(call, caller);
            let free = call.purpose == Purpose::Customer && self.active_transfer(*id).is_none();
            ((held || speaks || late) && free).then_some((*id, call.contact))
        })?;
        let to = report.called.as_ref().and_then(|called| called.party.number.clone());
        let to = to.unwrap_or_else(|| Pii::new("".into()));
        let id = self.make_transfer(customer, caller, to, TransferKind::Warm, None)?;
        self.tell_transfer(Kind::TransferStarted, id);
        Some((id, contact))
    }

    /// Whether a consultation that was asked for may yet be made, because the PBX was slow: it was not there in time, or
    /// what an earlier request made was taken for it.
    fn consults_late(&self, call: &Call, device: &DeviceId) -> bool {
        let contact = self.state.contacts.get(&call.contact);
        let transfers: Vec<_> = contact
            .into_iter()
            .flat_map(|contact| &contact.transfers)
            .filter_map(|id| self.state.transfers.get(id))
            .filter(|asked| asked.call == call.id && asked.device == *device && !asked.by_hand)
            .collect();
        let taken = |at: usize, asked: &Transfer| {
            transfers.iter().take(at).any(|earlier| earlier.consultation == asked.consultation)
        };
        transfers.iter().enumerate().any(|(at, asked)| match asked.consultation {
            None => asked.cause == Cause::Timeout,
            Some(_) => taken(at, asked),
        })
    }

    /// A call is the consultation of a transfer.
    pub(super) fn link_consultation(&mut self, id: TransferId, consultation: CallId) {
        let Some(transfer) = self.state.transfers.get_mut(&id) else { return };
        let of = transfer.call;
        if of == consultation {
            return;
        }
        let before = transfer.consultation.replace(consultation);
        if before == Some(consultation) {
            return;
        }
        let pending = transfer.pending;
        if let Some(call) = before.and_then(|before| self.state.calls.get_mut(&before)) {
            call.purpose = Purpose::Customer;
        }
        if let Some(call) = self.state.calls.get_mut(&consultation) {
            call.purpose = Purpose::Consultation { of, transfer: id };
        }
        if let Some(command) = pending {
            self.fulfil(command);
        }
    }

    /// It rings at the colleague.
    pub(super) fn transfer_rings(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get_mut(&transfer) else { return };
        if *device == known.device || known.state != TransferState::Started {
            return;
        }
        // A cold transfer's own call rings; of a warm one only the consultation does.
        if known.kind == TransferKind::Warm && known.consultation != Some(id) {
            return;
        }
        known.state = TransferState::Ringing;
        known.cause = cause;
        known.to_device = Some(device.clone());
        let (kind, pending) = (known.kind, known.pending);
        self.because_of(pending, |context| context.tell_transfer(Kind::TransferRinging, transfer));
        if kind == TransferKind::Warm {
            self.hold_customer(transfer);
        }
        if let Some(command) = pending {
            self.fulfil(command);
        }
    }

    /// The colleague answers.
    pub(super) fn transfer_answered(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get_mut(&transfer) else { return };
        if *device == known.device {
            return;
        }
        let merged = known.call == id
            && known.consultation.is_some_and(|consultation| {
                self.state.calls.get(&consultation).is_some_and(|call| !call.is_live())
            });
        if known.call == id {
            if known.kind == TransferKind::Cold || merged {
                known.to_device = Some(device.clone());
                self.finish_transfer(transfer, TransferState::Completed, cause);
            }
            return;
        }
        if known.state >= TransferState::Consulting {
            return;
        }
        known.state = TransferState::Consulting;
        known.cause = cause;
        known.to_device = Some(device.clone());
        self.tell_transfer(Kind::TransferConsulting, transfer);
        self.hold_customer(transfer);
    }

    /// The call came back to the device that sent it away.
    pub(super) fn transfer_recalled(&mut self, id: CallId, device: &DeviceId, cause: Cause) -> bool {
        if !self.recalls(id, device) {
            return false;
        }
        if let Some(transfer) = self.active_transfer(id) {
            self.finish_transfer(transfer, TransferState::Failed, cause);
        }
        true
    }

    /// Whether ringing at this device means that a transfer from it came back.
    pub(super) fn recalls(&self, id: CallId, device: &DeviceId) -> bool {
        let transfer = self.active_transfer(id).and_then(|transfer| self.state.transfers.get(&transfer));
        transfer.is_some_and(|transfer| transfer.call == id && transfer.device == *device)
    }

    /// A call of a transfer could not be completed at `device`.
    pub(super) fn transfer_call_failed(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        let from = known.device.clone();
        if known.consultation == Some(id) {
            if known.take_back.is_some() {
                return;
            }
            self.finish_transfer(transfer, TransferState::Failed, cause);
            self.clear_by_itself(id, &from);
        } else if *device != from {
            self.finish_transfer(transfer, TransferState::Failed, cause);
        }
    }

    /// Whether a device that leaves this call does so because it transferred it straight away.
    pub(super) fn hands_over_cold(&self, id: CallId, device: &DeviceId) -> bool {
        let transfer = self.active_transfer(id).and_then(|transfer| self.state.transfers.get(&transfer));
        transfer.is_some_and(|transfer| {
            transfer.call == id && transfer.device == *device && transfer.kind == TransferKind::Cold
        })
    }

    /// Whether a caller is the customer for whom a call consults: after a transfer the consultation may be his call.
    pub(super) fn is_customer_of(&self, call: &Call, caller: &DeviceId) -> bool {
        let Purpose::Consultation { of, .. } = call.purpose else { return false };
        let customer = self.state.calls.get(&of);
        customer.is_some_and(|customer| customer.connection(caller).is_some())
    }

    /// Whether a customer without a device of ours may yet ring again at the one that sent him away.
    pub(super) fn waits_for_recall(&self, id: CallId, cause: Cause) -> bool {
        let transfer = self.active_transfer(id).and_then(|transfer| self.state.transfers.get(&transfer));
        let hung_up = matches!(cause, Cause::Normal | Cause::NormalClearing | Cause::CallCancelled);
        transfer.is_some_and(|transfer| {
            let not_seen = transfer.to_device.is_none();
            transfer.call == id && transfer.kind == TransferKind::Cold && (not_seen || !hung_up)
        })
    }

    /// A device left a call: the transferring one may have left its consultation.
    pub(super) fn consultation_left(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        if known.consultation != Some(id) || known.device != *device {
            return;
        }
        if known.take_back.is_some() {
            self.go_on_taking_back(transfer);
        } else if self.has_customer_back(transfer) {
            self.finish_transfer(transfer, TransferState::TakenBack, cause);
        }
    }

    /// A device took a customer from hold: that ends a transfer whose consultation is over.
    pub(super) fn customer_retrieved(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        self.let_held(id, device);
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        if known.call != id || known.device != *device || known.kind != TransferKind::Warm {
            return;
        }
        if !self.consults(transfer) {
            self.finish_transfer(transfer, TransferState::TakenBack, cause);
        }
    }

    /// The customer's call that a retrieval on a consultation's id means: asterisk-csp names the consultation, which
    /// has been cleared at this device by then.
    pub(super) fn customer_meant(&self, id: CallId, device: &DeviceId) -> Option<CallId> {
        let call = self.state.calls.get(&id)?;
        let Purpose::Consultation { of, transfer } = call.purpose else { return None };
        let transfer = self.state.transfers.get(&transfer)?;
        let customer = self.state.calls.get(&of).filter(|customer| customer.is_live())?;
        let waits = state_at(customer, device).is_live() && !state_at(call, device).is_live();
        (transfer.device == *device && waits).then_some(of)
    }

    /// A call ended: what becomes of the transfers that it was part of.
    pub(super) fn transfers_of_ended(&mut self, id: CallId, cause: Cause) {
        let Some(transfer) = self.active_transfer(id) else { return };
        let Some(known) = self.state.transfers.get(&transfer) else { return };
        if known.call == id {
            return self.finish_transfer(transfer, TransferState::Failed, cause);
        }
        let merged =
            self.state.calls.get(&id).and_then(|call| call.ended).and_then(|ended| ended.merged_into);
        if merged.is_some() {
            return;
        }
        if self.has_customer_back(transfer) {
            self.finish_transfer(transfer, TransferState::TakenBack, cause);
        } else if known.take_back.is_some() {
            self.go_on_taking_back(transfer);
        } else {
            self.finish_transfer(transfer, TransferState::Failed, cause);
        }
    }

    /// Whether the transferring device is on its consultation now.
    pub(super) fn consults(&self, id: TransferId) -> bool {
        self.state.transfers.get(&id).is_some_and(|transfer| {
            let consultation = transfer.consultation.and_then(|call| self.state.calls.get(&call));
            consultation.is_some_and(|call| state_at(call, &transfer.device).is_live())
        })
    }

    /// Whether the transferring device took the customer from hold since the transfer began.
    fn has_customer_back(&self, id: TransferId) -> bool {
        let Some(transfer) = self.state.transfers.get(&id) else { return false };
        let Some(call) = self.state.calls.get(&transfer.call) else { return false };
        call.is_live()
            && call.connection(&transfer.device).is_some_and(|here| {
                here.state == ConnectionState::Connected
                    && (here.since > transfer.started || transfer.by_hand)
            })
    }

    /// A consultation means that the customer waits, also where the PBX does not say so (asterisk-csp).
    fn hold_customer(&mut self, id: TransferId) {
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        let (call, device) = (transfer.call, transfer.device.clone());
        let speaks = self.state.calls.get(&call).map(|call| state_at(call, &device));
        let consultation = transfer.consultation.and_then(|call| self.state.calls.get(&call));
        let consults = consultation.map(|call| state_at(call, &device));
        if speaks == Some(ConnectionState::Connected) && consults == Some(ConnectionState::Connected) {
            self.set_connection(call, &device, None, ConnectionState::Held, Cause::Consultation);
            self.concluding(|context| context.held(call, &device, Cause::Consultation));
        }
    }
}

/// Why a command about a transfer is refused now that the transfer has ended.
fn ended_refusal(customer_gone: bool, state: TransferState) -> Refusal {
    if customer_gone {
        return Refusal::new(RefusalCause::PartyGone, "The customer has hung up.");
    }
    match state {
        TransferState::Failed => Refusal::new(
            RefusalCause::InvalidDestination,
            "The colleague could not be reached: busy, not answered, or gone; the customer is still here.",
        ),
        _ => Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::TransferEnded),
    }
}
