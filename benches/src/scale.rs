//! Ten thousand monitored devices with two thousand live calls: memory, time to monitor, time to resynchronise; a
//! restart with a journal of a million events; memory when idle; size of the binary.

use crate::Result;
use crate::calls::{self, Calls};
use crate::daemon::{Daemon, Setting};
use crate::messages::{self, Parties};
use crate::meter::Meter;
use crate::pump::Pump;
use crate::sink;
use crate::table::{heading, row};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MEGABYTE: f64 = 1e6;
/// Devices that are monitored.
const DEVICES: usize = 10_000;
const NUMBERS: &str = "20000-29999";
/// Of them, how many are in a call.
const LIVE: usize = 2_000;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The daemon's binary.
    #[arg(long)]
    pub schakel: PathBuf,
    /// A short run: a journal of sixty thousand events.
    #[arg(long)]
    pub quick: bool,
}

/// Measures all of it.
///
/// # Errors
/// If something does not happen in time.
pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    binary_size(&arguments.schakel, folder.path())?;
    idle(&arguments.schakel)?;
    many_devices(&arguments.schakel)?;
    long_journal(&arguments.schakel, if arguments.quick { 60_000 } else { 1_000_000 })
}

fn binary_size(binary: &Path, folder: &Path) -> Result<()> {
    heading("size and idle memory");
    let stripped = folder.join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(binary).status()?;
    // Not a program of this machine: a wrapper, say.
    let size = if done.success() { std::fs::metadata(&stripped)?.len() as f64 } else { f64::NAN };
    row("stripped binary", size / MEGABYTE, "MB");
    Ok(())
}

fn idle(binary: &Path) -> Result<()> {
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let daemon = Daemon::start(&Setting::new(binary, None, &[]), folder.path())?;
    row("ready after", daemon.started_in.as_secs_f64() * 1e3, "ms");
    std::thread::sleep(Duration::from_secs(2));
    let memory = daemon.process.memory();
    row("idle: resident", memory.resident as f64 / MEGABYTE, "MB");
    row("idle: of it not backed by the binary or libraries", memory.anonymous as f64 / MEGABYTE, "MB");
    Ok(())
}

fn many_devices(binary: &Path) -> Result<()> {
    heading(&format!("{DEVICES} devices, {LIVE} live calls"));
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let pump = Pump::start()?;
    let meter = Arc::new(Meter::new());
    let sink = sink::start(Arc::clone(&meter), None)?;
    let begin = Instant::now();
    let setting = Setting::new(binary, Some(pump.address()), &[NUMBERS.to_owned()]);
    let daemon = Daemon::start(&setting, folder.path())?;
    daemon.subscribe(sink, false, false)?;
    pump.wait_for_monitors(DEVICES, Duration::from_secs(60))?;
    row("all monitored after the start of the daemon", begin.elapsed().as_secs_f64(), "s");
    wait_until_up(&daemon)?;
    row("link up (all monitored and looked at) after", begin.elapsed().as_secs_f64(), "s");
    row("no calls: resident", daemon.process.memory().resident as f64 / MEGABYTE, "MB");
    for at in 0..LIVE {
        let device = device(at);
        let (monitor, call) = (calls::monitor_of(&device), calls::call_id(at as u64));
        let caller = calls::caller_of(at as u64);
        let of = Parties { monitor: &monitor, call: &call, device: &device, caller: &caller };
        for (step, message) in [messages::delivered(of), messages::established(of)].iter().enumerate() {
            meter.sends(at as u64, step, Instant::now());
            pump.send(message)?;
        }
    }
    meter.settle(Duration::from_secs(30))?;
    std::thread::sleep(Duration::from_secs(2));
    let memory = daemon.process.memory();
    row("with calls: resident", memory.resident as f64 / MEGABYTE, "MB");
    row("with calls: heap and other private memory", memory.anonymous as f64 / MEGABYTE, "MB");
    row("with calls: most that was ever resident", memory.peak as f64 / MEGABYTE, "MB");
    pump.set_live((0..LIVE).map(|at| (device(at), at as u64)));
    let cpu = daemon.process.cpu();
    pump.cut(false);
    let cut = Instant::now();
    pump.wait_for_link(Duration::from_secs(30))?;
    let linked = Instant::now();
    wait_until_up(&daemon)?;
    row("link cut: connected again after", (linked - cut).as_secs_f64(), "s");
    row("link cut: resynchronised after it was connected", linked.elapsed().as_secs_f64(), "s");
    row("link cut: CPU to resynchronise", (daemon.process.cpu() - cpu).as_secs_f64(), "s");
    row("link cut: snapshots taken", pump.snapshots() as f64, "");
    let connected = connected_calls(&daemon)?;
    row("link cut: calls that went on", connected as f64, "calls");
    std::thread::sleep(Duration::from_secs(2));
    let memory = daemon.process.memory();
    row("after it: resident", memory.resident as f64 / MEGABYTE, "MB");
    row("after it: heap and other private memory", memory.anonymous as f64 / MEGABYTE, "MB");
    Ok(())
}

fn long_journal(binary: &Path, events: u64) -> Result<()> {
    heading(&format!("restart with a journal of {events} events"));
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let pump = Pump::start()?;
    let meter = Arc::new(Meter::new());
    let sink = sink::start(Arc::clone(&meter), None)?;
    let setting = Setting::new(binary, Some(pump.address()), &["2000-3023".to_owned()]);
    let mut daemon = Daemon::start(&setting, folder.path())?;
    daemon.subscribe(sink, false, true)?;
    pump.wait_for_monitors(1024, Duration::from_secs(30))?;
    wait_until_up(&daemon)?;
    let devices: Vec<String> = (2000..3024).map(|number| number.to_string()).collect();
    let mut load = Calls::new(&devices);
    let begin = Instant::now();
    pump.send_windowed(&mut load, &meter, 8192, events, Duration::from_secs(300))?;
    meter.settle(Duration::from_secs(30))?;
    row("written at", meter.counts().arrived as f64 / begin.elapsed().as_secs_f64(), "events/s");
    let bytes = std::fs::metadata(folder.path().join("schakel.db"))?.len();
    row("journal", bytes as f64 / MEGABYTE, "MB");
    row("memory before: resident", daemon.process.memory().resident as f64 / MEGABYTE, "MB");
    // As a power cut would, so that nothing is tidied up before.
    daemon.process.kill();
    pump.cut(false);
    drop(daemon);
    let daemon = Daemon::start(&setting, folder.path())?;
    row("killed and started again: ready after", daemon.started_in.as_secs_f64() * 1e3, "ms");
    row("memory after: resident", daemon.process.memory().resident as f64 / MEGABYTE, "MB");
    Ok(())
}

fn device(at: usize) -> String {
    (20_000 + at).to_string()
}

fn wait_until_up(daemon: &Daemon) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut client = daemon.client()?;
    loop {
        let answer = client.send("GET", "/v1/providers/pbx", "", "")?;
        if answer.body.contains(r#""link":"up""#) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("the link does not come up: {}\n{}", answer.body, daemon.log_tail()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn connected_calls(daemon: &Daemon) -> Result<usize> {
    let mut client = daemon.client()?;
    let (mut count, mut after) = (0, String::new());
    loop {
        let answer = client.send("GET", &format!("/v1/calls?state=active&pageSize=200{after}"), "", "")?;
        let page: serde_json::Value = serde_json::from_str(&answer.body)?;
        count += page["items"].as_array().map_or(0, Vec::len);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(count),
        }
    }
}
