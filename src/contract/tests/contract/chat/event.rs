//! Notifications about chats, as JKC receives them.

use super::world::{self, ANSWER, CHAT, INVITATION, LEFT, OFFLINE};
use crate::event::{json, received};
use crate::world::{CONTACT, notification};
use schakel_contract::event::Event;
use schakel_contract::views::{
    AuthorKind, ChatMessageView, ChatState, MessageDeliveryState, OfferKind, PreferredAnswer,
};
use schakel_core::model::chat::Delivery;
use schakel_core::notification::{Kind, MessageTold, Notification, Subject};

fn subjects() -> [Subject; 6] {
    let message = |told| Subject::Message(Box::new(told));
    [
        Subject::Chat(CHAT),
        Subject::Offer(CHAT, INVITATION),
        message(MessageTold::Public(world::answer())),
        message(MessageTold::Internal(world::private())),
        message(MessageTold::Delivery(CHAT, ANSWER, Delivery::Displayed)),
        Subject::Offline(OFFLINE, "burgerzaken".into()),
    ]
}

#[test]
fn every_kind_and_subject_of_chats_is_written_read_and_written_the_same() {
    let state = world::state();
    for kind in Kind::ALL {
        for subject in subjects() {
            let about = Notification { command: Some(LEFT), ..notification(*kind, subject) };
            let text = json(&state, &about);
            let event: Event = serde_json::from_str(&text).unwrap();
            assert_eq!(text, serde_json::to_string(&event).unwrap());
            assert_eq!(event.data.change, kind.as_str());
            for secret in ["secret-conversation", "secret-key", "klacht 12"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}

#[test]
fn c03_an_offer_is_a_pop_up_with_its_chat_until_it_expires() {
    let event = received(&world::state(), &notification(Kind::ChatInvited, Subject::Offer(CHAT, INVITATION)));
    assert_eq!(event.subject, format!("contacts/{CONTACT}"));
    assert!(event.expirytime.is_some());
    let offer = event.data.offer.unwrap();
    assert_eq!((offer.kind, offer.agent.as_ref(), offer.leave_on_join), (OfferKind::Guest, "smit", true));
    assert!(offer.actions.iter().all(|action| action.allowed));
    let chat = event.data.chat.unwrap();
    assert_eq!(chat.visitor.nickname.as_deref(), Some("Kim"));
    assert_eq!(chat.invitation.unwrap().id.as_u128(), INVITATION.0);
}

#[test]
fn w08_a_word_between_agents_is_told_as_what_it_is() {
    let state = world::state();
    let told =
        |told| received(&state, &notification(Kind::ChatMessage, Subject::Message(Box::new(told)))).data;
    let data = told(MessageTold::Internal(world::private()));
    let Some(ChatMessageView::Agents(word)) = data.message else { panic!("{:?}", data.message) };
    assert_eq!((word.content.text.as_ref(), word.order), ("Dit is een lastige", 2));
    assert_eq!(word.author.nickname.as_deref(), Some("Bram"));

    let data = told(MessageTold::Public(world::answer()));
    let Some(ChatMessageView::Public(answer)) = data.message else { panic!("{:?}", data.message) };
    assert_eq!((answer.seq, answer.order, answer.author.kind), (2, 3, AuthorKind::Agent));
    assert_eq!(answer.delivery.unwrap().state, MessageDeliveryState::Delivered);
    assert_eq!(answer.content.files[0].name, "route.pdf");
    assert_eq!(answer.content.choice.unwrap().options[0].id, "ja");
    assert_eq!(data.chat.unwrap().id.as_u128(), CHAT.0);
}

#[test]
fn whether_a_message_reached_the_visitor_is_told_without_its_words() {
    let told = MessageTold::Delivery(CHAT, ANSWER, Delivery::Failed("item-not-found".into()));
    let about = notification(Kind::ChatDelivery, Subject::Message(Box::new(told)));
    let data = received(&world::state(), &about).data;
    let delivery = data.message_delivery.unwrap();
    assert_eq!((delivery.state, delivery.message.as_u128()), (MessageDeliveryState::Failed, ANSWER.0));
    assert_eq!(delivery.reason.as_deref(), Some("item-not-found"));
    assert!(data.message.is_none());
}

#[test]
fn c06_an_archived_chat_carries_all_that_the_record_needs() {
    let mut state = world::state();
    state.chats.get_mut(&CHAT).unwrap().state = schakel_core::model::chat::ChatState::Archived;
    let chat = received(&state, &notification(Kind::ChatArchived, Subject::Chat(CHAT))).data.chat.unwrap();
    assert_eq!(chat.state, ChatState::Archived);
    assert_eq!(chat.fields.subject.as_deref(), Some("Paspoort"));
    assert_eq!(chat.participants.len(), 3);
    assert_eq!((chat.messages, chat.public_messages), (3, 2));
    let verified: Vec<_> = chat
        .visitor
        .attributes
        .iter()
        .map(|each| (each.name.as_ref(), each.verified_by.as_deref()))
        .collect();
    assert_eq!(verified, [("klantnummer", Some("digid")), ("wijk", None)], "W03");
}

#[test]
fn c14_an_offline_message_is_told_with_its_queue() {
    let subject = Subject::Offline(OFFLINE, "burgerzaken".into());
    let about = Notification {
        command: Some(LEFT),
        contact: None,
        ..notification(Kind::ChatOfflineReceived, subject)
    };
    let event = received(&world::state(), &about);
    assert_eq!(event.subject, format!("offline-messages/{OFFLINE}"));
    let message = event.data.offline_message.unwrap();
    assert_eq!((message.name.as_ref(), message.text.as_ref()), ("Kim de Boer", "Bel mij terug"));
    assert_eq!(message.preference, PreferredAnswer::Email);
    assert_eq!(event.data.queue.unwrap().name, "Burgerzaken");
}

#[test]
fn o02_an_agent_in_the_channel_is_told_with_his_part_in_it() {
    let mut about = notification(Kind::AgentChatChanged, Subject::Agent("bakker".into()));
    (about.contact, about.expires, about.agent) = (None, None, None);
    let chat = received(&world::state(), &about).data.agent.unwrap().chat.unwrap();
    assert_eq!((chat.nickname.as_ref(), chat.queues[0].as_ref()), ("Bram", "burgerzaken"));
    assert!(!chat.paused);
}
