//! Notifications as JKC receives them.

use crate::world::{AT, CALL, COMMAND, CONTACT, QUEUED, ROUTE, SESSION, TRANSFER, notification, state};
use schakel_contract::event::{self, CloudEvent, Event, EventMeta, Observation};
use schakel_contract::views::{
    AvailabilityReasonKind, AvailabilityState, DecidedBy, ProviderAgentStateName, QueueView, RouteState,
    SessionState,
};
use schakel_contract::{NoGuide, NoRecognition, Timestamp};
use schakel_core::command::{CommandOutcome, CommandState, Refusal, RefusalCause};
use schakel_core::model::action::Reason;
use schakel_core::model::agent::AfterCall;
use schakel_core::model::pii::Pii;
use schakel_core::model::route::{self, RouteBy};
use schakel_core::notification::{Kind, Notification, Subject};
use schakel_core::state::State;

const SOURCE: &str = "urn:nld:oin:00000001823288444000:systeem:schakel";

pub fn json(state: &State, notification: &Notification) -> String {
    let meta = EventMeta {
        source: SOURCE,
        sequence: 42,
        recorded: Timestamp::from_millis(1_795_339_800_123),
        recognise: &NoRecognition,
        guide: &NoGuide,
    };
    let mut out = Vec::new();
    event::render(state, notification, &meta, &mut out);
    String::from_utf8(out).unwrap()
}

pub fn received(state: &State, notification: &Notification) -> Event {
    serde_json::from_str(&json(state, notification)).unwrap()
}

#[test]
fn t03_a_ringing_call_is_a_cloud_event_of_the_government_profile() {
    let event = received(&state(), &notification(Kind::CallRinging, Subject::Call(CALL)));
    assert_eq!(event.specversion, "1.0");
    assert_eq!(event.source, SOURCE);
    assert_eq!(event.kind, "nl.schakel.call.ringing.v1");
    assert_eq!(event.subject, format!("contacts/{CONTACT}"));
    assert_eq!(event.partitionkey, CONTACT.to_string());
    assert_eq!(event.sequence, "00000000000000000042");
    assert_eq!(event.contactseq, Some(7));
    assert_eq!(event.time.to_string(), "2026-11-22T09:30:00.123Z");
    assert_eq!(event.expirytime.unwrap().to_string(), "2026-11-22T09:31:00.000Z");
    assert_eq!(event.traceparent, "00-01900000000070008000000000000005-8000000000000005-01");
    assert_eq!(event.data.change, "call.ringing");
    assert_eq!(event.data.observation, Observation::Observed);
}

#[test]
fn t07_a_call_that_is_being_transferred_carries_its_transfer_and_the_original_caller() {
    let event = received(&state(), &notification(Kind::CallHeld, Subject::Call(CALL)));
    let customer = event.data.contact.unwrap().customer;
    assert_eq!(customer.number.as_deref(), Some("0201234567"));
    assert_eq!(customer.name.as_deref(), Some("J. de Vries"));
    assert_eq!(event.data.transfer.unwrap().id.as_u128(), TRANSFER.0);
}

#[test]
fn t14_an_agent_has_the_place_where_he_sits() {
    let mut about = notification(Kind::AgentRegistered, Subject::Agent("jansen".into()));
    (about.contact, about.expires) = (None, None);
    let event = received(&state(), &about);
    assert_eq!(event.subject, "agents/jansen");
    assert_eq!(event.partitionkey, "agents/jansen");
    assert_eq!(event.contactseq, None);
    assert_eq!(event.data.agent.unwrap().registration.unwrap().device, "2001");
}

#[test]
fn t02_an_agent_has_his_availability_with_every_reason() {
    let mut about = notification(Kind::AgentAvailabilityChanged, Subject::Agent("jansen".into()));
    (about.contact, about.expires) = (None, None);
    let agent = received(&state(), &about).data.agent.unwrap();
    assert_eq!(agent.availability.state, AvailabilityState::OnCall);
    let kinds: Vec<_> = agent.availability.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [AvailabilityReasonKind::Call, AvailabilityReasonKind::Session]);
    assert_eq!((agent.availability.capacity.used, agent.availability.capacity.claims.len()), (100, 2));
    assert!(agent.readiness.ready);
    assert_eq!(agent.provider_state.unwrap().state, ProviderAgentStateName::Busy);
    assert_eq!(agent.session.unwrap().as_u128(), SESSION.0);
}

