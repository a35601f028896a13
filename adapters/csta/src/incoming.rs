//! What the PBX sends: frames, documents, and which of us answers to what.

use schakel_core::adapter::Output;
use schakel_core::model::ids::{DeviceId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::EventReport;
use schakel_csta_wire as wire;
use schakel_csta_wire::{
    CallEvent, CstaError, Declined, Deframer, EmptyResponse, ErrorCategory, FeatureEvent, InvokeId, Message,
    Request, Response, Session, SystemStatusValue, decode, text_of,
};

use crate::session::{Awaited, Csta, Pending, Phase, Running, capabilities};
use crate::translate::Translator;

impl Csta {
    /// Bytes of the PBX, cut anywhere.
    pub(crate) fn received(&mut self, bytes: &[u8], now: Time, output: &mut Vec<Output>) {
        self.last_received = now;
        let limit = self.settings.frame_max_bytes;
        let mut deframer = std::mem::replace(&mut self.deframer, Deframer::new(limit));
        deframer.push(bytes);
        while self.phase != Phase::Closed {
            match deframer.next_frame() {
                Ok(Some(frame)) => self.frame(frame.invoke, frame.body, now, output),
                Ok(None) => {
                    self.deframer = deframer;
                    return;
                }
                Err(desync) => {
                    self.observed.count("streams_out_of_step");
                    return self.close(desync.to_string(), false, output);
                }
            }
        }
    }

    fn frame(&mut self, invoke: InvokeId, body: &[u8], now: Time, output: &mut Vec<Output>) {
        self.observed.count("messages_received");
        let text = match text_of(body) {
            Ok(text) => text,
            Err(error) => return self.refuse(invoke, &error, body, now, output),
        };
        match decode(&text) {
            Ok(decoded) => self.message(invoke, decoded.message, body, now, output),
            Err(error) => self.refuse(invoke, &error, body, now, output),
        }
    }

    /// A document that was kept earlier, once more.
    pub(crate) fn document(&mut self, body: &[u8], now: Time, output: &mut Vec<Output>) {
        if let Ok(text) = text_of(body)
            && let Ok(decoded) = decode(&text)
        {
            self.message(InvokeId::EVENT, decoded.message, body, now, output);
        }
    }

    /// One bad message in a good stream: kept for inspection. If it was an answer, the request has failed.
    fn refuse(
        &mut self,
        invoke: InvokeId,
        error: &wire::DecodeError,
        body: &[u8],
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let reason = Str::from(error.to_string());
        self.observed.refuse(now, reason.clone(), body);
        output.push(Output::Fault(reason));
        if let Some(pending) = self.take_pending(invoke) {
            let words = format!("an answer that cannot be read: {error}");
            self.answered(pending, Err(CstaError::new(ErrorCategory::PrivateErrorCode, words)), now, output);
        }
    }

    fn message(
        &mut self,
        invoke: InvokeId,
        message: Message<'_>,
        body: &[u8],
        now: Time,
        output: &mut Vec<Output>,
    ) {
        match message {
            Message::Call(event) => self.call_event(&event, body, now, output),
            Message::Feature(event) => self.feature_event(&event, body, now, output),
            Message::Response(response) => self.response(invoke, Ok(response), now, output),
            Message::Error(error) => self.response(invoke, Err(error), now, output),
            Message::Session(session) => self.session_message(invoke, session, now, output),
            // One product answers `TransferCall` with an empty `TransferCall`.
            Message::Request(request) if self.awaits(invoke, request.root()) => {
                self.response(invoke, Ok(Response::Empty(EmptyResponse::SystemStatus)), now, output);
            }
            Message::Request(request) => self.peer_request(invoke, &request, now, output),
            Message::Declined(declined) => self.declined(invoke, &declined, now, output),
        }
    }

    fn call_event(&mut self, event: &CallEvent<'_>, body: &[u8], now: Time, output: &mut Vec<Output>) {
        if !self.is_ready() {
            return self.observed.count("events_before_ready");
        }
        if self.keep_for_later(&event.monitor, body, now, output) {
            return;
        }
        let monitor = self.monitored(&event.monitor);
        let mut translator =
            Translator { dialect: self.settings.dialect, own: &self.own, memory: &mut self.memory };
        let Some(mut report) = translator.call(event, monitor.as_ref()) else {
            return self.observed.count("events_of_no_use");
        };
        self.right_retrieved(event.kind, &mut report);
        output.push(Output::Report(EventReport::Call(Box::new(report))));
    }

    fn feature_event(&mut self, event: &FeatureEvent<'_>, body: &[u8], now: Time, output: &mut Vec<Output>) {
        if !self.is_ready() {
            return self.observed.count("events_before_ready");
        }
        if self.keep_for_later(event.monitor(), body, now, output) {
            return;
        }
        let monitor = self.monitored(event.monitor());
        let translator =
            Translator { dialect: self.settings.dialect, own: &self.own, memory: &mut self.memory };
        match translator.feature(event, monitor.as_ref()) {
            Some(report) => {
                self.agent_seen(&report);
                output.push(Output::Report(report));
            }
            None => self.observed.count("events_of_no_use"),
        }
    }

    fn monitored(&mut self, monitor: &str) -> Option<DeviceId> {
        let index = self.watches.monitored(monitor);
        if index.is_none() && !monitor.is_empty() {
            self.observed.count("events_without_monitor");
        }
        index.and_then(|index| self.watches.devices.get(index)).map(|device| device.id.clone())
    }

    fn response(
        &mut self,
        invoke: InvokeId,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        match self.take_pending(invoke) {
            Some(pending) => self.answered(pending, result, now, output),
            None => {
                self.observed.count("late_responses");
                if let (Ok(response), Some(number)) = (result, invoke.number()) {
                    self.late_monitor(number, &Message::Response(response), now, output);
                }
            }
        }
        if self.phase == Phase::Watching {
            self.pump(now, output);
        }
    }

    fn answered(
        &mut self,
        pending: Pending,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        match pending.awaited {
            // Any sign of life will do for a heartbeat; the list of devices comes by itself.
            Awaited::Heartbeat | Awaited::Devices | Awaited::Nothing => {}
            Awaited::Register => self.go_on(now, output),
            Awaited::Capabilities => {
                if let Ok(Response::GetSwitchingFunctionCaps(caps)) = &result {
                    self.capabilities = capabilities(caps);
                }
                self.go_on(now, output);
            }
            Awaited::SessionStart => {
                let words = result.err().map(|error| error.to_string()).unwrap_or_default();
                self.close(format!("the telephone system refused the session: {words}"), true, output);
            }
            Awaited::SessionReset => {
                self.close("the telephone system did not prolong the session", false, output);
            }
            Awaited::Monitor(index) => self.monitor_started(index, result, now, output),
            Awaited::Snapshot(index) => self.snapshot_taken(index, result, now, output),
            Awaited::Parties { device, connection } => {
                self.parties_told((device, connection), result, now, output)
            }
            Awaited::RouteRegister(index) => self.route_registered(index, result, now, output),
            Awaited::Route(dialogue) => {
                if let Err(error) = result {
                    self.route_refused(&dialogue, &error, output);
                }
            }
            Awaited::Agents(device) => self.agents_polled(&device, result, now, output),
            Awaited::Command(command) => match (Self::next_of(&command), &result) {
                (Some(next), Ok(_)) => {
                    let limit = pending.deadline - now;
                    let request = self.request_for(&next.operation);
                    self.request(request, Awaited::Command(Box::new(next)), limit, now, output);
                }
                _ => {
                    self.agent_minded(&command.operation, now);
                    self.command_answered(&command, pending.service, result, output);
                }
            },
        }
    }

    fn session_message(
        &mut self,
        invoke: InvokeId,
        session: Session<'_>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        match session {
            Session::Started(started) => {
                if self.take_only(invoke, |awaited| matches!(awaited, Awaited::SessionStart)).is_none() {
                    return self.observed.count("late_responses");
                }
                let reset_at = started.duration.filter(|d| *d > 0).map(|d| now + Millis(u64::from(d) * 500));
                self.session = Some(Running { id: Str::from(&*started.session), reset_at });
                self.go_on(now, output);
            }
            Session::ResetDone(done) => {
                self.take_only(invoke, |awaited| matches!(awaited, Awaited::SessionReset));
                let asked = self.settings.session.as_ref().map(|session| session.duration_seconds);
                let duration = done.duration.or(asked).filter(|d| *d > 0);
                if let Some(running) = &mut self.session {
                    running.reset_at = duration.map(|d| now + Millis(u64::from(d) * 500));
                }
            }
            Session::StartRefused(refusal) => {
                if self.take_only(invoke, |awaited| matches!(awaited, Awaited::SessionStart)).is_none() {
                    return self.observed.count("late_responses");
                }
                let words = format!(
                    "the telephone system refused the session: {}; check session_user and its password",
                    refusal.error.word
                );
                self.close(words, true, output);
            }
            Session::ResetRefused(refusal) => {
                if self.take_only(invoke, |awaited| matches!(awaited, Awaited::SessionReset)).is_none() {
                    return self.observed.count("late_responses");
                }
                let words =
                    format!("the telephone system did not prolong the session: {}", refusal.error.word);
                self.close(words, false, output);
            }
            Session::Terminated(terminated) => {
                let words = format!("the telephone system ended the session: {}", terminated.reason.word);
                self.close(words, false, output);
            }
            Session::Stopped(_) | Session::StopRefused(_) => {
                self.take_pending(invoke);
            }
            Session::Start(_) | Session::Reset(_) | Session::Stop(_) => self.not_supported(invoke, output),
        }
    }

    /// A request of the PBX.
    fn peer_request(&mut self, invoke: InvokeId, request: &Request<'_>, now: Time, output: &mut Vec<Output>) {
        match request {
            Request::SystemStatus(status) => {
                self.answer(invoke, Response::Empty(EmptyResponse::SystemStatus), output);
                self.system_status(status.status.as_ref(), now, output);
            }
            Request::RequestSystemStatus(_) => {
                let status = Some(SystemStatusValue::Normal);
                self.answer(invoke, wire::RequestSystemStatusResponse { status }.into(), output);
            }
            Request::MonitorStop(stop) => {
                if !invoke.is_event() {
                    self.answer(invoke, Response::Empty(EmptyResponse::MonitorStop), output);
                }
                self.monitor_stopped(&stop.monitor, now, output);
            }
            Request::SnapshotDeviceData(data) => {
                self.segment(&data.cross_ref, &data.calls, data.last, now, output);
            }
            Request::SwitchingFunctionDevices(list) => {
                self.observed.add("devices_listed", list.devices.len() as u64);
            }
            request if self.route_message(request, now, output) => {}
            Request::SystemRegisterAbort(_) => self.observed.count("registrations_aborted"),
            _ => self.not_supported(invoke, output),
        }
        if self.phase == Phase::Watching {
            self.pump(now, output);
        }
    }

    fn system_status(&mut self, status: Option<&SystemStatusValue<'_>>, now: Time, output: &mut Vec<Output>) {
        match status {
            Some(SystemStatusValue::MessagesLost) => {
                self.observed.count("messages_lost_by_the_pbx");
                self.look_again(|_| true);
            }
            Some(SystemStatusValue::Initializing) => self.restarting = true,
            // It knows nothing of our monitors any more.
            Some(SystemStatusValue::Enabled | SystemStatusValue::Normal) if self.restarting => {
                return self.close("the telephone system has started anew", false, output);
            }
            Some(SystemStatusValue::Disabled | SystemStatusValue::PartiallyDisabled) => {
                self.observed.count("status_disabled");
            }
            Some(
                SystemStatusValue::OverloadImminent
                | SystemStatusValue::OverloadReached
                | SystemStatusValue::OverloadRelieved,
            ) => self.observed.count("status_overload"),
            _ => {}
        }
        if matches!(self.phase, Phase::Greeting(_)) {
            self.go_on(now, output);
        }
    }

    fn answer(&mut self, invoke: InvokeId, response: Response<'_>, output: &mut Vec<Output>) {
        self.transmit(invoke, &Message::Response(response), output);
    }

    fn not_supported(&mut self, invoke: InvokeId, output: &mut Vec<Output>) {
        self.observed.count("requests_not_supported");
        if !invoke.is_event() {
            self.transmit(invoke, &Message::Error(CstaError::service_not_supported()), output);
        }
    }

    /// XML that is no message known here: a vendor's own, or another protocol's in the same stream.
    fn declined(&mut self, invoke: InvokeId, declined: &Declined<'_>, now: Time, output: &mut Vec<Output>) {
        self.observed.count("messages_declined");
        if declined.root.ends_with("NegResponse") || declined.root.contains("Error") {
            let error = CstaError::new(ErrorCategory::PrivateErrorCode, declined.root.as_ref());
            return self.response(invoke, Err(error), now, output);
        }
        if declined.root.ends_with("Response") {
            // A vendor's way to say that it is done.
            return self.response(invoke, Ok(Response::Empty(EmptyResponse::SystemStatus)), now, output);
        }
        let is_service = declined.root.starts_with(char::is_uppercase) && !declined.root.ends_with("Event");
        if is_service {
            self.not_supported(invoke, output);
        }
    }
}
