//! Direct sampling.

use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, Samples};
use crate::random::Key;
use crate::scalar::{Real, Scalar};
use crate::vqs::{log_psi, portions};

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
        self.sample_unless(model, theta, n_samples, samples, &Interrupt::default())
    }

    /// The same, unless it is interrupted: then it stays at its key.
    pub(crate) fn sample_unless<S: Scalar>(
        &mut self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        n_samples: usize,
        samples: &mut Samples<S>,
        interrupt: &Interrupt,
    ) -> Result<()> {
        if self.enumerates {
            let [next, draw] = self.key.split();
            draw_numbers(model, theta, n_samples, draw, samples, interrupt)?;
            self.key = next;
            return Ok(());
        }
        // The second key is for the reference's cache, whose values do not matter.
        let [next, _, scan] = self.key.split();
        let mut more = Samples::default();
        for places in portions(model, n_samples, interrupt) {
            let places = places?;
            let is_first = places.start == 0;
            let drawn = if is_first { &mut *samples } else { &mut more };
            model.sample_places_into(theta, places, scan, drawn)?;
            if !is_first {
                samples.sigma.append(&mut more.sigma);
                samples.log_psi.append(&mut more.log_psi);
            }
        }
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
    interrupt: &Interrupt,
) -> Result<()> {
    let states = model.hilbert().all_states()?;
    let log_psi = log_psi(model, theta, &states, interrupt)?;
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
