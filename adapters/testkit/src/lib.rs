//! Tries adapters: [`conformance`] holds any adapter to the contract of the seam, and [`replay`] plays a transcript:
//! what the other side sends, what the house asks, and what the adapter is expected to say to both.
//!
//! A transcript is a text file of lines:
//!
//! ```text
//! # a comment
//! @ connect                 the connection opens
//! @ +30s                    time passes (also +500ms); deadlines on the way are kept
//! @ close REASON            the connection closes
//! @ raw 00 01 0a            these bytes arrive as they are
//! < TEXT                    the other side sends this unit; lines that begin with two blanks go on
//! ! answer 77@2001          the house asks this (see `operation`)
//! > TEXT                    expected: this unit is sent
//! = TEXT                    expected: this is told to the house
//! ```
//!
//! Lines of expectation follow the line that causes them. `UPDATE_FIXTURES=1`
//! writes them anew; the review is the diff. How a unit's text becomes bytes and
//! back is the adapter's [`Wire`]; lines `@ set KEY=VALUE …` before the first
//! other line go to the function that makes the adapter.

pub mod conformance;
mod operation;
mod render;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schakel_core::adapter::{Adapter, Input, Output, ProviderCommand};
use schakel_core::model::ids::CommandId;
use schakel_core::model::time::{Millis, Time};

pub use operation::operation;
pub use render::render;

/// What a command may take in a transcript.
const COMMAND_LIMIT: Millis = Millis::seconds(10);
/// Deadlines that may be kept while time passes once: more is an adapter that asks for the same one for ever.
const TICKS_MAX: usize = 10_000;

/// How a protocol's units are written in a transcript.
pub trait Wire {
    /// The bytes of a unit that the other side sends.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn encode(&self, text: &str) -> Result<Vec<u8>, String>;
    /// The units in what the adapter sends.
    fn decode(&mut self, bytes: &[u8]) -> Vec<String>;
}

/// The `KEY=VALUE`s of `@ set` lines.
pub type Keys = BTreeMap<String, String>;

/// A transcript and the adapter do not agree.
#[derive(Debug)]
pub struct Mismatch {
    path: PathBuf,
    line: usize,
    text: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.text)
    }
}

impl std::error::Error for Mismatch {}

/// One line that causes something, and what follows it.
struct Step {
    /// The line as it stands, with the lines that go on.
    cause: Vec<String>,
    line: usize,
    expected: Vec<String>,
}

/// All transcripts (`*.txt`) below a folder, sorted.
pub fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Replays one transcript; with `UPDATE_FIXTURES` set, writes its expectations anew.
///
/// # Errors
/// [`Mismatch`] at the first line where the adapter says something else.
pub fn replay<A: Adapter>(
    path: &Path,
    wire: &mut dyn Wire,
    make: &dyn Fn(&Keys) -> Result<A, String>,
) -> Result<A, Mismatch> {
    replay_and_watch(path, wire, make, &mut |_, _| {})
}

/// As [`replay`], and shows each output with its time: for tests that go on from there.
///
/// # Errors
/// As [`replay`].
pub fn replay_and_watch<A: Adapter>(
    path: &Path,
    wire: &mut dyn Wire,
    make: &dyn Fn(&Keys) -> Result<A, String>,
    watch: &mut dyn FnMut(Time, &Output),
) -> Result<A, Mismatch> {
    let fail = |line: usize, text: String| Mismatch { path: path.to_owned(), line, text };
    let text = std::fs::read_to_string(path).map_err(|error| fail(0, error.to_string()))?;
    let (head, steps) = parse(&text);
    let mut keys = Keys::new();
    let mut written = head.join("\n");
    let mut adapter = None;
    let mut player = Player { now: Time(1_000_000), commands: 0 };
    let update = std::env::var_os("UPDATE_FIXTURES").is_some();
    for step in &steps {
        let cause = step.cause.join("\n");
        let outputs = if let Some(set) = cause.strip_prefix("@ set ") {
            let pairs = set.split_whitespace().filter_map(|pair| pair.split_once('='));
            keys.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
            Vec::new()
        } else if cause.starts_with('#') || cause.trim().is_empty() {
            Vec::new()
        } else {
            if adapter.is_none() {
                adapter = Some(make(&keys).map_err(|text| fail(step.line, text))?);
            }
            let Some(adapter) = &mut adapter else { continue };
            player.step(adapter, wire, &step.cause).map_err(|text| fail(step.line, text))?
        };
        outputs.iter().for_each(|output| watch(player.now, output));
        let told: Vec<String> = outputs.iter().flat_map(|output| lines(output, wire)).collect();
        if update {
            for line in step.cause.iter().chain(&told) {
                written.push('\n');
                written.push_str(line);
            }
        } else if told != step.expected {
            let differs = told.iter().zip(&step.expected).position(|(a, b)| a != b);
            let at = differs.unwrap_or(told.len().min(step.expected.len()));
            let line = |lines: &[String]| lines.get(at).map_or("nothing", String::as_str).to_owned();
            let text = format!("\n  expected {}\n  but got  {}", line(&step.expected), line(&told));
            return Err(fail(step.line, text));
        }
    }
    if update {
        written = written.trim_start_matches('\n').to_owned();
        written.push('\n');
        std::fs::write(path, written).map_err(|error| fail(0, error.to_string()))?;
    }
    adapter.ok_or_else(|| fail(0, "a transcript in which nothing happens".into()))
}