#[test]
fn t11_after_call_work_names_its_session() {
    let mut state = state();
    let agent = state.agents.get_mut(&"jansen".into()).unwrap();
    agent.after_call = Some(AfterCall { session: SESSION, since: AT });
    let about = notification(Kind::AgentAfterCallStarted, Subject::Agent("jansen".into()));
    let data = received(&state, &about).data;
    assert_eq!(data.agent.unwrap().after_call.unwrap().session.as_u128(), SESSION.0);
    assert_eq!(data.session.unwrap().reference.as_deref(), Some("zaak-1"));
}

#[test]
fn t16_a_session_that_must_be_decided_on_comes_with_the_call_that_arrived() {
    let event = received(&state(), &notification(Kind::SessionDecisionAsked, Subject::Session(SESSION)));
    let session = event.data.session.unwrap();
    assert_eq!((session.state, session.agent.as_ref()), (SessionState::Open, "jansen"));
    assert_eq!(session.decisions.iter().map(|each| each.decision).collect::<Vec<_>>(), [None]);
    assert_eq!(event.data.call.unwrap().id.as_u128(), CALL.0);
    let lease = session.lease.unwrap();
    assert_eq!(
        (lease.expires_at.to_string().as_str(), lease.vanished_at),
        ("2026-11-22T09:31:00.000Z", None)
    );
    // Without a contact it is about the session itself.
    let mut about = notification(Kind::SessionParked, Subject::Session(SESSION));
    about.contact = None;
    let event = received(&state(), &about);
    assert_eq!(event.subject, format!("sessions/{SESSION}"));
    assert_eq!(event.partitionkey, event.subject);
    assert!(event.data.call.is_none(), "nothing is asked");
}

#[test]
fn t01_a_routing_that_is_asked_carries_what_may_matter_for_it() {
    let event = received(&state(), &notification(Kind::RouteRequested, Subject::Route(ROUTE)));
    let route = event.data.route.unwrap();
    assert_eq!((route.state, route.device.as_ref(), route.tries), (RouteState::Asked, "7100", 1));
    assert_eq!(route.calling.number.as_deref(), Some("0201234567"));
    assert_eq!(route.current.unwrap().number.as_deref(), Some("7000"));
    assert_eq!(event.data.call.unwrap().id.as_u128(), CALL.0);
    let situation = event.data.situation.unwrap();
    assert_eq!(situation.agents_by_state.on_call, 1);
    let [queue] = situation.queues.as_slice() else { panic!("{:?}", situation.queues) };
    assert_eq!(
        (queue.name.as_deref(), queue.waiting, queue.agents_by_state.on_call),
        (Some("Publieksbalie"), 1, 1)
    );
    assert_eq!(queue.waiting_since.unwrap().to_string(), "2026-11-22T09:30:00.000Z");
    // Later notifications of it are not decisions to be made.
    let mut about = notification(Kind::RouteFellBack, Subject::Route(ROUTE));
    about.contact = None;
    let event = received(&state(), &about);
    assert_eq!((event.subject, event.data.situation), (format!("routes/{ROUTE}").into(), None));
}

#[test]
fn t01_what_was_decided_of_a_routing_is_told_until_its_end() {
    let mut state = state();
    let told = |state: &State| {
        received(state, &notification(Kind::RouteDecided, Subject::Route(ROUTE))).data.route.unwrap()
    };
    let to = route::RouteDecision::To(Pii::new("2002".into()));
    let decided = route::RouteState::Decided { decision: to, by: RouteBy::Jkc(COMMAND) };
    state.routes.get_mut(&ROUTE).unwrap().state = decided;
    let view = told(&state);
    assert_eq!((view.state, view.decided_by), (RouteState::Decided, Some(DecidedBy::Jkc)));
    assert_eq!(view.decision.unwrap().number.as_deref(), Some("2002"));
    assert_eq!(view.command.unwrap().as_u128(), COMMAND.0);
    let ended = route::RouteState::Ended {
        decision: Some(route::RouteDecision::Default),
        used: Some("7000".into()),
        error: Some("busy".into()),
    };
    state.routes.get_mut(&ROUTE).unwrap().state = ended;
    let view = told(&state);
    assert_eq!((view.state, view.used_device.as_deref()), (RouteState::Ended, Some("7000")));
    assert_eq!((view.decision.unwrap().default, view.error.as_deref()), (true, Some("busy")));
}

