//! The handle, and the one task that sends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schakel_core::command::chat::OfflineMessage;
use schakel_journal::{MailCounts, MailRow, MailSettled, Notification, Store, StoreError};
use tokio::sync::{Notify, broadcast, oneshot, watch};

use super::compose::compose;
use super::send::{NotSent, send};
use super::settings::MailSettings;
use crate::status::LastError;

/// The kind of notification that a mail comes with.
const LEFT: &str = "chat.offline-received";

/// Mails that one turn looks at.
const PAGE: usize = 20;

/// How long the task sleeps when nothing is due: a wake-up that was missed costs no more than this.
const IDLE: Duration = Duration::from_secs(60);

/// How long it waits when the journal fails.
const JOURNAL_PAUSE: Duration = Duration::from_secs(5);

/// Alarms kept for who is slow to read them.
const ALARMS_MAX: usize = 64;

/// Reads the message of a mail's row, which is in the engine's encoding; an error in words.
pub type Decode = Arc<dyn Fn(&[u8]) -> Result<OfflineMessage, String> + Send + Sync>;

/// Sends mails. Cheap to clone; when the last one is dropped, sending stops.
#[derive(Clone)]
pub struct Mailer {
    store: Store,
    settings: Arc<watch::Sender<Option<MailSettings>>>,
    wake: Arc<Notify>,
    shown: Arc<Mutex<Shown>>,
    alarms: broadcast::Sender<MailAlarm>,
    stop: Arc<watch::Sender<bool>>,
    stopped: Arc<tokio::sync::Mutex<Option<oneshot::Receiver<()>>>>,
}

/// How mail is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailStatus {
    /// There is a server to send to.
    pub configured: bool,
    /// Mails that wait.
    pub waiting: u64,
    /// Mails that were given up.
    pub dead: u64,
    /// Mails that were taken since start.
    pub sent: u64,
    /// Tries that failed since start.
    pub failed: u64,
    /// The same by what went wrong.
    pub failures: BTreeMap<MailErrorKind, u64>,
    /// When the oldest of those that wait was left, Unix ms.
    pub oldest_ms: Option<i64>,
    /// The server could not be reached the last time.
    pub server_fails: bool,
    /// The last thing that went wrong; kept when things go well again.
    pub last_error: Option<LastError>,
}

/// What goes wrong with mails, without words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailErrorKind {
    /// The server does not want this one, and never will.
    Refused,
    /// It may want it later.
    Later,
    /// It cannot be put together with these settings.
    Unready,
    /// The server could not be reached, trusted or spoken to.
    Server,
}

impl MailErrorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Refused, Self::Later, Self::Unready, Self::Server];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Later => "later",
            Self::Unready => "unready",
            Self::Server => "server",
        }
    }
}

/// Something that an operator should know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAlarm {
    /// When, Unix ms.
    pub at_ms: i64,
    /// What happened.
    pub kind: MailAlarmKind,
    /// Why.
    pub reason: String,
}

/// What happened to mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailAlarmKind {
    /// A message of a visitor was given up: somebody must look at it.
    GivenUp,
    /// The server cannot be reached.
    ServerFails,
    /// It is back.
    ServerBack,
}

#[derive(Debug, Default)]
struct Shown {
    sent: u64,
    failures: BTreeMap<MailErrorKind, u64>,
    server_failures: u32,
    last_error: Option<LastError>,
}

impl Mailer {
    /// Starts sending, as a task of the runtime that this is called in. Without settings mails wait.
    #[must_use]
    pub fn start(store: Store, decode: Decode, settings: Option<MailSettings>) -> Self {
        let (settings, settings_in) = watch::channel(settings);
        let (stop, stop_in) = watch::channel(false);
        let (alarms, _) = broadcast::channel(ALARMS_MAX);
        let (ended, stopped) = oneshot::channel();
        let wake = Arc::new(Notify::new());
        let shown = Arc::new(Mutex::new(Shown::default()));
        let task = Task {
            store: store.clone(),
            decode,
            settings: settings_in,
            stop: stop_in,
            wake: Arc::clone(&wake),
            shown: Arc::clone(&shown),
            alarms: alarms.clone(),
            no_server_before: 0,
        };
        tokio::spawn(async move {
            task.run().await;
            // Nobody may wait for it.
            let _ = ended.send(());
        });
        Self {
            store,
            settings: Arc::new(settings),
            wake,
            shown,
            alarms,
            stop: Arc::new(stop),
            stopped: Arc::new(tokio::sync::Mutex::new(Some(stopped))),
        }
    }

