//! The connection: what lasts as long as it, which answer belongs to which question, and when time is up.
//!
//! ```text
//! Closed ─ Opened ─► CatchingUp ─ archives read, rooms entered ─► Live ─ Closed ─► …
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schakel_core::adapter::{Adapter, ChatOperation, CloseReason, Input, Memory, Observations, Output};
use schakel_core::model::chat::Presence;
use schakel_core::model::chat_service::{AgentPresence, Show};
use schakel_core::model::ids::{AgentId, MessageId, ProviderChatId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ArchivePosition, ChatEvent, ChatReport, ConversationEvent};
use xmpp_parsers::jid::BareJid;
use xmpp_parsers::minidom::Element;

use crate::alone::Alone;
use crate::archive::Look;
use crate::conversation::Conversation;
use crate::guard::{Observed, Senders};
use crate::own::Own;
use crate::private::PrivateRoom;
use crate::room::Room;
use crate::settings::{Settings, SettingsError};
use crate::wire::{self, ns};

/// Questions without an answer at a time: more is a server that does not answer.
const ASKED_MAX: usize = 20_000;

/// Who answers nothing: no address is like it.
const NOBODY: &str = "@";

/// The adapter of one XMPP server.
#[derive(Debug)]
pub struct Xmpp {
    pub(crate) settings: Settings,
    pub(crate) own: Own,
    /// How far each archive has been read; our own account's under the empty name.
    pub(crate) archives: BTreeMap<Str, Str>,
    pub(crate) conversations: BTreeMap<ProviderChatId, Conversation>,
    /// What is to be shown of each agent.
    pub(crate) agents: BTreeMap<AgentId, AgentPresence>,
    /// What lasts as long as a connection.
    pub(crate) link: Link,
    pub(crate) observed: Observed,
    pub(crate) senders: Senders,
    /// Numbers stanzas without any name of their own.
    pub(crate) nameless: u64,
    pub(crate) now: Time,
    pub(crate) out: Vec<Output<Element>>,
}

/// What lasts as long as a connection, so that nothing of an old one can stay.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) phase: Phase,
    pub(crate) opened: Time,
    /// When the server was heard last.
    pub(crate) heard: Time,
    /// Stanzas that were transmitted.
    pub(crate) transmitted: u64,
    pub(crate) last_number: u64,
    pub(crate) asked: BTreeMap<String, Asked>,
    pub(crate) alone: Alone,
    /// Messages that the server has not taken yet, with how many stanzas it must have taken for that.
    pub(crate) said: VecDeque<(u64, ProviderChatId, MessageId)>,
    /// What must be over before all is current.
    pub(crate) tasks: BTreeSet<Task>,
    /// Live messages that wait while the account's archive is read.
    pub(crate) held: VecDeque<Element>,
    /// How many bytes they have, about.
    pub(crate) held_bytes: usize,
    /// Some did not fit: the archive is looked at once more.
    pub(crate) missed: bool,
    pub(crate) looks: BTreeMap<String, Look>,
    pub(crate) rooms: BTreeMap<BareJid, Room>,
    pub(crate) private: BTreeMap<BareJid, PrivateRoom>,
    /// Rooms that we have left, with the conversations that they were.
    pub(crate) left: BTreeMap<BareJid, ProviderChatId>,
    /// Services that were found.
    pub(crate) muc_service: Option<String>,
    pub(crate) upload_service: Option<String>,
    /// What agents' own programs say: by agent, by resource.
    pub(crate) shown: BTreeMap<AgentId, BTreeMap<String, (Show, Option<Str>)>>,
    /// Who wants to know how an address of ours is, and what he was told of it.
    pub(crate) watchers: BTreeMap<(BareJid, BareJid), Show>,
}

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    #[default]
    Closed,
    CatchingUp,
    Live,
}

/// Something that must be over before all is current.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// A component: nobody else gets what is for us.
    Alone,
    /// The account's archive.
    Account,
    /// A room is entered, and its archive read.
    Room(BareJid),
}

