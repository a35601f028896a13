//! Take-back: the agent has the customer again, from any point of a warm transfer before its completion (rule 4).
//!
//! ```text
//! consultation not there yet ──► wait for it (or for its failure)
//! consultation there ──► ReconnectCall                        one step, where the PBX has it
//!                   └──► ClearConnection ──► RetrieveCall     two steps; also after a refused ReconnectCall
//! consultation gone ──► RetrieveCall
//! customer connected ──► done
//! ```

use super::Context;
use super::device::state_at;
use crate::adapter::Operation;
use crate::command::{Actor, Command, Control, Refusal, RefusalCause};
use crate::model::action::{Action, Reason};
use crate::model::call::{Call, ConnectionState};
use crate::model::cause::Cause;
use crate::model::ids::{CallId, CommandId, DeviceId, TransferId};
use crate::model::provider::LinkState;
use crate::model::transfer::{TransferKind, TransferState};

/// ReconnectCall was sent.
const RECONNECT: u8 = 0;
/// ClearConnection of the consultation was sent.
const CLEAR: u8 = 1;
/// RetrieveCall of the customer was sent.
const RETRIEVE: u8 = 2;

/// Who asks what schakel does by itself.
pub(super) const ITSELF: &str = "schakel";

impl Context<'_> {
    /// Begins a take-back for an accepted command.
    pub(super) fn take_back(&mut self, id: TransferId, command: CommandId) {
        let Some(transfer) = self.state.transfers.get_mut(&id) else { return };
        transfer.take_back = Some(command);
        self.go_on_taking_back(id);
    }

    /// Does what a take-back needs next, given where the two calls are now.
    pub(super) fn go_on_taking_back(&mut self, id: TransferId) {
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        let Some(command) = transfer.take_back else { return };
        let device = transfer.device.clone();
        let (waits, cause) = (transfer.pending.is_some(), Cause::NormalClearing);
        let Some(customer) = self.state.calls.get(&transfer.call).filter(|call| call.is_live()) else {
            return self.finish_transfer(id, TransferState::Failed, cause);
        };
        let here = customer.connection(&device).filter(|here| here.state.is_live());
        let Some(here) = here else {
            return self.finish_transfer(id, TransferState::Failed, cause);
        };
        let provider = customer.provider.clone();
        let (held, speaks) = (self.connection_of(transfer.call, &device), here.state);
        let Some(held) = held else { return };
        let capable = self.state.providers.get(&provider).is_some_and(|known| known.capabilities.reconnect);
        let consultation = transfer.consultation.and_then(|call| self.state.calls.get(&call));
        let Some(step) = self.state.commands.get(&command).map(|record| record.step) else { return };
        let sent = self.is_sent(command);
        match consultation.map(|call| (call.id, state_at(call, &device))) {
            Some((consultation, there)) if there.is_live() => {
                let Some(active) = self.connection_of(consultation, &device) else { return };
                if sent {
                    // The answer or the consultation's end is awaited.
                } else if capable
                    && step == RECONNECT
                    && speaks == ConnectionState::Held
                    && there == ConnectionState::Connected
                {
                    self.send(command, RECONNECT, Operation::Reconnect { active, held });
                } else {
                    self.send(command, CLEAR, Operation::Clear(active));
                }
            }
            // Asked of the PBX, and not there yet: what follows brings us here again.
            None if waits => {}
            _ if speaks == ConnectionState::Connected => {
                self.finish_transfer(id, TransferState::TakenBack, cause);
            }
            // Both retrieve him; the answer or the event will tell.
            _ if sent && (step == RECONNECT || step == RETRIEVE) => {}
            _ => self.send(command, RETRIEVE, Operation::Retrieve(held)),
        }
    }

    /// The consultation that a take-back waited for is there.
    pub(super) fn take_back_awaited(&mut self, id: TransferId) {
        let waits = self.state.transfers.get(&id).and_then(|transfer| transfer.take_back);
        if waits.is_some_and(|command| !self.is_sent(command)) && self.consults(id) {
            self.go_on_taking_back(id);
        }
    }

    /// A provider's answer to a step of a take-back.
    pub(super) fn take_back_answered(&mut self, command: CommandId, step: u8, result: &Result<(), Refusal>) {
        let Some(record) = self.state.commands.get(&command) else { return };
        let Some(id) = record.transfer else { return };
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        let (call, device, consultation) = (transfer.call, transfer.device.clone(), transfer.consultation);
        if (step, result.is_ok()) != (RECONNECT, true) {
            self.unsend(command);
        }
        match (step, result) {
            // It counts as sent until both halves are noted, or the customer would be retrieved once more.
            (RECONNECT, Ok(())) => {
                self.consultation_cleared(consultation, &device);
                self.unsend(command);
                self.customer_back(call, &device);
                self.go_on_taking_back(id);
            }
            (CLEAR, Ok(())) => {
                self.consultation_cleared(consultation, &device);
                self.go_on_taking_back(id);
            }
            (RETRIEVE, Ok(())) => {
                self.customer_back(call, &device);
                self.go_on_taking_back(id);
            }
            // What ReconnectCall cannot, clearing and retrieving may; and where the consultation is gone by now,
            // retrieving alone.
            (RECONNECT, Err(refusal)) if refusal.cause != RefusalCause::LinkDown => {
                if let Some(record) = self.state.commands.get_mut(&command) {
                    record.step = CLEAR;
                }
                self.go_on_taking_back(id);
            }
            (CLEAR, Err(_)) if !self.consults(id) => self.go_on_taking_back(id),
            (_, Err(refusal)) => self.give_up_taking_back(command, refusal.clone()),
            (_, Ok(())) => {}
        }
        // The last step is done and the transfer had ended before: its customer is back all the same.
        if self.is_so(command) {
            self.fulfil(command);
        }
    }

    /// A take-back is refused: the transfer goes on where it was, or has failed if its consultation is gone.
    pub(super) fn give_up_taking_back(&mut self, command: CommandId, refusal: Refusal) {
        let Some(id) = self.state.commands.get(&command).and_then(|record| record.transfer) else { return };
        if let Some(transfer) = self.state.transfers.get_mut(&id)
            && transfer.take_back == Some(command)
        {
            transfer.take_back = None;
        }
        self.refuse(command, refusal);
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        if transfer.consultation.is_some() && !self.consults(id) {
            self.finish_transfer(id, TransferState::Failed, Cause::NormalClearing);
        }
    }

    /// Why a take-back cannot be begun; `Ok(true)` when it is so already.
    pub(super) fn may_take_back(&self, id: TransferId) -> Result<bool, Refusal> {
        let Some(transfer) = self.state.transfers.get(&id) else { return Ok(false) };
        let customer = self.state.calls.get(&transfer.call).filter(|call| call.is_live());
        if transfer.kind == TransferKind::Cold {
            return Err(Refusal::new(
                RefusalCause::NotSupported,
                "A cold transfer cannot be taken back: the call is at the colleague's telephone already.",
            ));
        }
        match transfer.state {
            TransferState::TakenBack => return Ok(true),
            TransferState::Completed => {
                return Err(Refusal::not_allowed(
                    RefusalCause::InvalidConnectionState,
                    Reason::TransferEnded,
                ));
            }
            _ => {}
        }
        let Some(customer) = customer else {
            return Err(Refusal::new(RefusalCause::PartyGone, "The customer has hung up."));
        };
        let here = state_at(customer, &transfer.device);
        if !here.is_live() {
            return Err(Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotHere));
        }
        if transfer.state == TransferState::Failed {
            return Ok(here == ConnectionState::Connected);
        }
        let completing =
            transfer.pending.is_some_and(|command| self.action_of(command) == Some(Action::CompleteTransfer));
        if transfer.take_back.is_some() || completing {
            return Err(Refusal::not_allowed(RefusalCause::ResourceBusy, Reason::UnderWay));
        }
        Ok(false)
    }

    /// A failed transfer's customer is asked back: only the retrieval is left to do.
    pub(super) fn retrieve_failed(&mut self, id: TransferId, command: CommandId) {
        let Some(transfer) = self.state.transfers.get(&id) else { return };
        let held = self.connection_of(transfer.call, &transfer.device);
        if let Some(held) = held {
            self.send(command, RETRIEVE, Operation::Retrieve(held));
        }
    }

    /// Retrieves a customer whose transfer failed, without being asked. Gives whether it could be sent.
    pub(super) fn retrieve_by_itself(&mut self, id: TransferId) -> bool {
        let Some(transfer) = self.state.transfers.get(&id) else { return false };
        let (call, device) = (transfer.call, transfer.device.clone());
        let Some(provider) = self.state.calls.get(&call).map(|call| call.provider.clone()) else {
            return false;
        };
        // The agent speaks to somebody else: not now.
        let busy = self.calls_at(&provider, &device).iter().any(|other| *other != call);
        let retrieves = [Action::Retrieve, Action::TakeBack];
        if busy || self.claim(&provider, &device, Some(call), &retrieves).is_some() {
            return false;
        }
        self.do_by_itself(call, &device, Control::Retrieve, Some(id))
    }

    /// Clears a consultation that failed and left the agent with a busy tone.
    pub(super) fn clear_by_itself(&mut self, call: CallId, device: &DeviceId) {
        let here =
            self.state.calls.get(&call).filter(|call| call.is_live()).map(|call| state_at(call, device));
        if here.is_some_and(ConnectionState::is_live) {
            self.do_by_itself(call, device, Control::HangUp, None);
        }
    }

    fn do_by_itself(
        &mut self,
        call: CallId,
        device: &DeviceId,
        control: Control,
        transfer: Option<TransferId>,
    ) -> bool {
        let Some(known) = self.state.calls.get(&call) else { return false };
        let link = self.state.providers.get(&known.provider).map(|provider| provider.link);
        let provider = known.provider.clone();
        let Some(connection) = self.connection_of(call, device) else { return false };
        if !link.is_some_and(LinkState::is_open) || known.stale.is_some() {
            return false;
        }
        let operation = match control {
            Control::Retrieve => Operation::Retrieve(connection),
            _ => Operation::Clear(connection),
        };
        let id = CommandId(self.ids.make());
        let command = Command::Control { call, device: device.clone(), control };
        let by = Actor::named(ITSELF);
        self.accept(id, &command, &by, Some((provider, device.clone())), Some(call), transfer);
        self.send(id, 0, operation);
        true
    }

    /// The PBX confirms that the consultation is cleared; its event may follow and tells nothing new then.
    fn consultation_cleared(&mut self, consultation: Option<CallId>, device: &DeviceId) {
        if let Some(consultation) = consultation
            && self.state.calls.get(&consultation).is_some_and(Call::is_live)
            && self.part(consultation, device, Cause::NormalClearing)
        {
            self.end_if_over(consultation, Cause::NormalClearing);
        }
    }

    /// The PBX confirms that the customer is retrieved; its event may follow and tells nothing new then.
    fn customer_back(&mut self, call: CallId, device: &DeviceId) {
        let state = self.state.calls.get(&call).map(|call| state_at(call, device));
        if state == Some(ConnectionState::Held) {
            self.set_connection(call, device, None, ConnectionState::Connected, Cause::Normal);
            self.retrieved(call, device, Cause::Normal);
        }
    }
}
