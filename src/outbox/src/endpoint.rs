//! One subscription: its lanes, its breaker, its window on the journal, its connections, its figures.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schakel_journal::{Attempt as AttemptRow, Notification, Pending, Settled};
use tokio::time::Instant;

use crate::attempt::{Attempt, Finished, Outcome};
use crate::connect::{Connection, Dialler};
use crate::lanes::{Fate, Lanes};
use crate::message::Message;
use crate::retry::{Breaker, Meaning, millis};
use crate::settings::{Answer, Listener, Settings, Subscription};
use crate::status::{Alarm, AlarmKind, Circuit, Hold, HoldKind, LastError, SubscriptionStatus};
use crate::target::Target;

/// Rows of one page from the journal.
const PAGE: usize = 1_000;

/// Settled deliveries after which they are written without waiting for more.
const SETTLED_MAX: usize = 256;

/// Failed attempts kept between two writes; in an outage the rest would tell nothing new.
const ATTEMPTS_MAX: usize = 64;

/// Time for decisions: a clock that only goes forward, and the wall's for what others see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Milliseconds since the outbox started.
    pub mono: u64,
    /// Unix milliseconds.
    pub wall: i64,
}

/// A delivery in memory.
#[derive(Debug)]
struct Delivery {
    notification: Arc<Notification>,
    since_ms: i64,
}

/// What to read from the journal for an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The next page after a cursor, of so many rows; the first time also the hold.
    Page { after: u64, limit: usize },
    /// These, that were dead letters.
    Redriven(Vec<u64>),
}

/// One subscription at work.
pub(crate) struct Endpoint {
    pub subscription: Subscription,
    pub life: u64,
    target: Result<Arc<Target>, String>,
    lanes: Lanes<Delivery>,
    breaker: Breaker,
    connections: Vec<(Connection, Instant)>,
    /// [`Settings::without_lanes`].
    disorderly: bool,
    listener: Option<Listener>,
    in_flight: usize,
    hold: Option<Hold>,
    /// Up to here everything is in the lanes or settled.
    loaded_to: u64,
    /// The newest notification that we heard of.
    newest: u64,
    /// There may be rows after `loaded_to` in the journal.
    behind: bool,
    loading: bool,
    /// After a failed read: not before.
    load_at: u64,
    redriven: VecDeque<u64>,
    settled: Settled,
    settle_at: Option<u64>,
    last_error: Option<LastError>,
    delivered: u64,
    failed: u64,
    dead: u64,
    late: u64,
}

impl Endpoint {
    /// Begins at the beginning: what waits in the journal is read first.
    pub(crate) fn new(subscription: Subscription, life: u64, settings: &Settings) -> Self {
        let settled = Settled { subscription: subscription.id, ..Settled::default() };
        let target = target(&subscription, settings);
        Self {
            subscription,
            life,
            target,
            disorderly: settings.without_lanes,
            listener: settings.listener.clone(),
            lanes: Lanes::default(),
            breaker: Breaker::default(),
            connections: Vec::new(),
            in_flight: 0,
            hold: None,
            loaded_to: 0,
            newest: 0,
            behind: true,
            loading: false,
            load_at: 0,
            redriven: VecDeque::new(),
            settled,
            settle_at: None,
            last_error: None,
            delivered: 0,
            failed: 0,
            dead: 0,
            late: 0,
        }
    }

    /// The subscription was changed; what waits stays.
    pub(crate) fn change(&mut self, subscription: Subscription, settings: &Settings) {
        if subscription.url != self.subscription.url {
            self.target = target(&subscription, settings);
            self.connections.clear();
            self.breaker = Breaker::default();
            self.lanes.wake_all();
        }
        self.subscription = subscription;
    }

    /// Somebody says that it should work again.
    pub(crate) fn resume(&mut self) {
        self.hold = None;
        self.breaker = Breaker::default();
        self.lanes.wake_all();
    }

    /// A committed notification for this subscription.
    pub(crate) fn offer(&mut self, notification: &Arc<Notification>, settings: &Settings) {
        if notification.seq <= self.loaded_to {
            return;
        }
        self.newest = self.newest.max(notification.seq);
        if self.behind || self.lanes.len() >= settings.window_max {
            self.behind = true;
            return;
        }
        self.loaded_to = notification.seq;
        self.enqueue(Arc::clone(notification), notification.at_ms);
    }

    /// Some notifications were not handed over because too many waited: the journal has them.
    pub(crate) fn missed(&mut self, newest: u64) {
        if newest > self.newest {
            self.newest = newest;
            self.behind = true;
        }
    }

