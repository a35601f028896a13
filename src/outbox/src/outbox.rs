//! The handle, and the one task that owns all endpoints.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use schakel_journal::{Batch, Notification, Pending, Redrive, Store, StoreError};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, Sleep, sleep_until};
use uuid::Uuid;

use crate::attempt::{Attempt, Finished};
use crate::connect::Dialler;
use crate::endpoint::{Endpoint, Now, Wanted};
use crate::error::OutboxError;
use crate::settings::{Settings, Subscription};
use crate::status::{Alarm, Hold, SubscriptionStatus};
use crate::target::{Target, UrlRefused};

/// The journal's table with what must not be sent to until somebody says so.
const HOLDS: &str = "outbox-holds";

/// Calls of [`Outbox::notify`] that may wait. Beyond that they are left to be read from the journal.
const NOTICES_MAX: usize = 1_024;

/// Requests of the API that may wait.
const CONTROL_MAX: usize = 64;

/// Alarms kept for who is slow to read them.
const ALARMS_MAX: usize = 256;

/// How long the loop sleeps when nothing asks for a time.
const IDLE: Duration = Duration::from_secs(3_600);

/// Delivers notifications to subscriptions. Cheap to clone; when the last one is dropped, delivery stops.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    settings: Arc<Settings>,
    notices: mpsc::Sender<Vec<Arc<Notification>>>,
    missed: Arc<AtomicU64>,
    subscriptions: Arc<watch::Sender<Vec<Subscription>>>,
    control: mpsc::Sender<Control>,
    alarms: broadcast::Sender<Alarm>,
}

enum Control {
    Status(oneshot::Sender<Vec<(SubscriptionStatus, bool)>>),
    Redriven(u128, Vec<u64>),
    Resume(u128),
    Drain(Instant, oneshot::Sender<usize>),
}

impl Outbox {
    /// Starts delivering, as a task of the runtime that this is called in.
    ///
    /// # Errors
    /// When TLS cannot be set up as configured.
    pub fn start(store: Store, settings: Settings) -> Result<Self, OutboxError> {
        let dialler = Arc::new(Dialler::new(&settings)?);
        let settings = Arc::new(settings);
        let (notices, notices_in) = mpsc::channel(NOTICES_MAX);
        let (control, control_in) = mpsc::channel(CONTROL_MAX);
        let (subscriptions, subscriptions_in) = watch::channel(Vec::new());
        let (alarms, _) = broadcast::channel(ALARMS_MAX);
        let missed = Arc::new(AtomicU64::new(0));
        let task = Task {
            store: store.clone(),
            settings: Arc::clone(&settings),
            dialler,
            endpoints: BTreeMap::new(),
            lives: 0,
            missed: Arc::clone(&missed),
            alarms: alarms.clone(),
            started: Instant::now(),
        };
        tokio::spawn(task.run(notices_in, control_in, subscriptions_in));
        let subscriptions = Arc::new(subscriptions);
        Ok(Self { store, settings, notices, missed, subscriptions, control, alarms })
    }

    /// Whether a subscription could have this URL. Its addresses are checked with every connection.
    ///
    /// # Errors
    /// Why not.
    pub fn check_url(&self, url: &str) -> Result<(), UrlRefused> {
        Target::parse(url, &self.settings).map(|_| ())
    }

    /// The subscriptions as they are from now on, all of them. New ones go on with what waits in the journal; what
    /// waits for one that is left out stays there until [`Store::forget_subscription`].
    pub fn set_subscriptions(&self, subscriptions: Vec<Subscription>) {
        self.subscriptions.send_replace(subscriptions);
    }

    /// Of these contacts numbers and names are taken out of what is sent from now on.
    pub fn erase(&self, contacts: impl IntoIterator<Item = u128>) {
        self.settings.withhold.erase(contacts);
    }

    /// Notifications that were just committed, in order. Never waits: when deliveries are behind, they are read from
    /// the journal later.
    pub fn notify(&self, notifications: &[Arc<Notification>]) {
        let Some(last) = notifications.last() else { return };
        if self.notices.try_send(notifications.to_vec()).is_err() {
            self.missed.fetch_max(last.seq, Ordering::Release);
            // Wakes the task if it emptied the channel meanwhile; if the channel is full still, it is awake.
            _ = self.notices.try_send(Vec::new());
        }
    }

