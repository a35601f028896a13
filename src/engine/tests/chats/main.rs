//! Chats through the engine: what is said is durable with its input, orders go to links, typing goes to who listens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod house;
mod kill;
mod typing;

use house::{House, on_one_thread, said, xmpp};
use schakel_core::adapter::ChatOperation;
use schakel_core::command::Command;
use schakel_core::command::chat::{AnswerBy, ChatChange, ChatCommand, OfflineMessage};
use schakel_core::model::chat::{Audience, Author, Speaker};
use schakel_core::model::ids::OfflineMessageId;
use schakel_core::model::pii::Pii;
use schakel_engine::{Order, decode_offline, decode_private, decode_public, decode_record, erase_words};
use schakel_journal::Said;
use std::sync::Arc;
use tokio::sync::mpsc;

#[test]
fn o14_w08_what_is_said_is_in_the_transcripts_with_its_notification_and_only_once_after_a_restart() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served("Jan").await;
        engine.agent_says(chat, 10, Audience::Public, "Waarmee kan ik helpen?").await;
        engine.agent_says(chat, 11, Audience::Agents, "Is dit dezelfde als gisteren?").await;
        engine.visitor_says(chat, 12, "Met mijn paspoort").await;
        let before = house.transcript(chat).await;
        let words: Vec<_> = before.iter().map(|(_, text)| text.as_str()).collect();
        for text in
            ["Goedemorgen", "Waarmee kan ik helpen?", "Is dit dezelfde als gisteren?", "Met mijn paspoort"]
        {
            assert_eq!(words.iter().filter(|word| **word == text).count(), 1, "{text} in {words:?}");
        }
        let seen = house.store().public_chats().page(chat.0, 0, 100).await.unwrap();
        for (at, row) in seen.rows.iter().enumerate() {
            let message = decode_public(&row.bytes).unwrap();
            assert_eq!((row.seq, message.seq), (at as u64 + 1, at as u64 + 1), "no gaps");
            assert_ne!(&**message.content.text.expose(), "Is dit dezelfde als gisteren?");
        }
        assert_eq!(house.told("chat.message"), before.len(), "each message was told once");
        // It is not stopped in peace: the next one replays the inputs.
        engine.kill().await;
        let engine = house.start().await;
        assert_eq!(house.transcript(chat).await, before, "a replay writes nothing");
        engine.visitor_says(chat, 12, "Met mijn paspoort").await;
        engine.visitor_says(chat, 13, "Het is verlopen").await;
        let after = house.transcript(chat).await;
        assert_eq!(after.len(), before.len() + 1, "the same message again is no second one");
        assert_eq!(after.last().unwrap().1, "Het is verlopen");
        assert_eq!(house.told("chat.message"), after.len());
    });
}

#[test]
fn a_chat_that_ended_has_its_record_and_erasing_takes_the_visitor_out_of_all() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served("Wachtelaer").await;
        engine.visitor_says(chat, 10, "Ik heet Wachtelaer").await;
        engine.agent_says(chat, 11, Audience::Agents, "Wachtelaer belt vaker").await;
        engine.change(chat, ChatChange::End { by: Speaker::Visitor }).await;
        let chats = house.store().internal_chats();
        assert!(chats.record(chat.0).await.unwrap().expect("it has ended").open, "it waits for its agent");
        engine.change(chat, ChatChange::Archive).await;
        let record = chats.record(chat.0).await.unwrap().unwrap();
        let kept = decode_record(&record.bytes).unwrap();
        assert_eq!((record.open, record.removed, kept.id), (false, false, chat));
        assert_eq!(kept.visitor.nickname, Some(Pii::new("Wachtelaer".into())));
        assert_eq!(chats.of_contacts(vec![kept.contact.0]).await.unwrap(), [chat.0]);
        let erased = engine.handle.erase("K-1", vec![kept.contact]).await.unwrap();
        assert_eq!(erased.chats, [chat]);
        let gone = house.store().erase_chats(&[chat.0], Arc::new(erase_words)).await.unwrap();
        assert!(gone.messages >= 2, "{gone:?}");
        for row in chats.page(chat.0, 0, 100).await.unwrap().rows {
            let (own, text) = match &row.said {
                Said::Public(row) => {
                    let message = decode_public(&row.bytes).unwrap();
                    (matches!(message.author, Author::System(_)), message.content.text)
                }
                Said::Private(row) => {
                    (false, decode_private(&row.bytes).unwrap().words.for_agents().text.clone())
                }
            };
            assert!(own || text.expose().is_empty(), "{}", text.expose());
        }
        let record = chats.record(chat.0).await.unwrap().unwrap();
        assert!(!record.bytes.windows(10).any(|some| some == b"Wachtelaer"));
        let kept = decode_record(&record.bytes).unwrap();
        assert_eq!(kept.participants.len(), 1, "who of ours took part stays");
    });
}

