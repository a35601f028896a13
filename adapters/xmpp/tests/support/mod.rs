//! Plays transcripts of stanzas, as the testkit does those of bytes.
//!
//! ```text
//! @ set KEY=VALUE …         settings, before all else (see `adapter`)
//! @ connect                 what the house remembers is given, and the connection opens
//! @ restart                 a new adapter; the house remembers
//! @ +30s  @ acked 3  @ uploaded 9 ok  @ uploaded 9 WORDS  @ close WORDS
//! < STANZA                  arrives (namespace jabber:client unless it says another)
//! ! say #1 7 jan WORDS      the house asks (see `operation`); #1 is the first conversation that was told
//! > STANZA   = TEXT         expected
//! ```
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schakel_core::adapter::{Adapter, ChatOperation, Conversation, Input, Memory, Output};
use schakel_core::model::chat::{
    Attachment, Author, Content, NotForVisitors, PrivateMessage, PublicMessage, Spoken,
};
use schakel_core::model::chat_service::{AgentPresence, Show};
use schakel_core::model::ids::{AgentId, ChatId, FileId, MessageId, ProviderChatId, QueueId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ArchivePosition, ChatEvent, ConversationEvent};
use schakel_core::settings::TextId;
use schakel_xmpp::{Settings, Xmpp};
use xmpp_parsers::minidom::Element;

/// When transcripts begin.
pub const BEGIN: Time = Time(1_790_000_000_000);

/// The folder of the transcripts.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol-fixtures/xmpp")
}

