//! Offers and invitations: made, taken, declined, expired, revoked (C03, W02, W07).

use super::Context;
use crate::command::{Refusal, RefusalCause};
use crate::model::chat::{Invitee, Revoked};
use crate::model::ids::{AgentId, ChatId, OfferId};

impl Context<'_> {
    pub(super) fn accept_offer(
        &mut self,
        chat: ChatId,
        offer: OfferId,
        agent: &AgentId,
    ) -> Result<(), Refusal> {
        let _ = (chat, offer, agent);
        Ok(())
    }

    pub(super) fn reject_offer(
        &mut self,
        chat: ChatId,
        offer: OfferId,
        agent: &AgentId,
    ) -> Result<(), Refusal> {
        let _ = (chat, offer, agent);
        Ok(())
    }

    /// Nobody answered an offer (C03, C09).
    pub(crate) fn offer_expired(&mut self, offer: OfferId) {
        let _ = offer;
    }

    /// Takes away the offers of a chat.
    pub(super) fn revoke_offers(&mut self, chat: ChatId, why: Revoked) {
        let _ = (chat, why);
    }

    /// Takes away the offers to an agent (C02).
    pub(crate) fn revoke_offers_to(&mut self, agent: &AgentId, why: Revoked) {
        let _ = (agent, why);
    }

    pub(super) fn invite(
        &mut self,
        chat: ChatId,
        by: &AgentId,
        whom: &Invitee,
        leave_on_join: bool,
    ) -> Result<OfferId, Refusal> {
        let _ = (chat, by, whom, leave_on_join);
        Err(Refusal::new(RefusalCause::AgentNotAvailable, "nobody"))
    }

    pub(super) fn withdraw(&mut self, chat: ChatId, by: &AgentId) -> Result<(), Refusal> {
        let _ = (chat, by);
        Ok(())
    }
}