#[test]
fn c15_a_message_that_is_left_has_its_mail_with_its_input() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let message = OfflineMessage {
            id: OfflineMessageId(77),
            queue: "balie".into(),
            name: Pii::new("Jan".into()),
            email: Some(Pii::new("jan@vries.example".into())),
            telephone: Some(Pii::new("0612345678".into())),
            preference: AnswerBy::Email,
            text: Pii::new("Bel mij".into()),
            language: None,
        };
        let record = engine.done(Command::Chat(ChatCommand::LeaveMessage(Box::new(message)))).await;
        let mails = house.store().reader().unwrap().mails(9).unwrap();
        assert_eq!(mails.len(), 1);
        let kept = decode_offline(&mails[0].mail.bytes).unwrap();
        assert_eq!((Some(kept.id), kept.text), (record.offline, Pii::new("Bel mij".into())));
        assert_eq!(house.told("chat.offline-received"), 1);
        let rows = house.audited();
        let left =
            rows.iter().find(|row| row.action == "chat.leave-message").expect("it is on the audit log");
        assert_eq!(left.object, record.offline.map(|id| format!("offline-messages/{id}")));
        assert_eq!(left.result, "succeeded");
    });
}

#[test]
fn inputs_are_durable_when_the_answer_comes() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        engine.reports(vec![said("jan@web", "k1", "Hallo"), said("jan@web", "k2", "Bent u daar?")]).await;
        let chat = engine.chat_at("jan@web").await;
        let words: Vec<_> = house.transcript(chat).await.into_iter().map(|(_, text)| text).collect();
        for text in ["Hallo", "Bent u daar?"] {
            assert!(words.iter().any(|word| word == text), "{text} in {words:?}");
        }
        engine.reports(Vec::new()).await;
    });
}

#[test]
fn w08_orders_about_conversations_go_to_the_link_and_are_counted_where_there_is_none() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served_at("jan@web").await;
        let without = engine.handle.orders_left_out();
        assert!(without > 0, "that the agent joins");
        let (orders, mut link) = mpsc::channel(64);
        engine.handle.set_link(xmpp(), Some(orders)).await.unwrap();
        engine.agent_says(chat, 10, Audience::Public, "Wat is er?").await;
        engine.agent_says(chat, 11, Audience::Agents, "onder ons").await;
        engine.handle.set_link(xmpp(), None).await.unwrap();
        let (mut says, mut whispers) = (Vec::new(), Vec::new());
        while let Some(order) = link.recv().await {
            match order {
                Order::Converse(ChatOperation::Say { spoken, .. }) => {
                    says.push(spoken.message().content.text.expose().to_string());
                }
                Order::Converse(ChatOperation::SayPrivately { message, .. }) => {
                    whispers.push(message.words.for_agents().text.expose().to_string());
                }
                _ => {}
            }
        }
        assert_eq!(says, ["Wat is er?"]);
        assert_eq!(whispers, ["onder ons"]);
        assert_eq!(engine.handle.orders_left_out(), without);
        // A link that is behind holds nobody up, and misses nothing.
        let (orders, mut link) = mpsc::channel(1);
        engine.handle.set_link(xmpp(), Some(orders)).await.unwrap();
        let texts: Vec<_> = (0..30).map(|n| format!("{n} van 30")).collect();
        for (id, text) in (20..).zip(&texts) {
            engine.agent_says(chat, id, Audience::Public, text).await;
        }
        let mut late = Vec::new();
        while late.len() < texts.len() {
            if let Some(Order::Converse(ChatOperation::Say { spoken, .. })) = link.recv().await {
                late.push(spoken.message().content.text.expose().to_string());
            }
        }
        assert_eq!(late, texts, "in order");
        assert_eq!(engine.handle.orders_left_out(), without);
    });
}

#[test]
fn o23_who_watches_is_on_the_audit_log_and_what_is_said_is_not() {
    on_one_thread(async {
        let house = House::new();
        let engine = house.start().await;
        let chat = engine.served("Jan").await;
        engine.watch(chat, "bert", "coaching").await;
        engine.visitor_says(chat, 9, "Hallo").await;
        let rows = house.audited();
        let watched = rows.iter().find(|row| row.action == "chat.observe").expect("it is there");
        assert_eq!(watched.result, "succeeded; purpose: coaching");
        assert!(!rows.iter().any(|row| row.action == "chat.say"));
    });
}
