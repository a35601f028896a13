//! The pipes that schakel is compared with, as programs of their own: the floor that does nothing, and the bare
//! skeleton that does what must be done and no more.

pub mod floor;
pub mod lanes;
pub mod skeleton;

use crate::Result;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What every pipe is told.
#[derive(Debug, Clone, Args)]
pub struct PipeArgs {
    /// The PBX.
    #[arg(long)]
    pub from: SocketAddr,
    /// The sink.
    #[arg(long)]
    pub to: SocketAddr,
    /// Whose certificate is believed; without it plain HTTP.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Events in one request.
    #[arg(long, default_value_t = 1)]
    pub batch: usize,
    /// Bodies have at least so many bytes an event: as many as schakel's.
    #[arg(long, default_value_t = 0)]
    pub body_bytes: usize,
    /// The folder for what is stored.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// Connections to the sink: as many as schakel's lanes.
pub const CONNECTIONS: usize = 64;

/// Runs a pipe until the PBX leaves, in one thread.
///
/// # Errors
/// If anything fails.
pub fn run<F: Future<Output = Result<()>>>(pipe: F) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(pipe))
}
