//! How conditionals are masked and normalised.

use super::dtype_of;
use crate::error::{Error, Result};
use crate::hilbert::{Automaton, Hilbert};
use crate::module::Array;
use crate::scalar::{Scalar, c64};

/// How conditionals are masked and normalised.
#[derive(Clone, Debug)]
pub struct Normalisation {
    pub(super) hilbert: Hilbert,
    pub(super) order: Vec<usize>,
    pub(super) automaton: Option<Automaton>,
    pub(super) machine_pow: u32,
}

impl Normalisation {
    /// For states of a space that are drawn in an order.
    ///
    /// # Errors
    /// An order that is none; a constraint that cannot be followed in it; `machine_pow` 0.
    pub fn new(hilbert: &Hilbert, order: &[usize], machine_pow: u32) -> Result<Self> {
        crate::graph::order::check("order", order, hilbert.n_sites())?;
        if machine_pow == 0 {
            let cure = "take 2 for |ψ|² = 1";
            return Err(Error::invalid("machine_pow", "a positive integer", 0, cure));
        }
        Ok(Self {
            hilbert: hilbert.clone(),
            order: order.to_vec(),
            automaton: hilbert.read_along(order)?,
            machine_pow,
        })
    }

    /// Masks and normalises log-amplitudes `(sample, site, local state)` of states `(sample, site)`.
    pub(super) fn apply<S: Scalar>(&self, sigma: &[u8], log_amplitudes: &mut [S]) {
        let (n, d) = (self.order.len(), self.hilbert.local_size());
        let samples = log_amplitudes.chunks_exact_mut(n * d);
        for (all, sigma) in samples.zip(sigma.chunks_exact(n)) {
            let mut place = 0;
            for (position, &site) in self.order.iter().enumerate() {
                let y = &mut all[site * d..][..d];
                self.normalise(position, place, y);
                if let Some(automaton) = &self.automaton {
                    place = automaton.next(position, place, sigma[site]);
                }
            }
        }
    }

    pub(super) fn normalise<S: Scalar>(&self, position: usize, place: u32, y: &mut [S]) {
        let forbidden = S::from_c64(c64::new(f64::NEG_INFINITY, 0.0));
        if let Some(automaton) = &self.automaton {
            for (index, y) in y.iter_mut().enumerate() {
                if !automaton.allows(position, place, index as u8) {
                    *y = forbidden;
                }
            }
        }
        let p = f64::from(self.machine_pow);
        let largest = y.iter().map(|y| y.to_c64().re);
        let largest = largest.fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return;
        }
        let sum: f64 = y
            .iter()
            .map(|y| (p * (y.to_c64().re - largest)).exp())
            .sum();
        let log_norm = largest + sum.ln() / p;
        for y in y {
            *y = S::from_c64(y.to_c64() - log_norm);
        }
    }

    /// Log-conditionals of log-amplitudes, both `(sample, site, local state)` arrays.
    ///
    /// # Errors
    /// Values that are no local states; another shape.
    pub fn log_conditionals(&self, states: &Array, log_amplitudes: &Array) -> Result<Array> {
        let sigma = self.hilbert.indices_of(&states.values::<f64>()?)?;
        let shape = self.shape(self.hilbert.check_batch(&sigma)?);
        let dtype = dtype_of(log_amplitudes, &shape)?;
        crate::module::with_dtype!(dtype, S => {
            let mut values = log_amplitudes.values::<S>()?;
            self.apply(&sigma, &mut values);
            Array::new(&shape, values)
        })
    }

    pub(super) fn shape(&self, n_samples: usize) -> [usize; 3] {
        [n_samples, self.order.len(), self.hilbert.local_size()]
    }
}
