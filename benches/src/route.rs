//! Where shall this call go? From the PBX's `RouteRequest` by JKC's webhook to `RouteSelect` on the wire, answered in the
//! webhook's response and by a request of its own; beside a floor that sends the same bytes over plain sockets and
//! keeps nothing.

use crate::calls;
use crate::daemon::{Daemon, Setting, free_ports};
use crate::http::Client;
use crate::messages::{self, EDITION};
use crate::process::Process;
use crate::pump::Pump;
use crate::table::{heading, median, row};
use crate::{Result, disk};
use clap::Args;
use hdrhistogram::Histogram;
use memchr::memmem;
use schakel_csta_wire::{
    ConnectionId, Deframer, DeviceId, DeviceRef, Encoder, InvokeId, MAX_FRAME_BYTES, Message, Request,
    RouteRequest, RouteSelect, encode_frame,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Questions a second: those of a contact centre with a thousand agents at its busiest.
const RATE: u64 = 100;
/// The routeing device.
const DEVICE: &str = "7100";
/// Where every call goes.
const DESTINATION: &str = "2001";
const NUMBERS: &str = "2000-2063";
/// Commits that lie between question and answer: that of the question before JKC is asked, and that of the decision
/// before the PBX is told.
const COMMITS: f64 = 2.0;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The daemon's binary.
    #[arg(long)]
    pub schakel: PathBuf,
    /// A short run.
    #[arg(long)]
    pub quick: bool,
}

/// What the floor is told.
#[derive(Debug, Clone, Args)]
pub struct FloorArgs {
    /// The PBX.
    #[arg(long)]
    pub from: SocketAddr,
    /// The sink.
    #[arg(long)]
    pub to: SocketAddr,
    /// Where decisions are sent to that do not come in the sink's response.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Bodies have at least so many bytes.
    #[arg(long)]
    pub body_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Answer,
    Request,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Answer => "decided in the webhook's response",
            Way::Request => "decided by POST /v1/routes/{id}/decision",
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

/// Measures both ways, in interleaved rounds with the floor.
///
/// # Errors
/// If a question is not answered, or not with the destination that was decided.
pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let time = Duration::from_secs(if arguments.quick { 2 } else { 10 });
    for way in [Way::Answer, Way::Request] {
        heading(&format!("RouteRequest to webhook to RouteSelect, at {RATE}/s: {}", way.name()));
        let pump = Pump::start()?;
        let mut setting = Setting::new(&arguments.schakel, Some(pump.address()), &[NUMBERS.to_owned()]);
        setting.extra.push(("api", "requests_per_second_max = 100000".to_owned()));
        setting.extra.push(("routes", format!("device = \"{DEVICE}\"")));
        let own = tempfile::tempdir_in(folder.path())?;
        let daemon = Daemon::start(&setting, own.path())?;
        let sink = Sink::start(way, daemon.api, &daemon.token)?;
        daemon.subscribe_to(&["route.requested"], sink.address, false, false)?;
        pump.wait_for_monitors(64, Duration::from_secs(20))?;
        pump.wait_for_snapshots(64, Duration::from_secs(20))?;
        pump.wait_for_registration(Duration::from_secs(20))?;
        let mut first = ask(&pump, 0, Duration::from_secs(1))?.next;

        let floor_pump = Pump::start()?;
        let [listen] = free_ports()?;
        let floor_sink = Sink::start(way, listen, "")?;
        let body_bytes = sink.body_bytes.load(Ordering::Relaxed);
        row("size of the notification", body_bytes as f64, "bytes");
        let mut floor = Command::new(std::env::current_exe()?);
        floor.arg("route-floor").arg("--from").arg(floor_pump.address().to_string());
        floor.arg("--to").arg(floor_sink.address.to_string()).arg("--listen").arg(listen.to_string());
        floor.arg("--body-bytes").arg(body_bytes.to_string());
        let floor = Process::start("floor", &mut floor, &own.path().join("floor.log"))?;
        floor_pump.wait_for_link(Duration::from_secs(10))?;
        let mut floor_first = ask(&floor_pump, 0, Duration::from_secs(1))?.next;

        let (mut ours, mut theirs) = (Seen::default(), Seen::default());
        let (mut sync50, mut sync99) = (Vec::new(), Vec::new());
        for _ in 0..if arguments.quick { 1 } else { 3 } {
            floor_first = measure(&mut theirs, &floor, &floor_pump, floor_first, time)?;
            first = measure(&mut ours, &daemon.process, &pump, first, time)
                .map_err(|error| format!("{error}\n{}", daemon.log_tail()))?;
            let sync = disk::fdatasync(own.path(), RATE as u32 * 3, Duration::from_micros(1_000_000 / RATE))?;
            sync50.push(sync.p50.as_secs_f64() * 1e6);
            sync99.push(sync.p99.as_secs_f64() * 1e6);
        }
        say(&mut ours, &mut theirs, median(&mut sync50), median(&mut sync99));
    }
    Ok(())
}

