//! Who is in the chat channel: start, stop, lease, pause, what is shown of him (C01, O02, W01).

use crate::common::*;
use crate::world::*;
use schakel_core::command::chat::ChatCommand;
use schakel_core::command::{CommandOutcome, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::agent::Readiness;
use schakel_core::model::availability::{AvailabilityState, Because};
use schakel_core::model::call::ConnectionState;
use schakel_core::model::chat::{ChatState, OfferState, Revoked};
use schakel_core::model::chat_service::Show;
use schakel_core::model::time::Millis;
use schakel_core::report::chat::ChatEvent;
use schakel_core::settings::TextId;

#[test]
fn o02_an_agent_starts_and_stops_the_chat_service() {
    let mut world = World::chat();
    assert!(!world.availability("anna").takes_chats, "not by sitting at a telephone alone");
    world.starts("anna", &["balie", "balie"]);
    assert_eq!(world.chat_news(), ["agent.chat-changed@anna"]);
    assert_eq!(world.service("anna").queues, ["balie".into()]);
    assert_eq!(&*world.service("anna").nickname, "anna", "O10: the user name, where it is none");
    assert!(world.availability("anna").takes_chats);
    // Again is a heartbeat and tells nothing.
    let id = world.service("anna").id;
    world.starts("anna", &["balie"]);
    assert_eq!(world.chat_news(), Vec::<String>::new());
    assert_eq!(world.service("anna").id, id);
    // Another profile is told.
    let again = ChatCommand::Start {
        agent: "anna".into(),
        queues: vec!["balie".into()],
        nickname: Some("Anna van de balie".into()),
        chats_max: Some(5),
    };
    world.chats(again);
    assert_eq!(world.chat_news(), ["agent.chat-changed@anna"]);
    assert_eq!(&*world.service("anna").nickname, "Anna van de balie");
    world.stops("anna");
    assert_eq!(world.chat_news(), ["agent.chat-changed@anna"]);
    assert!(world.agent("anna").chat.is_none());
    let again = world.stops("anna");
    assert!(world.succeeded(again));
    assert_eq!(world.chat_news(), Vec::<String>::new());
}

#[test]
fn c01_w01_a_profile_names_queues_that_are_there() {
    let mut world = World::chat();
    for queues in [&["elsewhere"][..], &["balie", "elsewhere"], &[]] {
        let command = world.starts("anna", queues);
        let Some(CommandOutcome::Refused(refusal)) = world.outcome(command) else { panic!("{queues:?}") };
        assert_eq!(refusal.cause, RefusalCause::UnknownQueue);
        assert!(world.agent("anna").chat.is_none());
    }
}

#[test]
fn o02_who_has_no_telephone_can_chat_all_the_same() {
    let mut world = World::chat();
    world.starts("dirk", &["balie"]);
    let is = world.availability("dirk");
    assert_eq!((is.state, is.takes_chats, is.takes_calls), (AvailabilityState::Available, true, false));
    assert_eq!(is.reasons, [Because::NoTelephone]);
    let (chat, agent) = world.served("balie");
    assert_eq!(agent, "dirk");
    let break_ = world.readiness("dirk", Readiness::NotReady(Some("lunch".into())));
    assert!(world.succeeded(break_));
    assert_eq!(world.availability("dirk").state, AvailabilityState::NotReady);
    assert_eq!(world.the_chat(chat).state, ChatState::Active);
    world.stops("dirk");
    assert_eq!(world.availability("dirk").state, AvailabilityState::Offline);
}

#[test]
fn o02_who_stops_keeps_his_chats_and_gets_no_more() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let next = world.asks("balie");
    assert_eq!(world.offered(next).as_deref(), Some("anna"));
    world.starts("bert", &["balie"]);
    world.stops("anna");
    assert_eq!(world.came_of(next), ["anna: Revoked(AgentGone)", "bert: Pending"]);
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"));
    assert!(!world.availability("anna").takes_calls, "she chats yet");
}

#[test]
fn o02_who_leaves_his_telephone_stays_in_the_channel() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.leaves("anna");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    world.accepts(chat, "anna");
    assert_eq!(world.the_chat(chat).state, ChatState::Active);
}

