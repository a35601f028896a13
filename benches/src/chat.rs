//! From a visitor's XMPP client to a webhook, and from REST to his client; beside two plain clients that write to each
//! other through the same server in the same run: no program can be faster than that server.
//!
//! `chat.py` starts the server and the daemon and then this.

use crate::Result;
use crate::http::Client;
use crate::meter::Meter;
use crate::process::cpu_of;
use crate::sink;
use crate::table::{median, row};
use clap::Args;
use memchr::memmem;
use schakel_simulator::visitors::{Connection, Heard, Identity, Server, tls};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use xmpp_parsers::jid::Jid;
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::presence::Presence;

/// Begins every message that is measured; its number follows.
const MARK: &str = "number ";
/// Digits of the number.
const DIGITS: usize = 9;
/// Messages on their way when a pipe is kept full.
const WINDOW: u64 = 64;
/// Messages a second where latency is measured: a busy contact centre of some hundreds of agents.
const RATE: u64 = 50;
/// Requests at the same time to the API.
const CLIENTS: u64 = 16;
/// Chats of one agent.
const CHATS: usize = 20;
/// What was sent arrives within this, or is lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to measure, and where.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The XMPP server's port for clients.
    #[arg(long)]
    pub server: SocketAddr,
    /// Its domain.
    #[arg(long)]
    pub domain: String,
    /// Its authority's certificate.
    #[arg(long)]
    pub ca_file: PathBuf,
    /// The password of all accounts.
    #[arg(long)]
    pub password_file: PathBuf,
    /// The address that is schakel's.
    #[arg(long)]
    pub to: String,
    /// The account of a plain client.
    #[arg(long)]
    pub plain: String,
    /// The visitors are user1 to this.
    #[arg(long)]
    pub visitors: usize,
    /// The daemon's API.
    #[arg(long)]
    pub api: SocketAddr,
    /// A token for it.
    #[arg(long)]
    pub token: String,
    /// The daemon's process.
    #[arg(long)]
    pub daemon: u32,
    /// The server's process.
    #[arg(long)]
    pub server_process: u32,
    /// A short run.
    #[arg(long)]
    pub quick: bool,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Visitors' clients to one other client.
    PlainIn,
    /// Visitors' clients to a webhook.
    Webhook,
    /// One other client to visitors' clients.
    PlainOut,
    /// A REST request to a visitor's client.
    Rest,
}

const WAYS: [(Way, &str); 4] = [
    (Way::PlainIn, "client to client (to one)"),
    (Way::Webhook, "visitor to webhook"),
    (Way::PlainOut, "client to client (from one)"),
    (Way::Rest, "REST to visitor"),
];

