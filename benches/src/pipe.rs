//! From the PBX's bytes to a signed webhook: schakel beside the floor, the bare skeleton and a Node program, in
//! interleaved rounds.

use crate::Result;
use crate::calls::Calls;
use crate::daemon::{Daemon, Setting};
use crate::load::{Capacity, Rig};
use crate::meter::Meter;
use crate::process::{Process, count_syscalls};
use crate::pump::Pump;
use crate::table::{heading, median, row};
use crate::tls::Tls;
use crate::{disk, sink};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Devices with a call each: a multiple of the connections to the sink.
const DEVICES: usize = 1024;
const NUMBERS: &str = "2000-3023";
/// Events on their way while a pipe is kept full: a quarter of a second of what a good pipe carries.
const WINDOW: u64 = 8192;
/// Events in one request, where a subscription asks for batches.
const BATCH: usize = 64;
/// Events a second at which latency is measured.
const CALM: f64 = 1000.0;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The daemon's binary; without it only the pipes that it is compared with.
    #[arg(long)]
    pub schakel: Option<PathBuf>,
    /// Where better-sqlite3 and saxes are installed; without it the Node pipe is left out.
    #[arg(long)]
    pub node: Option<PathBuf>,
    /// A short run that shows that everything works; its figures say little.
    #[arg(long)]
    pub quick: bool,
    /// Only these parts: capacity, latency, sustain, syscalls, instructions.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave out the pipes that schakel is compared with.
    #[arg(long)]
    pub alone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Floor,
    Skeleton,
    Node,
    Schakel,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Floor => "floor (nothing done)",
            Kind::Skeleton => "bare skeleton",
            Kind::Node => "Node",
            Kind::Schakel => "schakel",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    tls: bool,
    batch: bool,
}

impl Way {
    fn name(self) -> String {
        format!(
            "{}, {}",
            if self.tls { "TLS" } else { "HTTP" },
            if self.batch { "batches" } else { "one a POST" }
        )
    }
}

const WAYS: [Way; 4] = [
    Way { tls: true, batch: false },
    Way { tls: true, batch: true },
    Way { tls: false, batch: false },
    Way { tls: false, batch: true },
];

struct Bench {
    arguments: Arguments,
    folder: tempfile::TempDir,
    tls: Tls,
    /// Bytes of a body an event, as schakel has them.
    body_bytes: usize,
}

/// A pipe that runs, with both its ends.
struct Running {
    rig: Rig,
    process: Process,
    daemon: Option<DaemonEnd>,
    _folder: tempfile::TempDir,
}

/// What is left of a daemon when its process is held apart.
struct DaemonEnd {
    threads: Vec<(String, Duration)>,
}

/// Measures all of it.
///
/// # Errors
/// If a pipe does not start, loses an event, or changes the order of a call.
pub fn run(arguments: Arguments) -> Result<()> {
    let folder = tempfile::tempdir_in(crate::scratch()?)?;
    let tls = Tls::new(folder.path())?;
    let mut bench = Bench { arguments, folder, tls, body_bytes: 0 };
    let wanted = |bench: &Bench, part: &str| {
        bench.arguments.only.is_empty() || bench.arguments.only.iter().any(|only| only == part)
    };
    // Without schakel nothing tells; about what a notification has.
    bench.body_bytes = if bench.arguments.schakel.is_some() { bench.learn_body_bytes()? } else { 2000 };
    row("size of an event as the PBX sends it", Calls::new(&devices()[..1]).mean_bytes() as f64, "bytes");
    row("size of a notification", bench.body_bytes as f64, "bytes");
    if wanted(&bench, "capacity") {
        bench.capacity()?;
    }
    if wanted(&bench, "sustain") {
        bench.sustain()?;
    }
    if wanted(&bench, "latency") {
        bench.latency()?;
    }
    if wanted(&bench, "syscalls") {
        bench.syscalls()?;
    }
    if wanted(&bench, "instructions") {
        bench.instructions()?;
    }
    Ok(())
}

