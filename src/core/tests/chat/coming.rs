//! A visitor comes, or leaves a message where nobody is there.

use crate::common::*;
use crate::visit::*;
use crate::world::*;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::{AnswerBy, ChatChange, ChatCommand, OfflineMessage};
use schakel_core::input::InputBody;
use schakel_core::model::chat::*;
use schakel_core::model::ids::{CommandId, OfflineMessageId};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Millis;
use schakel_core::notification::{Kind, Subject};
use schakel_core::report::chat::ConversationEvent;
use schakel_core::settings::{QueueSettings, TextId, WhenBusy};

#[test]
fn o05_o06_a_visitor_is_there_before_he_says_anything_and_can_be_joined_then() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let visitor = Visitor {
        email: Some(Pii::new("jan@example.org".into())),
        language: Some("en-GB".into()),
        attributes: vec![Attribute {
            name: "bsn".into(),
            value: Pii::new("123456782".into()),
            verified_by: Some("digid".into()),
        }],
        ..jan("visitor-1")
    };
    world.chat_news();
    let opened = world.visits_as("balie", visitor.clone());
    let chat = world.chat_of(opened);
    assert_eq!(world.chat_news(), ["chat.opened", "chat.updated"][..1]);
    let known = world.the_chat(chat).clone();
    assert_eq!((known.state, &known.visitor), (ChatState::Opened, &visitor));
    let contact = &world.state.contacts[&known.contact];
    assert_eq!((contact.customer.name.clone(), &contact.chats), (visitor.nickname.clone(), &vec![chat]));
    assert!(world.state.waiting.is_empty(), "it is offered to nobody yet");
    assert_eq!(world.public(chat)[0].content.text.expose(), &text(TextId::PreviewNotice.english()));
    // An agent joins him before he has said anything.
    let joined = world.does(chat, ChatChange::Join { agent: "anna".into() });
    assert!(world.succeeded(joined));
    assert_eq!(world.state_of(chat), ChatState::Active);
    // Of another the first word makes a waiting chat.
    let other = world.asks("balie");
    assert_eq!(world.state_of(other), ChatState::Offered);
    assert_eq!(world.the_chat(other).queued, Some(world.clock()));
}

#[test]
fn o06_a_visitor_who_never_says_anything_does_not_stay() {
    let mut world = World::chat_with(vec![QueueSettings { inactivity: Millis(0), ..queue("balie") }]);
    world.starts("anna", &["balie"]);
    let opened = world.visits("balie");
    let chat = world.chat_of(opened);
    world.works(4 * 60 + 1);
    assert_eq!(world.state_of(chat), ChatState::Abandoned);
}

#[test]
fn o05_a_visitor_says_more_of_himself_and_what_was_verified_stays_so() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let verified = |value: &str, by: Option<&str>| Attribute {
        name: "name".into(),
        value: Pii::new(value.into()),
        verified_by: by.map(text),
    };
    let first = Visitor { attributes: vec![verified("Jan", Some("digid"))], ..jan("jan@example.org") };
    world.happens("c", ConversationEvent::Opened { queue: "balie".into(), visitor: first });
    let chat = world.at_conversation("c").id;
    let more = Visitor {
        nickname: None,
        email: Some(Pii::new("jan@work.example".into())),
        attributes: vec![verified("Piet", None)],
        ..jan("jan@example.org")
    };
    world.happens("c", ConversationEvent::Opened { queue: "balie".into(), visitor: more });
    let known = &world.the_chat(chat).visitor;
    assert_eq!(known.nickname.as_ref().unwrap().expose(), &text("Jan"));
    assert!(known.email.is_some());
    assert_eq!(known.attributes, [verified("Jan", Some("digid"))]);
    assert_eq!(world.state.chats.len(), 1);
}

