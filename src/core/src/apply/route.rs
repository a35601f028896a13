//! Routing by JKC: a PBX asks where a call shall go (T01, ECMA-269 clause 20).
//!
//! ```text
//! Requested ─► Asked ── JKC decides, or the time limit passes ──► Decided ── Used · Ended ──► Ended ─► forgotten
//!                ▲                                                   │
//!                └───────────── Again: it could not be had ──────────┘
//! ```
//!
//! A routing ends also with its call and with the link: the PBX falls back by itself then.

use super::Context;
use super::call::{Beginning, CALLS_MAX};
use super::control::destination;
use super::take_back::ITSELF;
use crate::adapter::Operation;
use crate::command::{Actor, Command, Refusal, RefusalCause};
use crate::model::call::{Call, ConnectionState, Party};
use crate::model::cause::Cause;
use crate::model::ids::{CallId, CommandId, DeviceId, ProviderCallId, ProviderId, RouteId, Str};
use crate::model::route::{Route, RouteBy, RouteDecision, RouteSettings, RouteState};
use crate::model::time::Millis;
use crate::notification::Kind;
use crate::report::{CallEvent, CallReport, ProviderConnection, ReportedParty, RouteEvent};
use crate::state::Deadline;

/// JKC is asked this often about one call. Whoever chose three destinations that cannot be had does not know a fourth,
/// and the caller has heard nothing all the while.
const TRIES_MAX: u32 = 3;

/// The answer must be at the PBX before the PBX gives up: vendors promise 0.2 s, and our own disk comes in between.
const MARGIN: Millis = Millis(500);

/// A PBX may ask again while the destination rings; none lets it ring so long. Those that never tell the end of a
/// dialogue must not keep it for ever.
const DECIDED_LIMIT: Millis = Millis::seconds(5 * 60);

/// More than a PBX asks in the time that ended ones are kept: what comes beyond is counted, and the PBX decides.
const ROUTES_MAX: usize = 50_000;

