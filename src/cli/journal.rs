//! `schakel backup` and `schakel restore`.

use super::{ConfigArgs, Failure};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `schakel backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The file to write; must not exist.
    to: PathBuf,
}

/// Arguments of `schakel restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A file that `schakel backup` wrote.
    from: PathBuf,
}

pub(super) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    schakel_journal::backup(&config.journal.path, &args.to).map_err(Failure::failed)?;
    println!("{} is a copy of {}", args.to.display(), config.journal.path.display());
    Ok(())
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    schakel_journal::restore(&args.from, &config.journal.path).map_err(Failure::failed)?;
    println!("{} is restored from {}", config.journal.path.display(), args.from.display());
    Ok(())
}
