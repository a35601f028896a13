//! Contact sessions: opened, parked, resumed, decided about and closed by JKC; kept alive by its browser (T16, rule 9).

use crate::common::desk::*;
use crate::common::*;
use schakel_core::command::{Command, CommandOutcome, RefusalCause, SessionChange};
use schakel_core::input::InputBody;
use schakel_core::model::agent::Readiness;
use schakel_core::model::availability::{AvailabilityState as Is, Because, Claimant};
use schakel_core::model::call::ConnectionState::Alerting;
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{CallId, CommandId, ContactId, SessionId};
use schakel_core::model::session::{Decision, SessionCause, SessionState};
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::TransferKind;
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::CallEvent::*;
use schakel_core::state::Deadline;

/// 0699999999 calls 2001 while something is open there.
fn rings_meanwhile(world: &mut World, call: &str) -> CallId {
    let rings = report(Delivered, call, "2001").seen("2001", Alerting).from("0699999999").to("2001");
    world.report(rings.cause(Cause::NewCall));
    world.id(call)
}

#[test]
fn t11_a_session_is_opened_parked_resumed_and_closed_once() {
    let mut world = World::new();
    world.talked("77");
    let contact = world.contact("77").id;
    world.all_news();
    let open = world.open("anna", Some(contact));
    assert_eq!(world.all_news(), ["command.completed", "agent.availability-changed@2001"]);
    let session = world.state.commands[&open].session.unwrap();
    let known = world.session(session).clone();
    assert_eq!((known.state, known.opened_by, known.version), (SessionState::Open, open, 1));
    assert_eq!((known.contact, known.reference), (Some(contact), reason("zaak-1")));
    let now = world.availability("anna");
    assert_eq!((now.state, now.takes_calls, now.takes_chats), (Is::InSession, true, false));
    assert_eq!((now.ledger[0].by, now.room()), (Claimant::Session(session), 0));
    type Step = fn(&mut World, SessionId) -> CommandId;
    let steps: [(Step, Kind, SessionState); 4] = [
        (World::park, Kind::SessionParked, SessionState::Parked),
        (World::resume, Kind::SessionResumed, SessionState::Open),
        (World::park, Kind::SessionParked, SessionState::Parked),
        (World::close, Kind::SessionClosed, SessionState::Closed),
    ];
    for (step, kind, state) in steps {
        let version = world.session(session).version;
        let told = world.told.len();
        let done = step(&mut world, session);
        assert!(world.succeeded(done));
        let told = world.told[told..].iter().find(|told| told.kind == kind).expect("it is told");
        assert_eq!((told.command, &told.subject), (Some(done), &Subject::Session(session)));
        assert_eq!(
            (told.contact.map(|(contact, _)| contact), told.agent.clone()),
            (Some(contact), Some("anna".into()))
        );
        assert_eq!((world.session(session).state, world.session(session).version), (state, version + 1));
        // The same again is so already.
        world.all_news();
        let again = step(&mut world, session);
        assert!(world.succeeded(again));
        assert_eq!(world.all_news(), ["command.completed"]);
        assert_eq!(world.session(session).version, version + 1);
    }
    assert_eq!(world.availability("anna").state, Is::Available);
    for change in [SessionChange::Park, SessionChange::Resume] {
        let late = world.change(session, change);
        assert_eq!(world.refusal(late).unwrap().0, RefusalCause::InvalidSessionState);
    }
    world.wait(world.state.settings.sessions.keep_closed);
    assert!(world.state.sessions.is_empty());
    let late = world.close(session);
    assert_eq!(world.refusal(late).unwrap().0, RefusalCause::UnknownSession);
}

#[test]
fn t16_an_agent_has_one_session_open() {
    let mut world = World::new();
    let first = world.opened("anna", None);
    let detail = |world: &World, command| match world.outcome(command) {
        Some(CommandOutcome::Refused(refusal)) => {
            (refusal.cause, refusal.detail.contains(&first.to_string()))
        }
        other => panic!("{other:?}"),
    };
    let second = world.open("anna", None);
    assert_eq!(detail(&world, second), (RefusalCause::SessionOpen, true));
    assert_eq!(world.state.commands[&second].session, Some(first));
    world.park(first);
    let parked = first;
    let second = world.opened("anna", None);
    let refused = world.resume(parked);
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::SessionOpen);
    world.close(second);
    let resumed = world.resume(parked);
    assert!(world.succeeded(resumed));
    assert_eq!(world.agent("anna").session, Some(parked));
    // Another user's is his own.
    world.opened("bert", None);
}

