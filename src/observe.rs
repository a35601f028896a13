//! Logs.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Error;

/// How the filter of a running log is changed.
static CHANGE: OnceLock<Change> = OnceLock::new();

type Change = Box<dyn Fn(EnvFilter) -> Result<(), Error> + Send + Sync>;

/// Starts logging to standard error, so that standard output stays the program's own.
///
/// # Errors
/// The filter that is none, and what one looks like.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = filter(&log.level).map_err(|text| format!("log.level: {text}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests, the demo) keeps the first.
    match log.format {
        LogFormat::Human => {
            let builder = builder.with_target(false).with_ansi(std::io::stderr().is_terminal());
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            if builder.try_init().is_ok() {
                drop(CHANGE.set(Box::new(move |filter| handle.reload(filter))));
            }
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            if builder.try_init().is_ok() {
                drop(CHANGE.set(Box::new(move |filter| handle.reload(filter))));
            }
        }
    }
    Ok(())
}

/// Logs more or less from now on, so that nobody has to restart in the middle of a problem.
pub fn set_level(level: &str) {
    // The level was checked with the configuration.
    if let (Some(change), Ok(filter)) = (CHANGE.get(), filter(level))
        && let Err(error) = change(filter)
    {
        tracing::error!(%error, "log.level stays as it was");
    }
}

/// The filter that a level names.
///
/// # Errors
/// What is wrong with it, and what one looks like.
pub fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level)
        .map_err(|error| format!("\"{level}\" is no filter: {error}; such as \"info,schakel_csta=debug\""))
}
