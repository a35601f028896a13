//! The end of a chat, and what becomes of it: wrapping, archive, removal, rating, forgetting, erasing.

use crate::common::*;
use crate::visit::*;
use crate::world::*;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::{AnswerBy, ChatChange, ChatCommand, OfflineMessage};
use schakel_core::input::InputBody;
use schakel_core::model::availability::AvailabilityState;
use schakel_core::model::cause::Cause;
use schakel_core::model::chat::*;
use schakel_core::model::ids::{ChatId, CommandId, OfflineMessageId};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::chat::ConversationEvent;
use schakel_core::settings::{QueueSettings, TextId};

/// A chat that anna has answered.
fn annas() -> (World, ChatId) {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.chat_news();
    (world, chat)
}

fn rates(world: &mut World, chat: ChatId, stars: u8, why: Option<&str>) -> CommandId {
    let explanation = why.map(|why| Pii::new(why.into()));
    world.does(chat, ChatChange::Rate { stars, explanation })
}

#[test]
fn c05_w10_an_agent_ends_it_and_the_visitor_is_told_in_the_organisations_words() {
    let (mut world, chat) = annas();
    let stranger = world.ends(chat, by("bert"));
    assert_eq!(world.refused(stranger), RefusalCause::NotParticipant);
    let ended = world.ends(chat, by("anna"));
    assert!(world.succeeded(ended));
    let last = world.public(chat).into_iter().next_back().unwrap();
    assert_eq!(last.content.text.expose(), &text(TextId::EndedByAgent.dutch()));
    let known = world.the_chat(chat).clone();
    let how = Ended { at: world.clock(), reason: EndReason::Agent, by: Some("anna".into()) };
    assert_eq!((known.state, known.ended.as_ref()), (ChatState::Wrapping, Some(&how)));
    assert_eq!(known.owner().unwrap().agent, "anna".into(), "his it was to the end");
    assert_eq!(world.chat_news(), ["chat.ended@anna"]);
    assert_eq!(world.availability("anna").state, AvailabilityState::Available);
    assert_eq!(world.state.contacts[&known.contact].ended, Some(world.clock()));
    let again = world.ends(chat, by("anna"));
    assert!(world.succeeded(again), "it has ended");
    assert_eq!(world.told_of_kind(Kind::ChatEnded).len(), 1);
}

#[test]
fn c05_where_the_organisation_wants_no_such_message_none_is_sent() {
    let mut settings = with_queues(vec![queue("balie")]);
    settings.chat.texts.insert((text("nl"), TextId::EndedByAgent), text(""));
    let mut world = World::chat();
    world.input(InputBody::Configured(Box::new(settings)));
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.ends(chat, by("anna"));
    assert!(!world.texts(chat).contains(&TextId::EndedByAgent));
}

#[test]
fn o16_w10_a_visitor_ends_it_and_the_agents_see_it_at_once() {
    let (mut world, chat) = annas();
    world.ends(chat, Speaker::Visitor);
    assert_eq!(world.chat_news(), ["chat.ended"]);
    assert_eq!(world.the_chat(chat).ended.as_ref().unwrap().reason, EndReason::Visitor);
    assert_eq!(world.texts(chat).last(), Some(&TextId::EndedByVisitor));
    // Over a provider nothing is said into the window that he has closed.
    let other = world.served_at("c");
    world.asked_at("c");
    world.happens("c", ConversationEvent::EndedByVisitor);
    assert_eq!(world.state_of(other), ChatState::Wrapping);
    assert_eq!(world.asked_at("c"), ["end"]);
    assert!(!world.texts(other).contains(&TextId::EndedByVisitor));
}

