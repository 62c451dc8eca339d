//! Direct sampling.

use crate::error::Result;
use crate::models::{Autoregressive, Samples};
use crate::random::Key;
use crate::scalar::Scalar;

/// Draws independent samples from an autoregressive wave function; its state is a key.
///
/// The same seed gives NetKet's samples (`ARDirectSampler`), up to draws so near a boundary
/// that rounding decides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectSampler {
    key: Key,
}

impl DirectSampler {
    /// The sampler of a state that was given `seed` and nothing else.
    pub fn of_seed(seed: i64) -> Self {
        let [_, sampler_seed] = Key::new(seed).split();
        let [_, key] = sampler_seed.split();
        Self { key }
    }

    /// A sampler that begins at `key`.
    pub fn new(key: Key) -> Self {
        Self { key }
    }

    /// The key of the next draw.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Draws `n_samples` and moves on to the next key.
    ///
    /// # Errors
    /// A `theta` of another length than the layout's.
    pub fn sample<S: Scalar>(
        &mut self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        n_samples: usize,
    ) -> Result<Samples<S>> {
        let mut samples = Samples::default();
        self.sample_into(model, theta, n_samples, &mut samples)?;
        Ok(samples)
    }

    /// The same into memory used before.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub fn sample_into<S: Scalar>(
        &mut self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        n_samples: usize,
        samples: &mut Samples<S>,
    ) -> Result<()> {
        // The second key is for the reference's cache, whose values do not matter.
        let [next, _, scan] = self.key.split();
        model.sample_into(theta, n_samples, scan, samples)?;
        self.key = next;
        Ok(())
    }
}
