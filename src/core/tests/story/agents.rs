//! Agents: where they sit, what their telephone system makes of them, and the one availability (T02, T14, rule 8).

use crate::common::desk::*;
use crate::common::*;
use schakel_core::adapter::Operation;
use schakel_core::command::{Command, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::agent::ProviderAgentState as Pbx;
use schakel_core::model::agent::{Readiness, RequestedAgentState as Asked};
use schakel_core::model::availability::{AvailabilityState as Is, Because, CAPACITY};
use schakel_core::model::cause::Cause;
use schakel_core::model::session::{SessionCause, SessionState};
use schakel_core::model::time::{Millis, Time};
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::CallEvent::*;
use schakel_core::report::{DeviceEvent, EventReport};

fn device(world: &mut World, device: &str, event: DeviceEvent) {
    let report = EventReport::Device { device: device.into(), event };
    world.input(InputBody::Report { provider: pbx(), report });
}

/// What an agent is, in short: state, calls?, chats?, room.
fn is(world: &World, agent: &str) -> (Is, bool, bool, u16) {
    let now = world.availability(agent);
    (now.state, now.takes_calls, now.takes_chats, now.room())
}

#[test]
fn t02_a_call_takes_all_of_an_agent_from_ringing_to_its_end() {
    let mut world = World::new();
    // Chats are for who is in the chat channel.
    let free = (Is::Available, true, false, CAPACITY);
    let busy = (Is::OnCall, false, false, 0);
    assert_eq!(is(&world, "anna"), free);
    world.rings("77");
    assert_eq!(world.all_news(), ["call.ringing@2001", "agent.availability-changed@2001"]);
    assert_eq!(is(&world, "anna"), busy);
    assert_eq!(world.availability("anna").reasons, [Because::Call(world.id("77"))]);
    assert_eq!(world.availability("anna").since, Time(world.now));
    let since = world.now;
    let version = world.agent("anna").version;
    world.report(report(Established, "77", "2001"));
    world.report(report(Held, "77", "2001"));
    assert_eq!(world.all_news(), ["call.answered@2001", "call.held@2001"]);
    assert_eq!((is(&world, "anna"), world.availability("anna").since), (busy, Time(since)));
    assert_eq!(world.agent("anna").version, version);
    world.cleared("77", "0612345678");
    assert_eq!(world.all_news(), ["call.ended@2001", "agent.availability-changed@2001"]);
    assert_eq!((is(&world, "anna"), is(&world, "bert")), (free, free));
    assert_eq!(world.agent("anna").version, version + 1);
    let told = world.last_told(Kind::AgentAvailabilityChanged);
    assert_eq!((told.contact, told.agent.clone()), (None, Some("anna".into())));
    assert_eq!(told.subject, Subject::Agent("anna".into()));
}

#[test]
fn t02_a_second_call_is_told_and_does_not_begin_the_time_anew() {
    let mut world = World::new();
    world.talks("77");
    let since = world.availability("anna").since;
    world.all_news();
    world.consults("77", "78");
    let told = world.all_news();
    assert!(told.contains(&"agent.availability-changed@2001".to_owned()), "{told:?}");
    assert!(told.contains(&"agent.availability-changed@2002".to_owned()), "{told:?}");
    let calls = [world.id("77"), world.id("78")].map(Because::Call);
    assert_eq!(world.availability("anna").reasons, calls);
    assert_eq!((world.availability("anna").since, world.availability("anna").room()), (since, 0));
}

#[test]
fn t02_the_reasons_of_the_device_come_and_go() {
    let mut world = World::new();
    for (on, off, because, state) in [
        (
            DeviceEvent::DoNotDisturb(true),
            DeviceEvent::DoNotDisturb(false),
            Because::DoNotDisturb,
            Is::NotReady,
        ),
        (DeviceEvent::Forwarding(true), DeviceEvent::Forwarding(false), Because::Forwarded, Is::NotReady),
        (
            DeviceEvent::OutOfService(true),
            DeviceEvent::OutOfService(false),
            Because::OutOfService,
            Is::Unreachable,
        ),
    ] {
        device(&mut world, "2001", on);
        assert_eq!(world.all_news(), ["agent.availability-changed@2001"]);
        assert_eq!(world.availability("anna").reasons, [because]);
        assert_eq!(is(&world, "anna"), (state, false, false, CAPACITY));
        device(&mut world, "2001", off);
        assert_eq!(is(&world, "anna").0, Is::Available);
        world.all_news();
    }
    // Nobody sits at a queue, and a device where nobody sits concerns nobody.
    device(&mut world, "8000", DeviceEvent::OutOfService(true));
    assert_eq!(world.all_news(), Vec::<String>::new());
}

#[test]
fn t02_the_strongest_reason_is_the_state_and_all_are_listed() {
    let mut world = World::acd();
    world.opened("anna", None);
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.obeys("2001");
    device(&mut world, "2001", DeviceEvent::DoNotDisturb(true));
    device(&mut world, "2001", DeviceEvent::Forwarding(true));
    device(&mut world, "2001", DeviceEvent::OutOfService(true));
    world.rings("77");
    let session = world.agent("anna").session.unwrap();
    let reasons = [
        Because::OutOfService,
        Because::Call(world.id("77")),
        Because::NotReady(reason("lunch")),
        Because::ProviderNotReady(reason("lunch")),
        Because::DoNotDisturb,
        Because::Forwarded,
        Because::Session(session),
    ];
    assert_eq!(world.availability("anna").reasons, reasons);
    assert!(reasons.is_sorted());
    assert_eq!(is(&world, "anna"), (Is::Unreachable, false, false, 0));
    world.lose();
    assert_eq!(world.availability("anna").reasons[0], Because::LinkDown);
    world.says("2001", Pbx::LoggedOff);
    assert_eq!(world.availability("anna").reasons[0], Because::LoggedOff);
    assert_eq!(is(&world, "anna").0, Is::Offline);
}

#[test]
fn t02_a_lost_link_makes_its_agents_unreachable_until_all_is_current() {
    let mut world = World::new();
    world.all_news();
    world.lose();
    let changed = |news: Vec<String>| news.iter().filter(|line| line.contains("availability")).count();
    assert_eq!(changed(world.all_news()), 3);
    assert_eq!(is(&world, "anna"), (Is::Unreachable, false, false, CAPACITY));
    world.ready();
    assert_eq!(is(&world, "anna").0, Is::Unreachable, "what she does is not known yet");
    world.resynced();
    assert_eq!(is(&world, "anna").0, Is::Available);
    assert_eq!(changed(world.all_news()), 3);
}

#[test]
fn t02_readiness_is_set_by_jkc_and_acted_on_with_the_newest_picture_only() {
    let mut world = World::new();
    world.all_news();
    let version = world.agent("anna").version;
    let lunch = world.readiness("anna", Readiness::NotReady(reason("lunch")));
    assert!(world.succeeded(lunch));
    assert_eq!(world.all_news(), ["command.completed", "agent.availability-changed@2001"]);
    assert_eq!(world.last_told(Kind::AgentAvailabilityChanged).command, Some(lunch));
    assert_eq!(world.availability("anna").reasons, [Because::NotReady(reason("lunch"))]);
    assert!(world.agent("anna").version > version);
    let back = Command::SetReadiness { agent: "anna".into(), readiness: Readiness::Ready };
    let old = world.command_if(back.clone(), Some(version));
    assert_eq!(world.refusal(old).unwrap().0, RefusalCause::VersionMismatch);
    let new = world.command_if(back.clone(), Some(world.agent("anna").version));
    assert!(world.succeeded(new));
    assert_eq!(is(&world, "anna").0, Is::Available);
    // The same again is nothing new.
    world.all_news();
    let version = world.agent("anna").version;
    world.command(back);
    assert_eq!(world.all_news(), ["command.completed"]);
    assert_eq!(world.agent("anna").version, version);
    let nobody = world.readiness("dirk", Readiness::Ready);
    assert_eq!(world.refusal(nobody).unwrap().0, RefusalCause::NotRegistered);
    assert!(world.asked.is_empty(), "this telephone system has no agents");
}

#[test]
fn t14_whoever_is_pushed_out_is_told_why_and_keeps_his_work() {
    let mut world = World::new();
    let session = world.opened("anna", None);
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.all_news();
    let takes = world.register("bert", "2001");
    assert!(world.succeeded(takes));
    let told = [
        "agent.registered@2001",
        "session.parked",
        "agent.registered@2001",
        "command.completed",
        "agent.availability-changed",
    ];
    assert_eq!(world.all_news(), told);
    let pushed = world.told.iter().rev().find(|told| told.agent == Some("anna".into())).unwrap();
    assert_eq!((pushed.kind, pushed.command), (Kind::AgentAvailabilityChanged, Some(takes)));
    let registered = world.told.iter().rev().filter(|told| told.kind == Kind::AgentRegistered);
    let registered: Vec<_> =
        registered.take(2).map(|told| (told.agent.clone().unwrap(), told.cause)).collect();
    assert_eq!(registered, [("bert".into(), Cause::Normal), ("anna".into(), Cause::TakenOver)]);
    assert_eq!(is(&world, "anna"), (Is::Offline, false, false, CAPACITY));
    assert_eq!(world.availability("anna").reasons, [Because::NotRegistered]);
    let kept = world.session(session);
    assert_eq!((kept.state, kept.why), (SessionState::Parked, SessionCause::LoggedOff));
    // She sits down elsewhere, is ready again, and goes on.
    world.register("anna", "2002");
    assert_eq!(is(&world, "anna").0, Is::Available);
    let resumed = world.resume(session);
    assert!(world.succeeded(resumed));
    assert_eq!(is(&world, "anna").0, Is::InSession);
}

#[test]
fn t14_who_moves_to_another_telephone_takes_his_work_along() {
    let mut world = World::acd();
    let session = world.opened("anna", None);
    world.leaves("carla");
    world.talked("77");
    assert!(world.agent("anna").after_call.is_some());
    world.says("2001", Pbx::WorkingAfterCall);
    world.all_news();
    world.register("anna", "2003");
    let asked = [Asked::WorkingAfterCall, Asked::LoggedOff];
    assert_eq!(world.states_asked("2001"), asked);
    world.obeys("2003");
    let here = [Asked::LoggedOff, Asked::LoggedOn, Asked::WorkingAfterCall];
    assert_eq!(world.states_asked("2003"), here);
    let agent = world.agent("anna");
    assert_eq!((agent.session, agent.after_call.is_some()), (Some(session), true));
    assert_eq!(world.session(session).state, SessionState::Open);
    assert!(!world.all_news().contains(&"agent.after-call-ended@2003".to_owned()));
}

#[test]
fn t14_a_log_off_ends_after_call_work_and_parks_the_session() {
    let mut world = World::acd();
    let session = world.opened("anna", None);
    world.talked("77");
    world.obeys("2001");
    world.all_news();
    let leave = world.leaves("anna");
    let told = [
        "agent.registered@2001",
        "session.parked",
        "agent.after-call-ended",
        "command.completed",
        "agent.availability-changed",
    ];
    assert_eq!(world.all_news(), told);
    let ended = world.last_told(Kind::AgentAfterCallEnded);
    assert_eq!((ended.cause, ended.command), (Cause::LoggedOff, Some(leave)));
    assert_eq!(world.session(session).why, SessionCause::LoggedOff);
    assert_eq!(world.states_asked("2001"), [Asked::WorkingAfterCall, Asked::LoggedOff]);
    assert_eq!(world.agent("anna").provider_state, None);
}

#[test]
fn t14_a_registration_logs_on_looks_and_makes_ready_one_request_at_a_time() {
    let mut world = World::acd();
    world.leaves("anna");
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::LoggedOff]);
    world.asked.clear();
    world.command(Command::Register {
        agent: "anna".into(),
        provider: pbx(),
        device: "2001".into(),
        provider_agent: reason("4711"),
        queues: vec!["8000".into()],
    });
    let (first, operation) = world.asked_of("2001").unwrap();
    let logged_on = Operation::SetAgentState {
        device: "2001".into(),
        agent: reason("4711"),
        state: Asked::LoggedOn,
        queues: vec!["8000".into()],
    };
    assert_eq!(operation, logged_on);
    assert_eq!(world.asked.len(), 1);
    world.yes(first);
    let look = Operation::GetAgentState { device: "2001".into() };
    assert_eq!(world.last_asked(), &look);
    world.says("2001", Pbx::NotReady(None));
    assert_eq!(world.asked.len(), 2, "until the look has its answer nothing else is asked");
    world.obeys("2001");
    let ready = Operation::SetAgentState {
        device: "2001".into(),
        agent: reason("4711"),
        state: Asked::Ready,
        queues: vec![],
    };
    assert_eq!(world.last_asked(), &ready, "logging on into not ready is no break");
    assert_eq!((world.asked.len(), is(&world, "anna").0), (3, Is::Available));
    assert_eq!(world.asked_of("2001"), None);
}