#[test]
fn w04_a_visitor_who_leaves_while_he_waits_takes_his_offer_with_him() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.chat_news();
    world.ends(chat, Speaker::Visitor);
    let known = world.the_chat(chat);
    assert_eq!((known.state, known.offer), (ChatState::Abandoned, None));
    assert_eq!(world.came_of(chat), ["anna: Revoked(ChatEnded)"]);
    assert_eq!(world.chat_news(), ["chat.revoked@anna", "chat.ended"]);
    assert_eq!(world.records(chat).len(), 1);
    assert!(world.state.waiting.is_empty() && world.state.of_agent.is_empty());
    let late = world.accepts(chat, "anna");
    assert_eq!(world.refused(late), RefusalCause::OfferClosed);
    // Nobody asks whether to close what has ended: to end it is to do nothing.
    let closed = world.ends(chat, by("anna"));
    assert!(world.succeeded(closed));
    assert_eq!(world.told_of_kind(Kind::ChatEnded).len(), 1);
}

#[test]
fn silence_is_warned_of_and_then_ends_the_chat() {
    let (mut world, chat) = annas();
    world.works(7 * 60);
    world.answers(chat, "anna", "Bent u er nog?");
    world.works(8 * 60 - 2);
    assert_ne!(world.texts(chat).last(), Some(&TextId::InactivityWarning));
    world.works(3);
    assert_eq!(world.texts(chat).last(), Some(&TextId::InactivityWarning));
    // A word of either keeps it going, and he is warned again the next time.
    world.writes(chat, "Ja");
    world.works(8 * 60 + 1);
    assert_eq!(world.texts(chat).last(), Some(&TextId::InactivityWarning));
    assert_eq!(world.state_of(chat), ChatState::Active);
    world.works(2 * 60);
    assert_eq!(world.state_of(chat), ChatState::Wrapping);
    assert_eq!(world.texts(chat).last(), Some(&TextId::InactivityEnd));
    let warnings = world.texts(chat).into_iter().filter(|text| *text == TextId::InactivityWarning);
    assert_eq!(warnings.count(), 2);
    let told = world.last_told(Kind::ChatEnded);
    assert_eq!((told.cause, told.reconstructed), (Cause::Timeout, true));
    // Where it is switched off, nothing of it.
    let mut world = World::chat_with(vec![QueueSettings { inactivity: Millis(0), ..queue("balie") }]);
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    world.works(60 * 60);
    assert_eq!(world.state_of(chat), ChatState::Active);
}

#[test]
fn c06_o24_an_ended_chat_is_archived_by_itself_and_forgotten_later() {
    let (mut world, chat) = annas();
    let contact = world.the_chat(chat).contact;
    world.ends(chat, Speaker::Visitor);
    world.works(9 * 60);
    assert_eq!(
        world.state_of(chat),
        ChatState::Wrapping,
        "an open chat, which its agent can still save (O24)"
    );
    world.chat_news();
    world.works(60 + 1);
    assert_eq!(world.state_of(chat), ChatState::Archived);
    assert_eq!(world.chat_news(), ["chat.archived"]);
    let record = world.records(chat).into_iter().next_back().unwrap();
    assert_eq!((record.state, record.version), (ChatState::Archived, world.the_chat(chat).version));
    assert_eq!(record.participants.len(), 1);
    world.works(10 * 60 + 1);
    assert!(world.state.chats.is_empty() && !world.state.contacts.contains_key(&contact));
    let late = world.does(chat, ChatChange::Archive);
    assert_eq!(world.refused(late), RefusalCause::UnknownChat);
}

#[test]
fn c06_a_chat_is_wrapped_up_in_the_session_about_it_until_that_is_closed() {
    for opened_before in [true, false] {
        let (mut world, chat) = annas();
        let contact = world.the_chat(chat).contact;
        let session = if opened_before {
            let session = world.opened("anna", Some(contact));
            world.ends(chat, Speaker::Visitor);
            session
        } else {
            world.ends(chat, Speaker::Visitor);
            world.works(60);
            world.opened("anna", Some(contact))
        };
        assert_eq!(world.the_chat(chat).session, Some(session));
        world.works_for(session, Millis::seconds(40 * 60));
        assert_eq!(world.state_of(chat), ChatState::Wrapping);
        // Kept for later: not done yet.
        world.park(session);
        assert_eq!(world.state_of(chat), ChatState::Wrapping);
        world.resume(session);
        world.close(session);
        assert_eq!(world.state_of(chat), ChatState::Archived);
    }
}

