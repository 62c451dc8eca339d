//! The program `autoket`.

use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(autoket_cli::program(args_os(), autoket::ranks::world))
}
