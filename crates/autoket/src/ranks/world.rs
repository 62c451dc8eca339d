//! The ranks that `mpirun` started.

#[cfg(not(feature = "mpi"))]
pub use alone::{Mpi, world};
#[cfg(feature = "mpi")]
pub use launched::{Mpi, world};

/// Set in the environment of a rank's children, which are no ranks.
pub const CHILD: &str = "AUTOKET_CHILD_OF_RANK";

/// Set for each process by launchers: Open MPI's; MPICH's, Intel's and Slurm's PMI; PMIx.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK"];

/// Was this process started by a launcher?
fn is_launched() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    LAUNCHED.into_iter().any(is_set) && !is_set(CHILD)
}

#[cfg(not(feature = "mpi"))]
mod alone {
    use crate::error::{Error, Result};
    use crate::ranks::Ranks;

    /// Nothing: this was built for one process.
    #[derive(Default)]
    pub struct Mpi(());

    impl Mpi {
        /// Was this process started by a launcher?
        pub fn is_begun(&self) -> bool {
            false
        }
    }

    /// This process alone.
    ///
    /// # Errors
    /// It was started as one of several.
    pub fn world() -> Result<(Ranks, Mpi)> {
        let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].map(std::env::var);
        let several = |size: &str| size.parse::<usize>().is_ok_and(|size| size > 1);
        if super::is_launched() && sizes.into_iter().flatten().any(|size| several(&size)) {
            return Err(Error::invalid(
                "mpi",
                "one process, for which this autoket was built",
                "several",
                "build it with the feature `mpi`, or start it without mpirun",
            ));
        }
        Ok(Default::default())
    }
}

#[cfg(feature = "mpi")]
mod launched {
    use std::process;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread::{sleep, yield_now};
    use std::time::Duration;

    use mpi::Threading;
    use mpi::datatype::PartitionMut;
    use mpi::environment::{Universe, is_initialized, threading_support};
    use mpi::request::{LocalScope, Request, scope};
    use mpi::topology::{Communicator as _, SimpleCommunicator};
    use mpi::traits::{CommunicatorCollectives as _, Destination as _, Root as _, Source as _};

    use crate::error::{Error, Result};
    use crate::ranks::{Communicator, Ranks};

    /// The part of this process in MPI, which ends when this is dropped: once all others' ends too.
    #[derive(Default)]
    pub struct Mpi {
        world: Option<Arc<World>>,
        // Ends MPI, if it was begun here.
        _universe: Option<Universe>,
    }

    impl Mpi {
        /// Was this process started by a launcher?
        pub fn is_begun(&self) -> bool {
            self.world.is_some()
        }
    }

    impl Drop for Mpi {
        fn drop(&mut self) {
            if let Some(world) = &self.world {
                world.leave();
            }
        }
    }

    /// The ranks that this process was started with. Without a launcher it is alone, and MPI is not begun.
    ///
    /// # Errors
    /// MPI does not work with threads.
    pub fn world() -> Result<(Ranks, Mpi)> {
        if !super::is_launched() {
            return Ok(Default::default());
        }
        // One thread at a time speaks, not always the same. Another library may have begun.
        let (universe, threading) = match is_initialized() {
            true => (None, threading_support()),
            false => mpi::initialize_with_threading(Threading::Serialized)
                .map_or((None, Threading::Single), |(it, level)| (Some(it), level)),
        };
        if threading < Threading::Serialized {
            return Err(Error::invalid(
                "mpi",
                "an MPI library that serves any thread",
                format!("{threading:?}"),
                "begin MPI with MPI_THREAD_SERIALIZED or MPI_THREAD_MULTIPLE",
            ));
        }
        let communicator = SimpleCommunicator::world();
        let world = Arc::new(World {
            rank: communicator.rank() as usize,
            size: communicator.size() as usize,
            process: process::id(),
            talk: Mutex::new(Talk {
                done: 0,
                left: vec![None; communicator.size() as usize],
            }),
        });
        let mpi = Mpi {
            world: Some(world.clone()),
            _universe: universe,
        };
        Ok((Ranks::new(world), mpi))
    }

