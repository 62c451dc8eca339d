//! Many ranks: processes that do the same run together, each for its share of the samples.
//!
//! Every rank holds the whole state and all samples of a step, and takes every decision from the same numbers. What costs
//! time is done once: [`Ranked`] is a model that evaluates its share of a batch and gathers the rest, and matrices of
//! stochastic reconfiguration are made column by column and gathered. Nothing is added up on the way: results are those
//! of one rank, to the last bit, whatever their number.
//!
//! In a step with N samples, P real parameters and numbers of b bytes a rank receives, besides what is small,
//!
//! - N (sites + 2b + 16) bytes of samples, log ψ and local energies;
//! - N P b bytes of log-derivatives (twice of a complex wave function), or, layer by layer, N times the features of all
//!   sites, and 8 P N/256 bytes of a gradient;
//! - 4 n² bytes of an n x n matrix.
//!
//! Cholesky decompositions are done by every rank.

mod ranked;
mod wire;

#[cfg(feature = "mpi")]
mod world;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use ranked::Ranked;
pub use wire::Wire;
#[cfg(feature = "mpi")]
pub use world::{World, world};

/// How ranks speak with each other. All of them call the same methods in the same order.
pub trait Communicator: Send + Sync {
    /// The number of this one, from 0.
    fn rank(&self) -> usize;
    /// How many there are.
    fn size(&self) -> usize;
    /// What each has, one after the other, for all: `lengths` says how many bytes each gives.
    fn all_gather(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]);
    /// Ends all of them.
    fn abort(&self, status: u8) -> !;
}

/// The ranks that do a run together; one alone by default.
#[derive(Clone, Default)]
pub struct Ranks(Option<Arc<dyn Communicator>>);

/// Numbers that one of the ranks has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) owner: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// Bytes gathered at once.
const ROUND: usize = 64 << 20;

/// One rank alone.
pub static ALONE: Ranks = Ranks(None);

impl Ranks {
    /// Those of a communicator.
    pub fn new(communicator: Arc<dyn Communicator>) -> Self {
        match communicator.size() {
            1 => Self(None),
            _ => Self(Some(communicator)),
        }
    }

    /// The number of this one, from 0.
    pub fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |ranks| ranks.rank())
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(1, |ranks| ranks.size())
    }

    /// Is it the one that writes files?
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Ends all of them; returns if this one is alone.
    pub fn abort(&self, status: u8) {
        if let Some(ranks) = &self.0 {
            ranks.abort(status);
        }
    }

    /// Does one of them say so?
    pub fn any(&self, this_one: bool) -> bool {
        self.all(u8::from(this_one)).contains(&1)
    }

    /// The smallest number of any.
    pub fn min(&self, x: u64) -> u64 {
        let mut bytes = vec![[0; 8]; self.size()];
        bytes[self.rank()] = x.to_le_bytes();
        self.complete(bytes.as_flattened_mut(), &self.parts(self.size(), 1, 8));
        let numbers = bytes.into_iter().map(u64::from_le_bytes);
        numbers.min().unwrap_or(x)
    }

    /// What each of them says.
    fn all(&self, mine: u8) -> Vec<u8> {
        let mut all = vec![0; self.size()];
        all[self.rank()] = mine;
        self.complete(&mut all, &self.parts(self.size(), 1, 1));
        all
    }

    /// How many of them are on this host.
    pub fn on_this_host(&self) -> usize {
        const LENGTH: usize = 256;
        let name = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
        let mut names = vec![0; self.size() * LENGTH];
        let n = name.len().min(LENGTH);
        names[self.rank() * LENGTH..][..n].copy_from_slice(&name[..n]);
        self.complete(&mut names, &self.parts(self.size(), 1, LENGTH));
        let mine = &names[self.rank() * LENGTH..][..LENGTH];
        names.chunks(LENGTH).filter(|name| *name == mine).count()
    }

    /// The bytes of the first one, for all.
    pub fn of_first(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.0.is_none() {
            return bytes;
        }
        let of_first = |len| Part {
            owner: 0,
            first: 0,
            len,
        };
        let mut length = (bytes.len() as u64).to_le_bytes();
        self.complete(&mut length, &[of_first(8)]);
        let mut bytes = bytes;
        bytes.resize(u64::from_le_bytes(length) as usize, 0);
        let n = bytes.len();
        self.complete(&mut bytes, &[of_first(n)]);
        bytes
    }

    /// The share of a rank in `n` things that are dealt out `unit` by `unit`, neighbours together.
    pub(crate) fn share(&self, rank: usize, n: usize, unit: usize) -> Range<usize> {
        let units = n.div_ceil(unit);
        let edge = |rank: usize| (units * rank / self.size() * unit).min(n);
        edge(rank)..edge(rank + 1)
    }

    /// This one's share.
    pub(crate) fn own_share(&self, n: usize, unit: usize) -> Range<usize> {
        self.share(self.rank(), n, unit)
    }

    /// All shares in `n` things as numbers, `width` of each thing.
    pub(crate) fn parts(&self, n: usize, unit: usize, width: usize) -> Vec<Part> {
        let of_rank = |owner| {
            let share = self.share(owner, n, unit);
            Part {
                owner,
                first: share.start * width,
                len: share.len() * width,
            }
        };
        (0..self.size()).map(of_rank).collect()
    }

    /// Makes `all` whole: of each part its owner has the numbers.
    pub(crate) fn complete<T: Wire>(&self, all: &mut [T], parts: &[Part]) {
        let Some(ranks) = &self.0 else {
            return;
        };
        // Rank by rank in turn, so that all have something to give in a round.
        let most = (ROUND / self.size() / T::BYTES).max(1);
        let turns = parts.iter().map(|part| part.len.div_ceil(most)).max();
        let piece = |part: &Part, turn: usize| {
            let done = turn * most;
            (done < part.len).then(|| Part {
                owner: part.owner,
                first: part.first + done,
                len: most.min(part.len - done),
            })
        };
        let of_turn = |turn| parts.iter().filter_map(move |part| piece(part, turn));
        let pieces: Vec<Part> = (0..turns.unwrap_or(0)).flat_map(of_turn).collect();
        let mut left = &pieces[..];
        let (mut mine, mut gathered) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = |part: &&Part| {
                bytes += part.len * T::BYTES;
                bytes <= ROUND
            };
            let n = left.iter().take_while(fits).count().max(1);
            let (round, rest) = left.split_at(n);
            left = rest;

            let mut lengths = vec![0; self.size()];
            mine.clear();
            for part in round {
                lengths[part.owner] += part.len * T::BYTES;
                if part.owner == self.rank() {
                    wire::write(&all[part.first..][..part.len], &mut mine);
                }
            }
            gathered.resize(lengths.iter().sum(), 0);
            ranks.all_gather(&mine, &lengths, &mut gathered);

            let mut at: Vec<usize> = lengths
                .iter()
                .scan(0, |end, n| {
                    *end += n;
                    Some(*end - n)
                })
                .collect();
            for part in round {
                let at = &mut at[part.owner];
                let n = part.len * T::BYTES;
                if part.owner != self.rank() {
                    wire::read(&gathered[*at..][..n], &mut all[part.first..][..part.len]);
                }
                *at += n;
            }
        }
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.size())
    }
}