#[test]
fn c06_a_session_that_was_closed_before_the_end_wraps_nothing_up() {
    let (mut world, chat) = annas();
    let contact = world.the_chat(chat).contact;
    let session = world.opened("anna", Some(contact));
    world.close(session);
    world.ends(chat, Speaker::Visitor);
    assert_eq!((world.the_chat(chat).session, world.state_of(chat)), (None, ChatState::Wrapping));
    // Two work on it: it is archived when the second is done.
    let first = world.opened("anna", Some(contact));
    let second = world.opened("bert", Some(contact));
    assert_eq!(world.the_chat(chat).session, Some(first));
    world.close(first);
    assert_eq!((world.the_chat(chat).session, world.state_of(chat)), (Some(second), ChatState::Wrapping));
    world.close(second);
    assert_eq!(world.state_of(chat), ChatState::Archived);
}

#[test]
fn o19_o24_an_open_chat_is_saved_or_removed() {
    let (mut world, chat) = annas();
    for too_early in [ChatChange::Archive, ChatChange::Remove { purpose: "spam".into() }] {
        let refused = world.does(chat, too_early);
        assert_eq!(world.refused(refused), RefusalCause::InvalidChatState);
    }
    world.ends(chat, by("anna"));
    let saved = world.does(chat, ChatChange::Archive);
    assert!(world.succeeded(saved));
    let again = world.does(chat, ChatChange::Archive);
    assert!(world.succeeded(again));
    assert_eq!(world.told_of_kind(Kind::ChatArchived).len(), 1);
    let nothing = world.does(chat, ChatChange::Remove { purpose: "".into() });
    assert_eq!(world.refused(nothing), RefusalCause::InvalidContent);
    world.chat_news();
    let removed = world.does(chat, ChatChange::Remove { purpose: "spam".into() });
    assert!(world.succeeded(removed));
    assert_eq!(world.chat_news(), ["chat.removed"]);
    assert_eq!(world.records(chat).last().unwrap().state, ChatState::Removed);
    let fields = world.does(chat, ChatChange::SetFields(Box::default()));
    assert_eq!(world.refused(fields), RefusalCause::InvalidChatState);
    let rated = rates(&mut world, chat, 5, None);
    assert_eq!(world.refused(rated), RefusalCause::InvalidChatState);
}

#[test]
fn o09_o19_what_the_agent_notes_is_kept_with_the_record_and_can_be_changed_after_the_end() {
    let (mut world, chat) = annas();
    let fields = |subject: &str| Fields {
        subject: Some(Pii::new(subject.into())),
        category: Some("burgerzaken".into()),
        remarks: Some(Pii::new("Belt terug.\nMorgen.".into())),
        email: Some(Pii::new("jan@example.org".into())),
    };
    let noted = world.does(chat, ChatChange::SetFields(Box::new(fields("Paspoort"))));
    assert!(world.succeeded(noted));
    assert_eq!(world.chat_news(), ["chat.updated"]);
    assert!(world.records(chat).is_empty(), "its record is written from its end on");
    world.does(chat, ChatChange::SetFields(Box::new(fields("Paspoort"))));
    assert_eq!(world.chat_news(), Vec::<String>::new());
    world.ends(chat, by("anna"));
    assert_eq!(world.records(chat).last().unwrap().fields, fields("Paspoort"));
    world.does(chat, ChatChange::Archive);
    world.does(chat, ChatChange::SetFields(Box::new(fields("Rijbewijs"))));
    assert_eq!(world.records(chat).last().unwrap().fields, fields("Rijbewijs"));
    let bad = Fields { email: Some(Pii::new("geen adres".into())), ..Fields::default() };
    let bad = world.does(chat, ChatChange::SetFields(Box::new(bad)));
    assert_eq!(world.refused(bad), RefusalCause::InvalidContent);
    let long = Fields { subject: Some(Pii::new("x".repeat(321).into())), ..Fields::default() };
    let long = world.does(chat, ChatChange::SetFields(Box::new(long)));
    assert_eq!(world.refused(long), RefusalCause::InvalidContent);
}

