//! What is always true of a [`State`]: asked by tests after every input, here and in the engine.

mod channel;
mod chat;

use crate::apply::availability;
use crate::command::CommandState;
use crate::model::availability::{Claim, Claimant};
use crate::model::call::{Call, Purpose};
use crate::model::chat::Chat;
use crate::model::route::RouteState;
use crate::state::{Deadline, State};
use std::collections::BTreeSet;

/// Everything about a state that must not be, in words; empty for a sound one.
pub fn violations(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    calls(state, &mut found);
    contacts(state, &mut found);
    transfers(state, &mut found);
    index(state, &mut found);
    deadlines(state, &mut found);
    routes(state, &mut found);
    agents(state, &mut found);
    sessions(state, &mut found);
    chat::chats(state, &mut found);
    channel::channel(state, &mut found);
    found
}

fn calls(state: &State, found: &mut Vec<String>) {
    for (id, call) in &state.calls {
        let mut wrong = |what: &str| found.push(format!("call {id}: {what}"));
        if !state.contacts.get(&call.contact).is_some_and(|contact| contact.calls.contains(id)) {
            wrong("its contact does not have it");
        }
        if !call.is_live() && call.live().next().is_some() {
            wrong("it has ended and somebody is still on it");
        }
        if !call.is_live() && call.stale.is_some() {
            wrong("it has ended and is stale");
        }
        if call.is_live() {
            if call.stale.is_some() != state.armed.contains_key(&Deadline::StaleCall(*id)) {
                wrong("a stale call, and no other, has a last deadline");
            }
            if state.call_of(&call.provider, &call.provider_call).is_none_or(|named| named.id != *id) {
                wrong("its current id means another call");
            }
            let watched = call.live().any(|at| at.ours);
            let given_up = call.stale.is_some() || state.armed.contains_key(&Deadline::Adrift(*id));
            if !watched && !given_up {
                wrong("nobody of ours is on it and nothing will end it");
            }
        }
        if let Purpose::Consultation { of, transfer } = call.purpose
            && (!state.calls.contains_key(&of) || !state.transfers.contains_key(&transfer))
        {
            wrong("it consults for a call or transfer that is not there");
        }
        let mut devices = BTreeSet::new();
        if !call.live().all(|at| devices.insert(&at.device)) {
            wrong("a device is on it twice");
        }
    }
    for (provider, ids) in &state.by_provider_call {
        for (named, id) in ids {
            if !state.calls.get(id).is_some_and(|call| call.provider_calls.contains(named)) {
                found.push(format!("id {named:?} of {provider:?} means a call that does not know it"));
            }
        }
    }
}

fn contacts(state: &State, found: &mut Vec<String>) {
    for (id, contact) in &state.contacts {
        let mut wrong = |what: &str| found.push(format!("contact {id}: {what}"));
        if contact.calls.is_empty() && contact.chats.is_empty() {
            wrong("it has neither call nor chat");
        }
        let chats: Vec<Option<&Chat>> = contact.chats.iter().map(|chat| state.chats.get(chat)).collect();
        if chats.iter().any(|chat| chat.is_none_or(|chat| chat.contact != *id)) {
            wrong("one of its chats is not there or belongs to another");
        }
        let calls: Vec<Option<&Call>> = contact.calls.iter().map(|call| state.calls.get(call)).collect();
        if calls.iter().any(|call| call.is_none_or(|call| call.contact != *id)) {
            wrong("one of its calls is not there or belongs to another");
        }
        let live = calls.iter().flatten().any(|call| call.is_live())
            || chats.iter().flatten().any(|chat| chat.state.is_live());
        if live == contact.ended.is_some() {
            wrong("it has ended while a call or a chat lives, or lives without one");
        }
        if contact.ended.is_some()
            && !contact.calls.iter().all(|call| state.armed.contains_key(&Deadline::ForgetCall(*call)))
        {
            wrong("it has ended and will never be forgotten");
        }
        if contact.transfers.iter().any(|transfer| !state.transfers.contains_key(transfer)) {
            wrong("one of its transfers is not there");
        }
    }
}

