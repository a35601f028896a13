//! `schakel inspect`: what schakel understands of a message, as JSON.

use super::Failure;
use crate::registry;
use clap::{Args, Subcommand};
use std::io::{Read, Write};
use std::path::PathBuf;

/// The protocols that can be inspected.
#[derive(Debug, Subcommand)]
pub enum InspectCommand {
    /// CSTA XML (ECMA-323): framed or bare, one message or a whole stream.
    Csta(CstaArgs),
    /// XMPP stanzas: messages, presence and questions, one after another without the stream around them.
    Xmpp(XmppArgs),
}

/// Arguments of `schakel inspect xmpp`.
#[derive(Debug, Args)]
pub struct XmppArgs {
    /// Files; none or `-` for standard input.
    files: Vec<PathBuf>,
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
    let given = match command {
        InspectCommand::Csta(args) => &args.files,
        InspectCommand::Xmpp(args) => &args.files,
    };
    let standard_input = [PathBuf::from("-")];
    let files = if given.is_empty() { &standard_input[..] } else { given };
    let mut not_understood = Vec::new();
    let mut output = std::io::stdout().lock();
    for file in files {
        let bytes = read(file)?;
        let inspection = match command {
            InspectCommand::Csta(args) => registry::inspect_csta(&bytes, &args.dialect),
            InspectCommand::Xmpp(_) => {
                registry::inspect_xmpp(&bytes).map_err(|error| format!("{}: {error}", file.display()))
            }
        }
        .map_err(Failure::Configuration)?;
        writeln!(output, "{}", inspection.json).map_err(Failure::failed)?;
        if !inspection.all_understood {
            not_understood.push(file.display().to_string());
        }
    }
    if not_understood.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "not everything was understood in {}; see the verdicts",
        not_understood.join(", ")
    )))
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
