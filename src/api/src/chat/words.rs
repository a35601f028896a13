//! What was said, read from where transcripts are kept. For visitors' programs there is [`PublicWords`], which has no way
//! to what agents say among themselves (rule 10).

use crate::problem::Failure;
use schakel_contract::problem::ProblemKind;
use schakel_core::model::chat::{Chat, Delivery, PrivateMessage, PublicMessage};
use schakel_core::model::ids::ChatId;
use schakel_engine::{decode_delivery, decode_private, decode_public, decode_record};
use schakel_journal::{InternalChats, PublicChats, PublicRow, Said, Store};

/// What visitors see, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct PublicWords(PublicChats);

/// What agents see, and the records of chats.
#[derive(Debug, Clone)]
pub(crate) struct AllWords(InternalChats);

/// A line of the internal transcript.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// What the visitor sees too, with whether it reached him.
    Public(PublicMessage, Delivery),
    /// What he does not.
    Private(PrivateMessage),
}

/// A page of what was said, in order.
pub(crate) struct Words<T> {
    pub(crate) lines: Vec<T>,
    pub(crate) more: bool,
}

impl PublicWords {
    pub(crate) fn of(store: &Store) -> Self {
        Self(store.public_chats())
    }

    /// What was said after a number of the public transcript.
    pub(crate) async fn after(
        &self,
        chat: ChatId,
        seq: u64,
        limit: usize,
    ) -> Result<Words<(PublicMessage, Delivery)>, Failure> {
        let page = self.0.page(chat.0, seq, limit).await?;
        let lines = page.rows.iter().map(public).collect::<Result<_, _>>()?;
        Ok(Words { lines, more: page.more })
    }

    /// All of it. A chat has so many messages at most.
    pub(crate) async fn all(&self, chat: ChatId) -> Result<Vec<(PublicMessage, Delivery)>, Failure> {
        let mut all: Vec<(PublicMessage, Delivery)> = Vec::new();
        loop {
            let after = all.last().map_or(0, |(message, _)| message.seq);
            let page = self.after(chat, after, PAGE).await?;
            all.extend(page.lines);
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// Whether a file was said to the visitor, or by him.
    pub(crate) async fn has_file(&self, chat: ChatId, file: u128) -> Result<bool, Failure> {
        let mut after = 0;
        loop {
            let page = self.after(chat, after, PAGE).await?;
            let mut files = page.lines.iter().flat_map(|(message, _)| &message.content.files);
            if files.any(|each| each.id.0 == file) {
                return Ok(true);
            }
            match page.lines.last().filter(|_| page.more) {
                Some((last, _)) => after = last.seq,
                None => return Ok(false),
            }
        }
    }
}

/// Messages read at once of a whole transcript.
const PAGE: usize = 500;

impl AllWords {
    pub(crate) fn of(store: &Store) -> Self {
        Self(store.internal_chats())
    }

    /// What was said after a number among all messages.
    pub(crate) async fn after(&self, chat: ChatId, order: u64, limit: usize) -> Result<Words<Line>, Failure> {
        let page = self.0.page(chat.0, order, limit).await?;
        let lines = page.rows.iter().map(|row| match &row.said {
            Said::Public(row) => public(row).map(|(message, delivery)| Line::Public(message, delivery)),
            Said::Private(row) => decode_private(&row.bytes).map(Line::Private).map_err(unreadable),
        });
        Ok(Words { lines: lines.collect::<Result<_, _>>()?, more: page.more })
    }

    /// All of it.
    pub(crate) async fn all(&self, chat: ChatId) -> Result<Vec<Line>, Failure> {
        let mut all: Vec<Line> = Vec::new();
        loop {
            let page = self.after(chat, all.last().map_or(0, Line::order), PAGE).await?;
            all.extend(page.lines);
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// The record of a chat that has ended.
    pub(crate) async fn record(&self, chat: ChatId) -> Result<Option<Chat>, Failure> {
        let record = self.0.record(chat.0).await?;
        record.map(|record| decode_record(&record.bytes).map_err(unreadable)).transpose()
    }
}

impl Line {
    /// Its place among all messages of the chat.
    pub(crate) fn order(&self) -> u64 {
        match self {
            Line::Public(message, _) => message.order,
            Line::Private(message) => message.order,
        }
    }
}

fn public(row: &PublicRow) -> Result<(PublicMessage, Delivery), Failure> {
    let message = decode_public(&row.bytes).map_err(unreadable)?;
    Ok((message, decode_delivery(&row.delivery).map_err(unreadable)?))
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "a row of a transcript cannot be read");
    Failure::new(ProblemKind::Internal, "a row of the transcript cannot be read; the log of schakel says why")
}
