//! From a REST command to the PBX and back: latency at a fixed rate and CPU, beside a bare hyper server that answers
//! the same requests with a constant.

use crate::Result;
use crate::calls;
use crate::daemon::{Daemon, Setting};
use crate::http::Client;
use crate::messages::{self, Parties};
use crate::process::Process;
use crate::pump::Pump;
use crate::table::{heading, median, row};
use bytes::Bytes;
use clap::Args;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Commands a second: what a contact centre of several thousand agents does at its busiest moment.
const RATE: u64 = 500;
/// Connections that are kept; each has one request at a time.
const CLIENTS: u64 = 8;
/// Calls that commands are sent to.
const CALLS: usize = 64;

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

/// What the bare server is told.
#[derive(Debug, Clone, Args)]
pub struct HelloArgs {
    /// Where it listens.
    #[arg(long)]
    pub listen: SocketAddr,
}

#[derive(Debug, Default)]
struct Seen {
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

/// Measures both, in interleaved rounds.
///
/// # Errors
/// If a command is not answered 200.
pub fn run(arguments: &Arguments) -> Result<()> {
    heading(&format!("REST command (dtmf) to CSTA request to response to 200, at {RATE}/s"));
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let pump = Pump::start()?;
    let numbers = [format!("2000-{}", 2000 + CALLS - 1)];
    let mut setting = Setting::new(&arguments.schakel, Some(pump.address()), &numbers);
    setting.extra.push(("api", "requests_per_second_max = 100000".to_owned()));
    let daemon = Daemon::start(&setting, folder.path())?;
    pump.wait_for_monitors(CALLS, Duration::from_secs(20))?;
    pump.wait_for_snapshots(CALLS as u64, Duration::from_secs(20))?;
    let paths = Arc::new(establish(&pump, &daemon)?);
    let [hello_at] = crate::daemon::free_ports()?;
    let mut hello = Command::new(std::env::current_exe()?);
    hello.arg("hello").arg("--listen").arg(hello_at.to_string());
    let hello = Process::start("hello", &mut hello, &folder.path().join("hello.log"))?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while Client::connect(hello_at, "").is_err() {
        if Instant::now() > deadline {
            return Err("the bare server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = Duration::from_secs(if arguments.quick { 2 } else { 10 });
    let (mut ours, mut floor) = (Seen::default(), Seen::default());
    let before = pump.commands();
    let mut sent = 0;
    for round in 0..if arguments.quick { 1 } else { 3 } {
        measure(&mut floor, &hello, hello_at, "", &paths, time, round)?;
        sent += measure(&mut ours, &daemon.process, daemon.api, &daemon.token, &paths, time, round)?;
    }
    let reached = pump.commands() - before;
    if reached != sent {
        return Err(format!("{sent} commands were answered, but the PBX saw {reached}").into());
    }
    for (name, seen) in [("bare hyper hello", &mut floor), ("schakel", &mut ours)] {
        row(&format!("{name}: p50"), median(&mut seen.p50), "µs");
        row(&format!("{name}: p99"), median(&mut seen.p99), "µs");
        row(&format!("{name}: CPU"), median(&mut seen.cpu), "µs a request");
    }
    row("schakel / hello: CPU", median(&mut ours.cpu) / median(&mut floor.cpu), "×");
    Ok(())
}

/// Makes calls that are answered, and finds the path of a command at each.
fn establish(pump: &Pump, daemon: &Daemon) -> Result<Vec<String>> {
    for at in 0..CALLS {
        let device = (2000 + at).to_string();
        let (monitor, call) = (calls::monitor_of(&device), calls::call_id(at as u64));
        let caller = calls::caller_of(at as u64);
        let of = Parties { monitor: &monitor, call: &call, device: &device, caller: &caller };
        pump.send(&messages::delivered(of))?;
        pump.send(&messages::established(of))?;
    }
    let mut client = daemon.client()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let page = client.send("GET", "/v1/calls?state=active&pageSize=200", "", "")?;
        let page: serde_json::Value = serde_json::from_str(&page.body)?;
        let calls = page["items"].as_array().cloned().unwrap_or_default();
        let paths: Vec<String> = calls
            .iter()
            .filter_map(|call| {
                let ours = call["connections"].as_array()?.iter().find(|one| one["ours"] == true)?;
                let (id, device) = (call["id"].as_str()?, ours["device"].as_str()?);
                Some(format!("/v1/calls/{id}/connections/{device}/dtmf"))
            })
            .collect();
        if paths.len() == CALLS {
            return Ok(paths);
        }
        if Instant::now() > deadline {
            return Err(format!("{} of {CALLS} calls are connected: {page}", paths.len()).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends commands, each at its own moment; their time counts from then. Returns how many.
fn measure(
    seen: &mut Seen,
    process: &Process,
    to: SocketAddr,
    token: &str,
    paths: &Arc<Vec<String>>,
    time: Duration,
    round: u64,
) -> Result<u64> {
    let count = RATE * time.as_secs();
    let cpu = process.cpu();
    let begin = Instant::now() + Duration::from_millis(20);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (token, paths) = (token.to_owned(), Arc::clone(paths));
            std::thread::spawn(move || send(to, &token, &paths, begin, (client, count), round))
        })
        .collect();
    let mut times = Histogram::<u64>::new(3)?;
    for client in clients {
        times.add(client.join().map_err(|_| "a client ended badly")??)?;
    }
    let cpu = process.cpu().saturating_sub(cpu);
    seen.p50.push(times.value_at_quantile(0.5) as f64 / 1e3);
    seen.p99.push(times.value_at_quantile(0.99) as f64 / 1e3);
    seen.cpu.push(cpu.as_secs_f64() * 1e6 / count as f64);
    Ok(count)
}

fn send(
    to: SocketAddr,
    token: &str,
    paths: &[String],
    begin: Instant,
    (client, count): (u64, u64),
    round: u64,
) -> Result<Histogram<u64>> {
    let mut times = Histogram::<u64>::new(3)?;
    let mut connection = Client::connect(to, token)?;
    for at in (client..count).step_by(CLIENTS as usize) {
        let due = begin + Duration::from_micros(at * 1_000_000 / RATE);
        if let Some(rest) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        let path = &paths[at as usize % paths.len()];
        let key = format!("idempotency-key: bench-{to}-{round}-{at}\r\n");
        let answer = connection.send("POST", path, &key, r#"{"digits":"1"}"#)?;
        if answer.status != 200 {
            return Err(format!("a command was answered {}: {}", answer.status, answer.body).into());
        }
        times.record(due.elapsed().as_nanos() as u64)?;
    }
    Ok(times)
}

/// The bare server: reads the request with its body, answers with a constant of the size of a command's reply.
///
/// # Errors
/// If it cannot listen.
pub async fn hello(arguments: HelloArgs) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    let answer = Bytes::from(format!("{{\"hello\":\"{}\"}}", "x".repeat(1500)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move {
                    let _ = request.into_body().collect().await;
                    Ok::<_, Infallible>(Response::new(Full::new(answer)))
                }
            });
            let mut served = hyper::server::conn::http1::Builder::new();
            served.timer(TokioTimer::new());
            // A client that leaves is the end of a round.
            let _ = served.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
