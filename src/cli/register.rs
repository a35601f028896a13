//! `schakel directory` and `schakel recognition`: through the API of a daemon that runs. They print the API's own JSON.

use super::Failure;
use crate::client::{AccessArgs, Api};
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Directory,
    Recognition,
}

/// Where the API is.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The API.
    #[arg(long, env = "SCHAKEL_URL", default_value = "https://127.0.0.1:8443", global = true)]
    url: String,
    #[command(flatten)]
    access: AccessArgs,
    #[command(subcommand)]
    command: RegisterCommand,
}

#[derive(Debug, Subcommand)]
enum RegisterCommand {
    /// Read a file: all of it or nothing; all that is wrong with it is said, with its lines.
    Import {
        /// CSV, JSON lines or a JSON array.
        file: PathBuf,
        /// How it is written; without this the file's name says so: .csv, .jsonl, .json.
        #[arg(long)]
        format: Option<FileFormat>,
        /// What is there and not in the file goes.
        #[arg(long)]
        replace: bool,
        /// Only say what would be.
        #[arg(long)]
        dry_run: bool,
    },
    /// Look for a name, or for whose a number is.
    Search {
        /// Words or a number.
        text: String,
    },
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// With a line of names; commas, semicolons or tabs.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// A JSON array of objects.
    Json,
}

impl FileFormat {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(FileFormat::Csv),
            "jsonl" | "ndjson" => Some(FileFormat::JsonLines),
            "json" => Some(FileFormat::Json),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            FileFormat::Csv => "text/csv",
            FileFormat::JsonLines => "application/x-ndjson",
            FileFormat::Json => "application/json",
        }
    }
}

pub(super) async fn run(resource: Resource, args: RegisterArgs) -> Result<(), Failure> {
    let api = Api::new(&args.url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let name = match resource {
        Resource::Directory => "directory",
        Resource::Recognition => "recognition",
    };
    let answer: Result<Value, _> = match &args.command {
        RegisterCommand::Import { file, format, replace, dry_run } => {
            let format = format.or_else(|| FileFormat::of(file)).ok_or_else(|| {
                let text = format!("{}: how is it written? Say so with --format", file.display());
                Failure::Configuration(text)
            })?;
            let opened = tokio::fs::File::open(file).await;
            let opened =
                opened.map_err(|error| Failure::Configuration(format!("{}: {error}", file.display())))?;
            let mode = if *replace { "replace" } else { "merge" };
            let query = [("mode", mode), ("dryRun", if *dry_run { "true" } else { "false" })];
            api.send_file(&[name, "import"], &query, format.media_type(), opened).await
        }
        RegisterCommand::Search { text } => {
            let body = match resource {
                Resource::Directory => json!({ "text": text }),
                Resource::Recognition => json!({ "number": text }),
            };
            api.send(Method::POST, &[name, "search"], &body).await
        }
    };
    let text = serde_json::to_string_pretty(&answer.map_err(Failure::failed)?).map_err(Failure::failed)?;
    println!("{text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_says_how_it_is_written() {
        for (name, format) in [
            ("a.CSV", Some(FileFormat::Csv)),
            ("a.jsonl", Some(FileFormat::JsonLines)),
            ("a.b.json", Some(FileFormat::Json)),
            ("csv", None),
            ("a.xlsx", None),
        ] {
            assert_eq!(FileFormat::of(Path::new(name)), format, "{name}");
        }
    }
}
