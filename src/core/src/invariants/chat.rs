//! What is always true of chats.

use crate::model::availability::Claimant;
use crate::model::chat::{Chat, ChatState, OfferFor, OfferState, Role};
use crate::model::ids::{AgentId, ChatId, OfferId};
use crate::state::{Deadline, State};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn chats(state: &State, found: &mut Vec<String>) {
    for (id, chat) in &state.chats {
        let mut wrong = |what: &str| found.push(format!("chat {id}: {what}"));
        if !state.contacts.get(&chat.contact).is_some_and(|contact| contact.chats.contains(id)) {
            wrong("its contact does not have it");
        }
        if let Some(what) = states(chat) {
            wrong(what);
        }
        if let Some(what) = messages(chat) {
            wrong(what);
        }
        if let Some(what) = offers(chat) {
            wrong(what);
        }
        if let Some(what) = deadlines(state, chat) {
            wrong(what);
        }
        let there = |agent: &AgentId| state.agents.contains_key(agent);
        if chat.state.is_live() && !chat.participants.iter().all(|one| there(&one.agent)) {
            wrong("somebody takes part who is not known");
        }
        if let Some((provider, conversation)) = chat.at_provider().filter(|_| chat.state.is_live())
            && state.chat_of(provider, conversation).is_none_or(|named| named.id != *id)
        {
            wrong("its conversation leads to another chat, or to none");
        }
    }
    for (provider, conversations) in &state.by_conversation {
        if conversations.is_empty() {
            found.push(format!("index of conversations of {provider:?}: it is empty and was kept"));
        }
        for (conversation, id) in conversations {
            let chat = state.chats.get(id);
            if chat.and_then(Chat::at_provider) != Some((provider, conversation)) {
                found.push(format!("a conversation of {provider:?} leads to a chat that is not of it"));
            }
        }
    }
    agents(state, found);
    waiting(state, found);
    for (provider, read) in &state.archives {
        let heard: BTreeSet<_> = read.heard.iter().cloned().collect();
        if heard.len() != read.heard.len() || heard != read.known {
            found.push(format!("what was heard of {provider:?} is not what can be looked up"));
        }
    }
}

fn states(chat: &Chat) -> Option<&'static str> {
    let owners = chat.present().filter(|one| one.role == Role::Owner).count();
    let agents = chat.present().count();
    let mut there = BTreeSet::new();
    let twice =
        !chat.participants.iter().filter(|one| one.left.is_none()).all(|one| there.insert(&one.agent));
    if owners > 1 {
        return Some("it has two owners");
    }
    if twice {
        return Some("an agent is in it twice");
    }
    match chat.state {
        ChatState::Connecting | ChatState::Active if owners != 1 => Some("it goes on and is nobody's"),
        ChatState::Opened | ChatState::Queued | ChatState::Offered if agents > 0 => {
            Some("it waits for an agent, and has one")
        }
        ChatState::Active if chat.answered.is_none() => Some("it goes on and was never answered"),
        state if state.is_live() == chat.ended.is_some() => Some("it has ended and goes on, or neither"),
        state if state.is_live() && (chat.closing || chat.rating.is_some() || chat.session.is_some()) => {
            Some("it goes on, and something is there that comes after the end")
        }
        _ => None,
    }
}

fn messages(chat: &Chat) -> Option<&'static str> {
    let orders = chat.messages.iter().map(|message| message.order);
    if !orders.eq(1..=chat.messages.len() as u64) {
        return Some("the order of its messages has a gap");
    }
    if !chat.messages.iter().filter_map(|message| message.seq).eq(1..=chat.public_seq) {
        return Some("the public transcript has a gap");
    }
    let mut ids = BTreeSet::new();
    if !chat.messages.iter().all(|message| ids.insert(message.id)) {
        return Some("two messages have one id");
    }
    let kept = |id| chat.message(id).is_some_and(|message| message.seq.is_some());
    if !chat.outgoing.iter().all(|spoken| kept(spoken.message().id)) {
        return Some("something is to be said that is not in the public transcript");
    }
    None
}

