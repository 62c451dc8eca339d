//! The program `autoket`: runs described by a file.
//!
//! It contains no physics: it reads a run file, drives the library, shows progress and writes
//! results.

mod args;
mod checkpoints;
mod evaluate;
mod exact;
mod folder;
mod input;
mod progress;
mod report;
mod run;
mod session;
mod stop;
mod team;
mod train;

use std::ffi::OsString;

use anyhow::Result;
use autoket::ranks::{Mpi, Ranks};
use clap::Parser;

use args::{Args, Command};

/// Does what the arguments ask, of which the first is the program's name, on the ranks of a
/// [`world`](autoket::ranks::world); the exit status.
///
/// Ends the process where arguments are wrong or help is asked for.
pub fn program(
    arguments: impl IntoIterator<Item = OsString>,
    world: impl FnOnce() -> autoket::Result<(Ranks, Mpi)>,
) -> u8 {
    let args = Args::parse_from(arguments);
    let (ranks, mpi) = match world() {
        Ok(world) => world,
        Err(error) => {
            let error = error.into();
            report::print(&error);
            return report::exit_code(&error);
        }
    };
    team::abort_on_panic(&ranks);
    match perform(args.command, &ranks) {
        Ok(code) => {
            team::end(mpi);
            code
        }
        Err(error) => {
            let code = report::exit_code(&error);
            ranks.let_first_speak();
            report::print(&error);
            // The others may be waiting for this one.
            ranks.abort(code);
            code
        }
    }
}

fn perform(command: Command, ranks: &Ranks) -> Result<u8> {
    input::check_simd()?;
    match command {
        Command::Run(args) => run::run(&args, ranks),
        Command::Resume(args) => run::resume(&args, ranks),
        Command::Evaluate(args) => evaluate::evaluate(&args, ranks),
        // What is not shared is done once.
        _ if !ranks.is_first() => Ok(0),
        Command::Exact(args) => exact::exact(&args),
        Command::Inspect(args) => run::inspect(&args),
        Command::Draw(args) => run::draw(&args),
    }
}