    /// The settings from now on; a pause for the sake of the server is over with them.
    pub fn set(&self, settings: Option<MailSettings>) {
        self.settings.send_replace(settings);
    }

    /// Notifications that were just committed: a mail may have come with them. Never waits.
    pub fn notify(&self, notifications: &[Arc<Notification>]) {
        if notifications.iter().any(|notification| notification.kind == LEFT) {
            self.wake.notify_one();
        }
    }

    /// How mail is doing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn status(&self) -> Result<MailStatus, StoreError> {
        let MailCounts { waiting, dead, oldest_ms } = self.store.read(|reader| reader.mail_counts()).await?;
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MailStatus {
            configured: self.settings.borrow().is_some(),
            waiting,
            dead,
            sent: shown.sent,
            failed: shown.failures.values().sum(),
            failures: shown.failures.clone(),
            oldest_ms,
            server_fails: shown.server_failures > 0,
            last_error: shown.last_error.clone(),
        })
    }

    /// Sends mails again that were given up; how many.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn redrive(&self) -> Result<usize, StoreError> {
        let count = self.store.redrive_mails(wall_ms()).await?;
        self.try_now();
        Ok(count)
    }

    /// The same for one mail; one that waits is tried at once. The mail as it is then, if there is one.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn redrive_one(&self, mail: u128) -> Result<Option<MailRow>, StoreError> {
        let row = self.store.redrive_mail(mail, wall_ms()).await?;
        if row.is_some() {
            self.try_now();
        }
        Ok(row)
    }

    /// Somebody says that the server can be tried: its pause is over.
    fn try_now(&self) {
        self.settings.send_modify(|_| {});
    }

    /// What operators should know, from now on.
    #[must_use]
    pub fn alarms(&self) -> broadcast::Receiver<MailAlarm> {
        self.alarms.subscribe()
    }

    /// Ends: starts nothing new, and lets a mail that is being sent end. Whether it did in time; if not, it is sent again
    /// after the next start.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        match self.stopped.lock().await.take() {
            Some(stopped) => tokio::time::timeout(deadline, stopped).await.is_ok(),
            None => true,
        }
    }
}

struct Task {
    store: Store,
    decode: Decode,
    settings: watch::Receiver<Option<MailSettings>>,
    stop: watch::Receiver<bool>,
    wake: Arc<Notify>,
    shown: Arc<Mutex<Shown>>,
    alarms: broadcast::Sender<MailAlarm>,
    /// Nothing is tried before this: the server could not be reached.
    no_server_before: i64,
}

