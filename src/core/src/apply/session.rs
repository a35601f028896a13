//! Contact sessions: JKC opens, parks, resumes and closes them (T11, T16, rule 9).

use super::Context;
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::model::ids::{CommandId, SessionId};

impl Context<'_> {
    /// JKC asks something of a session.
    pub(super) fn session_command(&mut self, id: CommandId, command: &Command, by: &Actor) {
        self.accept(id, command, by, None, None, None);
        self.refuse(id, Refusal::new(RefusalCause::NotSupported, "Sessions are not kept yet."));
    }

    /// JKC's browser is there.
    pub(super) fn heartbeat(&mut self, _session: SessionId) {}

    /// A session's lease or grace period has run out.
    pub(super) fn lease_over(&mut self, _session: SessionId) {}

    /// A closed or long parked session is forgotten.
    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.state.sessions.remove(&session);
    }
}
