//! `schakel simulate`: the PBX simulator on a real port.

use super::Failure;
use clap::Args;
use schakel_simulator::config::SimulatorConfig;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Arguments of `schakel simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// A scenario file; without it extensions 2001 to 2003 and 2010 to 2019 and queue 7000, and nothing by itself.
    #[arg(long, short)]
    scenario: Option<PathBuf>,
    /// Where the CSTA server listens.
    #[arg(long, default_value = "127.0.0.1:8800")]
    listen: SocketAddr,
    /// Where the HTTP control listens (make the outside world ring, cut the link, misbehave).
    #[arg(long, default_value = "127.0.0.1:8801")]
    control: SocketAddr,
    /// Connect to a listener instead of being connected to, as host:port.
    #[arg(long)]
    push_to: Option<String>,
}

pub(super) async fn run(args: SimulateArgs) -> Result<(), Failure> {
    let mut config = match &args.scenario {
        None => SimulatorConfig::demo().map_err(Failure::failed)?,
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::Configuration(format!("{}: {error}", file.display())))?;
            SimulatorConfig::from_scenario(&text)
                .map_err(|error| Failure::Configuration(format!("{}: {error}", file.display())))?
        }
    };
    if args.scenario.is_none() {
        // The calls of the default scenario belong to a test; at a terminal a person makes them.
        config.steps.clear();
    }
    config.csta.listen = Some(args.listen);
    config.csta.push_to = args.push_to;
    config.control = Some(args.control);
    let running = schakel_simulator::start(config).await.map_err(Failure::failed)?;
    println!("The simulator runs. Stop it with Ctrl-C.");
    if let Some(address) = running.csta_address() {
        println!("  CSTA     {address}");
    }
    if let Some(address) = running.control_address() {
        println!("  control  http://{address}");
        println!(
            "  a call   curl -X POST http://{address}/calls -H 'content-type: application/json' -d '{{\"from\":\"0201234567\",\"to\":\"2001\"}}'"
        );
        println!("  state    curl http://{address}/state");
    }
    tokio::signal::ctrl_c().await.map_err(Failure::failed)?;
    running.stop().await;
    Ok(())
}
