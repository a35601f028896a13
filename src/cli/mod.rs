//! The command line. Exit codes: 0 done, 1 failed, 2 the configuration or the arguments are wrong.

mod audit;
mod check;
mod erase;
mod events;
mod inspect;
mod journal;
mod register;
mod replay;
mod report;
mod simulate;
mod token;
mod visitors;
mod webhook;

use crate::config::{Config, ConfigError};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

/// Connects JOIN Klantcontact to telephony: CSTA in, webhooks and REST out.
#[derive(Debug, Parser)]
#[command(name = "schakel", version, about, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Serve(ConfigArgs),
    /// Check a configuration, and say all that is wrong with it.
    Check(ConfigArgs),
    /// Tell the story of real calls and of an agent's day, without a PBX; checks what it tells.
    Demo(crate::demo::DemoArgs),
    /// Run the PBX simulator on a real port.
    Simulate(simulate::SimulateArgs),
    /// An agent's telephone and screen, interactive or scripted.
    Softphone(crate::softphone::SoftphoneArgs),
    /// A stand-in for JKC: receives webhooks, verifies them, shows the pop-up.
    Jkc(crate::jkc::JkcArgs),
    /// Print as JSON what schakel understands of a message.
    #[command(subcommand)]
    Inspect(inspect::InspectCommand),
    /// Make, list and revoke access tokens in the journal of a daemon that is not running; a running one has /v1/tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Subscriptions to webhooks, through the API of a running daemon.
    Webhook(webhook::WebhookArgs),
    /// The event stream, through the API of a running daemon.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Colleagues and departments, through the API of a running daemon.
    Directory(register::RegisterArgs),
    /// Whose numbers are recognised, through the API of a running daemon.
    Recognition(register::RegisterArgs),
    /// The eight reports on telephony over a period, from the journal, while the daemon runs or not.
    Report(report::ReportArgs),
    /// Read a journal as a start would, and say what comes out.
    Replay(replay::ReplayArgs),
    /// Copy the journal and the register while the daemon runs.
    Backup(journal::BackupArgs),
    /// Put a copy back in the place of the journal and the register.
    Restore(journal::RestoreArgs),
    /// The audit log: check it, show it, export it.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Forget a customer, through the API of a running daemon.
    Erase(erase::EraseArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Print a completion script for a shell.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
}

/// Where the configuration is.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// The configuration file; without it the defaults, as `config.example.toml` shows them.
    #[arg(long, short, env = "SCHAKEL_CONFIG")]
    pub config: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads it, with the environment's overrides.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let environment: Vec<(String, String)> = std::env::vars().collect();
        Config::load(self.config.as_deref(), &environment)
    }
}

/// How a command ends when it does not end well.
#[derive(Debug)]
pub enum Failure {
    /// The configuration or the arguments are wrong: exit code 2.
    Configuration(String),
    /// Anything else: exit code 1.
    Failed(String),
}

impl Failure {
    /// Exit code 1, in these words.
    pub fn failed(error: impl Display) -> Self {
        Failure::Failed(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::Configuration(error.to_string())
    }
}

/// Runs a command line to its end.
pub fn run(arguments: Arguments) -> ExitCode {
    crate::tls::install();
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(text)) => end(&text, 2),
        Err(Failure::Failed(text)) => end(&text, 1),
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => on_runtime(crate::serve::run(args)),
        Command::Check(args) => check::run(&args),
        Command::Demo(args) => on_runtime(crate::demo::run(args)),
        Command::Simulate(args) => on_runtime(simulate::run(args)),
        Command::Softphone(args) => on_runtime(crate::softphone::run(args)),
        Command::Jkc(args) => on_runtime(crate::jkc::run(args)),
        Command::Inspect(command) => inspect::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Webhook(args) => on_runtime(webhook::run(args)),
        Command::Events(command) => on_runtime(events::run(command)),
        Command::Directory(args) => on_runtime(register::run(register::Resource::Directory, args)),
        Command::Recognition(args) => on_runtime(register::run(register::Resource::Recognition, args)),
        Command::Report(args) => report::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Backup(args) => journal::backup(&args),
        Command::Restore(args) => journal::restore(&args),
        Command::Audit(command) => audit::run(&command),
        Command::Erase(args) => on_runtime(erase::run(args)),
        Command::Openapi => {
            println!("{}", schakel_api::openapi_json());
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "schakel", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// One thread for the whole path of an event: a hop between threads costs more than the work.
fn on_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(work))
}

#[expect(clippy::print_stderr, reason = "a command that fails says why on standard error")]
fn end(text: &str, code: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
