//! What is kept of chats, as the journal keeps it: one byte of format, then the message, the record or the mail.
//!
//! Transcripts are read for years, so these formats are their own, as that of facts is: raising the one of inputs and
//! snapshots does not touch them. A change of one of the types gets the next number here, and the old one is read as
//! well from then on.

use bytes::Bytes;
use schakel_core::command::chat::OfflineMessage;
use schakel_core::effect::ChatWrite;
use schakel_core::model::chat::{
    Author, Chat, Content, Delivery, Fields, MessageRef, NotForVisitors, PrivateMessage, PublicMessage,
    Rating, Visitor, Way,
};
use schakel_core::model::ids::{ChatId, ProviderChatId};
use schakel_core::model::time::Time;
use schakel_core::state::State;
use schakel_journal::{self as journal, ChatBytes, ChatRecord, ChatRow};
use serde::Serialize;
use serde::de::DeserializeOwned;

const FORMAT: u8 = 1;

/// Stands where a visitor's address stood, or what a provider said of it.
const ERASED: &str = "erased";

/// Something of a chat that this release cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is kept of a chat cannot be read by this release: {0}; run the release that wrote it")]
pub struct ChatError(String);

/// A message of the public transcript, as its row has it.
pub fn encode_public(message: &PublicMessage) -> Bytes {
    encode(message)
}

/// A message of the public transcript from its row.
///
/// # Errors
/// When it is of a format that this release does not know, or damaged.
pub fn decode_public(bytes: &[u8]) -> Result<PublicMessage, ChatError> {
    decode(bytes)
}

/// A private word, as its row has it.
pub fn encode_private(message: &PrivateMessage) -> Bytes {
    encode(message)
}

/// A private word from its row.
///
/// # Errors
/// As [`decode_public`].
pub fn decode_private(bytes: &[u8]) -> Result<PrivateMessage, ChatError> {
    decode(bytes)
}

/// Whether a message reached the visitor, as its row has it.
pub fn encode_delivery(delivery: &Delivery) -> Bytes {
    encode(delivery)
}

/// Whether a message reached the visitor, from its row.
///
/// # Errors
/// As [`decode_public`].
pub fn decode_delivery(bytes: &[u8]) -> Result<Delivery, ChatError> {
    decode(bytes)
}

/// A chat, as its record has it.
pub fn encode_record(chat: &Chat) -> Bytes {
    encode(chat)
}

/// A chat from its record.
///
/// # Errors
/// As [`decode_public`].
pub fn decode_record(bytes: &[u8]) -> Result<Chat, ChatError> {
    decode(bytes)
}

/// A message that was left, as the row of its mail has it.
pub fn encode_offline(message: &OfflineMessage) -> Bytes {
    encode(message)
}

/// A message that was left, from the row of its mail.
///
/// # Errors
/// As [`decode_public`].
pub fn decode_offline(bytes: &[u8]) -> Result<OfflineMessage, ChatError> {
    decode(bytes)
}

/// Takes the visitor's words and what tells who he is out of a row, for [`journal::Store::erase_chats`]: order, times,
/// and who of ours spoke stay. None where it cannot be read.
pub fn erase_words(kind: ChatBytes, bytes: &[u8]) -> Option<Vec<u8>> {
    let erased = match kind {
        ChatBytes::Public => {
            let mut message = decode_public(bytes).ok()?;
            // Schakel's own texts are nobody's.
            if !matches!(message.author, Author::System(_)) {
                message.content = without_words(&message.content);
            }
            encode(&message)
        }
        ChatBytes::Internal => {
            let mut message = decode_private(bytes).ok()?;
            message.words = NotForVisitors::new(without_words(message.words.for_agents()));
            encode(&message)
        }
        ChatBytes::Delivery => encode(&without_reason(decode_delivery(bytes).ok()?)),
        ChatBytes::Record => encode(&without_visitor(decode_record(bytes).ok()?)),
    };
    Some(erased.into())
}

/// The row that is written of a chat, after the input that wrote it was applied.
pub(crate) fn row(write: &ChatWrite, state: &State) -> ChatRow {
    let contact = |chat: ChatId| state.chats.get(&chat).map(|chat| chat.contact.0);
    match write {
        ChatWrite::Public(message) => ChatRow::Public {
            chat: message.chat.0,
            contact: contact(message.chat),
            seq: message.seq,
            ord: message.order,
            message: message.id.0,
            at_ms: millis(message.at),
            delivery: encode_delivery(&first_delivery(message, state)),
            bytes: encode_public(message),
        },
        ChatWrite::Internal(message) => ChatRow::Internal {
            chat: message.chat.0,
            contact: contact(message.chat),
            ord: message.order,
            message: message.id.0,
            at_ms: millis(message.at),
            bytes: encode_private(message),
        },
        ChatWrite::Delivery { chat, message, delivery } => {
            ChatRow::Delivery { chat: chat.0, message: message.0, delivery: encode_delivery(delivery) }
        }
        ChatWrite::Record(chat) => ChatRow::Record(ChatRecord {
            chat: chat.id.0,
            contact: chat.contact.0,
            queue: chat.queue.as_str().into(),
            opened_ms: millis(chat.opened),
            ended_ms: millis(chat.ended.as_ref().map_or(chat.since, |ended| ended.at)),
            open: !chat.state.is_over(),
            removed: chat.state == schakel_core::model::chat::ChatState::Removed,
            bytes: encode_record(chat),
        }),
    }
}

