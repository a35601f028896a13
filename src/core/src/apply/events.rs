//! What each event does to its call: the connection table, and what JKC is told.

use super::Context;
use super::device::state_at;
use super::ending::is_caller_hidden;
use super::table::{Edge, edge};
use crate::model::action::Action;
use crate::model::call::{Call, ConnectionState, Direction};
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{CallId, DeviceId};
use crate::notification::Kind;
use crate::report::{CallEvent, CallReport};
use crate::state::Deadline;

impl Context<'_> {
    /// One event of a call that is there. Gives whether it moved anything.
    pub(super) fn event(&mut self, id: CallId, report: &CallReport) -> bool {
        let Some(mut call) = self.state.calls.get(&id) else { return false };
        let mut subject = self.subject(call, report);
        let named = &report.connection.device;
        if subject != *named && report.event == CallEvent::Established {
            // From now on he is who answered.
            self.rename(id, &subject, named);
            subject = named.clone();
            let Some(renamed) = self.state.calls.get(&id) else { return false };
            call = renamed;
        }
        let from = match call.live().find(|connection| connection.device == subject) {
            Some(connection) => connection.state,
            None => ConnectionState::Null,
        };
        let own = report.monitor.as_ref() == Some(&subject);
        let step = edge(&report.event, from, own);
        if matches!(step, Edge::Unexpected(_)) {
            self.state.counters.unexpected_reports += 1;
        }
        match &report.event {
            CallEvent::Initiated => self.on_initiated(id, &subject, step, report),
            CallEvent::Originated => self.on_originated(id, &subject, step, report),
            CallEvent::NetworkReached => self.see_monitored(id, report),
            CallEvent::Offered => self.on_offered(id, &subject, step, report),
            CallEvent::Delivered => self.on_delivered(id, &subject, step, report),
            CallEvent::Established => self.on_established(id, &subject, step, report),
            CallEvent::Held => self.on_held(id, &subject, step, report),
            CallEvent::Retrieved => self.on_retrieved(id, &subject, step, report),
            CallEvent::Queued => self.on_queued(id, &subject, step, report),
            CallEvent::ConnectionCleared => self.on_cleared(id, &subject, report),
            CallEvent::CallCleared => self.on_call_cleared(id, report),
            CallEvent::Diverted { .. } => self.on_diverted(id, &subject, step, report),
            CallEvent::Failed => self.on_failed(id, &subject, step, report),
            CallEvent::Transferred { .. } | CallEvent::Conferenced { .. } => false,
            CallEvent::Information => self.see_monitored(id, report),
        }
    }

    /// It rings at a device of ours, or is shown to ring there: told once a connection (rule 7).
    pub(super) fn announce(&mut self, id: CallId, device: &DeviceId, cause: Cause) -> bool {
        let Some(call) = self.state.calls.get_mut(&id) else { return false };
        let provider = call.provider.clone();
        let Some(connection) = call.connection_mut(device).filter(|connection| !connection.announced) else {
            return false;
        };
        connection.announced = true;
        match self.kind_of(&provider, device) {
            Some(DeviceKind::Station) => self.tell_call(Kind::CallRinging, id, Some(device), cause),
            Some(DeviceKind::Queue) => {
                if let Some(call) = self.state.calls.get_mut(&id) {
                    call.queue = Some(device.clone());
                }
                self.tell_call(Kind::CallQueued, id, Some(device), cause);
            }
            None => self.tell_call(Kind::CallAlertingRemote, id, None, cause),
        }
        true
    }

    /// A device answered: tells it, and starts the time in which the others must stop ringing.
    pub(super) fn answered(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(call) = self.state.calls.get_mut(&id) else { return };
        let provider = call.provider.clone();
        let dialling = call.calling_device.clone();
        let first = call.answered.is_none();
        let direction = call.direction;
        let is_dialling = dialling.as_ref() == Some(device);
        match self.kind_of(&provider, device) {
            Some(DeviceKind::Station) if !is_dialling => {
                self.set_answered(id);
                self.leave_queues(id, cause);
                self.tell_claimed(Kind::CallAnswered, id, device, cause, &[Action::Answer, Action::PickUp]);
            }
            // A queue that answers only plays music: nobody of ours speaks yet.
            Some(DeviceKind::Queue) => return,
            Some(DeviceKind::Station) => {
                self.tell_call(Kind::CallUpdated, id, Some(device), cause);
                return;
            }
            None if is_dialling => return,
            None => {
                self.set_answered(id);
                let ours = dialling.filter(|_| first && direction != Direction::Inbound);
                let kind = if first { Kind::CallAnswered } else { Kind::CallUpdated };
                self.tell_call(kind, id, ours.as_ref(), cause);
            }
        }
        let rings = self.state.calls.get(&id).is_some_and(|call| {
            call.live().any(|at| at.ours && at.state == ConnectionState::Alerting && at.device != *device)
        });
        if rings {
            self.arm(Deadline::AnsweredElsewhere(id), self.state.settings.answered_elsewhere);
        }
        self.transfer_answered(id, device, cause);
    }

    /// Tells something that a command may have asked for: the notification names it, and it is fulfilled.
    pub(super) fn tell_claimed(
        &mut self,
        kind: Kind,
        id: CallId,
        device: &DeviceId,
        cause: Cause,
        actions: &[Action],
    ) {
        let Some(provider) = self.state.calls.get(&id).map(|call| call.provider.clone()) else { return };
        let claimed = self.claim(&provider, device, Some(id), actions);
        self.because_of(claimed, |context| context.tell_call(kind, id, Some(device), cause));
        if let Some(command) = claimed {
            self.fulfil(command);
        }
    }

    /// The connection that a report is about. PBXs name an outside party by his number here and by his trunk there.
    fn subject(&self, call: &Call, report: &CallReport) -> DeviceId {
        let named = &report.connection.device;
        let renamed = matches!(
            report.event,
            CallEvent::Established | CallEvent::Held | CallEvent::Retrieved | CallEvent::ConnectionCleared
        );
        if !renamed || call.connection(named).is_some() || self.kind_of(&call.provider, named).is_some() {
            return named.clone();
        }
        // Of a caller without a connection nothing is known but that he is there: it is he.
        let leaves = report.event == CallEvent::ConnectionCleared;
        if leaves && (is_caller_hidden(call) || call.calling_device.as_ref() == Some(named)) {
            return named.clone();
        }
        let answers = report.event == CallEvent::Established;
        let mut outside = call.live().filter(|connection| {
            !connection.ours && (!answers || connection.state == ConnectionState::Alerting)
        });
        match (outside.next(), outside.next()) {
            (Some(only), None) => only.device.clone(),
            _ => named.clone(),
        }
    }

    /// Moves the subject along an edge; gives whether there was one.
    fn follow(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        match step {
            Edge::Moves(to) | Edge::Unexpected(to) => {
                // A report on the id of another call that this one stands for does not rename the connection.
                let named = &report.connection.call;
                let own = self.state.calls.get(&id).is_some_and(|call| call.provider_calls.contains(named));
                self.set_connection(id, subject, own.then_some(named), to, report.cause);
                true
            }
            Edge::Repeats | Edge::Nothing => false,
        }
    }

    fn on_initiated(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        if moved && let Some(call) = self.state.calls.get_mut(&id) {
            call.version += 1;
        }
        self.fulfil_dial(id);
        moved
    }

    fn on_originated(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        if moved {
            let dialled = self.state.calls.get(&id).and_then(|call| call.dialled_by);
            self.because_of(dialled, |context| {
                context.tell_call(Kind::CallDialling, id, Some(subject), report.cause);
            });
        }
        self.fulfil_dial(id);
        moved
    }

    fn on_offered(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        let provider = self.state.calls.get(&id).map(|call| call.provider.clone());
        if moved && provider.is_some_and(|provider| self.is_station(&provider, subject)) {
            self.tell_call(Kind::CallOffered, id, Some(subject), report.cause);
        }
        self.see_monitored(id, report) | moved
    }

    fn on_delivered(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let Some(call) = self.state.calls.get(&id) else { return false };
        let provider = call.provider.clone();
        let caller = call.calling_device.clone();
        if caller.as_ref() == Some(subject) && !self.recalls(id, subject) {
            // The dialling telephone itself is rung first (a prompt): no pop-up, somebody sits there and waits for it.
            if state_at(call, subject) == ConnectionState::Null {
                let prompted = match self.is_station(&provider, subject) {
                    true => ConnectionState::Initiated,
                    false => ConnectionState::Connected,
                };
                self.set_connection(id, subject, Some(&report.connection.call), prompted, report.cause);
                return true;
            }
            return false;
        }
        let moved = self.follow(id, subject, step, report);
        let rings = || self.state.calls.get(&id).map(|call| state_at(call, subject));
        if !moved && rings() != Some(ConnectionState::Alerting) {
            return false;
        }
        self.disarm(Deadline::Adrift(id));
        let recalled = self.transfer_recalled(id, subject, report.cause);
        // The other side rings: told once to the telephone of ours that dialled.
        let remote = caller.filter(|caller| {
            let call = self.state.calls.get_mut(&id);
            let connection = call.and_then(|call| call.connection_mut(caller));
            connection.is_some_and(|connection| {
                connection.ours
                    && connection.state.is_live()
                    && !std::mem::replace(&mut connection.announced, true)
            })
        });
        let seen = self.see_monitored(id, report);
        let told = match (&remote, self.kind_of(&provider, subject)) {
            // Outside: the one notification goes to who dialled.
            (Some(_), None) => {
                let call = self.state.calls.get_mut(&id);
                if let Some(connection) = call.and_then(|call| call.connection_mut(subject)) {
                    connection.announced = true;
                }
                true
            }
            _ => self.announce(id, subject, report.cause),
        };
        if let Some(caller) = &remote {
            let dialled = self.state.calls.get(&id).and_then(|call| call.dialled_by);
            self.because_of(dialled, |context| {
                context.tell_call(Kind::CallAlertingRemote, id, Some(caller), report.cause);
            });
        }
        self.fulfil_dial(id);
        if !recalled {
            self.transfer_rings(id, subject, report.cause);
        }
        moved || told || seen || remote.is_some()
    }

    fn on_established(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let before = self.state.calls.get(&id).map_or(ConnectionState::Null, |call| state_at(call, subject));
        let moved = self.follow(id, subject, step, report);
        let mut told = self.see_monitored(id, report);
        if moved {
            self.disarm(Deadline::Adrift(id));
            if before == ConnectionState::Held {
                self.retrieved(id, subject, report.cause);
            } else {
                self.answered(id, subject, report.cause);
            }
        }
        self.fulfil_dial(id);
        // A queue answers for the agent whose monitor tells it (seen in asterisk-csp).
        if let (Some(monitor), Some(ConnectionState::Connected)) = (&report.monitor, report.local)
            && monitor != subject
            && let Some(call) = self.state.calls.get(&id)
            && self.kind_of(&call.provider, subject) == Some(DeviceKind::Queue)
            && state_at(call, monitor) == ConnectionState::Alerting
        {
            self.set_connection(
                id,
                monitor,
                Some(&report.connection.call),
                ConnectionState::Connected,
                report.cause,
            );
            self.answered(id, monitor, report.cause);
            told = true;
        }
        moved || told
    }

    fn on_held(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        if moved {
            self.held(id, subject, report.cause);
        }
        moved
    }

    fn on_retrieved(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        if moved {
            self.retrieved(id, subject, report.cause);
        }
        moved
    }

    fn on_queued(&mut self, id: CallId, subject: &DeviceId, step: Edge, report: &CallReport) -> bool {
        let moved = self.follow(id, subject, step, report);
        if !moved {
            return false;
        }
        self.disarm(Deadline::Adrift(id));
        let Some(call) = self.state.calls.get_mut(&id) else { return false };
        call.version += 1;
        call.queue = Some(subject.clone());
        let announced = call.connection_mut(subject).map(|at| std::mem::replace(&mut at.announced, true));
        if announced == Some(false) {
            self.tell_call(Kind::CallQueued, id, Some(subject), report.cause);
        }
        true
    }

    /// A device of ours, or the other side, put the call on hold.
    pub(super) fn held(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let ours =
            self.state.calls.get(&id).and_then(|call| call.connection(device)).is_some_and(|at| at.ours);
        if !ours {
            return self.tell_call(Kind::CallUpdated, id, None, cause);
        }
        let Some(provider) = self.state.calls.get(&id).map(|call| call.provider.clone()) else { return };
        let actions = [Action::Hold, Action::Consult, Action::TransferWarm, Action::Alternate];
        let claimed = self.claim(&provider, device, Some(id), &actions);
        self.because_of(claimed, |context| context.tell_call(Kind::CallHeld, id, Some(device), cause));
        let holds = |command| self.action_of(command) == Some(Action::Hold);
        if let Some(command) = claimed.filter(|command| holds(*command)) {
            self.fulfil(command);
        }
    }

    /// A device of ours, or the other side, took the call from hold.
    pub(super) fn retrieved(&mut self, id: CallId, device: &DeviceId, cause: Cause) {
        let Some(call) = self.state.calls.get(&id) else { return };
        if !call.connection(device).is_some_and(|at| at.ours) {
            return self.tell_call(Kind::CallUpdated, id, None, cause);
        }
        let provider = call.provider.clone();
        let claimed = self.claim(&provider, device, Some(id), &[Action::Retrieve, Action::TakeBack]);
        // A swap is asked of either of the two calls.
        let swap = self.claim(&provider, device, None, &[Action::Alternate]);
        self.because_of(claimed.or(swap), |context| {
            context.tell_call(Kind::CallRetrieved, id, Some(device), cause);
        });
        self.customer_retrieved(id, device, cause);
        let retrieve = claimed.filter(|command| self.is_so(*command));
        for command in [retrieve, swap].into_iter().flatten() {
            self.fulfil(command);
        }
    }

    /// The first answer of a call.
    pub(super) fn set_answered(&mut self, id: CallId) {
        let at = self.at;
        if let Some(call) = self.state.calls.get_mut(&id)
            && call.answered.is_none()
        {
            call.answered = Some(at);
        }
    }

    /// Takes in the monitored device's own connection where a report about another one is the first to show it.
    fn see_monitored(&mut self, id: CallId, report: &CallReport) -> bool {
        let (Some(monitor), Some(local)) = (&report.monitor, report.local) else { return false };
        let Some(call) = self.state.calls.get(&id) else { return false };
        let new = *monitor != report.connection.device
            && local.is_live()
            && call.connection(monitor).is_none()
            && self.is_station(&call.provider, monitor);
        if !new {
            return false;
        }
        self.set_connection(id, monitor, Some(&report.connection.call), local, report.cause);
        if local == ConnectionState::Alerting {
            self.announce(id, monitor, report.cause);
        }
        true
    }

    /// An agent has the call: the queues through which it came have it no more.
    fn leave_queues(&mut self, id: CallId, cause: Cause) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let provider = call.provider.clone();
        let queues: Vec<_> = call
            .live()
            .filter(|at| at.ours && self.kind_of(&provider, &at.device) == Some(DeviceKind::Queue))
            .map(|at| at.device.clone())
            .collect();
        for queue in queues {
            self.set_connection(id, &queue, None, ConnectionState::Null, cause);
        }
    }

    /// A dial whose call has begun has its outcome.
    fn fulfil_dial(&mut self, id: CallId) {
        if let Some(command) = self.state.calls.get(&id).and_then(|call| call.dialled_by) {
            self.fulfil(command);
        }
    }
}
