//! Child processes and what the kernel says of them.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child that is ended when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it, with its output going to `log`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .map_err(|error| format!("{name} ({command:?}) does not start: {error}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        cpu_of(self.id())
    }

    /// CPU time so far of each thread, by name.
    #[must_use]
    pub fn threads(&self) -> Vec<(String, Duration)> {
        threads_of(self.id())
    }

    /// Memory: resident now, and the heap and other private writable pages of it, in bytes.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .unwrap_or(0)
                * 1024
        };
        Memory { resident: field("VmRSS:"), anonymous: field("RssAnon:"), peak: field("VmHWM:") }
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| format!("{}: {status}", self.name))
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// If it does not end within the time.
    pub fn terminate(&mut self, within: Duration) -> Result<()> {
        let status = Command::new("kill").arg(self.id().to_string()).status()?;
        if !status.success() {
            return Err(format!("{} could not be told to end", self.name).into());
        }
        let deadline = Instant::now() + within;
        while self.ended().is_none() {
            if Instant::now() > deadline {
                return Err(format!("{} did not end within {within:?}", self.name).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // In order first: a profiler that a program runs under writes what it saw at the end.
        if self.ended().is_none() && self.terminate(Duration::from_secs(10)).is_err() {
            self.kill();
        }
    }
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Everything resident, with the pages of the binary.
    pub resident: u64,
    /// Heap, stacks and other pages that no file backs.
    pub anonymous: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// CPU time so far of all threads of a process that somebody else started.
#[must_use]
pub fn cpu_of(process: u32) -> Duration {
    threads_of(process).iter().map(|(_, time)| *time).sum()
}

fn threads_of(process: u32) -> Vec<(String, Duration)> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    tasks.flatten().filter_map(|task| thread(&task.path())).collect()
}

fn thread(task: &Path) -> Option<(String, Duration)> {
    let name = fs::read_to_string(task.join("comm")).ok()?.trim().to_owned();
    // Nanoseconds on a CPU come first.
    let stat = fs::read_to_string(task.join("schedstat")).ok()?;
    let nanos = stat.split_whitespace().next()?.parse().ok()?;
    Some((name, Duration::from_nanos(nanos)))
}

/// Counts the system calls of a process while `during` runs, with `perf stat`; `None` where perf may not.
pub fn count_syscalls(pid: u32, during: impl FnOnce()) -> Option<u64> {
    let mut perf = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    // perf attaches within this time; what it misses is less than a percent of a second's calls.
    std::thread::sleep(Duration::from_millis(300));
    during();
    let stopped = Command::new("kill").args(["-INT", &perf.id().to_string()]).status().ok()?.success();
    if !stopped {
        let _ = perf.kill();
    }
    let output = perf.wait_with_output().ok()?;
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .find(|line| line.contains("raw_syscalls"))
        .and_then(|line| line.split(',').next()?.parse().ok())
}

/// A binary of this workspace that was built beside this one.
#[must_use]
pub fn sibling(name: &str) -> PathBuf {
    std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(name))).unwrap_or_else(|| name.into())
}