#[test]
fn t02_a_break_pressed_at_the_telephone_is_believed_and_lasts_through_a_call() {
    let mut world = World::acd();
    world.says("2001", Pbx::NotReady(reason("break")));
    assert_eq!(world.all_news(), ["agent.availability-changed@2001"]);
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("break"))]);
    assert!(world.asked.is_empty(), "nobody argues with the telephone");
    world.talks("77");
    world.says("2001", Pbx::Busy);
    world.cleared("77", "0612345678");
    world.says("2001", Pbx::NotReady(reason("break")));
    assert_eq!(is(&world, "anna").0, Is::NotReady);
    assert!(world.asked.is_empty());
    // JKC says ready: that is a new wish.
    world.readiness("anna", Readiness::Ready);
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::Ready]);
    assert_eq!(is(&world, "anna").0, Is::Available);
    world.says("2001", Pbx::WorkingAfterCall);
    assert_eq!(world.availability("anna").reasons, [Because::AfterCall(None)]);
    world.says("2001", Pbx::LoggedOff);
    assert_eq!(is(&world, "anna").0, Is::Offline);
    assert_eq!(world.states_asked("2001"), [Asked::Ready]);
    // Whoever registers once more where he sits wants to be logged on.
    world.register("anna", "2001");
    world.obeys("2001");
    assert_eq!(world.states_asked("2001"), [Asked::Ready, Asked::LoggedOn, Asked::Ready]);
    assert_eq!(is(&world, "anna").0, Is::Available);
}