#[test]
fn o18_one_or_two_stars_need_an_explanation() {
    for (stars, why, taken) in [
        (0, Some("niets"), false),
        (1, None, false),
        (2, Some(" "), false),
        (2, Some("Het duurde lang"), true),
        (3, None, true),
        (5, Some("Fijn"), true),
        (6, None, false),
    ] {
        let (mut world, chat) = annas();
        let early = rates(&mut world, chat, stars, why);
        assert_eq!(world.refused(early), RefusalCause::InvalidChatState, "only after the end");
        world.ends(chat, Speaker::Visitor);
        let rated = rates(&mut world, chat, stars, why);
        assert_eq!(world.succeeded(rated), taken, "{stars} {why:?}");
        if !taken {
            assert_eq!(world.refused(rated), RefusalCause::InvalidContent);
            assert!(world.the_chat(chat).rating.is_none());
            continue;
        }
        world.last_told(Kind::ChatRated);
        assert_eq!(world.records(chat).last().unwrap().rating.as_ref().unwrap().stars, stars);
        let same = rates(&mut world, chat, stars, why);
        assert!(world.succeeded(same));
        let other = rates(&mut world, chat, 4, None);
        assert_eq!(world.refused(other), RefusalCause::AlreadyDecided);
        assert_eq!(world.told_of_kind(Kind::ChatRated).len(), 1);
    }
}

#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn is_in_state(world: &World, words: &str) -> bool {
    let bytes = postcard::to_allocvec(&world.state).unwrap();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[test]
fn o14_words_are_in_the_transcript_and_nowhere_else() {
    let (mut world, chat) = annas();
    world.writes(chat, "Mijn vraag");
    world.answers(chat, "anna", "Het antwoord");
    let message = OfflineMessage {
        id: OfflineMessageId(77),
        queue: "balie".into(),
        name: Pii::new("Jansen".into()),
        email: Some(Pii::new("jan@example.org".into())),
        telephone: Some(Pii::new("0318123456".into())),
        preference: AnswerBy::Email,
        text: Pii::new("Bel mij terug".into()),
        language: None,
    };
    let left = world.chats(ChatCommand::LeaveMessage(Box::new(message)));
    assert!(world.succeeded(left));
    for words in ["Mijn vraag", "Het antwoord", "Jansen", "jan@example.org", "0318123456", "Bel mij terug"] {
        assert!(!is_in_state(&world, words), "{words}: it would be in every snapshot");
    }
}

/// All that is personal in the chats of these stories.
const PERSONAL: [&str; 7] = [
    "Jansen",
    "jan@example.org",
    "geheim123",
    "Mijn vraag",
    "Over mijn buurman",
    "Belde boos",
    "Niet aardig",
];

fn personal(world: &mut World) -> ChatId {
    let visitor = Visitor {
        nickname: Some(Pii::new("Jansen".into())),
        email: Some(Pii::new("jan@example.org".into())),
        attributes: vec![Attribute {
            name: "secret".into(),
            value: Pii::new("geheim123".into()),
            verified_by: None,
        }],
        ..jan("jan@example.org/pda")
    };
    let conversation = "jan@example.org";
    world.happens(conversation, ConversationEvent::Opened { queue: "balie".into(), visitor });
    world.writes_at(conversation, "Mijn vraag", "jan@example.org k1");
    let chat = world.at_conversation(conversation).id;
    world.accepts(chat, "anna");
    world.happens(conversation, ConversationEvent::AgentJoined("anna".into()));
    world.answers(chat, "anna", "Over mijn buurman");
    let fields = Fields {
        subject: Some(Pii::new("Over mijn buurman".into())),
        remarks: Some(Pii::new("Belde boos".into())),
        ..Fields::default()
    };
    world.does(chat, ChatChange::SetFields(Box::new(fields)));
    chat
}