#[test]
fn c14_o04_where_nobody_is_there_a_chat_is_refused_with_the_text_that_says_so() {
    let closed = QueueSettings { open: false, offline: false, ..QueueSettings::named("closed") };
    let hidden = QueueSettings { when_busy: WhenBusy::Hide, ..queue("hidden") };
    let mut world = World::chat_with(vec![queue("balie"), closed, hidden]);
    let detail = |world: &mut World, queue: &str| {
        let refused = world.visits(queue);
        let (cause, _) = world.refusal(refused).unwrap();
        let words = match world.outcome(refused) {
            Some(schakel_core::command::CommandOutcome::Refused(refusal)) => refusal.detail.to_string(),
            other => panic!("{other:?}"),
        };
        (cause, words)
    };
    let (cause, words) = detail(&mut world, "balie");
    assert_eq!(cause, RefusalCause::AgentNotAvailable);
    assert!(words.starts_with(TextId::Closed.dutch()) && words.contains("can be left"), "{words}");
    world.starts("anna", &["balie", "closed", "hidden"]);
    let (_, words) = detail(&mut world, "closed");
    assert!(words.starts_with(TextId::ClosedWithoutForm.dutch()) && words.contains("No message"), "{words}");
    let (cause, _) = detail(&mut world, "nowhere");
    assert_eq!(cause, RefusalCause::UnknownQueue);
    for _ in 0..3 {
        world.served("balie");
    }
    let (cause, _) = detail(&mut world, "hidden");
    assert_eq!(cause, RefusalCause::AgentNotAvailable, "all are busy, and nobody is let wait");
    let waits = world.visits("balie");
    assert!(world.succeeded(waits), "here he may wait (C08)");
}

#[test]
fn c10_a_visitor_over_a_provider_is_told_that_nobody_is_there_and_his_words_are_kept() {
    let mut world = World::chat();
    world.writes_at("c", "Is daar iemand?", "k1");
    let chat = world.at_conversation("c").id;
    assert_eq!(world.state_of(chat), ChatState::Unserved);
    assert_eq!(world.words(chat), ["Is daar iemand?"]);
    assert_eq!(world.texts(chat), [TextId::Closed]);
    let asked = world.asked_at("c");
    assert_eq!(asked, [format!("say {}", TextId::Closed.dutch()), "end".to_owned()]);
    assert_eq!(world.records(chat).last().unwrap().state, ChatState::Unserved);
    // He tries again: a new chat, not the old one.
    world.starts("anna", &["balie"]);
    world.writes_at("c", "En nu?", "k2");
    assert_ne!(world.at_conversation("c").id, chat);
    assert_eq!(world.at_conversation("c").state, ChatState::Offered);
}

#[test]
fn limits_of_chats_and_of_one_visitor_are_kept() {
    let mut settings = with_queues(vec![queue("balie")]);
    settings.chat.limits.chats_max = 3;
    settings.chat.limits.chats_a_visitor_max = 2;
    let mut world = World::chat();
    world.input(InputBody::Configured(Box::new(settings)));
    world.starts("anna", &["balie"]);
    let mut first = Vec::new();
    for _ in 0..2 {
        let opened = world.visits_as("balie", jan("a"));
        assert!(world.succeeded(opened));
        first.push(world.chat_of(opened));
    }
    let third = world.visits_as("balie", jan("a"));
    assert_eq!(world.refused(third), RefusalCause::LimitExceeded);
    let other = world.visits_as("balie", jan("b"));
    assert!(world.succeeded(other));
    let full = world.visits_as("balie", jan("c"));
    assert_eq!(world.refused(full), RefusalCause::LimitExceeded);
    let refused = world.state.counters.refused_messages;
    world.writes_at("c", "Hallo?", "k1");
    assert_eq!(world.asked_at("c"), [format!("refuse {} true", TextId::Refused.dutch())]);
    assert_eq!((world.state.chats.len(), world.state.counters.refused_messages), (3, refused + 1));
    // What has ended counts no more.
    world.ends(first[0], Speaker::Visitor);
    let again = world.visits_as("balie", jan("a"));
    assert!(world.succeeded(again));
}

