//! From the command line to a checked run.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Result;
use autoket::config::RunFile;
use autoket::graph::Parity;
use autoket::simd;
use bytesize::ByteSize;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::args::FileArgs;
use crate::report::Refused;

/// Reads the run file with its changes.
pub fn read(args: &FileArgs) -> Result<RunFile> {
    read_file(&args.file, &args.set)
}

/// Reads a run file, and lays changes over it.
pub fn read_file(path: &Path, changes: &[String]) -> Result<RunFile> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|error| {
        let cure = match error.kind() {
            io::ErrorKind::NotFound => "check the path; examples/ holds runs to start from",
            io::ErrorKind::InvalidData => "a run file is text in UTF-8",
            _ => "a run file must be readable",
        };
        Refused::new(format!("cannot read {name}: {error}"), cure)
    })?;
    Ok(RunFile::parse(&name, &text, changes)?)
}

/// A run file is no longer than this.
const LONGEST: u64 = 16 << 20;

/// The text of a file, which may be a pipe, but has an end.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)?;
    match text.len() as u64 > LONGEST {
        true => Err(io::Error::other("it is longer than 16 MiB")),
        false => Ok(text),
    }
}

/// Refuses a SIMD level that this machine lacks, rather than use another.
pub fn check_simd() -> Result<()> {
    let Some(asked) = std::env::var_os("AUTOKET_SIMD").filter(|asked| !asked.is_empty()) else {
        return Ok(());
    };
    let names: Vec<&str> = simd::levels().into_iter().map(|(name, _)| name).collect();
    if names.iter().any(|name| asked == *name) {
        return Ok(());
    }
    Err(Refused::new(
        format!("this machine has no SIMD level {asked:?}, which AUTOKET_SIMD asks for"),
        format!(
            "it has {}; unset the variable for the best",
            names.join(", ")
        ),
    )
    .into())
}

/// The m of a momentum 2π m/extent in one direction.
pub fn momentum(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .map_err(|_| "expected whole numbers from 0 on; for -1 give the extent less 1")
}

/// Even or odd.
pub fn parity() -> impl TypedValueParser<Value = Parity> {
    PossibleValuesParser::new(["even", "odd"]).map(|name| match name.as_str() {
        "even" => Parity::Even,
        _ => Parity::Odd,
    })
}

/// A size as it may be written.
pub fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse()
        .map_err(|_| "expected a number and its unit: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB")
}
