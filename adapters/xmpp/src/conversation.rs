//! A conversation as the adapter knows it: where it is, who takes part, and what waits to be sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schakel_core::adapter::Conversation as Remembered;
use schakel_core::model::chat::{Presence, Spoken};
use schakel_core::model::ids::{AgentId, MessageId, ProviderChatId, QueueId, Str};
use schakel_core::model::time::Time;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::own::Place;
use crate::session::Xmpp;

/// Confirmed messages that are remembered, so that one that is asked for again is not sent again.
const CONFIRMED_MAX: usize = 500;

/// One conversation.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) place: Place,
    pub(crate) queue: Option<QueueId>,
    /// The visitor's program that was heard last: what is said goes there.
    pub(crate) reply_to: Option<Jid>,
    /// The room, where it has one.
    pub(crate) room: Option<BareJid>,
    /// The agents who take part, with their nicknames.
    pub(crate) agents: BTreeMap<AgentId, Str>,
    /// Messages that wait: for the room, an upload, or a look into the archive.
    pub(crate) outbox: VecDeque<Waiting>,
    /// Messages that were said in its room, and whose echo has not come: who loses the room does not know of them.
    pub(crate) unechoed: VecDeque<Waiting>,
    /// Messages of ours that are known to have arrived.
    pub(crate) confirmed: BTreeSet<MessageId>,
    pub(crate) doubt: Doubt,
    /// What the visitor has typed so far, where his program says (XEP-0301).
    pub(crate) typed: Option<String>,
    pub(crate) typing: bool,
    pub(crate) presence: Presence,
    /// It is over as soon as what waits has been said.
    pub(crate) is_ending: bool,
    /// The house knows of it.
    pub(crate) told: bool,
    /// When something happened in it last.
    pub(crate) heard: Time,
}

/// A message that waits to be sent.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) spoken: Spoken,
    /// Where its files can be had, once they are there.
    pub(crate) files: Vec<FileState>,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileState {
    /// Nothing was asked yet.
    New,
    /// A place was asked for.
    Asked,
    /// It is put there; this is its address, and the upload's number.
    Uploading(u64, String),
    /// It can be had here.
    There(String),
}

/// Whether messages that may have been sent over an earlier connection were looked for in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Not yet.
    NotLooked,
    /// The archive is being read.
    Looking,
    /// Yes: what was not found there was not sent.
    Looked,
}

impl Conversation {
    pub(crate) fn new(place: Place, queue: Option<QueueId>) -> Self {
        let room = match &place {
            Place::Room { room, .. } => Some(room.clone()),
            _ => None,
        };
        Self {
            place,
            queue,
            reply_to: None,
            room,
            agents: BTreeMap::new(),
            outbox: VecDeque::new(),
            unechoed: VecDeque::new(),
            confirmed: BTreeSet::new(),
            doubt: Doubt::NotLooked,
            typed: None,
            typing: false,
            presence: Presence::There,
            is_ending: false,
            told: false,
            heard: Time(0),
        }
    }

    /// One that the house remembers; none if its id is none of ours.
    pub(crate) fn remembered(known: &Remembered) -> Option<Self> {
        let mut one = Self::new(Place::of(&known.chat)?, Some(known.queue.clone()));
        one.agents = known.agents.iter().cloned().collect();
        one.told = true;
        Some(one)
    }

    /// Takes from what was known over an earlier connection what the house does not keep.
    pub(crate) fn carry_over(&mut self, old: Self) {
        self.reply_to = old.reply_to;
        self.room = self.room.take().or(old.room);
        self.confirmed = old.confirmed;
        self.presence = old.presence;
        self.heard = old.heard;
    }

    /// Forgets what belonged to the connection that is gone. The core says again what was not confirmed.
    pub(crate) fn reconnect(&mut self) {
        self.outbox.clear();
        self.unechoed.clear();
        self.doubt = Doubt::NotLooked;
        self.typed = None;
        self.typing = false;
    }

    /// The room was lost, and is entered again: what it may not have had is said again, unless its archive has it.
    pub(crate) fn say_again(&mut self, has_archive: bool) {
        if self.unechoed.is_empty() {
            return;
        }
        while let Some(last) = self.unechoed.pop_back() {
            self.outbox.push_front(last);
        }
        self.doubt = if has_archive { Doubt::Looking } else { Doubt::Looked };
    }

    /// Nothing more is to be done for a message of ours.
    pub(crate) fn is_done(&mut self, message: MessageId) {
        for waiting in [&mut self.outbox, &mut self.unechoed] {
            waiting.retain(|waiting| waiting.spoken.message().id != message);
        }
    }

    /// Remembers that a message of ours arrived.
    pub(crate) fn confirm(&mut self, message: MessageId) -> bool {
        if self.confirmed.len() >= CONFIRMED_MAX {
            // Ids grow with time: the least is the oldest.
            self.confirmed.pop_first();
        }
        self.confirmed.insert(message)
    }
}

impl Xmpp {
    /// A conversation that the house names; it may be one from before a restart.
    pub(crate) fn known(&mut self, chat: &ProviderChatId) -> Option<&mut Conversation> {
        if !self.conversations.contains_key(chat) {
            let mut one = Conversation::new(Place::of(chat)?, None);
            one.told = true;
            one.heard = self.now;
            self.conversations.insert(chat.clone(), one);
        }
        self.conversations.get_mut(chat)
    }

    /// Whether there is room for one more conversation. One that nobody has spoken in for long and no agent takes part
    /// in makes room.
    pub(crate) fn has_room_for_one(&mut self) -> bool {
        if self.conversations.len() < self.settings.limits.conversations_max {
            return true;
        }
        let idle = |one: &Conversation| one.agents.is_empty() && one.room.is_none() && one.outbox.is_empty();
        let hour = schakel_core::model::time::Millis::seconds(3600);
        let (now, before) = (self.now, self.conversations.len());
        self.conversations.retain(|_, one| !(idle(one) && now - one.heard > hour));
        self.conversations.len() < before
    }
}