    /// How the subscriptions are doing, by id.
    pub async fn status(&self) -> Vec<SubscriptionStatus> {
        let (reply, answer) = oneshot::channel();
        if self.control.send(Control::Status(reply)).await.is_err() {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (mut status, behind) in answer.await.unwrap_or_default() {
            if behind {
                // What is in memory is a part of it: the journal knows.
                let id = status.subscription;
                let count = self.store.read(move |reader| reader.pending_count(id)).await;
                status.pending = count.unwrap_or(status.pending).max(status.pending);
            }
            all.push(status);
        }
        all
    }

    /// Delivers dead letters again, after what waits; how many.
    ///
    /// # Errors
    /// When the journal fails; some may have been redriven, the rest are dead letters still.
    pub async fn redrive(&self, subscription: u128, which: Redrive) -> Result<usize, StoreError> {
        let seqs = self.store.redrive(subscription, which, wall_ms()).await?;
        let count = seqs.len();
        // If the task has ended, the rows wait for the next start.
        _ = self.control.send(Control::Redriven(subscription, seqs)).await;
        Ok(count)
    }

    /// Sends again to a subscription that was paused by 401 or 403 or disabled by 410, and tries an endpoint whose
    /// circuit is open at once.
    ///
    /// # Errors
    /// When the journal fails; nothing was resumed.
    pub async fn resume(&self, subscription: u128) -> Result<(), StoreError> {
        self.store.delete_record(HOLDS, &hold_id(subscription)).await?;
        self.control.send(Control::Resume(subscription)).await.map_err(|_| StoreError::Closed)
    }

    /// What operators should know, from now on.
    #[must_use]
    pub fn alarms(&self) -> broadcast::Receiver<Alarm> {
        self.alarms.subscribe()
    }

    /// Ends: starts nothing new, lets what is in flight end, writes what was settled. How many requests were left
    /// behind at the deadline; those are delivered again after the next start.
    pub async fn drain(&self, deadline: Duration) -> usize {
        let (reply, answer) = oneshot::channel();
        if self.control.send(Control::Drain(Instant::now() + deadline, reply)).await.is_err() {
            return 0;
        }
        answer.await.unwrap_or(0)
    }
}

struct Task {
    store: Store,
    settings: Arc<Settings>,
    dialler: Arc<Dialler>,
    endpoints: BTreeMap<u128, Endpoint>,
    /// Endpoints made so far: each has a number, so that an answer finds the one that asked.
    lives: u64,
    missed: Arc<AtomicU64>,
    alarms: broadcast::Sender<Alarm>,
    started: Instant,
}

/// What was read for an endpoint.
struct Loaded {
    endpoint: u128,
    life: u64,
    wanted: Wanted,
    result: Result<(Vec<Pending>, u64, Option<Hold>), StoreError>,
}

impl Task {
    async fn run(
        mut self,
        mut notices: mpsc::Receiver<Vec<Arc<Notification>>>,
        mut control: mpsc::Receiver<Control>,
        mut subscriptions: watch::Receiver<Vec<Subscription>>,
    ) {
        let mut attempts = FuturesUnordered::new();
        let mut loads = FuturesUnordered::new();
        let mut sleep = Box::pin(sleep_until(self.started + IDLE));
        loop {
            // Gather what there is, so that batches fill; the channel's length bounds it.
            while let Ok(notified) = notices.try_recv() {
                self.notified(&notified);
            }
            self.catch_up();
            let now = self.now();
            for endpoint in self.endpoints.values_mut() {
                while let Some(attempt) = endpoint.attempt(now, &self.settings, &self.dialler) {
                    attempts.push(Attempt::run(attempt));
                }
                if let Some(wanted) = endpoint.wanted(now, &self.settings) {
                    let (store, id, life) = (self.store.clone(), endpoint.subscription.id, endpoint.life);
                    loads.push(load(store, id, life, wanted));
                }
            }
            self.settle(now, false);
            self.set_alarm_clock(now, sleep.as_mut());
            tokio::select! {
                biased;
                changed = subscriptions.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let list = subscriptions.borrow_and_update().clone();
                    self.change(list);
                }
                request = control.recv() => match request {
                    None => break,
                    Some(Control::Drain(deadline, reply)) => {
                        // Nobody is there to mind when the one who asked has gone.
                        _ = reply.send(self.drain(&mut attempts, deadline).await);
                        return;
                    }
                    Some(request) => self.control(request),
                },
                Some(finished) = attempts.next(), if !attempts.is_empty() => {
                    self.finish(finished);
                    while let Some(Some(finished)) = attempts.next().now_or_never() {
                        self.finish(finished);
                    }
                }
                Some(loaded) = loads.next(), if !loads.is_empty() => self.loaded(loaded),
                notified = notices.recv() => {
                    let Some(notified) = notified else { break };
                    self.notified(&notified);
                }
                () = sleep.as_mut() => {}
            }
        }
        let now = self.now();
        self.settle(now, true);
    }

