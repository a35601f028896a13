//! Routing by JKC: a PBX asks where a call shall go (T01).

use super::Context;
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::model::ids::{CommandId, ProviderId, RouteId, Str};
use crate::report::RouteEvent;

impl Context<'_> {
    /// What a provider says of a routeing dialogue.
    pub(super) fn route_report(&mut self, _provider: &ProviderId, _dialogue: &Str, _event: &RouteEvent) {}

    /// JKC says where a call goes.
    pub(super) fn route_command(&mut self, id: CommandId, command: &Command, by: &Actor) {
        self.accept(id, command, by, None, None, None);
        self.refuse(id, Refusal::new(RefusalCause::UnknownRoute, "There is no such routing."));
    }

    /// JKC has not said in time.
    pub(super) fn route_overdue(&mut self, _route: RouteId) {}

    /// An ended routing is forgotten.
    pub(super) fn forget_route(&mut self, route: RouteId) {
        self.state.routes.remove(&route);
    }
}
