//! ECMA-354 application sessions, and what goes round outside of requests: system status.

use std::borrow::Cow;
use std::time::Duration;

use schakel_csta_wire as wire;
use wire::{
    ApplicationSessionTerminated, InvokeId, Message, ResetApplicationSessionTimer,
    ResetApplicationSessionTimerPosResponse, SessionReason, SessionRefusal, StartApplicationSession,
    StartApplicationSessionPosResponse, StopApplicationSessionPosResponse, SystemStatus, SystemStatusValue,
};

use super::core::{Core, Later};
use super::link::{LinkId, Session};
use crate::config::SessionPolicy;

impl Core {
    pub(super) fn session(
        &mut self,
        now: Duration,
        id: LinkId,
        invoke: InvokeId,
        message: wire::Session<'_>,
    ) {
        let answer = match message {
            wire::Session::Start(start) => self.start_session(now, id, &start),
            wire::Session::Reset(reset) => self.reset_session(now, id, &reset),
            wire::Session::Stop(stop) => {
                let Some(link) = self.links.get_mut(&id) else { return };
                match link.session.take_if(|session| session.id == *stop.session) {
                    Some(_) => wire::Session::Stopped(StopApplicationSessionPosResponse {}),
                    None => wire::Session::StopRefused(refusal("invalidSessionID")),
                }
            }
            // Answers to what a server never asks.
            _ => return,
        };
        let late = self.sins.take_late();
        self.transmit(now, id, invoke, &answer.into(), late);
    }

    fn start_session(
        &mut self,
        now: Duration,
        id: LinkId,
        start: &StartApplicationSession<'_>,
    ) -> wire::Session<'static> {
        if self.csta.session == SessionPolicy::Refused {
            return wire::Session::StartRefused(refusal("serverResourcesBusy"));
        }
        let limit = self.csta.session_limit.0;
        let duration = start.duration.map_or(limit, |seconds| Duration::from_secs(seconds.into()).min(limit));
        let version = start.versions.last().map_or(Cow::Borrowed(""), |v| Cow::Owned(v.clone().into_owned()));
        let session = format!("S{id}-{}", self.next_reference);
        self.next_reference += 1;
        if let Some(link) = self.links.get_mut(&id) {
            link.session = Some(Session { id: session.clone(), expires: now + duration });
        }
        self.do_later(now + duration, Later::Session(id));
        wire::Session::Started(StartApplicationSessionPosResponse {
            session: Cow::Owned(session),
            version,
            duration: u32::try_from(duration.as_secs()).ok(),
        })
    }

    fn reset_session(
        &mut self,
        now: Duration,
        id: LinkId,
        reset: &ResetApplicationSessionTimer<'_>,
    ) -> wire::Session<'static> {
        let limit = self.csta.session_limit.0;
        let duration = reset.duration.map_or(limit, |seconds| Duration::from_secs(seconds.into()).min(limit));
        let session = self.links.get_mut(&id).and_then(|link| link.session.as_mut());
        let Some(session) = session.filter(|session| session.id == *reset.session) else {
            return wire::Session::ResetRefused(refusal("invalidSessionID"));
        };
        let sooner = now + duration < session.expires;
        session.expires = now + duration;
        if sooner {
            self.do_later(now + duration, Later::Session(id));
        }
        let duration = u32::try_from(duration.as_secs()).ok();
        wire::Session::ResetDone(ResetApplicationSessionTimerPosResponse { duration })
    }

    /// A session that was not reset in time ends, and its monitors with it.
    pub(super) fn check_session(&mut self, now: Duration, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(session) = link.session.take_if(|session| session.expires <= now) else {
            // It was reset meanwhile: look again when it is due.
            if let Some(expires) = link.session.as_ref().map(|session| session.expires) {
                self.do_later(expires, Later::Session(id));
            }
            return;
        };
        let monitors = std::mem::take(&mut link.monitors);
        let invoke = link.invoke();
        for (monitor, device) in &monitors {
            self.forget_monitor(id, monitor, device);
        }
        self.forget_router(now, id);
        let ended = ApplicationSessionTerminated {
            session: Cow::Owned(session.id),
            reason: SessionReason::defined("sessionTimerExpired"),
        };
        self.transmit(now, id, invoke, &Message::Session(wire::Session::Terminated(ended)), None);
    }

    /// Tells a client that all is well, and asks it to say so too.
    pub(super) fn send_status(&mut self, now: Duration, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let invoke = link.invoke();
        link.unanswered += 1;
        let registered = link.registered.clone().map(Cow::Owned);
        let status = SystemStatus { id: registered, status: Some(SystemStatusValue::Normal) };
        self.transmit(now, id, invoke, &Message::Request(status.into()), None);
        if let Some(every) = self.csta.status_every {
            self.do_later(now + every.0, Later::Status(id));
        }
    }
}

fn refusal(word: &'static str) -> SessionRefusal<'static> {
    SessionRefusal { error: SessionReason::defined(word) }
}
