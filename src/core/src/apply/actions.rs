//! What may be done now, and if not, why not (T15, rule 6). The same table answers JKC's buttons and its commands.

use super::device::state_at;
use crate::command::{CommandState, RefusalCause};
use crate::model::action::{Action, ActionSet, Reason};
use crate::model::call::{Call, Connection, ConnectionState};
use crate::model::device::DeviceKind;
use crate::model::ids::DeviceId;
use crate::model::provider::Capabilities;
use crate::model::transfer::{Transfer, TransferKind, TransferState};
use crate::state::{AtDevice, State};

/// Every action at a device's connection of a call: allowed, or the reason why not (rule 6). In the order of
/// [`Action::OF_CONNECTION`].
pub fn actions<'a>(
    state: &'a State,
    call: &'a Call,
    device: &'a DeviceId,
) -> impl ExactSizeIterator<Item = (Action, Result<(), Reason>)> + 'a {
    let place = Place::at(state, call, device);
    Action::OF_CONNECTION.iter().map(move |action| {
        let allowed = place.as_ref().map_err(|reason| *reason).and_then(|place| place.allows(*action));
        (*action, allowed)
    })
}

/// Whether an action is allowed at a device's connection of a call.
pub(super) fn allowed(state: &State, call: &Call, device: &DeviceId, action: Action) -> Result<(), Reason> {
    Place::at(state, call, device)?.allows(action)
}

/// A device's place in a call: what the rules ask of it, looked up once for all actions. Each notification of a call
/// lists fourteen of them for each connection.
struct Place<'a> {
    state: &'a State,
    call: &'a Call,
    device: &'a DeviceId,
    capabilities: &'a Capabilities,
    /// The connection's state.
    here: ConnectionState,
    /// What the provider says of the connection.
    permitted: Option<ActionSet>,
    /// What was asked of it and is not answered yet.
    under_way: ActionSet,
    /// As [`other_call`].
    other: Option<&'a Call>,
    /// As [`transfer_at`].
    transfer: Option<&'a Transfer>,
    /// The call is part of a transfer under way, whoever began it.
    is_transferring: bool,
}

impl<'a> Place<'a> {
    /// None where nothing at all can be asked, with the reason.
    fn at(state: &'a State, call: &'a Call, device: &'a DeviceId) -> Result<Self, Reason> {
        if !call.is_live() {
            return Err(Reason::Ended);
        }
        let known = state.device(&call.provider, device).ok_or(Reason::NotOurs)?;
        if known.kind == DeviceKind::Queue {
            return Err(Reason::NotOurs);
        }
        let provider = state.providers.get(&call.provider).filter(|provider| provider.link.is_open());
        let capabilities = &provider.ok_or(Reason::LinkDown)?.capabilities;
        if known.out_of_service {
            return Err(Reason::OutOfService);
        }
        if call.stale.is_some() {
            return Err(Reason::Stale);
        }
        let connection = call.connection(device);
        let (mut transfer, mut is_transferring) = (None, false);
        for each in transfers_of(state, call) {
            is_transferring |= !each.state.is_terminal();
            transfer = transfer.or(Some(each).filter(|each| each.device == *device));
        }
        let entry = entry(state, call, device);
        Ok(Self {
            state,
            call,
            device,
            capabilities,
            here: connection.map_or(ConnectionState::Null, |connection| connection.state),
            permitted: connection.and_then(|connection| connection.permitted),
            under_way: entry.map_or(ActionSet::EMPTY, |entry| asked(state, entry, call)),
            other: entry.and_then(|entry| other_of(state, entry, call, device)),
            transfer,
            is_transferring,
        })
    }

    /// The rules, in the order in which JKC can do something about them.
    fn allows(&self, action: Action) -> Result<(), Reason> {
        self.by_state(action)?;
        if self.under_way.contains(action) {
            return Err(Reason::UnderWay);
        }
        if !is_supported(self.capabilities, action) {
            return Err(Reason::NotSupported);
        }
        if self.is_permitted(action) { Ok(()) } else { Err(Reason::NotPermitted) }
    }