#[test]
fn t16_what_is_not_there_is_refused_by_name() {
    let mut world = World::new();
    let nobody = world.open("dirk", None);
    assert_eq!(world.refusal(nobody).unwrap().0, RefusalCause::NotRegistered);
    let unknown = world.open("anna", Some(ContactId(1)));
    assert_eq!(world.refusal(unknown).unwrap().0, RefusalCause::UnknownContact);
    assert!(world.state.sessions.is_empty());
    let unknown = world.park(SessionId(1));
    assert_eq!(world.refusal(unknown).unwrap().0, RefusalCause::UnknownSession);
    let session = world.opened("anna", None);
    let unknown = world.decide(session, CallId(1), Decision::Keep);
    assert_eq!(world.refusal(unknown).unwrap().0, RefusalCause::UnknownCall);
    let park = Command::ChangeSession { session, change: SessionChange::Park };
    let old = world.command_if(park.clone(), Some(0));
    assert_eq!(world.refusal(old).unwrap().0, RefusalCause::VersionMismatch);
    let version = world.session(session).version;
    let new = world.command_if(park, Some(version));
    assert!(world.succeeded(new));
}

#[test]
fn t16_a_session_outlives_its_contact_and_sessions_are_bounded() {
    let mut world = World::new();
    world.talked("77");
    let contact = world.contact("77").id;
    let session = world.opened("anna", Some(contact));
    world.park(session);
    world.wait(world.state.settings.keep_ended);
    assert!(!world.state.contacts.contains_key(&contact));
    let resumed = world.resume(session);
    assert!(world.succeeded(resumed));
    assert_eq!(world.last_told(Kind::SessionResumed).contact, None);
    assert_eq!(world.session(session).contact, Some(contact));
    world.park(session);
    for _ in 0..99 {
        let next = world.opened("anna", None);
        world.park(next);
    }
    let refused = world.open("anna", None);
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::LimitExceeded);
    world.close(session);
    world.opened("anna", None);
}

#[test]
fn an_erased_customer_is_not_named_by_his_sessions() {
    let mut world = World::new();
    world.talked("77");
    let contact = world.contact("77").id;
    let session = world.opened("anna", Some(contact));
    let other = world.opened("bert", None);
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert_eq!(world.session(session).reference, None);
    assert_eq!(world.session(other).reference, reason("zaak-1"));
    let named = world
        .state
        .commands
        .values()
        .filter(|record| matches!(&record.command, Command::OpenSession { reference: Some(_), .. }));
    assert_eq!(named.count(), 1, "the other's");
    // About no contact: it names him all the same.
    world.input(InputBody::Erase { contacts: Vec::new(), sessions: vec![other] });
    assert_eq!(world.session(other).reference, None);
    assert!(!format!("{:?}", world.state).contains("zaak-1"), "nor does the command that opened it");
}

#[test]
fn t16_a_call_that_arrives_asks_and_keep_parks() {
    let mut world = World::new();
    world.talked("77");
    let session = world.opened("anna", Some(world.contact("77").id));
    world.all_news();
    let call = rings_meanwhile(&mut world, "78");
    let told = ["call.ringing@2001", "session.decision-asked@2001", "agent.availability-changed@2001"];
    assert_eq!(world.all_news(), told);
    let asked = world.last_told(Kind::SessionDecisionAsked).clone();
    assert_eq!(asked.contact, Some((world.contact("78").id, 2)), "within the contact of the call");
    assert_eq!((asked.subject, asked.agent), (Subject::Session(session), Some("anna".into())));
    assert_eq!(world.session(session).decisions[&call], None);
    assert_eq!(world.session(session).state, SessionState::Open, "the offer overwrites nothing");
    // However often it is told to ring, it is asked once.
    rings_meanwhile(&mut world, "78");
    assert_eq!(world.all_news(), Vec::<String>::new());
    let keep = world.decide(session, call, Decision::Keep);
    assert!(world.succeeded(keep));
    assert_eq!(
        world.all_news(),
        ["session.parked@2001", "command.completed", "agent.availability-changed@2001"]
    );
    assert_eq!(world.last_told(Kind::SessionParked).command, Some(keep));
    let kept = world.session(session);
    assert_eq!((kept.state, kept.why), (SessionState::Parked, SessionCause::Decided));
    // Another tab says the same, and a third one otherwise.
    let again = world.decide(session, call, Decision::Keep);
    assert!(world.succeeded(again));
    assert_eq!(world.all_news(), ["command.completed"]);
    let otherwise = world.decide(session, call, Decision::Ignore);
    assert_eq!(world.refusal(otherwise).unwrap().0, RefusalCause::AlreadyDecided);
    assert_eq!(world.session(session).state, SessionState::Parked);
}

