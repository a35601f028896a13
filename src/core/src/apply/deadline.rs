//! Deadlines: when to look again, and what is done then.

use super::Context;
use crate::model::call::ConnectionState;
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, TransferId};
use crate::model::time::{Millis, Time};
use crate::model::transfer::{TransferKind, TransferState};
use crate::notification::Kind;
use crate::state::Deadline;

impl Context<'_> {
    /// Sets a deadline this long from now; one of the same kind and object moves.
    pub(super) fn arm(&mut self, deadline: Deadline, after: Millis) {
        self.disarm(deadline);
        // Never in the past or present: a deadline of no length must not keep a tick busy for ever.
        let at = self.at + Millis(after.0.max(1));
        self.state.deadlines.insert((at, deadline));
        self.state.armed.insert(deadline, at);
    }

    /// Takes a deadline away, if it is there.
    pub(super) fn disarm(&mut self, deadline: Deadline) {
        if let Some(at) = self.state.armed.remove(&deadline) {
            self.state.deadlines.remove(&(at, deadline));
        }
    }

    /// Does what is due. Each round takes deadlines that have passed; new ones lie in the future, so it ends.
    pub(super) fn tick(&mut self) {
        while let Some(&(at, deadline)) = self.state.deadlines.first() {
            if at > self.at {
                return;
            }
            self.state.deadlines.remove(&(at, deadline));
            self.state.armed.remove(&deadline);
            match deadline {
                Deadline::Command(id) => self.command_overdue(id),
                Deadline::ForgetCommand(id) => {
                    self.state.commands.remove(&id);
                }
                Deadline::StaleCall(id) => {
                    self.concluding(|context| context.end_call(id, Cause::StaleExpired, None));
                }
                Deadline::ForgetCall(id) => self.forget_call(id),
                Deadline::HeldReturn(id) => self.return_held(id),
                Deadline::AnsweredElsewhere(id) => self.answered_elsewhere(id),
                Deadline::Adrift(id) => self.adrift(id),
                Deadline::SessionLease(id) => self.lease_over(id),
                Deadline::ForgetSession(id) => self.forget_session(id),
                Deadline::Route(id) => self.route_overdue(id),
                Deadline::ForgetRoute(id) => self.forget_route(id),
                Deadline::Offer(id) => self.offer_expired(id),
                Deadline::Distribute(id) => self.distribute_again(id),
                Deadline::ChatWait(id) => self.waited_too_long(id),
                Deadline::ChatSilence(id) => self.chat_silent(id),
                Deadline::VisitorGrace(id) => self.visitor_grace_over(id),
                Deadline::ChatWrap(id) => self.wrap_overdue(id),
                Deadline::ForgetChat(id) => self.forget_chat(id),
                Deadline::ChatLease(id) => self.chat_lease_over(id),
            }
        }
    }

    /// Rule 7: devices that still ring though another answered are told so, whatever the PBX forgot to say.
    fn answered_elsewhere(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        // Only what rang already when it was answered: a cold transfer may make it ring at a colleague since.
        let answered: Option<Time> = call
            .live()
            .filter(|at| at.ours && at.state != ConnectionState::Alerting)
            .filter_map(|at| at.connected)
            .max();
        let Some(answered) = answered else { return };
        let provider = call.provider.clone();
        let ringing: Vec<_> = call
            .live()
            .filter(|at| at.ours && at.state == ConnectionState::Alerting && at.since <= answered)
            .map(|at| at.device.clone())
            .filter(|device| self.kind_of(&provider, device) != Some(DeviceKind::Queue))
            .collect();
        for device in ringing {
            self.set_connection(id, &device, None, ConnectionState::Null, Cause::AnsweredElsewhere);
            self.concluding(|context| {
                context.tell_call(Kind::CallAnsweredElsewhere, id, Some(&device), Cause::AnsweredElsewhere);
            });
        }
    }

    /// Rule 2: a call that left us and was not heard of since is over for us.
    fn adrift(&mut self, id: CallId) {
        let Some(call) = self.state.calls.get(&id) else { return };
        if call.live().any(|at| at.ours) {
            return;
        }
        let cause = call.connections.iter().rev().find(|at| at.ours).map_or(Cause::Redirected, |at| at.cause);
        self.concluding(|context| {
            if let Some(transfer) = context.active_transfer(id) {
                let cold = context
                    .state
                    .transfers
                    .get(&transfer)
                    .is_some_and(|transfer| transfer.kind == TransferKind::Cold);
                // It went to somebody whom we do not see and it did not come back.
                if cold {
                    context.finish_transfer(transfer, TransferState::Completed, cause);
                }
            }
            context.end_as(id, cause, None, false);
        });
    }

    /// Rule 4: a customer who is still on hold after his transfer failed is retrieved, again and again until he is.
    fn return_held(&mut self, id: TransferId) {
        if !self.is_customer_held(id) {
            return;
        }
        if !self.retrieve_by_itself(id) {
            self.arm(Deadline::HeldReturn(id), self.state.settings.held_return);
        }
    }
}