    /// Dead letters that wait again.
    pub(crate) fn redriven(&mut self, seqs: Vec<u64>) {
        self.redriven.extend(seqs);
    }

    /// What to read now, if anything; one read at a time.
    pub(crate) fn wanted(&mut self, now: Now, settings: &Settings) -> Option<Wanted> {
        let room = settings.window_max.saturating_sub(self.lanes.len());
        if self.loading || now.mono < self.load_at || room < settings.window_max / 2 {
            return None;
        }
        let wanted = if self.behind {
            Wanted::Page { after: self.loaded_to, limit: room.clamp(1, PAGE) }
        } else if self.redriven.is_empty() {
            return None;
        } else {
            let count = room.clamp(1, PAGE).min(self.redriven.len());
            Wanted::Redriven(self.redriven.drain(..count).collect())
        };
        self.loading = true;
        Some(wanted)
    }

    /// A page was read: its rows, and the newest notification that there was when it was.
    pub(crate) fn page(&mut self, rows: Vec<Pending>, latest: u64, hold: Option<Hold>) {
        self.loading = false;
        if self.loaded_to == 0 && self.hold.is_none() {
            self.hold = hold;
        }
        match rows.last() {
            Some(last) => self.loaded_to = self.loaded_to.max(last.notification.seq),
            None => self.loaded_to = self.loaded_to.max(latest),
        }
        self.newest = self.newest.max(latest);
        self.behind = self.loaded_to < self.newest;
        self.rows(rows);
    }

    /// Redriven rows were read.
    pub(crate) fn rows_again(&mut self, rows: Vec<Pending>) {
        self.loading = false;
        self.rows(rows);
    }

    /// A read failed; what was asked for is asked again after a second.
    pub(crate) fn not_read(&mut self, wanted: Wanted, now: Now) {
        self.loading = false;
        self.load_at = now.mono + 1_000;
        if let Wanted::Redriven(seqs) = wanted {
            seqs.into_iter().rev().for_each(|seq| self.redriven.push_front(seq));
        }
    }

    /// The next request that may be made, if any.
    pub(crate) fn attempt(
        &mut self,
        now: Now,
        settings: &Settings,
        dialler: &Arc<Dialler>,
    ) -> Option<Attempt> {
        if self.subscription.paused || self.hold.is_some() {
            return None;
        }
        let Ok(target) = &self.target else { return None };
        if self.in_flight >= self.breaker.limit(now.mono, settings.lanes_max) {
            return None;
        }
        let items_max = if self.subscription.batch {
            // The more requests are in flight, the fuller the next one must be: batches without waiting for them.
            let least = settings.batch_max * self.in_flight / settings.lanes_max.max(1);
            if self.lanes.ready_len(now.mono) < least {
                return None;
            }
            settings.batch_max.max(1)
        } else {
            1
        };
        let size = |delivery: &Delivery| delivery.notification.payload.len() + 1;
        let ticket = self.lanes.next(now.mono, items_max, settings.batch_bytes_max, size)?;
        let items: Vec<_> =
            self.lanes.items(&ticket).map(|delivery| Arc::clone(&delivery.notification)).collect();
        let Some(message) = Message::new(&items, &self.subscription, &settings.withhold, now.wall) else {
            // Not even headers could be made of it: nobody could deliver this.
            let dead = self.lanes.fail(ticket, |_, _| Fate::Dead);
            self.give_up(dead, "it could not be composed", now, settings);
            return None;
        };
        let alone = items.first().filter(|_| !self.subscription.batch && message.late == 0);
        let listening = alone.is_some_and(|only| self.listener.as_ref().is_some_and(|all| all.hears(only)));
        let limit = alone.filter(|_| listening).and_then(|only| left(only, now));
        let lapses = limit.is_some_and(|limit| limit < settings.request_timeout);
        self.in_flight += 1;
        Some(Attempt {
            endpoint: self.subscription.id,
            life: self.life,
            ticket,
            message,
            target: Arc::clone(target),
            dialler: Arc::clone(dialler),
            connection: self.connection(settings.idle_max),
            timeout: limit.filter(|_| lapses).unwrap_or(settings.request_timeout),
            lapses,
            listening,
        })
    }