fn offers(chat: &Chat) -> Option<&'static str> {
    let pending = || chat.offers.iter().filter(|offer| offer.state == OfferState::Pending);
    let owner = |offer: &&crate::model::chat::Offer| offer.what == OfferFor::Owner;
    let of = |id: Option<OfferId>| id.into_iter().collect::<Vec<_>>();
    let for_owner: Vec<OfferId> = pending().filter(owner).map(|offer| offer.id).collect();
    let for_guest: Vec<OfferId> = pending().filter(|offer| !owner(offer)).map(|offer| offer.id).collect();
    if for_owner != of(chat.offer) {
        return Some("the offer that is out for an owner is not the one that is noted, or there are two");
    }
    if for_guest != of(chat.invitation) {
        return Some("the invitation that is out is not the one that is noted, or there are two");
    }
    if chat.offer.is_some() != (chat.state == ChatState::Offered) {
        return Some("it is offered without an offer, or the other way round");
    }
    if chat.invitation.is_some() && !matches!(chat.state, ChatState::Connecting | ChatState::Active) {
        return Some("an invitation is out and it does not go on");
    }
    None
}

fn deadlines(state: &State, chat: &Chat) -> Option<&'static str> {
    let id = chat.id;
    let armed = |deadline| state.armed.contains_key(&deadline);
    let of_live = [
        Deadline::Distribute(id),
        Deadline::ChatWait(id),
        Deadline::ChatSilence(id),
        Deadline::VisitorGrace(id),
    ];
    if !chat.state.is_live() && of_live.into_iter().any(armed) {
        return Some("it has ended, and something is still waited for");
    }
    if chat.state.is_over() != armed(Deadline::ForgetChat(id)) {
        return Some("it is over and will never be forgotten, or will be while it is not");
    }
    let wraps = chat.state == ChatState::Wrapping;
    if armed(Deadline::ChatWrap(id)) != (wraps && chat.session.is_none()) {
        return Some("it is wrapped up without a session and without an end of it, or has both");
    }
    let queued = matches!(chat.state, ChatState::Queued | ChatState::Offered);
    if queued != armed(Deadline::ChatWait(id)) {
        return Some("it waits for ever, or has a limit for waiting and does not wait");
    }
    None
}

/// The index of what agents have is what a count gives, and all of it is in their ledgers.
fn agents(state: &State, found: &mut Vec<String>) {
    let mut chats: BTreeMap<&AgentId, BTreeSet<ChatId>> = BTreeMap::new();
    let mut offers: BTreeMap<&AgentId, BTreeMap<OfferId, ChatId>> = BTreeMap::new();
    for chat in state.chats.values().filter(|chat| chat.state.is_live()) {
        for one in chat.present() {
            chats.entry(&one.agent).or_default().insert(chat.id);
        }
        for offer in chat.pending() {
            offers.entry(&offer.agent).or_default().insert(offer.id, chat.id);
        }
    }
    for (agent, has) in &state.of_agent {
        let mut wrong = |what: &str| found.push(format!("chats of {agent:?}: {what}"));
        if has.chats.is_empty() && has.offers.is_empty() {
            wrong("the entry is empty and was kept");
        }
        if has.chats != chats.remove(agent).unwrap_or_default() {
            wrong("he takes part in others than those that are listed");
        }
        if has.offers != offers.remove(agent).unwrap_or_default() {
            wrong("others are offered to him than those that are listed");
        }
        let Some(known) = state.agents.get(agent) else {
            wrong("he is not known");
            continue;
        };
        let claimed = |by: Claimant| known.availability.ledger.iter().any(|claim| claim.by == by);
        if !has.chats.iter().all(|chat| claimed(Claimant::Chat(*chat))) {
            wrong("a chat of his takes nothing of his capacity");
        }
        if !has.offers.keys().all(|offer| claimed(Claimant::Offer(*offer))) {
            wrong("an offer to him takes nothing of his capacity");
        }
    }
    for agent in chats.keys().chain(offers.keys()) {
        found.push(format!("chats of {agent:?}: he has some and they are not listed"));
    }
}

/// Who waits is listed, in the queue and at the moment of the chat.
fn waiting(state: &State, found: &mut Vec<String>) {
    let mut listed = BTreeSet::new();
    for (queue, chats) in &state.waiting {
        if chats.is_empty() {
            found.push(format!("queue {queue:?}: the list is empty and was kept"));
        }
        for (queued, id) in chats {
            listed.insert(*id);
            let chat = state.chats.get(id);
            if !chat.is_some_and(|chat| chat.queue == *queue && chat.queued == Some(*queued)) {
                found.push(format!("queue {queue:?}: it lists chat {id}, which is not there or elsewhere"));
            }
        }
    }
    let waits = |chat: &&Chat| matches!(chat.state, ChatState::Queued | ChatState::Offered);
    let waiting: BTreeSet<ChatId> = state.chats.values().filter(waits).map(|chat| chat.id).collect();
    if listed != waiting {
        found.push("the queues do not list the chats that wait".to_owned());
    }
}
