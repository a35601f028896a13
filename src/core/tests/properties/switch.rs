//! A little telephone system that does faithfully what it is asked, in the orders that real ones use.

use crate::common::*;
use schakel_core::adapter::{Done, Operation};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::call::ConnectionState::{self, Alerting, Connected, Failed, Held};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::CommandId;
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection};
use std::collections::{BTreeMap, VecDeque};

pub const CUSTOMER: &str = "0612345678";
pub const AGENT: &str = "2001";
pub const COLLEAGUE: &str = "2002";

/// How a product differs from the standard's order.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// A consultation tells that the customer is held.
    pub tells_hold: bool,
    /// ReconnectCall is there.
    pub reconnect: bool,
    /// The answer comes after this many of the events that it belongs to.
    pub answer_after: usize,
    /// A retrieval by ReconnectCall names the consultation (asterisk-csp).
    pub misnames_retrieval: bool,
    /// A transferred call gets a new id.
    pub renames: bool,
    /// After a transfer each leg is cleared as well.
    pub clears_legs: bool,
    /// Both monitors tell everything.
    pub doubled: bool,
    /// Only the party that hangs up is told to be cleared.
    pub clears_one: bool,
}

/// One message on its way to schakel.
#[derive(Debug, Clone)]
enum Message {
    Event(Box<CallReport>),
    Answer(CommandId, u8, Result<Done, Refusal>),
}

/// The calls of the switch, and what it has yet to tell.
#[derive(Debug, Clone)]
pub struct Switch {
    dialect: Dialect,
    pub calls: BTreeMap<String, BTreeMap<&'static str, ConnectionState>>,
    /// The id of the customer's call.
    pub customer: String,
    next: u32,
    messages: VecDeque<Message>,
    /// How many of schakel's requests have arrived.
    taken: usize,
}

impl Switch {
    /// The agent speaks with the customer, and schakel knows it.
    pub fn new(dialect: Dialect, world: &mut World) -> Self {
        world.talks("1");
        let call = BTreeMap::from([(CUSTOMER, Connected), (AGENT, Connected)]);
        Self {
            dialect,
            calls: BTreeMap::from([("1".to_owned(), call)]),
            customer: "1".to_owned(),
            next: 2,
            messages: VecDeque::new(),
            taken: 0,
        }
    }

    /// The next request of schakel arrives. Gives whether there was one.
    pub fn take(&mut self, world: &World) -> bool {
        let Some((command, step, operation)) = world.asked.get(self.taken) else { return false };
        self.taken += 1;
        // What was given up never arrives: a request that a switch does long after its time has stories of its own.
        if world.refusal(*command).is_some_and(|(cause, _)| cause == RefusalCause::Timeout) {
            return true;
        }
        let mut events = Vec::new();
        let result = self.execute(operation, &mut events);
        let after = self.dialect.answer_after.min(events.len());
        let mut messages: Vec<Message> =
            events.into_iter().map(|event| Message::Event(Box::new(event))).collect();
        messages.insert(after, Message::Answer(*command, *step, result));
        self.messages.extend(messages);
        true
    }

    /// The next message reaches schakel. Gives whether there was one.
    pub fn deliver(&mut self, world: &mut World) -> bool {
        let Some(message) = self.messages.pop_front() else { return false };
        world.input(match message {
            Message::Event(report) => {
                InputBody::Report { provider: pbx(), report: EventReport::Call(report) }
            }
            Message::Answer(command, step, result) => {
                InputBody::Reply { provider: pbx(), command, step, result }
            }
        });
        true
    }

    /// Everything under way arrives.
    pub fn settle(&mut self, world: &mut World) {
        while self.take(world) || self.deliver(world) {}
    }

    pub fn colleague_answers(&mut self) {
        let Some(call) = self.call_at(COLLEAGUE, Alerting) else { return };
        self.set(&call, COLLEAGUE, Connected);
        self.spontaneously(vec![report(CallEvent::Established, &call, COLLEAGUE).into()]);
    }

