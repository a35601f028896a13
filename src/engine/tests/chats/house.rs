//! A journal, and an engine on it with one queue, one agent in the channel and one chat provider.

use schakel_contract::NoRecognition;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{Actor, Command, CommandOutcome, CommandRecord, CommandState};
use schakel_core::input::InputBody;
use schakel_core::model::chat::{Audience, ChatState, Content, Speaker, Visitor};
use schakel_core::model::ids::{AgentId, ChatId, MessageId, OfferId, ProviderChatId, ProviderId};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ChatEvent, ChatReport, ConversationEvent, Heard, HeardBy};
use schakel_core::settings::{ChatSettings, ProviderSettings, QueueSettings, Settings};
use schakel_engine::{
    Accepted, CommandRequest, Engine, EngineHandle, EngineSettings, decode_private, decode_public,
};
use schakel_journal::{AuditEntry, AuditFilter, Options, Recovery, Said, Store};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, LocalSet};

const AGENT: &str = "anna";

/// Runs a test as the daemon runs: on one thread, with local tasks.
pub fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

pub fn xmpp() -> ProviderId {
    "xmpp".into()
}

/// One journal. What was opened last stays open.
pub struct House {
    folder: tempfile::TempDir,
    open: RefCell<Option<Store>>,
}

impl House {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), open: RefCell::default() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    pub fn store(&self) -> Store {
        self.open.borrow().clone().expect("an engine was started")
    }

    /// An engine that is ready: the agent is in the channel, the link is up. The one before must be gone.
    pub async fn start(&self) -> Running {
        self.open.replace(None);
        let (store, recovery) = Store::open(self.path(), Options::default()).unwrap();
        self.open.replace(Some(store.clone()));
        Running::start(store, recovery).await
    }

    /// Both transcripts of a chat in order: order and words.
    pub async fn transcript(&self, chat: ChatId) -> Vec<(u64, String)> {
        transcript(&self.store(), chat).await
    }

    /// How many notifications of a kind there are.
    pub fn told(&self, kind: &str) -> usize {
        told(&self.store(), kind)
    }

    pub fn audited(&self) -> Vec<AuditEntry> {
        let reader = self.store().reader().unwrap();
        let (rows, ..) = reader.audit(0, 1_000, &AuditFilter::default()).unwrap();
        rows.into_iter().map(|row| row.entry).collect()
    }
}

pub async fn transcript(store: &Store, chat: ChatId) -> Vec<(u64, String)> {
    let page = store.internal_chats().page(chat.0, 0, 10_000).await.unwrap();
    let words = page.rows.into_iter().map(|row| {
        let text = match &row.said {
            Said::Public(said) => decode_public(&said.bytes).unwrap().content.text,
            Said::Private(said) => decode_private(&said.bytes).unwrap().words.for_agents().text.clone(),
        };
        (row.ord, text.expose().to_string())
    });
    words.collect()
}

pub fn told(store: &Store, kind: &str) -> usize {
    let page = store.reader().unwrap().notifications(0, 100_000, |told| told == kind).unwrap();
    assert!(!page.more);
    page.rows.len()
}

/// An engine that runs.
pub struct Running {
    pub handle: EngineHandle,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn start(store: Store, recovery: Recovery) -> Self {
        let settings = EngineSettings {
            organisation: "gemeente".into(),
            source: "urn:nld:oin:00000001234567890000:systeem:schakel".into(),
            snapshot_every: 1_000_000,
            recognise: Arc::new(NoRecognition),
            act_before_commit: false,
            commit_takes: Duration::ZERO,
        };
        let engine = Engine::recover(store, recovery, settings).unwrap();
        let handle = engine.handle();
        let task = tokio::task::spawn_local(engine.run(first()));
        let running = Self { handle, task };
        // The chats that a killed engine left go on: there must be room beside them.
        let (agent, queues, chats_max) = (AGENT.into(), vec!["balie".into()], Some(10));
        let start = ChatCommand::Start { agent, queues, nickname: Some("Anna".into()), chats_max };
        running.done(Command::Chat(start)).await;
        running
    }

    /// The engine is gone at once, wherever it was.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Somebody who was in the channel once watches a chat unseen.
    pub async fn watch(&self, chat: ChatId, agent: &str, purpose: &str) {
        let (id, queues) = (AgentId::from(agent), vec!["balie".into()]);
        let start = ChatCommand::Start { agent: id.clone(), queues, nickname: None, chats_max: None };
        self.done(Command::Chat(start)).await;
        self.done(Command::Chat(ChatCommand::Stop { agent: id.clone() })).await;
        self.change(chat, ChatChange::Observe { agent: id, purpose: purpose.into() }).await;
    }

    /// Asks, and waits for the outcome.
    pub async fn command(&self, command: Command) -> CommandRecord {
        let by = Actor { token: "test".into(), name: None, agent: None, from: None };
        let request = CommandRequest { command, by, if_version: None, idempotency: None };
        let Accepted::New { done, .. } = self.handle.command(request).await.unwrap() else {
            panic!("it has no key");
        };
        done.await.unwrap()
    }

