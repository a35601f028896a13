//! What goes on beside the calls: pruning, and telling systemd that we live.

use schakel_engine::EngineHandle;
use schakel_journal::{PruneBefore, Store};
use schakel_outbox::{Alarm, AlarmKind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
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
