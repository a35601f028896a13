//! What the configuration says of chats. Requirement ids are those of the chat integration.

use super::TextId;
use crate::model::ids::{QueueId, Str};
use crate::model::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the chat channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSettings {
    /// The queues.
    pub queues: Vec<QueueSettings>,
    /// The organisation's texts (C13), by language and text; what is missing has the documents' words.
    pub texts: BTreeMap<(Str, TextId), Str>,
    /// The language of a visitor who does not say his.
    pub language: Str,
    /// Canned texts (W05).
    pub canned: Vec<CannedText>,
    /// How long an agent is in the chat channel without a heartbeat of JKC.
    pub lease: Millis,
    /// How long after that he is waited for before his chats go back to the queue.
    pub agent_grace: Millis,
    /// How long an ended chat stays readable in the state.
    pub keep_ended: Millis,
    /// How much there may be.
    pub limits: ChatLimits,
}

/// A chat queue (W01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Its name in the configuration.
    pub id: QueueId,
    /// What people call it.
    pub name: Str,
    /// It is within its opening hours; outside of them nobody is offered a chat (C14).
    pub open: bool,
    /// Chats are offered to agents one by one; otherwise they wait for who joins (O08), which is possible in both modes.
    pub offers: bool,
    /// A higher one is served before a lower one.
    pub priority: u8,
    /// Chats that one agent takes at once: each takes 100/n of his capacity.
    pub chats_max: u16,
    /// How long an offer stands.
    pub offer_limit: Millis,
    /// So many ignored offers in a row pause an agent; 0 never.
    pub ignored_max: u16,
    /// How long one who rejected a chat gets none.
    pub cool_down: Millis,
    /// How long a visitor waits before he is shown the offline form.
    pub wait_limit: Millis,
    /// After so much silence a chat ends; 0 never.
    pub inactivity: Millis,
    /// The visitor is warned so long before.
    pub inactivity_warning: Millis,
    /// How long a visitor who went away is waited for.
    pub visitor_grace: Millis,
    /// How long an ended chat without a session of JKC is kept open for its agent before it is archived (C06, O24).
    pub wrap_limit: Millis,
    /// What a visitor is shown when agents are there but all are busy.
    pub when_busy: WhenBusy,
    /// Agents see what a visitor types before he sends it; the visitor is told so (O11).
    pub typing_preview: bool,
    /// Visitors may send files.
    pub visitor_files: bool,
    /// Offline messages can be taken: there is an address to send them to (C15). Without it the form is not shown.
    pub offline: bool,
    /// The offline form asks for exactly what the documents ask for.
    pub offline_strict: bool,
    /// The visitor is greeted with [`TextId::Welcome`] when his chat is opened (O03).
    pub welcome: bool,
}

/// What a visitor is shown when agents are there but all are busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum WhenBusy {
    /// He may wait (C08).
    #[default]
    Queue,
    /// Chat is not offered (O04).
    Hide,
    /// The offline form.
    Offline,
}

/// A text that agents need often (W05). It can be changed before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedText {
    /// Its name in the configuration.
    pub id: Str,
    /// Its language.
    pub language: Str,
    /// What it is called.
    pub title: Str,
    /// The words.
    pub text: Str,
    /// It is sent at once when it is picked (O03).
    pub at_once: bool,
    /// Only for agents of these queues; empty for all.
    pub queues: Vec<QueueId>,
}

/// How much there may be of chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLimits {
    /// Live chats at once.
    pub chats_max: u32,
    /// Live chats of one visitor at once.
    pub chats_a_visitor_max: u32,
    /// Bytes of one message.
    pub message_bytes_max: u32,
    /// Messages of one chat.
    pub messages_max: u32,
    /// Messages of one visitor in a minute.
    pub messages_a_minute_max: u32,
    /// Files in one message (W09).
    pub files_max: u32,
    /// Bytes of one file (W09).
    pub file_bytes_max: u64,
    /// Agents in one chat, observers left out.
    pub participants_max: u32,
    /// Options of one choice (W06).
    pub options_max: u32,
}

impl Default for ChatLimits {
    fn default() -> Self {
        Self {
            chats_max: 10_000,
            chats_a_visitor_max: 3,
            // Four pages of text; a person types less, and a program may split what it says.
            message_bytes_max: 16 * 1024,
            messages_max: 5_000,
            // A fast typist sends twenty short lines.
            messages_a_minute_max: 60,
            files_max: 5,
            file_bytes_max: 20_000_000,
            participants_max: 10,
            options_max: 20,
        }
    }
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            queues: Vec::new(),
            texts: BTreeMap::new(),
            language: "nl".into(),
            canned: Vec::new(),
            lease: Millis::seconds(60),
            agent_grace: Millis::seconds(30),
            keep_ended: Millis::seconds(10 * 60),
            limits: ChatLimits::default(),
        }
    }
}

impl QueueSettings {
    /// A queue with the documents' limits.
    pub fn named(id: &str) -> Self {
        Self {
            id: id.into(),
            name: id.into(),
            open: true,
            offers: true,
            priority: 0,
            chats_max: 3,
            offer_limit: Millis::seconds(30),
            ignored_max: 3,
            cool_down: Millis::seconds(20),
            wait_limit: Millis::seconds(4 * 60),
            inactivity: Millis::seconds(10 * 60),
            inactivity_warning: Millis::seconds(2 * 60),
            visitor_grace: Millis::seconds(2 * 60),
            wrap_limit: Millis::seconds(10 * 60),
            when_busy: WhenBusy::Queue,
            typing_preview: true,
            visitor_files: false,
            offline: false,
            offline_strict: false,
            welcome: false,
        }
    }

    /// What one chat takes of an agent's capacity. At least 1, so that no number of chats is free.
    pub fn share(&self, chats_max: Option<u16>) -> u16 {
        let at_once = chats_max.unwrap_or(self.chats_max).clamp(1, crate::model::availability::CAPACITY);
        crate::model::availability::CAPACITY / at_once
    }
}

impl ChatSettings {
    /// A queue by its name.
    pub fn queue(&self, id: &QueueId) -> Option<&QueueSettings> {
        self.queues.iter().find(|queue| queue.id == *id)
    }

    /// A text in a visitor's language: the organisation's, else the documents'; in the organisation's language where
    /// his is not known.
    pub fn text(&self, text: TextId, language: Option<&str>) -> Str {
        let languages = language.into_iter().chain([&*self.language]);
        for language in languages {
            // "nl-NL" is Dutch.
            let language = language.split(['-', '_']).next().unwrap_or(language).to_ascii_lowercase();
            if let Some(own) = self.texts.get(&(language.as_str().into(), text)) {
                return own.clone();
            }
            if let Some(words) = text.words(&language) {
                return words.into();
            }
        }
        text.dutch().into()
    }
}
