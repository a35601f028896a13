//! What is always true of agents in the chat channel, and of what is offered to them.

use crate::model::availability::{CAPACITY, Claim, Claimant};
use crate::model::chat::OfferState;
use crate::state::{Deadline, State};

pub(super) fn channel(state: &State, found: &mut Vec<String>) {
    for (id, agent) in &state.agents {
        let mut wrong = |what: &str| found.push(format!("agent {id:?}: {what}"));
        let is = &agent.availability;
        let lease = agent.chat.as_ref().map(|service| Deadline::ChatLease(service.id));
        if lease.is_none() && is.takes_chats {
            wrong("he takes chats and is not in the channel");
        }
        if lease.is_some_and(|lease| !state.armed.contains_key(&lease)) {
            wrong("he is in the chat channel for ever");
        }
        if is.takes_chats && agent.chat.as_ref().is_some_and(|service| service.paused) {
            wrong("he takes chats while he is paused");
        }
        let work = |claim: &Claim| {
            matches!(claim.by, Claimant::Call(_) | Claimant::AfterCall | Claimant::Session(_))
        };
        let offered = |claim: &Claim| matches!(claim.by, Claimant::Offer(_));
        if is.ledger.iter().any(offered) && is.ledger.iter().any(work) {
            wrong("a chat is offered to him while he has other work (rule 8)");
        }
        let taken: u32 = is.ledger.iter().map(|claim| u32::from(claim.share)).sum();
        if is.takes_chats && taken >= u32::from(CAPACITY) {
            wrong("he has all that he can and takes more (rule 8)");
        }
    }
    for (id, chat) in &state.chats {
        let mut wrong = |what: &str| found.push(format!("chat {id}: {what}"));
        for offer in &chat.offers {
            let pending = offer.state == OfferState::Pending;
            if pending == offer.closed.is_some() {
                wrong("an offer is out and was closed, or neither");
            }
            if pending != state.armed.contains_key(&Deadline::Offer(offer.id)) {
                wrong("an offer that is out, and no other, expires");
            }
            let agent = state.agents.get(&offer.agent);
            if pending && agent.is_none_or(|agent| agent.chat.is_none()) {
                wrong("it is offered to somebody who is not in the channel");
            }
        }
    }
}
