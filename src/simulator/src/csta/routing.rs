//! The routeing services of ECMA-323: who is asked, and what the switch says to whom.
//!
//! Requests and answers are tied together by `crossRefIdentifier`; each message of the switch has an invoke id of
//! its own, to which nothing comes back. An answer to a dialogue that is over, or another client's, is refused.

use std::borrow::Cow;
use std::time::Duration;

use schakel_csta_wire as wire;
use wire::{
    DeviceRef, Message, Octets, ReRoute, Request, RouteEnd, RouteRegisterAbort, RouteRequest, RouteUsed,
};

use super::core::Core;
use super::identity::number_of;
use super::link::LinkId;
use super::requests::hex;
use super::translate::csta_error;
use crate::sins::Pending;
use crate::switch::{
    CallFacts, Command, RegistrationId, RouteId, RouteMessage, RouteSays, SwitchError, SwitchEvent,
};

/// Requests of a client that continue a routeing dialogue: they have no positive answer.
pub(super) const fn continues_dialogue(request: &Request<'_>) -> bool {
    matches!(request, Request::RouteSelect(_) | Request::RouteReject(_) | Request::RouteEnd(_))
}

impl Core {
    /// What a routeing request asks of the switch; `None` if it is no such request.
    pub(super) fn route_command(
        &self,
        link: LinkId,
        request: &Request<'_>,
    ) -> Option<Result<Command, SwitchError>> {
        Some(match request {
            Request::RouteRegister(r) => {
                Ok(Command::RouteRegister { point: r.device.as_ref().map(|point| number_of(&point.value)) })
            }
            Request::RouteRegisterCancel(r) => {
                let registration = RegistrationId(r.register.parse().unwrap_or(0));
                match self.routers.get(&registration) {
                    Some(of) if *of == link => Ok(Command::RouteCancel(registration)),
                    _ => Err(SwitchError::UnknownRegistration(registration)),
                }
            }
            Request::RouteSelect(r) => {
                self.open_route(link, &r.cross_ref).map(|route| Command::RouteSelect {
                    route,
                    to: number_of(&r.selected.value),
                    tell_used: r.route_used == Some(true),
                    correlator: hex(r.correlator.as_ref()),
                })
            }
            Request::RouteReject(r) => self.open_route(link, &r.cross_ref).map(Command::RouteReject),
            Request::RouteEnd(r) => self.open_route(link, &r.cross_ref).map(Command::RouteEnd),
            _ => return None,
        })
    }

    /// A dialogue with this client that is not over.
    fn open_route(&self, link: LinkId, cross_ref: &str) -> Result<RouteId, SwitchError> {
        let route = RouteId(cross_ref.parse().unwrap_or(0));
        let router = self.switch.registration_of(route).and_then(|of| self.routers.get(&of));
        router.filter(|of| **of == link).map(|_| route).ok_or(SwitchError::UnknownRoute(route))
    }

    /// A client is asked from now on.
    pub(super) fn remember_router(&mut self, link: LinkId, registration: RegistrationId) {
        let switch = &self.switch;
        self.routers.retain(|of, _| switch.is_registration(*of));
        self.routers.insert(registration, link);
    }

    /// A client can no longer be asked: its calls go to the default destination.
    pub(super) fn forget_router(&mut self, now: Duration, link: LinkId) {
        let ended: Vec<RegistrationId> = self
            .routers
            .iter()
            .filter(|(_, of)| **of == link)
            .map(|(registration, _)| *registration)
            .collect();
        for registration in ended {
            self.routers.remove(&registration);
            // A registration that was cancelled, and of which nothing is open, is not known any more.
            let _ = self.execute(now, &Command::RouteAbort(Some(registration)));
        }
    }

    /// The switch says something to the client that made a registration.
    pub(super) fn tell_router(&mut self, now: Duration, event: &SwitchEvent, message: &RouteMessage) {
        let Some(id) = self.routers.get(&message.registration).copied() else { return };
        let Some(invoke) = self.links.get_mut(&id).map(super::link::Link::invoke) else { return };
        let mut late = None;
        match message.says {
            RouteSays::Request { .. } => late = self.sins.take_late_route(),
            RouteSays::End { .. } if Pending::take(&mut self.sins.lose_route_ends) => return,
            RouteSays::Abort => drop(self.routers.remove(&message.registration)),
            _ => {}
        }
        let request = self.route_message(message, event.call.as_ref());
        self.transmit(now, id, invoke, &Message::Request(request), late);
    }

    fn route_message(&self, message: &RouteMessage, call: Option<&CallFacts>) -> Request<'static> {
        let register = || Cow::Owned(message.registration.to_string());
        let cross_ref = |route: RouteId| Cow::Owned(route.to_string());
        let names = self.names();
        let device = |number| DeviceRef::known(names.text(number).into_owned());
        let calling = || call.map(|call| names.own_caller(&call.calling));
        let correlator = || {
            let data = call.and_then(|call| call.correlator.as_ref());
            data.map(|data| Octets::Hex(Cow::Owned(data.as_ref().to_owned())))
        };
        match &message.says {
            RouteSays::Request { route, connection, reply_timeout } => RouteRequest {
                cross_ref: cross_ref(*route),
                register: Some(register()),
                current: call.map(|call| device(&call.called)),
                calling: calling(),
                routeing: Some(device(&connection.device)),
                call: Some(names.own_connection(connection)),
                reply_timeout: Some(millis(*reply_timeout)),
                correlator: correlator(),
                ..RouteRequest::default()
            }
            .into(),
            RouteSays::Again { route, reply_timeout } => ReRoute {
                cross_ref: cross_ref(*route),
                register: Some(register()),
                reply_timeout: Some(millis(*reply_timeout)),
                correlator: correlator(),
            }
            .into(),
            RouteSays::Used { route, to } => RouteUsed {
                cross_ref: cross_ref(*route),
                register: Some(register()),
                used: Some(device(to)),
                calling: calling(),
            }
            .into(),
            RouteSays::End { route, wrong } => RouteEnd {
                cross_ref: cross_ref(*route),
                register: Some(register()),
                error: wrong.map(|wrong| {
                    let (category, value) = wrong.csta();
                    csta_error(category, value.to_owned())
                }),
            }
            .into(),
            RouteSays::Abort => RouteRegisterAbort { register: register() }.into(),
        }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