    pub fn hangs_up(&mut self, device: &'static str) {
        let calls = self
            .calls
            .iter()
            .filter(|(_, parties)| matches!(parties.get(device), Some(Connected | Alerting | Failed)));
        let Some(call) = calls.map(|(call, _)| call.clone()).next() else { return };
        let mut events = Vec::new();
        self.clear(&call, device, &mut events);
        self.spontaneously(events);
    }

    /// The agent takes the customer from hold at the telephone itself.
    pub fn retrieves_by_hand(&mut self) {
        let call = self.customer.clone();
        let mut events = Vec::new();
        if self.retrieve(&at(&call, AGENT), &mut events).is_ok() {
            self.spontaneously(events);
        }
    }

    /// The calls in which a device takes part.
    pub fn calls_at(&self, device: &str) -> usize {
        self.calls.values().filter(|parties| parties.contains_key(device)).count()
    }

    fn spontaneously(&mut self, events: Vec<CallReport>) {
        let events = self.told(events);
        self.messages.extend(events.into_iter().map(|event| Message::Event(Box::new(event))));
    }

    fn execute(&mut self, operation: &Operation, events: &mut Vec<CallReport>) -> Result<Done, Refusal> {
        let mut told = Vec::new();
        let result = match operation {
            Operation::Consult { existing, .. } => self.consult(existing, &mut told),
            Operation::Reconnect { active, held } => self.reconnect(active, held, &mut told),
            Operation::Clear(connection) => self.clear_asked(connection, &mut told),
            Operation::Retrieve(connection) => self.retrieve(connection, &mut told).map(|()| Done::default()),
            Operation::Transfer { held, active } => self.transfer(held, active, &mut told),
            other => panic!("the model does not do {other:?}"),
        };
        events.extend(self.told(told));
        result
    }

    fn consult(
        &mut self,
        existing: &ProviderConnection,
        events: &mut Vec<CallReport>,
    ) -> Result<Done, Refusal> {
        let customer = existing.call.as_str().to_owned();
        if self.state(&customer, AGENT) != Some(Connected) {
            return refuse();
        }
        self.set(&customer, AGENT, Held);
        if self.dialect.tells_hold {
            events.push(report(CallEvent::Held, &customer, AGENT).cause(Cause::Consultation).into());
        }
        let call = self.next.to_string();
        self.next += 1;
        let busy = self.calls_at(COLLEAGUE) > 0;
        let named = |event: CallEvent, device: &str| report(event, &call, device).from(AGENT).to(COLLEAGUE);
        events.push(named(CallEvent::Originated, AGENT).into());
        let mut parties = BTreeMap::from([(AGENT, Connected)]);
        if busy {
            parties.insert(AGENT, Failed);
            events.push(named(CallEvent::Failed, AGENT).seen(AGENT, Failed).cause(Cause::Busy).into());
        } else {
            parties.insert(COLLEAGUE, Alerting);
            events.push(named(CallEvent::Delivered, COLLEAGUE).into());
        }
        self.calls.insert(call.clone(), parties);
        Ok(Done { connection: Some(at(&call, AGENT)) })
    }

    fn reconnect(
        &mut self,
        active: &ProviderConnection,
        held: &ProviderConnection,
        events: &mut Vec<CallReport>,
    ) -> Result<Done, Refusal> {
        let (consultation, customer) = (active.call.as_str(), held.call.as_str());
        let states = (self.state(consultation, AGENT), self.state(customer, AGENT));
        if !self.dialect.reconnect || states != (Some(Connected), Some(Held)) {
            return refuse();
        }
        self.clear(consultation, AGENT, events);
        self.set(customer, AGENT, Connected);
        let named = if self.dialect.misnames_retrieval { consultation } else { customer };
        events.push(report(CallEvent::Retrieved, named, AGENT).into());
        Ok(Done::default())
    }

