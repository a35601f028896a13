//! `schakel replay`: reads a journal as a start of the daemon would, and says what comes out. For whoever wants to know
//! whether a backup is good, or what a daemon that does not run knew last.

use super::{ConfigArgs, Failure};
use clap::Args;
use schakel_contract::{NoRecognition, Timestamp};
use schakel_core::model::ids::OrganisationId;
use schakel_engine::{Engine, EngineSettings};
use schakel_journal::{Options, Store, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `schakel replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A journal or a backup of one; without it the configuration's.
    #[arg(long)]
    journal: Option<PathBuf>,
}

pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let path = args.journal.as_ref().unwrap_or(&config.journal.path);
    if !path.exists() {
        return Err(Failure::Failed(format!("{}: there is no such journal", path.display())));
    }
    let started = Instant::now();
    let (store, recovery) = Store::open(path, Options::default()).map_err(|error| match error {
        StoreError::InUse { .. } => Failure::Failed(format!(
            "{error}\nThe daemon runs: make a copy with `schakel backup FILE`, and give that with --journal."
        )),
        error => Failure::failed(error),
    })?;
    let last = (recovery.last_input, recovery.last_notification);
    let from = recovery.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
    let engine = Engine::recover(
        store,
        recovery,
        EngineSettings {
            organisation: OrganisationId::from(config.organisation.id.as_str()),
            source: crate::serve::source(&config),
            snapshot_every: u64::MAX,
            recognise: Arc::new(NoRecognition),
            act_before_commit: false,
            commit_takes: Duration::ZERO,
        },
    )
    .map_err(Failure::failed)?;
    let state = engine.state();
    println!("{} is good: read in {} ms", path.display(), started.elapsed().as_millis());
    println!("  inputs         {} (snapshot at {from}, {} replayed)", last.0, last.0 - from);
    println!("  notifications  {}", last.1);
    println!("  live calls     {}", state.calls.values().filter(|call| call.is_live()).count());
    println!("  contacts       {}", state.contacts.len());
    println!(
        "  agents         {}",
        state.agents.values().filter(|agent| agent.registration.is_some()).count()
    );
    for provider in state.providers.values() {
        let since = Timestamp::from(provider.since);
        println!("  provider       {}: {:?} since {since}", provider.id.as_str(), provider.link);
    }
    let counters = &state.counters;
    println!(
        "  did not fit    {} reports, {} late answers",
        counters.unexpected_reports, counters.late_replies
    );
    Ok(())
}
