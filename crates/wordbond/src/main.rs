//! The `wordbond` command: configuration, wiring, command line.

mod board;
mod build;
mod catalogue;
mod check;
mod cli;
mod garden;
mod keys;
mod map_command;
mod mount;
mod nightly;
mod output;
mod plants;
mod probe;
mod promises_command;
mod recorder;
mod retention_command;
mod rights_command;
mod round;
mod running;
mod sabotage;
mod schedule;
mod service;
mod signals;
mod system;
mod up;
mod verify;
mod worker;

use clap::Parser;
use cli::{Cli, Command};
use std::{error::Error, process::ExitCode};

/// Measured in `docs/PROXY_BENCH.md`.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code when a command could not do its work.
const FAILED: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    match run(cli.command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

async fn run(command: Command) -> Result<u8, Box<dyn Error>> {
    match command {
        Command::Up(arguments) => up::run(*arguments).await,
        Command::Check(arguments) => check::run(arguments).await,
        Command::Probe(arguments) => probe::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Sabotage(arguments) => sabotage::run(arguments).await,
        Command::Keys(arguments) => keys::run(*arguments).await,
        Command::Promises(command) => promises_command::run(command),
        Command::Map(command) => map_command::run(command).await,
        Command::Export(arguments) => rights_command::export(*arguments).await,
        Command::Erase(arguments) => rights_command::erase(*arguments).await,
        Command::Retention(arguments) => retention_command::run(arguments).await,
        Command::Knock { socket, role } => {
            output::say(store::tls_database::knock(&socket, &role).line());
            Ok(0)
        }
    }
}
