//! `schakel softphone`: at a terminal, or with `--script` in a test.

use super::phone::{Habits, Seat, Softphone};
use super::{script, terminal};
use crate::cli::Failure;
use crate::client::{AccessArgs, Api, Language, screen};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What a script may say, for `--help`.
const SCRIPT: &str = "\
Script lines, beside every command of the terminal (`help` there lists them, in Dutch and English):
  wait CONDITION [5s|500ms]     until it is so; 10 s where nothing is said
  expect state CONDITION        it must be so now
  expect refused COMMAND        the command must be refused
  expect action ACTION allowed|refused
  expect caller NUMBER · expect customer NAME · expect calls COUNT · expect hits COUNT
  expect chats COUNT · expect unread COUNT
  say TEXT                      printed
  # a comment
Conditions:
  idle, ringing, dialling, connected, held
  transfer started|ringing|consulting|completed|taken-back|failed
  availability available|on-call|chatting|after-call|in-session|not-ready|unreachable|offline
  session open|parked|closed|none
  decision                      a call arrived while a session is open: keep or ignore?
  offer · chat active|wrapping|archived|none · said WORDS · whispered WORDS · typing WORDS
Those of chats and the four before them need no `state` after expect.";

/// Arguments of `schakel softphone`.
#[derive(Debug, Args)]
#[command(after_help = SCRIPT)]
pub struct SoftphoneArgs {
    /// Where schakel's API is.
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    pub url: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub access: AccessArgs,
    /// Who sits at the telephone.
    #[arg(long)]
    pub agent: String,
    /// The telephone system, by its name in the configuration.
    #[arg(long, default_value = "pbx")]
    pub provider: String,
    /// The extension.
    #[arg(long)]
    pub device: String,
    /// The queues that he serves, such as 7000,7001.
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub queues: Vec<String>,
    /// The telephone system's own agent id, where it has agents.
    #[arg(long)]
    pub agent_id: Option<String>,
    /// Open a contact session by itself when a customer is on the line, as JKC does; `session` opens one by hand.
    #[arg(long)]
    pub sessions: bool,
    /// While a session is open, say so often that the browser is there; without it four times in each lease.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub heartbeat: Option<u32>,
    /// The language of the screen.
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
    /// Play this script, a line a step, and exit 0, or 1 at the first line that fails; - reads standard input. See below.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

/// Runs `schakel softphone`.
///
/// # Errors
/// When the API is not there or refuses, or when a line of the script fails.
pub async fn run(args: SoftphoneArgs) -> Result<(), Failure> {
    let steps = args.script.as_deref().map(read).transpose()?;
    let api = Api::new(&args.url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let seat = Seat {
        agent: args.agent,
        provider: args.provider,
        device: args.device,
        queues: args.queues,
        agent_id: args.agent_id,
    };
    let heartbeat = args.heartbeat.map(|seconds| Duration::from_secs(seconds.into()));
    let habits = Habits { opens_sessions: args.sessions, heartbeat };
    let phone = Softphone::sign_on_with(api, seat, habits).await.map_err(Failure::failed)?;
    let outcome = match steps {
        Some((name, steps)) => play(&phone, &name, &steps).await,
        None => terminal::run(&phone, args.language).await.map_err(Failure::failed),
    };
    let left = phone.sign_off().await.map_err(Failure::failed);
    outcome.and(left)
}

fn read(file: &std::path::Path) -> Result<(String, Vec<script::Step>), Failure> {
    let name = file.display().to_string();
    let text =
        if name == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| Failure::Configuration(format!("--script {name}: {error}")))?;
    let steps =
        script::parse(&text).map_err(|error| Failure::Configuration(format!("--script {name}:\n{error}")))?;
    Ok((name, steps))
}

async fn play(phone: &Softphone, name: &str, steps: &[script::Step]) -> Result<(), Failure> {
    for step in steps {
        if let Err(detail) = script::play(phone, step).await {
            return Err(Failure::Failed(format!("✗ {name}:{}: `{}`: {detail}", step.number, step.text)));
        }
        screen::show(format_args!("✓ {}", step.text));
    }
    Ok(())
}
