//! Offers and invitations: made, taken, declined, expired, revoked (C03, W02, W07).
//!
//! ```text
//!           ┌─ accept ─► he takes part
//! pending ──┼─ reject ─► the next one at once; who rejects cools down (W02)
//!           ├─ expire ─► the next one; who ignores some in a row is paused (C03, C09)
//!           └─ revoke ─► the next one, if his telephone rang or he left; nobody, if the chat ended or was taken
//! ```
//!
//! A chat has one offer out for an owner, while it waits, and one invitation for another agent, while it goes on. Each
//! takes its share of the agent's capacity from the moment it is made, so that what is offered fits when he takes it.
//! An invitation of a queue goes from one of its agents to the next, each once; it ends when nobody is left to ask.

use super::Context;
use crate::apply::availability::{availability, share_of};
use crate::command::{Refusal, RefusalCause};
use crate::model::cause::Cause;
use crate::model::chat::{ChatState, Invitee, OFFERS_KEPT, Offer, OfferFor, OfferState, Revoked, Role};
use crate::model::ids::{AgentId, ChatId, OfferId};
use crate::model::time::Millis;
use crate::notification::Kind;
use crate::state::Deadline;

impl Context<'_> {
    pub(super) fn accept_offer(
        &mut self,
        chat: ChatId,
        offer: OfferId,
        agent: &AgentId,
    ) -> Result<(), Refusal> {
        if !self.may_answer(chat, offer, agent, OfferState::Accepted)? {
            return Ok(());
        }
        let Some(offer) = self.close_offer(chat, offer, OfferState::Accepted, Kind::ChatAccepted) else {
            return Ok(());
        };
        self.answered_offer(agent);
        let waits = self.state.chats.get(&chat).is_some_and(|chat| chat.state.is_waiting());
        match offer.what {
            // Also one who was invited, if the others were lost meanwhile.
            _ if waits => {
                self.revoke_offers(chat, Revoked::Taken);
                self.dequeue(chat);
                self.take_part(chat, agent, Role::Owner);
            }
            OfferFor::Owner => {}
            OfferFor::Guest { by, leave_on_join, .. } => {
                self.take_part(chat, agent, Role::Guest);
                if leave_on_join {
                    // He may have left by himself.
                    let _ = self.leave_chat(chat, &by);
                }
            }
        }
        Ok(())
    }

    pub(super) fn reject_offer(
        &mut self,
        chat: ChatId,
        offer: OfferId,
        agent: &AgentId,
    ) -> Result<(), Refusal> {
        if !self.may_answer(chat, offer, agent, OfferState::Rejected)? {
            return Ok(());
        }
        let Some(offer) = self.close_offer(chat, offer, OfferState::Rejected, Kind::ChatRejected) else {
            return Ok(());
        };
        self.answered_offer(agent);
        let queue = self.state.chats.get(&chat).and_then(|chat| self.state.settings.chat.queue(&chat.queue));
        // Who declines to help a colleague goes on taking chats of his own.
        let until = queue.filter(|_| offer.what == OfferFor::Owner).map(|queue| self.at + queue.cool_down);
        let known = self.state.agents.get_mut(agent);
        if let Some(service) = known.and_then(|agent| agent.chat.as_mut()) {
            service.cools_until = until.or(service.cools_until);
        }
        self.in_vain(chat, &offer);
        Ok(())
    }

    /// Nobody answered an offer (C03, C09).
    pub(crate) fn offer_expired(&mut self, id: OfferId) {
        let mut all = self.state.of_agent.iter();
        let found = all.find_map(|(agent, has)| Some((agent.clone(), *has.offers.get(&id)?)));
        let Some((agent, chat)) = found else { return };
        let queue = self.state.chats.get(&chat).and_then(|chat| self.state.settings.chat.queue(&chat.queue));
        let most = queue.map_or(0, |queue| queue.ignored_max);
        let Some(offer) = self.close_offer(chat, id, OfferState::Expired, Kind::ChatExpired) else { return };
        let known = self.state.agents.get_mut(&agent);
        if let Some(service) = known.and_then(|agent| agent.chat.as_mut()) {
            service.ignored = service.ignored.saturating_add(1);
            service.paused |= most > 0 && service.ignored >= most;
        }
        self.in_vain(chat, &offer);
    }

    /// Takes away the offers of a chat.
    pub(super) fn revoke_offers(&mut self, chat: ChatId, why: Revoked) {
        let pending = self.state.chats.get(&chat).into_iter().flat_map(|chat| chat.pending());
        let pending: Vec<OfferId> = pending.map(|offer| offer.id).collect();
        for offer in pending {
            self.close_offer(chat, offer, OfferState::Revoked(why), Kind::ChatRevoked);
        }
    }

    /// Takes away the offers to an agent (C02).
    pub(crate) fn revoke_offers_to(&mut self, agent: &AgentId, why: Revoked) {
        let has = self.state.of_agent.get(agent);
        let offers: Vec<(OfferId, ChatId)> =
            has.into_iter().flat_map(|has| &has.offers).map(|(offer, chat)| (*offer, *chat)).collect();
        for (offer, chat) in offers {
            self.revoke_for_another(chat, offer, why);
        }
    }

    /// Takes away what is offered to an agent of queues that are not in his profile any more.
    pub(super) fn revoke_offers_outside(&mut self, agent: &AgentId) {
        let known = self.state.agents.get(agent).and_then(|agent| agent.chat.as_ref());
        let (Some(service), Some(has)) = (known, self.state.of_agent.get(agent)) else { return };
        let outside = has.offers.iter().filter(|(offer, chat)| {
            let chat = self.state.chats.get(chat);
            chat.is_some_and(|chat| chat.offer == Some(**offer) && !service.queues.contains(&chat.queue))
        });
        let outside: Vec<(OfferId, ChatId)> = outside.map(|(offer, chat)| (*offer, *chat)).collect();
        for (offer, chat) in outside {
            self.revoke_for_another(chat, offer, Revoked::AgentGone);
        }
    }

    pub(super) fn invite(
        &mut self,
        id: ChatId,
        by: &AgentId,
        whom: &Invitee,
        leave_on_join: bool,
    ) -> Result<OfferId, Refusal> {
        let agent = self.whom_to_invite(id, by, whom, leave_on_join)?;
        if let Some(chat) = self.state.chats.get_mut(&id) {
            // A chat that goes on is offered to no owner: the round is the invitation's.
            chat.tried.clear();
        }
        let what = OfferFor::Guest { by: by.clone(), whom: whom.clone(), leave_on_join };
        let offer = self.make_offer(id, &agent, what).ok_or_else(not_there)?;
        self.tell_offer(Kind::ChatInvited, id, offer, Cause::Normal);
        Ok(offer)
    }

    pub(super) fn withdraw(&mut self, chat: ChatId, by: &AgentId) -> Result<(), Refusal> {
        let known = self.state.chats.get(&chat).ok_or_else(super::unknown_chat)?;
        if !known.present().any(|one| one.agent == *by) {
            return Err(not_participant());
        }
        let mut invitations = known.offers.iter().rev().filter(|offer| offer.what != OfferFor::Owner);
        match (known.invitation, invitations.next().map(|last| last.state)) {
            (Some(offer), _) => {
                let withdrawn = OfferState::Revoked(Revoked::Withdrawn);
                self.close_offer(chat, offer, withdrawn, Kind::ChatRevoked);
                Ok(())
            }
            (None, Some(OfferState::Revoked(Revoked::Withdrawn))) => Ok(()),
            (None, _) => Err(Refusal::new(RefusalCause::OfferClosed, "No invitation is out for this chat.")),
        }
    }

    /// Offers a chat to an agent, or invites him into it: the pop-up (C03, O20).
    pub(super) fn make_offer(&mut self, id: ChatId, agent: &AgentId, what: OfferFor) -> Option<OfferId> {
        // As the documents' queues have it; for a chat whose queue is not configured any more.
        const LIMIT: Millis = Millis::seconds(30);
        let at = self.at;
        let offer = OfferId(self.ids.make());
        let chat = self.state.chats.get_mut(&id)?;
        let limit = self.state.settings.chat.queue(&chat.queue).map_or(LIMIT, |queue| queue.offer_limit);
        if what == OfferFor::Owner {
            chat.offer = Some(offer);
            chat.state = ChatState::Offered;
            chat.since = at;
        } else {
            chat.invitation = Some(offer);
        }
        chat.offers.push_back(Offer {
            id: offer,
            agent: agent.clone(),
            what,
            offered: at,
            deadline: at + limit,
            state: OfferState::Pending,
            closed: None,
        });
        if chat.offers.len() > OFFERS_KEPT
            && let Some(oldest) = chat.offers.iter().position(|offer| offer.state != OfferState::Pending)
        {
            chat.offers.remove(oldest);
        }
        if let Some(service) = self.state.agents.get_mut(agent).and_then(|agent| agent.chat.as_mut()) {
            service.offered = Some(at);
        }
        self.state.of_agent.entry(agent.clone()).or_default().offers.insert(offer, id);
        self.arm(Deadline::Offer(offer), limit);
        self.touch(agent);
        self.tell_offer(Kind::ChatOffered, id, offer, Cause::Normal);
        Some(offer)
    }

    /// What an answer is given to must be out, and be his who gives it. False where it was answered so before.
    fn may_answer(
        &self,
        chat: ChatId,
        offer: OfferId,
        agent: &AgentId,
        answer: OfferState,
    ) -> Result<bool, Refusal> {
        let known = self.state.chats.get(&chat).and_then(|chat| chat.offer(offer));
        let Some(known) = known.filter(|known| known.agent == *agent) else {
            let detail = format!("This chat was not offered to user {agent:?}, or too long ago.");
            return Err(Refusal::new(RefusalCause::UnknownOffer, detail));
        };
        let became = match known.state {
            OfferState::Pending => return Ok(true),
            state if state == answer => return Ok(false),
            OfferState::Accepted => "was accepted before, perhaps in another tab",
            OfferState::Rejected => "was rejected before, perhaps in another tab",
            OfferState::Expired => "has expired",
            OfferState::Revoked(Revoked::ChatEnded) => "was taken away: the visitor left or the chat ended",
            OfferState::Revoked(Revoked::AgentBusy) => "was taken away: the agent had something else to do",
            OfferState::Revoked(Revoked::AgentGone) => "was taken away: the agent was not there",
            OfferState::Revoked(Revoked::Taken) => "was taken away: another agent has joined",
            OfferState::Revoked(Revoked::Withdrawn) => "was taken back by who invited",
        };
        Err(Refusal::new(RefusalCause::OfferClosed, format!("The offer {became}.")))
    }

    /// An offer that is out has its outcome, and is told. Gives it.
    fn close_offer(&mut self, id: ChatId, offer: OfferId, to: OfferState, kind: Kind) -> Option<Offer> {
        let at = self.at;
        let chat = self.state.chats.get_mut(&id)?;
        let known = chat.offers.iter_mut().rev().find(|known| known.id == offer)?;
        if known.state != OfferState::Pending {
            return None;
        }
        known.state = to;
        known.closed = Some(at);
        let known = known.clone();
        if chat.invitation == Some(offer) {
            chat.invitation = None;
        }
        if chat.offer == Some(offer) {
            chat.offer = None;
            if chat.state == ChatState::Offered {
                chat.state = ChatState::Queued;
                chat.since = at;
            }
        }
        if let Some(has) = self.state.of_agent.get_mut(&known.agent) {
            has.offers.remove(&offer);
            if has.offers.is_empty() && has.chats.is_empty() {
                self.state.of_agent.remove(&known.agent);
            }
        }
        self.disarm(Deadline::Offer(offer));
        self.touch(&known.agent);
        self.redistribute = true;
        self.tell_offer(kind, id, offer, cause_of(to));
        Some(known)
    }

    /// He has answered: he is there.
    fn answered_offer(&mut self, agent: &AgentId) {
        let known = self.state.agents.get_mut(agent);
        if let Some(service) = known.and_then(|agent| agent.chat.as_mut()) {
            service.ignored = 0;
        }
    }

    /// Takes an offer away from one agent, so that another gets it.
    fn revoke_for_another(&mut self, chat: ChatId, offer: OfferId, why: Revoked) {
        let closed = self.close_offer(chat, offer, OfferState::Revoked(why), Kind::ChatRevoked);
        // A waiting chat may come to him again: he has not been asked in vain.
        if let Some(offer) = closed.filter(|offer| offer.what != OfferFor::Owner) {
            self.in_vain(chat, &offer);
        }
    }

    /// An offer came to nothing with this agent: others come before him, and an invitation of a queue goes on.
    fn in_vain(&mut self, id: ChatId, offer: &Offer) {
        let Some(chat) = self.state.chats.get_mut(&id) else { return };
        if !chat.tried.contains(&offer.agent) {
            chat.tried.push(offer.agent.clone());
        }
        let OfferFor::Guest { by, whom: Invitee::Queue(queue), .. } = &offer.what else { return };
        let inviter_left = chat.participant(by).is_none();
        if inviter_left || !matches!(chat.state, ChatState::Connecting | ChatState::Active) {
            return;
        }
        let mut without = chat.tried.clone();
        without.extend(chat.present().map(|one| one.agent.clone()));
        let takers = self.takers_of(queue, &without);
        if let Some(next) = self.next_of(&takers) {
            self.make_offer(id, &next, offer.what.clone());
        }
    }

    /// Who is asked, if anybody can be invited.
    fn whom_to_invite(
        &self,
        id: ChatId,
        by: &AgentId,
        whom: &Invitee,
        leave_on_join: bool,
    ) -> Result<AgentId, Refusal> {
        let chat = self.state.chats.get(&id).ok_or_else(super::unknown_chat)?;
        let present: Vec<AgentId> = chat.present().map(|one| one.agent.clone()).collect();
        if !present.contains(by) {
            return Err(not_participant());
        }
        if !matches!(chat.state, ChatState::Connecting | ChatState::Active) {
            let detail = "Agents are invited into a chat that goes on.";
            return Err(Refusal::new(RefusalCause::InvalidChatState, detail));
        }
        if chat.invitation.is_some() {
            let detail = "One invitation at a time: withdraw the one that is out, or wait for its answer.";
            return Err(Refusal::new(RefusalCause::InvitationOpen, detail));
        }
        let then = present.len() + usize::from(!leave_on_join);
        if then > self.state.settings.chat.limits.participants_max as usize {
            let detail = "As many agents take part as may; one of them must leave first.";
            return Err(Refusal::new(RefusalCause::LimitExceeded, detail));
        }
        match whom {
            Invitee::Agent(agent) if present.contains(agent) => {
                let detail = format!("User {agent:?} takes part already.");
                Err(Refusal::new(RefusalCause::InvalidChatState, detail))
            }
            Invitee::Agent(agent) => {
                let known = self.state.agents.get(agent).filter(|agent| agent.chat.is_some());
                let Some(known) = known else {
                    let detail = format!("User {agent:?} is not in the chat channel.");
                    return Err(Refusal::new(RefusalCause::NotInChannel, detail));
                };
                let now = availability(self.state, known);
                if !now.takes_chats || now.room() < share_of(self.state, known, id) {
                    let detail = format!("User {agent:?} has no room for another chat now.");
                    return Err(Refusal::new(RefusalCause::AgentNotAvailable, detail));
                }
                Ok(agent.clone())
            }
            Invitee::Queue(queue) => {
                if self.state.settings.chat.queue(queue).is_none() {
                    let detail = format!("There is no chat queue {queue:?} in the configuration.");
                    return Err(Refusal::new(RefusalCause::UnknownQueue, detail));
                }
                self.next_of(&self.takers_of(queue, &present)).ok_or_else(not_there)
            }
        }
    }
}

const fn cause_of(became: OfferState) -> Cause {
    match became {
        OfferState::Pending | OfferState::Accepted | OfferState::Rejected => Cause::Normal,
        OfferState::Expired => Cause::NoAnswer,
        OfferState::Revoked(Revoked::ChatEnded) => Cause::CallCancelled,
        OfferState::Revoked(Revoked::AgentBusy) => Cause::Busy,
        OfferState::Revoked(Revoked::AgentGone) => Cause::LoggedOff,
        OfferState::Revoked(Revoked::Taken) => Cause::AnsweredElsewhere,
        OfferState::Revoked(Revoked::Withdrawn) => Cause::Redirected,
    }
}

fn not_participant() -> Refusal {
    Refusal::new(RefusalCause::NotParticipant, "Only who takes part in the chat invites others.")
}

fn not_there() -> Refusal {
    let detail = "Nobody of the queue has room for another chat now.";
    Refusal::new(RefusalCause::AgentNotAvailable, detail)
}
