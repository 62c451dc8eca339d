//! The ranks that mpirun started.

use anyhow::Result;
use autoket::ranks::{Mpi, Ranks};
use bytesize::ByteSize;

use crate::report;

/// A rank that panics ends all: they would wait for it.
pub fn abort_on_panic(ranks: &Ranks) {
    if ranks.size() == 1 {
        return;
    }
    let (ranks, said) = (ranks.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        said(info);
        ranks.abort(PANICKED);
    }));
}

/// Leaves the others, whose work is done too.
pub fn end(mpi: Mpi) {
    drop(std::panic::take_hook());
    drop(mpi);
}

/// The exit status of a Rust program that panics.
const PANICKED: u8 = 101;

/// Sets the number of threads of this rank: as asked, or its part of what its host and launcher leave it.
pub fn set_threads(ranks: &Ranks, asked: Option<u16>, quiet: bool) -> Result<()> {
    let threads = ranks.threads(asked.map(usize::from));
    if threads.are_too_many() && ranks.is_first() && !quiet {
        let (ranks, own, cores) = (threads.neighbours, threads.own, threads.cores);
        report::warn(&match ranks {
            1 => format!("{own} threads share {cores} cores; fewer `--threads` will be faster"),
            _ => format!(
                "{ranks} ranks with {own} threads each share {cores} cores of a host; fewer ranks, or `--threads`, will be faster"
            ),
        });
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.own);
    builder.build_global()?;
    Ok(())
}

/// Bytes each rank takes: as asked, or its part of a quarter of what is free on the fullest host.
pub fn memory(ranks: &Ranks, asked: Option<ByteSize>) -> usize {
    let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    ranks.memory(asked.map(bytes))
}
