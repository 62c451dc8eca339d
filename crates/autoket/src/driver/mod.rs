//! Variational Monte Carlo.

mod resume;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, same_space};
use crate::operator::{Operator, check_closed};
use crate::optimizer::{Optimizer, Schedule, Solution, Sr, SrPlan, SrSpace};
use crate::random::Key;
use crate::scalar::{Scalar, c64};
use crate::stats::Stats;
use crate::vqs::{Estimate, McState, VariationalState};

/// Minimises the energy of a variational state.
///
/// ```
/// use std::sync::Arc;
/// use autoket::{driver::Vmc, graph::Graph, hilbert::Hilbert, models::ArnnConv2d, operator::ising};
/// use autoket::{optimizer::{Optimizer, Sr}, vqs::McState};
/// let graph = Graph::square(3, false)?;
/// let hilbert = Hilbert::spin(0.5, 9)?;
/// let h = Arc::new(ising(&hilbert, &graph, 3.0, 1.0)?);
/// let model = ArnnConv2d::new(hilbert, 2, 4, [2, 3]).build::<f64>()?;
/// let state = McState::new(Arc::new(model), 256, 0)?;
/// let mut vmc = Vmc::new(h, state, Optimizer::sgd(0.05), Some(Sr::default()))?;
/// let first = vmc.advance()?.energy.mean.re;
/// for _ in 0..20 {
///     vmc.advance()?;
/// }
/// assert!(vmc.advance()?.energy.mean.re < first);
/// # Ok::<(), autoket::Error>(())
/// ```
pub struct Vmc<S: Scalar, V> {
    /// The state.
    pub state: V,
    minimizer: Minimizer<S>,
}

/// The part of [`Vmc`] that is not the state: a step in two halves, for whoever keeps the state elsewhere or wants
/// to look at an update before it is made.
pub struct Minimizer<S: Scalar> {
    hamiltonian: Arc<dyn Operator>,
    optimizer: Optimizer<S>,
    sr: Option<Sr>,
    temperature: Schedule,
    step: usize,
    /// Parameters at which the energy was last finite.
    good: Vec<S>,
    /// Memory of a step, for the next.
    estimate: Estimate<S>,
    space: SrSpace<S>,
    change: Vec<S>,
    /// Local energies while the estimate holds those of the free energy.
    energies: Vec<c64>,
    /// Is the change one that the optimizer has not made yet?
    is_proposed: bool,
    /// The key of the samples that it follows from, and the memory of stochastic reconfiguration before it.
    key: Option<Key>,
    previous: Vec<f64>,
}

/// What one step says.
#[derive(Clone, Debug)]
pub struct Record {
    /// The step, from 0.
    pub step: usize,
    /// The energy before the step's update.
    pub energy: Stats,
    /// How the update was found; `None` without stochastic reconfiguration.
    pub solution: Option<Solution>,
}

impl<S: Scalar, V: VariationalState<S>> Vmc<S, V> {
    /// A driver at step 0; without `sr` it follows the plain gradient.
    ///
    /// # Errors
    /// The Hamiltonian acts on another space than the state's, or [leaves](check_closed) it.
    pub fn new(
        hamiltonian: Arc<dyn Operator>,
        state: V,
        optimizer: Optimizer<S>,
        sr: Option<Sr>,
    ) -> Result<Self> {
        same_space(state.model().hilbert(), &*hamiltonian)?;
        let minimizer = Minimizer::new(hamiltonian, optimizer, sr)?;
        Ok(Self { state, minimizer })
    }

    /// [`Minimizer::set_memory`].
    pub fn set_memory(&mut self, bytes: usize) {
        self.minimizer.set_memory(bytes);
    }

    /// [`Minimizer::set_temperature`].
    pub fn set_temperature(&mut self, temperature: impl Into<Schedule>) {
        self.minimizer.set_temperature(temperature);
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.minimizer.steps()
    }

    /// The Hamiltonian.
    pub fn hamiltonian(&self) -> &dyn Operator {
        &*self.minimizer.hamiltonian
    }

    /// [`Minimizer::set_interrupt`].
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.minimizer.set_interrupt(interrupt);
    }

    /// One step: samples and local energies, log-derivatives, solve, update.
    ///
    /// # Errors
    /// The energy or the update is not finite: the parameters are still those of the last good step.
    /// The step was interrupted: the next one is the same step, with the same samples.
    pub fn advance(&mut self) -> Result<Record> {
        let record = self.minimizer.propose(&mut self.state)?;
        self.minimizer.accept(&mut self.state)?;
        Ok(record)
    }
}

