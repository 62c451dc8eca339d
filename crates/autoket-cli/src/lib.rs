//! The program `autoket`: runs described by a file.
//!
//! It contains no physics: it reads a run file, drives the library, shows progress and writes
//! results.

mod args;
mod evaluate;
mod exact;
mod folder;
mod input;
mod progress;
mod report;
mod run;
mod session;
mod stop;

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command};

/// Does what the arguments ask, of which the first is the program's name; the exit status.
///
/// Ends the process where arguments are wrong or help is asked for.
pub fn program(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = Args::parse_from(arguments);
    match perform(args.command) {
        Ok(code) => code,
        Err(error) => {
            report::print(&error);
            report::exit_code(&error)
        }
    }
}

fn perform(command: Command) -> Result<u8> {
    input::check_simd()?;
    match command {
        Command::Run(args) => run::run(&args),
        Command::Exact(args) => exact::exact(&args),
        Command::Inspect(args) => run::inspect(&args),
        Command::Evaluate(args) => evaluate::evaluate(&args),
        Command::Draw(args) => run::draw(&args),
    }
}
