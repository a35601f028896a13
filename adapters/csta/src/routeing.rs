//! Routeing (ECMA-269 clause 20): the PBX asks where a call shall go.
//!
//! ```text
//!   RouteRegister ──► RouteRegisterResponse            one for each routeing device, asked again after a while
//!                     RouteRegisterAbort ──► …         where it was refused or ended
//!   RouteRequest ──► RouteSelect | RouteEnd ──► RouteUsed, RouteEnd
//!   ReRoute ───────► RouteSelect | RouteEnd ──► …
//! ```
//!
//! These messages have no answers; they belong together by their `crossRefIdentifier`.

use std::collections::VecDeque;

use schakel_core::adapter::{Done, Operation, Output, ProviderCommand};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection, RouteEvent};
use schakel_csta_wire as wire;
use schakel_csta_wire::{CstaError, DeviceRef, ErrorCategory, Request, Response};

use crate::command::reply;
use crate::device::normalise;
use crate::refusal::is_shortage;
use crate::session::{Awaited, Csta};
use crate::translate::correlator;

/// A registration that a PBX had no room for, or did not answer, is asked for again.
const RETRY_SHORTAGE: Millis = Millis::seconds(60);
/// A device that a PBX does not know, or a service that it lacks, may be there in the meantime.
const RETRY_REFUSED: Millis = Millis::seconds(600);
/// A registration that the PBX ended is asked for again once it has come to rest; each time that it ends without a
/// question in between, twice as late.
const RETRY_ABORTED: Millis = Millis::seconds(5);
const RETRY_ABORTED_MAX: Millis = Millis::seconds(300);
/// Dialogues that are open at once: ten times those of a PBX that asks twenty times a second and waits five seconds. One
/// that never ends them must not fill the memory; the oldest go first.
const DIALOGUES_MAX: usize = 1024;

/// A routeing device of the configuration.
#[derive(Debug)]
struct Registration {
    device: DeviceId,
    /// As the PBX names it, while it runs.
    id: Option<Str>,
    asked: bool,
    retry: Option<Time>,
    /// How often it was ended without a question in between.
    aborted: u32,
}

/// One question of the PBX.
#[derive(Debug)]
struct Dialogue {
    /// The name that the house knows it by.
    name: Str,
    cross_ref: Str,
    register: Option<Str>,
    device: DeviceId,
    call: Option<ProviderCallId>,
}

/// What is registered, and what the PBX has asked.
#[derive(Debug, Default)]
pub(crate) struct Routeing {
    registrations: Vec<Registration>,
    dialogues: VecDeque<Dialogue>,
}

impl Routeing {
    pub(crate) fn new(devices: &[DeviceId]) -> Self {
        let registration = |device: &DeviceId| Registration {
            device: device.clone(),
            id: None,
            asked: false,
            retry: None,
            aborted: 0,
        };
        Self { registrations: devices.iter().map(registration).collect(), dialogues: VecDeque::new() }
    }

    /// When a registration is to be asked for again.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.registrations.iter().filter_map(|registration| registration.retry).min()
    }

    /// The open dialogue of these ids. A PBX may leave the registration out where one number says it.
    fn find(&self, cross_ref: &str, register: Option<&str>) -> Option<usize> {
        self.dialogues.iter().position(|open| {
            let same = match (&open.register, register) {
                (Some(known), Some(told)) => **known == *told,
                _ => true,
            };
            same && *open.cross_ref == *cross_ref
        })
    }

    fn named(&self, name: &str) -> Option<&Dialogue> {
        self.dialogues.iter().find(|open| *open.name == *name)
    }

    /// The configured device that the PBX means.
    fn device(&self, raw: &str) -> Option<&DeviceId> {
        let named = normalise(raw).id;
        let same = |registration: &&Registration| normalise(registration.device.as_str()).id == named;
        self.registrations.iter().find(same).map(|registration| &registration.device)
    }

    /// The device of a registration; the only one where there is one.
    fn registered(&self, register: Option<&str>) -> Option<&DeviceId> {
        let of = |registration: &&Registration| registration.id.as_deref() == register && register.is_some();
        let only = || self.registrations.first().filter(|_| self.registrations.len() == 1);
        self.registrations.iter().find(of).or_else(only).map(|registration| &registration.device)
    }
}

