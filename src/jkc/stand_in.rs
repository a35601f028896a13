//! The stand-in as a library: start it, give it the secret, wait for what must come.

use super::routing::Routing;
use super::server::{self, Behaviour, PATH, Shared};
use super::verify::Secret;
use crate::client::ledger::{Counts, Ledger, Order};
use schakel_contract::event::Event;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How many of the last notifications are told when something did not come.
const TOLD_MAX: usize = 12;

/// What was awaited did not come in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} did not come within {within:?}; the last notifications were: {last}")]
pub struct NotSeen {
    /// What was awaited.
    pub what: String,
    /// How long.
    pub within: Duration,
    /// What came instead.
    pub last: String,
}

/// A stand-in for JKC that receives webhooks until it is dropped.
#[derive(Debug)]
pub struct StandIn {
    shared: Arc<Shared>,
    address: SocketAddr,
    secure: bool,
    task: tokio::task::JoinHandle<()>,
}

impl StandIn {
    /// Listens at an address (port 0 for any), with TLS where a server configuration is given.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(
        listen: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        order: Order,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(Ledger::new(order));
        let secure = tls.is_some();
        let task = tokio::spawn(server::accept(listener, tls.map(TlsAcceptor::from), Arc::clone(&shared)));
        Ok(Self { shared, address, secure, task })
    }

    /// Where webhooks are received.
    pub fn url(&self) -> String {
        format!("{}://{}{PATH}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Accepts signatures that were made with this secret too.
    pub fn trust(&self, secret: Secret) {
        self.shared.secrets().push(secret);
    }

    /// Behaves badly from now on, or well again with the default.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.behave(behaviour);
    }

    /// Says from now on where calls go, when a telephone system asks.
    pub fn route(&self, routing: Routing) {
        *self.shared.routing() = routing;
    }

    /// Where it sends calls now.
    pub fn routing(&self) -> Routing {
        self.shared.routing().clone()
    }

    /// How it behaves now.
    pub fn behaviour(&self) -> Behaviour {
        self.shared.behaviour()
    }

    /// Looks at what was received.
    pub fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.shared.ledger())
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.look(Ledger::counts)
    }

    /// Waits until `probe` finds what it looks for. It is asked at once and after everything that is received.
    ///
    /// # Errors
    /// When it has not found it in time, with what came instead.
    pub async fn wait<T>(
        &self,
        what: impl Into<String>,
        within: Duration,
        mut probe: impl FnMut(&Ledger) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let mut changes = self.shared.changes();
        let found = tokio::time::timeout(within, async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = probe(&self.shared.ledger()) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        });
        match found.await {
            Ok(Some(found)) => Ok(found),
            _ => Err(NotSeen { what: what.into(), within, last: self.last() }),
        }
    }

    /// Waits for the first notification after a mark ([`Ledger::mark`]) that fits.
    ///
    /// # Errors
    /// As [`StandIn::wait`].
    pub async fn event_after(
        &self,
        mark: usize,
        what: impl Into<String>,
        within: Duration,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<(Event, std::time::Instant), NotSeen> {
        self.wait(what, within, |ledger| {
            let found = ledger.since(mark).find(|entry| fits(&entry.event))?;
            Some((found.event.clone(), found.at))
        })
        .await
    }

    /// Is told of everything that is received.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.changes()
    }

    fn last(&self) -> String {
        self.look(|ledger| {
            let mut last: Vec<_> =
                ledger.since(0).rev().take(TOLD_MAX).map(|entry| told(&entry.event)).collect();
            last.reverse();
            let turned = ledger.counts().turned_away + ledger.counts().refused;
            let none =
                if turned == 0 { "none at all".into() } else { format!("none ({turned} were turned away)") };
            if last.is_empty() { none } else { last.join(", ") }
        })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn told(event: &Event) -> String {
    match &event.data.device {
        Some(device) => format!("{} @ {device}", event.data.change),
        None => event.data.change.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    use std::time::{SystemTime, UNIX_EPOCH};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SOON: Duration = Duration::from_secs(10);

    async fn started() -> StandIn {
        crate::tls::install();
        let stand_in = StandIn::start("127.0.0.1:0".parse().unwrap(), None, Order::Whole).await.unwrap();
        stand_in.trust(Secret::parse(SECRET).unwrap());
        stand_in
    }

    fn signed(stand_in: &StandIn, media: &str, body: String) -> reqwest::RequestBuilder {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let key = STANDARD.decode(&SECRET[6..]).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("msg_1.{now}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        reqwest::Client::new()
            .post(stand_in.url())
            .header("content-type", media)
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", now)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body)
    }

    #[tokio::test]
    async fn t03_a_signed_ringing_is_received_once_however_often_it_is_sent() {
        let stand_in = started().await;
        let body = serde_json::to_string(&ringing()).unwrap();
        for media in ["application/cloudevents+json", "application/cloudevents+json; charset=utf-8"] {
            assert_eq!(signed(&stand_in, media, body.clone()).send().await.unwrap().status(), 204);
        }
        let batch = signed(&stand_in, "application/cloudevents-batch+json", format!("[{body}]"));
        assert_eq!(batch.send().await.unwrap().status(), 204);
        let counts = stand_in.counts();
        assert_eq!(
            (counts.verified, counts.notifications, counts.duplicates, counts.violations),
            (3, 1, 2, 0)
        );
        stand_in.event_after(0, "ringing", SOON, |event| event.data.change == "call.ringing").await.unwrap();
    }

    #[tokio::test]
    async fn p03_what_is_not_signed_or_no_notification_is_refused_and_not_kept() {
        let stand_in = started().await;
        let media = "application/cloudevents+json";
        let body = serde_json::to_string(&ringing()).unwrap();
        let forged = signed(&stand_in, media, body.clone()).header("webhook-signature", "v1,AAAA").body("{}");
        assert_eq!(forged.send().await.unwrap().status(), 401);
        assert_eq!(signed(&stand_in, media, "{}".into()).send().await.unwrap().status(), 400);
        assert_eq!(signed(&stand_in, "application/json", body).send().await.unwrap().status(), 415);
        let elsewhere = reqwest::get(stand_in.url().replace("/schakel", "/")).await.unwrap();
        assert_eq!(elsewhere.status(), 404);
        assert_eq!((stand_in.counts().refused, stand_in.counts().notifications), (4, 0));
    }

    #[tokio::test]
    async fn t01_a_question_is_answered_in_the_response_and_only_alone() {
        let stand_in = started().await;
        stand_in.route(Routing { rules: vec!["2002".parse().unwrap()], after: Duration::from_millis(1) });
        let mut asked = ringing();
        asked.kind = "nl.schakel.route.requested.v1".into();
        asked.data.change = "route.requested".into();
        asked.expirytime = None;
        let body = serde_json::to_string(&asked).unwrap();
        let late = signed(&stand_in, "application/cloudevents+json", body).send().await.unwrap();
        assert_eq!(late.status(), 204, "nobody waits any more");
        asked.expirytime = Some(asked.time);
        let body = serde_json::to_string(&asked).unwrap();
        let answer = signed(&stand_in, "application/cloudevents+json", body.clone()).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), r#"{"decision":{"destination":{"number":"2002"}}}"#);
        let batch = signed(&stand_in, "application/cloudevents-batch+json", format!("[{body}]"));
        assert_eq!(batch.send().await.unwrap().status(), 204);
        stand_in.route(Routing::default());
        let silent = signed(&stand_in, "application/cloudevents+json", body).send().await.unwrap();
        assert_eq!(silent.status(), 204);
    }

    #[tokio::test]
    async fn it_misbehaves_when_told_to_and_says_what_it_did_not_see() {
        let stand_in = started().await;
        let media = "application/cloudevents+json";
        let send = || signed(&stand_in, media, serde_json::to_string(&ringing()).unwrap()).send();
        stand_in.behave(Behaviour { status: Some(503), retry_after: Some(7), ..Behaviour::default() });
        let response = send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()),
            (503, "7")
        );
        stand_in.behave(Behaviour { down: true, ..Behaviour::default() });
        assert!(send().await.is_err());
        let unseen =
            stand_in.wait("ringing", Duration::ZERO, |ledger| ledger.since(0).next().map(drop)).await;
        assert!(unseen.unwrap_err().to_string().contains("none (1 were turned away)"));
        stand_in.behave(Behaviour { lose_answer: true, ..Behaviour::default() });
        assert!(send().await.is_err());
        stand_in.behave(Behaviour::default());
        assert_eq!(send().await.unwrap().status(), 204);
        assert_eq!(
            (stand_in.counts().notifications, stand_in.counts().duplicates),
            (1, 1),
            "the answer was lost"
        );
    }
}