fn say(ours: &mut Seen, floor: &mut Seen, sync50: f64, sync99: f64) {
    row("append of 1 KB and fdatasync: p50", sync50, "µs");
    row("append of 1 KB and fdatasync: p99", sync99, "µs");
    let (ours50, ours99) = (median(&mut ours.p50), median(&mut ours.p99));
    let (floor50, floor99) = (median(&mut floor.p50), median(&mut floor.p99));
    for (name, p50, p99, cpu) in [
        ("floor (nothing kept)", floor50, floor99, median(&mut floor.cpu)),
        ("schakel", ours50, ours99, median(&mut ours.cpu)),
    ] {
        row(&format!("{name}: p50"), p50, "µs");
        row(&format!("{name}: p99"), p99, "µs");
        row(&format!("{name}: CPU"), cpu, "µs a question");
    }
    row("fdatasyncs that schakel must wait for", COMMITS, "");
    row("schakel: p50 above the floor", (ours50 - floor50) / sync50, "fdatasyncs (p50)");
    row("schakel: p99 above the floor", (ours99 - floor99) / sync99, "fdatasyncs (p99)");
    row("schakel / (floor + what it must wait for): p50", ours50 / (floor50 + COMMITS * sync50), "×");
}

/// Answers of one round.
struct Asked {
    times: Histogram<u64>,
    /// The number of the question to come.
    next: u64,
}

fn measure(seen: &mut Seen, process: &Process, pump: &Pump, first: u64, time: Duration) -> Result<u64> {
    let cpu = process.cpu();
    let asked = ask(pump, first, time)?;
    let cpu = process.cpu().saturating_sub(cpu);
    seen.p50.push(asked.times.value_at_quantile(0.5) as f64 / 1e3);
    seen.p99.push(asked.times.value_at_quantile(0.99) as f64 / 1e3);
    seen.cpu.push(cpu.as_secs_f64() * 1e6 / (asked.next - first) as f64);
    Ok(asked.next)
}

/// Asks at a fixed rate, each question at its own moment, from which its time counts (open loop).
fn ask(pump: &Pump, first: u64, time: Duration) -> Result<Asked> {
    let begin = Instant::now() + Duration::from_millis(20);
    let count = RATE * time.as_secs();
    let due = |number: u64| begin + Duration::from_micros((number - first) * 1_000_000 / RATE);
    for number in first..first + count {
        if let Some(rest) = due(number).checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        let (id, call, caller) = (number.to_string(), calls::call_id(number), calls::caller_of(number));
        pump.send(&Message::from(Request::from(RouteRequest {
            cross_ref: id.as_str().into(),
            register: Some("1".into()),
            current: Some(DeviceRef::known("7000")),
            calling: Some(DeviceRef::known(caller.as_str())),
            routeing: Some(DeviceRef::known(DEVICE)),
            call: Some(ConnectionId::new(call.as_str(), DEVICE)),
            reply_timeout: Some(5000),
            ..RouteRequest::default()
        })))?;
    }
    let selected = pump.take_selected(count as usize, Duration::from_secs(10))?;
    let mut times = Histogram::<u64>::new(3)?;
    for (number, destination, at) in selected {
        if destination != DESTINATION {
            return Err(format!("question {number} was answered with {destination}").into());
        }
        times.record(at.saturating_duration_since(due(number)).as_nanos() as u64)?;
    }
    Ok(Asked { times, next: first + count })
}

/// JKC: it decides at once.
struct Sink {
    address: SocketAddr,
    /// The size of the last body.
    body_bytes: Arc<AtomicUsize>,
}

impl Sink {
    fn start(way: Way, api: SocketAddr, token: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self { address: listener.local_addr()?, body_bytes: Arc::default() };
        let (seen, token) = (Arc::clone(&sink.body_bytes), token.to_owned());
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let (seen, token) = (Arc::clone(&seen), token.clone());
                std::thread::spawn(move || decide(stream, way, (api, &token), &seen));
            }
        };
        std::thread::Builder::new().name("jkc".to_owned()).spawn(accept)?;
        Ok(sink)
    }
}

