//! What is said: agents and visitors, publicly and privately; nothing is lost and nothing is told twice.

use crate::common::*;
use crate::visit::*;
use crate::world::*;
use schakel_core::command::RefusalCause;
use schakel_core::command::chat::ChatChange;
use schakel_core::effect::ChatWrite;
use schakel_core::input::InputBody;
use schakel_core::model::chat::*;
use schakel_core::model::ids::{ChatId, CommandId, FileId, MessageId};
use schakel_core::model::pii::Pii;
use schakel_core::notification::{Kind, MessageTold, Subject};
use schakel_core::report::chat::{ConversationEvent, Heard, HeardBy};
use schakel_core::settings::{QueueSettings, TextId};

#[test]
fn o14_each_message_is_written_in_order_before_anybody_is_told() {
    // World::check_written_first sees to "before" after every input of every story.
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, agent) = world.served("balie");
    world.answers(chat, &agent, "Waarmee kan ik helpen?");
    world.utters(chat, by(&agent), 5, Audience::Agents, Content::text("Lastig geval"));
    world.writes(chat, "Mijn paspoort");
    let public = world.public(chat);
    let seqs: Vec<u64> = public.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=public.len() as u64).collect::<Vec<_>>());
    let mut orders: Vec<u64> = public.iter().map(|message| message.order).collect();
    orders.extend(world.internal(chat).iter().map(|message| message.order));
    orders.sort_unstable();
    assert_eq!(orders, (1..=orders.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.words(chat), ["Goedemorgen", "Waarmee kan ik helpen?", "Mijn paspoort"]);
    let told = world.told_of_kind(Kind::ChatMessage).len();
    assert_eq!(told, public.len() + 1, "each is told once");
}

#[test]
fn o14_the_same_message_again_is_no_second_one_and_another_is_refused() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let say = |world: &mut World, words: &str, audience| {
        world.utters(chat, by("anna"), 42, audience, Content::text(words))
    };
    say(&mut world, "Een", Audience::Public);
    let (written, told) = (world.written.len(), world.told_of_kind(Kind::ChatMessage).len());
    let again = say(&mut world, "Een", Audience::Public);
    assert!(world.succeeded(again));
    assert_eq!((world.written.len(), world.told_of_kind(Kind::ChatMessage).len()), (written, told));
    let other = say(&mut world, "Twee", Audience::Public);
    assert_eq!(world.refused(other), RefusalCause::MessageConflict);
    let elsewhere = say(&mut world, "Een", Audience::Agents);
    assert_eq!(
        world.refused(elsewhere),
        RefusalCause::MessageConflict,
        "said to others it is something else"
    );
    let visitor = world.utters(chat, Speaker::Visitor, 42, Audience::Public, Content::text("Een"));
    assert_eq!(world.refused(visitor), RefusalCause::MessageConflict, "said by another too");
    // The program did not hear the answer and says it again after the end.
    world.ends(chat, by("anna"));
    let late = say(&mut world, "Een", Audience::Public);
    assert!(world.succeeded(late));
    let new = world.answers(chat, "anna", "Nog iets");
    assert_eq!(world.refused(new), RefusalCause::InvalidChatState);
}

#[test]
fn o07_a_chat_with_words_that_wait_for_an_answer_is_marked() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, agent) = world.served("balie");
    let since = world.the_chat(chat).messages.iter().find(|said| said.author == Author::Visitor).unwrap().at;
    assert_eq!(world.the_chat(chat).unanswered_since, Some(since));
    world.utters(chat, by(&agent), 5, Audience::Agents, Content::text("Wie weet dit?"));
    world.writes(chat, "Hallo?");
    assert_eq!(world.the_chat(chat).unanswered_since, Some(since), "from the first word on");
    world.answers(chat, &agent, "Hier ben ik");
    assert_eq!(world.the_chat(chat).unanswered_since, None);
    world.writes(chat, "Fijn");
    assert_eq!(world.the_chat(chat).unanswered_since, Some(world.clock()));
}

