//! Offers and invitations: to whom, in which order, and what comes of them (C02, C03, W02, W07).

use crate::common::*;
use crate::world::*;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::ChatChange;
use schakel_core::command::{CommandOutcome, SessionChange};
use schakel_core::model::agent::Readiness;
use schakel_core::model::availability::{AvailabilityState, Because};
use schakel_core::model::chat::{ChatState, Invitee, OfferState, Revoked, Role};
use schakel_core::model::ids::{ChatId, CommandId};
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::settings::QueueSettings;

fn refused(world: &World, command: CommandId) -> Option<RefusalCause> {
    match world.outcome(command) {
        Some(CommandOutcome::Refused(refusal)) => Some(refusal.cause),
        _ => None,
    }
}

fn invite(world: &mut World, chat: ChatId, by: &str, whom: Invitee, leave_on_join: bool) -> CommandId {
    world.does(chat, ChatChange::Invite { by: by.into(), whom, leave_on_join })
}

fn agent(name: &str) -> Invitee {
    Invitee::Agent(name.into())
}

#[test]
fn c02_a_chat_is_offered_as_soon_as_somebody_is_free() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.talks("1");
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None, "she is on the phone");
    world.chat_news();
    world.cleared("1", "2001");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    assert_eq!(world.chat_news(), ["chat.offered@anna"]);
    let told = world.last_told(Kind::ChatOffered);
    assert_eq!(
        told.expires,
        Some(world.the_chat(chat).offers[0].deadline),
        "a pop-up that is too late is none"
    );
}

#[test]
fn c02_a_ringing_call_takes_the_offer_away_and_the_next_one_gets_it() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.starts("bert", &["balie"]);
    world.chat_news();
    world.rings("1");
    assert_eq!(world.chat_news(), ["chat.revoked@anna", "chat.offered@bert"]);
    assert_eq!(world.came_of(chat), ["anna: Revoked(AgentBusy)", "bert: Pending"]);
    let late =
        world.does(chat, ChatChange::Accept { offer: world.offer_to(chat, "anna"), agent: "anna".into() });
    assert_eq!(refused(&world, late), Some(RefusalCause::OfferClosed));
    // It rang in vain: she was not asked in vain.
    world.cleared("1", "2001");
    world.rejects(chat, "bert");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
}

#[test]
fn c02_a_session_and_a_break_take_the_offer_away() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.open("anna", None);
    assert_eq!(world.last_came_of(chat), OfferState::Revoked(Revoked::AgentBusy));
    let session = world.agent("anna").session.expect("it is open");
    world.change(session, SessionChange::Close);
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    world.readiness("anna", Readiness::NotReady(None));
    assert_eq!(world.last_came_of(chat), OfferState::Revoked(Revoked::AgentBusy));
    world.readiness("anna", Readiness::Ready);
    world.obeys("2001");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
}

#[test]
fn c03_accepting_is_one_action_and_the_same_again_is_no_second() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.chat_news();
    let first = world.accepts(chat, "anna");
    assert!(world.succeeded(first));
    assert_eq!(world.the_chat(chat).state, ChatState::Active);
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"));
    assert_eq!(world.chat_news()[0], "chat.accepted@anna");
    let again = world.accepts(chat, "anna");
    assert!(world.succeeded(again));
    assert_eq!(world.the_chat(chat).participants.len(), 1);
    let otherwise = world.rejects(chat, "anna");
    assert_eq!(refused(&world, otherwise), Some(RefusalCause::OfferClosed));
}

#[test]
fn c03_nobody_takes_what_is_offered_to_another() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    let offer = world.offer_to(chat, "anna");
    for change in [
        ChatChange::Accept { offer, agent: "bert".into() },
        ChatChange::Reject { offer, agent: "bert".into() },
    ] {
        let command = world.does(chat, change);
        assert_eq!(refused(&world, command), Some(RefusalCause::UnknownOffer));
    }
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
}

