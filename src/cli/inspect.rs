//! `schakel inspect`: what schakel understands of a message, as JSON.

use super::Failure;
use clap::{Args, Subcommand};
use schakel_csta::{Dialect, Verdict, inspect};
use std::io::{Read, Write};
use std::path::PathBuf;

/// The protocols that can be inspected.
#[derive(Debug, Subcommand)]
pub enum InspectCommand {
    /// CSTA XML (ECMA-323): framed or bare, one message or a whole stream.
    Csta(CstaArgs),
}

/// Arguments of `schakel inspect csta`.
#[derive(Debug, Args)]
pub struct CstaArgs {
    /// Files; none or `-` for standard input.
    files: Vec<PathBuf>,
    /// The PBX's dialect: how its device ids are read.
    #[arg(long, default_value = "standard")]
    dialect: String,
}

/// Exit code 0 when everything is understood, 1 when something is declined or malformed.
pub(super) fn run(command: &InspectCommand) -> Result<(), Failure> {
    let InspectCommand::Csta(args) = command;
    let dialect = Dialect::by_name(&args.dialect).ok_or_else(|| {
        let known: Vec<_> = schakel_csta::dialect::ALL.iter().map(|dialect| dialect.name).collect();
        Failure::Configuration(format!(
            "there is no dialect \"{}\"; known are: {}",
            args.dialect,
            known.join(", ")
        ))
    })?;
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    let mut not_understood = 0_usize;
    let mut output = std::io::stdout().lock();
    for file in files {
        let bytes = read(file)?;
        let inspection = inspect(&bytes, dialect);
        not_understood += inspection
            .messages
            .iter()
            .filter(|message| !matches!(message.verdict, Verdict::Understood))
            .count();
        let json = serde_json::to_string_pretty(&inspection).map_err(Failure::failed)?;
        writeln!(output, "{json}").map_err(Failure::failed)?;
    }
    match not_understood {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 message was not understood; see its verdict".into())),
        more => Err(Failure::Failed(format!("{more} messages were not understood; see their verdicts"))),
    }
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::Failed(format!("{}: {error}", file.display()));
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(failed)
}
