//! Figures of schakel, each beside a floor that is measured in the same run. `benches/run` builds and runs all of it.
#![allow(clippy::print_stderr, reason = "a command that fails says why on standard error")]

use clap::{Parser, Subcommand};
use schakel_bench::pipes::{self, PipeArgs};
use schakel_bench::{Result, chat, command, pipe, route, scale};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// From the PBX's bytes to a signed webhook.
    Pipe(pipe::Arguments),
    /// From a REST command to the PBX and back.
    Command(command::Arguments),
    /// From the PBX's question where a call goes to its answer, by way of a webhook.
    Route(route::Arguments),
    /// From a visitor's XMPP client to a webhook, and from REST to his client (started by `chat.py`).
    Chat(chat::Arguments),
    /// Ten thousand devices, two thousand calls, a million events in the journal.
    Scale(scale::Arguments),
    /// The pipe that does nothing (started by `pipe`).
    #[command(hide = true)]
    Floor(PipeArgs),
    /// The pipe that does what must be done and no more (started by `pipe`).
    #[command(hide = true)]
    Skeleton(PipeArgs),
    /// The round trip of a routing in which nothing is done (started by `route`).
    #[command(hide = true)]
    RouteFloor(route::FloorArgs),
    /// A bare hyper server that answers 200 (started by `command`).
    #[command(hide = true)]
    Hello(command::HelloArgs),
}

fn main() -> ExitCode {
    match run(Arguments::parse().part) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(part: Part) -> Result<()> {
    match part {
        Part::Pipe(arguments) => pipe::run(arguments),
        Part::Command(arguments) => command::run(&arguments),
        Part::Route(arguments) => route::run(&arguments),
        Part::Chat(arguments) => pipes::run(chat::run(arguments)),
        Part::Scale(arguments) => scale::run(&arguments),
        Part::Floor(arguments) => pipes::run(pipes::floor::run(arguments)),
        Part::Skeleton(arguments) => pipes::run(pipes::skeleton::run(arguments)),
        Part::RouteFloor(arguments) => route::floor(&arguments),
        Part::Hello(arguments) => pipes::run(command::hello(arguments)),
    }
}