#[test]
fn t16_ignore_closes_and_every_way_out_answers_the_question() {
    let mut world = World::new();
    for (way, state, noted) in [
        (0, SessionState::Closed, Decision::Ignore),
        (1, SessionState::Parked, Decision::Keep),
        (2, SessionState::Closed, Decision::Ignore),
    ] {
        let session = world.opened("anna", None);
        let named = format!("8{way}");
        let call = rings_meanwhile(&mut world, &named);
        match way {
            0 => world.decide(session, call, Decision::Ignore),
            1 => world.park(session),
            _ => world.close(session),
        };
        let known = world.session(session);
        assert_eq!((known.state, known.decisions[&call]), (state, Some(noted)));
        let same = world.decide(session, call, noted);
        assert!(world.succeeded(same));
        world.cleared(&named, "0699999999");
    }
}

#[test]
fn t16_the_sessions_own_contact_and_own_calls_ask_nothing() {
    let mut world = World::new();
    world.rings("77");
    let session = world.opened("anna", Some(world.contact("77").id));
    world.report(report(Established, "77", "2001"));
    // A consultation goes out and a colleague rings: his session asks, hers does not.
    let other = world.opened("bert", None);
    world.consults("77", "78");
    assert!(world.session(session).decisions.is_empty());
    assert_eq!(world.session(other).decisions.len(), 1);
    assert_eq!(world.last_told(Kind::SessionDecisionAsked).agent, Some("bert".into()));
    world.dial("anna", "0201234567");
    assert!(world.session(session).decisions.is_empty());
}

#[test]
fn t16_the_sessions_contact_that_comes_back_asks_nothing() {
    let mut world = World::new();
    world.talks("77");
    let contact = world.contact("77").id;
    let session = world.opened("anna", Some(contact));
    world.consulting("77", "78");
    world.complete();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    // The colleague has a question, and then sends the customer back.
    let asks = world.transfer("77", "2002", "2001", TransferKind::Warm);
    world.report(report(Held, "77", "2002").cause(Cause::Consultation));
    world.yes_at(asks, "79", "2002");
    world.report(report(Originated, "79", "2002").from("2002").to("2001").cause(Cause::Consultation));
    world.report(report(Delivered, "79", "2001").seen("2001", Alerting).from("2002").to("2001"));
    assert_eq!((world.contact("79").id, world.at("79", "2001")), (contact, Alerting));
    assert!(world.session(session).decisions.is_empty());
    assert_eq!(world.session(session).state, SessionState::Open);
}

#[test]
fn t16_a_call_that_rang_before_the_session_was_opened_asks_nothing() {
    let mut world = World::new();
    let call = rings_meanwhile(&mut world, "78");
    let session = world.opened("anna", None);
    assert!(world.session(session).decisions.is_empty());
    let refused = world.decide(session, call, Decision::Ignore);
    assert_eq!(world.refusal(refused).unwrap().0, RefusalCause::InvalidSessionState);
}

#[test]
fn t16_a_missed_call_takes_its_question_away() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    let call = rings_meanwhile(&mut world, "78");
    let version = world.session(session).version;
    world.all_news();
    world.cleared("78", "0699999999");
    assert_eq!(world.all_news(), ["call.missed@2001", "agent.availability-changed@2001"]);
    let known = world.session(session);
    assert_eq!((known.state, known.decisions.len()), (SessionState::Open, 0));
    assert!(known.version > version);
    let late = world.decide(session, call, Decision::Ignore);
    assert_eq!(world.refusal(late).unwrap().0, RefusalCause::PartyGone);
    assert_eq!(world.session(session).state, SessionState::Open);
}

#[test]
fn t16_an_answered_call_leaves_the_session_and_the_question_open() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    let call = rings_meanwhile(&mut world, "78");
    world.report(report(Established, "78", "2001"));
    let known = world.session(session);
    assert_eq!((known.state, known.decisions[&call]), (SessionState::Open, None));
    // Whatever else happens meanwhile.
    let version = known.version;
    world.beats(session);
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.report(report(Held, "78", "2001"));
    assert_eq!((world.session(session).decisions[&call], world.session(session).version), (None, version));
    let late = world.decide(session, call, Decision::Keep);
    assert!(world.succeeded(late));
    assert_eq!(world.session(session).state, SessionState::Parked);
}

