//! What clients ask of the switch, and what they are answered.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use schakel_csta_wire as wire;
use wire::{
    AutoOriginate, CallResponse, CallService, ConnectionListItem, CstaError, Edition, EmptyResponse,
    ForwardingType, InvokeId, Message, Octets, Request, RequestedAgentState, Response, RouteRegisterResponse,
    SetAgentStateResponse, decode, text_of,
};

use super::core::{Core, millis};
use super::identity::number_of;
use super::link::LinkId;
use super::routing::continues_dialogue;
use super::translate::{csta_error, error, pending};
use crate::config::{Order, SessionPolicy};
use crate::sins::Pending;
use crate::switch::{
    AgentRequest, Command, ConnectionId, ErrorCategory, Forwarding, Number, Outcome, SwitchError,
};

/// How a command is answered when it is done.
enum Answer {
    Empty(EmptyResponse),
    Call(CallService),
    AgentState,
    Registration,
    /// None, unless it is a refusal.
    Nothing,
}

/// The XML of a keepalive that some clients send; it is not answered.
const KEEPALIVE: &str = "keepalive";

impl Core {
    /// A whole frame has come.
    pub(crate) fn receive(&mut self, now: Duration, id: LinkId, invoke: InvokeId, body: &[u8]) {
        self.log.add(millis(now), id, '<', &invoke.0, body);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.requests += 1;
        let decoded = match text_of(body) {
            Ok(text) => decode(&text).map(|decoded| self.dispatch(now, id, invoke, decoded)),
            Err(wrong) => Err(wrong),
        };
        if let Err(wrong) = decoded {
            self.remark(now, id, &format!("not understood: {wrong}"));
            if !invoke.is_event() {
                self.refuse(now, id, invoke, csta_error(ErrorCategory::Operation, "generic".to_owned()));
            }
        }
    }

