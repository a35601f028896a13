//! How the rest of the house talks to the engine.

use crate::order::Order;
use crate::typing::{TypingAsk, TypingError, TypingTold};
use bytes::Bytes;
use schakel_core::adapter::Typing;
use schakel_core::command::{Actor, Command, CommandRecord};
use schakel_core::input::InputBody;
use schakel_core::model::ids::{AgentId, ChatId, CommandId, ContactId, ProviderId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Millis;
use schakel_core::state::State;
use schakel_journal::{Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// A cheap, cloneable handle to the engine of one organisation. May be used from another runtime.
#[derive(Clone)]
pub struct EngineHandle {
    pub(crate) inbox: mpsc::Sender<Ask>,
    pub(crate) cursor: watch::Receiver<u64>,
    pub(crate) store: Store,
    pub(crate) typings: broadcast::Sender<TypingTold>,
    pub(crate) left_out: Arc<AtomicU64>,
}

/// What can be asked of the engine. All of it goes through one queue, so that a reader never sees what is not durable.
pub(crate) enum Ask {
    /// Something happened at a provider.
    Input(InputBody),
    /// The same, of somebody who waits until all of it is durable.
    Inputs(Vec<InputBody>, oneshot::Sender<()>),
    /// JKC asks.
    Command(Box<CommandAsk>),
    /// Somebody looks.
    Read(Look),
    /// Somebody types.
    Typing(TypingAsk),
    /// A link is there from now on, or no longer.
    Link(ProviderId, Option<mpsc::Sender<Order>>),
    /// The subscriptions changed.
    Subscriptions(Vec<SubscriptionFilter>),
    /// Somebody wants to see whether a subscription works.
    Test(u128, oneshot::Sender<TestDelivery>),
    /// So much time passes at once.
    Advance(Millis),
    /// Forget who customers were.
    Erase(Box<EraseAsk>),
    /// Write a snapshot of the state; the last input that is in it.
    Snapshot(oneshot::Sender<Result<u64, StoreError>>),
    /// Write a snapshot of the state and stop.
    Stop(oneshot::Sender<()>),
}

/// A look at the state.
pub(crate) type Look = Box<dyn FnOnce(&State) + Send>;

pub(crate) struct CommandAsk {
    pub(crate) request: CommandRequest,
    pub(crate) answer: oneshot::Sender<Accepted>,
}

pub(crate) struct EraseAsk {
    pub(crate) reference: String,
    pub(crate) contacts: Vec<ContactId>,
    pub(crate) answer: oneshot::Sender<Erased>,
}

/// Whose customers were forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Those asked for, and the live ones with the reference.
    pub contacts: Vec<ContactId>,
    /// Their chats that the state knows; of those that it has forgotten the journal does
    /// ([`schakel_journal::InternalChats::of_contacts`]).
    pub chats: Vec<ChatId>,
    /// Those of them that go on: what the telephone system tells of them from now on has the number again.
    pub going_on: Vec<ContactId>,
}

/// A command of JKC, as the API hands it in.
#[derive(Debug, Clone)]
pub struct CommandRequest {
    /// What is asked.
    pub command: Command,
    /// By whom.
    pub by: Actor,
    /// Only if the object still has this version (`If-Match`).
    pub if_version: Option<u64>,
    /// The caller's `Idempotency-Key`.
    pub idempotency: Option<Idempotency>,
}

/// An idempotency key with what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: keys of different tokens do not meet.
    pub scope: String,
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
}

/// What became of a command on arrival.
pub enum Accepted {
    /// New: durable by now. Its record comes when it has its outcome (it may be there at once).
    New {
        /// Its id.
        id: CommandId,
        /// Resolves once, with the finished command.
        done: oneshot::Receiver<CommandRecord>,
    },
    /// The key was used before with the same request.
    Repeated {
        /// The command of then.
        id: CommandId,
        /// The reply of then, if it was given.
        reply: Option<StoredReply>,
    },
    /// The key was used before with another request.
    KeyReused,
}

/// A reply that was given under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// A notification for trying a subscription, on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestDelivery {
    /// The notification's id.
    pub id: u128,
    /// Its place in the stream.
    pub sequence: u64,
}

/// Which notifications a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionFilter {
    /// The subscription's id, as the journal stores it (a UUID).
    pub id: u128,
    /// Kinds by name, such as `call.ringing`, or a family, such as `call.`; empty for all.
    pub kinds: Vec<String>,
}

/// The engine is not there any more (the daemon is stopping).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct EngineStopped;