fn leaves_message(world: &mut World, change: impl FnOnce(&mut OfflineMessage)) -> CommandId {
    let mut message = OfflineMessage {
        id: OfflineMessageId(77),
        queue: "balie".into(),
        name: Pii::new("Jan".into()),
        email: Some(Pii::new("jan@example.org".into())),
        telephone: None,
        preference: AnswerBy::Email,
        text: Pii::new("Kunt u mij helpen?\nGroet".into()),
        language: None,
    };
    change(&mut message);
    world.chats(ChatCommand::LeaveMessage(Box::new(message)))
}

#[test]
fn c12_c14_c15_a_message_is_left_mailed_and_told() {
    let mut world = World::chat();
    world.chat_news();
    let left = leaves_message(&mut world, |_| {});
    assert!(world.succeeded(left));
    assert_eq!(world.state.commands[&left].offline, Some(OfflineMessageId(77)));
    assert_eq!(world.mails.len(), 1);
    assert_eq!(world.mails[0].name.expose(), &text("Jan"));
    assert_eq!(world.chat_news(), ["chat.offline-received"]);
    let told = world.last_told(Kind::ChatOfflineReceived);
    assert_eq!(told.subject, Subject::Offline(OfflineMessageId(77), "balie".into()));
}

#[test]
fn c14_c15_a_message_needs_name_text_and_the_way_of_its_answer() {
    type Change = fn(&mut OfflineMessage);
    let refused: [(Change, &str); 9] = [
        (|left| left.name = Pii::new(" ".into()), "no name"),
        (|left| left.text = Pii::new("\n".into()), "no text"),
        (|left| left.email = None, "no answer's way"),
        (|left| left.preference = AnswerBy::Telephone, "not the one that he prefers"),
        (|left| left.email = Some(Pii::new("jan".into())), "no address"),
        (|left| left.name = Pii::new("Jan\r\nBcc: x@example.org".into()), "a header of its own"),
        (|left| left.email = Some(Pii::new("jan@example.org\n".into())), "a line of its own"),
        (|left| left.text = Pii::new("x".repeat(16 * 1024 + 1).into()), "too long"),
        (
            |left| {
                left.preference = AnswerBy::Telephone;
                left.telephone = Some(Pii::new("bel me".into()));
            },
            "no number",
        ),
    ];
    for (change, why) in refused {
        let mut world = World::chat();
        let left = leaves_message(&mut world, change);
        assert_eq!(world.refused(left), RefusalCause::InvalidContent, "{why}");
        assert!(world.mails.is_empty() && world.told_of_kind(Kind::ChatOfflineReceived).is_empty(), "{why}");
    }
    let mut world = World::chat();
    let by_telephone = leaves_message(&mut world, |left| {
        left.email = None;
        left.preference = AnswerBy::Telephone;
        left.telephone = Some(Pii::new("+31 (0)318-12 34 56".into()));
    });
    assert!(world.succeeded(by_telephone));
}

#[test]
fn c14_the_documents_exact_form_asks_for_name_and_text_only() {
    let mut world = World::chat_with(vec![QueueSettings { offline_strict: true, ..queue("balie") }]);
    let left = leaves_message(&mut world, |left| left.email = None);
    assert!(world.succeeded(left));
    let nameless = leaves_message(&mut world, |left| left.name = Pii::new("".into()));
    assert_eq!(world.refused(nameless), RefusalCause::InvalidContent);
}

#[test]
fn c15_nothing_is_accepted_into_the_void() {
    let mut world = World::chat_with(vec![QueueSettings { offline: false, ..queue("balie") }]);
    let left = leaves_message(&mut world, |_| {});
    assert_eq!(world.refused(left), RefusalCause::NotSupported);
    let nowhere = leaves_message(&mut world, |left| left.queue = "elders".into());
    assert_eq!(world.refused(nowhere), RefusalCause::UnknownQueue);
    assert!(world.mails.is_empty());
}