    /// An answer. What an operator should know of it.
    pub(crate) fn finish(&mut self, finished: Finished, now: Now, settings: &Settings) -> Option<Alarm> {
        self.in_flight -= 1;
        let Finished { ticket, target, outcome, late, connection, .. } = finished;
        let current = self.target.as_ref().is_ok_and(|current| Arc::ptr_eq(current, &target));
        if !current && outcome.meaning != Meaning::Delivered {
            // The URL was changed meanwhile: what the one before says is no longer of interest.
            self.lanes.put_back(ticket);
            return None;
        }
        if let Some(connection) = connection.filter(|_| current) {
            self.connections.push((connection, Instant::now()));
        }
        let first = self.lanes.items(&ticket).next().map_or(0, |delivery| delivery.notification.seq);
        self.note(&outcome, first, now, settings);
        let reason = outcome.error.unwrap_or_default();
        match outcome.meaning {
            Meaning::Delivered => {
                let done = self.lanes.delivered(ticket);
                self.hear(outcome.said, &done);
                self.delivered += done.len() as u64;
                self.late += late;
                self.settled.delivered.extend(done.iter().map(|delivery| delivery.notification.seq));
                self.settle_by(now.mono.saturating_add(millis(settings.settle_after)));
                self.alive(now)
            }
            Meaning::Refused => {
                let retry = &settings.retry;
                let due = |failures| now.mono + millis(retry.pause(failures, rand::random()));
                let dead = self.lanes.refuse(ticket, retry.refusals_max, due);
                self.give_up(dead, &reason, now, settings);
                self.alive(now)
            }
            Meaning::Unauthorised => {
                self.lanes.put_back(ticket);
                self.hold(HoldKind::Paused, reason, now)
            }
            Meaning::Gone => {
                self.lanes.put_back(ticket);
                self.hold(HoldKind::Disabled, reason, now)
            }
            Meaning::Lapsed => {
                // Neither a pause nor a failure of the endpoint: what comes after it for this contact, such as a
                // pop-up, waits for no more than one telling of what is history by now.
                self.lanes.put_back(ticket);
                None
            }
            Meaning::Failed => {
                let retry = &settings.retry;
                if let Some(pause) = outcome.retry_after {
                    self.breaker.pause(now.mono.saturating_add(millis(pause.min(retry.give_up_after))));
                }
                let give_up_ms = i64::try_from(retry.give_up_after.as_millis()).unwrap_or(i64::MAX);
                let dead = self.lanes.fail(ticket, |delivery, failures| {
                    if now.wall.saturating_sub(delivery.since_ms) >= give_up_ms {
                        return Fate::Dead;
                    }
                    Fate::Again(now.mono + millis(retry.pause(failures, rand::random())))
                });
                self.give_up(dead, &format!("tried for too long; at last: {reason}"), now, settings);
                let opened = self.breaker.failed(now.mono, retry, rand::random());
                opened.then(|| self.alarm(AlarmKind::CircuitOpened, reason, now))
            }
        }
    }

    /// What is to be written now: all of it, or only when it is time or much.
    pub(crate) fn take_settled(&mut self, now: Now, all: bool) -> Option<Settled> {
        let due = self.settle_at.is_some_and(|at| at <= now.mono);
        if self.settled.is_empty() || !(all || due || self.settled.delivered.len() >= SETTLED_MAX) {
            return None;
        }
        self.settle_at = None;
        let fresh = Settled { subscription: self.subscription.id, ..Settled::default() };
        Some(Settled { at_ms: now.wall, ..std::mem::replace(&mut self.settled, fresh) })
    }

    /// When to look again though nothing happened.
    pub(crate) fn next_deadline(&self, now: Now) -> Option<u64> {
        let mut times = [self.settle_at, None, None, None];
        if self.behind && self.load_at > now.mono {
            times[1] = Some(self.load_at);
        }
        if self.hold.is_none() && !self.subscription.paused && self.target.is_ok() {
            times[2] = self.breaker.next_change(now.mono);
            // Due already: then it waits for the breaker or for an answer, not for a time.
            times[3] = self.lanes.next_due().filter(|due| *due > now.mono);
        }
        times.into_iter().flatten().min()
    }

    /// For the API; `pending` is what is in memory, and `behind` says that the journal has more.
    pub(crate) fn status(&self) -> (SubscriptionStatus, bool) {
        let pending = (self.lanes.len() + self.redriven.len()) as u64;
        let refused = self.target.as_ref().err().map(|text| LastError { at_ms: 0, text: text.clone() });
        let status = SubscriptionStatus {
            subscription: self.subscription.id,
            pending,
            in_flight: self.in_flight,
            circuit: if self.breaker.is_open() { Circuit::Open } else { Circuit::Closed },
            hold: self.hold.clone(),
            last_error: refused.or_else(|| self.last_error.clone()),
            delivered: self.delivered,
            failed: self.failed,
            dead: self.dead,
            late: self.late,
        };
        (status, self.behind)
    }