#[test]
fn rule_9_who_vanishes_is_waited_for_and_then_gone() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    let (chat, _) = world.served("balie");
    world.starts("bert", &["balie"]);
    world.wait(Millis::seconds(59));
    world.chat_beats("bert");
    assert!(world.service("anna").vanished.is_none());
    world.wait(Millis::seconds(2));
    assert!(world.service("anna").vanished.is_some());
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"));
    // She is back in time.
    world.chat_beats("anna");
    assert!(world.service("anna").vanished.is_none());
    world.works(1);
    world.wait(Millis::seconds(50));
    world.chat_beats("bert");
    world.wait(Millis::seconds(15));
    assert!(world.service("anna").vanished.is_some());
    world.chat_news();
    world.wait(Millis::seconds(30));
    assert!(world.agent("anna").chat.is_none());
    assert!(world.chat_news().contains(&"agent.chat-changed@anna".to_owned()));
    // Her visitor keeps his chat and is offered to another, first in line.
    assert_eq!(world.offered(chat).as_deref(), Some("bert"));
    assert!(world.texts(chat).contains(&TextId::Requeued));
}

#[test]
fn rule_9_who_has_vanished_is_given_nothing() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.wait(Millis::seconds(61));
    assert!(!world.availability("anna").takes_chats);
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None);
    world.chat_beats("anna");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
}

#[test]
fn rule_9_the_daemons_absence_is_nobodys_vanishing() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.now += 3_600_000;
    world.input(InputBody::Started);
    assert!(world.service("anna").vanished.is_none());
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"));
}

#[test]
fn o02_what_his_chat_program_shows_can_only_keep_chats_away() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let shows = |world: &mut World, agent: &str, show: Show| {
        world.chat_reports(ChatEvent::AgentShown { agent: agent.into(), show, status: None });
    };
    for (show, takes) in [
        (Show::Away, false),
        (Show::Available, true),
        (Show::ExtendedAway, false),
        (Show::Chat, true),
        (Show::DoNotDisturb, false),
        (Show::Unavailable, false),
    ] {
        shows(&mut world, "anna", show);
        assert_eq!(world.availability("anna").takes_chats, takes, "{show:?}");
        assert!(world.availability("anna").takes_calls, "a hint about chats: {show:?}");
    }
    // One who is not in the channel does not come into it by that.
    shows(&mut world, "bert", Show::Chat);
    assert!(!world.availability("bert").takes_chats);
    // What was heard is void when nothing is heard any more.
    world.input(InputBody::LinkLost { provider: xmpp(), reason: "cut".into() });
    assert!(world.availability("anna").takes_chats);
}

#[test]
fn o02_chat_providers_show_what_an_agent_is() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(2));
    let show = |world: &World| world.shown_of("anna").map(|shown| (shown.show, shown.chats, shown.chats_max));
    assert_eq!(show(&world), Some((Show::Chat, 0, 2)));
    world.rings("1");
    assert_eq!(show(&world), Some((Show::DoNotDisturb, 0, 2)));
    world.cleared("1", "2001");
    let (_, _) = world.served("balie");
    assert_eq!(show(&world), Some((Show::Chat, 1, 2)));
    world.obeys("2001");
    let asked = world.conversed.len();
    world.chat_beats("anna");
    world.obeys("2001");
    assert_eq!(world.conversed.len(), asked, "what is shown already is not shown again");
    // While the link is down nothing is shown, and all of it when it is back.
    world.input(InputBody::LinkLost { provider: xmpp(), reason: "cut".into() });
    let asked = world.conversed.len();
    world.readiness("anna", Readiness::NotReady(None));
    assert_eq!(world.conversed.len(), asked);
    world.input(InputBody::LinkReady { provider: xmpp(), capabilities: carries_chats() });
    world.input(InputBody::Resynced { provider: xmpp(), without_snapshot: vec![] });
    assert_eq!(show(&world), Some((Show::Away, 1, 2)));
    world.stops("anna");
    assert_eq!(show(&world).map(|shown| shown.0), Some(Show::Unavailable));
}

#[test]
fn o02_a_restart_tells_the_adapter_who_is_there() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let memory = schakel_core::apply::memory(&world.state, &xmpp());
    assert_eq!(memory.agents.len(), 1);
    assert_eq!((memory.agents[0].agent.as_str(), memory.agents[0].show), ("anna", Show::Chat));
}

#[test]
fn c02_a_lost_telephone_link_keeps_new_offers_away_and_leaves_what_is_on_the_screen() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.lose();
    assert_eq!(world.availability("anna").state, AvailabilityState::Unreachable);
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    let next = world.asks("balie");
    assert_eq!(world.offered(next), None, "nobody knows whether she speaks");
    // She does.
    world.ready();
    world.shows("2001", vec![shown("1", "2001", ConnectionState::Connected, "0612345678", "2001")]);
    assert_eq!(world.last_came_of(chat), OfferState::Revoked(Revoked::AgentBusy));
    world.resynced();
    world.cleared("1", "2001");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    assert_eq!(world.offered(next).as_deref(), Some("anna"));
}