impl<S: Scalar> Minimizer<S> {
    /// A minimizer at step 0; without `sr` it follows the plain gradient.
    ///
    /// # Errors
    /// The Hamiltonian [leaves](check_closed) its space.
    pub fn new(
        hamiltonian: Arc<dyn Operator>,
        optimizer: Optimizer<S>,
        sr: Option<Sr>,
    ) -> Result<Self> {
        check_closed(&*hamiltonian)?;
        Ok(Self {
            hamiltonian,
            optimizer,
            sr,
            temperature: Schedule::Constant(0.0),
            step: 0,
            good: Vec::new(),
            estimate: Estimate::default(),
            space: SrSpace::default(),
            change: Vec::new(),
            energies: Vec::new(),
            is_proposed: false,
            key: None,
            previous: Vec::new(),
        })
    }

    /// Bounds what is kept of log-derivatives and the matrix made of them, in bytes; results do not depend on it
    /// but for rounding, where it makes another form of the system the cheapest.
    pub fn set_memory(&mut self, bytes: usize) {
        self.space.memory = bytes;
    }

    /// Lets another thread stop a step that is under way.
    ///
    /// A step looks for it in each block of samples, in each product of the solver, each panel of a Cholesky
    /// decomposition and each iteration. Ranks wait for each other: raise it in all of them or in none.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.space.interrupt = interrupt;
    }

    /// Another learning rate from the next step on.
    pub fn set_learning_rate(&mut self, learning_rate: impl Into<Schedule>) {
        self.optimizer.set_learning_rate(learning_rate);
    }

    /// Another way to solve for the update, from the next step on.
    pub fn set_sr(&mut self, sr: Option<Sr>) {
        self.sr = sr;
    }

    /// Lowers the free energy ⟨H⟩ - T S in place of the energy, S = -Σ |ψ|² ln |ψ|² the entropy of what is drawn.
    ///
    /// States of small weight are hardly drawn, and those that once were lost do not come back: what has to change
    /// the sign of its amplitude goes by way of small weights. Where signs are to be learned, begin with a T of the
    /// order of a coupling and let it fall to 0. What is recorded is the energy.
    /// Source: M. Hibat-Allah et al., *Variational neural annealing*, Nat. Mach. Intell. 3, 952 (2021).
    pub fn set_temperature(&mut self, temperature: impl Into<Schedule>) {
        self.temperature = temperature.into();
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// What the last [`propose`](Self::propose) found: samples, local energies, statistics.
    pub fn estimate(&self) -> &Estimate<S> {
        &self.estimate
    }

    /// The update that the last [`propose`](Self::propose) found, θ-shaped, before the optimizer.
    pub fn change(&self) -> &[S] {
        &self.change
    }

    /// How a step's system will be solved for a state of so many samples, if no state comes twice among them; `None`
    /// without stochastic reconfiguration.
    pub fn plan(&self, model: &dyn Autoregressive<S>, n_samples: usize) -> Option<SrPlan> {
        let n_states = model.hilbert().n_states().unwrap_or(u64::MAX);
        let n_samples = n_samples.min(n_states.try_into().unwrap_or(usize::MAX));
        let plan = |sr: &Sr| sr.plan(model, n_samples, self.space.memory);
        self.sr.as_ref().map(plan)
    }

    /// The first half of a step: samples and local energies, log-derivatives, solve.
    ///
    /// # Errors
    /// The state is of another space than the Hamiltonian.
    /// The energy or the update is not finite: the parameters are those of the last good step.
    /// It was interrupted: the next one is the same step, with the same samples.
    pub fn propose(&mut self, state: &mut dyn VariationalState<S>) -> Result<Record> {
        // A proposal that was not accepted is given up, its samples are not drawn again.
        self.forget();
        self.key = state.key();
        let interrupt = self.space.interrupt.clone();
        interrupt.check()?;
        state.set_interrupt(interrupt);
        let estimated = state.estimate_into(&*self.hamiltonian, &mut self.estimate);
        // It is asked to stop for this step only.
        state.set_interrupt(Interrupt::default());
        estimated?;
        let result = self.follow_estimate(state);
        if let Err(Error::Interrupted) = result {
            state.rewind();
        }
        result
    }

    /// Takes the last proposal back, if it was not accepted: the next one is the same, with the same samples.
    pub fn withdraw(&mut self, state: &mut dyn VariationalState<S>) {
        if let (true, Some(key)) = (self.is_proposed, self.key) {
            state.set_key(key);
        }
        self.forget();
    }

    /// Nothing is proposed, and the memory of stochastic reconfiguration is that of the last step.
    fn forget(&mut self) {
        if self.is_proposed {
            self.space.previous.clone_from(&self.previous);
            self.is_proposed = false;
        } else {
            self.previous.clone_from(&self.space.previous);
        }
    }

    /// The part of a step that follows from its samples and local energies.
    fn follow_estimate(&mut self, state: &mut dyn VariationalState<S>) -> Result<Record> {
        let step = self.step;
        let estimate = &self.estimate;
        let mean = estimate.stats.mean;
        let params = state.params_mut();
        if !(mean.re.is_finite() && mean.im.is_finite()) {
            if self.good.len() == params.values.len() {
                params.values.clone_from(&self.good);
            }
            return Err(not_finite("the energy", step));
        }
        self.good.clone_from(&params.values);

        let (energy, temperature) = (estimate.stats, self.temperature.at(step));
        let is_heated = temperature != 0.0;
        if is_heated {
            self.energies.clone_from(&self.estimate.local_values);
            self.estimate.heat(temperature);
        }
        let solution = self.find_change(state);
        if is_heated {
            std::mem::swap(&mut self.energies, &mut self.estimate.local_values);
            self.estimate.stats = energy;
        }
        self.is_proposed = solution.is_ok();
        Ok(Record {
            step,
            energy,
            solution: solution?,
        })
    }

    /// The change of parameters that lowers what the estimate is of.
    fn find_change(&mut self, state: &dyn VariationalState<S>) -> Result<Option<Solution>> {
        let (model, theta) = (state.model(), &state.params().values);
        let (step, merged) = (self.step, self.estimate.merged(model, theta)?);
        let estimate = merged.as_ref().unwrap_or(&self.estimate);
        let (gradient, mut solution);
        let update = match &self.sr {
            None => {
                let interrupt = &self.space.interrupt;
                gradient = estimate.gradient_unless(model, theta, interrupt)?;
                solution = None;
                &gradient
            }
            Some(sr) => {
                let found = sr.update(model, theta, estimate, step, &mut self.space)?;
                solution = None;
                &solution.insert(found).update
            }
        };
        finite("the update", step, update.iter().copied())?;
        state.params().layout.scatter_into(update, &mut self.change);
        Ok(solution)
    }

    /// The second half: the optimizer moves the parameters.
    ///
    /// # Errors
    /// Nothing has been proposed since the last step, or not for this state.
    /// A parameter would not be finite: all stay as they are.
    pub fn accept(&mut self, state: &mut dyn VariationalState<S>) -> Result<()> {
        let params = state.params_mut();
        if !self.is_proposed || self.change.len() != params.values.len() {
            return Err(Error::invalid(
                "step",
                "an update that was proposed for this state",
                "none",
                "call `propose` before each `accept`",
            ));
        }
        if !self
            .optimizer
            .apply(self.step, &mut params.values, &self.change)
        {
            self.forget();
            return Err(not_finite("a parameter", self.step));
        }
        self.is_proposed = false;
        self.step += 1;
        Ok(())
    }

    /// The second half where the caller moves the parameters by [`change`](Self::change) as it likes.
    pub fn accept_elsewhere(&mut self) {
        self.is_proposed = false;
        self.step += 1;
    }
}

