//! From the command line to a checked run.

use std::fs;

use anyhow::Result;
use autoket::config::RunFile;

use crate::args::FileArgs;
use crate::report::Refused;

/// Reads the run file with its changes.
pub fn read(args: &FileArgs) -> Result<RunFile> {
    let name = args.file.display().to_string();
    let text = fs::read_to_string(&args.file).map_err(|error| {
        let cure = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path; examples/ holds runs to start from",
            std::io::ErrorKind::InvalidData => "a run file is text in UTF-8",
            _ => "a run file must be readable",
        };
        Refused::new(format!("cannot read {name}: {error}"), cure)
    })?;
    Ok(RunFile::parse(&name, &text, &args.set)?)
}

/// Sets the number of threads of the whole program.
pub fn set_threads(threads: Option<u16>) -> Result<()> {
    if let Some(n) = threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n.into())
            .build_global()?;
    }
    Ok(())
}
