//! Webhook subscriptions as they are kept: in the journal's table `webhooks`, and in memory.
//!
//! Every change is durable first, then told to the engine (who gets what) and to the outbox (where it goes).

use crate::time::{at, now, now_ms};
use schakel_contract::Timestamp;
use schakel_contract::requests::SubscriptionRequest;
use schakel_engine::SubscriptionFilter;
use schakel_journal::{Store, StoreError};
use schakel_outbox::{Secret, SecretError, Subscription};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use uuid::Uuid;

/// The journal's table.
const TABLE: &str = "webhooks";

/// How long the secret before a rotation signs too: long enough for a receiver to be changed by hand.
const OLD_SECRET_MS: i64 = 24 * 3600 * 1000;

/// A subscription cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A record in the journal is not one of ours.
    #[error("subscription {id} in the journal cannot be read: {detail}")]
    Record {
        /// Which.
        id: String,
        /// What is wrong.
        detail: String,
    },
}

/// A subscription as it is kept. Its `Debug` shows no secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSubscription {
    /// Permanent.
    pub id: Uuid,
    /// Where notifications go.
    pub url: String,
    /// What it wants; empty for all.
    pub kinds: Vec<String>,
    /// Several notifications in one request.
    pub batch: bool,
    /// With numbers and names. One of before this could be chosen has them.
    #[serde(default = "with_persons")]
    pub persons: bool,
    /// Paused by hand.
    pub paused: bool,
    /// The signing secret, `whsec_…`.
    secret: String,
    /// The secret before, and until when it signs too, in milliseconds since 1970.
    previous: Option<(String, i64)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes.
    pub version: u64,
}

impl std::fmt::Debug for StoredSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSubscription")
            .field("id", &self.id)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl StoredSubscription {
    /// A new one with a secret of its own; the secret is the second.
    pub(crate) fn new(request: SubscriptionRequest) -> Result<(Self, String), SecretError> {
        let secret = Secret::generate()?.to_text();
        let new = Self {
            id: Uuid::now_v7(),
            url: request.url,
            kinds: request.kinds,
            batch: request.batch,
            persons: request.persons,
            paused: false,
            secret: secret.clone(),
            previous: None,
            created_at: now(),
            version: 1,
        };
        Ok((new, secret))
    }

    /// Gives it a new secret; the old one signs too for a day.
    pub(crate) fn rotate(&mut self) -> Result<String, SecretError> {
        let secret = Secret::generate()?.to_text();
        let old = std::mem::replace(&mut self.secret, secret.clone());
        self.previous = Some((old, now_ms().saturating_add(OLD_SECRET_MS)));
        Ok(secret)
    }

    /// Until when the secret before the last rotation signs too.
    pub(crate) fn old_secret_until(&self) -> Option<Timestamp> {
        self.previous.as_ref().map(|(_, until)| at(*until)).filter(|until| *until > now())
    }

    /// Whether it wants a kind, by its name without prefix and version.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        let named = |wanted: &String| match wanted.strip_suffix('.') {
            Some(_) => kind.starts_with(wanted.as_str()),
            None => {
                wanted == kind
                    || wanted
                        .strip_prefix("nl.schakel.")
                        .is_some_and(|rest| rest.strip_suffix(".v1") == Some(kind))
            }
        };
        self.kinds.is_empty() || self.kinds.iter().any(named)
    }

    /// For the engine: what it wants.
    pub fn filter(&self) -> SubscriptionFilter {
        SubscriptionFilter { id: self.id.as_u128(), kinds: self.kinds.clone() }
    }

    /// For the outbox: where it goes.
    ///
    /// # Errors
    /// When a secret is not one.
    pub fn target(&self) -> Result<Subscription, SecretError> {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now_ms());
        Ok(Subscription {
            id: self.id.as_u128(),
            url: self.url.clone(),
            secret: Secret::parse(&self.secret)?,
            previous: previous.map(|(old, until)| Secret::parse(old).map(|old| (old, *until))).transpose()?,
            paused: self.paused,
            persons: self.persons,
            batch: self.batch,
        })
    }
}

const fn with_persons() -> bool {
    true
}

/// The subscriptions of a running daemon.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    known: RwLock<BTreeMap<Uuid, StoredSubscription>>,
    /// One change at a time, from its look until everybody has been told.
    pub changing: tokio::sync::Mutex<()>,
}

/// The subscriptions in the journal, for whoever starts the engine and the outbox. Blocks for a look-up.
///
/// # Errors
/// When the journal cannot be read or a record in it is not one of ours.
pub fn load(store: &Store) -> Result<Vec<StoredSubscription>, SubscriptionError> {
    let records = store.reader()?.records(TABLE)?;
    let read = |record: schakel_journal::Record| {
        serde_json::from_str(&record.json)
            .map_err(|error| SubscriptionError::Record { id: record.id, detail: error.to_string() })
    };
    records.into_iter().map(read).collect()
}

impl Subscriptions {
    pub(crate) fn load(store: &Store) -> Result<Self, SubscriptionError> {
        let known = load(store)?.into_iter().map(|each| (each.id, each)).collect();
        Ok(Self { known: RwLock::new(known), changing: tokio::sync::Mutex::new(()) })
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<StoredSubscription> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One of them.
    pub(crate) fn get(&self, id: Uuid) -> Option<StoredSubscription> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Makes a new or changed one durable.
    pub(crate) async fn put(
        &self,
        store: &Store,
        changed: StoredSubscription,
    ) -> Result<(), SubscriptionError> {
        let id = changed.id;
        let json = serde_json::to_string(&changed)
            .map_err(|error| SubscriptionError::Record { id: id.to_string(), detail: error.to_string() })?;
        store.put_record(TABLE, &id.to_string(), &json).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, changed);
        Ok(())
    }

    /// Takes one away for good.
    pub(crate) async fn remove(&self, store: &Store, id: Uuid) -> Result<(), SubscriptionError> {
        store.delete_record(TABLE, &id.to_string()).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(())
    }
}
