//! What a link is asked to do, and the queues to the links.

use schakel_core::adapter::{ChatOperation, ProviderCommand};
use schakel_core::model::ids::{ProviderChatId, ProviderId, Str};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// What a link is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Ask the provider; has exactly one answer.
    Command(ProviderCommand),
    /// Say or do something in a conversation; has none, what came of it is reported.
    Converse(ChatOperation),
    /// An agent types (O11): passed on and forgotten.
    Typing {
        /// In which conversation.
        chat: ProviderChatId,
        /// What the visitor sees the agent called.
        nickname: Str,
        /// Whether he still does.
        typing: bool,
    },
}

/// Why an order did not reach its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// There is no link.
    Down,
    /// Too much waits for it.
    Full,
}

/// Where orders go: a bounded queue a link.
#[derive(Debug, Default)]
pub(crate) struct Links {
    queues: BTreeMap<ProviderId, mpsc::Sender<Order>>,
    left_out: Arc<AtomicU64>,
}

impl Links {
    /// Counts what was left out in `left_out`.
    pub(crate) fn new(left_out: Arc<AtomicU64>) -> Self {
        Self { queues: BTreeMap::new(), left_out }
    }

    /// A link is there from now on, or no longer.
    pub(crate) fn set(&mut self, provider: ProviderId, orders: Option<mpsc::Sender<Order>>) {
        match orders {
            Some(orders) => drop(self.queues.insert(provider, orders)),
            None => drop(self.queues.remove(&provider)),
        }
    }

    /// Hands an order to its link. Never waits.
    pub(crate) fn order(&self, provider: &ProviderId, order: Order) -> Result<(), NotTaken> {
        let link = self.queues.get(provider).ok_or(NotTaken::Down)?;
        link.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => NotTaken::Down,
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
        })
    }

    /// The same for what the core asks again by itself when the link is back: left out without a word, and counted.
    pub(crate) fn order_or_leave(&self, provider: &ProviderId, order: Order) {
        if self.order(provider, order).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}
