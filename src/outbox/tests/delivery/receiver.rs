//! A webhook receiver on a real socket, and a journal to deliver from.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use schakel_journal::{Batch, Input, Notification, Options, Store};
use schakel_outbox::{Outbox, Retry, Secret, Settings, Subscription, SubscriptionStatus};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Longer than anything here takes, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub const SUBSCRIPTION: u128 = 0xA1;

/// A request as the receiver saw it.
#[derive(Debug, Clone)]
pub struct Hit {
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
    /// Contact and number of each notification in it.
    pub events: Vec<(u64, u64)>,
    pub status: u16,
    pub at: Instant,
    /// Requests in flight, this one included.
    pub concurrent: usize,
}

impl Hit {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn seqs(&self) -> Vec<u64> {
        self.events.iter().map(|(_, seq)| *seq).collect()
    }

    /// Computed here as the specification says, not by the code under test.
    pub fn is_signed_with(&self, secret: &Secret) -> bool {
        let encoder = base64::engine::general_purpose::STANDARD;
        let text = secret.to_text();
        let key = encoder.decode(text.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(
            format!("{}.{}.", self.headers["webhook-id"], self.headers["webhook-timestamp"]).as_bytes(),
        );
        mac.update(&self.body);
        let expected = format!("v1,{}", encoder.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }
}

/// What the receiver answers.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Wait for this many requests to be in flight before answering.
    pub when_concurrent: usize,
    /// Never answer.
    pub silent: bool,
    /// Close the connection after this answer without having said so.
    pub hang_up: bool,
}

pub fn status(status: u16) -> Reply {
    Reply { status, ..Reply::default() }
}

type Script = dyn Fn(&Hit) -> Reply + Send + Sync;

#[derive(Default)]
struct Seen {
    in_flight: usize,
    contacts: HashMap<u64, usize>,
    connections: usize,
}

pub struct Receiver {
    pub address: SocketAddr,
    pub url: String,
    hits: mpsc::UnboundedReceiver<Hit>,
    seen: Arc<Mutex<Seen>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Receiver {
    pub async fn new(script: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_tls(None, script).await
    }

    pub async fn with_tls(
        tls: Option<rustls::ServerConfig>,
        script: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (report, hits) = mpsc::unbounded_channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::new(Shared { script: Box::new(script), report, seen: Arc::clone(&seen) });
        let acceptor = tls.map(|config| tokio_rustls::TlsAcceptor::from(Arc::new(config)));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                shared.seen.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(TokioIo::new(stream), shared).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(TokioIo::new(stream), shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            url: format!("{scheme}://localhost:{}/hook?x=1", address.port()),
            hits,
            seen,
            accepting,
        }
    }

    pub async fn hit(&mut self) -> Hit {
        tokio::time::timeout(PATIENCE, self.hits.recv()).await.expect("a request in time").expect("it runs")
    }

    /// Reads requests until `count` notifications were answered with 2xx.
    pub async fn delivered(&mut self, count: usize) -> Vec<Hit> {
        let (mut hits, mut delivered) = (Vec::new(), 0);
        while delivered < count {
            let hit = self.hit().await;
            if (200..300).contains(&hit.status) {
                delivered += hit.events.len();
            }
            hits.push(hit);
        }
        hits
    }

    /// Requests that came and were not read.
    pub fn rest(&mut self) -> usize {
        std::iter::from_fn(|| self.hits.try_recv().ok()).count()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

struct Shared {
    script: Box<Script>,
    report: mpsc::UnboundedSender<Hit>,
    seen: Arc<Mutex<Seen>>,
}

async fn serve<S>(stream: TokioIo<S>, shared: Arc<Shared>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let hang_up = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&hang_up);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared), Arc::clone(&told)));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(stream, service);
    tokio::select! {
        _ = connection => {}
        () = hang_up.notified() => {}
    }
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    shared: Arc<Shared>,
    hang_up: Arc<tokio::sync::Notify>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/hook?x=1"));
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let envelopes = match json {
        serde_json::Value::Array(envelopes) => envelopes,
        one => vec![one],
    };
    let number = |envelope: &serde_json::Value, name: &str| envelope["data"][name].as_u64().unwrap();
    let events: Vec<_> =
        envelopes.iter().map(|envelope| (number(envelope, "contact"), number(envelope, "seq"))).collect();
    let mut contacts: Vec<u64> = events.iter().map(|(contact, _)| *contact).collect();
    contacts.dedup();
    let concurrent = {
        let mut seen = shared.seen.lock().unwrap();
        seen.in_flight += 1;
        for contact in &contacts {
            let flying = seen.contacts.entry(*contact).or_default();
            *flying += 1;
            assert_eq!(*flying, 1, "two requests in flight for contact {contact}");
        }
        seen.in_flight
    };
    let mut hit = Hit { headers, body, events, status: 0, at: Instant::now(), concurrent };
    let reply = (shared.script)(&hit);
    hit.status = reply.status;
    while shared.seen.lock().unwrap().in_flight < reply.when_concurrent {
        tokio::task::yield_now().await;
    }
    if reply.hang_up {
        hang_up.notify_one();
    }
    {
        let mut seen = shared.seen.lock().unwrap();
        if reply.when_concurrent == 0 {
            seen.in_flight -= 1;
        }
        contacts.iter().for_each(|contact| *seen.contacts.get_mut(contact).unwrap() -= 1);
    }
    // The test that made this may have ended.
    _ = shared.report.send(hit);
    if reply.silent {
        std::future::pending::<()>().await;
    }
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

/// A journal with an outbox that delivers to one receiver.
pub struct Sender {
    pub store: Store,
    pub outbox: Outbox,
    pub subscription: Subscription,
    folder: Arc<tempfile::TempDir>,
}

pub fn settings() -> Settings {
    Settings {
        allowed_hosts: vec!["localhost".into()],
        allow_plain_http: true,
        allow_loopback: true,
        request_timeout: PATIENCE,
        retry: Retry { pauses: [0, 2, 4, 8].map(Duration::from_millis).to_vec(), ..Retry::default() },
        ..Settings::default()
    }
}

impl Sender {
    pub fn new(url: &str, settings: Settings) -> Self {
        Self::with(url, settings, |_| {})
    }

