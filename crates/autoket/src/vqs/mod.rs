//! Variational states: a model with its parameters, by samples or by all basis states.

mod portions;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, Distinct, Samples, check_length, same_space};
use crate::observables::Measurement;
use crate::operator::Operator;
use crate::optimizer::{Buffers, LogDerivatives};
use crate::params::Params;
use crate::random::Key;
use crate::sampler::DirectSampler;
use crate::scalar::{Real, Scalar, c64};
use crate::stats::Stats;

use portions::Interruptible;
pub(crate) use portions::{log_psi, portions};

/// Local values of an operator with the weight of each sample, and what they estimate.
#[derive(Clone, Debug, Default)]
pub struct Estimate<S> {
    /// The basis states.
    pub samples: Samples<S>,
    /// The weight of each; they sum to 1.
    pub weights: Vec<f64>,
    /// O_loc(σ) = Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ).
    pub local_values: Vec<c64>,
    /// Mean, error and variance.
    pub stats: Stats,
}

/// A variational state: what a driver needs of [`McState`] and [`FullSumState`].
pub trait VariationalState<S: Scalar>: Send {
    /// The wave function.
    fn model(&self) -> &dyn Autoregressive<S>;
    /// Its parameters.
    fn params(&self) -> &Params<S>;
    /// Its parameters, to change them.
    fn params_mut(&mut self) -> &mut Params<S>;
    /// Basis states, local values and statistics of an operator into `out`, whose memory is used again;
    /// draws fresh samples if it samples.
    fn estimate_into(&mut self, operator: &dyn Operator, out: &mut Estimate<S>) -> Result<()>;
    /// Lets another thread stop work that is under way: it ends with [`Error::Interrupted`], and nothing has changed.
    ///
    /// Draws and log ψ look for it every few hundred samples of a thread, local values in each sample.
    fn set_interrupt(&mut self, interrupt: Interrupt);
    /// What [`set_interrupt`](Self::set_interrupt) set.
    fn interrupt(&self) -> &Interrupt;
    /// Takes the last draw back: the next one gives the same samples.
    fn rewind(&mut self);
    /// The key of the next draw; `None` for a state that does not sample.
    fn key(&self) -> Option<Key>;
    /// Goes on from another key; nothing for a state that does not sample.
    fn set_key(&mut self, key: Key);

    /// Basis states, local values and statistics of an operator.
    fn estimate(&mut self, operator: &dyn Operator) -> Result<Estimate<S>> {
        let mut estimate = Estimate::default();
        self.estimate_into(operator, &mut estimate)?;
        Ok(estimate)
    }

    /// ⟨O⟩.
    fn expect(&mut self, operator: &dyn Operator) -> Result<Stats> {
        Ok(self.estimate(operator)?.stats)
    }

    /// ⟨O⟩ and its gradient ∂⟨O⟩/∂Re θ + i ∂⟨O⟩/∂Im θ, θ-shaped (NetKet's `expect_and_grad` for Hermitian O).
    fn expect_and_grad(&mut self, operator: &dyn Operator) -> Result<(Stats, Vec<S>)> {
        let estimate = self.estimate(operator)?;
        let theta = &self.params().values;
        let gradient = estimate.gradient_unless(self.model(), theta, self.interrupt())?;
        Ok((estimate.stats, self.params().layout.scatter(&gradient)))
    }

    /// The quantum geometric tensor Re⟨ΔO* ΔO⟩ by real parameters that are not masked, `(parameter, parameter)`.
    ///
    /// # Errors
    /// As [`Estimate::check`].
    fn quantum_geometric_tensor(&self, estimate: &Estimate<S>) -> Result<faer::Mat<f64>> {
        let (theta, interrupt) = (&self.params().values, self.interrupt());
        let buffers = Buffers::default();
        let derivatives =
            LogDerivatives::within(buffers, true, self.model(), theta, estimate, interrupt)?;
        let metric = derivatives.metric()?;
        interrupt.check()?;
        Ok(metric)
    }
}