/// A question (`iq` of type get or set) without an answer.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whom; the answer must come from him.
    pub(crate) whom: String,
    pub(crate) until: Time,
    pub(crate) what: Question,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Are you there?
    Ping,
    /// Does what is for us come to us?
    Alone,
    /// The same, once more, after a while.
    AloneLater,
    /// The same, after so many stanzas: its answer says that they have been taken.
    Taken(u64),
    /// Am I in this room (XEP-0410)?
    InRoom(BareJid),
    /// What was said meanwhile: a look by its query's id.
    Archive(String),
    /// Nothing yet: a page of an archive is to be asked for again when this is due.
    ArchiveLater(Box<Look>),
    /// Nothing yet: the archive of a room that we have come back to is to be read when this is due.
    RoomLater(BareJid),
    /// The server's services.
    Services,
    /// What one of them can do.
    Service(String),
    /// Where a file can be put, for a message of a conversation.
    Slot(ProviderChatId, MessageId, usize),
    /// Make this room one for members only.
    Configure(BareJid),
    /// Something whose answer changes nothing.
    Nothing,
}

impl Link {
    /// Whether it is a room that we know.
    pub(crate) fn is_room(&self, jid: &BareJid) -> bool {
        self.rooms.contains_key(jid) || self.private.contains_key(jid)
    }
}