    fn dispatch(&mut self, now: Duration, id: LinkId, invoke: InvokeId, decoded: wire::Decoded<'_>) {
        self.follow_edition(id, decoded.edition);
        match decoded.message {
            Message::Session(session) => self.session(now, id, invoke, session),
            Message::Request(Request::SystemStatus(_)) => {
                self.respond(now, id, invoke, Response::Empty(EmptyResponse::SystemStatus));
            }
            Message::Request(request)
                if request.response_root().is_some() || continues_dialogue(&request) =>
            {
                self.request(now, id, invoke, request);
            }
            Message::Response(Response::Empty(EmptyResponse::SystemStatus)) => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.unanswered = 0;
                }
            }
            Message::Declined(declined) if declined.root != KEEPALIVE && !invoke.is_event() => {
                self.refuse(now, id, invoke, CstaError::service_not_supported());
            }
            _ => {}
        }
    }

    /// The client is spoken to in the edition that it speaks.
    fn follow_edition(&mut self, id: LinkId, edition: Edition) {
        let known =
            matches!(edition, Edition::Ed2 | Edition::Ed3 | Edition::Ed4 | Edition::Ed5 | Edition::Ed6);
        let (insist, namespace) = (self.csta.insist_on_edition, self.csta.namespace);
        if let Some(link) = self.links.get_mut(&id)
            && known
            && !insist
            && link.edition != edition
        {
            link.edition = edition;
            link.encoder = wire::Encoder::new(edition).with_namespace(namespace);
        }
    }

    fn request(&mut self, now: Duration, id: LinkId, invoke: InvokeId, request: Request<'_>) {
        let status = matches!(request, Request::RequestSystemStatus(_));
        let session = self.links.get(&id).is_some_and(|link| link.session.is_some());
        if !session && self.csta.session == SessionPolicy::Required {
            let refusal = csta_error(ErrorCategory::Operation, "securityViolation".to_owned());
            return self.refuse(now, id, invoke, refusal);
        }
        if !status && let Some((category, value)) = self.sins.take_error() {
            return self.refuse(now, id, invoke, csta_error(category, value));
        }
        match self.command(id, &request) {
            Ok(Some((command, answer))) => self.carry_out(now, id, invoke, &command, &answer),
            Ok(None) => self.query(now, id, invoke, request),
            Err(refused) => self.refuse(now, id, invoke, refused),
        }
    }

    fn carry_out(&mut self, now: Duration, id: LinkId, invoke: InvokeId, command: &Command, answer: &Answer) {
        let mut events = Vec::new();
        let outcome = self.switch.execute(now, command, &mut events);
        if self.order == Order::EventsFirst {
            self.fan_out(now, &events);
            events.clear();
        }
        match outcome {
            Ok(outcome) => {
                if let Outcome::Registered(registration) = outcome {
                    self.remember_router(id, registration);
                }
                if let Some(response) = self.answer(answer, &outcome) {
                    self.respond(now, id, invoke, response);
                }
            }
            Err(refused) => {
                self.remark(now, id, &format!("refused: {refused}"));
                self.refuse(now, id, invoke, error(&refused));
            }
        }
        self.fan_out(now, &events);
    }

    fn answer(&self, answer: &Answer, outcome: &Outcome) -> Option<Response<'static>> {
        let names = self.names();
        Some(match answer {
            Answer::Nothing => return None,
            Answer::Empty(service) => Response::Empty(*service),
            Answer::AgentState => Response::SetAgentState(SetAgentStateResponse {
                pending: match outcome {
                    Outcome::Pending(request) => pending(*request),
                    _ => None,
                },
            }),
            Answer::Registration => {
                let Outcome::Registered(registration) = outcome else { return None };
                RouteRegisterResponse { register: Cow::Owned(registration.to_string()) }.into()
            }
            Answer::Call(service) => {
                let parties = match outcome {
                    Outcome::Joined { parties, .. } => parties.as_slice(),
                    _ => &[],
                };
                Response::Call(CallResponse {
                    service: *service,
                    connection: outcome.connection().map(|connection| names.own_connection(connection)),
                    connections: parties
                        .iter()
                        .map(|party| ConnectionListItem {
                            new: Some(names.own_connection(&party.new)),
                            old: party.old.as_ref().map(|old| names.own_connection(old)),
                            ..ConnectionListItem::default()
                        })
                        .collect(),
                    ..CallResponse::default()
                })
            }
        })
    }

    /// A positive answer, unless a sin keeps it back.
    pub(super) fn respond(&mut self, now: Duration, id: LinkId, invoke: InvokeId, response: Response<'_>) {
        self.reply(now, id, invoke, &response.into());
    }

    /// A negative answer, unless a sin keeps it back.
    pub(super) fn refuse(&mut self, now: Duration, id: LinkId, invoke: InvokeId, refused: CstaError<'_>) {
        self.reply(now, id, invoke, &refused.into());
    }

    fn reply(&mut self, now: Duration, id: LinkId, invoke: InvokeId, message: &Message<'_>) {
        if Pending::take(&mut self.sins.not_answer) {
            return;
        }
        let late = self.sins.take_late();
        self.transmit(now, id, invoke, message, late);
    }

    /// What a request asks of the switch; `None` if it asks something of the server.
    fn command(
        &self,
        id: LinkId,
        request: &Request<'_>,
    ) -> Result<Option<(Command, Answer)>, CstaError<'static>> {
        if let Some(command) = self.route_command(id, request) {
            let answer = match request {
                Request::RouteRegister(_) => Answer::Registration,
                Request::RouteRegisterCancel(_) => Answer::Empty(EmptyResponse::RouteRegisterCancel),
                _ => Answer::Nothing,
            };
            return command.map(|command| Some((command, answer))).map_err(|refused| error(&refused));
        }
        let at = |connection| self.connection(connection).map_err(|refused| error(&refused));
        let call = |command, service| Ok(Some((command, Answer::Call(service))));
        let empty = |command, service| Ok(Some((command, Answer::Empty(service))));
        match request {
            Request::MakeCall(r) => {
                let command = Command::MakeCall {
                    from: number_of(&r.calling.value),
                    to: number_of(&r.called.value),
                    prompt: r.auto_originate == Some(AutoOriginate::Prompt),
                    correlator: hex(r.correlator.as_ref()),
                };
                call(command, CallService::MakeCall)
            }
            Request::AnswerCall(r) => empty(Command::Answer(at(&r.call)?), EmptyResponse::AnswerCall),
            Request::HoldCall(r) => empty(Command::Hold(at(&r.call)?), EmptyResponse::HoldCall),
            Request::RetrieveCall(r) => empty(Command::Retrieve(at(&r.call)?), EmptyResponse::RetrieveCall),
            Request::ConsultationCall(r) => {
                let (existing, to) = (at(&r.existing)?, number_of(&r.consulted.value));
                let correlator = hex(r.correlator.as_ref());
                call(Command::Consult { existing, to, correlator }, CallService::ConsultationCall)
            }
            Request::AlternateCall(r) => {
                let (held, active) = (at(&r.held)?, at(&r.active)?);
                empty(Command::Alternate { held, active }, EmptyResponse::AlternateCall)
            }
            Request::ReconnectCall(r) => {
                let (held, active) = (at(&r.held)?, at(&r.active)?);
                empty(Command::Reconnect { held, active }, EmptyResponse::ReconnectCall)
            }
            Request::TransferCall(r) => {
                let (held, active) = (at(&r.held)?, at(&r.active)?);
                call(Command::Transfer { held, active }, CallService::TransferCall)
            }
            Request::ConferenceCall(r) => {
                let (held, active) = (at(&r.held)?, at(&r.active)?);
                call(Command::Conference { held, active }, CallService::ConferenceCall)
            }
            Request::SingleStepTransferCall(r) => {
                let (active, to) = (at(&r.active)?, number_of(&r.to.value));
                call(Command::SingleStepTransfer { active, to }, CallService::SingleStepTransferCall)
            }
            Request::SingleStepConferenceCall(r) => {
                let (active, to) = (at(&r.active)?, number_of(&r.device.value));
                let silent = r.participation == Some(wire::ParticipationType::Silent);
                let command = Command::SingleStepConference { active, to, silent };
                call(command, CallService::SingleStepConferenceCall)
            }
            Request::DeflectCall(r) => {
                let to = r.destinations.first().map(|to| number_of(&to.value));
                let (connection, to) = (at(&r.call)?, to.unwrap_or_else(|| Number::from("")));
                empty(Command::Deflect { connection, to }, EmptyResponse::DeflectCall)
            }
            Request::DirectedPickupCall(r) => {
                let (connection, by) = (at(&r.call)?, number_of(&r.requesting.value));
                call(Command::DirectedPickup { connection, by }, CallService::DirectedPickupCall)
            }
            Request::GroupPickupCall(r) => {
                let by = number_of(&r.destination.value);
                call(Command::GroupPickup { by }, CallService::GroupPickupCall)
            }
            Request::ClearConnection(r) => {
                empty(Command::ClearConnection(at(&r.connection)?), EmptyResponse::ClearConnection)
            }
            Request::ClearCall(r) => {
                let call = if r.call.call.is_empty() { at(&r.call)?.call } else { (&*r.call.call).into() };
                empty(Command::ClearCall(call), EmptyResponse::ClearCall)
            }
            Request::GenerateDigits(r) => {
                let (connection, digits) = (at(&r.connection)?, Arc::from(&*r.digits));
                empty(Command::Digits { connection, digits }, EmptyResponse::GenerateDigits)
            }
            Request::AssociateData(r) => {
                let correlator = hex(r.correlator.as_ref()).unwrap_or_else(|| Arc::from(""));
                let connection = at(&r.existing)?;
                empty(Command::AssociateData { connection, correlator }, EmptyResponse::AssociateData)
            }
            Request::SetDoNotDisturb(r) => {
                let command = Command::SetDoNotDisturb { device: number_of(&r.device.value), on: r.on };
                empty(command, EmptyResponse::SetDoNotDisturb)
            }
            Request::SetForwarding(r) => empty(set_forwarding(r)?, EmptyResponse::SetForwarding),
            Request::SetAgentState(r) => Ok(Some((set_agent_state(r)?, Answer::AgentState))),
            _ => Ok(None),
        }
    }

    /// The connection that a client means. Either half may be missing where the other says enough.
    pub(super) fn connection(&self, id: &wire::ConnectionId<'_>) -> Result<ConnectionId, SwitchError> {
        let device = number_of(&id.device.value);
        if id.call.is_empty() {
            return self.switch.connection_at(&device, |_| true);
        }
        let connection = ConnectionId::new(&*id.call, device);
        if !connection.device.as_str().is_empty() {
            return Ok(connection);
        }
        let call = self.switch.call(&connection.call);
        let call = call.ok_or_else(|| SwitchError::UnknownCall(connection.call.clone()))?;
        let mut own = call.connections.iter().filter(|leg| self.monitors.contains_key(&leg.device));
        match (own.next(), own.next()) {
            (Some(only), None) => Ok(ConnectionId::new(call.id, only.device.clone())),
            _ => Err(SwitchError::UnknownConnection(connection)),
        }
    }
}