    /// All ranks, as one of them sees them.
    struct World {
        rank: usize,
        size: usize,
        process: u32,
        talk: Mutex<Talk>,
    }

    struct Talk {
        /// How often this rank has gathered.
        done: u64,
        /// How often ranks that left had.
        left: Vec<Option<u64>>,
    }

    /// The tag of the last message of a rank.
    const LEAVES: i32 = 0x6b74;

    /// How often a rank that waits for others' end looks.
    const PATIENCE: Duration = Duration::from_millis(1);

    impl World {
        fn talk(&self) -> MutexGuard<'_, Talk> {
            self.talk.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Waits for what all do together, or ends all if one of them has ended before.
        fn finish<'a, D: ?Sized>(
            &self,
            mut request: Request<'a, D, &LocalScope<'a>>,
            talk: &mut Talk,
        ) {
            while let Err(unfinished) = request.test() {
                request = unfinished;
                talk.hear();
                if let Some(rank) = talk.missing() {
                    eprintln!(
                        "error: rank {rank} has ended, and rank {} waits for it; let all ranks do the same",
                        self.rank
                    );
                    self.abort(1);
                }
                yield_now();
            }
        }

        /// Tells the others that it does nothing more, and waits until they say so too.
        fn leave(&self) {
            let mut talk = self.talk();
            let (world, done) = (SimpleCommunicator::world(), talk.done);
            scope(|scope| {
                let others = (0..self.size).filter(|other| *other != self.rank);
                let told: Vec<_> = others
                    .clone()
                    .map(|other| {
                        let other = world.process_at_rank(other as i32);
                        other.immediate_send_with_tag(scope, &done, LEAVES)
                    })
                    .collect();
                while others.clone().any(|other| talk.left[other].is_none()) {
                    talk.hear();
                    sleep(PATIENCE);
                }
                told.into_iter().for_each(|told| told.wait_without_status());
            });
        }
    }

    impl Talk {
        /// Takes the messages of ranks that leave.
        fn hear(&mut self) {
            let world = SimpleCommunicator::world();
            let next = || {
                let sources = world.any_process();
                sources.immediate_matched_probe_with_tag(LEAVES)
            };
            while let Some((message, _)) = next() {
                let (done, status) = message.matched_receive::<u64>();
                self.left[status.source_rank() as usize] = Some(done);
            }
        }

        /// A rank that left and takes no part in what this one does.
        fn missing(&self) -> Option<usize> {
            let is_missing = |done: &Option<u64>| done.is_some_and(|done| done <= self.done);
            self.left.iter().position(is_missing)
        }
    }

    impl Communicator for World {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.size
        }

        fn all_gather(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) {
            if process::id() != self.process {
                eprintln!(
                    "error: a child process of a rank has no part in what ranks share; make states in the child itself"
                );
                process::exit(1);
            }
            let (world, mut talk) = (SimpleCommunicator::world(), self.talk());
            let givers = (0..self.size).filter(|&rank| lengths[rank] > 0);
            if 2 * givers.clone().count() <= self.size {
                // From few to all: from each as a tree, for what it has would leave it as often as there are others.
                let mut left = all;
                for giver in givers {
                    let (part, rest) = left.split_at_mut(lengths[giver]);
                    left = rest;
                    if giver == self.rank {
                        part.copy_from_slice(mine);
                    }
                    let giver = world.process_at_rank(giver as i32);
                    scope(|scope| {
                        self.finish(giver.immediate_broadcast_into(scope, part), &mut talk);
                    });
                }
            } else {
                let counts: Vec<i32> = lengths.iter().map(|&n| n as i32).collect();
                let mut end = 0;
                let place = |n: &i32| {
                    end += n;
                    end - n
                };
                let places: Vec<i32> = counts.iter().map(place).collect();
                let mut all = PartitionMut::new(all, counts, places);
                scope(|scope| {
                    let gathering = world.immediate_all_gather_varcount_into(scope, mine, &mut all);
                    self.finish(gathering, &mut talk);
                });
            }
            talk.done += 1;
        }

        fn abort(&self, status: u8) -> ! {
            SimpleCommunicator::world().abort(status.into())
        }
    }
}
