//! The ranks that mpirun started, and what each of them takes of its host.

use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Result;
use autoket::ranks::Ranks;
use bytesize::ByteSize;

use crate::input;
use crate::report;

/// The ranks this program was started with.
#[cfg(feature = "mpi")]
pub fn ranks() -> Result<Ranks> {
    Ok(autoket::ranks::world()?)
}

/// The ranks this program was started with: one, and a refusal if there are more.
#[cfg(not(feature = "mpi"))]
pub fn ranks() -> Result<Ranks> {
    // Set for each of their processes by Open MPI, and by MPICH and Slurm's PMI.
    for variable in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
        let size: Option<usize> = std::env::var(variable).ok().and_then(|n| n.parse().ok());
        if size.is_some_and(|size| size > 1) {
            return Err(report::Refused::new(
                "this `autoket` was built for one process, and was started as several",
                "build it by `cargo build --release --features mpi`, or start it without mpirun",
            )
            .into());
        }
    }
    Ok(Ranks::default())
}

/// How long a rank that failed waits for the first, which may have failed alike and have results to write.
const GRACE: Duration = Duration::from_secs(5);

/// Returns at once in the first rank; in others when it has had time to end them all.
pub fn let_first_speak(ranks: &Ranks) {
    if !ranks.is_first() {
        std::thread::sleep(GRACE);
    }
}

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
pub fn end(ranks: Ranks) {
    // It has them as well.
    drop(std::panic::take_hook());
    drop(ranks);
}

/// The exit status of a Rust program that panics.
const PANICKED: u8 = 101;

/// Sets the number of threads of this rank: as asked, or its part of the cores that its host and launcher leave it.
pub fn set_threads(ranks: &Ranks, asked: Option<u16>, quiet: bool) -> Result<()> {
    let bound = available_parallelism().map_or(1, usize::from);
    let neighbours = ranks.on_this_host();
    let cores = online_cores().max(bound);
    let own = bound.min((cores / neighbours).max(1));
    let threads = asked.map_or(own, usize::from);
    if neighbours > 1 && neighbours * threads > cores && ranks.is_first() && !quiet {
        report::warn(&format!(
            "{neighbours} ranks with {threads} threads each share {cores} cores of a host; \
             fewer ranks, or `--threads`, will be faster"
        ));
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build_global()?;
    Ok(())
}

/// All cores of the host, those of other ranks too.
fn online_cores() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = text.lines().filter(|line| line.starts_with("processor"));
    cores.count()
}

/// Bytes each rank takes: as asked, or its part of a quarter of what is free on the fullest host.
pub fn memory(ranks: &Ranks, asked: Option<ByteSize>) -> usize {
    let own = input::memory(asked)
        / if asked.is_some() {
            1
        } else {
            ranks.on_this_host()
        };
    ranks.min(own as u64) as usize
}