#[test]
fn t16_the_question_follows_its_call_through_a_transfer() {
    let mut world = World::new();
    world.talks("77");
    let session = world.opened("bert", None);
    world.consulting("77", "78");
    let consultation = world.id("78");
    assert_eq!(world.session(session).decisions[&consultation], None);
    let complete = world.complete();
    world.report(transferred("77", Some("78"), "2001", "2002", "77").cause(Cause::Transfer));
    assert!(world.succeeded(complete));
    assert_eq!(world.session(session).decisions.keys().collect::<Vec<_>>(), [&world.id("77")]);
    // The tab knows it by the call that rang.
    let keep = world.decide(session, consultation, Decision::Keep);
    assert!(world.succeeded(keep));
    assert_eq!(world.session(session).state, SessionState::Parked);
}

#[test]
fn rule_9_a_browser_that_vanishes_is_waited_for_and_then_its_session_is_parked() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    let opened = world.session(session).since;
    let settings = world.state.settings.sessions.clone();
    assert_eq!(world.session(session).lease, Some(opened + settings.lease));
    world.works_for(session, Millis::seconds(600));
    assert_eq!(world.session(session).state, SessionState::Open);
    let version = world.session(session).version;
    world.wait(settings.lease);
    let lease = world.session(session).lease.unwrap();
    assert_eq!(world.session(session).vanished, Some(lease));
    // It comes back within the grace period: nothing has happened.
    world.wait(Millis(settings.grace.0 - 1_000));
    world.beats(session);
    let back = world.session(session);
    assert_eq!(
        (back.vanished, back.version, back.lease),
        (None, version, Some(Time(world.now) + settings.lease))
    );
    world.all_news();
    world.wait(settings.lease);
    world.wait(settings.grace);
    assert_eq!(world.all_news(), ["session.parked@2001", "agent.availability-changed@2001"]);
    assert_eq!(world.last_told(Kind::SessionParked).cause, Cause::Timeout);
    let parked = world.session(session);
    assert_eq!((parked.state, parked.why), (SessionState::Parked, SessionCause::Vanished));
    assert_eq!(world.availability("anna").reasons, [Because::NotReady(reason("vanished"))]);
    // A heartbeat does not bring it back: JKC resumes it.
    world.beats(session);
    assert_eq!(world.session(session).state, SessionState::Parked);
}

#[test]
fn rule_9_both_spans_at_once_end_at_the_first_look() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    world.wait(Millis::seconds(121));
    assert_eq!(world.session(session).state, SessionState::Parked);
}

#[test]
fn rule_9_who_was_not_ready_already_keeps_his_reason() {
    let mut world = World::new();
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.opened("anna", None);
    world.wait(Millis::seconds(121));
    assert_eq!(world.availability("anna").reasons, [Because::NotReady(reason("lunch"))]);
    // And where the configuration says ready, nobody is made anything.
    let mut settings = settings();
    settings.sessions.vanished = Readiness::Ready;
    world.input(InputBody::Configured(Box::new(settings)));
    world.opened("bert", None);
    world.wait(Millis::seconds(121));
    assert_eq!(world.availability("bert").state, Is::Available);
}

#[test]
fn rule_9_a_restart_is_nobodys_vanishing() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    world.wait(Millis::seconds(70));
    assert!(world.session(session).vanished.is_some());
    world.now += 3_600_000;
    world.input(InputBody::Started);
    let known = world.session(session);
    assert_eq!((known.state, known.vanished), (SessionState::Open, None));
    assert_eq!(known.lease, Some(Time(world.now) + world.state.settings.sessions.lease));
}

#[test]
fn rule_9_what_nobody_resumes_is_closed_in_the_end_and_told() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    world.park(session);
    world.all_news();
    world.wait(world.state.settings.sessions.keep_parked);
    assert_eq!(world.all_news(), ["session.closed@2001"]);
    let closed = world.session(session);
    assert_eq!((closed.state, closed.why), (SessionState::Closed, SessionCause::Expired));
    assert!(!world.state.armed.contains_key(&Deadline::SessionLease(session)));
    world.wait(world.state.settings.sessions.keep_closed);
    assert!(world.state.sessions.is_empty());
}