#[test]
fn t02_who_is_no_agent_of_the_telephone_system_is_not_offline_because_it_says_so() {
    let mut world = World::acd();
    let refuses = |world: &mut World| {
        while let Some((command, operation)) = world.asked_of("2001") {
            match operation {
                Operation::SetAgentState { .. } => world.no(command, RefusalCause::InvalidDestination),
                _ => {
                    world.says("2001", Pbx::LoggedOff);
                    world.yes(command);
                }
            }
        }
    };
    world.leaves("anna");
    world.obeys("2001");
    world.register("anna", "2001");
    world.asked.retain(|(id, ..)| world.state.commands.contains_key(id));
    refuses(&mut world);
    assert_eq!(world.agent("anna").provider_state, Some(Pbx::LoggedOff));
    assert_eq!(world.availability("anna").reasons, []);
    let before = world.asked.len();
    for readiness in [Readiness::NotReady(reason("lunch")), Readiness::Ready] {
        world.readiness("anna", readiness);
    }
    assert_eq!(is(&world, "anna").0, Is::Available);
    assert_eq!(world.asked.len(), before, "who is no agent there is not asked about");
    // One who wants calls of a queue there is told that he gets none.
    world.command(Command::Register {
        agent: "anna".into(),
        provider: pbx(),
        device: "2001".into(),
        provider_agent: None,
        queues: vec!["7000".into()],
    });
    refuses(&mut world);
    assert_eq!(world.availability("anna").reasons, [Because::LoggedOff]);
}

