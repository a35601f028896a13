//! Contact sessions: JKC opens, parks, resumes and closes them (T11, T16, rule 9).
//!
//! ```text
//!            resume                      no heartbeat for lease + grace, log-off, "keep"
//! open ◄──────────────── parked ◄─────────────────────────────────────────────────────── open
//!   └──── close, "ignore" ──┴── close, kept too long ──► closed ──► forgotten
//! ```
//!
//! * An agent has at most one open session; he needs no telephone for it, but has been registered once.
//! * A session keeps its contact's id only: the contact itself may be forgotten before it.
//! * Open work is never closed by schakel itself, and never parked but because nobody is there to do it. What was parked
//!   is closed when nobody resumed it for [`SessionSettings::keep_parked`](crate::settings::SessionSettings), and told.
//! * Who vanished is not ready from then on, as configured; a reason for which he was not ready already stays.
//! * The daemon's own absence is nobody's vanishing: leases start anew when it does.

use super::Context;
use super::control::version_mismatch;
use crate::command::{Actor, Command, Refusal, RefusalCause, SessionChange};
use crate::model::agent::Readiness;
use crate::model::cause::Cause;
use crate::model::ids::{AgentId, CommandId, ContactId, SessionId, Str};
use crate::model::session::{Decision, Session, SessionCause, SessionState};
use crate::notification::Kind;
use crate::state::Deadline;

/// An agent keeps this many sessions at most, the open one included: more than anybody resumes, and a JKC that opens
/// and parks for ever must not fill the memory.
const SESSIONS_MAX: usize = 100;

