//! `schakel events tail`: the event stream in a terminal.

use super::Failure;
use crate::client::stream::{EventStream, StreamItem};
use crate::client::{AccessArgs, Api, Language, screen};
use clap::{Args, Subcommand};
use std::io::Write;

/// What can be done with the event stream.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Show notifications as they come.
    Tail(TailArgs),
}

/// Arguments of `schakel events tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// The API.
    #[arg(long, env = "SCHAKEL_URL", default_value = "https://127.0.0.1:8443")]
    url: String,
    #[command(flatten)]
    access: AccessArgs,
    /// Begin after this cursor (a `sequence`); without it, now.
    #[arg(long)]
    after: Option<String>,
    /// One JSON object a line instead of a sentence.
    #[arg(long)]
    json: bool,
    /// nl or en.
    #[arg(long, value_enum, default_value_t)]
    language: Language,
}

pub(super) async fn run(command: EventsCommand) -> Result<(), Failure> {
    let EventsCommand::Tail(args) = command;
    let api = Api::new(&args.url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let after = match args.after {
        Some(after) => after,
        None => {
            let snapshot: schakel_contract::views::SnapshotView<'static> =
                api.get(&["snapshot"]).await.map_err(Failure::failed)?;
            snapshot.cursor.to_string()
        }
    };
    let mut stream = EventStream::after(api, after);
    loop {
        let item = tokio::select! {
            item = stream.next() => item.map_err(Failure::failed)?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let line = match item {
            StreamItem::Event(event) if args.json => {
                serde_json::to_string(&event).map_err(Failure::failed)?
            }
            StreamItem::Event(event) => format!("{}  {}", event.time, screen::line(args.language, &event)),
            StreamItem::TooOld => {
                return Err(Failure::Failed(format!(
                    "what came after {} is not kept any more; begin without --after, or read /v1/snapshot",
                    stream.cursor()
                )));
            }
            StreamItem::Lost(error) => {
                tracing::warn!(%error, "the stream is lost; it is being made again");
                continue;
            }
            StreamItem::Connected => continue,
        };
        // A reader that has gone, such as `head`, ends it.
        if writeln!(std::io::stdout(), "{line}").is_err() {
            return Ok(());
        }
    }
}
