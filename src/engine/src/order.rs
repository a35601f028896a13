//! What a link is asked to do, and the queues to the links.

use schakel_core::adapter::{ChatOperation, ProviderCommand};
use schakel_core::model::ids::{ProviderChatId, ProviderId, Str};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
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

/// Orders about conversations that wait beside a link's queue: when a link comes up the core says again whatever was not
/// confirmed, of thousands of chats at once.
const BEHIND_MAX: usize = 20_000;

/// Why an order did not reach its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// There is no link.
    Down,
    /// Too much waits for it.
    Full,
}

/// Where orders go: a bounded queue a link.
#[derive(Debug)]
pub(crate) struct Links {
    links: BTreeMap<ProviderId, Link>,
    left_out: Arc<AtomicU64>,
}

/// The queue to one link.
#[derive(Debug)]
struct Link {
    orders: mpsc::Sender<Order>,
    /// What did not fit in, in order; a task puts it in as there is room.
    behind: Rc<RefCell<VecDeque<Order>>>,
}

impl Links {
    /// Counts what was left out in `left_out`.
    pub(crate) fn new(left_out: Arc<AtomicU64>) -> Self {
        Self { links: BTreeMap::new(), left_out }
    }

    /// A link is there from now on, or no longer.
    pub(crate) fn set(&mut self, provider: ProviderId, orders: Option<mpsc::Sender<Order>>) {
        let link = |orders| Link { orders, behind: Rc::default() };
        let before = match orders {
            Some(orders) => self.links.insert(provider, link(orders)),
            None => self.links.remove(&provider),
        };
        if let Some(before) = before {
            let lost = std::mem::take(&mut *before.behind.borrow_mut());
            self.left_out.fetch_add(lost.len() as u64, Ordering::Relaxed);
        }
    }

    /// Hands an order to its link. Never waits.
    pub(crate) fn order(&self, provider: &ProviderId, order: Order) -> Result<(), NotTaken> {
        let link = self.links.get(provider).ok_or(NotTaken::Down)?;
        link.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => NotTaken::Down,
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
        })
    }

    /// The same for what is said in conversations: it keeps its order, and waits where the link is behind. Without a link
    /// it is left out and counted: the core says it again by itself when the link is back.
    pub(crate) fn converse(&self, provider: &ProviderId, operation: ChatOperation) {
        let taken = self.links.get(provider).is_some_and(|link| link.take(Order::Converse(operation)));
        if !taken {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Link {
    /// Whether it was taken.
    fn take(&self, order: Order) -> bool {
        let mut behind = self.behind.borrow_mut();
        if behind.is_empty() {
            match self.orders.try_send(order) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(order)) => behind.push_back(order),
            }
            tokio::task::spawn_local(catch_up(self.orders.clone(), self.behind.clone()));
            return true;
        }
        let room = behind.len() < BEHIND_MAX;
        if room {
            behind.push_back(order);
        }
        room
    }
}

/// Puts what is behind into the queue as there is room, until nothing is or the link is gone.
async fn catch_up(orders: mpsc::Sender<Order>, behind: Rc<RefCell<VecDeque<Order>>>) {
    while !behind.borrow().is_empty() {
        let Ok(room) = orders.reserve().await else { return behind.borrow_mut().clear() };
        if let Some(order) = behind.borrow_mut().pop_front() {
            room.send(order);
        }
    }
}
