//! Who takes part: joining, inviting, leaving, handing over, watching, getting lost.

use crate::common::*;
use crate::visit::*;
use crate::world::*;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::ChatChange;
use schakel_core::input::InputBody;
use schakel_core::model::availability::AvailabilityState;
use schakel_core::model::chat::*;
use schakel_core::model::ids::{ChatId, CommandId};
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::chat::ConversationEvent;
use schakel_core::settings::{QueueSettings, TextId};

impl World {
    fn joins(&mut self, chat: ChatId, agent: &str) -> CommandId {
        self.does(chat, ChatChange::Join { agent: agent.into() })
    }

    fn leaves_chat(&mut self, chat: ChatId, agent: &str) -> CommandId {
        self.does(chat, ChatChange::Leave { agent: agent.into() })
    }

    fn watches(&mut self, chat: ChatId, agent: &str) -> CommandId {
        self.does(chat, ChatChange::Observe { agent: agent.into(), purpose: "klacht 12".into() })
    }

    fn invites(&mut self, chat: ChatId, by: &str, to: &str, leave_on_join: bool) -> CommandId {
        let whom = Invitee::Agent(to.into());
        self.does(chat, ChatChange::Invite { by: by.into(), whom, leave_on_join })
    }

    /// The agents who take part, as `anna: Owner`.
    fn party(&self, chat: ChatId) -> Vec<String> {
        let there = self.the_chat(chat).participants.iter().filter(|one| one.left.is_none());
        there.map(|one| format!("{}: {:?}", one.agent.as_str(), one.role)).collect()
    }
}

/// All are in the channel, and anna has a chat.
fn annas() -> (World, ChatId) {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.starts("bert", &["balie"]);
    world.starts("carla", &["balie"]);
    world.chat_news();
    (world, chat)
}

#[test]
fn o08_an_agent_joins_a_waiting_chat_with_one_action() {
    let mut world = World::chat_with(vec![QueueSettings { offers: false, ..queue("balie") }]);
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None);
    world.chat_news();
    let joined = world.joins(chat, "anna");
    assert!(world.succeeded(joined));
    assert_eq!(world.chat_news()[..2], ["chat.participant-joined@anna", "chat.active@anna"]);
    let shown = world.public(chat).into_iter().next_back().unwrap();
    assert_eq!(shown.content.text.expose(), &text("anna neemt deel aan de chat."));
    assert_eq!(world.the_chat(chat).answered, Some(world.clock()));
    assert!(world.state.waiting.is_empty());
    let again = world.joins(chat, "anna");
    assert!(world.succeeded(again), "he is there already");
    assert_eq!(world.party(chat), ["anna: Owner"]);
}

#[test]
fn o08_one_joins_what_is_offered_to_another_and_the_offer_is_taken_away() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.starts("bert", &["balie"]);
    let joined = world.joins(chat, "bert");
    assert!(world.succeeded(joined));
    assert_eq!(world.came_of(chat), ["anna: Revoked(Taken)"]);
    assert_eq!(world.party(chat), ["bert: Owner"]);
    let late = world.accepts(chat, "anna");
    assert_eq!(world.refused(late), RefusalCause::OfferClosed);
    // Who joins what is offered to himself takes the offer.
    let (other, third) =
        (world.asks("balie"), world.offered(world.state.chats.keys().copied().max().unwrap()));
    let agent = third.unwrap();
    world.joins(other, &agent);
    assert_eq!(world.last_came_of(other), OfferState::Accepted);
}

#[test]
fn o08_joining_needs_the_channel_and_room() {
    let (mut world, chat) = annas();
    world.stops("carla");
    let outside = world.joins(chat, "carla");
    assert_eq!(world.refused(outside), RefusalCause::NotInChannel);
    let stranger = world.joins(chat, "dirk");
    assert_eq!(world.refused(stranger), RefusalCause::NotInChannel);
    world.rings("1");
    let waiting = world.asks("balie");
    world.joins(waiting, "bert");
    let ringing = world.joins(waiting, "anna");
    assert_eq!(world.refused(ringing), RefusalCause::AgentNotAvailable);
    world.starts_with("carla", &["balie"], Some(1));
    let only = world.joins(waiting, "carla");
    assert!(world.succeeded(only));
    let second = world.joins(chat, "carla");
    assert_eq!(world.refused(second), RefusalCause::AgentNotAvailable);
    assert_eq!(world.party(waiting), ["bert: Owner", "carla: Guest"], "never two owners");
}

