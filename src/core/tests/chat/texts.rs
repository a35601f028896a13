//! What a visitor is shown while he waits: the texts of the documents, as a table (C07 to C10, C13).

use crate::common::*;
use crate::world::*;
use schakel_core::apply::{QueueFacts, queue_facts, text_for};
use schakel_core::model::chat::{ChatState, EndReason};
use schakel_core::settings::{QueueSettings, TextId, WhenBusy};

/// Every combination of facts, one line each way that the documents and the decisions put it, in their order. A line
/// leaves out what does not matter to it.
#[test]
fn c07_to_c10_text_table() {
    let mut seen = 0;
    for open in [false, true] {
        for (agents, free) in [(0, 0), (1, 0), (1, 1), (5, 0), (5, 4)] {
            for waits in [false, true] {
                for ignored in [false, true] {
                    for offline in [false, true] {
                        for when_busy in [WhenBusy::Queue, WhenBusy::Hide, WhenBusy::Offline] {
                            let facts = QueueFacts { open, agents, free, waits, ignored, offline, when_busy };
                            assert_eq!(text_for(&facts), in_words(&facts), "{facts:?}");
                            seen += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen, 2 * 5 * 2 * 2 * 2 * 3);
}

/// The table, written out: `-` is any.
fn in_words(facts: &QueueFacts) -> TextId {
    // agents  open/waits  ignored  free  may wait
    let rows = [
        ("nobody -      -   -    -  ", TextId::Closed),
        ("some   closed -   -    -  ", TextId::Closed),
        ("some   open   yes -    -  ", TextId::Unresponsive),
        ("some   open   no  free -  ", TextId::Available),
        ("some   open   no  busy yes", TextId::Busy),
        ("some   open   no  busy no ", TextId::Closed),
    ];
    let is = [
        if facts.agents == 0 { "nobody" } else { "some" },
        if facts.open || facts.waits { "open" } else { "closed" },
        if facts.ignored { "yes" } else { "no" },
        if facts.free > 0 { "free" } else { "busy" },
        if facts.waits || facts.when_busy == WhenBusy::Queue { "yes" } else { "no" },
    ];
    let fits = |row: &str| row.split_whitespace().zip(is).all(|(asked, is)| asked == "-" || asked == is);
    let mut rows = rows.iter().filter(|(row, _)| fits(row));
    let text = rows.next().expect("the table is complete").1;
    assert!(rows.next().is_none(), "the table is plain");
    match text {
        TextId::Closed if !facts.offline => TextId::ClosedWithoutForm,
        text => text,
    }
}

fn facts(world: &World) -> QueueFacts {
    queue_facts(&world.state, &"balie".into(), None).expect("it is configured")
}

#[test]
fn c07_to_c10_the_facts_are_those_of_the_agents_in_the_channel() {
    let mut world = World::chat_with(vec![queue("balie"), queue("belasting")]);
    assert_eq!((facts(&world).agents, facts(&world).free), (0, 0));
    world.starts("anna", &["balie"]);
    world.starts("bert", &["belasting"]);
    assert_eq!((facts(&world).agents, facts(&world).free), (1, 1));
    world.rings("1");
    assert_eq!((facts(&world).agents, facts(&world).free), (1, 0));
    assert_eq!(queue_facts(&world.state, &"elsewhere".into(), None), None);
}

#[test]
fn c07_a_visitor_who_can_be_helped_is_told_so_once() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat).as_deref(), Some("anna"));
    let shown: Vec<_> = world.texts(chat).into_iter().filter(|text| *text == TextId::Available).collect();
    assert_eq!(shown, [TextId::Available]);
}

#[test]
fn c08_all_busy_is_told_and_not_repeated() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    world.served("balie");
    let chat = world.asks("balie");
    assert_eq!(world.offered(chat), None);
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy]);
    world.works(60);
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy]);
    // Another comes: what is good news at the start is none in between.
    world.starts("bert", &["balie"]);
    assert_eq!(world.offered(chat).as_deref(), Some("bert"));
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy]);
}

#[test]
fn c09_who_does_not_react_is_told_of() {
    let mut world = World::chat();
    world.starts("anna", &["balie"]);
    let chat = world.asks("balie");
    world.works(31);
    assert_eq!(waiting_texts(&world, chat), [TextId::Available, TextId::Unresponsive]);
    // Offered again after the cool-down, and taken: the next who waits is told nothing of it.
    world.works(20);
    world.accepts(chat, "anna");
    let next = world.asks("balie");
    assert_eq!(waiting_texts(&world, next), [TextId::Available]);
}

#[test]
fn c10_the_last_agent_leaves_and_the_visitor_is_shown_the_form() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    world.served("balie");
    let chat = world.asks("balie");
    world.stops("anna");
    assert_eq!(world.the_chat(chat).state, ChatState::Unserved);
    assert_eq!(world.the_chat(chat).ended.as_ref().map(|ended| ended.reason), Some(EndReason::NotServed));
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy, TextId::Closed]);
}

#[test]
fn c10_without_an_address_for_messages_no_form_is_promised() {
    let mut world = World::chat_with(vec![QueueSettings { offline: false, ..queue("balie") }]);
    world.starts_with("anna", &["balie"], Some(1));
    world.served("balie");
    let chat = world.asks("balie");
    world.stops("anna");
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy, TextId::ClosedWithoutForm]);
}

#[test]
fn c10_who_waits_too_long_is_shown_the_form() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    let (first, _) = world.served("balie");
    let chat = world.asks("balie");
    world.works(4 * 60 - 2);
    assert!(world.the_chat(chat).state.is_waiting());
    world.works(3);
    assert_eq!(world.the_chat(chat).state, ChatState::Unserved);
    assert_eq!(waiting_texts(&world, chat), [TextId::Busy, TextId::Closed]);
    assert_eq!(world.the_chat(first).state, ChatState::Active, "who is served is served");
}

#[test]
fn c14_whoever_waits_at_closing_time_is_served_yet() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    world.served("balie");
    let chat = world.asks("balie");
    world.configure(vec![QueueSettings { open: false, ..queue("balie") }]);
    assert_eq!(text_for(&facts(&world)), TextId::Closed, "for who comes now");
    assert!(world.the_chat(chat).state.is_waiting());
    world.starts("bert", &["balie"]);
    assert_eq!(world.offered(chat).as_deref(), Some("bert"));
}

#[test]
fn w01_a_queue_that_is_configured_no_more_serves_nobody() {
    let mut world = World::chat();
    world.starts_with("anna", &["balie"], Some(1));
    let (going_on, _) = world.served("balie");
    let chat = world.asks("balie");
    world.configure(vec![queue("belasting")]);
    assert_eq!(world.the_chat(chat).state, ChatState::Unserved);
    assert_eq!(world.the_chat(going_on).state, ChatState::Active);
}

/// The texts of C07 to C10 that a visitor was shown.
fn waiting_texts(world: &World, chat: schakel_core::model::ids::ChatId) -> Vec<TextId> {
    let all = world.texts(chat).into_iter();
    let of_waiting =
        [TextId::Available, TextId::Busy, TextId::Unresponsive, TextId::Closed, TextId::ClosedWithoutForm];
    all.filter(|text| of_waiting.contains(text)).collect()
}
