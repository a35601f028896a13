//! Whatever is heard, said, confirmed, cut and heard again, in any order: each word is in the transcript once, what was not
//! confirmed is said again in its order, and no private word goes where the visitor is (O14, W08).

use crate::common::*;
use crate::visit::*;
use proptest::prelude::*;
use schakel_core::adapter::ChatOperation;
use schakel_core::input::InputBody;
use schakel_core::model::chat::{Audience, Author, Content};
use schakel_core::model::ids::MessageId;
use schakel_core::model::time::Time;
use schakel_core::report::chat::{ConversationEvent, Heard};
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Step {
    /// One of the visitor's messages is told, perhaps again, by one of its two names or by both.
    Hears {
        message: u8,
        names: u8,
        late: bool,
    },
    /// An agent says something, perhaps again.
    Says {
        message: u8,
        privately: bool,
    },
    /// The provider takes the nth message that it has not taken yet.
    Sent(usize),
    Cut,
    Back,
    Restarted,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..20_u8, 1..4_u8, any::<bool>()).prop_map(|(message, names, late)| Step::Hears {
            message,
            names,
            late
        }),
        6 => (0..20_u8, any::<bool>()).prop_map(|(message, privately)| Step::Says { message, privately }),
        4 => (0..4_usize).prop_map(Step::Sent),
        2 => Just(Step::Cut),
        3 => Just(Step::Back),
        1 => Just(Step::Restarted),
    ]
}

/// A message under its names: by one alone it is known only where that was learnt before.
fn told(message: u8, names: u8, late: Option<Time>) -> Heard {
    let all = [(1, format!("stanza-{message}")), (2, format!("origin-{message}"))];
    let keys = all.into_iter().filter(|(bit, _)| names & bit != 0).map(|(_, key)| key.as_str().into());
    Heard { queue: None, keys: keys.collect(), said: late, ..line(&format!("visitor {message}"), "") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn o14_w08_nothing_is_lost_doubled_or_shown_to_whom_it_is_not_for(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::chat();
        world.starts("anna", &["balie"]);
        let chat = world.served_at("c");
        // The names by which something was told, in groups that are one message by what was told of them.
        let mut known: BTreeSet<(u8, u8)> = BTreeSet::new();
        let mut expected = vec!["Goedemorgen".to_owned()];
        let mut private = 0;
        let mut used: BTreeSet<u8> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Hears { message, names, late } => {
                    let bits: Vec<u8> = [1, 2].into_iter().filter(|bit| names & bit != 0).collect();
                    if !bits.iter().any(|bit| known.contains(&(message, *bit))) {
                        expected.push(format!("visitor {message}"));
                    }
                    known.extend(bits.into_iter().map(|bit| (message, bit)));
                    let late = late.then(|| world.clock());
                    world.hears("c", told(message, names, late));
                }
                Step::Says { message, privately } => {
                    let audience = if privately { Audience::Agents } else { Audience::Public };
                    let words = if privately { format!("secret {message}") } else { format!("agent {message}") };
                    // The audience is part of what was said: another under the same id is refused.
                    if used.insert(message) {
                        if privately {
                            private += 1;
                        } else {
                            expected.push(words.clone());
                        }
                    }
                    world.utters(chat, by("anna"), 1_000 + u128::from(message), audience, Content::text(&words));
                }
                Step::Sent(nth) => {
                    let message = world.the_chat(chat).outgoing.get(nth).map(|spoken| spoken.message().id);
                    if let Some(message) = message {
                        world.happens("c", ConversationEvent::Sent(message));
                    }
                }
                Step::Cut => world.loses_chat_link(),
                Step::Restarted => world.input(InputBody::Started),
                Step::Back => {
                    world.loses_chat_link();
                    world.conversed.clear();
                    world.has_chat_link();
                    let again: Vec<MessageId> = world
                        .conversed
                        .iter()
                        .filter_map(|(_, operation)| match operation {
                            ChatOperation::Say { spoken, .. } => Some(spoken.message().id),
                            _ => None,
                        })
                        .collect();
                    let waiting = world.the_chat(chat).outgoing.iter().map(|spoken| spoken.message().id);
                    prop_assert_eq!(again, waiting.collect::<Vec<_>>(), "all that is not confirmed, in order");
                }
            }
        }
        prop_assert_eq!(world.words(chat), expected);
        prop_assert_eq!(world.internal(chat).len(), private);
        for (_, operation) in &world.conversed {
            if let ChatOperation::Say { spoken, .. } = operation {
                prop_assert!(!spoken.message().content.text.expose().contains("secret"));
                prop_assert_ne!(&spoken.message().author, &Author::Visitor);
            }
        }
    }
}