    fn by_state(&self, action: Action) -> Result<(), Reason> {
        use ConnectionState::{Alerting, Connected, Held, Queued};
        let need = |yes: bool, reason: Reason| if yes { Ok(()) } else { Err(reason) };
        if action == Action::PickUp {
            let elsewhere = |at: &Connection| at.ours && at.state == Alerting && at.device != *self.device;
            return need(!self.here.is_live() && self.call.live().any(elsewhere), Reason::NotRinging);
        }
        if action == Action::TakeBack || action == Action::CompleteTransfer {
            return self.by_transfer(action);
        }
        if !self.here.is_live() {
            return Err(Reason::NotHere);
        }
        let speaks = self.here == Connected && self.call.answered.is_some();
        // One transfer a call at a time; and a consultation is not handed on while its customer waits.
        let free = need(!self.is_transferring, Reason::TransferUnderWay);
        match action {
            Action::Answer | Action::Deflect => need(self.here == Alerting, Reason::NotRinging),
            Action::Hold => need(speaks, Reason::NotConnected),
            Action::Retrieve => need(self.here == Held, Reason::NotHeld),
            Action::HangUp => need(self.here != Queued, Reason::NotConnected),
            Action::Dtmf => need(self.here == Connected, Reason::NotConnected),
            Action::Consult | Action::TransferWarm => need(speaks, Reason::NotConnected).and(free),
            Action::TransferCold => need(speaks || self.here == Held, Reason::NotConnected).and(free),
            Action::Conference => {
                let other = self.other.ok_or(Reason::NoOtherCall)?;
                let answered = self.call.answered.is_some() && other.answered.is_some();
                need(answered, Reason::ColleagueNotAnswered)
            }
            Action::Alternate => need(self.other.is_some(), Reason::NoOtherCall),
            Action::PickUp
            | Action::TakeBack
            | Action::CompleteTransfer
            | Action::Dial
            | Action::SetDoNotDisturb
            | Action::SetForwarding
            | Action::SetAgentState
            | Action::DecideRoute => Err(Reason::NotHere),
        }
    }

    fn by_transfer(&self, action: Action) -> Result<(), Reason> {
        let transfer = self.transfer.filter(|transfer| transfer.kind == TransferKind::Warm);
        let transfer = transfer.ok_or(Reason::NoTransfer)?;
        if transfer.state.is_terminal() {
            return Err(Reason::TransferEnded);
        }
        let customer = self.state.calls.get(&transfer.call);
        if !customer.is_some_and(|customer| state_at(customer, self.device).is_live()) {
            return Err(Reason::NotHere);
        }
        if transfer.take_back.is_some() {
            return Err(Reason::UnderWay);
        }
        if action == Action::CompleteTransfer && transfer.state != TransferState::Consulting {
            return Err(Reason::ColleagueNotAnswered);
        }
        Ok(())
    }

    /// What the provider says of this connection. What joins two calls may be said of either of them: when the
    /// colleague answers, a PBX tells it of the consultation and says nothing new of the call on hold.
    fn is_permitted(&self, action: Action) -> bool {
        let permits = |permitted: Option<ActionSet>| permitted.is_none_or(|set| is_permitted(set, action));
        let there = || {
            self.other.is_some_and(|other| {
                permits(other.connection(self.device).and_then(|connection| connection.permitted))
            })
        };
        let joins = matches!(action, Action::CompleteTransfer | Action::Conference | Action::Alternate);
        permits(self.permitted) || (joins && there())
    }
}

/// The other call of a device that a swap or a conference needs: one is held, the other is not.
pub(super) fn other_call<'a>(state: &'a State, call: &Call, device: &DeviceId) -> Option<&'a Call> {
    other_of(state, entry(state, call, device)?, call, device)
}

/// The transfer of a call from a device, newest first: the one under way, or the last one.
pub(super) fn transfer_at<'a>(state: &'a State, call: &Call, device: &DeviceId) -> Option<&'a Transfer> {
    transfers_of(state, call).find(|transfer| transfer.device == *device)
}