    /// As [`Self::command`], and it succeeds.
    pub async fn done(&self, command: Command) -> CommandRecord {
        let record = self.command(command).await;
        let succeeded = matches!(record.state, CommandState::Done { outcome: CommandOutcome::Succeeded, .. });
        assert!(succeeded, "{record:?}");
        record
    }

    pub async fn change(&self, chat: ChatId, change: ChatChange) {
        self.done(Command::Chat(ChatCommand::Change { chat, change })).await;
    }

    async fn says(&self, chat: ChatId, by: Speaker, id: u128, audience: Audience, text: &str) {
        let content = Box::new(Content::text(text));
        self.change(chat, ChatChange::Say { by, message: MessageId(id), audience, content }).await;
    }

    pub async fn visitor_says(&self, chat: ChatId, id: u128, text: &str) {
        self.says(chat, Speaker::Visitor, id, Audience::Public, text).await;
    }

    pub async fn agent_says(&self, chat: ChatId, id: u128, audience: Audience, text: &str) {
        self.says(chat, Speaker::Agent(AGENT.into()), id, audience, text).await;
    }

    /// A visitor on the REST API who calls himself this, and has been joined by the agent.
    pub async fn served(&self, nickname: &str) -> ChatId {
        let visitor = Visitor { nickname: Some(Pii::new(nickname.into())), ..Visitor::default() };
        let open = ChatCommand::Open { queue: "balie".into(), visitor: Box::new(visitor) };
        let chat = self.done(Command::Chat(open)).await.chat.unwrap();
        self.visitor_says(chat, 1, "Goedemorgen").await;
        self.accept(chat).await;
        chat
    }

    /// As [`Self::served`], of one who comes over the chat provider.
    pub async fn served_at(&self, conversation: &str) -> ChatId {
        self.reports(vec![said(conversation, "k0", "Goedemorgen")]).await;
        let chat = self.chat_at(conversation).await;
        self.accept(chat).await;
        self.reports(vec![happens(conversation, ConversationEvent::AgentJoined(AGENT.into()))]).await;
        let state = self.handle.read(move |state| state.chats[&chat].state).await.unwrap();
        assert_eq!(state, ChatState::Active);
        chat
    }

    pub async fn reports(&self, bodies: Vec<InputBody>) {
        self.handle.inputs(bodies).await.unwrap().await.unwrap();
    }

    pub async fn chat_at(&self, conversation: &str) -> ChatId {
        let conversation: ProviderChatId = conversation.into();
        let look =
            move |state: &schakel_core::state::State| state.chat_of(&xmpp(), &conversation).unwrap().id;
        self.handle.read(look).await.unwrap()
    }

    async fn accept(&self, chat: ChatId) {
        let offered =
            move |state: &schakel_core::state::State| -> OfferId { state.chats[&chat].offer.unwrap() };
        let offer = self.handle.read(offered).await.unwrap();
        self.change(chat, ChatChange::Accept { offer, agent: agent() }).await;
    }
}

pub fn agent() -> AgentId {
    AGENT.into()
}

/// Somebody says something at the chat provider.
pub fn said(conversation: &str, key: &str, text: &str) -> InputBody {
    let heard = Heard {
        queue: Some("balie".into()),
        visitor: Visitor { nickname: Some(Pii::new("Jan".into())), ..Visitor::default() },
        by: HeardBy::Visitor,
        keys: vec![key.into()],
        text: Pii::new(text.into()),
        links: Vec::new(),
        said: None,
        corrects: None,
        receipt: false,
    };
    happens(conversation, ConversationEvent::Said(heard))
}

fn happens(conversation: &str, event: ConversationEvent) -> InputBody {
    let event = Some(ChatEvent::Chat { chat: conversation.into(), event: Box::new(event) });
    let report = EventReport::Chat(Box::new(ChatReport { event, read: None }));
    InputBody::Report { provider: xmpp(), report }
}

fn first() -> Vec<InputBody> {
    let queue = QueueSettings { offline: true, ..QueueSettings::named("balie") };
    let quiet = QueueSettings { typing_preview: false, ..QueueSettings::named("stil") };
    let settings = Settings {
        providers: vec![ProviderSettings { id: xmpp(), devices: Vec::new() }],
        chat: ChatSettings { queues: vec![queue, quiet], ..ChatSettings::default() },
        ..Settings::default()
    };
    let capabilities = Capabilities { chat: true, ..Capabilities::default() };
    vec![
        InputBody::Started,
        InputBody::Configured(Box::new(settings)),
        InputBody::LinkReady { provider: xmpp(), capabilities },
        InputBody::Resynced { provider: xmpp(), without_snapshot: Vec::new() },
    ]
}

/// Opens a journal that nobody has open.
pub fn open(path: &Path) -> (Store, Recovery) {
    Store::open(path, Options::default()).unwrap()
}