#[test]
fn o14_a_program_that_counts_its_messages_anew_loses_none() {
    // An id means something within its stream only (RFC 6120 section 8.1.3): many a program begins at 1 again.
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    world.writes_at("c", "Een", "oid:jan@example.org/pda:1");
    world.writes_at("c", "Een", "oid:jan@example.org/pda:1");
    assert_eq!(world.words(chat), ["Goedemorgen", "Een"], "the same again is told again");
    world.writes_at("c", "Twee", "oid:jan@example.org/pda:1");
    assert_eq!(world.words(chat), ["Goedemorgen", "Een", "Twee"], "other words are said anew");
    world.writes_at("c", "Een", "oid:jan@example.org/pda:1");
    world.writes_at("c", "Twee", "oid:jan@example.org/pda:1");
    assert_eq!(world.words(chat).len(), 3);
    // The archive knows better than its sender what is one message, whatever has become of its words since.
    let named = |text: &str, id: &str| Heard {
        keys: vec![id.into(), "oid:jan@example.org/pda:1".into()],
        ..line(text, "")
    };
    world.hears("c", named("Drie", "sid:3"));
    world.hears("c", named("Drie, door de server gekuist", "sid:3"));
    assert_eq!(world.words(chat).len(), 4);
    // The same in a chat that has ended.
    world.ends(chat, by("anna"));
    world.writes_at("c", "Drie", "oid:jan@example.org/pda:1");
    assert_eq!(world.state.chats.len(), 1);
    world.writes_at("c", "Vier", "oid:jan@example.org/pda:1");
    assert_eq!(world.words(world.at_conversation("c").id), ["Vier"]);
}

#[test]
fn o14_nobody_says_something_before_what_he_said_before() {
    // Any program can write into a message that it was kept somewhere since last year (XEP-0203).
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.served_at("c");
    let first = world.public(chat)[0].at;
    world.hears("c", Heard { said: Some(Time(7)), ..line("Dat zei ik vorig jaar al", "k2") });
    let last = world.last_said(chat);
    assert_eq!((last.at, world.public(chat).last().unwrap().at), (first, first));
    assert!(world.public(chat).last().unwrap().late);
}

#[test]
fn places_in_archives_are_bounded_and_ones_own_is_kept() {
    use schakel_core::report::EventReport;
    use schakel_core::report::chat::{ArchivePosition, ChatReport};
    use schakel_core::state::ARCHIVES_KEPT;
    let mut world = World::chat();
    let mut reads = |archive: &str, id: &str| {
        let read =
            ArchivePosition { archive: schakel_core::model::pii::Pii::new(archive.into()), id: id.into() };
        let report = EventReport::Chat(Box::new(ChatReport { event: None, read: Some(read) }));
        world.input(InputBody::Report { provider: crate::world::xmpp(), report });
    };
    reads("", "7");
    for room in 0..ARCHIVES_KEPT + 10 {
        reads(&format!("room-{room}@rooms.example.org"), "7");
    }
    reads("a-room@rooms.example.org", "7");
    // Of a room that is left nothing is kept, and no other makes place for it.
    reads("a-second@rooms.example.org", "");
    let positions = &world.state.archives[&crate::world::xmpp()].positions;
    assert_eq!(positions.len(), ARCHIVES_KEPT);
    assert!(positions.contains_key("") && positions.contains_key("a-room@rooms.example.org"));
}
