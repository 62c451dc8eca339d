//! The run-time choice of the scalar: the one file that names all four besides `scalar`.

use std::path::Path;
use std::sync::Arc;

use num_complex::Complex;

use crate::config::{ModelConfig, RunConfig};
use crate::driver::{Record, Vmc};
use crate::error::Result;
use crate::operator::Operator;
use crate::scalar::{Dtype, Scalar};
use crate::stats::Stats;
use crate::vqs::{McState, VariationalState};

/// A [`Vmc`] over samples, with parameters of any of the four scalars.
pub enum AnyVmc {
    /// `float32`
    Float32(Vmc<f32, McState<f32>>),
    /// `float64`
    Float64(Vmc<f64, McState<f64>>),
    /// `complex64`
    Complex64(Vmc<Complex<f32>, McState<Complex<f32>>>),
    /// `complex128`
    Complex128(Vmc<Complex<f64>, McState<Complex<f64>>>),
}

/// Runs an expression on whichever [`Vmc`] an [`AnyVmc`] holds.
///
/// Four arms and no fallback: a scalar that is forgotten does not compile.
#[macro_export]
macro_rules! dispatch {
    ($any:expr, $vmc:ident => $body:expr) => {
        match $any {
            $crate::any::AnyVmc::Float32($vmc) => $body,
            $crate::any::AnyVmc::Float64($vmc) => $body,
            $crate::any::AnyVmc::Complex64($vmc) => $body,
            $crate::any::AnyVmc::Complex128($vmc) => $body,
        }
    };
}

impl AnyVmc {
    /// The driver that a run file describes, for a Hamiltonian made from it.
    ///
    /// # Errors
    /// The model does not fit the Hamiltonian's space.
    pub fn new(config: &RunConfig, hamiltonian: Arc<dyn Operator>) -> Result<Self> {
        let ModelConfig::ArnnConv2d(model) = &config.model;
        Ok(match model.dtype {
            Dtype::Float32 => Self::Float32(vmc(config, hamiltonian)?),
            Dtype::Float64 => Self::Float64(vmc(config, hamiltonian)?),
            Dtype::Complex64 => Self::Complex64(vmc(config, hamiltonian)?),
            Dtype::Complex128 => Self::Complex128(vmc(config, hamiltonian)?),
        })
    }

    /// One step: [`Vmc::advance`].
    ///
    /// # Errors
    /// As there.
    pub fn advance(&mut self) -> Result<Record> {
        dispatch!(self, vmc => vmc.advance())
    }

    /// ⟨O⟩ on `n_samples` fresh samples.
    ///
    /// # Errors
    /// The operator acts on another space.
    pub fn measure(&mut self, operator: &dyn Operator, n_samples: usize) -> Result<Stats> {
        dispatch!(self, vmc => measure(&mut vmc.state, operator, n_samples))
    }

    /// Writes the parameters as safetensors.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_parameters(&self, path: &Path) -> Result<()> {
        dispatch!(self, vmc => vmc.state.params().save(path))
    }

    /// Number of parameters, complex ones counted once and masked ones too.
    pub fn n_parameters(&self) -> usize {
        dispatch!(self, vmc => vmc.state.params().layout.n_parameters())
    }

    /// The model as a table.
    pub fn tabulate(&self) -> String {
        dispatch!(self, vmc => vmc.state.model().tabulate())
    }
}

/// Draws the samples of one step at a time: memory does not grow with `n_samples`.
fn measure<S: Scalar>(
    state: &mut McState<S>,
    operator: &dyn Operator,
    n_samples: usize,
) -> Result<Stats> {
    let per_step = state.n_samples();
    let mut values = Vec::with_capacity(n_samples);
    while values.len() < n_samples {
        state.set_n_samples(per_step.min(n_samples - values.len()));
        values.extend(state.estimate(operator)?.local_values);
    }
    state.set_n_samples(per_step);
    Ok(Stats::of_samples(&values))
}

fn vmc<S: Scalar>(
    config: &RunConfig,
    hamiltonian: Arc<dyn Operator>,
) -> Result<Vmc<S, McState<S>>> {
    let ModelConfig::ArnnConv2d(model) = &config.model;
    let model = model.model(hamiltonian.hilbert().clone()).build::<S>()?;
    let state = McState::new(Arc::new(model), config.sampler.n_samples, config.run.seed)?;
    let sr = config.sr.as_ref().map(|sr| sr.sr());
    Ok(Vmc::new(
        hamiltonian,
        state,
        config.optimizer.optimizer(),
        sr,
    ))
}