#[test]
fn avg_17_of_a_chat_nothing_says_who_it_was_or_what_he_said() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = personal(&mut world);
    let contact = world.the_chat(chat).contact;
    world.happens("jan@example.org", ConversationEvent::EndedByVisitor);
    rates(&mut world, chat, 1, Some("Niet aardig"));
    for words in PERSONAL {
        assert!(words == "Mijn vraag" || is_in_state(&world, words), "{words}");
    }
    let told = world.told.len();
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    for words in PERSONAL {
        assert!(!is_in_state(&world, words), "{words}");
    }
    assert_eq!(world.told.len(), told, "nobody is told");
    assert_eq!(world.the_chat(chat).rating.as_ref().unwrap().stars, 1, "what happened stays");
    // What is written of it from here on does not say it either.
    world.does(chat, ChatChange::Archive);
    let record = world.records(chat).into_iter().next_back().unwrap();
    assert_eq!((record.visitor.nickname.as_ref(), &record.fields), (None, &Fields::default()));
    world.works(11 * 60);
    assert!(world.state.chats.is_empty());
}

#[test]
fn avg_17_a_chat_that_goes_on_can_be_ended_and_is_not_known_again() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = personal(&mut world);
    let contact = world.the_chat(chat).contact;
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert!(!is_in_state(&world, "Jansen") && !is_in_state(&world, "Belde boos"));
    // Its provider names him with every event.
    let again = ConversationEvent::Opened { queue: "balie".into(), visitor: jan("jan@example.org") };
    world.happens("jan@example.org", again);
    assert_eq!((world.state.chats.len(), world.the_chat(chat).visitor.clone()), (1, Visitor::default()));
    world.happens("jan@example.org", ConversationEvent::EndedByVisitor);
    let record = world.records(chat).into_iter().next_back().unwrap();
    assert!(!format!("{:?}", record.way).contains("jan"), "{:?}", record.way);
    let keys = record.messages.iter().flat_map(|said| &said.keys);
    assert_eq!(keys.count(), 0, "whoever told of them named him in it");
    assert!(record.messages.iter().all(|said| said.fingerprint == 0), "short words can be guessed by it");
    world.works(30 * 60);
    assert!(world.state.chats.is_empty() && world.state.by_conversation.is_empty());
}

#[test]
fn avg_17_a_provider_that_could_not_be_told_of_the_end_still_is() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = personal(&mut world);
    let contact = world.the_chat(chat).contact;
    world.loses_chat_link();
    world.ends(chat, by("anna"));
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert!(!is_in_state(&world, "Jansen") && !is_in_state(&world, "Belde boos"));
    world.asked_at("jan@example.org");
    world.has_chat_link();
    assert_eq!(world.asked_at("jan@example.org").last().unwrap(), "end");
    world.works(30 * 60);
    assert!(world.state.chats.is_empty() && world.state.by_conversation.is_empty());
}

#[test]
fn a_provider_that_ends_a_conversation_ends_its_chat() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.asked_at("c");
    world.happens("c", ConversationEvent::EndedByProvider("room destroyed".into()));
    assert_eq!(world.the_chat(chat).ended.as_ref().unwrap().reason, EndReason::Provider);
    assert_eq!(world.asked_at("c"), Vec::<String>::new(), "it knows");
    world.happens("d", ConversationEvent::EndedByVisitor);
    assert_eq!(world.state.counters.unknown_conversations, 1);
}

#[test]
fn o16_an_agent_who_has_accepted_and_is_not_connected_yet_can_end_and_wrap_up() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.writes_at("c", "Goedemorgen", "k1");
    let chat = world.at_conversation("c").id;
    world.accepts(chat, "anna");
    assert_eq!(world.state_of(chat), ChatState::Connecting);
    world.ends(chat, by("anna"));
    assert_eq!(world.state_of(chat), ChatState::Wrapping);
    // The visitor who leaves then had nobody.
    world.writes_at("d", "Goedemorgen", "k2");
    let other = world.at_conversation("d").id;
    world.accepts(other, "anna");
    world.happens("d", ConversationEvent::EndedByVisitor);
    assert_eq!(world.state_of(other), ChatState::Abandoned);
    assert_eq!(world.availability("anna").state, AvailabilityState::Available);
}