#[test]
fn o20_a_guest_is_invited_and_all_see_him_join() {
    let (mut world, chat) = annas();
    world.invites(chat, "anna", "bert", false);
    world.accepts(chat, "bert");
    assert_eq!(world.party(chat), ["anna: Owner", "bert: Guest"]);
    assert_eq!(world.texts(chat).into_iter().filter(|text| *text == TextId::AgentJoined).count(), 2);
    let joined = world.last_told(Kind::ChatParticipantJoined);
    assert_eq!(joined.agent, Some("bert".into()));
    let said = world.answers(chat, "bert", "Ik ben er ook");
    assert!(world.succeeded(said));
    assert_eq!(world.availability("bert").state, AvailabilityState::Chatting);
}

#[test]
fn o20_there_are_so_many_agents_in_a_chat_and_no_more() {
    let mut settings = with_queues(vec![queue("balie")]);
    settings.chat.limits.participants_max = 2;
    let (mut world, chat) = annas();
    world.input(InputBody::Configured(Box::new(settings)));
    world.joins(chat, "bert");
    let third = world.joins(chat, "carla");
    assert_eq!(world.refused(third), RefusalCause::LimitExceeded);
    // The place of one who is invited is his while he has not answered.
    world.leaves_chat(chat, "bert");
    world.invites(chat, "anna", "bert", false);
    let third = world.joins(chat, "carla");
    assert_eq!(world.refused(third), RefusalCause::LimitExceeded);
    world.accepts(chat, "bert");
    assert_eq!(world.party(chat), ["anna: Owner", "bert: Guest"]);
}

#[test]
fn o21_the_last_agent_cannot_leave_and_leaving_is_seen() {
    let (mut world, chat) = annas();
    let last = world.leaves_chat(chat, "anna");
    assert_eq!(world.refused(last), RefusalCause::LastAgent);
    // Who watches is nobody to leave a visitor to.
    world.watches(chat, "carla");
    let last = world.leaves_chat(chat, "anna");
    assert_eq!(world.refused(last), RefusalCause::LastAgent);
    world.joins(chat, "bert");
    world.chat_news();
    let left = world.leaves_chat(chat, "bert");
    assert!(world.succeeded(left));
    assert_eq!(world.chat_news(), ["chat.participant-left@bert"]);
    assert_eq!(world.texts(chat).last(), Some(&TextId::AgentLeft));
    assert_eq!(world.availability("bert").state, AvailabilityState::Available);
    let twice = world.leaves_chat(chat, "bert");
    assert_eq!(world.refused(twice), RefusalCause::NotParticipant);
}

#[test]
fn o22_a_transfer_is_to_invite_to_join_and_to_leave() {
    let (mut world, chat) = annas();
    world.joins(chat, "carla");
    world.joins(chat, "bert");
    world.chat_news();
    world.leaves_chat(chat, "anna");
    assert_eq!(world.party(chat), ["carla: Owner", "bert: Guest"], "who has been there longest");
    assert_eq!(world.chat_news(), ["chat.participant-left@anna", "chat.transferred@carla"]);
    assert_eq!(world.the_chat(chat).owner().unwrap().agent, "carla".into());
}

#[test]
fn w07_who_invites_to_hand_over_leaves_as_the_other_joins_and_the_chat_is_his() {
    let (mut world, chat) = annas();
    world.joins(chat, "carla");
    world.invites(chat, "anna", "bert", true);
    world.chat_news();
    world.accepts(chat, "bert");
    assert_eq!(
        world.party(chat),
        ["carla: Guest", "bert: Owner"],
        "whom he invited, not who is there longer"
    );
    let news = world.chat_news();
    let told: Vec<&str> =
        news.iter().map(String::as_str).filter(|line| !line.starts_with("agent.")).collect();
    assert_eq!(
        told,
        [
            "chat.accepted@bert",
            "chat.participant-joined@bert",
            "chat.participant-left@anna",
            "chat.transferred@bert"
        ]
    );
}

#[test]
fn o23_who_watches_unseen_counts_for_nothing() {
    let (mut world, chat) = annas();
    let public = world.public(chat).len();
    let nothing = world.does(chat, ChatChange::Observe { agent: "bert".into(), purpose: " ".into() });
    assert_eq!(world.refused(nothing), RefusalCause::InvalidContent);
    let watched = world.watches(chat, "bert");
    assert!(world.succeeded(watched));
    assert_eq!(world.chat_news(), ["chat.observed@bert"]);
    assert_eq!(world.public(chat).len(), public, "the visitor is told nothing");
    assert_eq!(world.the_chat(chat).present().count(), 1);
    assert_eq!(world.availability("bert").state, AvailabilityState::Available);
    assert!(!world.state.of_agent.contains_key(&"bert".into()));
    let owner = world.watches(chat, "anna");
    assert_eq!(world.refused(owner), RefusalCause::InvalidChatState, "from him nothing is hidden");
    let stranger = world.watches(chat, "dirk");
    assert_eq!(world.refused(stranger), RefusalCause::NotRegistered);
    // He joins for all to see, and does not watch any more.
    world.joins(chat, "bert");
    assert_eq!(world.party(chat), ["anna: Owner", "bert: Guest"]);
    world.watches(chat, "carla");
    world.chat_news();
    world.leaves_chat(chat, "carla");
    assert_eq!(world.chat_news(), ["chat.observed@carla"]);
    assert_eq!(world.party(chat), ["anna: Owner", "bert: Guest"]);
}

