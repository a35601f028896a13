//! The `schakel` binary: see `schakel --help`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    schakel::cli::run(schakel::cli::Arguments::parse())
}