#[test]
fn w08_a_private_word_never_goes_where_the_visitor_is() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.asked_at("c");
    let public = world.public(chat).len();
    let seq = world.the_chat(chat).public_seq;
    world.utters(chat, by("anna"), 5, Audience::Agents, Content::text("Geheim"));
    assert_eq!(world.asked_at("c"), ["anna says privately Geheim"]);
    assert_eq!((world.public(chat).len(), world.the_chat(chat).public_seq), (public, seq));
    assert!(world.the_chat(chat).outgoing.iter().all(|spoken| spoken.message().id != MessageId(5)));
    assert_eq!(world.internal(chat).len(), 1);
    let told = world.told_of_kind(Kind::ChatMessage).into_iter().next_back().unwrap();
    assert!(matches!(&told.subject, Subject::Message(told) if matches!(**told, MessageTold::Internal(_))));
    // From the agents' own room it comes in as private, and does not go back there.
    world.hears("c", Heard { by: HeardBy::AgentPrivately("anna".into()), ..line("Ook geheim", "k9") });
    assert_eq!(world.internal(chat).len(), 2);
    assert_eq!((world.public(chat).len(), world.asked_at("c").len()), (public, 0));
    // After a lost link nothing of it is said to the visitor either.
    world.loses_chat_link();
    world.has_chat_link();
    assert!(world.asked_at("c").iter().all(|asked| !asked.contains("eheim")));
    let visitor = world.utters(chat, Speaker::Visitor, 6, Audience::Agents, Content::text("Ik ook"));
    assert_eq!(world.refused(visitor), RefusalCause::InvalidContent);
}

#[test]
fn o23_o21_who_does_not_take_part_says_nothing() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let outside = world.answers(chat, "bert", "Hallo");
    assert_eq!(world.refused(outside), RefusalCause::NotParticipant);
    world.does(chat, ChatChange::Observe { agent: "carla".into(), purpose: "training".into() });
    for audience in [Audience::Public, Audience::Agents] {
        let watching = world.utters(chat, by("carla"), 9, audience, Content::text("Psst"));
        assert_eq!(world.refused(watching), RefusalCause::NotParticipant);
    }
}

fn offers_choice() -> Content {
    let option = |id: &str, words: &str| (id.into(), Pii::new(words.into()));
    let options = vec![option("paspoort", "Paspoort"), option("rijbewijs", "Rijbewijs")];
    Content { choice: Some(Choice { options }), ..Content::text("Waar gaat het over?") }
}

fn chooses(world: &mut World, chat: ChatId, id: u128, option: &str) -> CommandId {
    let chosen = Some((MessageId(5), option.into()));
    world.utters(chat, Speaker::Visitor, id, Audience::Public, Content { chosen, ..Content::text("") })
}

#[test]
fn w06_a_choice_is_answered_once_with_one_of_its_options() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let asked = world.utters(chat, by("anna"), 5, Audience::Public, offers_choice());
    assert!(world.succeeded(asked));
    let unknown = chooses(&mut world, chat, 6, "fiets");
    assert_eq!(world.refused(unknown), RefusalCause::InvalidContent);
    let chosen = chooses(&mut world, chat, 7, "rijbewijs");
    assert!(world.succeeded(chosen));
    let said = world.public(chat).into_iter().next_back().unwrap();
    assert_eq!(said.content.chosen, Some((MessageId(5), "rijbewijs".into())));
    let repeated = chooses(&mut world, chat, 7, "rijbewijs");
    assert!(world.succeeded(repeated), "the same answer again is the same");
    let second = chooses(&mut world, chat, 8, "paspoort");
    assert_eq!(world.refused(second), RefusalCause::AlreadyDecided);
    let visitor = world.utters(chat, Speaker::Visitor, 9, Audience::Public, offers_choice());
    assert_eq!(world.refused(visitor), RefusalCause::InvalidContent, "only agents ask");
    let mut twice = offers_choice();
    twice.choice.as_mut().unwrap().options[1].0 = "paspoort".into();
    let twice = world.utters(chat, by("anna"), 10, Audience::Public, twice);
    assert_eq!(world.refused(twice), RefusalCause::InvalidContent);
}

#[test]
fn w06_in_a_chat_program_the_name_or_the_number_of_an_option_is_its_choice() {
    for (words, option) in
        [("RIJBEWIJS ", Some("rijbewijs")), ("1", Some("paspoort")), ("3", None), ("nee", None)]
    {
        let mut world = World::chat();
        world.starts("anna", &["balie"]);
        let chat = world.served_at("c");
        world.utters(chat, by("anna"), 5, Audience::Public, offers_choice());
        world.writes_at("c", words, "k2");
        let said = world.public(chat).into_iter().next_back().unwrap();
        assert_eq!(said.content.chosen, option.map(|option| (MessageId(5), option.into())), "{words}");
        assert_eq!(said.content.text.expose(), &text(words), "his words stay what they are");
        assert_eq!(world.the_chat(chat).message(MessageId(5)).unwrap().options.is_empty(), option.is_some());
    }
}

