//! Direct sampling.

use crate::error::Result;
use crate::models::{Autoregressive, Samples};
use crate::random::Key;
use crate::scalar::{Real, Scalar};

/// Draws independent samples from an autoregressive wave function; its state is a key.
///
/// The same seed gives NetKet's samples (`ARDirectSampler`), up to draws so near a boundary
/// that rounding decides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectSampler {
    key: Key,
    /// Are numbers of basis states drawn, from all of them, instead of sites?
    enumerates: bool,
}

impl DirectSampler {
    /// The sampler of a state that was given `seed` and nothing else.
    pub fn of_seed(seed: i64) -> Self {
        let [_, sampler_seed] = Key::new(seed).split();
        let [_, key] = sampler_seed.split();
        Self::new(key)
    }

    /// A sampler that begins at `key`.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            enumerates: false,
        }
    }

    /// A sampler that begins at `key` and draws the numbers of basis states from a list of them all:
    /// NetKet's `ExactSampler`, for small spaces.
    pub fn by_enumeration(key: Key) -> Self {
        Self {
            key,
            enumerates: true,
        }
    }

    /// The same sampler at another key.
    pub fn at(self, key: Key) -> Self {
        Self { key, ..self }
    }

    /// The key of the next draw.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Draws `n_samples` and moves on to the next key.
    ///
    /// # Errors
    /// A `theta` of another length than the layout's; a space that is too large to enumerate, where it is.
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
        if self.enumerates {
            let [next, draw] = self.key.split();
            draw_numbers(model, theta, n_samples, draw, samples)?;
            self.key = next;
            return Ok(());
        }
        // The second key is for the reference's cache, whose values do not matter.
        let [next, _, scan] = self.key.split();
        model.sample_into(theta, n_samples, scan, samples)?;
        self.key = next;
        Ok(())
    }
}

/// Samples by their numbers, as `jax.random.choice` draws these.
fn draw_numbers<S: Scalar>(
    model: &dyn Autoregressive<S>,
    theta: &[S],
    n_samples: usize,
    key: Key,
    samples: &mut Samples<S>,
) -> Result<()> {
    let states = model.hilbert().all_states()?;
    let log_psi = model.log_psi(theta, &states)?;
    let weights = log_psi.iter().map(|z| (2.0 * z.re().widen()).exp());
    let sums: Vec<f64> = weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let (last, n_sites) = (sums.len() - 1, model.hilbert().n_sites());
    samples.sigma.clear();
    samples.log_psi.clear();
    for i in 0..n_samples as u64 {
        let point = sums[last] * (1.0 - key.uniform(i));
        let number = sums.partition_point(|&sum| sum < point).min(last);
        let state = &states[number * n_sites..][..n_sites];
        samples.sigma.extend_from_slice(state);
        samples.log_psi.push(log_psi[number]);
    }
    Ok(())
}
