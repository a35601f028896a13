//! What may be done now, and if not, why not (T15, rule 6). The same table answers JKC's buttons and its commands.

use super::device::state_at;
use crate::command::{CommandState, RefusalCause};
use crate::model::action::{Action, ActionSet, Reason};
use crate::model::call::{Call, Connection, ConnectionState};
use crate::model::device::DeviceKind;
use crate::model::ids::DeviceId;
use crate::model::provider::Capabilities;
use crate::model::transfer::{Transfer, TransferKind, TransferState};
use crate::state::State;

/// Every action at a device's connection of a call: allowed, or the reason why not (rule 6). In the order of
/// [`Action::ALL`]; what is done to a device rather than to a connection (dial, do-not-disturb, forwarding) is not in it.
pub fn actions(state: &State, call: &Call, device: &DeviceId) -> Vec<(Action, Result<(), Reason>)> {
    let of_connection =
        |action: &Action| !matches!(action, Action::Dial | Action::SetDoNotDisturb | Action::SetForwarding);
    Action::ALL
        .iter()
        .copied()
        .filter(of_connection)
        .map(|action| (action, allowed(state, call, device, action)))
        .collect()
}

/// Whether an action is allowed at a device's connection of a call.
pub(super) fn allowed(state: &State, call: &Call, device: &DeviceId, action: Action) -> Result<(), Reason> {
    if !call.is_live() {
        return Err(Reason::Ended);
    }
    reachable(state, call, device)?;
    if call.stale.is_some() {
        return Err(Reason::Stale);
    }
    by_state(state, call, device, action)?;
    if is_under_way(state, call, device, action) {
        return Err(Reason::UnderWay);
    }
    let Some(provider) = state.providers.get(&call.provider) else { return Err(Reason::LinkDown) };
    if !is_supported(&provider.capabilities, action) {
        return Err(Reason::NotSupported);
    }
    if is_permitted_at(state, call, device, action) { Ok(()) } else { Err(Reason::NotPermitted) }
}

/// What the provider says of this connection. What joins two calls may be said of either of them: when the colleague
/// answers, a PBX tells it of the consultation and says nothing new of the call on hold.
fn is_permitted_at(state: &State, call: &Call, device: &DeviceId, action: Action) -> bool {
    let permits = |call: &Call| {
        call.connection(device).and_then(|here| here.permitted).is_none_or(|set| is_permitted(set, action))
    };
    let joins = matches!(action, Action::CompleteTransfer | Action::Conference | Action::Alternate);
    permits(call) || (joins && other_call(state, call, device).is_some_and(permits))
}

/// The other call of a device that a swap or a conference needs: one is held, the other is not.
pub(super) fn other_call<'a>(state: &'a State, call: &Call, device: &DeviceId) -> Option<&'a Call> {
    let wanted = match state_at(call, device) {
        ConnectionState::Held => ConnectionState::Connected,
        ConnectionState::Connected => ConnectionState::Held,
        _ => return None,
    };
    let here = state.at_device.get(&call.provider)?.get(device)?;
    here.calls
        .iter()
        .filter(|id| **id != call.id)
        .filter_map(|id| state.calls.get(id))
        .find(|other| state_at(other, device) == wanted)
}

/// The transfer of a call from a device, newest first: the one under way, or the last one.
pub(super) fn transfer_at<'a>(state: &'a State, call: &Call, device: &DeviceId) -> Option<&'a Transfer> {
    let contact = state.contacts.get(&call.contact)?;
    contact.transfers.iter().rev().filter_map(|id| state.transfers.get(id)).find(|transfer| {
        transfer.device == *device && (transfer.call == call.id || transfer.consultation == Some(call.id))
    })
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

