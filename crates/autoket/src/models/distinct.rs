//! States that come several times in a batch.

use std::collections::HashMap;

/// The states of a batch, each once, in the order in which they first come.
pub(crate) struct Distinct {
    /// `(state, site)`.
    pub states: Vec<u8>,
    /// The place of each sample's state among them.
    pub of_sample: Vec<usize>,
}

impl Distinct {
    /// Of a batch `(sample, site)`.
    pub fn of(sigma: &[u8], n_sites: usize) -> Self {
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        let mut states = Vec::new();
        let place = |sigma| {
            *places.entry(sigma).or_insert_with(|| {
                states.extend_from_slice(sigma);
                states.len() / n_sites - 1
            })
        };
        let of_sample = sigma.chunks_exact(n_sites).map(place).collect();
        Self { states, of_sample }
    }

    /// Puts for each sample what was found for its state.
    pub fn spread<T: Copy>(&self, of_states: &[T], of_samples: &mut [T]) {
        for (out, &state) in of_samples.iter_mut().zip(&self.of_sample) {
            *out = of_states[state];
        }
    }
}
