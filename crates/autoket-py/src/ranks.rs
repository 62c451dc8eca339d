//! The ranks that a launcher started, of which this process is one.

use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use autoket::ranks::{Mpi, Ranks, Threads, world};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;

use crate::errors::OrRaise;

/// What was begun, and by which process: `fork` copies memory, but a child is no rank.
struct Begun {
    process: u32,
    ranks: Ranks,
    threads: Threads,
    mpi: Option<Mpi>,
}

static BEGUN: Mutex<Option<Begun>> = Mutex::new(None);

fn begun(py: Python<'_>) -> MutexGuard<'static, Option<Begun>> {
    BEGUN
        .lock_py_attached(py)
        .unwrap_or_else(PoisonError::into_inner)
}

/// The ranks of this process: itself alone, if it was not launched with others.
pub fn ranks(py: Python<'_>) -> Ranks {
    match &*begun(py) {
        Some(begun) if begun.process == process::id() => begun.ranks.clone(),
        _ => Ranks::default(),
    }
}

/// Threads for this process, if it is one of several ranks.
pub fn threads(py: Python<'_>) -> Option<usize> {
    match &*begun(py) {
        Some(begun) if begun.process == process::id() && begun.ranks.size() > 1 => {
            Some(begun.threads.own)
        }
        _ => None,
    }
}

/// MPI, for who ends it; nothing in a child, or if it was taken before.
pub fn take_mpi(py: Python<'_>) -> Option<Mpi> {
    let mut begun = begun(py);
    let begun = begun.as_mut()?;
    match begun.process == process::id() {
        true => begun.mpi.take(),
        false => None,
    }
}

/// Begins: rank, number of ranks, whether a launcher started them, whether they have more threads than cores.
#[pyfunction]
pub fn begin_ranks(py: Python<'_>) -> PyResult<(usize, usize, bool, bool)> {
    let mut begun = begun(py);
    if begun.is_none() {
        let (ranks, mpi) = py.detach(world).or_raise()?;
        let threads = py.detach(|| ranks.threads(None));
        *begun = Some(Begun {
            process: process::id(),
            ranks,
            threads,
            mpi: Some(mpi),
        });
    }
    let Some(begun) = &*begun else {
        return Ok((0, 1, false, false));
    };
    let (ranks, threads) = (&begun.ranks, begun.threads);
    let launched = begun.mpi.as_ref().is_some_and(Mpi::is_begun);
    Ok((ranks.rank(), ranks.size(), launched, threads.are_too_many()))
}

/// Leaves the other ranks, when all do.
#[pyfunction]
pub fn leave_ranks(py: Python<'_>) {
    let mpi = take_mpi(py);
    py.detach(|| drop(mpi));
}

/// Ends all ranks; returns if this one is alone.
#[pyfunction]
pub fn abort_ranks(py: Python<'_>, status: u8) {
    let ranks = ranks(py);
    py.detach(|| ranks.abort(status));
}

/// What each rank says, when all say something.
#[pyfunction]
pub fn tell_ranks(py: Python<'_>, mine: Vec<u8>) -> Vec<Bound<'_, PyBytes>> {
    let ranks = ranks(py);
    let all = py.detach(|| ranks.gather("how it went", mine));
    all.iter().map(|bytes| PyBytes::new(py, bytes)).collect()
}
