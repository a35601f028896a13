//! Logs.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error, so that standard output stays the program's own.
///
/// # Errors
/// The filter that is none, and what one looks like.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = filter(&log.level).map_err(|text| format!("log.level: {text}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Human => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // A second start in one process (tests, the demo) keeps the first.
    drop(started);
    Ok(())
}

/// The filter that a level names.
///
/// # Errors
/// What is wrong with it, and what one looks like.
pub fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level)
        .map_err(|error| format!("\"{level}\" is no filter: {error}; such as \"info,schakel_csta=debug\""))
}
