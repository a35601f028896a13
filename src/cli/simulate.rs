//! `schakel simulate`: the PBX simulator on a real port, and visitors who chat.

use super::Failure;
use super::visitors::{self, VisitorsArgs};
use clap::{Args, Subcommand};
use schakel_simulator::options::SimulateOptions;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `schakel simulate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SimulateArgs {
    #[command(subcommand)]
    others: Option<Others>,
    /// A scenario file, or one that is built in: demo, openscape, asterisk-csp, acd-day.
    #[arg(long, short)]
    scenario: Option<String>,
    /// Where the CSTA server listens; 127.0.0.1:1040 where the scenario says nothing.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where the HTTP control listens (make the outside world ring, cut the link, misbehave); 127.0.0.1:1041 where the
    /// scenario says nothing.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Connect to a listener as well, as host:port: a PBX that pushes.
    #[arg(long)]
    push_to: Option<String>,
    /// Do what the scenario does by itself; without this only a file's steps are done.
    #[arg(long)]
    play: bool,
}

/// Who else can be simulated.
#[derive(Debug, Subcommand)]
enum Others {
    /// Visitors who chat over XMPP, by the hundred: each a client of its own that plays a script.
    Visitors(VisitorsArgs),
}

pub(super) async fn run(args: SimulateArgs) -> Result<(), Failure> {
    if let Some(Others::Visitors(args)) = args.others {
        return visitors::run(args).await;
    }
    let options = SimulateOptions {
        scenario: args.scenario.clone(),
        listen: args.listen,
        control: args.control,
        push_to: args.push_to,
        edition: None,
    };
    let mut config = options.config().map_err(|error| Failure::Configuration(error.to_string()))?;
    if args.scenario.is_none() && !args.play {
        // The calls of the default scenario are a demonstration; at a terminal a person makes them.
        config.steps.clear();
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let running = schakel_simulator::start(config).await.map_err(Failure::failed)?;
    println!("The simulator runs. Stop it with Ctrl-C.");
    if let Some(address) = running.csta_address() {
        println!("  CSTA     {address}");
    }
    if let Some(address) = running.control_address() {
        println!("  control  http://{address}");
        println!("  state    curl http://{address}/state");
        println!(
            "  a call   curl http://{address}/calls -H 'content-type: application/json' -d '{{\"from\":\"0201234567\",\"to\":\"2001\"}}'"
        );
    }
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map_err(Failure::failed)?,
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}
