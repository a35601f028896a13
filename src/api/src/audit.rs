//! The audit log of requests (BIO 8.15): what was changed, what was seen of persons, and who was refused.
//!
//! A command's row is written by the engine with its outcome. Of the other requests:
//!
//! * a change is answered when its row is durable;
//! * a look at personal data is written without anybody waiting for it; the same look again within a minute is not
//!   written again, so that a screen that polls does not fill the disk;
//! * a refused access token is written so many times a minute at most, with what was left out counted.

use crate::persons::Persons;
use crate::route::Route;
use crate::time::now_ms;
use crate::tokens::Access;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::Method;
use http::header::LOCATION;
use schakel_engine::identifier;
use schakel_journal::{AuditEntry, Store, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same look again within this is the same look.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Looks that are remembered: more different ones in a minute are written each time.
const LOOKS_MAX: usize = 10_000;

/// Refused tokens at once, and one more each [`REFUSED_EVERY`]: at most 9,000 rows a day, some 2 MB.
const REFUSED_BURST: u32 = 60;
const REFUSED_EVERY: Duration = Duration::from_secs(10);

/// What is written of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audited {
    /// Nothing: it shows no personal data and changes nothing.
    No,
    /// That somebody looked.
    Look(String),
    /// That somebody changed something.
    Change(String),
    /// By the engine, with the outcome; here only that it was denied.
    Command(String),
}

/// The result of what somebody may not.
pub(crate) const DENIED: &str = "denied";

/// What a response is about, where its path does not say so.
#[derive(Debug, Clone)]
pub(crate) struct About(pub String);

/// Who looked at what from where.
type Look = (String, String, Option<String>, Option<String>);

#[derive(Debug)]
pub(crate) struct Audit {
    store: Store,
    looks: Mutex<HashMap<Look, Instant>>,
    refused: DefaultDirectRateLimiter,
    left_out: AtomicU64,
    lost: std::sync::Arc<AtomicU64>,
}

impl Audited {
    /// What is written of a route, by what it gives and does: a route that says nothing is not forgotten.
    pub(crate) fn of(route: &Route, persons: &Persons) -> Self {
        let action = action(route);
        let shows_persons = persons.withheld_of(route).is_some();
        if route.scope.is_none() || route.is_unrecorded {
            Self::No
        } else if route.is_command {
            Self::Command(action)
        } else if route.method != Method::GET && !route.is_search {
            Self::Change(action)
        } else if shows_persons || route.is_recorded {
            Self::Look(action)
        } else {
            Self::No
        }
    }

    pub(crate) fn action(&self) -> Option<&str> {
        match self {
            Self::No => None,
            Self::Look(action) | Self::Change(action) | Self::Command(action) => Some(action),
        }
    }
}

impl Audit {
    pub(crate) fn new(store: Store) -> Self {
        let burst = NonZeroU32::new(REFUSED_BURST).unwrap_or(NonZeroU32::MIN);
        // None only for a period of zero.
        let quota = Quota::with_period(REFUSED_EVERY).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            store,
            looks: Mutex::default(),
            refused: RateLimiter::direct(quota.allow_burst(burst)),
            left_out: AtomicU64::new(0),
            lost: std::sync::Arc::default(),
        }
    }

    /// A row that somebody waits for.
    pub(crate) async fn changed(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.store.audit(vec![entry]).await
    }

    /// A row that nobody waits for, unless the same was written a moment ago.
    pub(crate) fn looked(&self, entry: AuditEntry) {
        let look = (entry.token.clone(), entry.action.clone(), entry.object.clone(), entry.from.clone());
        {
            let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if looks.get(&look).is_some_and(|at| now - *at < LOOK_AGAIN) {
                return;
            }
            if looks.len() >= LOOKS_MAX {
                looks.retain(|_, at| now - *at < LOOK_AGAIN);
            }
            if looks.len() < LOOKS_MAX {
                looks.insert(look, now);
            }
        }
        self.soon(vec![entry]);
    }

    /// Somebody came without a token, or with one that is no good (any more).
    pub(crate) fn refused(&self, token: Option<&str>, from: Option<&str>) {
        if self.refused.check().is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let entry = AuditEntry {
            at_ms: now_ms(),
            token: token.map(|id| identifier(id).into_owned()).unwrap_or_default(),
            action: "auth.refused".into(),
            result: DENIED.into(),
            from: from.map(str::to_owned),
            ..AuditEntry::default()
        };
        let mut entries = Vec::new();
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            let object = Some(format!("unrecorded/{left_out}"));
            entries.push(AuditEntry { token: String::new(), object, from: None, ..entry.clone() });
        }
        entries.push(entry);
        self.soon(entries);
    }

    /// Rows that could not be written, since start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn soon(&self, entries: Vec<AuditEntry>) {
        let (answer, lost) = (self.store.audit_soon(entries), self.lost.clone());
        tokio::spawn(async move {
            if let Err(error) = answer.await
                && lost.fetch_add(1, Ordering::Relaxed) == 0
            {
                tracing::error!(%error, "a row of the audit log could not be written; schakel_audit_lost_total counts them");
            }
        });
    }
}

