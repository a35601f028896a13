//! What an agent's desk and an organisation's settings make of a chat.

use crate::common::*;
use crate::visit::*;
use crate::world::*;
use schakel_core::adapter::ChatOperation;
use schakel_core::command::chat::ChatCommand;
use schakel_core::input::InputBody;
use schakel_core::model::chat::Author;
use schakel_core::notification::Kind;
use schakel_core::settings::{QueueSettings, TextId};

#[test]
fn o08_o10_the_visitor_sees_his_agent_by_nickname_and_by_nothing_else() {
    let mut world = World::chat();
    let start = ChatCommand::Start {
        agent: "anna".into(),
        queues: vec!["balie".into()],
        nickname: Some("De balie".into()),
        chats_max: None,
    };
    world.chats(start);
    let chat = world.served_at("c");
    world.answers(chat, "anna", "Waarmee kan ik helpen?");
    let joined =
        world.public(chat).into_iter().find(|said| said.author == Author::System(TextId::AgentJoined));
    assert!(joined.unwrap().content.text.expose().contains("De balie"), "he sees who takes part");
    for said in world.public(chat) {
        assert!(!said.content.text.expose().contains("anna"), "{:?}", said.author);
    }
    let spoken = world.conversed.iter().filter_map(|(_, operation)| match operation {
        ChatOperation::Say { spoken, .. } => Some(spoken),
        _ => None,
    });
    let named: Vec<_> = spoken.filter_map(|spoken| spoken.nickname().map(|name| name.to_string())).collect();
    assert_eq!(named, ["De balie"], "schakel's own words are nobody's");
}

#[test]
fn c05_c11_c13_o03_the_organisations_words_and_settings_are_those_that_hold() {
    let ours = [
        (TextId::Welcome, "Welkom bij de gemeente"),
        (TextId::Available, "Wij zijn er"),
        (TextId::EndedByAgent, "Tot ziens"),
    ];
    let mut settings = with_queues(vec![QueueSettings { welcome: true, chats_max: 1, ..queue("balie") }]);
    settings.chat.texts.extend(ours.map(|(id, words)| ((text("nl"), id), text(words))));
    let mut world = World::chat();
    world.input(InputBody::Configured(Box::new(settings)));
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    assert_eq!(world.texts(chat)[0], TextId::Welcome, "before anything else");
    let second = world.asks("balie");
    assert_eq!(world.offered(second), None, "one chat at a time");
    world.ends(chat, by("anna"));
    assert_eq!(world.texts(chat).last(), Some(&TextId::EndedByAgent));
    let said: Vec<_> = world.public(chat).iter().map(|said| said.content.text.expose().to_string()).collect();
    for (id, words) in ours {
        assert!(said.iter().any(|said| said == words), "{id:?}: {said:?}");
    }
}

#[test]
fn c04_o15_two_chats_side_by_side_are_two_contacts_and_no_word_crosses() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (first, _) = world.served("balie");
    let (second, _) = world.served("balie");
    for (chat, words) in [(first, "eerste"), (second, "tweede"), (first, "derde")] {
        world.answers(chat, "anna", words);
    }
    assert_eq!(world.words(first), ["Goedemorgen", "eerste", "derde"]);
    assert_eq!(world.words(second), ["Goedemorgen", "tweede"]);
    // By the contact JKC makes a note, links a record and shows the history: every event has it, and its number in it.
    for chat in [first, second] {
        let contact = world.the_chat(chat).contact;
        let told = world.told.iter().filter_map(|told| told.contact.filter(|(of, _)| *of == contact));
        let numbers: Vec<u64> = told.map(|(_, number)| number).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert!(numbers.len() >= 8, "{numbers:?}");
    }
    let of_no_contact = world.told.iter().filter(|told| told.kind.as_str().starts_with("chat."));
    assert!(of_no_contact.clone().count() > 10 && of_no_contact.clone().all(|told| told.contact.is_some()));
    assert_eq!(world.told_of_kind(Kind::ChatActive).len(), 2);
}
