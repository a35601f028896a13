//! The daemon: journal, engine, links, outbox, API and admin listener in one current_thread runtime.

mod links;
mod maintenance;
mod settings;

pub use links::Controls;

use crate::cli::{ConfigArgs, Failure};
use crate::config::Config;
use links::Links;
use schakel_core::input::InputBody;
use schakel_core::model::ids::OrganisationId;
use schakel_engine::{Engine, EngineHandle, EngineSettings};
use schakel_journal::Store;
use schakel_outbox::Outbox;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long deliveries in flight may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Ways to break the daemon on purpose, so that a test can show that it would notice. Never from a configuration.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sabotage {
    /// Act before the commit.
    pub act_before_commit: bool,
    /// Deliver without lanes: no order per contact.
    pub deliver_without_lanes: bool,
}

/// A daemon that runs.
pub struct Daemon {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where the admin listener listens.
    pub admin: SocketAddr,
    engine: EngineHandle,
    engine_task: JoinHandle<()>,
    outbox: Outbox,
    links: Links,
    config: Config,
    stop: watch::Sender<bool>,
}

/// `schakel serve`: runs until SIGTERM or SIGINT; SIGHUP reads the configuration again.
///
/// # Errors
/// When the configuration is wrong, or something that it names cannot be had.
pub async fn run(args: ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    crate::observe::start(&config.log).map_err(Failure::Configuration)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::failed)?;
    let mut daemon = Daemon::start(config, Sabotage::default()).await?;
    let watchdog = tokio::task::spawn_local(maintenance::watchdog(daemon.engine.clone()));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => daemon.reload(&args).await,
        }
    }
    watchdog.abort();
    maintenance::tell_systemd(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
    Ok(())
}
