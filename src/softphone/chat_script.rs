//! What a script waits for and expects of chats.
//!
//! ```text
//! wait offer 30s              a chat is offered
//! wait chat active            or wrapping, archived, none: the chat that is spoken in
//! wait said goedemiddag       the visitor, or another agent to all, has said something with these words
//! wait whispered let op       another agent has, privately
//! wait typing ik wil          the visitor is typing these words
//! expect chats 2
//! expect unread 1             messages that were not seen, of all chats
//! ```

use super::chat::{is_ours, offers};
use super::phone::Softphone;
use crate::client::Picture;
use crate::client::picture::is_closed;
use schakel_contract::event::Event;
use schakel_contract::views::{ChatMessageView, ChatState};
use std::time::Duration;

/// Something that can be so of an agent's chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatCondition {
    /// A chat is offered.
    Offer,
    /// The chat that is spoken in is this; none: there is no chat.
    Chat(Option<ChatState>),
    /// These words were said, to all.
    Said(String),
    /// These words were said between agents.
    Whispered(String),
    /// The visitor is typing these words.
    Typing(String),
    /// So many chats are on the screen.
    Chats(usize),
    /// So many messages were not seen.
    Unread(u64),
}

/// What chats can be, as a script says it.
const STATES: [(&str, Option<ChatState>); 4] = [
    ("active", Some(ChatState::Active)),
    ("wrapping", Some(ChatState::Wrapping)),
    ("archived", Some(ChatState::Archived)),
    ("none", None),
];

impl ChatCondition {
    /// Reads the words after `wait` or `expect`; none where they are about something else.
    pub(super) fn parse(words: &[&str]) -> Option<Result<Self, String>> {
        let (first, rest) = words.split_first()?;
        let text = rest.join(" ");
        let worded = |make: fn(String) -> Self| match text.is_empty() {
            true => Err(format!("{first} is followed by words")),
            false => Ok(make(text.clone())),
        };
        Some(match *first {
            "offer" => Ok(Self::Offer),
            "chat" => {
                let found =
                    STATES.iter().find(|(name, _)| *name == text).map(|(_, state)| Self::Chat(*state));
                found.ok_or_else(|| format!("\"{text}\" is none of active, wrapping, archived, none"))
            }
            "said" => worded(Self::Said),
            "whispered" => worded(Self::Whispered),
            "typing" => worded(Self::Typing),
            "chats" => text.parse().map(Self::Chats).map_err(|_| format!("\"{text}\" is no number of chats")),
            "unread" => {
                text.parse().map(Self::Unread).map_err(|_| format!("\"{text}\" is no number of messages"))
            }
            _ => return None,
        })
    }

    /// Whether it is so now.
    pub(super) fn is_so(&self, phone: &Softphone) -> bool {
        let me = &phone.seat().agent;
        match self {
            Self::Offer => phone.look(|ledger| offers(ledger.picture(), me).next().is_some()),
            Self::Chat(None) => phone.chats().is_empty(),
            Self::Chat(Some(ChatState::Archived)) => phone.look(|ledger| last_over(ledger.picture(), me)),
            Self::Chat(Some(state)) => phone.chats().iter().any(|(_, chat)| chat.state == *state),
            Self::Said(words) => heard(phone, |message| match message {
                ChatMessageView::Public(message) => message.content.text.contains(words.as_str()),
                ChatMessageView::Agents(_) => false,
            }),
            Self::Whispered(words) => heard(phone, |message| match message {
                ChatMessageView::Public(_) => false,
                ChatMessageView::Agents(word) => word.content.text.contains(words.as_str()),
            }),
            Self::Typing(words) => {
                let typed = |chat| phone.typing_in(chat).and_then(|typing| typing.text.clone());
                let mut chats = phone.chats().into_iter().filter_map(|(_, chat)| typed(chat.id));
                chats.any(|text| text.contains(words.as_str()))
            }
            Self::Chats(count) => phone.chats().len() == *count,
            Self::Unread(count) => {
                phone.chats().iter().map(|(_, chat)| phone.unread(chat)).sum::<u64>() == *count
            }
        }
    }

    /// Waits until it is so.
    ///
    /// # Errors
    /// When it is not so in time, with what is.
    pub(super) async fn wait(&self, phone: &Softphone, within: Duration) -> Result<(), String> {
        let mut changes = phone.changes();
        let so = tokio::time::timeout(within, async {
            loop {
                changes.mark_unchanged();
                if self.is_so(phone) || changes.changed().await.is_err() {
                    return;
                }
            }
        });
        drop(so.await);
        if self.is_so(phone) { Ok(()) } else { Err(self.why_not(phone, within)) }
    }

    /// Why it is not so, for who wrote the script.
    pub(super) fn why_not(&self, phone: &Softphone, within: Duration) -> String {
        let chats = super::chat_screen::list(phone, crate::client::Language::En);
        let unread: u64 = phone.chats().iter().map(|(_, chat)| phone.unread(chat)).sum();
        format!("it was not so within {within:?}; unread: {unread}; chats:\n{chats}")
    }
}

/// Whether the chat of an agent that came last is archived.
fn last_over(picture: &Picture, agent: &str) -> bool {
    let mut ours = picture.chats().rev().filter(|chat| {
        is_ours(chat, agent)
            || (is_closed(chat.state) && chat.participants.iter().any(|one| one.agent == agent))
    });
    ours.next().is_some_and(|chat| chat.state == ChatState::Archived)
}

/// Whether something was said in his chats since he came.
fn heard(phone: &Softphone, fits: impl Fn(&ChatMessageView<'static>) -> bool) -> bool {
    let me = &phone.seat().agent;
    let of_others = |event: &Event| {
        let ours = event.data.chat.as_ref().is_some_and(|chat| is_ours(chat, me));
        ours && event.data.message.as_ref().is_some_and(&fits)
    };
    phone.look(|ledger| ledger.since(0).any(|entry| of_others(&entry.event)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p04_what_a_script_says_of_chats_is_understood_or_mended() {
        let parse = |line: &str| ChatCondition::parse(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(parse("offer"), Some(Ok(ChatCondition::Offer)));
        assert_eq!(parse("chat none"), Some(Ok(ChatCondition::Chat(None))));
        assert_eq!(parse("said ik wil"), Some(Ok(ChatCondition::Said("ik wil".into()))));
        assert_eq!(parse("unread 2"), Some(Ok(ChatCondition::Unread(2))));
        assert_eq!(parse("ringing"), None);
        for wrong in ["chat half", "said", "chats many", "unread few"] {
            assert!(parse(wrong).is_some_and(|read| read.is_err()), "{wrong}");
        }
    }
}