impl Context<'_> {
    /// JKC opens a session.
    pub(super) fn open_session(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        agent: &AgentId,
        contact: Option<ContactId>,
        reference: Option<&Str>,
    ) {
        self.accept(id, command, by, None, None, None);
        if let Err(refusal) = self.may_open(agent, contact) {
            let open = self.state.agents.get(agent).and_then(|agent| agent.session);
            self.concerns(id, open.filter(|_| refusal.cause == RefusalCause::SessionOpen));
            return self.refuse(id, refusal);
        }
        let session = SessionId(self.ids.make());
        self.state.sessions.insert(
            session,
            Session {
                id: session,
                agent: agent.clone(),
                contact,
                reference: reference.cloned(),
                state: SessionState::Open,
                why: SessionCause::Asked,
                opened: self.at,
                since: self.at,
                lease: None,
                vanished: None,
                decisions: Default::default(),
                opened_by: id,
                version: 1,
            },
        );
        self.concerns(id, Some(session));
        self.because_of(Some(id), |context| {
            context.take_up(session);
            if let Some(contact) = contact {
                context.wraps_up(session, contact);
            }
        });
        self.fulfil(id);
    }

    /// JKC parks, resumes or closes a session, or decides about it.
    pub(super) fn change_session(
        &mut self,
        id: CommandId,
        command: &Command,
        by: &Actor,
        session: SessionId,
        change: SessionChange,
        if_version: Option<u64>,
    ) {
        let call = match change {
            SessionChange::Decide { call, .. } => {
                Some(call).filter(|call| self.state.calls.contains_key(call))
            }
            _ => None,
        };
        self.accept(id, command, by, None, call, None);
        let Some(known) = self.state.sessions.get(&session) else {
            let detail = "There is no such session, or it was closed too long ago.";
            return self.refuse(id, Refusal::new(RefusalCause::UnknownSession, detail));
        };
        let (state, version) = (known.state, known.version);
        self.concerns(id, Some(session));
        if if_version.is_some_and(|asked| asked != version) {
            return self.refuse(id, version_mismatch());
        }
        let done = self.because_of(Some(id), |context| match change {
            SessionChange::Park => context.park(session, state),
            SessionChange::Resume => context.resume(session, state),
            SessionChange::Close => {
                context.end_session(session, SessionState::Closed, SessionCause::Asked, Cause::Normal);
                Ok(())
            }
            SessionChange::Decide { call, decision } => {
                let Some(known) = context.state.sessions.get(&session) else { return Ok(()) };
                if let Some(call) = context.may_decide_session(known, call, decision)? {
                    context.decide_session(session, call, decision);
                }
                Ok(())
            }
        });
        match done {
            Ok(()) => self.fulfil(id),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// JKC's browser is there.
    pub(super) fn heartbeat(&mut self, session: SessionId) {
        let lease = self.state.settings.sessions.lease;
        let Some(known) = self.state.sessions.get_mut(&session) else { return };
        if known.state != SessionState::Open {
            return;
        }
        known.lease = Some(self.at + lease);
        known.vanished = None;
        self.arm(Deadline::SessionLease(session), lease);
    }

    /// The daemon starts: no browser could be heard while it was away.
    pub(super) fn renew_leases(&mut self) {
        let sessions: Vec<SessionId> = self.state.sessions.keys().copied().collect();
        for session in sessions {
            self.heartbeat(session);
        }
    }

    /// A session's lease has run out: it is waited for. Its grace period too: it is parked.
    pub(super) fn lease_over(&mut self, session: SessionId) {
        let grace = self.state.settings.sessions.grace;
        let at = self.at;
        let Some(known) = self.state.sessions.get_mut(&session) else { return };
        if known.state != SessionState::Open {
            return;
        }
        let vanished = *known.vanished.get_or_insert(known.lease.unwrap_or(at));
        let until = vanished + grace;
        if until > at {
            return self.arm(Deadline::SessionLease(session), until - at);
        }
        let agent = known.agent.clone();
        let then = self.state.settings.sessions.vanished.clone();
        if let Some(agent) = self.state.agents.get_mut(&agent)
            && agent.registration.is_some()
            && agent.readiness == Readiness::Ready
            && agent.readiness != then
        {
            agent.readiness = then;
            agent.version += 1;
        }
        self.end_session(session, SessionState::Parked, SessionCause::Vanished, Cause::Timeout);
    }

    /// A closed session is forgotten; one that was parked for too long is closed.
    pub(super) fn forget_session(&mut self, session: SessionId) {
        match self.state.sessions.get(&session).map(|session| session.state) {
            Some(SessionState::Parked) => {
                self.end_session(session, SessionState::Closed, SessionCause::Expired, Cause::Timeout);
            }
            Some(SessionState::Closed) => {
                self.state.sessions.remove(&session);
            }
            Some(SessionState::Open) | None => {}
        }
    }

    /// Parks or closes a session, once, and with it the after-call work that it holds.
    pub(super) fn end_session(&mut self, id: SessionId, to: SessionState, why: SessionCause, cause: Cause) {
        let Some(session) = self.state.sessions.get_mut(&id) else { return };
        if session.state == to || session.state == SessionState::Closed {
            return;
        }
        session.state = to;
        session.why = why;
        session.since = self.at;
        session.lease = None;
        session.vanished = None;
        let parked = to == SessionState::Parked;
        let decision = if parked { Decision::Keep } else { Decision::Ignore };
        for asked in session.decisions.values_mut() {
            asked.get_or_insert(decision);
        }
        let agent = session.agent.clone();
        let settings = &self.state.settings.sessions;
        let keep = if parked { settings.keep_parked } else { settings.keep_closed };
        self.disarm(Deadline::SessionLease(id));
        self.arm(Deadline::ForgetSession(id), keep);
        let kind = if parked { Kind::SessionParked } else { Kind::SessionClosed };
        self.tell_session(kind, id, None, cause);
        if let Some(known) = self.state.agents.get_mut(&agent)
            && known.session == Some(id)
        {
            known.session = None;
            self.touch(&agent);
            self.end_after_call(&agent, cause);
        }
        if !parked {
            self.wrapped_up(id);
        }
    }

    fn park(&mut self, id: SessionId, state: SessionState) -> Result<(), Refusal> {
        if state == SessionState::Closed {
            return Err(closed());
        }
        self.end_session(id, SessionState::Parked, SessionCause::Asked, Cause::Normal);
        Ok(())
    }

    fn resume(&mut self, id: SessionId, state: SessionState) -> Result<(), Refusal> {
        match state {
            SessionState::Open => return Ok(()),
            SessionState::Closed => return Err(closed()),
            SessionState::Parked => {}
        }
        let agent = self.state.sessions.get(&id).and_then(|session| self.state.agents.get(&session.agent));
        if let Some(open) = agent.and_then(|agent| agent.session) {
            return Err(other_open(open));
        }
        self.disarm(Deadline::ForgetSession(id));
        if let Some(session) = self.state.sessions.get_mut(&id) {
            session.state = SessionState::Open;
            session.why = SessionCause::Asked;
            session.since = self.at;
        }
        self.take_up(id);
        self.tell_session(Kind::SessionResumed, id, None, Cause::Normal);
        Ok(())
    }

    /// A session is the one that its agent works on now.
    fn take_up(&mut self, id: SessionId) {
        let Some(agent) = self.state.sessions.get(&id).map(|session| session.agent.clone()) else { return };
        if let Some(known) = self.state.agents.get_mut(&agent) {
            known.session = Some(id);
            known.version += 1;
        }
        self.heartbeat(id);
        self.touch(&agent);
    }

    fn may_open(&self, agent: &AgentId, contact: Option<ContactId>) -> Result<(), Refusal> {
        let Some(known) = self.state.agents.get(agent) else {
            let detail = format!("User {agent:?} has never been registered at an extension.");
            return Err(Refusal::new(RefusalCause::NotRegistered, detail));
        };
        if let Some(open) = known.session {
            return Err(other_open(open));
        }
        if contact.is_some_and(|contact| !self.state.contacts.contains_key(&contact)) {
            let detail =
                "There is no such contact, or its last call ended too long ago; open the session without it.";
            return Err(Refusal::new(RefusalCause::UnknownContact, detail));
        }
        let kept = self
            .state
            .sessions
            .values()
            .filter(|session| session.state != SessionState::Closed && session.agent == *agent);
        if kept.count() >= SESSIONS_MAX {
            let detail =
                format!("User {agent:?} has {SESSIONS_MAX} sessions parked; close some of them first.");
            return Err(Refusal::new(RefusalCause::LimitExceeded, detail));
        }
        Ok(())
    }

    /// Notes the session that a command made or concerns.
    fn concerns(&mut self, id: CommandId, session: Option<SessionId>) {
        if let Some(record) = self.state.commands.get_mut(&id) {
            record.session = session;
        }
    }
}

fn other_open(open: SessionId) -> Refusal {
    let detail = format!("Session {open} is open: park or close it first.");
    Refusal::new(RefusalCause::SessionOpen, detail)
}

fn closed() -> Refusal {
    Refusal::new(RefusalCause::InvalidSessionState, "The session is closed; open a new one.")
}
