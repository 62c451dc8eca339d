//! A run whose scalar is chosen at run time: the one place where all four are named.

use std::path::Path;
use std::sync::Arc;

use num_complex::Complex;

use crate::driver::{Record, Vmc};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::{Ansatz, Design};
use crate::observables::Measurement;
use crate::operator::Operator;
use crate::optimizer::{Optimizer, Rule, Schedule, Sr, SrPlan};
use crate::params::Params;
use crate::scalar::{Dtype, Scalar};
use crate::stats::Stats;
use crate::vqs::{McState, VariationalState};

/// [`Vmc`] on an [`McState`] of any scalar.
pub enum AnyVmc {
    /// Single precision.
    Float32(Box<Vmc<f32, McState<f32>>>),
    /// Double precision.
    Float64(Box<Vmc<f64, McState<f64>>>),
    /// Complex, single precision.
    Complex64(Box<Vmc<Complex<f32>, McState<Complex<f32>>>>),
    /// Complex, double precision.
    Complex128(Box<Vmc<Complex<f64>, McState<Complex<f64>>>>),
}

/// What a run is made of.
#[derive(Clone)]
pub struct RunParts {
    /// The model.
    pub model: Design,
    /// Its scalar.
    pub dtype: Dtype,
    /// The Hamiltonian.
    pub hamiltonian: Arc<dyn Operator>,
    /// Samples of one step.
    pub n_samples: usize,
    /// The seed of parameters and samples.
    pub seed: i64,
    /// How the update moves the parameters.
    pub rule: Rule,
    /// How far.
    pub learning_rate: Schedule,
    /// Stochastic reconfiguration; `None`: the plain gradient.
    pub sr: Option<Sr>,
}

impl RunParts {
    /// The model's table for the samples of one step, then what it costs and reads, on a lattice of
    /// `[rows, columns]`.
    ///
    /// # Errors
    /// The model cannot be built; a lattice of another number of sites.
    pub fn inspect(&self, extent: [usize; 2]) -> Result<String> {
        match self.dtype {
            Dtype::Float32 => self.inspect_as::<f32>(extent),
            Dtype::Float64 => self.inspect_as::<f64>(extent),
            Dtype::Complex64 => self.inspect_as::<Complex<f32>>(extent),
            Dtype::Complex128 => self.inspect_as::<Complex<f64>>(extent),
        }
    }

    fn inspect_as<S: Scalar>(&self, extent: [usize; 2]) -> Result<String> {
        let model = self.model.build::<S>()?;
        let table = model.tabulate(self.n_samples);
        Ok(format!(
            "{}\n\n{}",
            table.trim_end(),
            model.describe(extent)?
        ))
    }
}

macro_rules! dispatch {
    ($any:expr, $vmc:ident => $body:expr) => {
        match $any {
            AnyVmc::Float32($vmc) => $body,
            AnyVmc::Float64($vmc) => $body,
            AnyVmc::Complex64($vmc) => $body,
            AnyVmc::Complex128($vmc) => $body,
        }
    };
}

impl AnyVmc {
    /// A driver at step 0.
    ///
    /// # Errors
    /// The model or the state cannot be built; the model and the Hamiltonian are on different spaces.
    pub fn new(parts: RunParts) -> Result<Self> {
        macro_rules! build {
            ($variant:ident) => {{
                let model = Arc::new(parts.model.build()?);
                let state = McState::new(model, parts.n_samples, parts.seed)?;
                let optimizer = Optimizer::new(parts.rule, parts.learning_rate);
                Self::$variant(Box::new(Vmc::new(
                    parts.hamiltonian,
                    state,
                    optimizer,
                    parts.sr,
                )?))
            }};
        }
        Ok(match parts.dtype {
            Dtype::Float32 => build!(Float32),
            Dtype::Float64 => build!(Float64),
            Dtype::Complex64 => build!(Complex64),
            Dtype::Complex128 => build!(Complex128),
        })
    }

    /// One step of [`Vmc::advance`].
    ///
    /// # Errors
    /// As there.
    pub fn advance(&mut self) -> Result<Record> {
        dispatch!(self, vmc => vmc.advance())
    }

    /// [`Vmc::set_memory`].
    pub fn set_memory(&mut self, bytes: usize) {
        dispatch!(self, vmc => vmc.set_memory(bytes))
    }

    /// [`Vmc::set_interrupt`].
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        dispatch!(self, vmc => vmc.set_interrupt(interrupt))
    }

    /// [`Vmc::plan`].
    pub fn plan(&self) -> Option<SrPlan> {
        dispatch!(self, vmc => vmc.plan())
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        dispatch!(self, vmc => vmc.steps())
    }

    /// The energy from so many fresh samples.
    ///
    /// # Errors
    /// None once a run has been built.
    pub fn energy(&mut self, n_samples: usize) -> Result<Stats> {
        dispatch!(self, vmc => vmc.energy(n_samples))
    }

    /// Takes so many fresh samples into a measurement.
    ///
    /// # Errors
    /// An observable on another space.
    pub fn measure(&mut self, measurement: &mut Measurement, n_samples: usize) -> Result<()> {
        dispatch!(self, vmc => {
            let per_step = vmc.state.n_samples();
            vmc.state.set_n_samples(n_samples);
            let measured = vmc.state.measure(measurement);
            vmc.state.set_n_samples(per_step);
            measured
        })
    }

    /// Takes the samples of the next step into a measurement; the step draws them again.
    ///
    /// # Errors
    /// An observable on another space.
    pub fn measure_step(&mut self, measurement: &mut Measurement) -> Result<()> {
        dispatch!(self, vmc => {
            let measured = vmc.state.measure(measurement);
            vmc.state.rewind();
            measured
        })
    }

    /// Replaces the parameters by those of a file.
    ///
    /// # Errors
    /// As [`Params::load`].
    pub fn load_parameters(&mut self, path: &Path) -> Result<()> {
        dispatch!(self, vmc => {
            let layout = Arc::clone(&vmc.state.params().layout);
            *vmc.state.params_mut() = Params::load(layout, path)?.params;
        });
        Ok(())
    }

    /// Parameters, masked entries included.
    pub fn n_parameters(&self) -> usize {
        dispatch!(self, vmc => vmc.state.params().layout.n_parameters())
    }

    /// Writes the parameters to a safetensors file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_parameters(&self, path: &Path) -> Result<()> {
        dispatch!(self, vmc => vmc.state.params().save(path))
    }
}