fn transfers(state: &State, found: &mut Vec<String>) {
    let mut active = BTreeSet::new();
    for (id, transfer) in &state.transfers {
        let mut wrong = |what: &str| found.push(format!("transfer {id}: {what}"));
        if !state.contacts.get(&transfer.contact).is_some_and(|contact| contact.transfers.contains(id)) {
            wrong("its contact does not have it");
        }
        let call = state.calls.get(&transfer.call);
        let listed = call.is_some_and(|call| {
            let at = state.at_device.get(&call.provider).and_then(|devices| devices.get(&transfer.device));
            at.is_some_and(|at| at.transfers.contains(id))
        });
        if transfer.state.is_terminal() == listed {
            wrong("the index must list it until it has ended, and not after");
        }
        if transfer.state.is_terminal() && (transfer.pending.is_some() || transfer.take_back.is_some()) {
            wrong("it has ended and a command still waits for it");
        }
        if !transfer.state.is_terminal() {
            if !active.insert(transfer.call) {
                wrong("a second one is under way for the same call");
            }
            if !call.is_some_and(Call::is_live) {
                wrong("it is under way and its customer has gone");
            }
        }
        for command in transfer.pending.iter().chain(&transfer.take_back) {
            let under_way = |state: &CommandState| !matches!(state, CommandState::Done { .. });
            if !state.commands.get(command).is_some_and(|record| under_way(&record.state)) {
                wrong("it waits for a command that is not under way");
            }
        }
    }
}

fn index(state: &State, found: &mut Vec<String>) {
    let mut listed = 0;
    for (provider, devices) in &state.at_device {
        for (device, at) in devices {
            let mut wrong = |what: &str| found.push(format!("index of {device:?}: {what}"));
            if at.calls.is_empty() && at.commands.is_empty() && at.transfers.is_empty() {
                wrong("it is empty and was kept");
            }
            for id in &at.calls {
                let call = state.calls.get(id).filter(|call| call.provider == *provider);
                if !call.is_some_and(|call| call.live().any(|here| here.device == *device)) {
                    wrong("it lists a call that is not there");
                }
            }
            listed += at.calls.len();
            if at.commands.iter().any(|id| !state.armed.contains_key(&Deadline::Command(*id))) {
                wrong("it lists a command that nothing will end");
            }
        }
    }
    let live: usize = state.calls.values().map(|call| call.live().count()).sum();
    if live != listed {
        found.push(format!("the index lists {listed} connections and there are {live}"));
    }
}

fn deadlines(state: &State, found: &mut Vec<String>) {
    if state.deadlines.len() != state.armed.len()
        || state.deadlines.iter().any(|(at, deadline)| state.armed.get(deadline) != Some(at))
    {
        found.push("the two lists of deadlines differ".to_owned());
    }
    for deadline in state.armed.keys() {
        let there = match deadline {
            Deadline::Command(id) | Deadline::ForgetCommand(id) => state.commands.contains_key(id),
            Deadline::StaleCall(id) | Deadline::AnsweredElsewhere(id) | Deadline::Adrift(id) => {
                state.calls.get(id).is_some_and(Call::is_live)
            }
            Deadline::ForgetCall(id) => state.calls.contains_key(id),
            Deadline::HeldReturn(id) => state.transfers.contains_key(id),
            Deadline::SessionLease(id) | Deadline::ForgetSession(id) => state.sessions.contains_key(id),
            Deadline::Route(id) | Deadline::ForgetRoute(id) => state.routes.contains_key(id),
            Deadline::Offer(id) => {
                state.chats.values().any(|chat| chat.pending().any(|offer| offer.id == *id))
            }
            Deadline::Distribute(id)
            | Deadline::ChatWait(id)
            | Deadline::ChatSilence(id)
            | Deadline::VisitorGrace(id)
            | Deadline::ChatWrap(id)
            | Deadline::ForgetChat(id) => state.chats.contains_key(id),
            Deadline::ChatLease(id) => {
                state.agents.values().any(|agent| agent.chat.as_ref().is_some_and(|chat| chat.id == *id))
            }
        };
        if !there {
            found.push(format!("deadline {deadline:?} of something that is not there"));
        }
    }
    for (id, record) in &state.commands {
        let done = matches!(record.state, CommandState::Done { .. });
        if !done && !state.armed.contains_key(&Deadline::Command(*id)) {
            found.push(format!("command {id} is under way without a time limit"));
        }
        if done && !state.armed.contains_key(&Deadline::ForgetCommand(*id)) {
            found.push(format!("command {id} is done and will never be forgotten"));
        }
    }
}