#[test]
fn c03_what_is_ignored_goes_to_the_next_and_three_in_a_row_pause() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.works(31);
    assert_eq!(world.came_of(chat), ["anna: Expired"]);
    assert_eq!(world.offered(chat), None, "the only one is not asked again at once");
    world.works(20);
    assert_eq!(world.offered(chat).as_deref(), Some("anna"), "but after the cool-down");
    world.works(30 + 20);
    assert!(!world.service("anna").paused);
    world.works(30);
    assert!(world.service("anna").paused);
    assert_eq!(world.came_of(chat), ["anna: Expired", "anna: Expired", "anna: Expired"]);
    assert_eq!(world.availability("anna").reasons, [Because::ChatPaused]);
    assert!(world.availability("anna").takes_calls, "calls may come");
    world.works(40);
    assert_eq!(world.offered(chat), None);
    world.starts("anna", &["balie"]);
    assert_eq!(world.offered(chat).as_deref(), Some("anna"), "she says that she is back");
}

#[test]
fn c03_an_answer_breaks_the_row_and_ready_ends_a_pause() {
    let once = QueueSettings { ignored_max: 2, wait_limit: Millis::seconds(3600), ..queue("balie") };
    let mut world = World::chat_with(vec![once]);
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.works(31);
    assert_eq!(world.service("anna").ignored, 1);
    world.works(20);
    world.rejects(chat, "anna");
    assert_eq!(world.service("anna").ignored, 0);
    world.works(20 + 31 + 20 + 31);
    assert!(world.service("anna").paused);
    world.readiness("anna", Readiness::Ready);
    assert!(!world.service("anna").paused);
}

#[test]
fn w02_a_rejected_chat_goes_at_once_to_another_and_the_rejecter_cools_down() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.starts("bert", &["balie"]);
    world.chat_news();
    world.rejects(chat, "anna");
    assert_eq!(world.chat_news(), ["chat.rejected@anna", "chat.offered@bert"]);
    world.accepts(chat, "bert");
    // The next chat would be hers, who has none, but that she cools down.
    let next = world.asks("balie");
    assert_eq!(world.offered(next).as_deref(), Some("bert"));
    world.rejects(next, "bert");
    assert_eq!(world.offered(next), None);
    world.works(21);
    assert_eq!(world.offered(next).as_deref(), Some("anna"));
}

#[test]
fn w02_a_lone_rejecter_is_asked_again_when_he_has_cooled_down() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, other) = (world.asks("balie"), world.asks("balie"));
    assert_eq!(world.offered(other).as_deref(), Some("anna"));
    world.rejects(chat, "anna");
    assert_eq!(world.offered(chat), None);
    world.works(19);
    assert_eq!(world.offered(chat), None);
    // What woke it up was armed for a chat that has gone meanwhile: the others do not wait for ever.
    let third = world.asks("balie");
    world.does(chat, ChatChange::End { by: schakel_core::model::chat::Speaker::Visitor });
    world.works(2);
    assert_eq!(world.offered(third).as_deref(), Some("anna"));
}

#[test]
fn w01_priority_first_then_who_waits_longest() {
    let queues = vec![queue("balie"), QueueSettings { priority: 5, ..queue("spoed") }];
    let mut world = World::chat_with(queues);
    world.starts_with("anna", &["balie", "spoed"], Some(1));
    world.served("balie");
    let (first, second) = (world.asks("balie"), world.asks("balie"));
    let urgent = world.asks("spoed");
    let mut order = vec![];
    for _ in 0..3 {
        world.starts_with("bert", &["balie", "spoed"], Some(1));
        let next = [first, second, urgent].into_iter().find(|chat| world.offered(*chat).is_some());
        let next = next.expect("one is offered");
        world.accepts(next, "bert");
        order.push(next);
        let by = schakel_core::model::chat::Speaker::Agent("bert".into());
        world.does(next, ChatChange::End { by });
        world.stops("bert");
    }
    assert_eq!(order, [urgent, first, second]);
}

#[test]
fn w01_only_the_queues_of_ones_profile() {
    let mut world = World::chat_with(vec![queue("balie"), queue("belasting")]);
    world.starts("anna", &["balie"]);
    world.starts("bert", &["belasting"]);
    let chat = world.asks("belasting");
    assert_eq!(world.offered(chat).as_deref(), Some("bert"));
    world.rejects(chat, "bert");
    assert_eq!(world.offered(chat), None);
    world.starts("anna", &["balie", "belasting"]);
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    // And when it is taken out of it again.
    world.starts("anna", &["balie"]);
    assert_eq!(world.last_came_of(chat), OfferState::Revoked(Revoked::AgentGone));
}

