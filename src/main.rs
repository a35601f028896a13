//! The `schakel` binary: see `schakel --help`.

use clap::Parser;
use std::process::ExitCode;

/// glibc's allocator took an eighth of the daemon's time, and never gave memory back after a peak.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    schakel::cli::run(schakel::cli::Arguments::parse())
}