struct Player {
    now: Time,
    commands: u128,
}

impl Player {
    fn step(
        &mut self,
        adapter: &mut dyn Adapter,
        wire: &dyn Wire,
        cause: &[String],
    ) -> Result<Vec<Output>, String> {
        let mut outputs = Vec::new();
        let whole: String = cause.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join("\n");
        let (mark, rest) = whole.split_at_checked(2).ok_or("an empty line of cause")?;
        match (mark, rest.split_once(' ').unwrap_or((rest, ""))) {
            ("< ", _) => adapter.handle(Input::Received(&wire.encode(rest)?), self.now, &mut outputs),
            ("! ", _) => {
                let operation = operation(rest)?;
                self.commands += 1;
                let command = ProviderCommand {
                    command: CommandId(self.commands),
                    step: 0,
                    limit: COMMAND_LIMIT,
                    operation,
                };
                adapter.handle(Input::Execute(&command), self.now, &mut outputs);
            }
            ("@ ", ("connect", _)) => adapter.handle(Input::Opened, self.now, &mut outputs),
            ("@ ", ("close", reason)) => adapter.handle(Input::Closed(reason), self.now, &mut outputs),
            ("@ ", ("raw", hex)) => adapter.handle(Input::Received(&bytes(hex)?), self.now, &mut outputs),
            ("@ ", (span, _)) => {
                let span =
                    span.strip_prefix('+').and_then(millis).ok_or_else(|| format!("what is {whole:?}?"))?;
                self.pass(adapter, span, &mut outputs)?;
            }
            _ => return Err(format!("what is {whole:?}?")),
        }
        Ok(outputs)
    }

    /// Lets time pass, keeping each deadline when it comes.
    fn pass(
        &mut self,
        adapter: &mut dyn Adapter,
        span: Millis,
        outputs: &mut Vec<Output>,
    ) -> Result<(), String> {
        let end = self.now + span;
        for _ in 0..TICKS_MAX {
            let Some(at) = adapter.next_deadline().filter(|at| *at <= end) else {
                self.now = end;
                return Ok(());
            };
            self.now = self.now.max(at);
            adapter.handle(Input::Tick, self.now, outputs);
        }
        Err("the adapter asks for the same deadline again and again".into())
    }
}

fn lines(output: &Output, wire: &mut dyn Wire) -> Vec<String> {
    match output {
        Output::Transmit(bytes) => wire.decode(bytes).into_iter().map(|text| format!("> {text}")).collect(),
        other => vec![format!("= {}", render(other))],
    }
}

/// The head (comments before the first step) and the steps.
fn parse(text: &str) -> (Vec<String>, Vec<Step>) {
    let mut head = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_cause = line.starts_with(['@', '<', '!']);
        let is_comment = line.starts_with('#') || line.trim().is_empty();
        if is_cause || (is_comment && !steps.is_empty()) {
            steps.push(Step { cause: vec![line.to_owned()], line: number + 1, expected: Vec::new() });
        } else if is_comment {
            head.push(line.to_owned());
        } else if let Some(step) = steps.last_mut() {
            if line.starts_with("  ") && step.expected.is_empty() {
                step.cause.push(line.to_owned());
            } else {
                step.expected.push(line.to_owned());
            }
        }
    }
    (head, steps)
}

fn millis(text: &str) -> Option<Millis> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Millis::seconds)
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    hex.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).map_err(|_| format!("{pair:?} is no byte in hexadecimal")))
        .collect()
}
