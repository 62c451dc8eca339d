//! Many ranks: processes that do the same run together, each for its share of the samples.
//!
//! Every rank holds the whole state and all samples of a step, and takes every decision from the same numbers. What costs
//! time is done once: [`Ranked`] is a model that evaluates its share of a batch and gathers the rest, and matrices of
//! stochastic reconfiguration are made column by column and gathered. Nothing is added up on the way: results are those
//! of one rank, to the last bit, whatever their number. Before each gather ranks tell each other what it is of: if they
//! do not agree, for a seed or a Hamiltonian differs or one of them does something alone, all end with a message.
//!
//! In a step with N samples, P real parameters and numbers of b bytes a rank receives, besides what is small,
//!
//! - N (sites + 2b + 16) bytes of samples, log ψ and local energies;
//! - N P b bytes of log-derivatives (twice of a complex wave function), or, layer by layer, N times the features of all
//!   sites, and 8 P N/256 bytes of a gradient;
//! - 4 n² bytes of an n x n matrix, as it is decomposed (layer by layer twice, for it is centred before).
//!
//! Bytes of up to two rounds of 64 MiB are staged on their way. Panels of Cholesky decompositions are made by every rank,
//! for others would wait for the one that did.

mod host;
mod question;
mod ranked;
mod wire;
mod world;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

pub use host::Threads;
pub(crate) use question::Question;
pub use ranked::Ranked;
pub use wire::Wire;
pub use world::{CHILD, Mpi, world};

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
pub struct Ranks(Option<Arc<Several>>);

struct Several {
    communicator: Arc<dyn Communicator>,
    staged: Mutex<Staged>,
}

/// Bytes on their way, in memory that is used again.
#[derive(Default)]
struct Staged {
    mine: Vec<u8>,
    all: Vec<u8>,
}

/// Numbers that one of the ranks has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) owner: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// How long a rank that failed waits for the first, which may have failed alike and have results to write.
const GRACE: Duration = Duration::from_secs(5);

/// Exit status of ranks that do not do the same.
const DISAGREE: u8 = 1;

/// Bytes gathered at once.
const ROUND: usize = 64 << 20;

/// One rank alone.
pub static ALONE: Ranks = Ranks(None);

impl Ranks {
    /// Those of a communicator.
    pub fn new(communicator: Arc<dyn Communicator>) -> Self {
        match communicator.size() {
            1 => Self(None),
            _ => Self(Some(Arc::new(Several {
                communicator,
                staged: Mutex::default(),
            }))),
        }
    }

    /// The number of this one, from 0.
    pub fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |ranks| ranks.communicator.rank())
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(1, |ranks| ranks.communicator.size())
    }

    /// Is it the one that writes files?
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Ends all of them; returns if this one is alone.
    pub fn abort(&self, status: u8) {
        if let Some(ranks) = &self.0 {
            ranks.communicator.abort(status);
        }
    }

    /// Returns at once in the first rank; in others when it has had time to end them all.
    ///
    /// Where all fail alike, one tells why.
    pub fn let_first_speak(&self) {
        if !self.is_first() {
            sleep(GRACE);
        }
    }

    /// Does one of them say so?
    pub fn any(&self, this_one: bool) -> bool {
        let all = self.gather("a decision", vec![u8::from(this_one)]);
        all.contains(&vec![1])
    }

    /// The smallest number of any.
    pub fn min(&self, x: u64) -> u64 {
        let all = self.gather("a smallest number", x.to_le_bytes().into());
        let numbers = all.into_iter().filter_map(|bytes| bytes.try_into().ok());
        numbers.map(u64::from_le_bytes).min().unwrap_or(x)
    }

    /// The bytes of the first one, for all.
    pub fn of_first(&self, bytes: Vec<u8>) -> Vec<u8> {
        let mine = match self.is_first() {
            true => bytes,
            false => Vec::new(),
        };
        self.gather("what the first has", mine).swap_remove(0)
    }

    /// What each of them says, in their order; all say something of this name.
    pub fn gather(&self, name: &'static str, mine: Vec<u8>) -> Vec<Vec<u8>> {
        if self.0.is_none() {
            return vec![mine];
        }
        let question = Question::new(name);
        let mut lengths = vec![[0; 8]; self.size()];
        lengths[self.rank()] = (mine.len() as u64).to_le_bytes();
        let parts = self.parts(self.size(), 1, 8);
        self.complete(lengths.as_flattened_mut(), &parts, question);

        let mut end = 0;
        let of_rank = |(owner, length): (usize, &[u8; 8])| {
            let (first, len) = (end, u64::from_le_bytes(*length) as usize);
            end += len;
            Part { owner, first, len }
        };
        let parts: Vec<Part> = lengths.iter().enumerate().map(of_rank).collect();
        let mut all = vec![0; end];
        let own = parts[self.rank()];
        all[own.first..][..own.len].copy_from_slice(&mine);
        self.complete(&mut all, &parts, question);
        let of_part = |part: &Part| all[part.first..][..part.len].to_vec();
        parts.iter().map(of_part).collect()
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

    /// Makes `all` whole: of each part its owner has the numbers. All ranks ask the same question.
    pub(crate) fn complete<T: Wire>(&self, all: &mut [T], parts: &[Part], question: Question) {
        let Some(several) = &self.0 else {
            return;
        };
        let ranks = &*several.communicator;
        self.agree(ranks, question.parts(parts));
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
        let mut staged = several
            .staged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut left = &pieces[..];
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
            for part in round {
                lengths[part.owner] += part.len * T::BYTES;
            }
            let (mine, gathered) = staged.of_lengths(lengths[self.rank()], lengths.iter().sum());
            let mut places = &mut *mine;
            for part in round.iter().filter(|part| part.owner == self.rank()) {
                let place = places.split_off_mut(..part.len * T::BYTES);
                wire::write(
                    &all[part.first..][..part.len],
                    place.expect("room for the own parts"),
                );
            }
            ranks.all_gather(mine, &lengths, gathered);

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

impl Staged {
    /// So many bytes of this rank, and of all; what they hold is of before.
    fn of_lengths(&mut self, mine: usize, all: usize) -> (&mut [u8], &mut [u8]) {
        let of_length = |bytes: &mut Vec<u8>, n: usize| {
            if bytes.len() < n {
                bytes.resize(n, 0);
            }
        };
        of_length(&mut self.mine, mine);
        of_length(&mut self.all, all);
        (&mut self.mine[..mine], &mut self.all[..all])
    }
}

impl Ranks {
    /// Ends all ranks if they do not ask the same.
    fn agree(&self, ranks: &dyn Communicator, question: Question) {
        let mine = question.to_bytes();
        let mut asked = vec![[0; question::BYTES]; self.size()];
        let lengths = vec![mine.len(); self.size()];
        ranks.all_gather(&mine, &lengths, asked.as_flattened_mut());
        if let Some(difference) = question::difference(&asked) {
            self.let_first_speak();
            eprintln!("error: {difference}");
            ranks.abort(DISAGREE);
        }
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.size())
    }
}
