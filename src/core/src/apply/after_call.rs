//! After-call work lasts as long as the session that it belongs to (T11, rule 9).
//!
//! ```text
//! he leaves a call in which he spoke or dialled, ──► after-call work ──► the session is closed or parked:
//! no other such call at his device,                    (calls may come     by JKC, by a decision (T16),
//! a session open                                        and go meanwhile)  because the browser vanished, or he logged off
//! ```
//!
//! A call that rings and that he never took begins none. One that rings while he leaves another does not put it off:
//! otherwise a caller who gives up would free him with his work unfinished.

use super::Context;
use crate::model::agent::AfterCall;
use crate::model::call::{Call, Connection, ConnectionState};
use crate::model::cause::Cause;
use crate::model::ids::{AgentId, CallId, DeviceId};
use crate::notification::Kind;

impl Context<'_> {
    /// A connection at a device of ours came, went or began to ring: marks whom it concerns.
    pub(super) fn mind_agents(
        &mut self,
        id: CallId,
        device: &DeviceId,
        before: ConnectionState,
        cause: Cause,
    ) {
        let Some(call) = self.state.calls.get(&id) else { return };
        let Some(here) = call.connection(device) else { return };
        let sits = self.state.device(&call.provider, device).and_then(|device| device.agent.clone());
        let rings = here.state == ConnectionState::Alerting && before != ConnectionState::Alerting;
        let left = before.is_live() && !here.state.is_live() && has_worked(call, here, before);
        // Whoever spoke, also if somebody else has sat down there since.
        let worker = here.agent.clone().or_else(|| sits.clone()).filter(|_| left);
        if let Some(sits) = sits {
            let touched = self.touch(&sits);
            if rings {
                touched.rang.push(id);
            }
        }
        if let Some(worker) = worker {
            self.touch(&worker).left = Some((id, cause));
        }
    }

    /// Begins after-call work where an agent who left a call has a session open.
    pub(super) fn mind_after_call(&mut self, id: &AgentId, left: Option<(CallId, Cause)>) {
        let Some((_, cause)) = left else { return };
        let Some(agent) = self.state.agents.get(id) else { return };
        let (Some(session), Some(seat), None) = (agent.session, &agent.registration, &agent.after_call)
        else {
            return;
        };
        let works = |call: &CallId| {
            let call = self.state.calls.get(call);
            let here = call.and_then(|call| Some((call, call.connection(&seat.device)?)));
            here.is_some_and(|(call, here)| {
                // A call that goes on since somebody else sat there is his.
                let own = here.agent.as_ref().is_none_or(|agent| agent == id);
                own && here.state.is_live() && has_worked(call, here, here.state)
            })
        };
        if self.calls_at(&seat.provider, &seat.device).iter().any(works) {
            return;
        }
        let since = self.at;
        if let Some(agent) = self.state.agents.get_mut(id) {
            agent.after_call = Some(AfterCall { session, since });
            agent.version += 1;
        }
        self.tell_after_call(Kind::AgentAfterCallStarted, id, session, cause);
    }

    /// Ends after-call work, if there is any: its session is not open any more.
    pub(super) fn end_after_call(&mut self, id: &AgentId, cause: Cause) {
        let Some(agent) = self.state.agents.get_mut(id) else { return };
        let Some(work) = agent.after_call.take() else { return };
        agent.version += 1;
        self.touch(id);
        self.tell_after_call(Kind::AgentAfterCallEnded, id, work.session, cause);
    }
}

/// Whether a device has had a part in a call that leaves work behind: it spoke, or it dialled.
fn has_worked(call: &Call, here: &Connection, state: ConnectionState) -> bool {
    let spoke =
        here.connected.is_some() || matches!(state, ConnectionState::Connected | ConnectionState::Held);
    // Not all PBXs say "originated": a call that failed, rang or was answered was dialled.
    let went = call.failed.is_some() || call.answered.is_some() || here.announced;
    spoke || (went && call.calling_device.as_ref() == Some(&here.device))
}