    fn now(&self) -> Now {
        let mono = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono, wall: wall_ms() }
    }

    fn change(&mut self, subscriptions: Vec<Subscription>) {
        let now = self.now();
        self.settle(now, true);
        let mut before = std::mem::take(&mut self.endpoints);
        for subscription in subscriptions {
            let endpoint = match before.remove(&subscription.id) {
                Some(mut endpoint) => {
                    endpoint.change(subscription, &self.settings);
                    endpoint
                }
                None => {
                    self.lives += 1;
                    Endpoint::new(subscription, self.lives, &self.settings)
                }
            };
            self.endpoints.insert(endpoint.subscription.id, endpoint);
        }
    }

    fn notified(&mut self, notifications: &[Arc<Notification>]) {
        self.catch_up();
        for notification in notifications {
            for subscription in notification.deliveries.iter() {
                if let Some(endpoint) = self.endpoints.get_mut(subscription) {
                    endpoint.offer(notification, &self.settings);
                }
            }
        }
    }

    /// What could not be handed over must not be skipped by what is handed over after it.
    fn catch_up(&mut self) {
        if self.missed.load(Ordering::Acquire) == 0 {
            return;
        }
        let newest = self.missed.swap(0, Ordering::AcqRel);
        self.endpoints.values_mut().for_each(|endpoint| endpoint.missed(newest));
    }

    fn control(&mut self, request: Control) {
        match request {
            Control::Status(reply) => {
                // Nobody minds when the one who asked has gone.
                _ = reply.send(self.endpoints.values().map(Endpoint::status).collect());
            }
            Control::Redriven(id, seqs) => {
                if let Some(endpoint) = self.endpoints.get_mut(&id) {
                    endpoint.redriven(seqs);
                }
            }
            Control::Resume(id) => {
                if let Some(endpoint) = self.endpoints.get_mut(&id) {
                    endpoint.resume();
                }
            }
            Control::Drain(..) => {}
        }
    }

    fn finish(&mut self, finished: Finished) {
        let now = self.now();
        let Some(endpoint) = self.endpoints.get_mut(&finished.endpoint) else { return };
        if endpoint.life != finished.life {
            return;
        }
        let held = endpoint.held().is_some();
        if let Some(alarm) = endpoint.finish(finished, now, &self.settings) {
            let subscription = Uuid::from_u128(alarm.subscription);
            tracing::warn!(%subscription, kind = ?alarm.kind, reason = %alarm.reason, "webhook subscription");
            // Nobody may be listening.
            _ = self.alarms.send(alarm);
        }
        if let Some(hold) = endpoint.held().filter(|_| !held)
            && let Ok(json) = serde_json::to_string(hold)
        {
            // If this is lost in a crash, the receiver says the same again.
            drop(self.store.put_record(HOLDS, &hold_id(endpoint.subscription.id), &json));
        }
    }

    fn loaded(&mut self, loaded: Loaded) {
        let now = self.now();
        let Some(endpoint) = self.endpoints.get_mut(&loaded.endpoint) else { return };
        if endpoint.life != loaded.life {
            return;
        }
        match (loaded.result, loaded.wanted) {
            (Ok((rows, latest, hold)), Wanted::Page { .. }) => endpoint.page(rows, latest, hold),
            (Ok((rows, ..)), Wanted::Redriven(_)) => endpoint.rows_again(rows),
            (Err(error), wanted) => {
                tracing::error!(%error, "deliveries could not be read from the journal");
                endpoint.not_read(wanted, now);
            }
        }
    }

    fn settle(&mut self, now: Now, all: bool) {
        for endpoint in self.endpoints.values_mut() {
            if let Some(settled) = endpoint.take_settled(now, all) {
                // Not awaited: what is lost is delivered once more.
                drop(self.store.settle(settled));
            }
        }
    }

    /// A timer that rings too early costs less than one that is set anew with every event.
    fn set_alarm_clock(&self, now: Now, mut sleep: Pin<&mut Sleep>) {
        let deadlines = self.endpoints.values().filter_map(|endpoint| endpoint.next_deadline(now));
        let deadline =
            deadlines.min().map_or(Instant::now() + IDLE, |at| self.started + Duration::from_millis(at));
        if sleep.is_elapsed() || deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
    }

    async fn drain<F: Future<Output = Finished>>(
        &mut self,
        attempts: &mut FuturesUnordered<F>,
        deadline: Instant,
    ) -> usize {
        while let Ok(Some(finished)) = tokio::time::timeout_at(deadline, attempts.next()).await {
            self.finish(finished);
        }
        let now = self.now();
        self.settle(now, true);
        if let Err(error) = self.store.append(Batch::default()).await {
            tracing::error!(%error, "what was delivered last could not be written, and will be delivered again");
        }
        attempts.len()
    }
}

async fn load(store: Store, endpoint: u128, life: u64, wanted: Wanted) -> Loaded {
    let result = match &wanted {
        Wanted::Page { after, limit } => {
            let (after, limit) = (*after, *limit);
            store
                .read(move |reader| {
                    // In this order: what is committed between the two is in the page or newer than `latest`.
                    let latest = reader.latest()?;
                    let hold = if after == 0 { reader.record(HOLDS, &hold_id(endpoint))? } else { None };
                    let hold = hold.and_then(|json| serde_json::from_str(&json).ok());
                    Ok((reader.pending(endpoint, after, limit)?, latest, hold))
                })
                .await
        }
        Wanted::Redriven(seqs) => {
            let seqs = seqs.clone();
            store.read(move |reader| Ok((reader.pending_among(endpoint, &seqs)?, 0, None))).await
        }
    };
    Loaded { endpoint, life, wanted, result }
}

fn hold_id(subscription: u128) -> String {
    Uuid::from_u128(subscription).to_string()
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
