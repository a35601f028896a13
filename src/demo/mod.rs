//! `schakel demo`: the story of real calls, told as it happens and checked while it is told.
//!
//! | module | what |
//! | --- | --- |
//! | `teller` | lines with times, and what must be true |
//! | `stage` | the whole set-up: simulator, daemon, stand-in for JKC, softphones |
//! | `daemon` | the daemon as a process of its own, which can be killed |
//! | `agreement` | whether the PBX and schakel say the same of every telephone |
//! | `calls` | the ordinary calls: chapters 1 to 5 |
//! | `trouble` | the link that is cut and the daemon that is killed: chapters 6 and 7 |
//! | `chats` | chats: chapters 8 to 11 |
//! | `mail` | a mail server for them |
//! | `day` | an agent's day: routing, recognition, sessions, after-call work: chapters 12 and 13 |
//! | `tally` | what the story did, and the report of the day, which must say the same |
//! | `ending` | the last checks, the summary, and how to look around |
//!
//! The PBX is the simulator, in this process, on a real port. The daemon is a child, so that it can be killed without
//! warning; it speaks HTTPS with a certificate of a CA that is made here, and keeps its journal in a temporary folder.
//! What is told is what came over the wire: webhooks whose signature was verified, replies of the REST API, and the
//! state of the PBX. Nothing is waited for by the clock; without a person at the terminal it takes some ten seconds, five of which a chat is let wait.

mod agreement;
mod calls;
mod chats;
mod daemon;
mod day;
mod ending;
mod mail;
mod stage;
mod tally;
mod teller;
mod trouble;

use crate::cli::Failure;
use crate::client::{Language, keyboard};
use clap::Args;
use stage::Stage;
use std::io::IsTerminal;
use std::time::Duration;
use teller::{Teller, Untrue};

/// Between two chapters and after a pop-up, a person at a terminal is given so long to read.
const READING: Duration = Duration::from_millis(1200);

/// Arguments of `schakel demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The language of the story and of the screens in it.
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
    /// Do not pause between chapters for a person to read.
    #[arg(long)]
    pub quick: bool,
    /// Stay there afterwards, and say how to look around.
    #[arg(long)]
    pub keep: bool,
}

/// Runs `schakel demo`.
///
/// # Errors
/// When anything that it tells is not true, or the set-up cannot be made, in words that say what to do.
pub async fn run(args: DemoArgs) -> Result<(), Failure> {
    let reading = if args.quick || !std::io::stdout().is_terminal() { Duration::ZERO } else { READING };
    let teller = Teller::new(args.language, reading);
    let mut stage = Stage::set(teller).await.map_err(|error| Failure::Failed(format!("✗ {error}")))?;
    let played = tokio::select! {
        played = play(&mut stage) => played,
        () = keyboard::interrupted() => {
            // Nothing stays behind: no process, no folder.
            stage.strike().await;
            return Err(Failure::Failed("✗ interrupted".into()));
        }
    };
    if let Err(error) = played {
        return Err(Failure::Failed(format!("✗ {error}\n{}", stage.daemon.last_words())));
    }
    ending::summary(&stage);
    if args.keep {
        ending::keep(stage).await?;
    } else {
        ending::pointers(&stage);
        stage.strike().await;
    }
    Ok(())
}

async fn play(stage: &mut Stage) -> Result<(), Untrue> {
    calls::warm_transfer(stage).await?;
    calls::taken_back(stage).await?;
    calls::cold_transfer(stage).await?;
    calls::dialled(stage).await?;
    calls::missed(stage).await?;
    trouble::link_cut(stage).await?;
    trouble::daemon_killed(stage).await?;
    chats::whole_story(stage).await?;
    chats::phone_goes_first(stage).await?;
    chats::out_of_hours(stage).await?;
    day::after_call_work(stage).await?;
    day::work_is_kept(stage).await?;
    ending::all_is_told(stage).await?;
    tally::report(stage).await
}