/// Whether the same was asked of the device and is not answered yet.
pub(super) fn is_under_way(state: &State, call: &Call, device: &DeviceId, action: Action) -> bool {
    entry(state, call, device).is_some_and(|entry| asked(state, entry, call).contains(action))
}

/// What a provider must be able to do for an action.
pub(super) fn is_supported(capabilities: &Capabilities, action: Action) -> bool {
    let has = |action| capabilities.operations.contains(action);
    match action {
        Action::Consult | Action::TransferWarm => has(Action::Consult) || has(Action::TransferWarm),
        Action::TransferCold => capabilities.single_step_transfer,
        Action::CompleteTransfer => has(Action::CompleteTransfer) || has(Action::TransferWarm),
        Action::TakeBack => {
            capabilities.reconnect || has(Action::TakeBack) || (has(Action::HangUp) && has(Action::Retrieve))
        }
        other => has(other),
    }
}

/// The kind of refusal that a reason makes.
pub(super) const fn cause_of(reason: Reason) -> RefusalCause {
    match reason {
        Reason::NotSupported => RefusalCause::NotSupported,
        Reason::NotPermitted => RefusalCause::NotPermitted,
        Reason::LinkDown | Reason::Stale => RefusalCause::LinkDown,
        Reason::NotOurs => RefusalCause::UnknownDevice,
        Reason::OutOfService => RefusalCause::DeviceOutOfService,
        Reason::UnderWay => RefusalCause::ResourceBusy,
        Reason::NotRegistered => RefusalCause::NotRegistered,
        Reason::NotRinging
        | Reason::NotConnected
        | Reason::NotHeld
        | Reason::NotHere
        | Reason::Ended
        | Reason::NoOtherCall
        | Reason::ColleagueNotAnswered
        | Reason::TransferUnderWay
        | Reason::NoTransfer
        | Reason::TransferEnded => RefusalCause::InvalidConnectionState,
    }
}

fn entry<'a>(state: &'a State, call: &Call, device: &DeviceId) -> Option<&'a AtDevice> {
    state.at_device.get(&call.provider)?.get(device)
}

fn other_of<'a>(state: &'a State, entry: &AtDevice, call: &Call, device: &DeviceId) -> Option<&'a Call> {
    let wanted = match state_at(call, device) {
        ConnectionState::Held => ConnectionState::Connected,
        ConnectionState::Connected => ConnectionState::Held,
        _ => return None,
    };
    let mut others = entry.calls.iter().filter(|id| **id != call.id).filter_map(|id| state.calls.get(id));
    others.find(|other| state_at(other, device) == wanted)
}

/// The transfers of which a call is part, as the customer's call or as the consultation; newest first.
fn transfers_of<'a>(state: &'a State, call: &Call) -> impl Iterator<Item = &'a Transfer> {
    let id = call.id;
    let contact = state.contacts.get(&call.contact);
    let transfers = contact.into_iter().flat_map(|contact| contact.transfers.iter().rev());
    transfers
        .filter_map(|id| state.transfers.get(id))
        .filter(move |transfer| transfer.call == id || transfer.consultation == Some(id))
}

/// What was asked of a call at a device and is not answered yet.
fn asked(state: &State, entry: &AtDevice, call: &Call) -> ActionSet {
    let records = entry.commands.iter().filter_map(|id| state.commands.get(id));
    records
        .filter(|record| record.call == Some(call.id) && !matches!(record.state, CommandState::Done { .. }))
        .filter_map(|record| record.command.action())
        .collect()
}

fn is_permitted(permitted: ActionSet, action: Action) -> bool {
    match action {
        // What brings the customer back is always worth asking; a pick-up is permitted at another connection.
        Action::TakeBack | Action::PickUp => true,
        Action::Consult | Action::TransferWarm => {
            permitted.contains(Action::Consult) || permitted.contains(Action::TransferWarm)
        }
        Action::CompleteTransfer => {
            permitted.contains(Action::CompleteTransfer) || permitted.contains(Action::TransferWarm)
        }
        other => permitted.contains(other),
    }
}