#[test]
fn c10_o14_what_a_visitor_goes_on_to_say_to_a_closed_door_stays_in_one_chat() {
    let mut world = World::chat();
    for (line, key) in [("Hallo?", "k1"), ("Is daar iemand?", "k2"), ("Bel me dan", "k3")] {
        world.writes_at("c", line, key);
    }
    let chat = world.at_conversation("c").id;
    assert_eq!(world.state.chats.len(), 1, "a program that answers by itself makes no chats for ever");
    assert_eq!(world.state_of(chat), ChatState::Unserved);
    assert_eq!(world.words(chat), ["Hallo?", "Is daar iemand?", "Bel me dan"], "nothing is lost");
    assert_eq!(world.texts(chat), [TextId::Closed], "he was told");
    let (record, known) = (world.records(chat).pop().unwrap(), world.the_chat(chat));
    assert_eq!((record.messages.len(), record.version), (known.messages.len(), known.version));
    assert_eq!(world.asked_at("c").last().unwrap(), "end", "whoever holds the conversation lets it go again");
    // A flood has the limit of any other.
    for line in 0..200 {
        world.writes_at("c", "x", &format!("flood-{line}"));
    }
    assert_eq!(world.state.chats.len(), 1);
    let most = world.state.settings.chat.limits.messages_a_minute_max as usize;
    assert_eq!(world.words(chat).len(), 1 + most, "since it ended");
    assert_eq!(world.records(chat).len(), 1 + most, "what is refused is not written");
    // He comes back later, or somebody is there by then.
    world.works(61);
    world.writes_at("c", "En nu?", "k4");
    assert_eq!(world.state.chats.len(), 2);
    world.starts("anna", &["balie"]);
    world.writes_at("c", "Ik zie dat u er bent", "k5");
    assert_eq!((world.state.chats.len(), world.at_conversation("c").state), (3, ChatState::Offered));
}

#[test]
fn o14_last_words_that_were_not_confirmed_are_said_again_though_the_visitor_has_begun_anew() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let before = world.served_at("c");
    let sent: Vec<_> = world.the_chat(before).outgoing.iter().map(|one| one.message().id).collect();
    sent.into_iter().for_each(|message| world.happens("c", ConversationEvent::Sent(message)));
    world.answers(before, "anna", "Het loket is open tot vijf uur");
    let words = world.last_said(before).id;
    world.loses_chat_link();
    world.ends(before, by("anna"));
    // What he said meanwhile is heard before the link is up.
    world.input(InputBody::LinkReady { provider: xmpp(), capabilities: carries_chats() });
    world.writes_at("c", "Bent u er nog?", "k2");
    let now = world.at_conversation("c").id;
    assert_ne!(now, before);
    world.asked_at("c");
    world.input(InputBody::Resynced { provider: xmpp(), without_snapshot: vec![] });
    let again = world.asked_at("c");
    assert_eq!(
        again[..2],
        ["say Het loket is open tot vijf uur".to_owned(), format!("say {}", TextId::EndedByAgent.dutch())]
    );
    assert!(!again.contains(&"end".to_owned()), "its end would be that of the new one");
    world.happens("c", ConversationEvent::Sent(words));
    world.happens("c", ConversationEvent::Delivered(words));
    assert_eq!(world.the_chat(before).message(words).unwrap().delivery, Delivery::Delivered);
    assert_eq!(world.deliveries(words), [Delivery::Sent, Delivery::Delivered]);
    // The rest is waited for, as long as nobody could have taken it.
    world.loses_chat_link();
    world.works(60 * 60);
    assert_eq!(world.the_chat(before).outgoing.len(), 1);
    world.has_chat_link();
    world.works(60 * 60);
    assert!(!world.state.chats.contains_key(&before), "and not for ever");
}