#[test]
fn t02_a_queue_shows_who_waits_and_who_serves_it() {
    let state = state();
    let all = QueueView::all(&state);
    let (provider, device) = ("centrale".into(), "7000".into());
    assert_eq!(all, [QueueView::of(&state, &provider, &device).unwrap()]);
    let [queue] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(queue.callers.iter().map(|caller| caller.call.as_u128()).collect::<Vec<_>>(), [QUEUED.0]);
    assert_eq!((queue.agents[0].agent.as_ref(), queue.agents[0].takes_calls), ("jansen", false));
    assert_eq!(QueueView::of(&state, &provider, &"2001".into()), None, "an extension is no queue");
    let text = serde_json::to_string(queue).unwrap();
    let received: QueueView<'static> = serde_json::from_str(&text).unwrap();
    assert_eq!(&received, queue);
}

#[test]
fn a_refused_command_says_why_and_who_asked() {
    let mut state = state();
    let refusal = Refusal::not_allowed(RefusalCause::InvalidConnectionState, Reason::NotConnected);
    let outcome = CommandOutcome::Refused(refusal);
    state.commands.get_mut(&COMMAND).unwrap().state = CommandState::Done { at: crate::world::AT, outcome };
    let mut about = notification(Kind::CommandCompleted, Subject::Command(COMMAND));
    about.command = Some(COMMAND);
    let event = received(&state, &about);
    assert_eq!(event.traceparent, "00-01900000000070008000000000000004-8000000000000005-01");
    let command = event.data.command.unwrap();
    assert_eq!(command.kind, "hold");
    assert_eq!(command.by.token, "jkc");
    let refusal = command.refusal.unwrap();
    assert_eq!(refusal.reason.unwrap().nl, "Het gesprek is hier niet verbonden.");
    assert!(!refusal.can_retry);
}

#[test]
fn every_kind_and_subject_is_written_read_and_written_the_same() {
    let state = state();
    let subjects = [
        Subject::Call(CALL),
        Subject::Transfer(TRANSFER),
        Subject::Command(COMMAND),
        Subject::Agent("jansen".into()),
        Subject::Session(SESSION),
        Subject::Route(ROUTE),
        Subject::Provider("centrale".into()),
    ];
    for kind in Kind::ALL {
        for subject in &subjects {
            for command in [None, Some(COMMAND)] {
                let about = Notification { command, ..notification(*kind, subject.clone()) };
                let text = json(&state, &about);
                let event: Event = serde_json::from_str(&text).unwrap();
                assert_eq!(text, serde_json::to_string(&event).unwrap());
                let meta = EventMeta {
                    source: SOURCE,
                    sequence: 42,
                    recorded: event.time,
                    recognise: &NoRecognition,
                    guide: &NoGuide,
                };
                assert_eq!(event, CloudEvent::of(&state, &about, &meta));
            }
        }
    }
}

#[test]
fn an_id_of_the_telephone_system_never_goes_out() {
    let subjects = [
        Subject::Call(CALL),
        Subject::Transfer(TRANSFER),
        Subject::Command(COMMAND),
        Subject::Session(SESSION),
        Subject::Route(ROUTE),
    ];
    for subject in subjects {
        let text = json(&state(), &notification(Kind::CallRinging, subject));
        assert!(!text.contains("secret-pbx-id"), "{text}");
    }
}

#[test]
fn an_object_that_is_forgotten_is_left_out() {
    let empty = State::new("voorbeeld".into());
    let event = received(&empty, &notification(Kind::CallEnded, Subject::Call(CALL)));
    assert!(event.data.call.is_none() && event.data.contact.is_none());
}

#[test]
fn what_is_received_is_what_was_sent() {
    let (state, about) = (state(), notification(Kind::CallRinging, Subject::Call(CALL)));
    let meta = EventMeta {
        source: SOURCE,
        sequence: 42,
        recorded: Timestamp::from_millis(1),
        recognise: &NoRecognition,
        guide: &NoGuide,
    };
    let sent = CloudEvent::of(&state, &about, &meta);
    let back: Event = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
    assert_eq!(back, sent);
}

#[test]
fn a_gap_names_both_ends_and_the_snapshot() {
    let event = Event::stream_gap(SOURCE, 10, 500, Timestamp::from_millis(1));
    let gap = event.data.gap.clone().unwrap();
    assert_eq!(
        (gap.after.as_str(), gap.resumes_at.as_str()),
        ("00000000000000000010", "00000000000000000500")
    );
    assert_eq!(gap.snapshot, "/v1/snapshot");
    assert_eq!(event.id.get_version_num(), 8);
    assert_eq!(event.sequence, "00000000000000000499");
}
