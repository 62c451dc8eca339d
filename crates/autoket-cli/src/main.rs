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
mod train;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    match perform(args.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::print(&error);
            ExitCode::from(report::exit_code(&error))
        }
    }
}

fn perform(command: Command) -> Result<u8> {
    input::check_simd()?;
    match command {
        Command::Run(args) => run::run(&args),
        Command::Resume(args) => run::resume(&args),
        Command::Exact(args) => exact::exact(&args),
        Command::Inspect(args) => run::inspect(&args),
        Command::Evaluate(args) => evaluate::evaluate(&args),
        Command::Draw(args) => run::draw(&args),
    }
}