impl<S: Scalar> Estimate<S> {
    /// 2 Re⟨O_k* (E_loc - E)⟩ for each real parameter k that is not masked: the gradient of the energy.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn gradient(&self, model: &dyn Autoregressive<S>, theta: &[S]) -> Result<Vec<f64>> {
        self.gradient_unless(model, theta, &Interrupt::default())
    }

    /// The same, unless it is interrupted.
    pub(crate) fn gradient_unless(
        &self,
        model: &dyn Autoregressive<S>,
        theta: &[S],
        interrupt: &Interrupt,
    ) -> Result<Vec<f64>> {
        let n_samples = self.check(model, theta)?;
        let cotangent: Vec<S> = self
            .local_values
            .iter()
            .zip(&self.weights)
            .map(|(e, weight)| S::from_c64((e - self.stats.mean) * 2.0 * weight))
            .collect();
        let mut gradient = vec![0.0; model.n_reals()];
        let n_sites = model.hilbert().n_sites();
        for portion in portions(model, n_samples, interrupt) {
            let portion = portion?;
            let sigma = &self.samples.sigma[portion.start * n_sites..portion.end * n_sites];
            model.vjp(theta, sigma, &cotangent[portion], &mut gradient)?;
        }
        Ok(gradient)
    }

    /// T ln |ψ|² on top of the local values, and of their mean: those of a free energy.
    pub(crate) fn heat(&mut self, temperature: f64) {
        let mut mean = 0.0;
        let samples = self.samples.log_psi.iter().zip(&self.weights);
        for ((log_psi, weight), value) in samples.zip(&mut self.local_values) {
            let heat = temperature * 2.0 * log_psi.re().widen();
            *value += heat;
            mean += weight * heat;
        }
        self.stats.mean += mean;
    }

    /// The same estimate with each state once, by the weight of all its samples: what follows from it is the same, but
    /// for rounding, and costs less where few states are drawn often, as in molecules. `None` if no state comes twice.
    ///
    /// Samples of one state have one local value.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn merged(&self, model: &dyn Autoregressive<S>, theta: &[S]) -> Result<Option<Self>> {
        let n_samples = self.check(model, theta)?;
        let n_sites = model.hilbert().n_sites();
        let Distinct { states, of_sample } = Distinct::of(&self.samples.sigma, n_sites);
        let n_states = states.len() / n_sites;
        if n_states == n_samples {
            return Ok(None);
        }
        let mut weights = vec![0.0; n_states];
        let mut local_values = vec![c64::ZERO; n_states];
        let samples = self.weights.iter().zip(&self.local_values);
        for (&state, (weight, value)) in of_sample.iter().zip(samples) {
            weights[state] += weight;
            local_values[state] = *value;
        }
        let mut log_psi = vec![S::zero(); n_states];
        for (&state, y) in of_sample.iter().zip(&self.samples.log_psi) {
            log_psi[state] = *y;
        }
        Ok(Some(Self {
            samples: Samples {
                sigma: states,
                log_psi,
            },
            weights,
            local_values,
            stats: self.stats,
        }))
    }

    /// The number of samples, if all that it holds is of so many.
    ///
    /// # Errors
    /// Samples that [`check_batch`](crate::models::Ansatz::check_batch) refuses; weights or local values that
    /// are not as many.
    pub fn check(&self, model: &dyn Autoregressive<S>, theta: &[S]) -> Result<usize> {
        let n_samples = model.check_batch(theta, &self.samples.sigma)?;
        check_length("weights", n_samples, self.weights.len())?;
        check_length("local_values", n_samples, self.local_values.len())?;
        Ok(n_samples)
    }
}

/// A state known by its samples.
///
/// ```
/// use std::sync::Arc;
/// use autoket::{graph::Graph, hilbert::Hilbert, models::ArnnConv2d, operator::ising};
/// use autoket::vqs::{McState, VariationalState};
/// let graph = Graph::square(3, false)?;
/// let hilbert = Hilbert::spin(0.5, 9)?;
/// let h = ising(&hilbert, &graph, 1.0, 1.0)?;
/// let model = ArnnConv2d::new(hilbert, 2, 4, [2, 3]).build::<f64>()?;
/// let mut state = McState::new(Arc::new(model), 256, 0)?;
/// let energy = state.expect(&h)?;
/// assert!(energy.error_of_mean < 1.0);
/// # Ok::<(), autoket::Error>(())
/// ```
#[derive(Clone)]
pub struct McState<S: Scalar> {
    model: Arc<dyn Autoregressive<S>>,
    params: Params<S>,
    sampler: DirectSampler,
    /// The sampler before the last draw.
    rewound: DirectSampler,
    n_samples: usize,
    interrupt: Interrupt,
}

