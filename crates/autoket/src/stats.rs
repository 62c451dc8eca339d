//! Estimates with their errors.

use crate::scalar::c64;

/// The estimate of an expectation value from independent samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// The mean.
    pub mean: c64,
    /// √(variance/n): the samples of a direct sampler are independent. 0 for a sum over all states.
    pub error_of_mean: f64,
    /// ⟨|O_loc - mean|²⟩.
    pub variance: f64,
    /// Samples used.
    pub n_samples: usize,
}

impl Stats {
    /// From local values of independent samples.
    pub fn of_samples(values: &[c64]) -> Self {
        let n = values.len() as f64;
        let (mean, variance) = moments(values, |_| 1.0 / n);
        Self {
            mean,
            error_of_mean: (variance / n).sqrt(),
            variance,
            n_samples: values.len(),
        }
    }

    /// From local values of all states and their probabilities: there is no error.
    pub fn of_all_states(values: &[c64], probabilities: &[f64]) -> Self {
        let (mean, variance) = moments(values, |n| probabilities[n]);
        Self {
            mean,
            error_of_mean: 0.0,
            variance,
            n_samples: values.len(),
        }
    }

    /// N Var/(E - E∞)² for the energy of N degrees of freedom, E∞ = 0 for traceless Hamiltonians:
    /// how far from an eigenstate (Wu et al., arXiv:2302.04919); 0 without variance, whatever the energy.
    pub fn v_score(&self, n_sites: usize, e_infinity: f64) -> f64 {
        if self.variance == 0.0 {
            return 0.0;
        }
        n_sites as f64 * self.variance / (self.mean.re - e_infinity).powi(2)
    }
}

/// Mean and variance, summed in order.
fn moments(values: &[c64], weight: impl Fn(usize) -> f64) -> (c64, f64) {
    let mean: c64 = values.iter().enumerate().map(|(n, v)| v * weight(n)).sum();
    let variance = values
        .iter()
        .enumerate()
        .map(|(n, v)| (v - mean).norm_sqr() * weight(n))
        .sum();
    (mean, variance)
}

impl std::fmt::Display for Stats {
    /// `-50.1862 ± 0.0013 [σ²=1.70e-3]`: digits as far as the error allows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.error_of_mean;
        let digits = match error > 0.0 && error.is_finite() {
            true => (1.0 - error.log10().floor()).clamp(0.0, 14.0) as usize,
            false => 10,
        };
        write!(f, "{:.digits$}", self.mean.re)?;
        // The imaginary part of a Hermitian operator's mean is noise.
        if self.mean.im.abs() > 5.0 * error.max(1e-10) {
            write!(f, "{:+.digits$}i", self.mean.im)?;
        }
        write!(f, " ± {error:.digits$} [σ²={:.2e}]", self.variance)
    }
}