/// A row of a request.
pub(crate) fn entry(
    access: &Access,
    from: Option<&str>,
    action: &str,
    object: Option<String>,
    result: String,
) -> AuditEntry {
    AuditEntry {
        at_ms: now_ms(),
        token: access.token.id.clone(),
        name: Some(access.token.name.clone()),
        agent: access.token.agent.as_deref().map(|agent| identifier(agent).into_owned()),
        action: action.to_owned(),
        object,
        result,
        from: from.map(str::to_owned),
    }
}

/// The object of a route's path: the path until and with its last parameter.
pub(crate) fn object_of(route: &Route, path: &BTreeMap<String, String>) -> Option<String> {
    let segments: Vec<&str> = route.path.split('/').skip(1).collect();
    let name = |segment: &&str| segment.starts_with('{');
    let last = segments.iter().rposition(name)?;
    let text = |segment: &&str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => identifier(path.get(name).map_or("", String::as_str)).into_owned(),
        None => (*segment).to_owned(),
    };
    Some(segments.iter().take(last + 1).map(text).collect::<Vec<_>>().join("/"))
}

/// The object that a response tells of.
pub(crate) fn object_in(response: &axum::response::Response) -> Option<String> {
    if let Some(About(object)) = response.extensions().get() {
        return Some(object.clone());
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    location.strip_prefix("/v1/").map(str::to_owned)
}

/// `getContact` is `contact.read`, `createToken` is `token.create`, `reconnect` of `/providers` is `provider.reconnect`.
fn action(route: &Route) -> String {
    let at = route.id.find(|each: char| each.is_ascii_uppercase()).unwrap_or(route.id.len());
    let (verb, object) = route.id.split_at(at);
    let verb = if verb == "get" { "read" } else { verb };
    let resource = route.path.split('/').nth(1).unwrap_or("");
    let object = if object.is_empty() { resource } else { object };
    let object = match object.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => object.strip_suffix('s').unwrap_or(object).to_owned(),
    };
    let mut words = String::new();
    for (at, each) in object.char_indices() {
        if each.is_ascii_uppercase() && at > 0 {
            words.push('-');
        }
        words.push(each.to_ascii_lowercase());
    }
    format!("{words}.{verb}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::route;
    use crate::routes;

    #[test]
    fn bio_8_15_an_action_says_what_is_done_to_what() {
        for (method, path, id, expected) in [
            (Method::GET, "/contacts/{contact}", "getContact", "contact.read"),
            (Method::POST, "/tokens", "createToken", "token.create"),
            (Method::POST, "/providers/{provider}/reconnect", "reconnect", "provider.reconnect"),
            (Method::GET, "/webhooks/{webhook}/dead-letters", "listDeadLetters", "dead-letter.list"),
            (Method::GET, "/webhooks/{webhook}/deliveries", "listDeliveries", "delivery.list"),
        ] {
            let route = route(method, path, id, "", |_| async { unreachable!() });
            assert_eq!(action(&route), expected);
        }
    }

    #[test]
    fn bio_8_15_the_object_is_the_path_until_its_last_parameter_and_never_a_number() {
        let at = |path: &'static str, values: &[(&str, &str)]| {
            let route = route(Method::GET, path, "x", "", |_| async { unreachable!() });
            let values =
                values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            object_of(&route, &values)
        };
        assert_eq!(at("/tokens", &[]), None);
        assert_eq!(at("/agents/{agent}/state", &[("agent", "jansen")]).unwrap(), "agents/jansen");
        assert_eq!(at("/agents/{agent}", &[("agent", "06-12345678")]).unwrap(), "agents/withheld");
        let device = at("/p/{provider}/d/{device}/x", &[("provider", "pbx"), ("device", "2001")]);
        assert_eq!(device.unwrap(), "p/pbx/d/2001");
    }

    #[test]
    fn bio_8_15_every_route_that_changes_or_shows_persons_is_written() {
        let mut document = crate::document::build(&routes::all());
        let persons = Persons::new(document["components"]["schemas"].take());
        for route in routes::all() {
            let audited = Audited::of(&route, &persons);
            let exempt = route.scope.is_none() || route.is_unrecorded;
            assert_eq!(
                audited == Audited::No,
                exempt || (route.method == Method::GET && audited.action().is_none()),
                "{}",
                route.id
            );
            if matches!(
                route.id,
                "getContact" | "getTimeline" | "listCalls" | "getCall" | "getSnapshot" | "listEvents"
            ) {
                assert!(matches!(audited, Audited::Look(_)), "{}: {audited:?}", route.id);
            }
        }
    }
}