impl Csta {
    /// Registers for the routeing devices: at the beginning, and those whose time has come.
    pub(crate) fn register_routes(&mut self, now: Time, output: &mut Vec<Output>) {
        for index in 0..self.routeing.registrations.len() {
            let Some(registration) = self.routeing.registrations.get_mut(index) else { return };
            let runs = registration.id.is_some() || registration.asked;
            if runs || registration.retry.is_some_and(|at| at > now) {
                continue;
            }
            registration.asked = true;
            registration.retry = None;
            let device = Some(wire::DeviceId::new(registration.device.as_str().to_owned()));
            let request = wire::RouteRegister { device };
            let limit = self.settings.request_limit;
            self.request(request.into(), Awaited::RouteRegister(index), limit, now, output);
        }
    }

    /// The PBX answered a registration.
    pub(crate) fn route_registered(
        &mut self,
        index: usize,
        result: Result<Response<'_>, CstaError<'_>>,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let Some(registration) = self.routeing.registrations.get_mut(index) else { return };
        registration.asked = false;
        let (words, retry) = match result {
            Ok(Response::RouteRegister(response)) => {
                registration.id = Some(Str::from(&*response.register));
                return self.observed.count("route_registrations");
            }
            Ok(_) => ("with an answer to something else".to_owned(), RETRY_REFUSED),
            Err(error) if is_shortage(&error) => (error.to_string(), RETRY_SHORTAGE),
            Err(error) => (error.to_string(), RETRY_REFUSED),
        };
        self.without_registration(index, &words, retry, now, output);
    }

    pub(crate) fn route_register_timed_out(&mut self, index: usize, now: Time, output: &mut Vec<Output>) {
        if let Some(registration) = self.routeing.registrations.get_mut(index) {
            registration.asked = false;
        }
        self.without_registration(index, "no answer in time", RETRY_SHORTAGE, now, output);
    }

    /// The PBX does not ask us about a device, for now. The link lives on: it routes these calls by itself.
    fn without_registration(
        &mut self,
        index: usize,
        words: &str,
        retry: Millis,
        now: Time,
        output: &mut Vec<Output>,
    ) {
        let Some(registration) = self.routeing.registrations.get_mut(index) else { return };
        registration.retry = Some(now + retry);
        let reason = Str::from(format!(
            "RouteRegister of {} was refused: {words}; the telephone system routes its calls without JKC. Check that it \
             is a routeing device there, that this application may route, and that no other does",
            registration.device.as_str()
        ));
        self.observed.count("route_registrations_refused");
        self.observed.refuse(now, reason.clone(), b"");
        output.push(Output::Fault(reason));
    }

    /// A message of a routeing dialogue. `false` if it is none, or we take no part in routeing.
    pub(crate) fn route_message(
        &mut self,
        request: &Request<'_>,
        now: Time,
        output: &mut Vec<Output>,
    ) -> bool {
        if self.routeing.registrations.is_empty() || !self.is_ready() {
            return false;
        }
        match request {
            Request::RouteRequest(request) => self.route_requested(request, output),
            Request::ReRoute(again) => {
                let limit = again.reply_timeout.map(|limit| Millis(limit.into()));
                let event = RouteEvent::Again { limit };
                self.route_goes_on(&again.cross_ref, again.register.as_deref(), event, output);
            }
            Request::RouteUsed(used) => {
                let device = used.used.as_ref().and_then(DeviceRef::value);
                let device = device.and_then(|raw| self.own.device(raw));
                let event = RouteEvent::Used(device);
                self.route_goes_on(&used.cross_ref, used.register.as_deref(), event, output);
            }
            Request::RouteEnd(end) => self.route_ended(end, output),
            Request::RouteRegisterAbort(abort) => self.registration_aborted(&abort.register, now, output),
            _ => return false,
        }
        true
    }