#[test]
fn o23_over_a_provider_nothing_shows_who_watches() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.asked_at("c");
    world.watches(chat, "bert");
    world.leaves_chat(chat, "bert");
    assert_eq!(world.asked_at("c"), Vec::<String>::new());
}

#[test]
fn o23_one_who_watches_and_vanishes_watches_no_more() {
    let (mut world, chat) = annas();
    world.watches(chat, "bert");
    for _ in 0..100 {
        world.wait(Millis::seconds(1));
        world.chat_beats("anna");
    }
    assert_eq!(world.party(chat), ["anna: Owner"], "who comes in his name later has to say for what");
    assert_eq!(world.told_of_kind(Kind::ChatObserved).len(), 2);
}

#[test]
fn an_agent_who_is_lost_leaves_his_chat_first_in_line_with_its_transcript() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    world.starts_with("bert", &["balie"], Some(1));
    let (first, lost) = world.served("balie");
    let (_, stays) = world.served("balie");
    let waits = world.asks("balie");
    let (queued, messages) = (world.the_chat(first).queued, world.the_chat(first).messages.len());
    for _ in 0..100 {
        world.wait(Millis::seconds(1));
        world.chat_beats(&stays);
    }
    assert_eq!(world.state_of(first), ChatState::Queued);
    assert_eq!((world.the_chat(first).queued, world.party(first)), (queued, vec![]));
    assert!(world.the_chat(first).messages.len() > messages);
    assert!(world.texts(first).contains(&TextId::Requeued));
    // The one that had an agent comes before who waited all the time.
    world.starts_with("carla", &["balie"], Some(1));
    assert_eq!((world.offered(first).as_deref(), world.offered(waits)), (Some("carla"), None));
    world.accepts(first, "carla");
    assert_eq!(world.party(first), ["carla: Owner"]);
    let answered = world.the_chat(first).answered.unwrap();
    assert!(answered < world.the_chat(first).since, "it was answered when the first one joined");
    assert_ne!(lost, "carla");
}

#[test]
fn an_agent_who_is_lost_leaves_his_chat_to_the_other() {
    let (mut world, chat) = annas();
    world.joins(chat, "bert");
    for _ in 0..100 {
        world.wait(Millis::seconds(1));
        world.chat_beats("bert");
    }
    assert_eq!(world.party(chat), ["bert: Owner"]);
    assert_eq!(world.state_of(chat), ChatState::Active);
    assert_eq!(world.last_told(Kind::ChatTransferred).agent, Some("bert".into()));
}

#[test]
fn over_a_provider_a_chat_goes_on_when_the_agent_is_in_its_conversation() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.writes_at("c", "Goedemorgen", "k1");
    let chat = world.at_conversation("c").id;
    world.asked_at("c");
    world.loses_chat_link();
    world.accepts(chat, "anna");
    assert_eq!(world.state_of(chat), ChatState::Connecting);
    assert_eq!(world.asked_at("c"), Vec::<String>::new());
    // What he says meanwhile waits with it.
    world.answers(chat, "anna", "Dag Jan");
    world.has_chat_link();
    let asked = world.asked_at("c");
    assert_eq!(
        (asked.first().unwrap().as_str(), asked.last().unwrap().as_str()),
        ("join anna as anna", "say Dag Jan")
    );
    world.happens("c", ConversationEvent::AgentJoined("anna".into()));
    assert_eq!(world.state_of(chat), ChatState::Active);
    assert_eq!(world.told_of_kind(Kind::ChatActive).len(), 1);
    world.happens("c", ConversationEvent::AgentJoined("anna".into()));
    assert_eq!(world.told_of_kind(Kind::ChatActive).len(), 1);
    let memory = schakel_core::apply::memory(&world.state, &xmpp());
    assert_eq!(memory.conversations.len(), 1);
    assert_eq!(memory.conversations[0].agents, [("anna".into(), text("anna"))]);
}

