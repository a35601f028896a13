//! What the benchmarks share: the messages of real call flows, the PBX end of a link, a plain webhook sink,
//! the bare pipes that schakel is compared with, and the starting and metering of processes.
//!
//! Nothing here is part of the product. A benchmark that meets something unexpected stops with a panic, because a
//! figure that was measured past an error is worse than none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an error ends the benchmark")]

pub mod calls;
pub mod chat;
pub mod command;
pub mod daemon;
pub mod disk;
pub mod http;
pub mod load;
pub mod messages;
pub mod meter;
pub mod pipe;
pub mod pipes;
pub mod process;
pub mod pump;
pub mod route;
pub mod scale;
pub mod sink;
pub mod table;
pub mod tls;

/// Whatever goes wrong; it ends the benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// A result that ends the benchmark.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A folder on the disk that the workspace is on: temporary folders are elsewhere often in memory, where an fsync is
/// free.
///
/// # Errors
/// If it cannot be made.
pub fn scratch() -> Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(std::path::Path::parent).ok_or("the benchmark is in no folder")?;
    let folder = folder.join("bench-data");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