    pub fn with(url: &str, settings: Settings, edit: impl FnOnce(&mut Subscription)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut subscription = Subscription {
            id: SUBSCRIPTION,
            url: url.to_owned(),
            secret: Secret::generate().unwrap(),
            previous: None,
            paused: false,
            persons: true,
            batch: false,
        };
        edit(&mut subscription);
        Self::open(folder, subscription, settings)
    }

    fn open(folder: Arc<tempfile::TempDir>, subscription: Subscription, settings: Settings) -> Self {
        let (store, _) = Store::open(folder.path().join("journal.db"), Options::default()).unwrap();
        let outbox = Outbox::start(store.clone(), settings).unwrap();
        outbox.set_subscriptions(vec![subscription.clone()]);
        Self { store, outbox, subscription, folder }
    }

    /// Ends, and starts again with another URL and settings.
    pub async fn restart(self, url: &str, settings: Settings) -> Self {
        self.outbox.drain(PATIENCE).await;
        let Self { store, outbox, mut subscription, folder } = self;
        drop((store, outbox));
        url.clone_into(&mut subscription.url);
        // The task ends when it sees that nobody holds the outbox; then the file is free.
        let path = folder.path().join("journal.db");
        let started = Instant::now();
        while let Err(error) = Store::open(&path, Options::default()).map(drop) {
            assert!(started.elapsed() < PATIENCE, "{error}");
            tokio::task::yield_now().await;
        }
        Self::open(folder, subscription, settings)
    }

    /// Notifications `first..=last`, of contact `seq % contacts + 1`, committed but not handed over.
    pub async fn commit(&self, first: u64, last: u64, contacts: u64) -> Vec<Arc<Notification>> {
        let all: Vec<_> = (first..=last).map(|seq| notification(seq, seq % contacts + 1, None)).collect();
        self.append(&all).await;
        all
    }

    pub async fn append(&self, all: &[Arc<Notification>]) {
        let inputs =
            all.iter().map(|row| Input { seq: row.seq, at_ms: row.at_ms, bytes: Bytes::new() }).collect();
        let batch = Batch { inputs, notifications: all.to_vec(), ..Batch::default() };
        self.store.append(batch).await.unwrap();
    }

    /// The same, handed over.
    pub async fn tell(&self, first: u64, last: u64, contacts: u64) {
        let all = self.commit(first, last, contacts).await;
        self.outbox.notify(&all);
    }

    pub async fn status(&self) -> SubscriptionStatus {
        self.outbox.status().await.pop().expect("there is one subscription")
    }

    /// Waits for something that the outbox says of itself.
    pub async fn until(&self, what: impl Fn(&SubscriptionStatus) -> bool) -> SubscriptionStatus {
        let started = Instant::now();
        loop {
            let status = self.status().await;
            if what(&status) {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "{status:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Ends, and says what the journal has left: waiting and given up.
    pub async fn left(&self) -> (Vec<u64>, Vec<(u64, String)>) {
        assert_eq!(self.outbox.drain(PATIENCE).await, 0);
        let reader = self.store.reader().unwrap();
        let waiting = reader.pending(SUBSCRIPTION, 0, 10_000).unwrap();
        let dead = reader.dead_letters(SUBSCRIPTION, 0, 10_000).unwrap();
        (
            waiting.iter().map(|row| row.notification.seq).collect(),
            dead.into_iter().map(|dead| (dead.seq, dead.reason)).collect(),
        )
    }
}

pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

pub fn notification(seq: u64, contact: u64, expires_ms: Option<i64>) -> Arc<Notification> {
    let id = uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(seq));
    let payload = serde_json::json!({
        "specversion": "1.0", "id": id.to_string(), "type": "nl.schakel.call.ringing.v1",
        "data": {"contact": contact, "seq": seq}
    });
    Arc::new(Notification {
        seq,
        input_seq: seq,
        id: id.as_u128(),
        contact: Some(contact.into()),
        contact_seq: seq,
        kind: "nl.schakel.call.ringing.v1".into(),
        at_ms: now_ms(),
        expires_ms,
        payload: payload.to_string().into(),
        deliveries: [SUBSCRIPTION].into(),
    })
}

/// For each contact the notifications as they arrived first, which must be their order.
pub fn assert_in_order(hits: &[Hit], first: u64, last: u64) {
    let mut contacts: BTreeMap<u64, u64> = BTreeMap::new();
    let mut arrived = Vec::new();
    for (contact, seq) in hits.iter().filter(|hit| hit.status < 300).flat_map(|hit| &hit.events) {
        let before = contacts.insert(*contact, *seq);
        assert!(before.is_none_or(|before| before < *seq), "contact {contact}: {seq} after {before:?}");
        arrived.push(*seq);
    }
    arrived.sort_unstable();
    assert_eq!(arrived, (first..=last).collect::<Vec<_>>(), "each of them once");
}
