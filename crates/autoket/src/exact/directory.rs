//! Where a state is found among many, ascending ones.

use super::orbits::{Bits, comes_before};

/// States for each place of a directory, about.
const STATES: usize = 8;
/// The most bits that a directory goes by.
const MAX_BITS: u32 = 32;

/// Where the states begin that share their first bits.
#[derive(Debug)]
pub(super) struct Directory {
    n_bits: u32,
    starts: Vec<usize>,
}

impl Directory {
    /// Of ascending states.
    pub fn new<const W: usize>(states: &[Bits<W>]) -> Self {
        let mut directory = Self {
            n_bits: (states.len() / STATES).max(1).ilog2().min(MAX_BITS),
            starts: vec![0],
        };
        for (place, state) in states.iter().enumerate() {
            let first_bits = directory.first_bits(state);
            while directory.starts.len() <= first_bits {
                directory.starts.push(place);
            }
        }
        directory.starts.push(states.len());
        directory
    }

    fn first_bits<const W: usize>(&self, state: &Bits<W>) -> usize {
        // All 64 bits away at once would be an overflow.
        (state[0] >> 1 >> (63 - self.n_bits)) as usize
    }

    /// The place of a state among those that the directory is of; `None` if it is not among them.
    pub fn place<const W: usize>(&self, states: &[Bits<W>], state: &Bits<W>) -> Option<usize> {
        let first_bits = self.first_bits(state);
        let (&start, &end) = (
            self.starts.get(first_bits)?,
            self.starts.get(first_bits + 1)?,
        );
        let before = states[start..end].partition_point(|other| comes_before(other, state));
        let place = start + before;
        (states.get(place) == Some(state)).then_some(place)
    }
}