    /// The hold, to be written when it is new.
    pub(crate) fn held(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    fn rows(&mut self, rows: Vec<Pending>) {
        for Pending { since_ms, notification } in rows {
            self.enqueue(notification, since_ms);
        }
    }

    fn enqueue(&mut self, notification: Arc<Notification>, since_ms: i64) {
        // What belongs to no contact is one lane of its own; a UUID is never 0.
        let question = || self.listener.as_ref().is_some_and(|listener| listener.hears(&notification));
        let lane = match notification.contact {
            _ if self.disorderly => notification.id,
            Some(contact) => contact,
            None if question() => notification.id,
            None => 0,
        };
        self.lanes.offer(lane, Delivery { notification, since_ms });
    }

    /// What the receiver said with its 2xx goes to who listens.
    fn hear(&self, said: Bytes, done: &[Delivery]) {
        let (Some(listener), [only]) = (&self.listener, done) else { return };
        if said.is_empty() {
            return;
        }
        let notification = Arc::clone(&only.notification);
        let answer = Answer { subscription: self.subscription.id, notification, body: said };
        if listener.answers.try_send(answer).is_err() {
            let subscription = uuid::Uuid::from_u128(self.subscription.id);
            tracing::warn!(%subscription, "an answer to a {} is lost: too many wait to be read", listener.kind);
        }
    }

    /// The connection used last, since that one is least likely to have been closed meanwhile.
    fn connection(&mut self, idle_max: Duration) -> Option<Connection> {
        let (connection, since) = self.connections.pop()?;
        if since.elapsed() < idle_max && !connection.is_closed() {
            return Some(connection);
        }
        // Those below were idle for longer still.
        self.connections.retain(|(connection, since)| since.elapsed() < idle_max && !connection.is_closed());
        self.connections.pop().map(|(connection, _)| connection)
    }

    fn note(&mut self, outcome: &Outcome, seq: u64, now: Now, settings: &Settings) {
        let Some(error) = &outcome.error else { return };
        self.failed += 1;
        self.last_error = Some(LastError { at_ms: now.wall, text: error.clone() });
        if self.settled.attempts.len() < ATTEMPTS_MAX {
            self.settled.attempts.push(AttemptRow {
                subscription: self.subscription.id,
                seq,
                at_ms: now.wall,
                status: outcome.status,
                error: error.clone(),
            });
        }
        self.settle_by(now.mono.saturating_add(millis(settings.settle_after)));
    }

    fn alive(&mut self, now: Now) -> Option<Alarm> {
        if !self.breaker.alive() {
            return None;
        }
        self.lanes.wake_all();
        Some(self.alarm(AlarmKind::CircuitClosed, String::new(), now))
    }

    fn hold(&mut self, kind: HoldKind, reason: String, now: Now) -> Option<Alarm> {
        // Others were in flight when the first such answer came: one alarm.
        if self.hold.as_ref().is_some_and(|hold| hold.kind == kind) {
            return None;
        }
        self.hold = Some(Hold { kind, reason: reason.clone(), since_ms: now.wall });
        let kind = match kind {
            HoldKind::Paused => AlarmKind::Paused,
            HoldKind::Disabled => AlarmKind::Disabled,
        };
        Some(self.alarm(kind, reason, now))
    }

    fn give_up(
        &mut self,
        dead: impl IntoIterator<Item = Delivery>,
        reason: &str,
        now: Now,
        settings: &Settings,
    ) {
        for delivery in dead {
            self.dead += 1;
            self.settled.dead.push((delivery.notification.seq, reason.to_owned()));
            self.settle_by(now.mono.saturating_add(millis(settings.settle_after)));
        }
    }

    fn settle_by(&mut self, at: u64) {
        self.settle_at.get_or_insert(at);
    }

    fn alarm(&self, kind: AlarmKind, reason: String, now: Now) -> Alarm {
        Alarm { subscription: self.subscription.id, at_ms: now.wall, kind, reason }
    }
}

/// How long the answer to a question is of use.
fn left(question: &Notification, now: Now) -> Option<Duration> {
    let left = question.expires_ms?.saturating_sub(now.wall);
    Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
}

fn target(subscription: &Subscription, settings: &Settings) -> Result<Arc<Target>, String> {
    Target::parse(&subscription.url, settings).map(Arc::new).map_err(|refused| refused.to_string())
}
