//! The loop.

use crate::audit;
use crate::chat;
use crate::clock::Clock;
use crate::fact::encode_fact;
use crate::handle::{
    Accepted, Ask, CommandAsk, EngineHandle, EraseAsk, Erased, Look, SubscriptionFilter, TestDelivery,
};
use crate::idempotency::{Recent, Seen};
use crate::order::{Links, NotTaken, Order};
use crate::recover::{self, RecoverError};
use crate::subscribers::Subscribers;
use crate::typing::{self, TYPINGS_MAX, TypingAsk};
use bytes::Bytes;
use schakel_contract::event::{self, EventMeta};
use schakel_contract::reply;
use schakel_contract::{NoGuide, Recognise, RouteGuide};
use schakel_core::adapter::{ChatOperation, ProviderCommand};
use schakel_core::apply::apply;
use schakel_core::command::{CommandRecord, Refusal, RefusalCause};
use schakel_core::effect::Effect;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::ids::{CommandId, ContactId, IdMaker, OrganisationId, ProviderId, SessionId};
use schakel_core::model::time::{Millis, Time};
use schakel_core::state::State;
use schakel_journal as journal;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// How many asks may wait for the engine before those who ask must wait too.
const INBOX_MAX: usize = 4096;

/// How many asks are applied before one commit: beyond it the commit's share is below the work's noise.
const BATCH_MAX: usize = 1024;

/// Between two snapshots at least: to encode one of thousands of calls takes milliseconds, which the events of a busy
/// minute would wait for. A restart reads what came since in well under a second.
const SNAPSHOT_PAUSE: Millis = Millis::seconds(2);

/// How long to wait before a failed commit is offered again.
const COMMIT_RETRY: Duration = Duration::from_millis(250);

/// How many such tries there are in a minute.
const COMMIT_TRIES_A_MINUTE: u32 = 240;

/// What the engine is told about its surroundings.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Whose calls these are.
    pub organisation: OrganisationId,
    /// The CloudEvents source: `urn:nld:oin:<OIN>:systeem:<name>`.
    pub source: String,
    /// A snapshot of the state is written after so many inputs, so that a restart does not grow with history.
    pub snapshot_every: u64,
    /// By whom the number of a customer is looked up while a notification is written: what it says belongs to that
    /// moment, and is no part of the state.
    pub recognise: Arc<dyn Recognise>,
    /// Act before the commit. Wrong on purpose: the negative control of the tests that kill the daemon.
    pub act_before_commit: bool,
    /// Each commit takes so much longer, as on a slow disk; for the same tests. Zero otherwise.
    pub commit_takes: Duration,
}

/// Who is told what became durable, in order.
pub type Committed = Box<dyn FnMut(&[Arc<journal::Notification>])>;

/// The engine of one organisation.
pub struct Engine {
    state: State,
    store: journal::Store,
    settings: EngineSettings,
    clock: Clock,
    inbox: mpsc::Receiver<Ask>,
    handle: EngineHandle,
    cursor: watch::Sender<u64>,
    subscribers: Subscribers,
    links: Links,
    committed: Committed,
    guide: Arc<dyn RouteGuide>,
    recent: Recent,
    waiting: HashMap<CommandId, oneshot::Sender<CommandRecord>>,
    /// The idempotency keys (scope and key) of commands under way.
    keys: HashMap<CommandId, (String, String)>,
    input_seq: u64,
    notification_seq: u64,
    snapshot_seq: u64,
    snapshot_at: Time,
    /// One snapshot is written at a time, so that an older one never comes after a newer.
    snapshots: Arc<tokio::sync::Mutex<()>>,
    /// Room for what follows from one input, kept from one to the next.
    effects: Vec<Effect>,
    /// Room for what is written of one input, before it is copied at its true size.
    written: Vec<u8>,
}

/// What one turn of the loop gathers before it commits.
#[derive(Default)]
struct Turn {
    batch: journal::Batch,
    /// Commands for providers and answers to who waits, in order.
    acts: Vec<Act>,
    reads: Vec<Look>,
    typings: Vec<TypingAsk>,
    /// Who waits for a snapshot of what is durable then.
    snapshots: Vec<oneshot::Sender<Result<u64, journal::StoreError>>>,
    stop: Option<oneshot::Sender<()>>,
}

