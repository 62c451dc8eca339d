//! States and drivers whose scalar is chosen at run time: the one place where all four are named.

mod minimizer;
mod model;
mod state;

use std::path::Path;
use std::sync::Arc;

pub use minimizer::{AnyMinimizer, minimizer};
pub use model::AnyModel;
pub use state::{AnyState, full_sum_state, mc_state};

use crate::checkpoint::Checkpoint;
use crate::driver::{Record, finite_energy};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::models::{Ansatz, Design};
use crate::module::with_dtype;
use crate::observables::Measurement;
use crate::operator::{Operator, Symmetries};
use crate::optimizer::{Rule, Schedule, Sr, SrPlan};
use crate::random::Key;
use crate::ranks::Ranks;
use crate::sampler::DirectSampler;
use crate::scalar::{Dtype, Scalar};
use crate::stats::Stats;

/// [`Vmc`](crate::driver::Vmc) on an [`McState`](crate::vqs::McState) of any scalar.
pub struct AnyVmc {
    state: Box<dyn AnyState>,
    minimizer: Box<dyn AnyMinimizer>,
    hamiltonian: Arc<dyn Operator>,
}

/// What a run is made of.
#[derive(Clone)]
pub struct RunParts {
    /// The model.
    pub model: Design,
    /// What it is averaged over; `None`: it is as it is.
    pub symmetries: Option<Symmetries>,
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
    /// Of the free energy that is lowered.
    pub temperature: Schedule,
    /// Who shares the work.
    pub ranks: Ranks,
}

impl RunParts {
    /// The model's table for the samples of one step, then what it costs and reads, on a lattice of
    /// `[rows, columns]`.
    ///
    /// # Errors
    /// The model cannot be built; a lattice of another number of sites.
    pub fn inspect(&self, extent: [usize; 2]) -> Result<String> {
        with_dtype!(self.dtype, S => self.inspect_as::<S>(extent))
    }

    fn inspect_as<S: Scalar>(&self, extent: [usize; 2]) -> Result<String> {
        let model = self.model.build::<S>()?;
        let table = model.tabulate(self.n_samples);
        let averaged = self.symmetries.as_ref().map_or_else(String::new, |s| {
            format!(
                "average           over {} images of each state, each at these multiply-adds\n",
                s.order()
            )
        });
        let described = model.describe(extent)?;
        Ok(format!("{}\n\n{averaged}{described}", table.trim_end()))
    }
}

impl AnyVmc {
    /// A driver at step 0.
    ///
    /// # Errors
    /// The model cannot be built, or its space lacks the symmetries; there are no samples; the model and the Hamiltonian are
    /// on different spaces, or the Hamiltonian leaves its own.
    pub fn new(parts: RunParts) -> Result<Self> {
        let model = AnyModel::build(&parts.model, parts.dtype)?;
        let model = match parts.symmetries {
            None => model,
            Some(symmetries) => model.symmetrized(symmetries)?,
        };
        let model = model.shared(&parts.ranks);
        let sampler = DirectSampler::of_seed(parts.seed);
        let state = mc_state(model, Key::new(parts.seed), sampler, parts.n_samples)?;
        let hamiltonian = Arc::clone(&parts.hamiltonian);
        let mut minimizer = minimizer(
            &*state,
            parts.hamiltonian,
            parts.rule,
            parts.learning_rate,
            parts.sr,
        )?;
        minimizer.set_temperature(parts.temperature);
        Ok(Self {
            state,
            minimizer,
            hamiltonian,
        })
    }

    /// The state.
    pub fn state(&self) -> &dyn AnyState {
        &*self.state
    }

    /// One step of [`Vmc::advance`](crate::driver::Vmc::advance), whose samples are taken into a measurement.
    ///
    /// # Errors
    /// As there; an observable on another space.
    pub fn advance(&mut self, measurement: Option<&mut Measurement>) -> Result<Record> {
        let record = self.minimizer.propose(&mut *self.state)?;
        let measured = measurement.map(|measurement| self.state.measure_kept(measurement));
        if let Some(Err(error)) = measured {
            self.minimizer.withdraw(&mut *self.state)?;
            return Err(error);
        }
        self.minimizer.accept(&mut *self.state)?;
        Ok(record)
    }

    /// [`Minimizer::set_memory`](crate::driver::Minimizer::set_memory).
    pub fn set_memory(&mut self, bytes: usize) {
        self.minimizer.set_memory(bytes);
    }

    /// [`Minimizer::set_interrupt`](crate::driver::Minimizer::set_interrupt).
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.minimizer.set_interrupt(interrupt);
    }

    /// How a step's system will be solved; `None` without stochastic reconfiguration.
    pub fn plan(&self) -> Option<SrPlan> {
        let plan = self.minimizer.plan(&*self.state);
        plan.expect("a state of the minimizer's scalar")
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.minimizer.steps()
    }

    /// The energy from so many fresh samples.
    ///
    /// # Errors
    /// The energy is not finite.
    pub fn energy(&mut self, n_samples: usize) -> Result<Stats> {
        let energy = self.state.expect_of(&*self.hamiltonian, n_samples)?;
        finite_energy(energy, self.minimizer.steps())
    }

    /// Takes so many fresh samples into a measurement.
    ///
    /// # Errors
    /// An observable on another space.
    pub fn measure(&mut self, measurement: &mut Measurement, n_samples: usize) -> Result<()> {
        self.state.measure(measurement, n_samples)
    }

    /// Replaces the parameters by those of a file.
    ///
    /// # Errors
    /// As [`Params::load`](crate::params::Params::load).
    pub fn load_parameters(&mut self, path: &Path) -> Result<()> {
        self.state.load(path)
    }

    /// [`Vmc::checkpoint`](crate::driver::Vmc::checkpoint).
    ///
    /// # Errors
    /// None between two steps.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        self.minimizer.checkpoint(&*self.state)
    }

    /// [`Vmc::restore`](crate::driver::Vmc::restore).
    ///
    /// # Errors
    /// As there.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.minimizer.restore(&mut *self.state, checkpoint)
    }

    /// [`Minimizer::halve_learning_rate`](crate::driver::Minimizer::halve_learning_rate).
    pub fn halve_learning_rate(&mut self) {
        self.minimizer.halve_learning_rate();
    }

    /// Parameters, masked entries included.
    pub fn n_parameters(&self) -> usize {
        self.state.n_parameters()
    }

    /// Writes the parameters to a safetensors file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_parameters(&self, path: &Path) -> Result<()> {
        self.state.save(path)
    }
}
