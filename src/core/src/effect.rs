//! What follows from an input.

use crate::adapter::{ChatOperation, ProviderCommand};
use crate::command::chat::OfflineMessage;
use crate::fact::ContactFact;
use crate::model::chat::{Chat, Delivery, PrivateMessage, PublicMessage};
use crate::model::ids::{ChatId, CommandId, MessageId, ProviderId};
use crate::notification::Notification;

/// Something to be done after the input is journalled.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Tell JKC. Rendered right after the input it belongs to, so that it carries the object as it was then.
    Notify(Notification),
    /// Ask a provider.
    Execute {
        /// Which.
        provider: ProviderId,
        /// What.
        command: ProviderCommand,
    },
    /// A command has its outcome: whoever waits for it can be told.
    Completed(CommandId),
    /// A contact ended: what it came to, for the reports. Takes the place of an earlier one of the same contact.
    Fact(Box<ContactFact>),
    /// Ask a chat provider. It has no answer of its own: what came of it is reported, and what has not been is asked
    /// again when the link is back.
    Converse {
        /// Which.
        provider: ProviderId,
        /// What.
        operation: ChatOperation,
    },
    /// Write where transcripts are kept, in the input's own transaction: stored before anybody is told (O14, rule 10).
    Write(ChatWrite),
    /// Mail a message that was left, by the outbox (C15).
    Mail(Box<OfflineMessage>),
}

/// What is written where transcripts are kept. The public transcript and the internal one are two places.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatWrite {
    /// A row of the public transcript.
    Public(Box<PublicMessage>),
    /// A row of the internal transcript.
    Internal(Box<PrivateMessage>),
    /// Whether a message of the public transcript reached the visitor.
    Delivery {
        /// Of which chat.
        chat: ChatId,
        /// Which.
        message: MessageId,
        /// Whether.
        delivery: Delivery,
    },
    /// The chat itself, ended or changed after that: its record. Takes the place of the one before.
    Record(Box<Chat>),
}