impl<S: Scalar> McState<S> {
    /// A state with initial parameters and a sampler from `seed`, by the keys NetKet's `MCState` takes.
    ///
    /// # Errors
    /// `n_samples` is 0.
    pub fn new(model: Arc<dyn Autoregressive<S>>, n_samples: usize, seed: i64) -> Result<Self> {
        let params = model.init(Key::new(seed));
        Self::of(model, params, DirectSampler::of_seed(seed), n_samples)
    }

    /// A state with these parameters, which are the model's, and this sampler.
    ///
    /// # Errors
    /// `n_samples` is 0.
    pub fn of(
        model: Arc<dyn Autoregressive<S>>,
        params: Params<S>,
        sampler: DirectSampler,
        n_samples: usize,
    ) -> Result<Self> {
        if n_samples == 0 {
            return Err(Error::invalid(
                "n_samples",
                "at least 1",
                0,
                "give the samples of one step",
            ));
        }
        Ok(Self {
            params,
            sampler,
            rewound: sampler,
            model,
            n_samples,
            interrupt: Interrupt::default(),
        })
    }

    /// Draws fresh samples.
    ///
    /// # Errors
    /// Parameters of another length than the model's.
    pub fn sample(&mut self) -> Result<Samples<S>> {
        let mut samples = Samples::default();
        self.draw(&mut samples)?;
        Ok(samples)
    }

    fn draw(&mut self, samples: &mut Samples<S>) -> Result<()> {
        let (model, theta) = (&*self.model, &self.params.values);
        let before = self.sampler;
        self.sampler
            .sample_unless(model, theta, self.n_samples, samples, &self.interrupt)?;
        self.rewound = before;
        Ok(())
    }

    /// Local values and statistics of an operator on samples of this state.
    ///
    /// # Errors
    /// An operator on another space.
    pub fn estimate_on(&self, samples: Samples<S>, operator: &dyn Operator) -> Result<Estimate<S>> {
        let mut estimate = Estimate {
            samples,
            ..Estimate::default()
        };
        self.evaluate(operator, &mut estimate)?;
        Ok(estimate)
    }

    /// All but the samples of an estimate.
    fn evaluate(&self, operator: &dyn Operator, out: &mut Estimate<S>) -> Result<()> {
        same_space(self.model.hilbert(), operator)?;
        let n_samples = self.model.hilbert().check_batch(&out.samples.sigma)?;
        check_length("log_psi", n_samples, out.samples.log_psi.len())?;
        self.interrupt.check()?;
        let operator = Interruptible {
            operator,
            interrupt: &self.interrupt,
        };
        let distinct = Distinct::of(&out.samples.sigma, self.model.hilbert().n_sites());
        let theta = &self.params.values;
        let of_states = self
            .model
            .local_values(theta, &distinct.states, &operator)?;
        self.interrupt.check()?;
        out.local_values.resize(n_samples, c64::ZERO);
        distinct.spread(&of_states, &mut out.local_values);
        out.stats = Stats::of_samples(&out.local_values);
        out.weights.clear();
        out.weights.resize(n_samples, 1.0 / n_samples as f64);
        Ok(())
    }

    /// ⟨O⟩ from so many fresh samples, in portions of at most [`PORTION`].
    ///
    /// # Errors
    /// An operator on another space.
    pub fn expect_of(&mut self, operator: &dyn Operator, n_samples: usize) -> Result<Stats> {
        let per_step = self.n_samples;
        let mut local_values = Vec::with_capacity(n_samples.min(PORTION));
        while local_values.len() < n_samples {
            self.n_samples = PORTION.min(n_samples - local_values.len());
            let estimate = self.estimate(operator);
            self.n_samples = per_step;
            local_values.extend(estimate?.local_values);
        }
        Ok(Stats::of_samples(&local_values))
    }

    /// The sampler, at its next key.
    pub fn sampler(&self) -> DirectSampler {
        self.sampler
    }

    /// Goes on with another sampler.
    pub fn set_sampler(&mut self, sampler: DirectSampler) {
        self.sampler = sampler;
    }