#[test]
fn w09_files_are_five_at_most_of_kinds_that_are_taken() {
    let file = |media: &str, size: u64| Attachment {
        id: FileId(u128::from(size)),
        name: Pii::new("brief".into()),
        media_type: media.into(),
        size,
    };
    let with = |files: Vec<Attachment>| Content { files, ..Content::text("") };
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let (chat, _) = world.served("balie");
    let mut id = 100;
    let mut says = |world: &mut World, speaker: Speaker, audience, content| {
        id += 1;
        let said = world.utters(chat, speaker, id, audience, content);
        world.refusal(said).map(|(cause, _)| cause)
    };
    let pdf = || file("application/pdf", 20_000_000);
    assert_eq!(says(&mut world, by("anna"), Audience::Public, with(vec![pdf(); 5])), None);
    assert_eq!(says(&mut world, by("anna"), Audience::Agents, with(vec![file("image/png", 1)])), None);
    let bad = Some(RefusalCause::InvalidContent);
    assert_eq!(says(&mut world, by("anna"), Audience::Public, with(vec![pdf(); 6])), bad);
    assert_eq!(
        says(&mut world, by("anna"), Audience::Public, with(vec![file("text/plain", 20_000_001)])),
        bad
    );
    assert_eq!(says(&mut world, by("anna"), Audience::Public, with(vec![file("application/zip", 1)])), bad);
    assert_eq!(says(&mut world, Speaker::Visitor, Audience::Public, with(vec![file("text/plain", 1)])), bad);
    assert_eq!(says(&mut world, by("anna"), Audience::Public, Content::text("  ")), bad);
    assert_eq!(says(&mut world, by("anna"), Audience::Public, Content::text("\u{1b}[2J")), bad);
    assert_eq!(
        says(&mut world, by("anna"), Audience::Public, Content::text(&"x".repeat(16 * 1024 + 1))),
        bad
    );
    world.configure(vec![QueueSettings { visitor_files: true, ..queue("balie") }]);
    assert_eq!(says(&mut world, Speaker::Visitor, Audience::Public, with(vec![file("text/plain", 1)])), None);
}

#[test]
fn a_visitor_who_writes_too_fast_is_refused_and_told_once_a_minute() {
    let mut settings = with_queues(vec![queue("balie")]);
    settings.chat.limits.messages_a_minute_max = 3;
    let mut world = World::chat();
    world.input(InputBody::Configured(Box::new(settings)));
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    for _ in 0..2 {
        let said = world.writes(chat, "En?");
        assert!(world.succeeded(said));
    }
    let fast = world.writes(chat, "En?");
    assert_eq!(world.refused(fast), RefusalCause::TooFast);
    world.works(61);
    let later = world.writes(chat, "En?");
    assert!(world.succeeded(later));
    // Over a provider there is nobody to refuse to: he is told, once.
    for key in 0..6 {
        world.writes_at("c", "Hallo", &format!("k{key}"));
    }
    let chat = world.at_conversation("c").id;
    assert_eq!(world.words(chat).len(), 3);
    let told = world.asked_at("c").into_iter().filter(|asked| asked.starts_with("refuse")).count();
    assert_eq!(told, 1);
    // What the archive kept for us comes all at once, and none of it is lost.
    for key in 10..20 {
        let said = Some(world.clock());
        world.hears("c", Heard { said, ..line("Eerder", &format!("k{key}")) });
    }
    assert_eq!(world.words(chat).len(), 13);
}

#[test]
fn o07_who_asks_hears_that_it_is_kept_and_nothing_else_is_said_to_be() {
    let mut settings = with_queues(vec![queue("balie")]);
    settings.chat.limits.messages_a_minute_max = 2;
    let mut world = World::chat();
    world.input(InputBody::Configured(Box::new(settings)));
    world.starts("anna", &["balie"]);
    let wants = |key: &str| Heard { receipt: true, ..line("Goedemorgen", key) };
    let kept = |world: &mut World| {
        let asked = world.asked_at("c").into_iter();
        asked.filter(|asked| asked.starts_with("kept")).collect::<Vec<_>>()
    };
    world.hears("c", wants("k1"));
    assert_eq!(kept(&mut world), ["kept k1"]);
    world.hears("c", wants("k1"));
    assert_eq!(kept(&mut world), ["kept k1"], "again when he says it again");
    world.hears("c", line("Hallo?", "k2"));
    assert!(kept(&mut world).is_empty(), "he did not ask");
    // Refused, and refused once more: it is in no transcript.
    world.hears("c", wants("k3"));
    world.hears("c", wants("k3"));
    assert!(kept(&mut world).is_empty());
    // What was kept for us while we were away, and is told before the link is said to be up again.
    world.loses_chat_link();
    world.hears("c", Heard { said: Some(world.clock()), ..wants("k4") });
    assert_eq!(kept(&mut world), ["kept k4"]);
}