    fn clear_asked(
        &mut self,
        connection: &ProviderConnection,
        events: &mut Vec<CallReport>,
    ) -> Result<Done, Refusal> {
        let device = [AGENT, COLLEAGUE].into_iter().find(|device| *device == connection.device.as_str());
        let here = device.filter(|device| self.state(connection.call.as_str(), device).is_some());
        let Some(device) = here else { return refuse() };
        self.clear(connection.call.as_str(), device, events);
        Ok(Done::default())
    }

    fn retrieve(
        &mut self,
        connection: &ProviderConnection,
        events: &mut Vec<CallReport>,
    ) -> Result<(), Refusal> {
        let call = connection.call.as_str();
        let speaks = self.call_at(AGENT, Connected).is_some() || self.call_at(AGENT, Failed).is_some();
        if self.state(call, AGENT) != Some(Held) || speaks {
            return refuse();
        }
        self.set(call, AGENT, Connected);
        events.push(report(CallEvent::Retrieved, call, AGENT).into());
        Ok(())
    }

    fn transfer(
        &mut self,
        held: &ProviderConnection,
        active: &ProviderConnection,
        events: &mut Vec<CallReport>,
    ) -> Result<Done, Refusal> {
        let (customer, consultation) = (held.call.as_str().to_owned(), active.call.as_str().to_owned());
        let states = (self.state(&customer, AGENT), self.state(&consultation, AGENT));
        let answered = self.state(&consultation, COLLEAGUE) == Some(Connected);
        if states != (Some(Held), Some(Connected)) || !answered {
            return refuse();
        }
        let new = if self.dialect.renames { format!("{}00", self.next) } else { customer.clone() };
        self.calls.remove(&customer);
        self.calls.remove(&consultation);
        self.calls.insert(new.clone(), BTreeMap::from([(CUSTOMER, Connected), (COLLEAGUE, Connected)]));
        self.customer.clone_from(&new);
        let event = transferred(&customer, Some(&consultation), AGENT, COLLEAGUE, &new);
        events.push(event.cause(Cause::Transfer).into());
        if self.dialect.clears_legs {
            for call in [&customer, &consultation] {
                events.push(report(CallEvent::ConnectionCleared, call, AGENT).into());
            }
        }
        Ok(Done { connection: Some(at(&new, COLLEAGUE)) })
    }

    /// A party leaves a call of two: it is over.
    fn clear(&mut self, call: &str, device: &'static str, events: &mut Vec<CallReport>) {
        let Some(parties) = self.calls.remove(call) else { return };
        let others = parties.keys().filter(|party| **party != device && !self.dialect.clears_one);
        for party in others.chain([&device]) {
            let cleared = report(CallEvent::ConnectionCleared, call, party).cause(Cause::NormalClearing);
            events.push(cleared.into());
        }
    }

    /// What the monitors tell of an event.
    fn told(&self, events: Vec<CallReport>) -> Vec<CallReport> {
        if !self.dialect.doubled {
            return events;
        }
        let by = |report: &CallReport, monitor: &str| CallReport {
            monitor: Some(monitor.into()),
            local: None,
            ..report.clone()
        };
        events.iter().flat_map(|report| [by(report, AGENT), by(report, COLLEAGUE)]).collect()
    }

    fn state(&self, call: &str, device: &str) -> Option<ConnectionState> {
        self.calls.get(call)?.get(device).copied()
    }

    fn set(&mut self, call: &str, device: &'static str, state: ConnectionState) {
        if let Some(parties) = self.calls.get_mut(call) {
            parties.insert(device, state);
        }
    }

    fn call_at(&self, device: &str, state: ConnectionState) -> Option<String> {
        self.calls
            .iter()
            .find(|(_, parties)| parties.get(device) == Some(&state))
            .map(|(call, _)| call.clone())
    }
}

fn refuse<T>() -> Result<T, Refusal> {
    Err(Refusal::new(RefusalCause::InvalidConnectionState, "not in this state"))
}
