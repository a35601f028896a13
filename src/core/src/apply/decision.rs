//! Keep or ignore? A call arrives while a contact session is open (T16).
//!
//! The question is asked once each time that a call begins to ring at the agent's device, unless it is about the
//! session's own contact. It is kept in the session, so that every tab and a refreshed page see the same. It ends
//! * by a decision: the first one wins, the same again is idempotent, another is refused;
//! * by parking (keep) or closing (ignore) the session in any other way;
//! * by itself, when the call is not at his device any more: then nothing happens to the session.
//!
//! Answering the call decides nothing: the offer never overwrites open work.

use super::Context;
use crate::command::{Refusal, RefusalCause};
use crate::model::call::{Call, ConnectionState};
use crate::model::cause::Cause;
use crate::model::ids::{AgentId, CallId, SessionId};
use crate::model::session::{Decision, Session, SessionCause, SessionState};
use crate::notification::Kind;

/// A session keeps this many decisions; of those taken the oldest go first. More than calls arrive at one telephone
/// while somebody looks at one session.
const DECISIONS_MAX: usize = 64;

impl Context<'_> {
    /// Asks about the calls that began to ring at an agent's device, and takes back the questions about those that are
    /// not there any more.
    pub(super) fn mind_decisions(&mut self, id: &AgentId, rang: &[CallId]) {
        let Some(agent) = self.state.agents.get(id) else { return };
        let Some(session) = agent.session else { return };
        let seat = agent.registration.as_ref();
        let here = seat.map_or(&[][..], |seat| self.calls_at(&seat.provider, &seat.device));
        let Some(known) = self.state.sessions.get(&session) else { return };
        let is_new = |call: &&CallId| {
            let there = self.state.calls.get(call);
            let rings = there.zip(seat).and_then(|(there, seat)| there.connection(&seat.device));
            here.contains(call)
                && rings.is_some_and(|at| at.state == ConnectionState::Alerting)
                && there.map(|call| call.contact) != known.contact
                && !known.decisions.contains_key(call)
        };
        let asked: Vec<CallId> = rang.iter().filter(is_new).copied().collect();
        let gone = |(call, decision): (&CallId, &Option<Decision>)| {
            (decision.is_none() && !here.contains(call)).then_some(*call)
        };
        let gone: Vec<CallId> = known.decisions.iter().filter_map(gone).collect();
        // After a transfer the question is about the call that this one went up in.
        let goes_on = gone.iter().map(|call| self.survivor(*call)).filter(|call| here.contains(call));
        let goes_on: Vec<CallId> = goes_on.collect();
        if let Some(known) = self.state.sessions.get_mut(&session) {
            known.version += u64::from(!gone.is_empty());
            known.decisions.retain(|call, _| !gone.contains(call));
            for call in goes_on {
                known.decisions.entry(call).or_insert(None);
            }
        }
        for call in asked {
            self.ask_decision(session, call);
        }
    }

    /// The call that JKC decides about: `Ok(None)` where it was decided so before.
    pub(super) fn may_decide_session(
        &self,
        session: &Session,
        call: CallId,
        decision: Decision,
    ) -> Result<Option<CallId>, Refusal> {
        match session.decisions.get(&call) {
            Some(None) => Ok(Some(call)),
            Some(Some(taken)) if *taken == decision => Ok(None),
            Some(Some(taken)) => {
                let taken = match taken {
                    Decision::Keep => "keep",
                    Decision::Ignore => "ignore",
                };
                let detail = format!("It was decided before, perhaps in another tab: {taken}.");
                Err(Refusal::new(RefusalCause::AlreadyDecided, detail))
            }
            None if self.survivor(call) != call => {
                self.may_decide_session(session, self.survivor(call), decision)
            }
            None => Err(match self.state.calls.get(&call) {
                None => Refusal::new(
                    RefusalCause::UnknownCall,
                    "There is no such call, or it ended too long ago.",
                ),
                Some(call) if !call.is_live() => Refusal::new(
                    RefusalCause::PartyGone,
                    "The call has ended before it was decided: the session is as it was.",
                ),
                Some(_) => Refusal::new(
                    RefusalCause::InvalidSessionState,
                    "It was not asked about this call: it does not ring there, or it is about the session's contact.",
                ),
            }),
        }
    }

    /// JKC decided: keep the session (parked) or ignore it (closed).
    pub(super) fn decide_session(&mut self, session: SessionId, call: CallId, decision: Decision) {
        if let Some(known) = self.state.sessions.get_mut(&session) {
            known.decisions.insert(call, Some(decision));
        }
        let to = match decision {
            Decision::Keep => SessionState::Parked,
            Decision::Ignore => SessionState::Closed,
        };
        self.end_session(session, to, SessionCause::Decided, Cause::Normal);
    }

    fn ask_decision(&mut self, session: SessionId, call: CallId) {
        let Some(known) = self.state.sessions.get_mut(&session) else { return };
        known.decisions.insert(call, None);
        keep_room(known);
        let contact = self.state.calls.get(&call).map(|call: &Call| call.contact);
        self.tell_session(Kind::SessionDecisionAsked, session, contact, Cause::NewCall);
    }
}

fn keep_room(session: &mut Session) {
    if session.decisions.len() > DECISIONS_MAX {
        let taken = session.decisions.iter().find(|(_, decision)| decision.is_some());
        let oldest = taken.or_else(|| session.decisions.iter().next()).map(|(call, _)| *call);
        if let Some(oldest) = oldest {
            session.decisions.remove(&oldest);
        }
    }
}