#[derive(Debug, Default)]
struct Seen {
    rate: Vec<f64>,
    daemon: Vec<f64>,
    server: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// A client: what is put into the channel it sends.
type Outgoing = mpsc::UnboundedSender<Message>;

struct Rig {
    arguments: Arguments,
    meter: Arc<Meter>,
    visitors: Vec<Outgoing>,
    plain: Outgoing,
    /// The path of each visitor's chat, and its agent.
    chats: Arc<Vec<(String, String)>>,
    next: Arc<AtomicU64>,
}

/// Measures all of it, in interleaved rounds.
///
/// # Errors
/// If a message is lost, comes twice, or is refused.
pub async fn run(arguments: Arguments) -> Result<()> {
    let (rounds, full, paced) = if arguments.quick { (1, 2, 3) } else { (3, 4, 10) };
    let rig = Rig::new(arguments).await?;
    let mut seen: [Seen; 4] = Default::default();
    for _ in 0..rounds {
        for (seen, (way, _)) in seen.iter_mut().zip(WAYS) {
            rig.full(way, Duration::from_secs(full), seen).await?;
        }
        for (seen, (way, _)) in seen.iter_mut().zip(WAYS) {
            rig.paced(way, Duration::from_secs(paced), seen).await?;
        }
    }
    let counts = rig.meter.counts();
    if counts.disordered > 0 {
        return Err(format!("{} messages came twice", counts.disordered).into());
    }
    for (seen, (way, name)) in seen.iter_mut().zip(WAYS) {
        row(&format!("{name}: rate"), median(&mut seen.rate), "messages/s");
        row(&format!("{name}: p50 at {RATE}/s"), median(&mut seen.p50), "ms");
        row(&format!("{name}: p99 at {RATE}/s"), median(&mut seen.p99), "ms");
        row(&format!("{name}: the server's CPU"), median(&mut seen.server), "µs a message");
        if matches!(way, Way::Webhook | Way::Rest) {
            row(&format!("{name}: schakel's CPU"), median(&mut seen.daemon), "µs a message");
        }
    }
    for (ours, plain) in [(1, 0), (3, 2)] {
        let share = median(&mut seen[ours].rate) / median(&mut seen[plain].rate);
        row(&format!("{} / {}", WAYS[ours].1, WAYS[plain].1), share, "of the rate");
    }
    Ok(())
}

impl Rig {
    /// Everybody logs in; each visitor has a chat that an agent has joined.
    async fn new(arguments: Arguments) -> Result<Self> {
        let meter = Arc::new(Meter::new());
        let hook = sink::start_noting(Arc::clone(&meter), None, note)?;
        let server = Server {
            address: arguments.server.to_string(),
            domain: arguments.domain.clone(),
            tls: Some(tls(Some(&arguments.ca_file))?),
        };
        let password = std::fs::read_to_string(&arguments.password_file)?;
        let plain = client(&server, &arguments.plain, &password, &meter).await?;
        let mut visitors = Vec::new();
        for number in 1..=arguments.visitors {
            visitors.push(client(&server, &format!("user{number}"), &password, &meter).await?);
        }
        let mut rig = Self { arguments, meter, visitors, plain, chats: Arc::default(), next: Arc::default() };
        rig.chats = Arc::new(rig.open().await?);
        let body = format!(r#"{{"url":"http://{hook}/hook","kinds":["chat.message"]}}"#);
        ask(&mut rig.api()?, "POST", "/v1/webhooks", &body)?;
        Ok(rig)
    }

    /// Opens the chats and joins them. Gives their paths in the order of the visitors.
    async fn open(&self) -> Result<Vec<(String, String)>> {
        let mut api = self.api()?;
        let agents: Vec<String> =
            (0..self.visitors.len().div_ceil(CHATS)).map(|at| format!("agent-{at}")).collect();
        for agent in &agents {
            let body = format!(r#"{{"queues":["questions"],"nickname":"{agent}"}}"#);
            ask(&mut api, "PUT", &format!("/v1/agents/{agent}/chat"), &body)?;
        }
        for visitor in &self.visitors {
            visitor.send(self.message(&self.arguments.to, "good morning")?)?;
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut chats = vec![None; self.visitors.len()];
        while chats.iter().any(Option::is_none) {
            if Instant::now() > deadline {
                let open = chats.iter().flatten().count();
                return Err(format!("{open} of {} chats were opened", chats.len()).into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            for chat in list(&mut api)? {
                let address = chat["visitor"]["address"].as_str().unwrap_or_default();
                let number = address
                    .strip_prefix("user")
                    .and_then(|rest| rest.split('@').next()?.parse::<usize>().ok());
                if let (Some(number), Some(id)) = (number, chat["id"].as_str())
                    && let Some(place) = chats.get_mut(number.wrapping_sub(1))
                {
                    *place = Some(id.to_owned());
                }
            }
        }
        let mut joined = Vec::new();
        for (at, chat) in chats.into_iter().flatten().enumerate() {
            let agent = agents[at / CHATS].clone();
            ask(&mut api, "POST", &format!("/v1/chats/{chat}/join"), &format!(r#"{{"agent":"{agent}"}}"#))?;
            joined.push((format!("/v1/chats/{chat}/messages"), agent));
        }
        Ok(joined)
    }

    /// Keeps some messages on their way for a time.
    async fn full(&self, way: Way, time: Duration, seen: &mut Seen) -> Result<()> {
        let processes = [self.arguments.daemon, self.arguments.server_process];
        let (before, cpu, begin) = (self.meter.counts(), processes.map(cpu_of), Instant::now());
        self.send(way, time, None).await?;
        let (after, took) = (self.meter.counts(), begin.elapsed());
        // What is on its way at the end was worked on in this time as well.
        let messages = (after.arrived - before.arrived) as f64;
        let micros = |at: usize| cpu_of(processes[at]).saturating_sub(cpu[at]).as_secs_f64() * 1e6 / messages;
        seen.rate.push(messages / took.as_secs_f64());
        seen.daemon.push(micros(0));
        seen.server.push(micros(1));
        self.settle(way).await
    }

    /// Sends at a fixed rate; the time of each counts from when it was due.
    async fn paced(&self, way: Way, time: Duration, seen: &mut Seen) -> Result<()> {
        self.meter.forget_latency();
        self.send(way, time, Some(RATE)).await?;
        self.settle(way).await?;
        seen.p50.push(self.meter.latency(0.5).as_secs_f64() * 1e3);
        seen.p99.push(self.meter.latency(0.99).as_secs_f64() * 1e3);
        Ok(())
    }

    async fn send(&self, way: Way, time: Duration, rate: Option<u64>) -> Result<()> {
        if way == Way::Rest {
            return self.send_requests(time, rate).await;
        }
        let begin = Instant::now();
        let mut sent = 0_u64;
        while begin.elapsed() < time {
            let due =
                rate.map_or_else(Instant::now, |rate| begin + Duration::from_micros(sent * 1_000_000 / rate));
            if due > Instant::now() || rate.is_none() && self.meter.outstanding() >= WINDOW {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            sent += 1;
            let number = self.next.fetch_add(1, Relaxed);
            let at = number as usize % self.visitors.len();
            self.meter.sends(number, 0, due);
            match way {
                Way::PlainIn => {
                    let to = format!("{}@{}", self.arguments.plain, self.arguments.domain);
                    self.visitors[at].send(self.message(&to, &text(number))?)?;
                }
                Way::Webhook => self.visitors[at].send(self.message(&self.arguments.to, &text(number))?)?,
                _ => {
                    let to = format!("user{}@{}", at + 1, self.arguments.domain);
                    self.plain.send(self.message(&to, &text(number))?)?;
                }
            }
            // The clients are tasks of this thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The same over REST, from threads of their own: each connection has one request at a time.
    async fn send_requests(&self, time: Duration, rate: Option<u64>) -> Result<()> {
        let begin = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (chats, next, meter) =
                    (Arc::clone(&self.chats), Arc::clone(&self.next), Arc::clone(&self.meter));
                let (api, stop) = (self.api(), Arc::clone(&stop));
                std::thread::spawn(move || -> Result<()> {
                    let mut api = api?;
                    let mut turn = client;
                    while begin.elapsed() < time && !stop.load(Relaxed) {
                        let due = rate.map_or_else(Instant::now, |rate| {
                            begin + Duration::from_micros(turn * 1_000_000 / rate)
                        });
                        if due > Instant::now() || rate.is_none() && meter.outstanding() >= WINDOW {
                            std::thread::sleep(Duration::from_millis(1));
                            continue;
                        }
                        turn += CLIENTS;
                        let number = next.fetch_add(1, Relaxed);
                        let (path, agent) = &chats[number as usize % chats.len()];
                        let body =
                            format!(r#"{{"agent":"{agent}","audience":"public","text":"{}"}}"#, text(number));
                        meter.sends(number, 0, due);
                        ask(&mut api, "PUT", &format!("{path}/{}", uuid::Uuid::now_v7()), &body)?;
                    }
                    Ok(())
                })
            })
            .collect();
        while !threads.iter().all(std::thread::JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if threads.iter().any(std::thread::JoinHandle::is_finished) && begin.elapsed() < time {
                stop.store(true, Relaxed);
            }
        }
        for thread in threads {
            thread.join().map_err(|_| "a thread of requests ended badly")??;
        }
        Ok(())
    }

    async fn settle(&self, way: Way) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.meter.outstanding() > 0 {
            if Instant::now() > deadline {
                return Err(format!("{way:?}: {} messages never arrived", self.meter.outstanding()).into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    fn api(&self) -> Result<Client> {
        Client::connect(self.arguments.api, &self.arguments.token)
    }

    fn message(&self, to: &str, text: &str) -> Result<Message> {
        let mut message = Message::chat(Jid::new(to)?).with_body(Lang::new(), text.to_owned());
        message.id = Some(Id(uuid::Uuid::now_v7().to_string()));
        Ok(message)
    }
}

/// A client that sends what is put into its channel and notes what it gets.
async fn client(server: &Server, account: &str, password: &str, meter: &Arc<Meter>) -> Result<Outgoing> {
    let identity = Identity::Account { name: account.to_owned(), password: password.to_owned() };
    let mut connection = Connection::open(server, &identity, "bench").await?;
    connection.send(Presence::available()).await?;
    let (outgoing, mut waiting) = mpsc::unbounded_channel::<Message>();
    let meter = Arc::clone(meter);
    tokio::task::spawn_local(async move {
        loop {
            tokio::select! {
                next = waiting.recv() => {
                    let Some(message) = next else { return };
                    connection.send(message).await.expect("a client's connection");
                }
                heard = connection.next() => {
                    let heard = heard.expect("a client's connection");
                    let Heard::Stanza(stanza) = heard else { continue };
                    let xmpp_parsers::stanza::Stanza::Message(message) = *stanza else { continue };
                    if message.type_ == xmpp_parsers::message::MessageType::Error {
                        panic!("refused: {message:?}");
                    }
                    if let Some((_, body)) = message.get_best_body(vec!["", "en", "nl"])
                        && let Some(number) = number_in(body.as_bytes())
                    {
                        meter.arrives(number, 0);
                    }
                }
            }
        }
    });
    Ok(outgoing)
}

/// All chats.
fn list(api: &mut Client) -> Result<Vec<serde_json::Value>> {
    let (mut chats, mut after) = (Vec::new(), String::new());
    loop {
        let answer = ask(api, "GET", &format!("/v1/chats?pageSize=200{after}"), "")?;
        let mut page: serde_json::Value = serde_json::from_str(&answer)?;
        if let serde_json::Value::Array(items) = page["items"].take() {
            chats.extend(items);
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(chats),
        }
    }
}

fn ask(api: &mut Client, method: &str, path: &str, body: &str) -> Result<String> {
    let key = match method {
        "POST" => format!("idempotency-key: {}\r\n", uuid::Uuid::now_v7()),
        _ => String::new(),
    };
    let answer = api.send(method, path, &key, body)?;
    if answer.status / 100 != 2 {
        return Err(format!("{method} {path}: {} {}", answer.status, answer.body).into());
    }
    Ok(answer.body)
}

/// What is said: eighty bytes, as people write.
fn text(number: u64) -> String {
    format!("{MARK}{number:0DIGITS$} and then some words, as many as a person says in one message")
}

/// The number of the first message that is measured in these bytes.
fn number_in(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.get(memmem::find(bytes, MARK.as_bytes())? + MARK.len()..)?.get(..DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A webhook's body: a `chat.message`. One by an agent is on its other way.
fn note(body: &[u8], meter: &Meter) {
    let by_visitor = memmem::find(body, br#""kind":"visitor""#).is_some();
    let number = if by_visitor { number_in(body) } else { None };
    if let Some(number) = number {
        meter.arrives(number, 0);
    }
    meter.request(body.len(), u64::from(number.is_none()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_again_by_its_number() {
        assert_eq!(number_in(text(42).as_bytes()), Some(42));
        assert_eq!(number_in(b"good morning"), None);
        assert_eq!(text(1).len(), text(999_999_999).len());
        let meter = Meter::new();
        meter.sends(42, 0, Instant::now());
        let body = |kind: &str| format!(r#"{{"author":{{"kind":"{kind}"}},"text":"{}"}}"#, text(42));
        note(body("agent").as_bytes(), &meter);
        assert_eq!((meter.counts().arrived, meter.counts().strangers), (0, 1));
        note(body("visitor").as_bytes(), &meter);
        assert_eq!((meter.counts().arrived, meter.counts().strangers), (1, 1));
    }
}
