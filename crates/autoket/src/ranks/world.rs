//! The ranks that `mpirun` started.

use std::sync::Arc;

use mpi::Threading;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::topology::{Communicator as _, SimpleCommunicator};
use mpi::traits::CommunicatorCollectives as _;

use super::{Communicator, Ranks};
use crate::error::{Error, Result};

/// MPI, from the time it is asked for until this is dropped.
pub struct World {
    _universe: Universe,
    rank: usize,
    size: usize,
}

/// Set for each process by launchers: Open MPI's; MPICH's, Intel's and Slurm's PMI; PMIx.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK"];

/// The ranks that this process was started with. Without a launcher it is alone, and MPI is not begun.
///
/// # Errors
/// MPI was begun before, or does not work with threads.
pub fn world() -> Result<Ranks> {
    if LAUNCHED.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(Ranks::default());
    }
    // One thread at a time speaks, not always the same.
    let begun = mpi::initialize_with_threading(Threading::Serialized);
    let refuse = |got: &str| {
        Error::invalid(
            "mpi",
            "an MPI library that serves any thread, begun once",
            got,
            "begin MPI once, with a library that has MPI_THREAD_SERIALIZED",
        )
    };
    let (universe, threading) = begun.ok_or_else(|| refuse("one that was begun before"))?;
    if threading < Threading::Serialized {
        return Err(refuse(&format!("{threading:?}")));
    }
    let world = SimpleCommunicator::world();
    Ok(Ranks::new(Arc::new(World {
        _universe: universe,
        rank: world.rank() as usize,
        size: world.size() as usize,
    })))
}

impl Communicator for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) {
        let counts: Vec<i32> = lengths.iter().map(|&n| n as i32).collect();
        let mut end = 0;
        let first: Vec<i32> = counts
            .iter()
            .map(|n| {
                end += n;
                end - n
            })
            .collect();
        let mut all = PartitionMut::new(all, counts, first);
        SimpleCommunicator::world().all_gather_varcount_into(mine, &mut all);
    }

    fn abort(&self, status: u8) -> ! {
        SimpleCommunicator::world().abort(status.into())
    }
}
