//! A contact ended: what it came to, for the reports.

use super::Context;
use crate::effect::Effect;
use crate::fact::{ContactFact, LegFact, Merged, TransferFact};
use crate::model::call::{Call, Connection, Direction, Purpose};
use crate::model::contact::Contact;
use crate::model::device::DeviceKind;
use crate::model::ids::{ContactId, DeviceId, ProviderId, TransferId};
use crate::model::time::{Millis, Time};
use crate::state::State;

impl Context<'_> {
    /// Tells what a contact came to, now that its last call has ended.
    pub(super) fn tell_fact(&mut self, id: ContactId) {
        let Some(contact) = self.state.contacts.get(&id) else { return };
        // Off hook and on hook again, without a call: nobody's business.
        if contact.seq == 0 {
            return;
        }
        if let Some(fact) = fact_of(self.state, contact) {
            self.effects.push(Effect::Fact(Box::new(fact)));
        }
    }
}

fn fact_of(state: &State, contact: &Contact) -> Option<ContactFact> {
    let all = || contact.calls.iter().filter_map(|id| state.calls.get(id));
    let first = all().next()?;
    let calls: Vec<&Call> = all().filter(|call| call.id == first.id || is_customers(state, call)).collect();
    let ended = |call: &Call| call.ended.map(|ended| ended.at);
    let last = calls.iter().filter(|call| !call.is_live()).max_by_key(|call| ended(call))?;
    let ended = last.ended?;
    let mut legs: Vec<LegFact> = calls.iter().flat_map(|call| legs_of(state, call)).collect();
    legs.sort_by_key(|leg| leg.arrived);
    let outside = first.direction == Direction::Inbound && first.answered.is_some();
    let answered_outside = outside && !legs.iter().any(LegFact::spoke);
    let queue = legs.iter().find(|leg| leg.kind == DeviceKind::Queue).map(|leg| leg.device.clone());
    let ours = |device: &DeviceId| state.device(&first.provider, device).is_some();
    Some(ContactFact {
        contact: contact.id,
        provider: first.provider.clone(),
        direction: first.direction,
        received: contact.started,
        ended: ended.at,
        dialled: first.called_device.clone().filter(ours),
        queue: queue.or_else(|| calls.iter().find_map(|call| call.queue.clone())),
        caller_digits: caller_digits(first),
        from_jkc: calls.iter().any(|call| call.dialled_by.is_some()),
        legs,
        transfers: contact.transfers.iter().filter_map(|id| transfer_of(state, *id)).collect(),
        away: ended.away || answered_outside,
        failed: last.failed,
        cause: ended.cause,
        merged: ended.merged_into.and_then(|into| merged(state, last, state.calls.get(&into)?)),
        reconstructed: calls.iter().any(|call| call.reconstructed),
    })
}

/// Whether the customer spoke on a call: a consultation, and what went up in another call of the same contact, is told
/// by that call.
fn is_customers(state: &State, call: &Call) -> bool {
    let into = call.ended.and_then(|ended| ended.merged_into).and_then(|into| state.calls.get(&into));
    call.purpose == Purpose::Customer && into.is_none_or(|into| into.contact != call.contact)
}

fn legs_of<'a>(state: &'a State, call: &'a Call) -> impl Iterator<Item = LegFact> + 'a {
    call.connections.iter().filter(|at| at.ours).map(|at| leg(state, call, at))
}

fn leg(state: &State, call: &Call, at: &Connection) -> LegFact {
    let kind = state.device(&call.provider, &at.device).map_or(DeviceKind::Station, |device| device.kind);
    let dialled = call.calling_device.as_ref() == Some(&at.device);
    let left = if at.state.is_live() { call.ended.map_or(at.since, |ended| ended.at) } else { at.since };
    // Who dials is connected before anybody answers him.
    let answered = match dialled {
        true => call.answered,
        // First seen on hold: he spoke before.
        false => at.connected.or((at.held.0 > 0).then_some(at.entered)),
    };
    let answered =
        answered.map(|answered: Time| answered.max(at.entered)).filter(|answered| *answered <= left);
    // Who holds before he has anybody holds no customer.
    let held = answered.map_or(Millis::default(), |answered| at.held.min(left - answered));
    LegFact {
        device: at.device.clone(),
        kind,
        dialled,
        agent: at.agent.clone(),
        through_jkc: at.agent.is_some(),
        arrived: at.entered,
        answered,
        left,
        held,
        cause: at.cause,
    }
}

fn transfer_of(state: &State, id: TransferId) -> Option<TransferFact> {
    let transfer = state.transfers.get(&id)?;
    let call = state.calls.get(&transfer.call);
    let provider: Option<&ProviderId> = call.map(|call| &call.provider);
    let agent = call.and_then(|call| call.connection(&transfer.device)).and_then(|at| at.agent.clone());
    let ours = |device: &DeviceId| provider.is_some_and(|provider| state.device(provider, device).is_some());
    Some(TransferFact {
        kind: transfer.kind,
        state: transfer.state,
        device: transfer.device.clone(),
        through_jkc: agent.is_some(),
        agent,
        to_device: transfer.to_device.clone().filter(ours),
        department: transfer.department.clone(),
        by_hand: transfer.by_hand,
        started: transfer.started,
        ended: transfer.ended,
    })
}

fn merged(state: &State, call: &Call, into: &Call) -> Option<Merged> {
    if into.contact == call.contact {
        return None;
    }
    let caller = call.calling_device.as_ref();
    let outside = caller.is_some_and(|caller| state.device(&call.provider, caller).is_none());
    Some(Merged { into: into.contact, same_caller: outside && caller == into.calling_device.as_ref() })
}

/// How long the caller's number is; none for one that is hidden, or no number.
fn caller_digits(call: &Call) -> Option<u8> {
    let number = call.calling.number.as_ref()?.expose();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits > 0 && number.bytes().all(|byte| byte.is_ascii_digit() || b"+ -".contains(&byte));
    is_number.then(|| u8::try_from(digits).unwrap_or(u8::MAX))
}