impl Context<'_> {
    /// What a provider says of a routeing dialogue.
    pub(super) fn route_report(&mut self, provider: &ProviderId, dialogue: &Str, event: &RouteEvent) {
        if !self.state.providers.contains_key(provider) {
            self.state.counters.unknown_providers += 1;
            return;
        }
        let known = self.state.by_dialogue.get(provider).and_then(|ids| ids.get(dialogue)).copied();
        match (event, known) {
            (RouteEvent::Requested { .. }, _) => self.route_requested(provider, dialogue, known, event),
            (RouteEvent::Again { limit }, Some(id)) => self.route_again(id, *limit),
            (RouteEvent::Used(device), Some(id)) => self.end_route(id, device.clone(), None),
            (RouteEvent::Ended(error), Some(id)) => self.end_route(id, None, error.clone()),
            // We do not know any more what it was about: the PBX falls back.
            (RouteEvent::Again { .. }, None) => self.state.counters.unexpected_reports += 1,
            (RouteEvent::Used(_) | RouteEvent::Ended(_), None) => self.state.counters.repeated_reports += 1,
        }
    }

    /// JKC says where a call goes. The first decision wins; the same again is idempotent.
    pub(super) fn route_command(&mut self, id: CommandId, command: &Command, by: &Actor) {
        let Command::DecideRoute { route, decision } = command else { return };
        let known = self.state.routes.get(route);
        let at = known.map(|known| (known.provider.clone(), known.device.clone()));
        let call = known.and_then(|known| known.call);
        let checked = self.may_decide(*route, decision);
        self.accept(id, command, by, at, call, None);
        if let Some(record) = self.state.commands.get_mut(&id) {
            record.route = self.state.routes.contains_key(route).then_some(*route);
        }
        match checked {
            Ok(Some(decision)) => self.decide(*route, decision, RouteBy::Jkc(id), id),
            Ok(None) => self.fulfil(id),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// JKC has not said in time, or a dialogue's end was never told.
    pub(super) fn route_overdue(&mut self, id: RouteId) {
        match self.state.routes.get(&id).map(|route| &route.state) {
            Some(RouteState::Asked) => self.fall_back(id),
            Some(RouteState::Decided { .. }) => self.end_route(id, None, None),
            _ => {}
        }
    }

    /// An ended routing is forgotten.
    pub(super) fn forget_route(&mut self, id: RouteId) {
        self.state.routes.remove(&id);
    }

    /// Nobody will hear a decision any more.
    pub(super) fn end_routes(&mut self, provider: &ProviderId, error: &Str) {
        let ids = self.state.by_dialogue.get(provider);
        let ids: Vec<RouteId> = ids.into_iter().flat_map(|ids| ids.values()).copied().collect();
        for id in ids {
            self.end_route(id, None, Some(error.clone()));
        }
    }

    /// The routings of a call that ended, or went up in another.
    pub(super) fn routes_of_ended(&mut self, call: CallId, merged_into: Option<CallId>) {
        for id in self.routes_of(call) {
            match (merged_into, self.state.routes.get_mut(&id)) {
                (Some(into), Some(route)) => route.call = Some(into),
                _ => self.end_route(id, None, Some("The caller has hung up.".into())),
            }
        }
    }

    /// Whether a PBX asks, or was told, where a call shall go, and has not said yet where it went.
    pub(super) fn is_routed(&self, call: CallId) -> bool {
        !self.routes_of(call).is_empty()
    }

    fn routes_of(&self, call: CallId) -> Vec<RouteId> {
        let live = self.state.by_dialogue.values().flat_map(|ids| ids.values());
        live.filter(|id| self.state.routes.get(id).is_some_and(|route| route.call == Some(call)))
            .copied()
            .collect()
    }

    /// A PBX asks where a call shall go.
    fn route_requested(
        &mut self,
        provider: &ProviderId,
        dialogue: &Str,
        known: Option<RouteId>,
        event: &RouteEvent,
    ) {
        let RouteEvent::Requested { device, call, calling, current, limit, correlator } = event else {
            return;
        };
        if let Some(id) = known {
            if self.asks_the_same(id, device, call.as_ref()) {
                self.state.counters.repeated_reports += 1;
                return;
            }
            self.end_route(
                id,
                None,
                Some("The telephone system asked another question under its id.".into()),
            );
        }
        if self.state.routes.len() >= ROUTES_MAX {
            self.state.counters.unexpected_reports += 1;
            return;
        }
        let call = call.as_ref().and_then(|named| {
            let at = ProviderConnection { call: named.clone(), device: device.clone() };
            self.routed_call(provider, &told(at, calling.as_ref(), current.as_ref(), correlator.as_ref()))
        });
        let known = call.and_then(|call| self.state.calls.get(&call));
        let calling = calling.as_ref().map(|calling| calling.party.clone());
        let id = RouteId(self.ids.make());
        let route = Route {
            id,
            provider: provider.clone(),
            dialogue: dialogue.clone(),
            device: device.clone(),
            call,
            contact: known.map(|known| known.contact),
            calling: calling
                .filter(Party::is_known)
                .or(known.map(|known| known.calling.clone()))
                .unwrap_or_default(),
            current: current.as_ref().map(|current| current.party.clone()),
            asked: self.at,
            deadline: self.at,
            tries: 0,
            failed: Vec::new(),
            state: RouteState::Asked,
            version: 0,
        };
        self.state.by_dialogue.entry(provider.clone()).or_default().insert(dialogue.clone(), id);
        self.state.routes.insert(id, route);
        self.ask(id, *limit);
    }

    /// Whether a PBX repeats a question.
    fn asks_the_same(&self, id: RouteId, device: &DeviceId, call: Option<&ProviderCallId>) -> bool {
        let Some(route) = self.state.routes.get(&id) else { return false };
        let call = call.and_then(|named| self.call_by_id(&route.provider, named));
        route.device == *device && route.call == call
    }

    /// The call that is to be routed, as it is known or begins here.
    fn routed_call(&mut self, provider: &ProviderId, told: &CallReport) -> Option<CallId> {
        let named = &told.connection.call;
        let caller = told.calling.as_ref().and_then(|calling| calling.device.as_ref());
        let known = self.call_by_id(provider, named).and_then(|id| self.state.calls.get(&id));
        let known = known.filter(|call| call.is_live()).map(|call| (call.id, self.is_another(call, caller)));
        let id = match known {
            Some((id, false)) => {
                let before = self.effects.len();
                let certain = self.make_certain(id);
                let learnt = self.learn(id, told);
                if (certain || learnt) && !self.told_of(id, before) {
                    self.tell_call(Kind::CallUpdated, id, None, Cause::Normal);
                }
                id
            }
            other => {
                if let Some((id, _)) = other {
                    self.state.counters.ids_reused += 1;
                    self.concluding(|context| context.end_call(id, Cause::IdReused, None));
                }
                if self.state.calls.len() >= CALLS_MAX {
                    self.state.counters.unexpected_reports += 1;
                    return None;
                }
                let beginning = Beginning {
                    calling: told.calling.clone(),
                    called: told.called.clone(),
                    correlator: told.correlator.clone(),
                    caller: caller.cloned(),
                    ..Beginning::default()
                };
                let id = self.begin(provider, named, beginning);
                if let Some(caller) = caller {
                    let state = ConnectionState::Connected;
                    self.set_connection(id, caller, Some(named), state, Cause::NewCall);
                }
                id
            }
        };
        self.mind_adrift(id);
        Some(id)
    }

    /// Whether a PBX gave the id of a call that we believe alive to another caller.
    fn is_another(&self, call: &Call, caller: Option<&DeviceId>) -> bool {
        match (&call.calling_device, caller) {
            (Some(known), Some(caller)) => {
                known != caller && call.connection(caller).is_none() && !self.is_customer_of(call, caller)
            }
            _ => false,
        }
    }

    /// JKC is asked, for the first time or again.
    fn ask(&mut self, id: RouteId, limit: Option<Millis>) {
        let at = self.at;
        let Some(route) = self.state.routes.get_mut(&id) else { return };
        let settings = self.state.settings.route(&route.provider, &route.device);
        let own = settings.map_or(RouteSettings::LIMIT, |settings| settings.limit);
        let span = Millis(limit.map_or(own, |theirs| own.min(less_margin(theirs))).0.max(1));
        route.tries += 1;
        route.state = RouteState::Asked;
        route.asked = at;
        route.deadline = at + span;
        let call = route.call;
        self.arm(Deadline::Route(id), span);
        // Nobody of ours needs to be on it while it is routed; from then on as with any other.
        if let Some(call) = call.filter(|call| self.state.armed.contains_key(&Deadline::Adrift(*call))) {
            let adrift = self.state.settings.adrift;
            self.arm(Deadline::Adrift(call), Millis(span.0.saturating_add(adrift.0)));
        }
        self.tell_route(Kind::RouteRequested, id);
    }

    /// The destination that was decided could not be had.
    fn route_again(&mut self, id: RouteId, limit: Option<Millis>) {
        let Some(route) = self.state.routes.get_mut(&id) else { return };
        let RouteState::Decided { decision, .. } = &route.state else {
            self.state.counters.repeated_reports += 1;
            return;
        };
        let by_itself = *decision == RouteDecision::Default;
        if let RouteDecision::To(failed) = decision {
            route.failed.push(failed.clone());
        }
        if route.tries < TRIES_MAX {
            return self.ask(id, limit);
        }
        if by_itself {
            // It was told to know by itself, and nobody knows more.
            self.state.counters.unexpected_reports += 1;
            return;
        }
        route.tries = route.tries.saturating_add(1);
        route.state = RouteState::Asked;
        route.asked = self.at;
        route.deadline = self.at;
        self.fall_back(id);
    }

    /// The configuration decides; the PBX itself where that destination has failed already.
    fn fall_back(&mut self, id: RouteId) {
        let Some(route) = self.state.routes.get(&id) else { return };
        let settings = self.state.settings.route(&route.provider, &route.device);
        let fallback = settings.map_or(RouteDecision::Default, |settings| settings.fallback.clone());
        let failed = matches!(&fallback, RouteDecision::To(to) if route.failed.contains(to));
        let decision = if failed { RouteDecision::Default } else { fallback };
        let at = (route.provider.clone(), route.device.clone());
        let call = route.call;
        let command = CommandId(self.ids.make());
        let asked = Command::DecideRoute { route: id, decision: decision.clone() };
        self.accept(command, &asked, &Actor::named(ITSELF), Some(at), call, None);
        if let Some(record) = self.state.commands.get_mut(&command) {
            record.route = Some(id);
        }
        self.decide(id, decision, RouteBy::Fallback, command);
    }

    /// The rules for a decision; what is to be told to the PBX, or nothing where it has been told so already.
    fn may_decide(&self, id: RouteId, decision: &RouteDecision) -> Result<Option<RouteDecision>, Refusal> {
        let Some(route) = self.state.routes.get(&id) else {
            let detail = "There is no such routing, or it ended too long ago.";
            return Err(Refusal::new(RefusalCause::UnknownRoute, detail));
        };
        let decision = match decision {
            RouteDecision::To(to) => RouteDecision::To(destination(to)?),
            RouteDecision::Default => RouteDecision::Default,
        };
        if route.decision() == Some(&decision) {
            return Ok(None);
        }
        match &route.state {
            RouteState::Asked => Ok(Some(decision)),
            RouteState::Decided { by: RouteBy::Fallback, .. } => {
                Err(already("JKC did not decide in time, so the configured fallback was taken."))
            }
            RouteState::Decided { by: RouteBy::Jkc(_), .. } | RouteState::Ended { decision: Some(_), .. } => {
                Err(already("It was decided otherwise before."))
            }
            RouteState::Ended { decision: None, error, .. } => {
                let why = error.as_deref().unwrap_or("The telephone system ended it.");
                Err(Refusal::new(
                    RefusalCause::PartyGone,
                    format!("Nobody waits for the decision any more. {why}"),
                ))
            }
        }
    }

    /// The PBX is told where, and JKC that it is.
    fn decide(&mut self, id: RouteId, decision: RouteDecision, by: RouteBy, command: CommandId) {
        let Some(route) = self.state.routes.get_mut(&id) else { return };
        let dialogue = route.dialogue.clone();
        let operation = match &decision {
            RouteDecision::To(to) => Operation::RouteSelect { dialogue, destination: to.clone() },
            RouteDecision::Default => Operation::RouteReject { dialogue },
        };
        let kind = match by {
            RouteBy::Jkc(_) => Kind::RouteDecided,
            RouteBy::Fallback => Kind::RouteFellBack,
        };
        route.state = RouteState::Decided { decision, by };
        self.arm(Deadline::Route(id), DECIDED_LIMIT);
        self.because_of(Some(command), |context| context.tell_route(kind, id));
        self.send(command, 0, operation);
    }

    /// The dialogue is over. Once.
    fn end_route(&mut self, id: RouteId, used: Option<DeviceId>, error: Option<Str>) {
        let Some(route) = self.state.routes.get_mut(&id).filter(|route| route.is_live()) else { return };
        let decision = route.decision().cloned();
        route.state = RouteState::Ended { decision, used, error };
        route.version += 1;
        if let Some(ids) = self.state.by_dialogue.get_mut(&route.provider) {
            ids.remove(&route.dialogue);
            if ids.is_empty() {
                self.state.by_dialogue.remove(&route.provider);
            }
        }
        self.disarm(Deadline::Route(id));
        self.arm(Deadline::ForgetRoute(id), self.state.settings.keep_ended);
    }
}

/// What a question tells of its call, in the form in which calls are learnt of.
fn told(
    at: ProviderConnection,
    calling: Option<&ReportedParty>,
    called: Option<&ReportedParty>,
    correlator: Option<&Str>,
) -> CallReport {
    CallReport {
        event: CallEvent::Information,
        connection: at,
        monitor: None,
        local: None,
        cause: Cause::NewCall,
        calling: calling.cloned(),
        called: called.cloned(),
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: correlator.cloned(),
        linked_call: None,
    }
}

/// The PBX's time limit with room for the way there.
fn less_margin(theirs: Millis) -> Millis {
    Millis(theirs.0 - MARGIN.0.min(theirs.0 / 2))
}

fn already(detail: &str) -> Refusal {
    Refusal::new(RefusalCause::AlreadyDecided, detail)
}
