//! Variational Monte Carlo.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::interrupt::Interrupt;
use crate::models::same_space;
use crate::operator::{Connected, Operator, check_closed};
use crate::optimizer::{Optimizer, Solution, Sr, SrPlan, SrSpace};
use crate::scalar::Scalar;
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
    hamiltonian: Arc<dyn Operator>,
    /// The state.
    pub state: V,
    optimizer: Optimizer<S>,
    sr: Option<Sr>,
    step: usize,
    /// Parameters at which the energy was last finite.
    good: Vec<S>,
    /// Memory of a step, for the next.
    estimate: Estimate<S>,
    space: SrSpace<S>,
    change: Vec<S>,
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
        check_closed(&*hamiltonian)?;
        Ok(Self {
            hamiltonian,
            state,
            optimizer,
            sr,
            step: 0,
            good: Vec::new(),
            estimate: Estimate::default(),
            space: SrSpace::default(),
            change: Vec::new(),
        })
    }

    /// Bounds what is kept of log-derivatives and the matrix made of them, in bytes; results do not depend on it
    /// but for rounding, where it makes another form of the system the cheapest.
    pub fn set_memory(&mut self, bytes: usize) {
        self.space.memory = bytes;
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// The Hamiltonian.
    pub fn hamiltonian(&self) -> &dyn Operator {
        &*self.hamiltonian
    }

    /// Lets another thread stop a step that is under way.
    ///
    /// A step looks for it in each block of samples, in each product of the solver and each iteration, but not
    /// in the midst of a Cholesky decomposition.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.space.interrupt = interrupt;
    }

    /// One step: samples and local energies, log-derivatives, solve, update.
    ///
    /// # Errors
    /// The energy or the update is not finite: the parameters are still those of the last good step.
    /// The step was interrupted: the next one is the same step, with the same samples.
    pub fn advance(&mut self) -> Result<Record> {
        let interrupt = self.space.interrupt.clone();
        interrupt.check()?;
        let hamiltonian = Interruptible {
            operator: &*self.hamiltonian,
            interrupt: &interrupt,
        };
        self.state.estimate_into(&hamiltonian, &mut self.estimate)?;
        let result = interrupt.check().and_then(|()| self.follow_estimate());
        if let Err(Error::Interrupted) = result {
            self.state.rewind();
        }
        result
    }

    /// The part of a step that follows from its samples and local energies.
    fn follow_estimate(&mut self) -> Result<Record> {
        let step = self.step;
        let estimate = &self.estimate;
        let mean = estimate.stats.mean;
        let params = self.state.params_mut();
        if !(mean.re.is_finite() && mean.im.is_finite()) {
            if !self.good.is_empty() {
                params.values.clone_from(&self.good);
            }
            return Err(not_finite("the energy", step));
        }
        self.good.clone_from(&params.values);

        let (model, theta) = (self.state.model(), &self.state.params().values);
        let (gradient, mut solution);
        let update = match &self.sr {
            None => {
                (gradient, solution) = (estimate.gradient(model, theta)?, None);
                &gradient
            }
            Some(sr) => {
                let found = sr.update(model, theta, estimate, step, &mut self.space)?;
                solution = None;
                &solution.insert(found).update
            }
        };
        finite("the update", step, update.iter().copied())?;

        let params = self.state.params_mut();
        params.layout.scatter_into(update, &mut self.change);
        if !self.optimizer.apply(step, &mut params.values, &self.change) {
            return Err(not_finite("a parameter", step));
        }
        self.step += 1;
        Ok(Record {
            step,
            energy: self.estimate.stats,
            solution,
        })
    }
}

/// An operator whose rows are empty once it is interrupted: local values then end early and are worth nothing.
struct Interruptible<'a> {
    operator: &'a dyn Operator,
    interrupt: &'a Interrupt,
}

impl Operator for Interruptible<'_> {
    fn hilbert(&self) -> &Hilbert {
        self.operator.hilbert()
    }

    fn is_hermitian(&self) -> bool {
        self.operator.is_hermitian()
    }

    fn is_real(&self) -> bool {
        self.operator.is_real()
    }

    fn max_conn_size(&self) -> usize {
        self.operator.max_conn_size()
    }

    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        match self.interrupt.is_raised() {
            true => out.clear(),
            false => self.operator.connected(sigma, out),
        }
    }
}

impl<S: Scalar> Vmc<S, McState<S>> {
    /// How a step's system will be solved; `None` without stochastic reconfiguration.
    pub fn plan(&self) -> Option<SrPlan> {
        let plan = |sr: &Sr| {
            sr.plan(
                self.state.model(),
                self.state.n_samples(),
                self.space.memory,
            )
        };
        self.sr.as_ref().map(plan)
    }

    /// The energy from so many fresh samples, in portions of at most [`PORTION`]; an [`Interrupt`] does not end it.
    ///
    /// # Errors
    /// The energy is not finite.
    pub fn energy(&mut self, n_samples: usize) -> Result<Stats> {
        let per_step = self.state.n_samples();
        let mut local_values = Vec::with_capacity(n_samples.min(PORTION));
        while local_values.len() < n_samples {
            self.state
                .set_n_samples(PORTION.min(n_samples - local_values.len()));
            local_values.extend(self.state.estimate(&*self.hamiltonian)?.local_values);
        }
        self.state.set_n_samples(per_step);
        let energy = Stats::of_samples(&local_values);
        finite("the energy", self.step, [energy.mean.re, energy.mean.im])?;
        Ok(energy)
    }
}

/// Samples drawn at once for an energy of many.
pub const PORTION: usize = 1 << 16;

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