/// The row of a mail.
pub(crate) fn mail(message: &OfflineMessage, at: Time) -> journal::Mail {
    journal::Mail { id: message.id.0, at_ms: millis(at), bytes: encode_offline(message) }
}

/// What the state says of a message that was just written; for the visitor's own there is nothing to say.
fn first_delivery(message: &PublicMessage, state: &State) -> Delivery {
    let known = state.chats.get(&message.chat).and_then(|chat| chat.message(message.id));
    known.map_or(Delivery::None, |known| known.delivery.clone())
}

fn without_words(content: &Content) -> Content {
    Content { chosen: content.chosen.clone(), canned: content.canned.clone(), ..Content::text("") }
}

fn without_reason(delivery: Delivery) -> Delivery {
    match delivery {
        // The provider's words may have the visitor's address in them.
        Delivery::Failed(_) => Delivery::Failed(ERASED.into()),
        other => other,
    }
}

fn without_visitor(mut chat: Chat) -> Chat {
    chat.visitor = Visitor { language: chat.visitor.language, ..Visitor::default() };
    if let Way::Provider(_, conversation) = &mut chat.way {
        *conversation = ProviderChatId::from(ERASED);
    }
    chat.fields = Fields { category: chat.fields.category, ..Fields::default() };
    chat.rating = chat.rating.map(|rating| Rating { explanation: None, ..rating });
    chat.outgoing.clear();
    let forget = |message: MessageRef| MessageRef {
        // Short words can be guessed by it.
        fingerprint: 0,
        keys: Vec::new(),
        delivery: without_reason(message.delivery),
        ..message
    };
    chat.messages = chat.messages.into_iter().map(forget).collect();
    chat
}

fn millis(at: Time) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

#[expect(clippy::expect_used, reason = "postcard fails only on types without a length; ours have one")]
fn encode<T: Serialize>(value: &T) -> Bytes {
    postcard::to_extend(value, vec![FORMAT]).expect("core types are serialisable").into()
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ChatError> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => {
            postcard::from_bytes(rest).map_err(|error| ChatError(format!("it is damaged ({error})")))
        }
        Some((other, _)) => Err(ChatError(format!("it has format {other}, this release reads {FORMAT}"))),
        None => Err(ChatError("it is empty".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::chat::{Attachment, Choice};
    use schakel_core::model::ids::{FileId, MessageId};
    use schakel_core::model::pii::Pii;

    fn message(author: Author) -> PublicMessage {
        let file = Attachment {
            id: FileId(4),
            name: Pii::new("paspoort Vries.pdf".into()),
            media_type: "application/pdf".into(),
            size: 7,
        };
        let choice = Choice { options: vec![("ja".into(), Pii::new("Ja, ik ben Vries".into()))] };
        let content = Content {
            files: vec![file],
            choice: Some(choice),
            canned: Some("groet".into()),
            ..Content::text("Ik heet Vries")
        };
        PublicMessage {
            id: MessageId(1),
            chat: ChatId(2),
            seq: 3,
            order: 4,
            at: Time(5),
            author,
            content,
            late: false,
            corrects: None,
        }
    }

    #[test]
    fn a_message_comes_back_and_erased_without_words_names_and_options() {
        let said = message(Author::Agent("anna".into()));
        let bytes = encode_public(&said);
        assert_eq!(decode_public(&bytes), Ok(said.clone()));
        let erased = erase_words(ChatBytes::Public, &bytes).unwrap();
        assert!(!erased.windows(5).any(|some| some == b"Vries"));
        let left = decode_public(&erased).unwrap();
        let content = Content { canned: Some("groet".into()), ..Content::text("") };
        assert_eq!(left, PublicMessage { content, ..said });
        assert_eq!(erase_words(ChatBytes::Public, &erased), Some(erased), "asked again it changes nothing");
    }

    #[test]
    fn w08_a_private_word_is_erased_as_well() {
        let said = PrivateMessage {
            id: MessageId(1),
            chat: ChatId(2),
            order: 3,
            at: Time(4),
            author: "anna".into(),
            words: NotForVisitors::new(Content::text("Vries belt vaker")),
        };
        let erased = erase_words(ChatBytes::Internal, &encode_private(&said)).unwrap();
        let words = NotForVisitors::new(Content::text(""));
        assert_eq!(decode_private(&erased), Ok(PrivateMessage { words, ..said }));
    }

    #[test]
    fn why_a_message_did_not_arrive_may_name_him() {
        let failed = encode_delivery(&Delivery::Failed("vries@example.org is gone".into()));
        let erased = erase_words(ChatBytes::Delivery, &failed).unwrap();
        assert_eq!(decode_delivery(&erased), Ok(Delivery::Failed(ERASED.into())));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_erasing_it_removes_it() {
        let bytes = encode_public(&message(Author::Visitor));
        for (bytes, words) in [
            (&b""[..], "it is empty"),
            (&[99, 1, 2][..], "it has format 99"),
            (&bytes[..bytes.len() - 3], "it is damaged"),
        ] {
            let error = decode_public(bytes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(erase_words(ChatBytes::Public, bytes), None);
        }
    }
}