    fn route_requested(&mut self, request: &wire::RouteRequest<'_>, output: &mut Vec<Output>) {
        let register = request.register.as_deref().filter(|register| !register.is_empty());
        let raw = request.routeing.as_ref().and_then(DeviceRef::value);
        let device = raw.and_then(|raw| self.routeing.device(raw).cloned().or_else(|| self.own.device(raw)));
        let device = device.or_else(|| self.routeing.registered(register).cloned());
        let Some(device) = device else { return self.observed.count("route_requests_without_device") };
        let asking = |registration: &&mut Registration| registration.device == device;
        if let Some(registration) = self.routeing.registrations.iter_mut().find(asking) {
            registration.aborted = 0;
        }
        let named = request.call.as_ref().map(|id| Str::from(&*id.call)).filter(|call| !call.is_empty());
        let global = request.linkage.as_ref().and_then(|linkage| linkage.global_call.as_deref());
        let call = named.map(|call| {
            let before = global.and_then(|global| self.memory.link(global, &call));
            ProviderCallId::from(before.unwrap_or(call))
        });
        let known = self.routeing.find(&request.cross_ref, register);
        let known = known.and_then(|index| self.routeing.dialogues.get_mut(index));
        let name = match known {
            Some(open) => {
                open.call.clone_from(&call);
                open.device = device.clone();
                open.name.clone()
            }
            None => self.open_dialogue(&request.cross_ref, register, &device, call.clone()),
        };
        let event = RouteEvent::Requested {
            device,
            call,
            calling: request.calling.as_ref().map(|calling| self.own.party(calling)),
            current: request.current.as_ref().map(|current| self.own.party(current)),
            limit: request.reply_timeout.map(|limit| Millis(limit.into())),
            correlator: request.correlator.as_ref().and_then(correlator),
        };
        output.push(report(name, event));
    }

    fn open_dialogue(
        &mut self,
        cross_ref: &str,
        register: Option<&str>,
        device: &DeviceId,
        call: Option<ProviderCallId>,
    ) -> Str {
        // The number may be unique in its registration only.
        let name = match (self.routeing.named(cross_ref), register) {
            (Some(_), Some(register)) => Str::from(format!("{cross_ref}@{register}")),
            _ => Str::from(cross_ref),
        };
        if self.routeing.dialogues.len() >= DIALOGUES_MAX {
            self.routeing.dialogues.pop_front();
        }
        self.routeing.dialogues.push_back(Dialogue {
            name: name.clone(),
            cross_ref: Str::from(cross_ref),
            register: register.map(Str::from),
            device: device.clone(),
            call,
        });
        name
    }

    fn route_goes_on(
        &mut self,
        cross_ref: &str,
        register: Option<&str>,
        event: RouteEvent,
        output: &mut Vec<Output>,
    ) {
        let open =
            self.routeing.find(cross_ref, register).and_then(|index| self.routeing.dialogues.get(index));
        match open {
            Some(open) => output.push(report(open.name.clone(), event)),
            None => self.observed.count("routes_unknown"),
        }
    }

    fn route_ended(&mut self, end: &wire::RouteEnd<'_>, output: &mut Vec<Output>) {
        let index = self.routeing.find(&end.cross_ref, end.register.as_deref());
        let Some(open) = index.and_then(|index| self.routeing.dialogues.remove(index)) else {
            return self.observed.count("routes_unknown");
        };
        if end.error.as_ref().is_some_and(is_call_gone)
            && let Some(call) = open.call
        {
            output.push(Output::Report(cleared(call, open.device)));
        }
        let error = end.error.as_ref().map(|error| Str::from(error.to_string()));
        output.push(report(open.name, RouteEvent::Ended(error)));
    }