#[test]
fn w01_the_fewest_chats_first_then_the_longest_without_an_offer() {
    let mut world = World::chat();
    for agent in AGENTS {
        world.starts(agent, &["balie"]);
    }
    let to: Vec<String> = (0..6).map(|_| world.served("balie").1).collect();
    assert_eq!(to, ["anna", "bert", "carla", "anna", "bert", "carla"]);
}

#[test]
fn o08_a_queue_without_offers_lets_them_wait_for_who_joins() {
    let mut world = World::chat_with(vec![QueueSettings { offers: false, ..queue("balie") }]);
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None);
    world.does(chat, ChatChange::Join { agent: "anna".into() });
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"));
    assert!(world.state.waiting.is_empty());
}

#[test]
fn o04_rule_8_nobody_has_more_than_all_of_it() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    for _ in 0..3 {
        world.served("balie");
    }
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None, "three at once are her share");
    let is = world.availability("anna");
    assert_eq!((is.state, is.takes_chats, is.takes_calls), (AvailabilityState::Chatting, false, false));
    assert_eq!(is.ledger.iter().map(|claim| claim.share).sum::<u16>(), 99);
}

#[test]
fn rule_8_offers_claim_what_they_offer() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(2));
    let (one, two, three) = (world.asks("balie"), world.asks("balie"), world.asks("balie"));
    assert_eq!(world.offered(one).as_deref(), Some("anna"));
    assert_eq!(world.offered(two).as_deref(), Some("anna"));
    assert_eq!(world.offered(three), None);
    assert!(world.availability("anna").takes_calls, "a call would take them away");
    assert_eq!(world.availability("anna").room(), 0);
}

#[test]
fn rule_8_a_chat_keeps_calls_away_at_the_telephone_system_too() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let asked = world.asked_of("2001").expect("it is asked").1;
    assert!(format!("{asked:?}").contains("chat"), "{asked:?}");
    world.obeys("2001");
    let is = world.availability("anna");
    assert_eq!(
        (is.state, is.takes_chats),
        (AvailabilityState::Chatting, true),
        "what was asked is no break of hers"
    );
    // A call that rings all the same is taken as it is, and her chat stays hers.
    world.talks("1");
    assert_eq!(world.availability("anna").state, AvailabilityState::OnCall);
    assert_eq!(world.the_chat(chat).state, ChatState::Active);
    world.cleared("1", "2001");
    let by = schakel_core::model::chat::Speaker::Agent("anna".into());
    world.does(chat, ChatChange::End { by });
    world.obeys("2001");
    assert_eq!(world.availability("anna").state, AvailabilityState::Available);
    assert_eq!(
        world.agent("anna").provider_state,
        Some(schakel_core::model::agent::ProviderAgentState::Ready)
    );
}

#[test]
fn o15_a_session_about_ones_own_chat_leaves_room_for_others() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let contact = world.the_chat(chat).contact;
    world.open("anna", Some(contact));
    let next = world.asks("balie");
    assert_eq!(world.offered(next).as_deref(), Some("anna"));
    // Once the chat is over the session is work of its own.
    let by = schakel_core::model::chat::Speaker::Agent("anna".into());
    world.does(chat, ChatChange::End { by });
    assert_eq!(world.availability("anna").state, AvailabilityState::InSession);
    assert_eq!(world.last_came_of(next), OfferState::Revoked(Revoked::AgentBusy));
}

#[test]
fn w07_one_invitation_at_a_time_and_it_can_be_taken_back() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.starts("bert", &["balie"]);
    world.starts("carla", &["balie"]);
    world.chat_news();
    let command = invite(&mut world, chat, "anna", agent("bert"), false);
    assert!(world.succeeded(command));
    assert_eq!(world.state.commands[&command].offer, Some(world.offer_to(chat, "bert")));
    assert_eq!(world.chat_news(), ["chat.offered@bert", "chat.invited@bert"]);
    let second = invite(&mut world, chat, "anna", agent("carla"), false);
    assert_eq!(refused(&world, second), Some(RefusalCause::InvitationOpen));
    let other = world.does(chat, ChatChange::Withdraw { by: "carla".into() });
    assert_eq!(refused(&world, other), Some(RefusalCause::NotParticipant));
    for _ in 0..2 {
        let withdrawn = world.does(chat, ChatChange::Withdraw { by: "anna".into() });
        assert!(world.succeeded(withdrawn));
    }
    assert_eq!(world.last_came_of(chat), OfferState::Revoked(Revoked::Withdrawn));
    let third = invite(&mut world, chat, "anna", agent("carla"), false);
    assert!(world.succeeded(third));
    world.accepts(chat, "carla");
    let roles: Vec<_> = world.the_chat(chat).present().map(|one| (one.agent.as_str(), &one.role)).collect();
    assert_eq!(roles, [("anna", &Role::Owner), ("carla", &Role::Guest)]);
    let nothing = world.does(chat, ChatChange::Withdraw { by: "anna".into() });
    assert_eq!(refused(&world, nothing), Some(RefusalCause::OfferClosed));
}