impl Bench {
    fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Floor, Kind::Skeleton, Kind::Node, Kind::Schakel];
        kinds.retain(|kind| match kind {
            Kind::Schakel => self.arguments.schakel.is_some(),
            Kind::Node => self.arguments.node.is_some() && !self.arguments.alone,
            _ => !self.arguments.alone,
        });
        kinds
    }

    fn rounds(&self) -> usize {
        if self.arguments.quick { 1 } else { 3 }
    }

    fn learn_body_bytes(&self) -> Result<usize> {
        let mut running = self.start(Kind::Schakel, Way { tls: false, batch: false }, &[])?;
        let before = running.rig.meter.counts();
        running.rig.carry(3 * DEVICES as u64, Duration::from_secs(30))?;
        let after = running.rig.meter.counts();
        Ok(((after.bytes - before.bytes) / (after.arrived - before.arrived).max(1)) as usize)
    }

    fn capacity(&self) -> Result<()> {
        let time = Duration::from_secs(if self.arguments.quick { 2 } else { 6 });
        for way in WAYS {
            heading(&format!("capacity: {}", way.name()));
            let kinds = self.kinds();
            let mut seen: Vec<Vec<Capacity>> = vec![Vec::new(); kinds.len()];
            for _ in 0..self.rounds() {
                for (kind, seen) in kinds.iter().zip(&mut seen) {
                    let mut running = self.start(*kind, way, &[])?;
                    let (process, rig) = (&running.process, &mut running.rig);
                    seen.push(rig.capacity(process, WINDOW, time)?);
                }
            }
            let of = |kind: Kind, field: fn(&Capacity) -> f64| {
                let at = kinds.iter().position(|other| *other == kind);
                at.map(|at| median(&mut seen[at].iter().map(field).collect::<Vec<_>>()))
            };
            for kind in &kinds {
                let say = |what: &str, field: fn(&Capacity) -> f64, unit: &str| {
                    row(&format!("{}: {what}", kind.name()), of(*kind, field).unwrap_or(f64::NAN), unit);
                };
                say("rate", |seen| seen.rate, "events/s");
                say("CPU", |seen| seen.cpu_micros, "µs an event");
                if way.batch {
                    say("events in a request", |seen| seen.per_request, "events");
                }
            }
            for other in kinds.iter().filter(|kind| **kind != Kind::Schakel && kinds.contains(&Kind::Schakel))
            {
                let ratio = |field: fn(&Capacity) -> f64| {
                    of(Kind::Schakel, field)
                        .zip(of(*other, field))
                        .map_or(f64::NAN, |(ours, theirs)| ours / theirs)
                };
                row(&format!("schakel / {}: rate", other.name()), ratio(|seen| seen.rate), "×");
                row(&format!("schakel / {}: CPU", other.name()), ratio(|seen| seen.cpu_micros), "×");
            }
        }
        Ok(())
    }

    /// Begins near the capacity and steps down until the queues do not grow.
    fn sustain(&self) -> Result<()> {
        let time = Duration::from_secs(if self.arguments.quick { 5 } else { 20 });
        for way in WAYS.into_iter().filter(|way| way.tls || !self.arguments.quick) {
            heading(&format!("sustained for {} s without growing queues: {}", time.as_secs(), way.name()));
            let mut running = self.start(Kind::Schakel, way, &[])?;
            let mut rate = {
                let (process, rig) = (&running.process, &mut running.rig);
                rig.capacity(process, WINDOW, Duration::from_secs(3))?.rate
            };
            for _ in 0..8 {
                let (process, rig) = (&running.process, &mut running.rig);
                let seen = rig.sustain(process, rate, time)?;
                row(if seen.steady { "steady at" } else { "queues grew at" }, rate, "events/s");
                row("  on their way, first third", seen.early as f64, "events");
                row("  on their way, last third", seen.late as f64, "events");
                row("  CPU", seen.cpu_micros, "µs an event");
                if seen.steady {
                    break;
                }
                rate *= 0.93;
            }
            running.say_threads();
        }
        Ok(())
    }

    fn latency(&self) -> Result<()> {
        let time = Duration::from_secs(if self.arguments.quick { 3 } else { 12 });
        for way in [Way { tls: false, batch: false }, Way { tls: true, batch: false }] {
            heading(&format!("latency at {CALM} events/s, open loop: {}", way.name()));
            let kinds = self.kinds();
            let mut seen = vec![(Vec::new(), Vec::new()); kinds.len()];
            let (mut sync50, mut sync99) = (Vec::new(), Vec::new());
            for _ in 0..self.rounds() {
                for (kind, seen) in kinds.iter().zip(&mut seen) {
                    let (p50, p99) = self.start(*kind, way, &[])?.rig.latency(CALM, time)?;
                    seen.0.push(p50.as_secs_f64() * 1e6);
                    seen.1.push(p99.as_secs_f64() * 1e6);
                }
                let sync = disk::fdatasync(self.folder.path(), 2000, Duration::from_millis(1))?;
                sync50.push(sync.p50.as_secs_f64() * 1e6);
                sync99.push(sync.p99.as_secs_f64() * 1e6);
            }
            let (sync50, sync99) = (median(&mut sync50), median(&mut sync99));
            row("append of 1 KB and fdatasync: p50", sync50, "µs");
            row("append of 1 KB and fdatasync: p99", sync99, "µs");
            let mut floor = None;
            for (kind, (p50, p99)) in kinds.iter().zip(&mut seen) {
                let (p50, p99) = (median(p50), median(p99));
                row(&format!("{}: p50", kind.name()), p50, "µs");
                row(&format!("{}: p99", kind.name()), p99, "µs");
                match (kind, floor) {
                    (Kind::Floor, _) => floor = Some((p50, p99)),
                    (Kind::Schakel, Some((floor50, floor99))) => {
                        row("schakel: p50 above the floor", (p50 - floor50) / sync50, "fdatasyncs (p50)");
                        row("schakel: p99 above the floor", (p99 - floor99) / sync50, "fdatasyncs (p50)");
                        row("schakel: p99 above the floor", (p99 - floor99) / sync99, "fdatasyncs (p99)");
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn syscalls(&self) -> Result<()> {
        heading("system calls of the daemon, by perf");
        for way in WAYS {
            let mut running = self.start(Kind::Schakel, way, &[])?;
            let (process, rig) = (&running.process, &mut running.rig);
            rig.capacity(process, WINDOW, Duration::from_secs(1))?;
            let before = rig.meter.counts().arrived;
            let mut outcome = Ok(());
            let pid = process.id();
            let calls = count_syscalls(pid, || outcome = rig.carry(60_000, Duration::from_secs(30)));
            outcome?;
            let events = (rig.meter.counts().arrived - before) as f64;
            match calls {
                Some(calls) => row(&format!("full, {}", way.name()), calls as f64 / events, "an event"),
                None => row("perf may not count system calls here", f64::NAN, ""),
            }
        }
        Ok(())
    }

    /// Two runs under callgrind with different numbers of events: the difference has no start-up in it.
    fn instructions(&self) -> Result<()> {
        heading("instructions of the daemon, by callgrind");
        let (few, many) = if self.arguments.quick { (1, 2) } else { (2, 6) };
        for way in WAYS.into_iter().filter(|way| way.tls || !self.arguments.quick) {
            let mut totals = Vec::new();
            for rounds in [few, many] {
                let out = self.folder.path().join(format!("callgrind.{rounds}"));
                let under = vec![
                    "valgrind".to_owned(),
                    "--tool=callgrind".to_owned(),
                    format!("--callgrind-out-file={}", out.display()),
                ];
                let mut running = self.start(Kind::Schakel, way, &under)?;
                running.rig.carry(rounds * 3 * DEVICES as u64, Duration::from_secs(300))?;
                running.process.terminate(Duration::from_secs(60))?;
                totals.push(callgrind_costs(&out)?);
                if let Ok(keep) = std::env::var("BENCH_KEEP_CALLGRIND") {
                    let name =
                        format!("callgrind.{}.{}.{rounds}", if way.tls { "tls" } else { "http" }, way.batch);
                    std::fs::copy(&out, Path::new(&keep).join(name))?;
                }
            }
            let events = (many - few) as f64 * 3.0 * DEVICES as f64;
            let each = |of: fn(&(u64, u64)) -> u64| (of(&totals[1]) - of(&totals[0])) as f64 / events;
            row(&way.name(), each(|costs| costs.0), "an event");
            // On a processor with SHA-NI, which callgrind does not know, these are a twentieth.
            row("  of them SHA-256", each(|costs| costs.1), "an event");
        }
        Ok(())
    }

    fn start(&self, kind: Kind, way: Way, under: &[String]) -> Result<Running> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let meter = Arc::new(Meter::new());
        let sink = sink::start(Arc::clone(&meter), way.tls.then(|| Arc::clone(&self.tls.server)))?;
        let pump = Pump::start()?;
        let patience = Duration::from_secs(if under.is_empty() { 30 } else { 240 });
        let (process, daemon) = if kind == Kind::Schakel {
            let binary = self.arguments.schakel.as_ref().ok_or("this part needs --schakel")?;
            let mut setting = Setting::new(binary, Some(pump.address()), &[NUMBERS.to_owned()]);
            setting.ca_file = way.tls.then(|| self.tls.ca_file.clone());
            setting.under = under.to_vec();
            setting.patience = patience;
            if !under.is_empty() {
                // Fifty times slower: what the clock would spoil must wait.
                setting.extra.push(("csta", "request_limit_seconds = 120".to_owned()));
                setting.extra.push(("webhooks", "request_timeout_seconds = 120".to_owned()));
            }
            let daemon = Daemon::start(&setting, folder.path())?;
            daemon.subscribe(sink, way.tls, way.batch)?;
            pump.wait_for_monitors(DEVICES, patience)?;
            pump.wait_for_snapshots(DEVICES as u64, patience)?;
            (daemon.process, Some(DaemonEnd { threads: Vec::new() }))
        } else {
            let mut command = self.other(kind, way, &pump, sink, folder.path())?;
            (Process::start(kind.name(), &mut command, &folder.path().join("log"))?, None)
        };
        pump.wait_for_link(patience)
            .map_err(|error| format!("{}: {error}\n{}", kind.name(), log_of(folder.path())))?;
        // Whatever a pipe still does after it has connected is not what is measured.
        std::thread::sleep(Duration::from_millis(300));
        let calls = Calls::new(&devices());
        let mut running = Running { rig: Rig { pump, meter, calls }, process, daemon, _folder: folder };
        if let Some(daemon) = &mut running.daemon {
            daemon.threads = running.process.threads();
        }
        Ok(running)
    }

    fn other(
        &self,
        kind: Kind,
        way: Way,
        pump: &Pump,
        sink: std::net::SocketAddr,
        folder: &Path,
    ) -> Result<Command> {
        let mut command = if kind == Kind::Node {
            let installed = self.arguments.node.as_ref().ok_or("the Node pipe is not installed")?;
            let mut node = Command::new("node");
            // Node looks for modules beside the program.
            node.arg(installed.join("pipe.mjs"));
            node
        } else {
            let mut own = Command::new(std::env::current_exe()?);
            own.arg(if kind == Kind::Floor { "floor" } else { "skeleton" });
            own
        };
        command.arg("--from").arg(pump.address().to_string()).arg("--to").arg(sink.to_string());
        command.arg("--body-bytes").arg(self.body_bytes.to_string()).arg("--folder").arg(folder);
        command.arg("--batch").arg(if way.batch { BATCH } else { 1 }.to_string());
        if way.tls {
            command.arg("--ca-file").arg(&self.tls.ca_file);
        }
        Ok(command)
    }
}

impl Running {
    /// Which thread of the daemon took how much of the time.
    fn say_threads(&self) {
        let Some(daemon) = &self.daemon else { return };
        let mut now = self.process.threads();
        now.retain(|(name, time)| {
            !daemon
                .threads
                .iter()
                .any(|(before, then)| before == name && *time < *then + Duration::from_millis(50))
        });
        let all: f64 = now.iter().map(|(_, time)| time.as_secs_f64()).sum();
        for (name, time) in now {
            row(&format!("  thread {name}"), time.as_secs_f64() * 100.0 / all, "% of the daemon's CPU");
        }
    }
}

fn devices() -> Vec<String> {
    (2000..2000 + DEVICES).map(|number| number.to_string()).collect()
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// All instructions that callgrind counted, and those within the functions of SHA-256.
fn callgrind_costs(path: &Path) -> Result<(u64, u64)> {
    let text = std::fs::read_to_string(path)?;
    // Names are written once, as `fn=(17) name`, and later as `fn=(17)`.
    let (mut hashes, mut within, mut skip) = (Vec::new(), false, false);
    let (mut total, mut hashed) = (0, 0);
    for line in text.lines() {
        if let Some((id, name)) = line.split_once("fn=").and_then(|(_, rest)| rest.split_once(')')) {
            if name.contains("sha256") {
                hashes.push(id);
            }
            if line.starts_with("fn=") {
                within = hashes.contains(&id);
            }
        } else if line.starts_with("calls=") {
            // The next line is the cost of what was called, which is counted where it arises.
            skip = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '*')) {
            let cost = line.split_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
            let own = if std::mem::take(&mut skip) { 0 } else { cost };
            total += own;
            hashed += if within { own } else { 0 };
        }
    }
    if total == 0 {
        return Err(format!("callgrind wrote no costs to {}", path.display()).into());
    }
    Ok((total, hashed))
}
