//! Routing points: an application is asked where a call shall go (ECMA-269 clause 20).
//!
//! ```text
//!   a call comes ──► Delivered ──► RouteRequest ──► RouteSelect ──► the call goes there, RouteUsed, RouteEnd
//!                                       │               └─ busy ──► ReRoute ──► RouteSelect …
//!                                       ├─ no answer in time, a number that leads nowhere ──► RouteEnd with an error
//!                                       └─ RouteReject, RouteEnd           └──► the default destination
//! ```
//!
//! Where no application is registered, calls go to the default destination at once.

use std::sync::Arc;
use std::time::Duration;

use super::calls::check_correlator;
use super::command::Outcome;
use super::event::{EventKind, RouteFailure, RouteMessage, RouteSays, SwitchEvent};
use super::model::{CallId, Cause, ConnectionId, LocalState, Number, RegistrationId, RouteId};
use super::route::{Place, Reach};
use super::timer::Then;
use super::{ConfigError, PointEvents, Rejected, RoutingPointConfig, Switch, SwitchError};

/// A call comes to routing points at most so often on its way before it counts as going in a circle.
const MOST_POINTS: u8 = 5;

/// A routing point.
pub(super) struct Point {
    pub(super) config: RoutingPointConfig,
}

/// A question that is open.
pub(super) struct Dialogue {
    /// The call; follows the call when its id changes.
    pub(super) call: CallId,
    pub(super) point: Number,
    pub(super) registration: RegistrationId,
    /// How often the application may be asked again.
    reroutes_left: u32,
}

impl Switch {
    pub(super) fn add_point(&mut self, config: RoutingPointConfig) -> Result<(), ConfigError> {
        self.check_new(&config.number)?;
        self.points.insert(config.number.clone(), Point { config });
        Ok(())
    }

    pub(super) fn route_register(&mut self, point: Option<&Number>) -> Result<Outcome, SwitchError> {
        if self.points.is_empty() {
            return Err(SwitchError::NotSupported("routing points"));
        }
        if let Some(point) = point
            && !self.points.contains_key(point)
        {
            return Err(if self.is_device(point) {
                SwitchError::NotForThisDevice(point.clone())
            } else {
                SwitchError::UnknownDevice(point.clone())
            });
        }
        let taken = |wanted: &&Number| self.asks(wanted).is_some();
        let taken = match point {
            Some(point) => Some(point).filter(taken),
            None => self.points.keys().find(taken),
        };
        if let Some(taken) = taken {
            return Err(SwitchError::RegisteredAlready(taken.clone()));
        }
        let registration = RegistrationId(self.next_route);
        self.next_route += 1;
        self.registrations.insert(registration, point.cloned());
        Ok(Outcome::Registered(registration))
    }

    pub(super) fn route_cancel(&mut self, registration: RegistrationId) -> Result<Outcome, SwitchError> {
        match self.registrations.remove(&registration) {
            Some(_) => Ok(Outcome::Done),
            None => Err(SwitchError::UnknownRegistration(registration)),
        }
    }