impl Task {
    async fn run(mut self) {
        loop {
            let pause = match self.turn().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "mails cannot be sent while the journal fails");
                    JOURNAL_PAUSE
                }
            };
            tokio::select! {
                changed = self.stop.changed() => {
                    // An error: the last handle is gone.
                    if changed.is_err() || *self.stop.borrow() {
                        return;
                    }
                }
                changed = self.settings.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.no_server_before = 0;
                }
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            if *self.stop.borrow() {
                return;
            }
        }
    }

    /// Sends what is due; how long nothing is then.
    async fn turn(&mut self) -> Result<Duration, StoreError> {
        loop {
            if self.settings.has_changed().unwrap_or_default() {
                self.no_server_before = 0;
            }
            let settings = self.settings.borrow_and_update().clone();
            let Some(settings) = settings else { return Ok(IDLE) };
            let rows = self.store.read(|reader| reader.mails(PAGE)).await?;
            let Some(next) = rows.first() else { return Ok(IDLE) };
            let now = wall_ms();
            let due = next.due_ms.max(self.no_server_before);
            if due > now {
                return Ok(Duration::from_millis(due.abs_diff(now)).min(IDLE));
            }
            for row in rows.into_iter().take_while(|row| row.due_ms <= now) {
                if *self.stop.borrow() || self.no_server_before > wall_ms() {
                    break;
                }
                self.one(row, &settings).await?;
            }
            if *self.stop.borrow() {
                return Ok(IDLE);
            }
        }
    }

    async fn one(&mut self, row: MailRow, settings: &MailSettings) -> Result<(), StoreError> {
        let tried = self.attempt(&row, settings).await;
        let now = wall_ms();
        let server_failed = matches!(tried, Err(NotSent::NoServer(_)));
        if !server_failed && !matches!(tried, Err(NotSent::Unready(_))) {
            self.server_answers(now);
        }
        if let Err(not_sent) = &tried {
            *self.shown().failures.entry(not_sent.kind()).or_default() += 1;
        }
        let settled = match tried {
            Ok(()) => {
                self.shown().sent += 1;
                MailSettled::Sent
            }
            Err(NotSent::ForGood(error)) => self.dead(error, now),
            Err(NotSent::Unready(error) | NotSent::Later(error) | NotSent::NoServer(error)) => {
                let pause = settings.retry.pause(row.attempts.saturating_add(1), rand::random());
                let due_ms = now.saturating_add(millis(pause));
                if server_failed {
                    self.server_fails(&error, settings, now);
                }
                if now.saturating_sub(row.mail.at_ms) >= millis(settings.retry.give_up_after) {
                    self.dead(error, now)
                } else {
                    self.failed(&error, now);
                    MailSettled::Failed { due_ms, error }
                }
            }
        };
        self.store.settle_mail(row.mail.id, settled).await
    }

    async fn attempt(&self, row: &MailRow, settings: &MailSettings) -> Result<(), NotSent> {
        // A release that reads it may come.
        let message = (self.decode)(&row.mail.bytes).map_err(NotSent::Unready)?;
        let mail = compose(&message, row.mail.at_ms, settings)
            .map_err(|error| NotSent::Unready(error.to_string()))?;
        send(mail, settings).await
    }

    fn dead(&self, error: String, at_ms: i64) -> MailSettled {
        tracing::error!(
            error,
            "a message that a visitor left was given up; mend the cause and send it again"
        );
        self.failed(&error, at_ms);
        self.alarm(MailAlarmKind::GivenUp, &error, at_ms);
        MailSettled::Dead { error }
    }

    fn failed(&self, error: &str, at_ms: i64) {
        let mut shown = self.shown();
        shown.last_error = Some(LastError { at_ms, text: error.to_owned() });
    }

    /// The server could not be reached: one mail tries it again after a pause that grows.
    fn server_fails(&mut self, error: &str, settings: &MailSettings, now: i64) {
        let failures = {
            let mut shown = self.shown();
            shown.server_failures = shown.server_failures.saturating_add(1);
            shown.server_failures
        };
        self.no_server_before = now.saturating_add(millis(settings.retry.pause(failures, rand::random())));
        if failures == 1 {
            tracing::warn!(error, "the mail server cannot be reached; mails wait");
            self.alarm(MailAlarmKind::ServerFails, error, now);
        }
    }

    fn server_answers(&mut self, now: i64) {
        self.no_server_before = 0;
        if std::mem::take(&mut self.shown().server_failures) > 0 {
            tracing::info!("the mail server answers again");
            self.alarm(MailAlarmKind::ServerBack, "it answers", now);
        }
    }

    fn alarm(&self, kind: MailAlarmKind, reason: &str, at_ms: i64) {
        // That nobody listens is no fault: the status says it too.
        let _ = self.alarms.send(MailAlarm { at_ms, kind, reason: reason.to_owned() });
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