fn decide(mut stream: TcpStream, way: Way, (api, token): (SocketAddr, &str), seen: &AtomicUsize) {
    let _ = stream.set_nodelay(true);
    let decision = format!(r#"{{"destination":{{"number":"{DESTINATION}"}}}}"#);
    let answer = match way {
        Way::Answer => {
            let body = format!(r#"{{"decision":{decision}}}"#);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            format!("{head}content-length: {}\r\n\r\n{body}", body.len())
        }
        Way::Request => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
    };
    let mut client = None;
    let mut buffer = Vec::new();
    while let Some(body) = request(&mut stream, &mut buffer) {
        seen.store(body.len(), Ordering::Relaxed);
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        if way == Way::Request {
            let path = format!("/v1/routes/{}/decision", route_in(&body));
            // The API closes connections that rest for a while: then JKC opens another.
            let rested = client.as_mut().map(|client: &mut Client| client.send("POST", &path, "", &decision));
            let answer = match rested {
                Some(Ok(answer)) => answer,
                _ => {
                    let new = client.insert(Client::connect(api, token).expect("the API listens"));
                    new.send("POST", &path, "", &decision).expect("an answer")
                }
            };
            assert_eq!(answer.status, 200, "a decision was answered {}", answer.body);
        }
    }
}

/// The id of the routing in a notification; in what the floor sends, that of the dialogue.
fn route_in(body: &[u8]) -> String {
    let between = |begin: &[u8], end: u8| {
        let from = memmem::find(body, begin)? + begin.len();
        let to = from + memchr::memchr(end, &body[from..])?;
        Some(String::from_utf8_lossy(&body[from..to]).into_owned())
    };
    between(b"\"route\":{\"id\":\"", b'"')
        .or_else(|| between(b"<crossRefIdentifier>", b'<'))
        .expect("a routing in the notification")
}

/// The body of the next request; none when the other end has left.
fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some((head, length)) = head(buffer)
            && let Some(body) = buffer.get(head..head + length).map(<[u8]>::to_vec)
        {
            buffer.drain(..head + length);
            return Some(body);
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Bytes of a request's head, and of its body.
fn head(buffer: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(bytes) = request.parse(buffer).expect("a request") else { return None };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or("0", |header| std::str::from_utf8(header.value).expect("a length"));
    Some((bytes, length.parse().expect("a length")))
}

/// The floor: a frame in, as many bytes to the sink as schakel sends, `RouteSelect` when the decision is there.
/// Nothing is understood, nothing is kept.
///
/// # Errors
/// If an end is missing.
pub fn floor(arguments: &FloorArgs) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)?;
    let mut sink = TcpStream::connect(arguments.to)?;
    let mut link = TcpStream::connect(arguments.from)?;
    sink.set_nodelay(true)?;
    link.set_nodelay(true)?;
    let mut api: Option<(TcpStream, Vec<u8>)> = None;
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = link.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        deframer.push(&chunk[..read]);
        while let Some(frame) = deframer.next_frame().map_err(|error| error.to_string())? {
            if memmem::find(frame.body, b"<RouteRequest").is_none() {
                continue;
            }
            let dialogue = route_in(frame.body);
            let bytes = arguments.body_bytes.max(frame.body.len());
            let mut out =
                format!("POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n").into_bytes();
            out.extend_from_slice(frame.body);
            out.resize(out.len() + bytes - frame.body.len(), b' ');
            sink.write_all(&out)?;
            let read = sink.read(&mut chunk)?;
            if chunk[..read].starts_with(b"HTTP/1.1 204") {
                if api.is_none() {
                    let (stream, _) = listener.accept()?;
                    stream.set_nodelay(true)?;
                    api = Some((stream, Vec::new()));
                }
                let (stream, buffer) = api.as_mut().ok_or("no decision")?;
                request(stream, buffer).ok_or("no decision")?;
                select(&mut link, &dialogue)?;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            } else {
                select(&mut link, &dialogue)?;
            }
        }
    }
}

fn select(link: &mut TcpStream, dialogue: &str) -> Result<()> {
    let message = Message::from(Request::from(RouteSelect {
        cross_ref: dialogue.into(),
        register: Some("1".into()),
        selected: DeviceId::new(DESTINATION),
        ..RouteSelect::default()
    }));
    let mut out = Vec::new();
    let xml = Encoder::new(EDITION).with_namespace(true).with_prolog(true).to_vec(&message);
    encode_frame(InvokeId::EVENT, &xml, &mut out).map_err(|error| error.to_string())?;
    Ok(link.write_all(&out)?)
}

/// What the PBX tells of a call that was routed: it rings where it was sent, and one that was routed long ago is over.
pub(crate) fn goes_on(number: u64, device: &str, out: &mut Vec<u8>) {
    /// So many routed calls live at once.
    const LIVE: u64 = 32;
    let mut tell = |number: u64, tell: for<'a> fn(messages::Parties<'a>) -> Message<'a>| {
        let (call, caller) = (calls::call_id(number), calls::caller_of(number));
        let monitor = calls::monitor_of(device);
        let of = messages::Parties { monitor: &monitor, call: &call, device, caller: &caller };
        encode_frame(InvokeId::EVENT, &messages::xml(&tell(of)), out).expect("an event fits in a frame");
    };
    tell(number, messages::delivered);
    if let Some(old) = number.checked_sub(LIVE) {
        tell(old, messages::cleared);
    }
}