/// A stanza of its text.
pub fn stanza(text: &str) -> Element {
    let (name, rest) = text.split_at(text.find([' ', '>', '/']).unwrap_or(text.len()));
    let head = text.split('>').next().unwrap_or_default();
    if head.contains("xmlns=") { text.parse() } else { format!("{name} xmlns='jabber:client'{rest}").parse() }
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Settings by `KEY=VALUE`s.
pub fn settings(keys: &BTreeMap<String, String>) -> Settings {
    let get = |key: &str| keys.get(key).map(String::as_str);
    let mut settings = match get("component") {
        Some(domain) => Settings::component(domain),
        None => Settings::client(get("account").unwrap_or("support@stad.example")),
    };
    settings.default_queue = get("default").map(QueueId::from);
    for pair in get("queues").into_iter().flat_map(|all| all.split(',')) {
        let (name, queue) = pair.split_once(':').unwrap();
        settings.queues.push((name.into(), queue.into()));
    }
    for pair in get("agents").into_iter().flat_map(|all| all.split(',')) {
        let (agent, jid) = pair.split_once(':').unwrap();
        settings.agents.push((agent.into(), jid.into()));
    }
    settings.muc_service = Some(get("muc").unwrap_or("rooms.stad.example").into());
    settings.muc_service = settings.muc_service.filter(|service| &**service != "none");
    settings.archive = get("archive") != Some("off");
    settings.upload = get("upload").is_some();
    settings.upload_service = get("upload").map(Into::into);
    settings.allowed_domains =
        get("allowed").into_iter().flat_map(|all| all.split(',')).map(Into::into).collect();
    settings.workgroups = get("workgroup").into_iter().map(Into::into).collect();
    let number = |key: &str| get(key).and_then(|value| value.parse::<usize>().ok());
    settings.limits.burst = number("burst").map_or(settings.limits.burst, |burst| burst as u32);
    settings.limits.rooms_max = number("rooms").unwrap_or(settings.limits.rooms_max);
    settings.limits.conversations_max = number("conversations").unwrap_or(settings.limits.conversations_max);
    settings.limits.held_max = number("held").unwrap_or(settings.limits.held_max);
    settings.limits.waiting_max = number("waiting").unwrap_or(settings.limits.waiting_max);
    let entries_max = number("entries");
    settings.limits.archive_entries_max = entries_max.unwrap_or(settings.limits.archive_entries_max);
    settings
}

/// The house, as far as an adapter sees it.
pub struct House {
    pub xmpp: Xmpp,
    settings: Settings,
    pub now: Time,
    memory: Memory,
    pub chats: Vec<ProviderChatId>,
}

impl House {
    pub fn new(settings: Settings) -> Self {
        let xmpp = Xmpp::new(settings.clone()).unwrap();
        Self { xmpp, settings, now: BEGIN, memory: Memory::default(), chats: Vec::new() }
    }

    /// Gives an input, and remembers what the core would.
    pub fn give(&mut self, input: Input<'_, Element>) -> Vec<Output<Element>> {
        let mut outputs = Vec::new();
        self.xmpp.handle(input, self.now, &mut outputs);
        for output in &outputs {
            self.learn(output);
        }
        outputs
    }

    pub fn connect(&mut self) -> Vec<Output<Element>> {
        let memory = self.memory.clone();
        self.give(Input::Remember(&memory));
        self.give(Input::Named("support@stad.example/schakel-1"));
        let outputs = self.give(Input::Opened);
        self.send_round(outputs)
    }

    /// A component's pings to itself come round; they are not shown.
    fn send_round(&mut self, outputs: Vec<Output<Element>>) -> Vec<Output<Element>> {
        let (pings, mut shown): (Vec<_>, Vec<_>) = outputs.into_iter().partition(|output| {
            matches!(output, Output::Transmit(stanza) if stanza.attr("id").is_some_and(|id| id.starts_with("alone-")))
        });
        for ping in pings {
            if let Output::Transmit(stanza) = ping {
                shown.extend(self.give(Input::Received(&stanza)));
            }
        }
        shown
    }

    pub fn restart(&mut self) {
        self.xmpp = Xmpp::new(self.settings.clone()).unwrap();
    }

    pub fn receive(&mut self, text: &str) -> Vec<Output<Element>> {
        self.give(Input::Received(&stanza(text)))
    }

    fn learn(&mut self, output: &Output<Element>) {
        let Output::Report(EventReport::Chat(report)) = output else { return };
        if let Some(ArchivePosition { archive, id }) = &report.read {
            self.memory.archives.retain(|known| known.archive != *archive);
            self.memory.archives.push(ArchivePosition { archive: archive.clone(), id: id.clone() });
        }
        let Some(ChatEvent::Chat { chat, event }) = &report.event else { return };
        if !self.chats.contains(chat) {
            self.chats.push(chat.clone());
        }
        let queue = match &**event {
            ConversationEvent::Opened { queue, .. } => Some(queue.clone()),
            ConversationEvent::Said(heard) => heard.queue.clone(),
            _ => None,
        };
        let known = self.memory.conversations.iter().any(|one| one.chat == *chat);
        if let Some(queue) = queue.filter(|_| !known) {
            self.memory.conversations.push(Conversation { chat: chat.clone(), queue, agents: Vec::new() });
        }
        let conversation = self.memory.conversations.iter_mut().find(|one| one.chat == *chat);
        match (&**event, conversation) {
            (ConversationEvent::AgentJoined(agent), Some(one))
                if one.agents.iter().all(|(it, _)| it != agent) =>
            {
                one.agents.push((agent.clone(), agent.as_str().into()));
            }
            (ConversationEvent::AgentLeft(agent), Some(one)) => one.agents.retain(|(it, _)| it != agent),
            (ConversationEvent::EndedByVisitor | ConversationEvent::EndedByProvider(_), _) => {
                self.memory.conversations.retain(|one| one.chat != *chat);
            }
            _ => {}
        }
    }

    /// Lets time pass, keeping each deadline when it comes.
    pub fn pass(&mut self, span: Millis) -> Vec<Output<Element>> {
        let end = self.now + span;
        let mut outputs = Vec::new();
        for _ in 0..10_000 {
            let Some(at) = self.xmpp.next_deadline().filter(|at| *at <= end) else {
                self.now = end;
                return outputs;
            };
            self.now = self.now.max(at);
            outputs.append(&mut self.give(Input::Tick));
        }
        panic!("the same deadline again and again")
    }

    fn chat(&self, word: &str) -> ProviderChatId {
        let number: usize = word.trim_start_matches('#').parse().unwrap();
        self.chats[number - 1].clone()
    }

    pub fn operate(&mut self, text: &str) -> Vec<Output<Element>> {
        if let Some(rest) = text.strip_prefix("type ") {
            let words: Vec<_> = rest.split(' ').collect();
            let chat = self.chat(words[0]);
            return self.give(Input::Typing { chat: &chat, nickname: words[1], typing: words[2] == "on" });
        }
        let operation = self.operation(text);
        self.give(Input::Converse(&operation))
    }

    /// `say #1 7 AGENT|- WORDS` · `file #1 7 AGENT WORDS` · `whisper #1 8 AGENT WORDS` · `join|leave #1 AGENT` · `end #1`
    /// · `kept #1 KEYS` · `refuse #1 KEY WORDS` · `show AGENT SHOW`.
    fn operation(&self, text: &str) -> ChatOperation {
        let most = if text.starts_with("refuse") { 4 } else { 5 };
        let mut words = text.splitn(most, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (what, first) = (next(), next());
        if what == "show" {
            let show = match next() {
                "chat" => Show::Chat,
                "away" => Show::Away,
                "dnd" => Show::DoNotDisturb,
                "unavailable" => Show::Unavailable,
                _ => Show::Available,
            };
            let (agent, nickname) = (AgentId::from(first), first.into());
            return ChatOperation::Show(AgentPresence { agent, nickname, show, chats: 0, chats_max: 3 });
        }
        let chat = self.chat(first);
        let number = |word: &str| MessageId(word.parse().unwrap());
        match what {
            "say" | "file" => {
                let (id, agent) = (number(next()), next());
                let mut content = Content::text(next());
                if what == "file" {
                    let (name, media_type) = (Pii::new("plan.pdf".into()), "application/pdf".into());
                    content.files.push(Attachment { id: FileId(5), name, media_type, size: 1234 });
                }
                let (author, nickname) = match agent {
                    "-" => (Author::System(TextId::Requeued), None),
                    agent => (Author::Agent(agent.into()), Some(agent.into())),
                };
                let message = PublicMessage {
                    id,
                    chat: ChatId(1),
                    seq: 1,
                    order: 1,
                    at: self.now,
                    author,
                    content,
                    late: false,
                    corrects: None,
                };
                ChatOperation::Say { chat, spoken: Box::new(Spoken::new(message, nickname)) }
            }
            "say-again" => match self.operation(&text.replacen("say-again", "say", 1)) {
                ChatOperation::Say { chat, spoken } => {
                    let message = PublicMessage { at: Time(BEGIN.0 - 1), ..spoken.message().clone() };
                    ChatOperation::Say {
                        chat,
                        spoken: Box::new(Spoken::new(message, spoken.nickname().cloned())),
                    }
                }
                other => other,
            },
            "whisper" => {
                let (id, author) = (number(next()), next());
                let message = PrivateMessage {
                    id,
                    chat: ChatId(1),
                    order: 2,
                    at: self.now,
                    author: author.into(),
                    words: NotForVisitors::new(Content::text(next())),
                };
                ChatOperation::SayPrivately { chat, message: Box::new(message), nickname: author.into() }
            }
            "join" => {
                let agent = next();
                ChatOperation::Join { chat, agent: agent.into(), nickname: agent.into() }
            }
            "leave" => ChatOperation::Leave { chat, agent: next().into() },
            "end" => ChatOperation::End { chat },
            "kept" => {
                let keys = words.collect::<Vec<_>>().join(" ");
                ChatOperation::Kept { chat, keys: keys.split(' ').map(key).collect() }
            }
            "refuse" => {
                let keys = vec![key(next())];
                ChatOperation::Refuse { chat, keys, text: next().into(), can_retry: true }
            }
            other => panic!("what is {other:?}?"),
        }
    }

    /// One line for an output.
    pub fn line(&self, output: &Output<Element>) -> String {
        match output {
            Output::Transmit(stanza) => format!("> {}", String::from(stanza).replace('\n', "&#10;")),
            Output::Ready(_) => "= ready".into(),
            Output::Resynced { .. } => "= resynced".into(),
            Output::Fault(words) => format!("= fault {words}"),
            Output::Close(reason) => format!("= close {}", reason.text),
            Output::Typing(typing) => {
                let words =
                    typing.text.as_ref().map(|text| format!(" {:?}", text.expose())).unwrap_or_default();
                format!("= {} typing {}{words}", self.number(&typing.chat), typing.typing)
            }
            Output::Upload { upload, media_type, url, headers, .. } => {
                format!("= upload {upload} {media_type} {url} {headers:?}")
            }
            Output::Report(EventReport::Chat(report)) => {
                let read = report.read.as_ref();
                let read = read.map(|read| format!(" [read {:?} {}]", read.archive.expose(), read.id));
                let event = match &report.event {
                    None => "nothing".into(),
                    Some(ChatEvent::AgentShown { agent, show, status }) => {
                        format!("agent {} {show:?} {}", agent.as_str(), status.as_deref().unwrap_or_default())
                    }
                    Some(ChatEvent::Chat { chat, event }) => format!("{} {}", self.number(chat), told(event)),
                };
                format!("= {}{}", event.trim(), read.unwrap_or_default())
            }
            other => format!("= {other:?}"),
        }
    }

    fn number(&self, chat: &ProviderChatId) -> String {
        self.chats.iter().position(|known| known == chat).map_or("#?".into(), |at| format!("#{}", at + 1))
    }
}

/// A key as transcripts have it: `oid:SENDER:ID`, of which the id has no colon here.
fn key(text: &str) -> Str {
    match text.rsplit_once(':').filter(|_| text.starts_with("oid:")) {
        Some((from, id)) => format!("{from}\u{1f}{id}").into(),
        None => text.into(),
    }
}

fn shown(key: &str) -> String {
    key.replace('\u{1f}', ":")
}

fn told(event: &ConversationEvent) -> String {
    match event {
        ConversationEvent::Opened { queue, visitor } => {
            let more: Vec<_> = [&visitor.nickname, &visitor.address, &visitor.email]
                .into_iter()
                .flatten()
                .map(|known| known.expose().to_string())
                .chain(visitor.attributes.iter().map(|one| format!("{}={}", one.name, one.value.expose())))
                .collect();
            format!("opened in {} {}", queue.as_str(), more.join(" "))
        }
        ConversationEvent::Said(heard) => {
            let mut line = format!("said by {:?} {:?}", heard.by, heard.text.expose());
            line.push_str(&format!(
                " in {} keys {}",
                heard.queue.as_ref().map_or("-", |it| it.as_str()),
                heard.keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(" ")
            ));
            let more = [
                ("name", heard.visitor.nickname.as_ref().map(|it| it.expose().to_string())),
                ("language", heard.visitor.language.as_ref().map(|it| it.to_string())),
                ("at", heard.said.map(|it| it.0.to_string())),
                ("corrects", heard.corrects.as_ref().map(|it| shown(it))),
            ];
            for (name, value) in more {
                if let Some(value) = value {
                    line.push_str(&format!(" {name} {value}"));
                }
            }
            if heard.receipt {
                line.push_str(" receipt");
            }
            for link in &heard.links {
                line.push_str(&format!(" link {}", link.expose()));
            }
            line
        }
        ConversationEvent::Presence(presence) => format!("visitor {presence:?}"),
        ConversationEvent::EndedByProvider(words) => format!("ended by provider: {words}"),
        ConversationEvent::NotDelivered(message, words) => format!("not delivered {} {words}", message.0),
        ConversationEvent::Sent(message) => format!("sent {}", message.0),
        ConversationEvent::Delivered(message) => format!("delivered {}", message.0),
        ConversationEvent::Displayed(message) => format!("displayed {}", message.0),
        other => format!("{other:?}"),
    }
}

/// Replays one transcript; with `UPDATE_FIXTURES` set, writes its expectations anew. What differs, in words.
pub fn replay(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut written, mut keys, mut house) = (Vec::<String>::new(), BTreeMap::new(), None::<House>);
    let (mut expected, mut got) = (Vec::<&str>::new(), Vec::<String>::new());
    let update = std::env::var_os("UPDATE_FIXTURES").is_some();
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.starts_with(['>', '=']) {
            expected.push(line);
            continue;
        }
        if !update && expected != got {
            let at =
                expected.iter().zip(&got).position(|(a, b)| a != b).unwrap_or(expected.len().min(got.len()));
            let (expected, got) =
                (expected.get(at).unwrap_or(&"nothing"), got.get(at).map_or("nothing", |it| it));
            return Err(format!(
                "{}:{}:\n  expected {expected}\n  but got  {got}",
                path.display(),
                number + 1
            ));
        }
        expected.clear();
        got.clear();
        written.push(line.to_owned());
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if let Some(set) = line.strip_prefix("@ set ") {
            let pairs = set.split_whitespace().filter_map(|pair| pair.split_once('='));
            keys.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
            continue;
        }
        let house = house.get_or_insert_with(|| House::new(settings(&keys)));
        let outputs = step(house, line);
        got = outputs.iter().map(|output| house.line(output)).collect();
        written.extend(got.iter().cloned());
    }
    if update {
        std::fs::write(path, format!("{}\n", written.join("\n").trim_end()))
            .map_err(|error| error.to_string())?;
    }
    house.map(|_| ()).ok_or_else(|| format!("{}: nothing happens", path.display()))
}

fn step(house: &mut House, line: &str) -> Vec<Output<Element>> {
    let (mark, rest) = line.split_at(2);
    let (first, more) = rest.split_once(' ').unwrap_or((rest, ""));
    match (mark, first) {
        ("< ", _) => house.receive(rest),
        ("! ", _) => house.operate(rest),
        ("@ ", "connect") => house.connect(),
        ("@ ", "restart") => {
            house.restart();
            Vec::new()
        }
        ("@ ", "close") => house.give(Input::Closed(more)),
        ("@ ", "acked") => house.give(Input::Acknowledged(more.parse().unwrap())),
        ("@ ", "uploaded") => {
            let (upload, words) = more.split_once(' ').unwrap();
            let result = if words == "ok" { Ok(()) } else { Err(words.into()) };
            house.give(Input::Uploaded { upload: upload.parse().unwrap(), result })
        }
        ("@ ", span) => {
            let seconds = span.trim_start_matches('+').trim_end_matches('s').parse().expect("a span: +30s");
            house.pass(Millis::seconds(seconds))
        }
        _ => panic!("what is {line:?}?"),
    }
}