fn routes(state: &State, found: &mut Vec<String>) {
    for (id, route) in &state.routes {
        let mut wrong = |what: &str| found.push(format!("routing {id}: {what}"));
        let named = state.by_dialogue.get(&route.provider).and_then(|ids| ids.get(&route.dialogue));
        if route.is_live() != (named == Some(id)) {
            wrong("it goes on and its dialogue does not lead to it, or the other way round");
        }
        if route.is_live() != state.armed.contains_key(&Deadline::Route(*id)) {
            wrong("one that goes on, and no other, has a deadline");
        }
        if route.is_live() == state.armed.contains_key(&Deadline::ForgetRoute(*id)) {
            wrong("it has ended and will never be forgotten, or will be while it goes on");
        }
        let call = route.call.and_then(|call| state.calls.get(&call));
        if route.is_live() && route.call.is_some() && !call.is_some_and(Call::is_live) {
            wrong("it goes on and its call does not");
        }
        if route.state == RouteState::Asked && route.deadline < route.asked {
            wrong("its deadline was before it was asked");
        }
    }
    for (provider, ids) in &state.by_dialogue {
        if ids.is_empty() {
            found.push(format!("index of dialogues of {provider:?}: it is empty and was kept"));
        }
        for id in ids.values() {
            if state.routes.get(id).is_none_or(|route| route.provider != *provider) {
                found.push(format!("a dialogue of {provider:?} leads to a routing that is not there"));
            }
        }
    }
}

fn agents(state: &State, found: &mut Vec<String>) {
    for (id, agent) in &state.agents {
        let mut wrong = |what: &str| found.push(format!("agent {id:?}: {what}"));
        let now = availability(state, agent);
        if now != agent.availability {
            wrong(&format!("he is {now:?} and was kept as {:?}", agent.availability));
        }
        let busy = |claim: &Claim| matches!(claim.by, Claimant::Call(_) | Claimant::AfterCall);
        if now.ledger.iter().any(busy) && (now.room() > 0 || now.takes_calls || now.takes_chats) {
            wrong("he rings, speaks or is in after-call work, and could be given more (rule 8)");
        }
        if let Some(session) = agent.session
            && !state.sessions.get(&session).is_some_and(|session| session.agent == *id && session.is_open())
        {
            wrong("he works in a session that is not open, or not his");
        }
        if let Some(work) = &agent.after_call
            && (agent.session != Some(work.session) || agent.registration.is_none())
        {
            wrong("he is in after-call work without its session, or nowhere (rule 9)");
        }
        if agent.registration.is_none() && (agent.provider_state.is_some() || agent.asked_state.is_some()) {
            wrong("he sits nowhere and a telephone system has him as an agent");
        }
        let Some(sits) = &agent.registration else { continue };
        let device = state.device(&sits.provider, &sits.device);
        if device.and_then(|device| device.agent.as_ref()) != Some(id) {
            wrong("he sits where the device does not know of it");
        }
    }
}

fn sessions(state: &State, found: &mut Vec<String>) {
    for (id, session) in &state.sessions {
        let mut wrong = |what: &str| found.push(format!("session {id}: {what}"));
        let works = state.agents.get(&session.agent).is_some_and(|agent| agent.session == Some(*id));
        if session.is_open() != works {
            wrong("it is open and nobody works in it, or the other way round");
        }
        if session.is_open() != state.armed.contains_key(&Deadline::SessionLease(*id))
            || session.is_open() != session.lease.is_some()
        {
            wrong("an open one, and no other, has a lease");
        }
        if session.is_open() == state.armed.contains_key(&Deadline::ForgetSession(*id)) {
            wrong("it is not open and will never be forgotten, or will be while it is open");
        }
        if !session.is_open() && session.decisions.values().any(Option::is_none) {
            wrong("it is asked about and not open any more");
        }
    }
}