enum Act {
    Execute(ProviderId, ProviderCommand),
    Converse(ProviderId, ChatOperation),
    Durable(oneshot::Sender<()>),
    Completed(CommandId),
    Accept(oneshot::Sender<Accepted>, Accepted),
    Tested(oneshot::Sender<TestDelivery>, TestDelivery),
    Erased(oneshot::Sender<Erased>, Erased),
}

impl Engine {
    /// Brings the state back from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn recover(
        store: journal::Store,
        recovery: journal::Recovery,
        settings: EngineSettings,
    ) -> Result<Self, RecoverError> {
        let recovered = recover::recover(recovery, &settings.organisation)?;
        let (inbox_sender, inbox) = mpsc::channel(INBOX_MAX);
        let (cursor, cursor_receiver) = watch::channel(recovered.notification_seq);
        let handle = EngineHandle {
            inbox: inbox_sender,
            cursor: cursor_receiver,
            store: store.clone(),
            typings: broadcast::Sender::new(TYPINGS_MAX),
            left_out: Arc::default(),
        };
        Ok(Self {
            clock: Clock::from(recovered.last_time),
            state: recovered.state,
            store,
            settings,
            inbox,
            links: Links::new(handle.left_out.clone()),
            handle,
            cursor,
            subscribers: Subscribers::default(),
            committed: Box::new(|_| {}),
            guide: Arc::new(NoGuide),
            recent: Recent::default(),
            waiting: HashMap::new(),
            keys: HashMap::new(),
            input_seq: recovered.input_seq,
            notification_seq: recovered.notification_seq,
            snapshot_seq: recovered.snapshot_seq,
            snapshot_at: recovered.last_time,
            snapshots: Arc::default(),
            effects: Vec::new(),
            written: Vec::new(),
        })
    }

    /// The handle for everybody else.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// The state as it was recovered, before the loop runs.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who is told what became durable.
    pub fn on_committed(&mut self, committed: Committed) {
        self.committed = committed;
    }

    /// By whom the department and the opening hours of a routeing device are looked up while it is told that its PBX
    /// asks; by nobody until then.
    pub fn guided_by(&mut self, guide: Arc<dyn RouteGuide>) {
        self.guide = guide;
    }

    /// The subscriptions to begin with.
    pub fn subscriptions(&mut self, filters: Vec<SubscriptionFilter>) {
        self.subscribers.set(filters);
    }

    /// Runs until it is stopped. `first` are the inputs to begin with: `Started`, and the configuration.
    pub async fn run(mut self, first: Vec<InputBody>) {
        let mut asks: Vec<Ask> = first.into_iter().map(Ask::Input).collect();
        loop {
            let turn = self.turn(asks.drain(..));
            let stopping = if self.settings.act_before_commit {
                let batch = turn.batch.clone();
                let stopping = self.act(turn).await;
                self.commit(&batch).await;
                stopping
            } else {
                self.commit(&turn.batch).await;
                self.act(turn).await
            };
            if let Some(stopped) = stopping {
                // Whoever asked has gone: it has stopped all the same.
                let _ = stopped.send(());
                return;
            }
            self.collect(&mut asks).await;
        }
    }

    /// Waits for something to do, then takes what else is there already.
    async fn collect(&mut self, asks: &mut Vec<Ask>) {
        let due = self.state.next_deadline();
        let now = self.clock.now();
        let wait = due.map(|at| Duration::from_millis((at - now).0));
        // The engine holds a handle itself, so the queue cannot close.
        let in_time = match wait {
            Some(Duration::ZERO) => false,
            Some(wait) => tokio::time::timeout(wait, self.inbox.recv_many(asks, BATCH_MAX)).await.is_ok(),
            None => self.inbox.recv_many(asks, BATCH_MAX).await > 0,
        };
        if !in_time {
            asks.push(Ask::Input(InputBody::Tick));
        }
    }

    fn turn(&mut self, asks: impl Iterator<Item = Ask>) -> Turn {
        let mut turn = Turn::default();
        for ask in asks {
            match ask {
                Ask::Input(body) => self.apply(body, &mut turn),
                Ask::Inputs(bodies, durable) => {
                    bodies.into_iter().for_each(|body| self.apply(body, &mut turn));
                    turn.acts.push(Act::Durable(durable));
                }
                Ask::Typing(ask) => turn.typings.push(ask),
                Ask::Command(ask) => self.command(*ask, &mut turn),
                Ask::Read(look) => turn.reads.push(look),
                Ask::Erase(ask) => self.erase(*ask, &mut turn),
                Ask::Snapshot(answer) => turn.snapshots.push(answer),
                Ask::Link(provider, orders) => self.links.set(provider, orders),
                Ask::Subscriptions(filters) => self.subscribers.set(filters),
                Ask::Test(subscription, answer) => self.test_delivery(subscription, answer, &mut turn),
                Ask::Advance(span) => {
                    self.clock.advance(span);
                    self.apply(InputBody::Tick, &mut turn);
                }
                Ask::Stop(stopped) => turn.stop = Some(stopped),
            }
        }
        turn
    }

    fn command(&mut self, ask: CommandAsk, turn: &mut Turn) {
        let CommandAsk { request, answer } = ask;
        if let Some(idempotency) = &request.idempotency {
            match self.recent.look(idempotency) {
                Seen::Never => {}
                Seen::Same(id) => {
                    return turn.acts.push(Act::Accept(answer, Accepted::Repeated { id, reply: None }));
                }
                Seen::Other => return turn.acts.push(Act::Accept(answer, Accepted::KeyReused)),
            }
        }
        let now = self.clock.now();
        let id = CommandId(IdMaker::new(now, rand::random()).make());
        if let Some(idempotency) = &request.idempotency {
            self.recent.remember(idempotency, id, now);
            self.keys.insert(id, (idempotency.scope.clone(), idempotency.key.clone()));
            turn.batch.idempotency.push(journal::Idempotency {
                scope: idempotency.scope.clone(),
                key: idempotency.key.clone(),
                fingerprint: idempotency.fingerprint,
                command: id.0,
                at_ms: millis(now),
            });
        }
        let (done_sender, done) = oneshot::channel();
        self.waiting.insert(id, done_sender);
        turn.acts.push(Act::Accept(answer, Accepted::New { id, done }));
        self.apply(
            InputBody::Command {
                id,
                command: request.command,
                by: request.by,
                if_version: request.if_version,
            },
            turn,
        );
    }

    /// Forgets the customers of contacts that are live: those asked for, and those with the reference; and whom sessions
    /// with the reference name.
    fn erase(&mut self, ask: EraseAsk, turn: &mut Turn) {
        let EraseAsk { reference, mut contacts, answer } = ask;
        let live = self.state.contacts.values();
        let named = live.filter(|contact| contact.reference.as_deref() == Some(&*reference));
        contacts.extend(named.map(|contact| contact.id));
        let of_sessions = self.state.sessions.values();
        let of_sessions = of_sessions.filter(|session| session.reference.as_deref() == Some(&*reference));
        contacts.extend(of_sessions.clone().filter_map(|session| session.contact));
        let sessions: Vec<SessionId> = of_sessions.map(|session| session.id).collect();
        contacts.sort_unstable();
        contacts.dedup();
        let known = |id: &&ContactId| self.state.contacts.contains_key(*id);
        let live: Vec<ContactId> = contacts.iter().filter(known).copied().collect();
        let goes_on =
            |id: &&ContactId| self.state.contacts.get(*id).is_some_and(|contact| contact.ended.is_none());
        let going_on = live.iter().filter(goes_on).copied().collect();
        let chats = self.state.chats.values().filter(|chat| contacts.binary_search(&chat.contact).is_ok());
        let chats = chats.map(|chat| chat.id).collect();
        if !live.is_empty() || !sessions.is_empty() {
            self.apply(InputBody::Erase { contacts: live, sessions }, turn);
        }
        turn.acts.push(Act::Erased(answer, Erased { contacts, chats, going_on }));
    }

    /// One input: into the state, into the batch.
    fn apply(&mut self, body: InputBody, turn: &mut Turn) {
        let at = self.clock.now();
        let input = Input { at, seed: rand::random(), body };
        self.input_seq += 1;
        turn.batch.inputs.push(journal::Input {
            seq: self.input_seq,
            at_ms: millis(at),
            bytes: recover::encode_input(&input, &mut self.written),
        });
        let mut effects = std::mem::take(&mut self.effects);
        apply(&mut self.state, &input, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Notify(notification) => {
                    self.notification_seq += 1;
                    let meta = EventMeta {
                        source: &self.settings.source,
                        sequence: self.notification_seq,
                        recorded: at.into(),
                        recognise: &*self.settings.recognise,
                        guide: &*self.guide,
                    };
                    self.written.clear();
                    event::render(&self.state, &notification, &meta, &mut self.written);
                    turn.batch.notifications.push(Arc::new(journal::Notification {
                        seq: self.notification_seq,
                        input_seq: self.input_seq,
                        id: notification.id.0,
                        contact: notification.contact.map(|(contact, _)| contact.0),
                        contact_seq: notification.contact.map_or(0, |(_, seq)| seq),
                        kind: notification.kind.as_str().into(),
                        at_ms: millis(at),
                        expires_ms: notification.expires.map(millis),
                        payload: Bytes::copy_from_slice(&self.written),
                        deliveries: self.subscribers.of(notification.kind),
                    }));
                }
                Effect::Execute { provider, command } => turn.acts.push(Act::Execute(provider, command)),
                Effect::Completed(command) => {
                    self.keep_reply(command, &mut turn.batch);
                    let record = self.state.commands.get(&command);
                    turn.batch.audit.extend(record.and_then(|record| audit::of_command(record, at)));
                    turn.acts.push(Act::Completed(command));
                }
                Effect::Converse { provider, operation } => {
                    turn.acts.push(Act::Converse(provider, operation));
                }
                Effect::Write(write) => turn.batch.chat.push(chat::row(&write, &self.state)),
                Effect::Mail(message) => turn.batch.mails.push(chat::mail(&message, at)),
                Effect::Fact(fact) => turn.batch.facts.push(encode_fact(&fact)),
                other => tracing::error!(?other, "an effect that this release does not know was left undone"),
            }
        }
        self.effects = effects;
    }

    /// The reply to a command that came with an idempotency key is kept, to answer a repetition with.
    fn keep_reply(&mut self, id: CommandId, batch: &mut journal::Batch) {
        if let Some((scope, key)) = self.keys.remove(&id)
            && let Some(record) = self.state.commands.get(&id)
        {
            let mut body = Vec::new();
            let status = reply::render(&self.state, record, &mut body);
            batch.finished.push(journal::Finished { scope, key, status, body: body.into() });
        }
    }

    /// A notification that means nothing, to one subscription; its place in the stream and its id are the answer.
    fn test_delivery(&mut self, subscription: u128, answer: oneshot::Sender<TestDelivery>, turn: &mut Turn) {
        let at = self.clock.now();
        let id = IdMaker::new(at, rand::random()).make();
        self.notification_seq += 1;
        let delivery = TestDelivery { id, sequence: self.notification_seq };
        turn.batch.notifications.push(Arc::new(journal::Notification {
            seq: self.notification_seq,
            input_seq: self.input_seq,
            id,
            contact: None,
            contact_seq: 0,
            kind: event::TEST_CHANGE.into(),
            at_ms: millis(at),
            expires_ms: None,
            payload: event::render_test(
                &self.settings.source,
                id,
                self.notification_seq,
                subscription,
                at.into(),
            )
            .into(),
            deliveries: Arc::new([subscription]),
        }));
        turn.acts.push(Act::Tested(answer, delivery));
    }

    /// Offers the batch until it is durable. Nothing else happens meanwhile: a full disk stops the house rather than
    /// let it promise what it cannot keep.
    async fn commit(&mut self, batch: &journal::Batch) {
        if batch.inputs.is_empty() && batch.notifications.is_empty() {
            return;
        }
        if !self.settings.commit_takes.is_zero() {
            tokio::time::sleep(self.settings.commit_takes).await;
        }
        let mut tries = 0_u32;
        while let Err(error) = self.store.append(batch.clone()).await {
            // A log on the same disk must not be what keeps it full.
            if tries.is_multiple_of(COMMIT_TRIES_A_MINUTE) {
                tracing::error!(%error, inputs = batch.inputs.len(), "the journal takes nothing; everything waits for it");
            }
            tries = tries.wrapping_add(1);
            if matches!(error, journal::StoreError::Closed) {
                // The writer is gone for good: whoever supervises the process sees its exit.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(COMMIT_RETRY).await;
        }
        if tries > 0 {
            tracing::info!(tries, "the journal takes what is offered again");
        }
    }

    /// Acts on what is durable now.
    async fn act(&mut self, turn: Turn) -> Option<oneshot::Sender<()>> {
        if !turn.batch.notifications.is_empty() {
            (self.committed)(&turn.batch.notifications);
            // The engine holds a receiver itself.
            self.cursor.send_replace(self.notification_seq);
        }
        for act in turn.acts {
            match act {
                Act::Execute(provider, command) => self.execute(&provider, command),
                Act::Converse(provider, operation) => self.links.converse(&provider, operation),
                // Whoever waited has gone: it is durable all the same.
                Act::Durable(durable) => drop(durable.send(())),
                Act::Completed(id) => self.completed(id),
                // Whoever asked has gone: the command goes on all the same.
                Act::Accept(answer, accepted) => drop(answer.send(accepted)),
                // As above: it is delivered all the same.
                Act::Tested(answer, delivery) => drop(answer.send(delivery)),
                // As above: it is erased all the same.
                Act::Erased(answer, erased) => drop(answer.send(erased)),
            }
        }
        for look in turn.reads {
            look(&self.state);
        }
        for ask in turn.typings {
            typing::pass_on(ask, &self.state, &self.links, &self.handle.typings);
        }
        if turn.stop.is_some() || self.snapshot_is_due() || !turn.snapshots.is_empty() {
            self.snapshot(turn.stop.is_some(), turn.snapshots).await;
        }
        turn.stop
    }

    fn execute(&mut self, provider: &ProviderId, command: ProviderCommand) {
        let (id, step) = (command.command, command.step);
        let refusal = match self.links.order(provider, Order::Command(command)) {
            Ok(()) => return,
            Err(NotTaken::Down) => {
                Refusal::new(RefusalCause::LinkDown, "there is no link to this telephone system")
            }
            Err(NotTaken::Full) => Refusal::new(
                RefusalCause::ResourceBusy,
                "too many commands wait for the telephone system; try again in a moment",
            ),
        };
        let reply = InputBody::Reply { provider: provider.clone(), command: id, step, result: Err(refusal) };
        // The engine itself empties the queue, so it must not wait for room in it.
        let inbox = self.handle.inbox.clone();
        tokio::task::spawn_local(async move {
            // A closed queue: the daemon stops, and the command ends as interrupted after the restart.
            let _ = inbox.send(Ask::Input(reply)).await;
        });
    }

    fn completed(&mut self, id: CommandId) {
        if let Some(waiting) = self.waiting.remove(&id)
            && let Some(record) = self.state.commands.get(&id)
        {
            // Nobody waits any more: the outcome can be read and is notified.
            let _ = waiting.send(record.clone());
        }
    }

    fn snapshot_is_due(&mut self) -> bool {
        self.input_seq - self.snapshot_seq >= self.settings.snapshot_every
            && self.clock.now() - self.snapshot_at >= SNAPSHOT_PAUSE
    }

    async fn snapshot(&mut self, wait: bool, asked: Vec<oneshot::Sender<Result<u64, journal::StoreError>>>) {
        let writing = {
            let (store, seq, bytes, alone) = (
                self.store.clone(),
                self.input_seq,
                recover::encode_snapshot(&self.state),
                self.snapshots.clone(),
            );
            async move {
                let _alone = alone.lock().await;
                let written = store.put_snapshot(seq, bytes).await.map(|()| seq);
                if let Err(error) = &written {
                    tracing::warn!(%error, "no snapshot could be written; the next start reads the journal instead");
                }
                for answer in asked {
                    // Whoever asked has gone: it is written all the same.
                    let _ = answer.send(written.clone());
                }
            }
        };
        self.snapshot_seq = self.input_seq;
        self.snapshot_at = self.clock.now();
        if wait {
            writing.await;
        } else {
            tokio::task::spawn_local(writing);
        }
    }
}

fn millis(at: Time) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
