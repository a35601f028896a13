//! Who takes part: join, watch, leave, hand over (O08, O20 to O23, W07).
//!
//! * A chat that is answered has one owner, as long as an agent is there.
//! * The last agent cannot leave (O21). One who is lost is another thing: his chat has another agent, or waits again.
//! * Who watches unseen is told to nobody but the organisation's own log, and counts for nothing (O23).

use super::say::nickname_in;
use super::{Context, ended, not_now, not_participant};
use crate::adapter::ChatOperation;
use crate::apply::availability::{availability, share_of};
use crate::command::{Refusal, RefusalCause};
use crate::model::availability::Claimant;
use crate::model::cause::Cause;
use crate::model::chat::{Chat, ChatState, Offer, OfferFor, OfferState, Participant, Revoked, Role, Way};
use crate::model::ids::{AgentId, ChatId, Str};
use crate::notification::Kind;
use crate::settings::TextId;
use crate::state::Deadline;

/// Comings and goings that a chat keeps; the timeline has them all.
const PARTICIPANTS_KEPT: usize = 500;

impl Context<'_> {
    /// Joins without being asked: as the owner where there is none, else beside him (O06, O08). One to whom it is offered
    /// takes the offer.
    pub(super) fn join_unasked(&mut self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let known = self.live(chat)?;
        if known.present().any(|one| one.agent == *agent) {
            return Ok(());
        }
        let waits = known.owner().is_none();
        let offer = known.pending().find(|offer| offer.agent == *agent).map(|offer| offer.id);
        if let Some(offer) = offer {
            return self.accept_offer(chat, offer, agent);
        }
        self.has_room(chat, agent)?;
        self.may_grow(chat, agent)?;
        if waits {
            self.revoke_offers(chat, Revoked::Taken);
        }
        self.take_part(chat, agent, if waits { Role::Owner } else { Role::Guest });
        Ok(())
    }

    /// Watches unseen (O23).
    pub(super) fn observe(&mut self, chat: ChatId, agent: &AgentId, purpose: &Str) -> Result<(), Refusal> {
        if purpose.trim().is_empty() {
            return Err(super::content::invalid("Watching a chat needs a purpose."));
        }
        super::content::check_line(purpose, "The purpose")?;
        let known = self.live(chat)?;
        match known.participant(agent).map(|one| &one.role) {
            Some(Role::Observer(_)) => return Ok(()),
            Some(Role::Owner | Role::Guest) => {
                return Err(not_now("The user takes part in the chat: nothing is hidden from him."));
            }
            None => {}
        }
        if !self.state.agents.contains_key(agent) {
            let detail = format!("User {agent:?} is not known: he has never been registered, nor chatted.");
            return Err(Refusal::new(RefusalCause::NotRegistered, detail));
        }
        let watching =
            known.participants.iter().filter(|one| one.left.is_none()).count() - known.present().count();
        if watching >= self.state.settings.chat.limits.participants_max as usize {
            return Err(Refusal::new(RefusalCause::LimitExceeded, "As many watch the chat as may at once."));
        }
        let role = Role::Observer(purpose.clone());
        self.add(chat, agent, role);
        self.tell_chat(Kind::ChatObserved, chat, Some(agent), Cause::Normal);
        Ok(())
    }

    pub(super) fn leave_chat(&mut self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let known = self.live(chat)?;
        match known.participant(agent).map(|one| &one.role) {
            None => return Err(not_participant(agent)),
            Some(Role::Observer(_)) => {
                self.remove(chat, agent);
                self.tell_chat(Kind::ChatObserved, chat, Some(agent), Cause::Normal);
                return Ok(());
            }
            Some(Role::Owner | Role::Guest) if known.present().count() == 1 => {
                let detail = "The last agent cannot leave the chat: invite another first, or end it.";
                return Err(Refusal::new(RefusalCause::LastAgent, detail));
            }
            Some(Role::Owner | Role::Guest) => {}
        }
        self.go(chat, agent, Cause::Normal);
        Ok(())
    }

    /// An agent takes part from now on: told, shown to the visitor, joined at the provider. Whoever calls has seen to
    /// offers that are out for the same place.
    pub(super) fn take_part(&mut self, chat: ChatId, agent: &AgentId, role: Role) {
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else { return };
        if known.present().any(|one| one.agent == *agent) {
            return;
        }
        // Two owners there never are, and never none.
        let role = match role {
            Role::Observer(_) => return,
            Role::Owner | Role::Guest if known.owner().is_none() => Role::Owner,
            Role::Owner | Role::Guest => Role::Guest,
        };
        if known.participant(agent).is_some() {
            // He has watched until now.
            self.remove(chat, agent);
        }
        let first = role == Role::Owner;
        self.dequeue(chat);
        let nickname = self.add(chat, agent, role);
        self.state.of_agent.entry(agent.clone()).or_default().chats.insert(chat);
        self.touch(agent);
        let at = self.at;
        if let Some(known) = self.state.chats.get_mut(&chat).filter(|_| first) {
            known.tried.clear();
            known.shown = None;
            known.state = ChatState::Connecting;
            known.since = at;
        }
        self.disarm(Deadline::ChatWait(chat));
        self.disarm(Deadline::Distribute(chat));
        self.tell_chat(Kind::ChatParticipantJoined, chat, Some(agent), Cause::Normal);
        let who = agent.clone();
        self.converse(chat, |chat| ChatOperation::Join { chat, agent: who, nickname });
        let by_api = self.state.chats.get(&chat).is_some_and(|chat| chat.way == Way::Api);
        match (first, by_api) {
            (true, true) => self.connected(chat, agent),
            (true, false) => self.mind_silence(chat),
            (false, _) => self.say_text(chat, TextId::AgentJoined, Some(agent)),
        }
    }

    /// An agent is gone without leaving: the chat has another agent, or goes back to the queue, first in line.
    pub(super) fn agent_lost(&mut self, chat: ChatId, agent: &AgentId) {
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else { return };
        match known.participant(agent).map(|one| &one.role) {
            None => return,
            Some(Role::Observer(_)) => {
                self.remove(chat, agent);
                return self.tell_chat(Kind::ChatObserved, chat, Some(agent), Cause::Timeout);
            }
            Some(Role::Owner | Role::Guest) => {}
        }
        let others = known.present().any(|one| one.agent != *agent);
        if others {
            return self.go(chat, agent, Cause::Timeout);
        }
        self.revoke_offers(chat, Revoked::Withdrawn);
        self.remove(chat, agent);
        self.leaves_provider(chat, agent);
        self.tell_chat(Kind::ChatParticipantLeft, chat, Some(agent), Cause::Timeout);
        self.disarm(Deadline::ChatSilence(chat));
        self.say_text(chat, TextId::Requeued, None);
        self.enqueue(chat);
    }

    pub(super) fn joined_at_provider(&mut self, chat: ChatId, agent: &AgentId) {
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else { return };
        if !known.present().any(|one| one.agent == *agent) {
            // He went there by himself, and the visitor sees him: it is believed, of who is one of ours.
            self.state.counters.unexpected_reports += 1;
            let ours = self.state.agents.get(agent).is_some_and(|agent| agent.chat.is_some());
            if !ours || self.may_grow(chat, agent).is_err() {
                return;
            }
            let waits = self.state.chats.get(&chat).is_some_and(|chat| chat.owner().is_none());
            self.revoke_offers_of(chat, agent, waits);
            self.take_part(chat, agent, Role::Guest);
        }
        let connecting = self.state.chats.get(&chat).is_some_and(|chat| chat.state == ChatState::Connecting);
        if connecting {
            self.connected(chat, agent);
        }
    }

    pub(super) fn left_at_provider(&mut self, chat: ChatId, agent: &AgentId) {
        let Some(known) = self.state.chats.get(&chat) else { return };
        // Who has left, or never was there, is told back to us as well.
        if known.present().any(|one| one.agent == *agent) {
            self.agent_lost(chat, agent);
        }
    }

    /// Visitor and agent can talk.
    fn connected(&mut self, chat: ChatId, agent: &AgentId) {
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        known.state = ChatState::Active;
        known.since = at;
        known.answered.get_or_insert(at);
        self.begin_silence(chat);
        self.tell_chat(Kind::ChatActive, chat, Some(agent), Cause::Normal);
        self.say_text(chat, TextId::AgentJoined, Some(agent));
    }

    /// One of several agents leaves. The chat of an owner is from then on that of whom he invited to take it over, or of
    /// who has been there longest.
    fn go(&mut self, chat: ChatId, agent: &AgentId, cause: Cause) {
        let Some(known) = self.state.chats.get(&chat) else { return };
        let owned = known.owner().is_some_and(|owner| owner.agent == *agent);
        let heir = heir(known, agent).filter(|_| owned);
        self.remove(chat, agent);
        self.leaves_provider(chat, agent);
        let heir = heir.filter(|heir| {
            let chat = self.state.chats.get_mut(&chat);
            let there =
                |one: &&mut Participant| one.agent == *heir && one.left.is_none() && one.role == Role::Guest;
            let his = chat.and_then(|chat| chat.participants.iter_mut().find(there));
            his.map(|one| one.role = Role::Owner).is_some()
        });
        self.tell_chat(Kind::ChatParticipantLeft, chat, Some(agent), cause);
        self.say_text(chat, TextId::AgentLeft, Some(agent));
        if let Some(heir) = heir {
            self.tell_chat(Kind::ChatTransferred, chat, Some(&heir), cause);
        }
    }

    /// Adds a participant. Gives the name under which he is shown.
    fn add(&mut self, chat: ChatId, agent: &AgentId, role: Role) -> Str {
        let service = self.state.agents.get(agent).and_then(|agent| agent.chat.as_ref());
        let known = self.state.chats.get_mut(&chat);
        let before = known.as_ref().and_then(|chat| nickname_in(chat, agent));
        let nickname = service.map(|service| service.nickname.clone()).or(before);
        let nickname = nickname.unwrap_or_else(|| agent.as_shared().clone());
        if let Some(known) = known {
            if known.participants.len() >= PARTICIPANTS_KEPT
                && let Some(oldest) = known.participants.iter().position(|one| one.left.is_some())
            {
                known.participants.remove(oldest);
            }
            known.participants.push(Participant {
                agent: agent.clone(),
                nickname: nickname.clone(),
                role,
                joined: self.at,
                left: None,
            });
        }
        nickname
    }

    /// A participant is not there any more.
    fn remove(&mut self, chat: ChatId, agent: &AgentId) {
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        let there = |one: &&mut Participant| one.left.is_none() && one.agent == *agent;
        let Some(one) = known.participants.iter_mut().find(there) else { return };
        one.left = Some(at);
        if !matches!(one.role, Role::Observer(_)) {
            self.release_agent(chat, agent);
        }
    }

    /// A chat takes nothing of an agent any more.
    pub(super) fn release_agent(&mut self, chat: ChatId, agent: &AgentId) {
        if let Some(has) = self.state.of_agent.get_mut(agent) {
            has.chats.remove(&chat);
            if has.chats.is_empty() && has.offers.is_empty() {
                self.state.of_agent.remove(agent);
            }
        }
        self.touch(agent);
    }

    fn leaves_provider(&mut self, chat: ChatId, agent: &AgentId) {
        let agent = agent.clone();
        self.converse(chat, |chat| ChatOperation::Leave { chat, agent });
    }

    /// Takes away what stands in the way of one who came by himself: the offers of a chat that waits, and an invitation
    /// that is his own.
    fn revoke_offers_of(&mut self, chat: ChatId, agent: &AgentId, waits: bool) {
        let known = self.state.chats.get(&chat);
        let his = known.is_some_and(|chat| chat.pending().any(|offer| offer.agent == *agent));
        if waits || his {
            self.revoke_offers(chat, Revoked::Taken);
        }
    }

    fn live(&self, chat: ChatId) -> Result<&Chat, Refusal> {
        let known = self.state.chats.get(&chat).ok_or_else(super::unknown_chat)?;
        if known.state.is_live() { Ok(known) } else { Err(ended()) }
    }

    /// Whether an agent can take this chat beside what he has.
    fn has_room(&self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let known = self.state.agents.get(agent).filter(|agent| agent.chat.is_some());
        let Some(known) = known else {
            let detail = format!("User {agent:?} is not in the chat channel; start the chat service first.");
            return Err(Refusal::new(RefusalCause::NotInChannel, detail));
        };
        let now = availability(self.state, known);
        let busy = |by: &Claimant| !matches!(by, Claimant::Chat(_) | Claimant::Offer(_));
        if now.ledger.iter().any(|claim| busy(&claim.by)) {
            let detail = format!("User {agent:?} is in a call, or works on another contact.");
            return Err(Refusal::new(RefusalCause::AgentNotAvailable, detail));
        }
        if now.room() < share_of(self.state, known, chat) {
            let detail = format!("User {agent:?} has as many chats as he takes at once.");
            return Err(Refusal::new(RefusalCause::AgentNotAvailable, detail));
        }
        Ok(())
    }

    /// Whether one more agent can take part: the place of one who is invited is his until he answers.
    fn may_grow(&self, chat: ChatId, agent: &AgentId) -> Result<(), Refusal> {
        let max = self.state.settings.chat.limits.participants_max;
        let known = self.live(chat)?;
        let invited = known.invitation.and_then(|invitation| known.offer(invitation));
        let comes_beside = |offer: &&Offer| {
            offer.agent != *agent && !matches!(offer.what, OfferFor::Guest { leave_on_join: true, .. })
        };
        let taken = known.present().count() + invited.iter().filter(|offer| comes_beside(offer)).count();
        if taken >= max as usize {
            let detail = format!("At most {max} agents take part in a chat at once.");
            return Err(Refusal::new(RefusalCause::LimitExceeded, detail));
        }
        Ok(())
    }
}

/// Whose chat it is when its owner leaves.
fn heir(chat: &Chat, leaver: &AgentId) -> Option<AgentId> {
    let mut others = chat.present().filter(|one| one.agent != *leaver);
    let handed = chat.offers.iter().rev().find_map(|offer| match &offer.what {
        OfferFor::Guest { by, leave_on_join: true, .. }
            if by == leaver && offer.state == OfferState::Accepted =>
        {
            Some(&offer.agent)
        }
        _ => None,
    });
    let invited = handed.and_then(|handed| chat.present().find(|one| one.agent == *handed));
    invited.or_else(|| others.next()).map(|one| one.agent.clone())
}