fn set_forwarding(r: &wire::SetForwarding<'_>) -> Result<Command, CstaError<'static>> {
    let kind = match r.forwarding_type {
        None | Some(ForwardingType::ForwardImmediate) => Forwarding::Immediate,
        Some(ForwardingType::ForwardBusy) => Forwarding::Busy,
        Some(ForwardingType::ForwardNoAns) => Forwarding::NoAnswer,
        Some(_) => return Err(csta_error(ErrorCategory::Operation, "invalidForwardingType".to_owned())),
    };
    let to = r.to.as_ref().map(|to| number_of(&to.value)).filter(|to| !to.as_str().is_empty());
    if r.activate && to.is_none() {
        let missing = "invalidForwardingDestination".to_owned();
        return Err(csta_error(ErrorCategory::Operation, missing));
    }
    let device = number_of(&r.device.value);
    Ok(Command::SetForwarding { device, kind, to: to.filter(|_| r.activate) })
}

fn set_agent_state(r: &wire::SetAgentState<'_>) -> Result<Command, CstaError<'static>> {
    let request = match r.requested {
        Some(RequestedAgentState::LoggedOn) => AgentRequest::LoggedOn,
        Some(RequestedAgentState::LoggedOff) => AgentRequest::LoggedOff,
        Some(RequestedAgentState::NotReady) => AgentRequest::NotReady,
        Some(RequestedAgentState::Ready) => AgentRequest::Ready,
        Some(RequestedAgentState::WorkingAfterCall) => AgentRequest::WorkingAfterCall,
        Some(RequestedAgentState::Other(_)) | None => {
            return Err(csta_error(ErrorCategory::Operation, "invalidAgentState".to_owned()));
        }
    };
    Ok(Command::SetAgentState {
        device: number_of(&r.device.value),
        agent: r.agent.as_deref().filter(|id| !id.is_empty()).map(Arc::from),
        group: r.group.as_ref().map(|group| number_of(&group.value)),
        request,
        reason: None,
    })
}

pub(super) fn hex(data: Option<&Octets<'_>>) -> Option<Arc<str>> {
    match data? {
        Octets::Hex(text) => Some(Arc::from(&**text)),
        Octets::Private => None,
    }
}