impl<S: Scalar> Vmc<S, McState<S>> {
    /// How a step's system will be solved; `None` without stochastic reconfiguration.
    pub fn plan(&self) -> Option<SrPlan> {
        let (model, n_samples) = (self.state.model(), self.state.n_samples());
        self.minimizer.plan(model, n_samples)
    }

    /// The energy from so many fresh samples; an [`Interrupt`] does not end it.
    ///
    /// # Errors
    /// The energy is not finite.
    pub fn energy(&mut self, n_samples: usize) -> Result<Stats> {
        let energy = self
            .state
            .expect_of(&*self.minimizer.hamiltonian, n_samples)?;
        finite_energy(energy, self.minimizer.step)
    }
}

/// An energy, if it is a number.
pub(crate) fn finite_energy(energy: Stats, step: usize) -> Result<Stats> {
    finite("the energy", step, [energy.mean.re, energy.mean.im])?;
    Ok(energy)
}

fn finite(what: &str, step: usize, numbers: impl IntoIterator<Item = f64>) -> Result<()> {
    match numbers.into_iter().all(f64::is_finite) {
        true => Ok(()),
        false => Err(not_finite(what, step)),
    }
}

fn not_finite(what: &str, step: usize) -> Error {
    Error::NotFinite {
        what: what.to_owned(),
        step,
        cure: "the parameters of the step before are kept; \
               lower the learning rate or raise sr.diag_shift"
            .to_owned(),
    }
}