impl Xmpp {
    /// An adapter that has no connection yet.
    ///
    /// # Errors
    /// An address in the settings that is none, in words.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            own: Own::new(&settings)?,
            settings,
            archives: BTreeMap::new(),
            conversations: BTreeMap::new(),
            agents: BTreeMap::new(),
            link: Link::default(),
            observed: Observed::default(),
            senders: Senders::default(),
            nameless: 0,
            now: Time(0),
            out: Vec::new(),
        })
    }

    fn remember(&mut self, memory: &Memory) {
        let archives = memory.archives.iter();
        self.archives = archives.map(|read| (read.archive.expose().clone(), read.id.clone())).collect();
        let mut before = std::mem::take(&mut self.conversations);
        for known in &memory.conversations {
            let Some(mut one) = Conversation::remembered(known) else {
                self.observed.count("conversations_not_understood");
                continue;
            };
            // Which of his programs a visitor used last is nothing that the house keeps.
            if let Some(old) = before.remove(&known.chat) {
                one.carry_over(old);
            }
            self.conversations.insert(known.chat.clone(), one);
        }
        self.agents = memory.agents.iter().map(|one| (one.agent.clone(), one.clone())).collect();
    }

    fn open(&mut self) {
        let (opened, heard, phase) = (self.now, self.now, Phase::CatchingUp);
        self.link = Link { opened, heard, phase, ..Link::default() };
        self.link.muc_service = self.settings.muc_service.as_deref().map(str::to_owned);
        self.link.upload_service = self.settings.upload_service.as_deref().map(str::to_owned);
        for one in self.conversations.values_mut() {
            one.reconnect();
        }
        self.out.push(Output::Ready(Capabilities {
            chat: true,
            product: Some("XMPP".into()),
            ..Capabilities::default()
        }));
        if !self.own.component {
            let enable = wire::bare("enable", ns::CARBONS);
            self.ask("", None, "set", enable, Question::Nothing);
        }
        if self.own.component {
            self.link.tasks.insert(Task::Alone);
            return self.ask_whether_alone();
        }
        self.begin();
    }

    /// What an open connection begins with.
    pub(crate) fn begin(&mut self) {
        self.find_services();
        self.show_all();
        self.enter_remembered_rooms();
        if self.settings.archive && !self.own.component {
            self.link.tasks.insert(Task::Account);
            self.catch_up_account();
        }
        self.done(&Task::Alone);
        self.try_live();
    }

    pub(crate) fn close(&mut self) {
        self.link = Link::default();
    }

    /// Something that had to be over is: perhaps all is current now.
    pub(crate) fn done(&mut self, task: &Task) {
        if self.link.tasks.remove(task) {
            self.try_live();
        }
    }

    fn try_live(&mut self) {
        if self.link.phase != Phase::CatchingUp || !self.link.tasks.is_empty() {
            return;
        }
        self.link.held_bytes = 0;
        for held in std::mem::take(&mut self.link.held) {
            self.message_now(&held);
        }
        if std::mem::take(&mut self.link.missed) && self.settings.archive && !self.own.component {
            self.link.tasks.insert(Task::Account);
            return self.catch_up_account();
        }
        self.link.phase = Phase::Live;
        self.out.push(Output::Resynced { without_snapshot: Vec::new() });
        let waiting: Vec<_> = self.conversations.keys().cloned().collect();
        for chat in waiting {
            self.pump(&chat);
        }
    }

    /// Sends one stanza.
    pub(crate) fn transmit(&mut self, stanza: Element) {
        if self.link.phase != Phase::Closed {
            self.link.transmitted += 1;
            self.out.push(Output::Transmit(stanza));
        }
    }

    /// Sends a question; its answer comes to [`Xmpp::answered`], or never: then that is an answer too.
    pub(crate) fn ask(
        &mut self,
        whom: &str,
        from: Option<&str>,
        kind: &'static str,
        payload: Element,
        what: Question,
    ) -> String {
        self.link.last_number += 1;
        let id = format!("q{}", self.link.last_number);
        if self.link.asked.len() >= ASKED_MAX {
            self.observed.count("questions_dropped");
            return id;
        }
        let until = match what {
            Question::Ping | Question::Taken(_) => self.now + self.settings.times.ping_limit,
            _ => self.now + self.settings.times.answer_limit,
        };
        let ours = self.own.bare.to_string();
        let from = from.or(self.own.component.then_some(ours.as_str()));
        let stanza = wire::stanza("iq", from, whom, Some(kind), &id).append(payload).build();
        self.link.asked.insert(id.clone(), Asked { whom: whom.to_owned(), until, what });
        self.transmit(stanza);
        id
    }

    /// Notes what is to be done after a while, as a question that nobody is asked.
    pub(crate) fn wait(&mut self, pause: Millis, what: Question) {
        self.link.last_number += 1;
        let until = self.now + pause;
        self.link
            .asked
            .insert(format!("w{}", self.link.last_number), Asked { whom: NOBODY.into(), until, what });
    }

    /// Whose answer to a ping says that our own server has taken what went before: the server of an account; a
    /// component's own domain, because the server sends it round.
    pub(crate) fn server(&self) -> String {
        self.own.bare.domain().to_string()
    }

    /// Without stream management: asks whether the server has taken what was said, once at a time.
    pub(crate) fn ask_whether_taken(&mut self) {
        let asks = self.link.asked.values().any(|asked| matches!(asked.what, Question::Taken(_)));
        if self.settings.acknowledged || self.link.said.is_empty() || asks {
            return;
        }
        let whom = self.server();
        let taken = Question::Taken(self.link.transmitted);
        self.ask(&whom, None, "get", wire::bare("ping", ns::PING), taken);
    }

    /// The server has taken so many stanzas.
    pub(crate) fn taken(&mut self, count: u64) {
        while self.link.said.front().is_some_and(|(stanzas, ..)| *stanzas <= count) {
            let Some((_, chat, message)) = self.link.said.pop_front() else { return };
            self.confirm(&chat, message, None);
        }
        self.ask_whether_taken();
    }

    fn tick(&mut self) {
        if self.link.phase == Phase::Closed {
            return;
        }
        let late: Vec<_> = self
            .link
            .asked
            .extract_if(.., |_, asked| asked.until <= self.now)
            .map(|(_, asked)| asked)
            .collect();
        for asked in late {
            if matches!(asked.what, Question::Ping | Question::Taken(_)) {
                let text = "the XMPP server did not answer a ping: the connection is dead, or the server is too busy";
                self.out.push(Output::Close(CloseReason { text: text.into(), fatal: false }));
                return self.close();
            }
            if asked.whom != NOBODY {
                self.observed.count("questions_unanswered");
            }
            self.answered(asked, None);
            if self.link.phase == Phase::Closed {
                return;
            }
        }
        if self.link.heard + self.settings.times.ping_interval <= self.now {
            let pings = self
                .link
                .asked
                .values()
                .any(|asked| matches!(asked.what, Question::Ping | Question::Taken(_)));
            self.link.heard = self.now;
            if !pings {
                let whom = self.server();
                self.ask(&whom, None, "get", wire::bare("ping", ns::PING), Question::Ping);
            }
        }
        self.tick_rooms();
    }

    fn converse(&mut self, operation: &ChatOperation) {
        if self.link.phase == Phase::Closed {
            // The core asks again when the link is back.
            return;
        }
        match operation {
            ChatOperation::Say { chat, spoken } => self.say(chat, spoken),
            ChatOperation::SayPrivately { chat, message, nickname } => {
                self.say_privately(chat, message, nickname)
            }
            ChatOperation::Join { chat, agent, nickname } => self.join(chat, agent, nickname),
            ChatOperation::Leave { chat, agent } => self.leave(chat, agent),
            ChatOperation::End { chat } => self.end(chat),
            ChatOperation::Kept { chat, keys } => self.tell_kept(chat, keys),
            ChatOperation::Refuse { chat, keys, text, can_retry } => {
                self.tell_refused(chat, keys, text, *can_retry)
            }
            ChatOperation::Show(presence) => {
                self.agents.insert(presence.agent.clone(), presence.clone());
                self.show();
            }
            _ => self.observed.count("operations_unknown"),
        }
    }

    /// Tells the house what happened in a conversation.
    pub(crate) fn tell(
        &mut self,
        chat: &ProviderChatId,
        event: ConversationEvent,
        read: Option<ArchivePosition>,
    ) {
        if let Some(read) = &read {
            self.archives.insert(read.archive.expose().clone(), read.id.clone());
        }
        let event = ChatEvent::Chat { chat: chat.clone(), event: Box::new(event) };
        self.out.push(Output::Report(EventReport::Chat(Box::new(ChatReport { event: Some(event), read }))));
    }

    /// Tells the house how far an archive has been read with nothing in it for us.
    pub(crate) fn tell_read(&mut self, archive: &str, id: &str) {
        if self.archives.get(archive).is_some_and(|known| **known == *id) {
            return;
        }
        self.archives.insert(archive.into(), id.into());
        let read = Some(ArchivePosition { archive: Pii::new(archive.into()), id: id.into() });
        self.out.push(Output::Report(EventReport::Chat(Box::new(ChatReport { event: None, read }))));
    }

    /// Tells the house that an archive will not be read any more: each room has one, and there are always more rooms.
    pub(crate) fn forget_archive(&mut self, archive: &str) {
        if self.archives.remove(archive).is_some() {
            let read = Some(ArchivePosition { archive: Pii::new(archive.into()), id: "".into() });
            self.out.push(Output::Report(EventReport::Chat(Box::new(ChatReport { event: None, read }))));
        }
    }

    /// Tells whether the visitor is there, where that is news.
    pub(crate) fn tell_presence(&mut self, chat: &ProviderChatId, presence: Presence) {
        if let Some(one) = self.conversations.get_mut(chat)
            && one.presence != presence
        {
            one.presence = presence;
            self.tell(chat, ConversationEvent::Presence(presence), None);
        }
    }
}

impl Adapter<Element> for Xmpp {
    fn handle(&mut self, input: Input<'_, Element>, now: Time, output: &mut Vec<Output<Element>>) {
        self.now = self.now.max(now);
        match input {
            Input::Remember(memory) => self.remember(memory),
            Input::Opened => self.open(),
            Input::Received(stanza) => self.received(stanza),
            Input::Closed(_) => self.close(),
            Input::Converse(operation) => self.converse(operation),
            Input::Typing { chat, nickname, typing } => self.type_out(chat, nickname, typing),
            Input::Acknowledged(count) => self.taken(count),
            Input::Uploaded { upload, result } => self.uploaded(upload, result),
            Input::Tick => self.tick(),
            // Telephony; our full JID, which every stanza to us repeats; and what the seam may grow by.
            _ => {}
        }
        output.append(&mut self.out);
    }

    fn next_deadline(&self) -> Option<Time> {
        if self.link.phase == Phase::Closed {
            return None;
        }
        let asked = self.link.asked.values().map(|asked| asked.until);
        let ping = self.link.heard + self.settings.times.ping_interval;
        asked.chain([ping]).chain(self.room_deadlines()).min()
    }

    fn observations(&self) -> Observations {
        self.observed.show()
    }
}