    pub(super) fn route_abort(
        &mut self,
        registration: Option<RegistrationId>,
    ) -> Result<Outcome, SwitchError> {
        if let Some(registration) = registration
            && !self.is_registration(registration)
        {
            return Err(SwitchError::UnknownRegistration(registration));
        }
        let concerned = |of: RegistrationId| registration.is_none_or(|only| only == of);
        let ended: Vec<RegistrationId> =
            self.registrations.keys().copied().filter(|of| concerned(*of)).collect();
        for registration in &ended {
            self.registrations.remove(registration);
            self.say(*registration, None, RouteSays::Abort);
        }
        let open = self.routes.iter().filter(|(_, dialogue)| concerned(dialogue.registration));
        let open: Vec<(RouteId, bool)> =
            open.map(|(route, dialogue)| (*route, ended.contains(&dialogue.registration))).collect();
        for (route, is_told) in open {
            let Some(dialogue) = self.routes.get(&route) else { continue };
            let (call, point) = (dialogue.call.clone(), dialogue.point.clone());
            if is_told {
                self.close_route(route);
            } else {
                // Its registration was cancelled before; nothing but this says that it is over.
                self.end_route(route, None);
            }
            self.go_to_default(&call, &point);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn route_select(
        &mut self,
        route: RouteId,
        to: &Number,
        tell_used: bool,
        correlator: Option<&Arc<str>>,
    ) -> Result<Outcome, SwitchError> {
        let dialogue = self.routes.get(&route).ok_or(SwitchError::UnknownRoute(route))?;
        let (call, point) = (dialogue.call.clone(), dialogue.point.clone());
        let registration = dialogue.registration;
        check_correlator(correlator.map(AsRef::as_ref))?;
        if let Some(data) = correlator
            && let Some(entry) = self.calls.get_mut(&call)
        {
            entry.correlator = Some(Arc::clone(data));
        }
        let reach = self.reach(to, Some(&call));
        match reach.place {
            _ if *to == point => self.give_up(route, RouteFailure::InvalidDestination),
            Place::Nowhere(Cause::DestNotObtainable) => {
                self.give_up(route, RouteFailure::InvalidDestination);
            }
            Place::Nowhere(_) => self.ask_again(route),
            Place::Extension | Place::Queue | Place::RoutingPoint | Place::Outside => {
                let used = reach.device.clone();
                self.close_route(route);
                self.leave_point(&call, &point, to);
                self.deliver(&call, reach, Cause::Redirected);
                if tell_used {
                    self.say(registration, Some(&call), RouteSays::Used { route, to: used });
                }
                self.say(registration, Some(&call), RouteSays::End { route, wrong: None });
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn route_reject(&mut self, route: RouteId) -> Result<Outcome, SwitchError> {
        let dialogue = self.routes.get(&route).ok_or(SwitchError::UnknownRoute(route))?;
        let (call, point) = (dialogue.call.clone(), dialogue.point.clone());
        self.end_route(route, None);
        match self.points.get(&point).map(|point| point.config.rejected) {
            Some(Rejected::GivenBack) => self.end_call(&call, &point, Cause::NormalClearing),
            _ => self.go_to_default(&call, &point),
        }
        Ok(Outcome::Done)
    }

    pub(super) fn route_ended_by_application(&mut self, route: RouteId) -> Result<Outcome, SwitchError> {
        let (call, point) = self.close_route(route).ok_or(SwitchError::UnknownRoute(route))?;
        self.go_to_default(&call, &point);
        Ok(Outcome::Done)
    }

    /// A call comes to a routing point.
    pub(super) fn enter_point(&mut self, call: &CallId, point: &Number) {
        let now = self.now;
        let Some(config) = self.points.get(point).map(|point| &point.config) else { return };
        let (events, reply_timeout, reroutes_left) = (config.events, config.reply_timeout.0, config.reroutes);
        let Some(entry) = self.calls.get_mut(call) else { return };
        // Only what took time counts as having been somewhere: an overflow after nothing is a circle too.
        let rested = entry.rests_since.take().is_some_and(|since| since < now);
        entry.points = if rested { 1 } else { entry.points.saturating_add(1) };
        if entry.points > MOST_POINTS {
            return self.fail(call, point, Cause::Busy);
        }
        self.add_leg(call, point, LocalState::Alerting);
        let connection = ConnectionId::new(call.clone(), point.clone());
        match events {
            PointEvents::Delivered => {
                let kind = EventKind::Delivered { connection: connection.clone() };
                self.emit(call, kind, Cause::EnteringDistribution);
            }
            PointEvents::Offered => {
                let kind = EventKind::Offered { connection: connection.clone() };
                self.emit(call, kind, Cause::EnteringDistribution);
            }
            PointEvents::Nothing => {}
        }
        let Some(registration) = self.asks(point) else { return self.go_to_default(call, point) };
        let route = RouteId(self.next_route);
        self.next_route += 1;
        let dialogue = Dialogue { call: call.clone(), point: point.clone(), registration, reroutes_left };
        self.routes.insert(route, dialogue);
        if let Some(leg) = self.leg_mut(call, point) {
            leg.route = Some(route);
        }
        self.set_timer(call, point, reply_timeout, Then::RouteReply);
        self.say(registration, Some(call), RouteSays::Request { route, connection, reply_timeout });
    }

    /// The application did not answer in time.
    pub(super) fn route_not_answered(&mut self, call: &CallId, point: &Number) {
        let leg = self.calls.get(call).and_then(|c| c.leg(point));
        if let Some(route) = leg.and_then(|leg| leg.route) {
            self.give_up(route, RouteFailure::TimerExpired);
        }
    }

    /// The dialogue is over, and the application hears of it.
    pub(super) fn end_route(&mut self, route: RouteId, wrong: Option<RouteFailure>) {
        let Some(dialogue) = self.routes.get(&route) else { return };
        let registration = dialogue.registration;
        if let Some((call, _)) = self.close_route(route) {
            self.say(registration, Some(&call), RouteSays::End { route, wrong });
        }
    }

    /// Who is asked at this routing point.
    pub(super) fn asks(&self, point: &Number) -> Option<RegistrationId> {
        let mut registrations = self.registrations.iter();
        let found = registrations.find(|(_, only)| only.as_ref().is_none_or(|only| only == point));
        found.map(|(registration, _)| *registration)
    }

    /// Whether an application is asked where calls to this routing point shall go.
    #[must_use]
    pub fn is_asking(&self, point: &Number) -> bool {
        self.points.contains_key(point) && self.asks(point).is_some()
    }

    /// Whether the registration lives, or something of it is still open.
    #[must_use]
    pub fn is_registration(&self, registration: RegistrationId) -> bool {
        self.registrations.contains_key(&registration)
            || self.routes.values().any(|dialogue| dialogue.registration == registration)
    }

    /// The registration that an open dialogue belongs to.
    #[must_use]
    pub fn registration_of(&self, route: RouteId) -> Option<RegistrationId> {
        self.routes.get(&route).map(|dialogue| dialogue.registration)
    }

    /// It did not come to a good end: the default destination.
    fn give_up(&mut self, route: RouteId, wrong: RouteFailure) {
        let Some(dialogue) = self.routes.get(&route) else { return };
        let (call, point) = (dialogue.call.clone(), dialogue.point.clone());
        self.end_route(route, Some(wrong));
        self.go_to_default(&call, &point);
    }

    /// The destination cannot take the call: where else?
    fn ask_again(&mut self, route: RouteId) {
        let Some(dialogue) = self.routes.get_mut(&route) else { return };
        let Some(left) = dialogue.reroutes_left.checked_sub(1) else {
            return self.give_up(route, RouteFailure::DestinationBusy);
        };
        dialogue.reroutes_left = left;
        let registration = dialogue.registration;
        let (call, point) = (dialogue.call.clone(), dialogue.point.clone());
        let reply_timeout = self.reply_timeout(&point);
        self.set_state(&call, &point, LocalState::Alerting);
        self.set_timer(&call, &point, reply_timeout, Then::RouteReply);
        self.say(registration, Some(&call), RouteSays::Again { route, reply_timeout });
    }

    fn reply_timeout(&self, point: &Number) -> Duration {
        self.points.get(point).map_or(Duration::ZERO, |point| point.config.reply_timeout.0)
    }

    /// The dialogue is forgotten; its call and routing point.
    fn close_route(&mut self, route: RouteId) -> Option<(CallId, Number)> {
        let Dialogue { call, point, .. } = self.routes.remove(&route)?;
        if let Some(leg) = self.leg_mut(&call, &point) {
            leg.route = None;
        }
        Some((call, point))
    }

    fn go_to_default(&mut self, call: &CallId, point: &Number) {
        let Some(to) = self.points.get(point).map(|point| point.config.default_to.clone()) else { return };
        self.leave_point(call, point, &to);
        let reach: Reach = self.reach(&to, Some(call));
        self.deliver(call, reach, Cause::Redirected);
    }

    fn leave_point(&mut self, call: &CallId, point: &Number, to: &Number) {
        if self.is_told(point) {
            return self.divert(call, point, to, Cause::Redirected);
        }
        self.remove_leg(call, point);
        if let Some(entry) = self.calls.get_mut(call) {
            entry.last_redirection = Some(point.clone());
        }
    }

    fn say(&mut self, registration: RegistrationId, call: Option<&CallId>, says: RouteSays) {
        let call = call.and_then(|id| self.calls.get(id)).map(super::calls::Call::facts);
        let kind = EventKind::Routeing(RouteMessage { registration, says });
        self.events.push(SwitchEvent { kind, call, cause: None, views: Vec::new() });
    }
}