#[test]
fn w07_who_cannot_be_invited_and_why() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.starts_with("bert", &["balie"], Some(1));
    let chat = world.asks("balie");
    let early = invite(&mut world, chat, "anna", agent("bert"), false);
    assert_eq!(refused(&world, early), Some(RefusalCause::NotParticipant));
    world.accepts(chat, "anna");
    let cases = [
        (agent("carla"), RefusalCause::NotInChannel),
        (agent("nobody"), RefusalCause::NotInChannel),
        (agent("anna"), RefusalCause::InvalidChatState),
        (Invitee::Queue("elsewhere".into()), RefusalCause::UnknownQueue),
    ];
    for (whom, cause) in cases {
        let command = invite(&mut world, chat, "anna", whom, false);
        assert_eq!(refused(&world, command), Some(cause));
    }
    // Bert is full.
    world.stops("anna");
    world.served("balie");
    for whom in [agent("bert"), Invitee::Queue("balie".into())] {
        let command = invite(&mut world, chat, "anna", whom, false);
        assert_eq!(refused(&world, command), Some(RefusalCause::AgentNotAvailable));
    }
}

#[test]
fn w07_an_invited_queue_is_asked_one_by_one_each_once() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.starts("bert", &["balie"]);
    world.starts("carla", &["balie"]);
    invite(&mut world, chat, "anna", Invitee::Queue("balie".into()), false);
    assert_eq!(world.invited(chat).as_deref(), Some("bert"));
    world.rejects(chat, "bert");
    assert_eq!(world.invited(chat).as_deref(), Some("carla"));
    world.works(31);
    assert_eq!(world.invited(chat), None, "all were asked");
    assert_eq!(world.service("carla").ignored, 1);
    // Who declined to help goes on taking chats of his own.
    world.asks("balie");
    assert_eq!(world.chat_news().last().map(String::as_str), Some("chat.offered@bert"));
    // A new invitation asks all of them again.
    invite(&mut world, chat, "anna", Invitee::Queue("balie".into()), false);
    assert_eq!(world.invited(chat).as_deref(), Some("carla"), "she has none");
    world.rings("1");
    assert_eq!(world.invited(chat).as_deref(), Some("carla"), "it rings at another");
}

#[test]
fn w07_an_invitation_follows_the_telephone_too() {
    let mut world = World::chat();
    world.starts("bert", &["balie"]);
    let (chat, _) = world.served("balie");
    world.starts("anna", &["balie"]);
    world.starts("carla", &["balie"]);
    invite(&mut world, chat, "bert", Invitee::Queue("balie".into()), false);
    assert_eq!(world.invited(chat).as_deref(), Some("anna"));
    world.rings("1");
    assert_eq!(world.invited(chat).as_deref(), Some("carla"));
    world.stops("carla");
    assert_eq!(world.invited(chat), None);
    assert_eq!(
        world.came_of(chat)[1..],
        ["anna: Revoked(AgentBusy)".to_owned(), "carla: Revoked(AgentGone)".to_owned()]
    );
}

#[test]
fn w07_stay_or_leave_after_inviting() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.starts("bert", &["balie"]);
    invite(&mut world, chat, "anna", agent("bert"), true);
    assert_eq!(world.the_chat(chat).owner().map(|one| one.agent.as_str()), Some("anna"), "until he takes it");
    world.accepts(chat, "bert");
    let present: Vec<_> = world.the_chat(chat).present().map(|one| (one.agent.as_str(), &one.role)).collect();
    assert_eq!(present, [("bert", &Role::Owner)]);
    assert!(!world.state.of_agent.contains_key(&"anna".into()));
}