#[test]
fn o14_what_a_provider_tells_again_is_known_by_any_of_its_names() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    world.hears("c", Heard { keys: vec!["origin".into()], ..line("Goedemorgen", "") });
    let chat = world.at_conversation("c").id;
    world.hears("c", Heard { keys: vec!["stanza".into(), "origin".into()], ..line("Goedemorgen", "") });
    world.hears(
        "c",
        Heard { keys: vec!["stanza".into()], said: Some(world.clock()), ..line("Goedemorgen", "") },
    );
    assert_eq!(world.words(chat), ["Goedemorgen"]);
    assert_eq!(world.state.counters.repeated_messages, 2);
    // The chat knows its own words by itself, when so much was heard since that the provider's are forgotten.
    let heard = world.state.archives.clone();
    world.state.archives.clear();
    world.writes_at("c", "Goedemorgen", "stanza");
    assert_eq!((world.words(chat).len(), world.state.counters.repeated_messages), (1, 3));
    world.state.archives = heard;
    // Also when the chat has ended, and even been forgotten.
    world.happens("c", ConversationEvent::EndedByVisitor);
    world.writes_at("c", "Goedemorgen", "stanza");
    assert_eq!(world.state.chats.len(), 1);
    world.works(30 * 60);
    assert!(world.state.chats.is_empty());
    world.writes_at("c", "Goedemorgen", "origin");
    assert!(world.state.chats.is_empty());
}

#[test]
fn o14_the_names_that_are_kept_are_bounded() {
    let mut world = World::chat();
    for key in 0..schakel_core::state::HEARD_KEPT + 10 {
        let heard = Heard { queue: None, ..line("x", &format!("k{key}")) };
        let report = schakel_core::report::chat::ChatEvent::Chat {
            chat: "nowhere".into(),
            event: Box::new(ConversationEvent::Said(heard)),
        };
        // Without the checks of a story, which would take long here.
        let report = schakel_core::report::chat::ChatReport { event: Some(report), read: None };
        let input = schakel_core::input::Input {
            at: world.clock(),
            seed: key as u64,
            body: InputBody::Report {
                provider: xmpp(),
                report: schakel_core::report::EventReport::Chat(Box::new(report)),
            },
        };
        schakel_core::apply::apply(&mut world.state, &input, &mut Vec::new());
    }
    let read = &world.state.archives[&xmpp()];
    assert_eq!((read.heard.len(), read.known.len()), (schakel_core::state::HEARD_KEPT, read.heard.len()));
    assert!(read.heard.iter().all(|key| read.known.contains(key)));
}

#[test]
fn o14_what_comes_late_is_marked_with_its_own_moment_and_what_is_corrected_is_named() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.writes_at("c", "Mijn pasport", "k1");
    let wrong = world.last_said(chat).id;
    let before = world.clock();
    world.works(5);
    world
        .hears("c", Heard { said: Some(before), corrects: Some("k1".into()), ..line("Mijn paspoort", "k2") });
    let said = world.public(chat).into_iter().next_back().unwrap();
    assert_eq!((said.at, said.late, said.corrects), (before, true, Some(wrong)));
    // Somebody else's words are not corrected, nor those that are not known: it stands for itself.
    world.hears(
        "c",
        Heard { by: HeardBy::Agent("anna".into()), corrects: Some("k1".into()), ..line("Wat?", "k3") },
    );
    assert_eq!(world.public(chat).into_iter().next_back().unwrap().corrects, None);
    world.hears("c", Heard { corrects: Some("unknown".into()), ..line("Zo", "k4") });
    assert_eq!(world.words(chat).last().unwrap(), "Zo");
    // Links are named, and nothing in words can be anything but words.
    let links = vec![Pii::new("https://example.org/a.pdf".into())];
    world.hears("c", Heard { links, ..line("Zie\u{0}\r\nhier", "k5") });
    assert_eq!(world.words(chat).last().unwrap(), "Zie\nhier\nhttps://example.org/a.pdf");
}

#[test]
fn o14_words_in_a_conversation_that_has_ended_open_another_chat_only_with_a_queue() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.ends(chat, by("anna"));
    world.hears("c", Heard { queue: None, ..line("Nog iets", "k2") });
    assert_eq!((world.state.chats.len(), world.state.counters.unknown_conversations), (1, 1));
    world.writes_at("c", "Toch nog iets", "k3");
    assert_eq!(world.state.chats.len(), 2);
    assert_eq!(world.at_conversation("c").state, ChatState::Offered);
    assert_ne!(world.at_conversation("c").contact, world.the_chat(chat).contact);
}