    /// Takes fresh samples into a measurement.
    ///
    /// # Errors
    /// An observable on another space; as [`sample`](Self::sample).
    pub fn measure(&mut self, measurement: &mut Measurement) -> Result<()> {
        let samples = self.sample()?;
        measurement.fold(&*self.model, &self.params.values, &samples.sigma)
    }

    /// Samples of one step.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Changes the samples of one step; at least 1.
    pub fn set_n_samples(&mut self, n_samples: usize) {
        self.n_samples = n_samples.max(1);
    }
}

impl<S: Scalar> VariationalState<S> for McState<S> {
    fn model(&self) -> &dyn Autoregressive<S> {
        &*self.model
    }

    fn params(&self) -> &Params<S> {
        &self.params
    }

    fn params_mut(&mut self) -> &mut Params<S> {
        &mut self.params
    }

    fn estimate_into(&mut self, operator: &dyn Operator, out: &mut Estimate<S>) -> Result<()> {
        same_space(self.model.hilbert(), operator)?;
        self.draw(&mut out.samples)?;
        let result = self.evaluate(operator, out);
        if let Err(Error::Interrupted) = result {
            self.rewind();
        }
        result
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn rewind(&mut self) {
        self.sampler = self.rewound;
    }

    fn key(&self) -> Option<Key> {
        Some(self.sampler.key())
    }

    fn set_key(&mut self, key: Key) {
        self.sampler = self.sampler.at(key);
        self.rewound = self.sampler;
    }
}

/// Samples drawn at once for an expectation value of many.
pub const PORTION: usize = 1 << 16;

/// A state summed over all basis states: exact, for small systems, and the oracle of [`McState`].
#[derive(Clone)]
pub struct FullSumState<S: Scalar> {
    model: Arc<dyn Autoregressive<S>>,
    params: Params<S>,
    states: Vec<u8>,
    interrupt: Interrupt,
}

impl<S: Scalar> FullSumState<S> {
    /// A state with initial parameters from `seed`.
    ///
    /// # Errors
    /// The Hilbert space is too large to enumerate.
    pub fn new(model: Arc<dyn Autoregressive<S>>, seed: i64) -> Result<Self> {
        let params = model.init(Key::new(seed));
        Self::of(model, params)
    }

    /// A state with these parameters, which are the model's.
    ///
    /// # Errors
    /// The Hilbert space is too large to enumerate.
    pub fn of(model: Arc<dyn Autoregressive<S>>, params: Params<S>) -> Result<Self> {
        let states = model.hilbert().all_states()?;
        Ok(Self {
            params,
            states,
            model,
            interrupt: Interrupt::default(),
        })
    }

    /// All basis states, `(state, site)`.
    pub fn states(&self) -> &[u8] {
        &self.states
    }
}

impl<S: Scalar> VariationalState<S> for FullSumState<S> {
    fn model(&self) -> &dyn Autoregressive<S> {
        &*self.model
    }

    fn params(&self) -> &Params<S> {
        &self.params
    }

    fn params_mut(&mut self) -> &mut Params<S> {
        &mut self.params
    }

    fn estimate_into(&mut self, operator: &dyn Operator, out: &mut Estimate<S>) -> Result<()> {
        same_space(self.model.hilbert(), operator)?;
        let theta = &self.params.values;
        let (samples, weights) = (&mut out.samples, &mut out.weights);
        samples.sigma.clone_from(&self.states);
        samples.log_psi = log_psi(&*self.model, theta, &self.states, &self.interrupt)?;
        weights.clear();
        weights.extend(samples.log_psi.iter().map(|y| (2.0 * y.re().widen()).exp()));
        let norm: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= norm);
        out.local_values.resize(weights.len(), c64::ZERO);
        let operator = Interruptible {
            operator,
            interrupt: &self.interrupt,
        };
        self.model
            .local_values_into(theta, &self.states, &operator, &mut out.local_values)?;
        self.interrupt.check()?;
        out.stats = Stats::of_all_states(&out.local_values, weights);
        Ok(())
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    fn rewind(&mut self) {}

    fn key(&self) -> Option<Key> {
        None
    }

    fn set_key(&mut self, _: Key) {}
}