    fn registration_aborted(&mut self, register: &str, now: Time, output: &mut Vec<Output>) {
        self.observed.count("route_registrations_aborted");
        let ended = |open: &Dialogue| open.register.as_deref().is_none_or(|of| of == register);
        let (gone, open) = std::mem::take(&mut self.routeing.dialogues).into_iter().partition(ended);
        self.routeing.dialogues = open;
        let gone: VecDeque<Dialogue> = gone;
        for dialogue in gone {
            let words = Str::from("the telephone system ended the registration");
            output.push(report(dialogue.name, RouteEvent::Ended(Some(words))));
        }
        let of = |registration: &&mut Registration| registration.id.as_deref() == Some(register);
        let Some(registration) = self.routeing.registrations.iter_mut().find(of) else { return };
        registration.id = None;
        let later = RETRY_ABORTED.0 << registration.aborted.min(16);
        registration.aborted += 1;
        registration.retry = Some(now + Millis(later.min(RETRY_ABORTED_MAX.0)));
    }

    /// Tells the PBX where a call goes. There is no answer to it: that it was sent is all that can be replied.
    pub(crate) fn answer_route(&mut self, command: &ProviderCommand, now: Time, output: &mut Vec<Output>) {
        let (Operation::RouteSelect { dialogue, .. } | Operation::RouteReject { dialogue }) =
            &command.operation
        else {
            return;
        };
        let Some(open) = self.routeing.named(dialogue) else {
            let words = "the telephone system has ended the routeing dialogue";
            return reply(command, Err(Refusal::new(RefusalCause::PartyGone, words)), output);
        };
        let cross_ref = open.cross_ref.to_string().into();
        let register = open.register.as_ref().map(|register| register.to_string().into());
        let (request, ends): (Request<'static>, bool) = match &command.operation {
            Operation::RouteSelect { destination, .. } => {
                let selected = wire::DeviceId::new(destination.expose().to_string());
                let used = Some(true);
                let select =
                    wire::RouteSelect { cross_ref, register, selected, route_used: used, correlator: None };
                (select.into(), false)
            }
            _ if self.settings.route_reject => {
                let reject = wire::RouteReject { cross_ref, register, cause: None, correlator: None };
                (reject.into(), false)
            }
            _ => (wire::RouteEnd { cross_ref, register, error: None }.into(), true),
        };
        // It may be refused all the same: of a dialogue that is over, or a destination that is none.
        let limit = self.settings.request_limit;
        self.request(request, Awaited::Route(dialogue.clone()), limit, now, output);
        reply(command, Ok(Done::default()), output);
        if ends {
            self.close_dialogue(dialogue, None, output);
        }
    }

    /// The PBX refused what it was told.
    pub(crate) fn route_refused(&mut self, dialogue: &Str, error: &CstaError<'_>, output: &mut Vec<Output>) {
        self.observed.count("route_answers_refused");
        self.close_dialogue(dialogue, Some(Str::from(error.to_string())), output);
    }

    fn close_dialogue(&mut self, name: &Str, error: Option<Str>, output: &mut Vec<Output>) {
        let known = self.routeing.dialogues.len();
        self.routeing.dialogues.retain(|open| open.name != *name);
        if self.routeing.dialogues.len() < known {
            output.push(report(name.clone(), RouteEvent::Ended(error)));
        }
    }
}

fn report(dialogue: Str, event: RouteEvent) -> Output {
    Output::Report(EventReport::Route { dialogue, event: Box::new(event) })
}

/// Whether the dialogue ended because the call did.
fn is_call_gone(error: &CstaError<'_>) -> bool {
    let words =
        ["noActiveCall", "noCallToClear", "noConnectionToClear", "invalidCallID", "invalidConnectionID"];
    let state = matches!(error.category, ErrorCategory::StateIncompatibility | ErrorCategory::Operation);
    state && words.contains(&&*error.value)
}

/// The caller hung up while he was routed: not every PBX has a monitor there that says so.
fn cleared(call: ProviderCallId, device: DeviceId) -> EventReport {
    EventReport::Call(Box::new(CallReport {
        event: CallEvent::CallCleared,
        connection: ProviderConnection { call, device },
        monitor: None,
        local: None,
        cause: Cause::NormalClearing,
        calling: None,
        called: None,
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }))
}