#[test]
fn o14_what_a_provider_has_not_taken_is_said_again_in_order_when_its_link_is_back() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    let sent: Vec<MessageId> = world.the_chat(chat).outgoing.iter().map(|one| one.message().id).collect();
    for message in sent {
        world.happens("c", ConversationEvent::Sent(message));
    }
    assert!(world.the_chat(chat).outgoing.is_empty());
    world.loses_chat_link();
    world.asked_at("c");
    world.answers(chat, "anna", "Een");
    world.answers(chat, "anna", "Twee");
    world.ends(chat, by("anna"));
    assert_eq!(world.asked_at("c"), Vec::<String>::new(), "nothing is asked of nobody");
    world.has_chat_link();
    let again = ["say Een", "say Twee", &format!("say {}", TextId::EndedByAgent.dutch()), "end"];
    assert_eq!(world.asked_at("c"), again);
    // Lost again before any of it was confirmed but the first.
    let first = world.the_chat(chat).outgoing[0].message().id;
    world.happens("c", ConversationEvent::Sent(first));
    world.loses_chat_link();
    world.has_chat_link();
    assert_eq!(world.asked_at("c"), again[1..]);
    world.happens("c", ConversationEvent::EndedByProvider("gone".into()));
    let rest: Vec<MessageId> = world.the_chat(chat).outgoing.iter().map(|one| one.message().id).collect();
    for message in rest {
        world.happens("c", ConversationEvent::Sent(message));
    }
    world.loses_chat_link();
    world.has_chat_link();
    assert_eq!(world.asked_at("c"), Vec::<String>::new());
}

#[test]
fn o14_an_end_that_a_provider_has_not_heard_of_outlives_the_chat() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.loses_chat_link();
    world.ends(chat, by("anna"));
    world.works(60 * 60);
    assert_eq!(world.state_of(chat), ChatState::Archived, "it is kept until the provider knows");
    world.asked_at("c");
    world.has_chat_link();
    assert_eq!(world.asked_at("c").last().unwrap(), "end");
    world.works(11 * 60);
    assert!(world.state.chats.is_empty() && world.state.contacts.is_empty());
    assert!(world.state.by_conversation.is_empty());
}

#[test]
fn o07_how_far_a_message_came_only_goes_forward() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.answers(chat, "anna", "Goedemorgen");
    let message = world.last_said(chat).id;
    assert_eq!(world.last_said(chat).delivery, Delivery::Pending);
    let seen = world.told_of_kind(Kind::ChatDelivery).len();
    use ConversationEvent::{Delivered, Displayed, NotDelivered, Sent};
    let steps = [
        (Sent(message), Delivery::Sent, 0),
        (Sent(message), Delivery::Sent, 0),
        (NotDelivered(message, "gone".into()), Delivery::Failed("gone".into()), 1),
        (Delivered(message), Delivery::Delivered, 2),
        (Displayed(message), Delivery::Displayed, 3),
        (Delivered(message), Delivery::Displayed, 3),
        (NotDelivered(message, "late".into()), Delivery::Displayed, 3),
    ];
    for (event, now, told) in steps {
        world.happens("c", event);
        assert_eq!(world.the_chat(chat).message(message).unwrap().delivery, now);
        assert_eq!(world.told_of_kind(Kind::ChatDelivery).len(), seen + told);
    }
    let failed = Delivery::Failed("gone".into());
    assert_eq!(world.deliveries(message), [Delivery::Sent, failed, Delivery::Delivered, Delivery::Displayed]);
    // The visitor's own words have no such story.
    world.writes_at("c", "Dag", "k2");
    let his = world.last_said(chat).id;
    world.happens("c", Delivered(his));
    assert_eq!(world.the_chat(chat).message(his).unwrap().delivery, Delivery::None);
    // For a program on the REST API what is written can be had.
    let (chat, agent) = world.served("balie");
    world.answers(chat, &agent, "Dag");
    assert_eq!(world.last_said(chat).delivery, Delivery::Sent);
}

#[test]
fn o14_no_words_are_in_the_record_but_where_they_were_said() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.loses_chat_link();
    world.answers(chat, "anna", "Onbevestigd");
    world.ends(chat, by("anna"));
    assert!(!world.the_chat(chat).outgoing.is_empty());
    let record = world.records(chat)[0];
    assert!(record.outgoing.is_empty());
    assert_eq!(record.version, world.the_chat(chat).version, "as it is told");
    assert!(matches!(world.written.last(), Some(ChatWrite::Record(_))));
}