#[test]
fn over_a_provider_who_comes_or_goes_by_himself_is_believed() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.starts("bert", &["balie"]);
    world.happens("c", ConversationEvent::AgentJoined("bert".into()));
    assert_eq!(world.party(chat), ["anna: Owner", "bert: Guest"]);
    world.happens("c", ConversationEvent::AgentLeft("anna".into()));
    assert_eq!(world.party(chat), ["bert: Owner"]);
    world.happens("c", ConversationEvent::AgentLeft("bert".into()));
    assert!(world.state_of(chat).is_waiting(), "the last one: he was lost");
    // One who is not in the channel is nobody of ours.
    let counted = world.state.counters.unexpected_reports;
    world.happens("c", ConversationEvent::AgentJoined("carla".into()));
    assert_eq!(world.party(chat), Vec::<String>::new());
    assert_eq!(world.state.counters.unexpected_reports, counted + 1);
}

#[test]
fn o16_a_visitor_who_goes_away_is_waited_for() {
    let (mut world, chat) = annas();
    world.writes(chat, "Ik ben er");
    world.does(chat, ChatChange::SetPresence(Presence::There));
    assert_eq!(world.chat_news(), Vec::<String>::new(), "he was there");
    world.does(chat, ChatChange::SetPresence(Presence::Away));
    world.does(chat, ChatChange::SetPresence(Presence::Gone));
    assert_eq!(world.chat_news(), ["chat.visitor-away"]);
    world.works(60);
    world.does(chat, ChatChange::SetPresence(Presence::There));
    assert_eq!(world.chat_news(), ["chat.visitor-returned"]);
    world.works(180);
    assert_eq!(world.state_of(chat), ChatState::Active);
    world.does(chat, ChatChange::SetPresence(Presence::Gone));
    // He writes: he is there.
    world.writes(chat, "Ik ben er weer");
    assert_eq!(world.chat_news(), ["chat.visitor-away", "chat.visitor-returned"]);
    world.does(chat, ChatChange::SetPresence(Presence::Away));
    world.works(121);
    assert_eq!(world.state_of(chat), ChatState::Wrapping);
    assert_eq!(world.the_chat(chat).ended.as_ref().unwrap().reason, EndReason::VisitorGone);
    // One who waited and went is nobody's to wrap up.
    world.stops("bert");
    let waiting = world.asks("balie");
    world.does(waiting, ChatChange::SetPresence(Presence::Gone));
    world.works(121);
    assert_eq!(world.state_of(waiting), ChatState::Abandoned);
    let late = world.does(waiting, ChatChange::SetPresence(Presence::There));
    assert_eq!(world.refused(late), RefusalCause::InvalidChatState);
}

#[test]
fn a_daemon_that_was_away_takes_nobody_for_silent_or_gone() {
    // Dirk has no telephone, whose link would have to come up first.
    let mut world = World::chat();
    world.starts("dirk", &["balie"]);
    let (chat, _) = world.served("balie");
    let away = world.asks("balie");
    world.does(away, ChatChange::SetPresence(Presence::Away));
    assert_eq!(world.state_of(away), ChatState::Offered);
    world.now += 60 * 60 * 1000;
    world.input(InputBody::Started);
    assert_eq!((world.state_of(chat), world.state_of(away)), (ChatState::Active, ChatState::Offered));
    assert_eq!(world.last_came_of(away), OfferState::Pending, "nobody has ignored it");
    // From here on they are.
    let goes_on = |seconds: u64, world: &mut World| {
        for _ in 0..seconds {
            world.wait(Millis::seconds(1));
            world.chat_beats("dirk");
        }
    };
    goes_on(29, &mut world);
    assert_eq!(world.last_came_of(away), OfferState::Pending);
    goes_on(2, &mut world);
    assert_eq!(world.came_of(away)[0], "dirk: Expired");
    goes_on(90, &mut world);
    assert_eq!(world.state_of(away), ChatState::Abandoned);
    goes_on(9 * 60, &mut world);
    assert_eq!(world.state_of(chat), ChatState::Wrapping);
}

#[test]
fn while_its_link_is_down_nobody_is_taken_for_silent_or_gone() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (silent, gone) = (world.served_at("c"), world.served_at("d"));
    world.happens("d", ConversationEvent::Presence(Presence::Gone));
    world.loses_chat_link();
    world.works(60 * 60);
    assert_eq!((world.state_of(silent), world.state_of(gone)), (ChatState::Active, ChatState::Active));
    world.has_chat_link();
    world.works(121);
    assert_eq!((world.state_of(silent), world.state_of(gone)), (ChatState::Active, ChatState::Wrapping));
    world.works(12 * 60);
    assert!(world.texts(silent).contains(&TextId::InactivityWarning));
    world.works(10 * 60);
    assert!(!world.state.chats.get(&silent).is_some_and(|chat| chat.state.is_live()));
}
