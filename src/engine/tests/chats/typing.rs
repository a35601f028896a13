//! Who types: told to who listens now, and kept nowhere (O11).

use crate::house::{House, agent, on_one_thread, xmpp};
use schakel_core::adapter::Typing;
use schakel_core::command::Command;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::model::chat::{Speaker, Visitor};
use schakel_core::model::ids::ChatId;
use schakel_core::model::pii::Pii;
use schakel_engine::{Order, TypingError, TypingTold, Typist};
use tokio::sync::mpsc;

fn by_visitor(chat: ChatId, text: Option<&str>) -> TypingTold {
    let text = text.map(|text| Pii::new(text.into()));
    TypingTold { chat, who: Typist::Visitor { text }, typing: true }
}

fn words(text: &str) -> Option<Pii<schakel_core::model::ids::Str>> {
    Some(Pii::new(text.into()))
}

#[test]
fn o11_agents_see_what_a_visitor_types_where_his_queue_allows_it() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served("Jan").await;
        let open = ChatCommand::Open { queue: "stil".into(), visitor: Box::new(Visitor::default()) };
        let mut listens = engine.handle.typings();
        engine.handle.typing_of_visit(chat, true, words("Ik heb een")).await.unwrap();
        assert_eq!(listens.recv().await.unwrap(), by_visitor(chat, Some("Ik heb een")));
        engine.handle.typing_of_visit(chat, true, words(&"x".repeat(100_000))).await.unwrap();
        assert_eq!(listens.recv().await.unwrap(), by_visitor(chat, None), "no message could be so long");
        // A queue without preview: that he types, not what.
        let start = ChatCommand::Start {
            agent: agent(),
            queues: vec!["stil".into(), "balie".into()],
            nickname: None,
            chats_max: None,
        };
        engine.done(Command::Chat(start)).await;
        let quiet = engine.done(Command::Chat(open)).await.chat.unwrap();
        engine.handle.typing_of_visit(quiet, true, words("geheim")).await.unwrap();
        assert_eq!(listens.recv().await.unwrap(), by_visitor(quiet, None));
        let unknown = engine.handle.typing_of_visit(ChatId(9), true, None).await;
        assert_eq!(unknown, Err(TypingError::UnknownChat));
    });
}

#[test]
fn o11_typing_goes_to_and_from_a_provider_and_is_no_input() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served_at("jan@web").await;
        let (orders, mut link) = mpsc::channel(8);
        engine.handle.set_link(xmpp(), Some(orders)).await.unwrap();
        let inputs = house.store().counters().submissions;
        let mut listens = engine.handle.typings();
        let typing = Typing { chat: "jan@web".into(), typing: true, text: words("Ik heb") };
        engine.handle.typing_of_visitor(xmpp(), typing);
        let elsewhere = Typing { chat: "piet@web".into(), typing: true, text: None };
        engine.handle.typing_of_visitor(xmpp(), elsewhere);
        engine.handle.typing_of_agent(chat, agent(), true).await.unwrap();
        assert_eq!(listens.recv().await.unwrap(), by_visitor(chat, Some("Ik heb")));
        let who = Typist::Agent { agent: agent(), nickname: "Anna".into() };
        assert_eq!(listens.recv().await.unwrap(), TypingTold { chat, who, typing: true });
        let order = Order::Typing { chat: "jan@web".into(), nickname: "Anna".into(), typing: true };
        assert_eq!(link.recv().await, Some(order));
        assert_eq!(house.store().counters().submissions, inputs, "nothing was written");
        let other = engine.handle.typing_of_agent(chat, "bert".into(), true).await;
        assert_eq!(other, Err(TypingError::NotTakingPart));
        let api = engine.handle.typing_of_visit(chat, true, None).await;
        assert_eq!(api, Err(TypingError::UnknownChat), "his provider says it");
    });
}

#[test]
fn o23_who_watches_unseen_is_not_seen_typing_and_nobody_types_after_the_end() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served("Jan").await;
        engine.watch(chat, "bert", "coaching").await;
        let watching = engine.handle.typing_of_agent(chat, "bert".into(), true).await;
        assert_eq!(watching, Err(TypingError::NotTakingPart));
        engine.change(chat, ChatChange::End { by: Speaker::Visitor }).await;
        let after = engine.handle.typing_of_visit(chat, true, words("toch nog")).await;
        assert_eq!(after, Err(TypingError::UnknownChat));
    });
}