#[test]
fn t02_a_question_whose_answer_has_no_reason_does_not_take_the_reason_away() {
    let mut world = World::acd();
    world.says("2001", Pbx::NotReady(reason("break")));
    world.all_news();
    world.says("2001", Pbx::NotReady(None));
    assert_eq!(world.all_news(), Vec::<String>::new());
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("break"))]);
    world.says("2001", Pbx::NotReady(reason("meeting")));
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("meeting"))]);
    // A telephone system that gives no reasons at all: JKC's is sent once, and stays.
    let mut world = World::acd();
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.says("2001", Pbx::NotReady(None));
    let (asked, _) = world.asked_of("2001").unwrap();
    world.yes(asked);
    assert_eq!(world.states_asked("2001"), [Asked::NotReady(reason("lunch"))]);
    world.readiness("anna", Readiness::Ready);
    world.obeys("2001");
    assert_eq!(world.availability("anna").state, Is::Available);
}

#[test]
fn t02_a_pbx_that_refuses_has_the_last_word() {
    let mut world = World::acd();
    world.readiness("anna", Readiness::NotReady(reason("meeting")));
    let (asked, _) = world.asked_of("2001").unwrap();
    world.no(asked, RefusalCause::NotPermitted);
    assert_eq!(world.states_asked("2001").len(), 1);
    for _ in 0..5 {
        world.says("2001", Pbx::Busy);
        world.says("2001", Pbx::Ready);
        world.wait(Millis::seconds(60));
    }
    assert_eq!(world.states_asked("2001").len(), 1, "it insists, and is not argued with");
    assert_eq!(world.availability("anna").reasons, [Because::NotReady(reason("meeting"))]);
    // One that may pass is tried once more, in the same command.
    world.readiness("anna", Readiness::NotReady(reason("training")));
    let (asked, _) = world.asked_of("2001").unwrap();
    world.no(asked, RefusalCause::ResourceBusy);
    assert_eq!(world.states_asked("2001").len(), 3);
    assert_eq!(world.outcome(asked), None);
    world.no(asked, RefusalCause::ResourceBusy);
    assert_eq!(world.states_asked("2001").len(), 3);
    assert_eq!(world.refusal(asked).unwrap().0, RefusalCause::ResourceBusy);
    // Asked for anew by JKC, it is tried anew.
    world.readiness("anna", Readiness::NotReady(reason("training")));
    world.obeys("2001");
    assert_eq!(world.states_asked("2001").len(), 4);
    assert_eq!(world.agent("anna").provider_state, Some(Pbx::NotReady(reason("training"))));
}