/// Whether a device of ours can be asked anything now.
fn reachable(state: &State, call: &Call, device: &DeviceId) -> Result<(), Reason> {
    let known = state.device(&call.provider, device).ok_or(Reason::NotOurs)?;
    if known.kind == DeviceKind::Queue {
        return Err(Reason::NotOurs);
    }
    if state.providers.get(&call.provider).is_none_or(|provider| !provider.link.is_open()) {
        return Err(Reason::LinkDown);
    }
    if known.out_of_service { Err(Reason::OutOfService) } else { Ok(()) }
}

fn by_state(state: &State, call: &Call, device: &DeviceId, action: Action) -> Result<(), Reason> {
    use ConnectionState::{Alerting, Connected, Held, Queued};
    let need = |yes: bool, reason: Reason| if yes { Ok(()) } else { Err(reason) };
    if action == Action::PickUp {
        let elsewhere = |at: &Connection| at.ours && at.state == Alerting && at.device != *device;
        let apart = !state_at(call, device).is_live();
        return need(apart && call.live().any(elsewhere), Reason::NotRinging);
    }
    if action == Action::TakeBack || action == Action::CompleteTransfer {
        return by_transfer(state, call, device, action);
    }
    let here = state_at(call, device);
    if !here.is_live() {
        return Err(Reason::NotHere);
    }
    let speaks = here == Connected && call.answered.is_some();
    match action {
        Action::Answer | Action::Deflect => need(here == Alerting, Reason::NotRinging),
        Action::Hold => need(speaks, Reason::NotConnected),
        Action::Retrieve => need(here == Held, Reason::NotHeld),
        Action::HangUp => need(here != Queued, Reason::NotConnected),
        Action::Dtmf => need(here == Connected, Reason::NotConnected),
        Action::Consult | Action::TransferWarm => {
            need(speaks, Reason::NotConnected)?;
            no_transfer(state, call)
        }
        Action::TransferCold => {
            need(speaks || here == Held, Reason::NotConnected)?;
            no_transfer(state, call)
        }
        Action::Conference => {
            let other = other_call(state, call, device).ok_or(Reason::NoOtherCall)?;
            let answered = call.answered.is_some() && other.answered.is_some();
            need(answered, Reason::ColleagueNotAnswered)
        }
        Action::Alternate => other_call(state, call, device).map(|_| ()).ok_or(Reason::NoOtherCall),
        Action::PickUp
        | Action::TakeBack
        | Action::CompleteTransfer
        | Action::Dial
        | Action::SetDoNotDisturb
        | Action::SetForwarding => Err(Reason::NotHere),
    }
}

fn by_transfer(state: &State, call: &Call, device: &DeviceId, action: Action) -> Result<(), Reason> {
    let transfer = transfer_at(state, call, device)
        .filter(|transfer| transfer.kind == TransferKind::Warm)
        .ok_or(Reason::NoTransfer)?;
    if transfer.state.is_terminal() {
        return Err(Reason::TransferEnded);
    }
    if !state.calls.get(&transfer.call).is_some_and(|customer| state_at(customer, device).is_live()) {
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

/// One transfer a call at a time, whoever began it; and a consultation is not handed on while its customer waits.
fn no_transfer(state: &State, call: &Call) -> Result<(), Reason> {
    let contact = state.contacts.get(&call.contact);
    let transfers = contact.into_iter().flat_map(|contact| &contact.transfers);
    let under_way = transfers.filter_map(|id| state.transfers.get(id)).any(|transfer| {
        !transfer.state.is_terminal() && (transfer.call == call.id || transfer.consultation == Some(call.id))
    });
    if under_way { Err(Reason::TransferUnderWay) } else { Ok(()) }
}

/// Whether the same was asked of the device and is not answered yet.
pub(super) fn is_under_way(state: &State, call: &Call, device: &DeviceId, action: Action) -> bool {
    let here = state.at_device.get(&call.provider).and_then(|devices| devices.get(device));
    here.is_some_and(|here| {
        here.commands.iter().filter_map(|id| state.commands.get(id)).any(|record| {
            record.call == Some(call.id)
                && record.command.action() == Some(action)
                && !matches!(record.state, CommandState::Done { .. })
        })
    })
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
