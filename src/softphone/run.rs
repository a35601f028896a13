//! `schakel softphone`: at a terminal, or with `--script` in a test.

use super::phone::{Seat, Softphone};
use super::{script, terminal};
use crate::cli::Failure;
use crate::client::{AccessArgs, Api, Language, screen};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `schakel softphone`.
#[derive(Debug, Args)]
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
    /// The language of the screen.
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
    /// Play this script, a command a line, and exit 0, or 1 at the first line that fails; - reads standard input.
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
    let seat = Seat { agent: args.agent, provider: args.provider, device: args.device };
    let phone = Softphone::sign_on(api, seat).await.map_err(Failure::failed)?;
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
