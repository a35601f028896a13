//! What goes on beside the calls: pruning, and telling systemd that we live.

use crate::config::Privacy;
use schakel_api::ApiState;
use schakel_engine::{EngineHandle, anonymise_fact};
use schakel_journal::{PruneBefore, Store};
use schakel_outbox::mail::{MailAlarm, MailAlarmKind};
use schakel_outbox::{Alarm, AlarmKind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// How often the journal is looked over for what is too old.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// A pause between two steps of pruning, so that a large one never holds up a call.
const PRUNE_PAUSE: Duration = Duration::from_millis(20);

/// Idempotency keys are kept for a day.
const KEYS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Removes what is past its retention, in small steps, for ever.
pub(crate) async fn prune(store: Store, retention: Duration) {
    loop {
        let before = PruneBefore { rows_ms: ago(retention), idempotency_ms: ago(KEYS_KEPT) };
        loop {
            match store.prune(before).await {
                Ok(pruned) if pruned.more => tokio::time::sleep(PRUNE_PAUSE).await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "what is too old could not be removed; tried again later");
                    break;
                }
            }
        }
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}

/// How often it is looked whether an erased customer's call has ended.
const FINISH_EVERY: Duration = Duration::from_secs(60);

/// Chats that are taken away in one step, with all that was said in them.
const CHATS_A_STEP: usize = 10;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Keeps what is known of persons no longer than it may be, for ever.
pub(crate) async fn privacy(app: ApiState, engine: EngineHandle, store: Store, kept: Privacy) {
    let mut next = Instant::now();
    loop {
        app.finish_erasures().await;
        if Instant::now() >= next {
            next = Instant::now() + DAY;
            if let Err(error) = daily(&app, &engine, &store, &kept).await {
                tracing::warn!(%error, "what is past its time is not all taken away; tried again tomorrow");
            }
            tell_audit_head(&store, "the audit log so far");
        }
        tokio::time::sleep(FINISH_EVERY).await;
    }
}

/// What [privacy] of the configuration says is taken away; counters and what happened stay.
async fn daily(
    app: &ApiState,
    engine: &EngineHandle,
    store: &Store,
    kept: &Privacy,
) -> Result<(), Box<dyn std::error::Error>> {
    let before = |days: u32| ago(DAY * days);
    // A fresh one: on a quiet system the last would have the numbers of weeks ago.
    engine.snapshot().await?;
    let withheld = app.withhold_before(before(kept.persons_days)).await;
    while store.prune_audit(before(kept.audit_days), ago(Duration::ZERO)).await? > 0 {
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    while store.anonymise_facts(before(kept.agents_days), Arc::new(anonymise_fact)).await? > 0 {
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    while store.remove_chats(before(kept.chats_days), CHATS_A_STEP).await?.chats > 0 {
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    while store.remove_mails(before(kept.chats_days)).await? > 0 {
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    while store.remove_facts(before(kept.facts_days)).await? > 0 {
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    if withheld > 0 {
        tracing::info!(withheld, "numbers and names were taken out of what is old");
    }
    Ok(())
}

/// Writes the end of the audit log into the daemon's own log: whoever keeps that elsewhere can see whether the audit
/// log was written anew (`schakel audit verify --head`).
pub(crate) fn tell_audit_head(store: &Store, what: &'static str) {
    match store.reader().and_then(|reader| reader.audit_head()) {
        Ok(head) => tracing::info!(head = head.to_text(), "{what}"),
        Err(error) => tracing::warn!(%error, "the end of the audit log cannot be read"),
    }
}

/// Tells the operator what is wrong with the receivers of webhooks.
pub(crate) async fn tell_alarms(mut alarms: broadcast::Receiver<Alarm>) {
    loop {
        match alarms.recv().await {
            Ok(Alarm { subscription, kind, reason, .. }) => {
                let subscription = uuid::Uuid::from_u128(subscription);
                match kind {
                    AlarmKind::CircuitClosed => tracing::info!(%subscription, "webhooks arrive again"),
                    AlarmKind::CircuitOpened => {
                        tracing::warn!(%subscription, %reason, "webhooks do not arrive; they are kept and tried again")
                    }
                    _ => {
                        tracing::error!(%subscription, %reason, "webhooks are held until an operator resumes them")
                    }
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "alarms of the outbox were missed")
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Writes what goes wrong with mails into the log, until the mailer is gone.
pub(crate) async fn tell_mail_alarms(mut alarms: broadcast::Receiver<MailAlarm>) {
    loop {
        match alarms.recv().await {
            Ok(MailAlarm { kind, reason, .. }) => match kind {
                MailAlarmKind::ServerBack => tracing::info!(%reason, "the mail server takes mails again"),
                MailAlarmKind::ServerFails => tracing::error!(%reason, "the mail server takes no mails"),
                MailAlarmKind::GivenUp => {
                    tracing::error!(%reason, "a visitor's message could not be sent by mail")
                }
            },
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "alarms of the mailer were missed")
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Tells systemd that the daemon lives, as long as the engine answers.
pub(crate) async fn watchdog(engine: EngineHandle) {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) {
        return std::future::pending().await;
    }
    let every = Duration::from_micros(micros / 2);
    while engine.read(|_| ()).await.is_ok() {
        tell_systemd(&[sd_notify::NotifyState::Watchdog]);
        tokio::time::sleep(every).await;
    }
}

/// Tells systemd; where there is none, nobody.
pub(crate) fn tell_systemd(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(%error, "systemd was not told");
    }
}

fn ago(span: Duration) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(span).as_millis()).unwrap_or(i64::MAX)
}
