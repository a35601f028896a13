//! `schakel backup` and `schakel restore`.

use super::{ConfigArgs, Failure};
use clap::Args;
use schakel_journal::{Options, Store};
use std::path::{Path, PathBuf};

/// Arguments of `schakel backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The file to write; must not exist. The register goes to the same name with `.register` behind it.
    to: PathBuf,
}

/// Arguments of `schakel restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A file that `schakel backup` wrote; the one with `.register` behind it is put back too.
    from: PathBuf,
}

pub(super) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let (register, copy) = (config.register_path(), register_of(&args.to));
    if copy.exists() {
        return Err(Failure::Failed(format!("{} exists already; move it away first", copy.display())));
    }
    schakel_journal::backup(&config.journal.path, &args.to).map_err(Failure::failed)?;
    println!("{} is a copy of {}", args.to.display(), config.journal.path.display());
    if register.exists() {
        schakel_register::backup(&register, &copy).map_err(Failure::failed)?;
        println!("{} is a copy of {}", copy.display(), register.display());
    }
    Ok(())
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let (register, copy) = (config.register_path(), register_of(&args.from));
    // Before anything is put back: half a restore would be a journal with another day's register.
    if copy.exists() && register.exists() {
        return Err(Failure::Failed(format!("{} exists already; move it away first", register.display())));
    }
    schakel_journal::restore(&args.from, &config.journal.path).map_err(Failure::failed)?;
    println!("{} is restored from {}", config.journal.path.display(), args.from.display());
    let (store, _) = Store::open(&config.journal.path, Options::default()).map_err(Failure::failed)?;
    super::audit::record(&store, "journal.restore", None)?;
    drop(store);
    if copy.exists() {
        schakel_register::restore(&copy, &register).map_err(Failure::failed)?;
        println!("{} is restored from {}", register.display(), copy.display());
    } else {
        println!("{} is not there: the register is as it was", copy.display());
    }
    Ok(())
}

/// The copy of the register that belongs to a copy of the journal.
fn register_of(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".register");
    PathBuf::from(name)
}