#[test]
fn t02_what_a_lost_link_interrupted_is_wanted_again_unless_the_telephone_says_otherwise() {
    let back = |world: &mut World| {
        world.input(InputBody::LinkReady { provider: pbx(), capabilities: with_agents() });
        assert_eq!(world.asked_of("2001"), None, "not before all is current");
        world.resynced();
        let (look, operation) = world.asked_of("2001").unwrap();
        assert_eq!(operation, Operation::GetAgentState { device: "2001".into() });
        look
    };
    let mut world = World::acd();
    world.readiness("anna", Readiness::NotReady(reason("lunch")));
    world.lose();
    world.asked.clear();
    let look = back(&mut world);
    world.yes(look);
    assert_eq!(world.states_asked("2001"), [Asked::NotReady(reason("lunch"))]);
    world.obeys("2001");
    // While the link is down she is made ready by JKC and presses a break at the telephone.
    world.lose();
    world.readiness("anna", Readiness::Ready);
    world.asked.clear();
    let look = back(&mut world);
    world.says("2001", Pbx::NotReady(reason("break")));
    world.yes(look);
    assert_eq!(world.states_asked("2001"), []);
    assert_eq!(world.availability("anna").reasons, [Because::ProviderNotReady(reason("break"))]);
}

#[test]
fn t14_what_was_asked_before_a_new_registration_is_not_tried_again() {
    let mut world = World::acd();
    world.readiness("carla", Readiness::NotReady(reason("lunch")));
    let (stale, _) = world.asked_of("2003").unwrap();
    world.register("anna", "2003");
    world.register("carla", "2003");
    world.no(stale, RefusalCause::ResourceBusy);
    assert_eq!(world.refusal(stale).unwrap().0, RefusalCause::ResourceBusy);
    world.obeys("2003");
    let carla = world.agent("carla");
    assert_eq!((&carla.provider_state, carla.readiness.clone()), (&Some(Pbx::Ready), Readiness::Ready));
    // The same with a lost link: she is logged on anew afterwards.
    world.readiness("carla", Readiness::NotReady(reason("lunch")));
    world.register("anna", "2003");
    world.register("carla", "2003");
    world.lose();
    world.asked.clear();
    world.input(InputBody::LinkReady { provider: pbx(), capabilities: with_agents() });
    world.resynced();
    assert_eq!(world.states_asked("2003"), [Asked::LoggedOn]);
}

#[test]
fn t02_a_report_means_who_sits_there_or_who_has_the_id() {
    let mut world = World::with(with_agents());
    let seated = |agent: &str, device: &str, id: &str| Command::Register {
        agent: agent.into(),
        provider: pbx(),
        device: device.into(),
        provider_agent: reason(id),
        queues: vec![],
    };
    world.command(seated("anna", "2001", "4711"));
    world.command(seated("bert", "2002", "4712"));
    let mut says = |device: Option<&str>, agent: &str, state: Pbx| {
        let report = EventReport::Agent {
            device: device.map(Into::into),
            agent: reason(agent),
            state,
            queues: vec![],
        };
        world.input(InputBody::Report { provider: pbx(), report });
        ["anna", "bert", "carla"].map(|agent| world.agent(agent).provider_state.clone())
    };
    assert_eq!(says(None, "4711", Pbx::Ready), [Some(Pbx::Ready), None, None]);
    // The one who was logged on at this telephone before is nobody of ours.
    assert_eq!(says(Some("2001"), "4700", Pbx::LoggedOff), [Some(Pbx::Ready), None, None]);
    assert_eq!(says(Some("2099"), "4712", Pbx::Busy), [Some(Pbx::Ready), Some(Pbx::Busy), None]);
    // At a telephone whose user has no id of the telephone system, whoever is there is meant.
    let all = [Some(Pbx::Ready), Some(Pbx::Busy), Some(Pbx::Ready)];
    assert_eq!(says(Some("2003"), "4700", Pbx::Ready), all);
    assert_eq!(says(None, "4799", Pbx::LoggedOff), all);
}

#[test]
fn t02_agents_are_set_by_readiness_and_sessions_alone() {
    let mut world = World::acd();
    let set = world.command(Command::SetAgentState { agent: "anna".into(), state: Asked::Ready });
    assert_eq!(world.refusal(set).unwrap().0, RefusalCause::NotSupported);
    assert!(world.asked.is_empty());
}