/// A command could not be handed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// The daemon is stopping.
    #[error(transparent)]
    Stopped(#[from] EngineStopped),
    /// The journal could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineHandle {
    /// Hands in a command. Returns when it is durable.
    ///
    /// # Errors
    /// When the engine has stopped, or the journal cannot be read for the idempotency key.
    pub async fn command(&self, request: CommandRequest) -> Result<Accepted, CommandError> {
        if let Some(known) = self.known(&request)? {
            return Ok(known);
        }
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Command(Box::new(CommandAsk { request, answer }))).await?;
        Ok(answered.await.map_err(|_| EngineStopped)?)
    }

    /// What the journal knows of the request's key. A key that is on its way there is met in the engine's queue.
    fn known(&self, request: &CommandRequest) -> Result<Option<Accepted>, StoreError> {
        let Some(idempotency) = &request.idempotency else { return Ok(None) };
        // A keyed look-up of some 20 µs: shorter than a hop to another thread and back.
        let known = self.store.reader()?.idempotency(&idempotency.scope, &idempotency.key)?;
        Ok(known.map(|known| {
            if known.fingerprint != idempotency.fingerprint {
                return Accepted::KeyReused;
            }
            let reply = known.reply.map(|(status, body)| StoredReply { status, body });
            Accepted::Repeated { id: CommandId(known.command), reply }
        }))
    }

    /// Hands in what happened at a provider. Waits while the engine is behind, so that the wire feels it.
    pub async fn input(&self, body: InputBody) -> Result<(), EngineStopped> {
        self.ask(Ask::Input(body)).await
    }

    /// The same for what belongs together, in order; waits while the engine is behind. What it gives resolves when all of
    /// it is durable: whoever acknowledges to the provider does so only then, and in order.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn inputs(&self, bodies: Vec<InputBody>) -> Result<oneshot::Receiver<()>, EngineStopped> {
        let (durable, answer) = oneshot::channel();
        self.ask(Ask::Inputs(bodies, durable)).await?;
        Ok(answer)
    }

    /// A visitor at a chat provider types (O11). Never waits: while the engine is behind, nobody is told.
    pub fn typing_of_visitor(&self, provider: ProviderId, typing: Typing) {
        // Out of date by the time that there is room.
        let _ = self.inbox.try_send(Ask::Typing(TypingAsk::AtProvider(provider, typing)));
    }

    /// A visitor on the REST API types; `text` is told where his queue allows it.
    ///
    /// # Errors
    /// When there is no such live chat, or the engine has stopped.
    pub async fn typing_of_visit(
        &self,
        chat: ChatId,
        typing: bool,
        text: Option<Pii<Str>>,
    ) -> Result<(), TypingError> {
        let (answer, answered) = oneshot::channel();
        self.typing(TypingAsk::Visit { chat, typing, text, answer }, answered).await
    }

    /// An agent types: told to who listens, and to the visitor's provider.
    ///
    /// # Errors
    /// When there is no such live chat, he does not take part in it, or the engine has stopped.
    pub async fn typing_of_agent(
        &self,
        chat: ChatId,
        agent: AgentId,
        typing: bool,
    ) -> Result<(), TypingError> {
        let (answer, answered) = oneshot::channel();
        self.typing(TypingAsk::Agent { chat, agent, typing, answer }, answered).await
    }

    async fn typing(
        &self,
        ask: TypingAsk,
        answered: oneshot::Receiver<Result<(), TypingError>>,
    ) -> Result<(), TypingError> {
        self.ask(Ask::Typing(ask)).await.map_err(|_| TypingError::Stopped)?;
        answered.await.unwrap_or(Err(TypingError::Stopped))
    }

    /// Who types, from now on. A listener who is slow misses some, which are out of date then.
    pub fn typings(&self) -> broadcast::Receiver<TypingTold> {
        self.typings.subscribe()
    }

    /// Orders about conversations that found no link, or one that is hopelessly behind, since the start. The core gives
    /// them again when the link is up.
    pub fn orders_left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Looks at the state. Never sees anything that is not durable.
    pub async fn read<T, F>(&self, look: F) -> Result<T, EngineStopped>
    where
        T: Send + 'static,
        F: FnOnce(&State) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // Nobody waits any more: then nobody misses the answer.
        self.ask(Ask::Read(Box::new(move |state| drop(answer.send(look(state)))))).await?;
        answered.await.map_err(|_| EngineStopped)
    }

    /// Where orders for a provider go from now on; none when it is not configured any more.
    pub async fn set_link(
        &self,
        provider: ProviderId,
        orders: Option<mpsc::Sender<Order>>,
    ) -> Result<(), EngineStopped> {
        self.ask(Ask::Link(provider, orders)).await
    }

    /// The subscriptions from now on.
    pub async fn set_subscriptions(&self, filters: Vec<SubscriptionFilter>) -> Result<(), EngineStopped> {
        self.ask(Ask::Subscriptions(filters)).await
    }

    /// Sends a notification that means nothing to one subscription, by the way that all take.
    pub async fn test_delivery(&self, subscription: u128) -> Result<TestDelivery, EngineStopped> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Test(subscription, answer)).await?;
        answered.await.map_err(|_| EngineStopped)
    }

    /// Forgets who the customers of these contacts were, and of those that JKC's reference names, and that reference in
    /// sessions. Durable when it returns; what the journal has of them is the caller's business.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn erase(&self, reference: &str, contacts: Vec<ContactId>) -> Result<Erased, EngineStopped> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Erase(Box::new(EraseAsk { reference: reference.to_owned(), contacts, answer })))
            .await?;
        answered.await.map_err(|_| EngineStopped)
    }

    /// Writes a snapshot of the state: gives the last input that it has, so that nobody needs those before it to start.
    ///
    /// # Errors
    /// When the engine has stopped, or the disk fails.
    pub async fn snapshot(&self) -> Result<u64, CommandError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Snapshot(answer)).await?;
        Ok(answered.await.map_err(|_| EngineStopped)??)
    }

    /// The sequence of the newest durable notification; changes as more become durable.
    pub fn cursor(&self) -> watch::Receiver<u64> {
        self.cursor.clone()
    }

    /// Lets time pass at once: deadlines within the span are due now. For tests that live through hours; the links and
    /// the outbox, whose deadlines are of seconds, keep the wall's time.
    pub async fn advance(&self, span: Millis) -> Result<(), EngineStopped> {
        self.ask(Ask::Advance(span)).await
    }

    /// Writes a snapshot of the state and stops the engine.
    pub async fn stop(&self) -> Result<(), EngineStopped> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Stop(answer)).await?;
        answered.await.map_err(|_| EngineStopped)
    }

    async fn ask(&self, ask: Ask) -> Result<(), EngineStopped> {
        self.inbox.send(ask).await.map_err(|_| EngineStopped)
    }
}
