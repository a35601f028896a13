//! Subscriptions to webhooks, their deliveries, dead letters, and redriving them.

use super::{Slice, all_reply};
use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, with_location, with_version};
use crate::route::{Answer, Route, route};
use crate::state::ApiState;
use crate::subscriptions::{StoredSubscription, SubscriptionError};
use crate::time::{at, now};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::event::TEST_CHANGE;
use schakel_contract::problem::{InputError, InputPlace, ProblemKind};
use schakel_contract::requests::{RedriveRequest, SubscriptionRequest};
use schakel_contract::views::{
    AttemptView, CreatedSubscription, DeadLetterView, DeliveriesView, DeliveryState, DeliveryView,
    EndpointState, RedriveResult, Scope, SubscriptionView,
};
use schakel_core::notification::Kind;
use schakel_journal::Redrive;
use schakel_outbox::{Circuit, HoldKind, SubscriptionStatus};
use serde_json::json;
use uuid::Uuid;

/// Failed attempts that are shown.
const ATTEMPTS_MAX: usize = 20;

pub(super) fn routes() -> Vec<Route> {
    let scope = Scope::WebhooksManage;
    let after = || json!({ "type": "string", "pattern": "^[0-9]{1,20}$" });
    const ROTATE: &str = "A new secret, shown this once; the old one signs too for a day";
    vec![
        route(Method::GET, "/webhooks", "listWebhooks", "The subscriptions", list)
            .scope(scope)
            .gives_page::<SubscriptionView>(),
        route(
            Method::POST,
            "/webhooks",
            "createWebhook",
            "Makes a subscription; its secret is shown this once",
            create,
        )
        .scope(scope)
        .body::<SubscriptionRequest>()
        .gives::<CreatedSubscription>()
        .created()
        .fails(ProblemKind::Conflict),
        route(Method::GET, "/webhooks/{webhook}", "getWebhook", "A subscription", read)
            .scope(scope)
            .gives::<SubscriptionView>()
            .versioned(),
        route(
            Method::PUT,
            "/webhooks/{webhook}",
            "replaceWebhook",
            "Changes where a subscription goes and what it wants",
            replace,
        )
        .scope(scope)
        .body::<SubscriptionRequest>()
        .gives::<SubscriptionView>()
        .versioned(),
        route(
            Method::DELETE,
            "/webhooks/{webhook}",
            "deleteWebhook",
            "Ends a subscription; what waits for it is dropped",
            remove,
        )
        .scope(scope)
        .versioned(),
        route(Method::POST, "/webhooks/{webhook}/rotate-secret", "rotateSecret", ROTATE, rotate)
            .scope(scope)
            .gives::<CreatedSubscription>()
            .versioned(),
        route(
            Method::POST,
            "/webhooks/{webhook}/pause",
            "pauseWebhook",
            "Sends nothing and keeps everything",
            pause,
        )
        .scope(scope)
        .gives::<SubscriptionView>()
        .versioned(),
        route(
            Method::POST,
            "/webhooks/{webhook}/resume",
            "resumeWebhook",
            "Sends again, also to an endpoint that had refused us",
            resume,
        )
        .scope(scope)
        .gives::<SubscriptionView>()
        .versioned(),
        route(
            Method::GET,
            "/webhooks/{webhook}/deliveries",
            "listDeliveries",
            "What waits, and the last attempts that failed",
            deliveries,
        )
        .scope(scope)
        .gives::<DeliveriesView>()
        .query("after", "The `next` of the page before.", after())
        .page_size(),
        route(
            Method::GET,
            "/webhooks/{webhook}/dead-letters",
            "listDeadLetters",
            "What was given up",
            dead_letters,
        )
        .scope(scope)
        .gives_page::<DeadLetterView>(),
        route(
            Method::POST,
            "/webhooks/{webhook}/test",
            "testWebhook",
            "Sends a notification that means nothing (test.ping), by the way that all take",
            test,
        )
        .scope(scope)
        .gives::<DeliveryView>(),
        route(
            Method::POST,
            "/webhooks/{webhook}/redrive",
            "redrive",
            "Delivers dead letters again, by id or by period",
            redrive,
        )
        .scope(scope)
        .body::<RedriveRequest>()
        .gives::<RedriveResult>(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let status = ask.app.outbox.status().await;
    let mut slice = Slice::of(&ask);
    for stored in ask.app.subscriptions.all() {
        let id = stored.id.to_string();
        if slice.wants(&id) {
            slice.push(id, &view(&stored, &status));
        }
    }
    Ok(slice.reply())
}

async fn read(ask: Ask) -> Answer {
    shown(&ask.app, &stored(&ask)?).await
}

async fn create(ask: Ask) -> Answer {
    let body = checked(&ask)?;
    let _alone = ask.app.subscriptions.changing.lock().await;
    let most = ask.app.settings.subscriptions_max;
    if ask.app.subscriptions.all().len() >= most {
        let detail = format!("there are {most} subscriptions, which is the limit; delete one");
        return Err(Failure::new(ProblemKind::Conflict, detail));
    }
    let made = StoredSubscription::new(body);
    let (new, secret) = made.map_err(SubscriptionError::from)?;
    keep(&ask.app, new.clone()).await?;
    tracing::info!(webhook = %new.id, by = ask.access.token.id, "a subscription was made");
    let created = CreatedSubscription { subscription: view(&new, &[]), secret };
    let reply = with_version(json_reply(StatusCode::CREATED, &created), new.version);
    Ok(with_location(reply, &format!("/v1/webhooks/{}", new.id)))
}

async fn replace(ask: Ask) -> Answer {
    let body = checked(&ask)?;
    change(&ask, |stored| {
        (stored.url, stored.kinds, stored.batch) = (body.url, body.kinds, body.batch);
        stored.persons = body.persons;
    })
    .await
}

async fn pause(ask: Ask) -> Answer {
    change(&ask, |stored| stored.paused = true).await
}

async fn resume(ask: Ask) -> Answer {
    change(&ask, |stored| stored.paused = false).await?;
    ask.app.outbox.resume(ask.id("webhook")?).await?;
    read(ask).await
}

async fn rotate(ask: Ask) -> Answer {
    let _alone = ask.app.subscriptions.changing.lock().await;
    let mut changed = current(&ask)?;
    let secret = changed.rotate().map_err(SubscriptionError::from)?;
    changed.version += 1;
    keep(&ask.app, changed.clone()).await?;
    tracing::info!(webhook = %changed.id, by = ask.access.token.id, "a subscription has a new secret");
    let status = ask.app.outbox.status().await;
    let created = CreatedSubscription { subscription: view(&changed, &status), secret };
    Ok(with_version(json_reply(StatusCode::OK, &created), changed.version))
}

async fn remove(ask: Ask) -> Answer {
    let _alone = ask.app.subscriptions.changing.lock().await;
    let id = current(&ask)?.id;
    ask.app.subscriptions.remove(&ask.app.store, id).await.map_err(Failure::from)?;
    tell(&ask.app).await?;
    ask.app.store.forget_subscription(id.as_u128()).await?;
    tracing::info!(webhook = %id, by = ask.access.token.id, "a subscription was deleted");
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn deliveries(ask: Ask) -> Answer {
    let id = stored(&ask)?.id;
    let after = ask.cursor(ask.asked("after"), InputPlace::Query, "after")?.unwrap_or(0);
    let size = ask.page_size();
    let read = move |reader: &schakel_journal::Reader| {
        Ok((reader.pending(id.as_u128(), after, size)?, reader.attempts(id.as_u128(), ATTEMPTS_MAX)?))
    };
    let (pending, attempts) = ask.app.store.read(read).await?;
    // A page may be cut by its size in bytes: only an empty one is the end.
    let next = pending.last().map(|last| format!("{:020}", last.notification.seq));
    let item = |waits: schakel_journal::Pending| DeliveryView {
        subscription: id,
        notification: Uuid::from_u128(waits.notification.id),
        sequence: format!("{:020}", waits.notification.seq),
        change: waits.notification.kind.to_string(),
        state: DeliveryState::Pending,
        since: Some(at(waits.since_ms)),
        reason: None,
    };
    let attempt = |attempt: schakel_journal::Attempt| AttemptView {
        sequence: format!("{:020}", attempt.seq),
        at: at(attempt.at_ms),
        status: attempt.status,
        error: attempt.error,
    };
    let view = DeliveriesView {
        items: pending.into_iter().map(item).collect(),
        attempts: attempts.into_iter().map(attempt).collect(),
        next,
    };
    Ok(json_reply(StatusCode::OK, &view))
}

async fn dead_letters(ask: Ask) -> Answer {
    let id = stored(&ask)?.id.as_u128();
    let after = ask.cursor(ask.asked("after"), InputPlace::Query, "after")?.unwrap_or(0);
    let size = ask.page_size();
    let mut letters = ask.app.store.read(move |reader| reader.dead_letters(id, after, size + 1)).await?;
    let more = letters.len() > size;
    letters.truncate(size);
    let next = letters.last().filter(|_| more).map(|last| format!("{:020}", last.seq));
    let item = |letter: schakel_journal::DeadLetter| DeadLetterView {
        id: Uuid::from_u128(letter.id),
        sequence: format!("{:020}", letter.seq),
        change: letter.kind,
        contact: letter.contact.map(Uuid::from_u128),
        recorded_at: at(letter.at_ms),
        dead_at: at(letter.dead_ms),
        reason: letter.reason,
    };
    let items: Vec<_> = letters.into_iter().map(item).collect();
    Ok(match next {
        Some(next) => json_reply(StatusCode::OK, &json!({ "items": items, "next": next })),
        None => all_reply(&items),
    })
}

async fn test(ask: Ask) -> Answer {
    let id = stored(&ask)?.id;
    let sent = ask.app.engine.test_delivery(id.as_u128()).await?;
    let delivery = DeliveryView {
        subscription: id,
        notification: Uuid::from_u128(sent.id),
        sequence: format!("{:020}", sent.sequence),
        change: TEST_CHANGE.to_owned(),
        state: DeliveryState::Pending,
        since: Some(now()),
        reason: None,
    };
    Ok(json_reply(StatusCode::OK, &delivery))
}

async fn redrive(ask: Ask) -> Answer {
    let id = stored(&ask)?.id.as_u128();
    let which = match ask.body()? {
        RedriveRequest::Ids(ids) => Redrive::Ids(ids.0.iter().map(Uuid::as_u128).collect()),
        RedriveRequest::Period(period) => Redrive::Period {
            from_ms: i64::try_from(period.from.as_millis()).unwrap_or(i64::MAX),
            to_ms: i64::try_from(period.to.as_millis()).unwrap_or(i64::MAX),
        },
    };
    let redriven = ask.app.outbox.redrive(id, which).await?;
    Ok(json_reply(StatusCode::OK, &RedriveResult { redriven: redriven as u64 }))
}

/// The subscription of the path.
fn stored(ask: &Ask) -> Result<StoredSubscription, Failure> {
    let id = Uuid::from_u128(ask.id("webhook")?);
    ask.app.subscriptions.get(id).ok_or_else(|| Failure::not_found("subscription"))
}

/// The subscription of the path, if it is still what the caller saw.
fn current(ask: &Ask) -> Result<StoredSubscription, Failure> {
    let stored = stored(ask)?;
    match ask.if_version() {
        Some(seen) if seen != stored.version => Err(Failure::new(
            ProblemKind::VersionMismatch,
            format!("you saw version {seen}, it is version {} now; look again", stored.version),
        )),
        _ => Ok(stored),
    }
}

async fn change(ask: &Ask, change: impl FnOnce(&mut StoredSubscription)) -> Answer {
    let _alone = ask.app.subscriptions.changing.lock().await;
    let mut changed = current(ask)?;
    change(&mut changed);
    changed.version += 1;
    keep(&ask.app, changed.clone()).await?;
    shown(&ask.app, &changed).await
}

/// Durable first, then told to who works by it.
async fn keep(app: &ApiState, changed: StoredSubscription) -> Result<(), Failure> {
    app.subscriptions.put(&app.store, changed).await?;
    tell(app).await
}

async fn tell(app: &ApiState) -> Result<(), Failure> {
    let all = app.subscriptions.all();
    let targets: Result<Vec<_>, _> = all.iter().map(StoredSubscription::target).collect();
    // The outbox first: the engine must not send to one that it does not know.
    app.outbox.set_subscriptions(targets.map_err(SubscriptionError::from)?);
    app.engine.set_subscriptions(all.iter().map(StoredSubscription::filter).collect()).await?;
    Ok(())
}

impl From<SubscriptionError> for Failure {
    fn from(error: SubscriptionError) -> Self {
        match error {
            SubscriptionError::Store(error) => error.into(),
            other => {
                tracing::error!(error = %other, "a subscription cannot be used");
                Self::new(
                    ProblemKind::Internal,
                    "the subscription cannot be used; the log of schakel says why",
                )
            }
        }
    }
}

/// The body, with an address that may be sent to and kinds that there are.
fn checked(ask: &Ask) -> Result<SubscriptionRequest, Failure> {
    let body: SubscriptionRequest = ask.body()?;
    let mut errors = Vec::new();
    if let Err(refused) = ask.app.outbox.check_url(&body.url) {
        errors.push(InputError::body("/url", "refused", refused.to_string()));
    }
    for (index, wanted) in body.kinds.iter().enumerate() {
        let family = |kind: &Kind| wanted.ends_with('.') && kind.as_str().starts_with(wanted.as_str());
        if Kind::from_name(wanted).is_none() && !Kind::ALL.iter().any(family) {
            let detail = "no such kind: expected one such as call.ringing, or a family such as call.";
            errors.push(InputError::body(format!("/kinds/{index}"), "enum", detail));
        }
    }
    if !errors.is_empty() {
        return Err(Failure::invalid(errors));
    }
    if body.persons && !ask.access.has(Scope::PersonsRead) {
        let detail = "this token has not the scope persons:read, and nobody gives others more than he sees himself: \
                      set persons to false, or ask for a token that has";
        return Err(Failure::new(ProblemKind::Forbidden, detail));
    }
    Ok(body)
}

async fn shown(app: &ApiState, stored: &StoredSubscription) -> Answer {
    let status = app.outbox.status().await;
    Ok(with_version(json_reply(StatusCode::OK, &view(stored, &status)), stored.version))
}

fn view(stored: &StoredSubscription, status: &[SubscriptionStatus]) -> SubscriptionView {
    let status = status.iter().find(|each| each.subscription == stored.id.as_u128());
    let hold = status.and_then(|status| status.hold.as_ref());
    let state = match (hold.map(|hold| hold.kind), status.map(|status| status.circuit)) {
        (Some(HoldKind::Disabled), _) => EndpointState::Disabled,
        (Some(HoldKind::Paused), _) => EndpointState::Paused,
        _ if stored.paused => EndpointState::Paused,
        (None, Some(Circuit::Open)) => EndpointState::Open,
        (None, _) => EndpointState::Active,
    };
    let failing = status.filter(|status| status.circuit == Circuit::Open);
    let last = failing.and_then(|status| status.last_error.as_ref()).map(|error| error.text.clone());
    SubscriptionView {
        id: stored.id,
        url: stored.url.clone(),
        kinds: stored.kinds.clone(),
        batch: stored.batch,
        persons: stored.persons,
        paused: stored.paused,
        state,
        reason: hold.map(|hold| hold.reason.clone()).or(last),
        pending: status.map_or(0, |status| status.pending),
        dead: status.map_or(0, |status| status.dead),
        old_secret_until: stored.old_secret_until(),
        created_at: stored.created_at,
        version: stored.version,
    }
}
