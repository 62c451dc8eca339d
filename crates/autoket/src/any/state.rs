//! A variational state of any scalar.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use faer::Mat;

use super::AnyModel;
use super::model::with_model;
use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::interrupt::Interrupt;
use crate::models::{Autoregressive, Samples};
use crate::module::{Array, Variables};
use crate::observables::Measurement;
use crate::operator::Operator;
use crate::params::Params;
use crate::random::Key;
use crate::sampler::DirectSampler;
use crate::scalar::{Dtype, Scalar, c64};
use crate::stats::Stats;
use crate::vqs::{Estimate, FullSumState, McState, VariationalState, log_psi};

/// [`McState`] or [`FullSumState`] of any scalar, with the samples drawn last, which expectation values share.
///
/// Samples are kept until parameters change or others are drawn. For a sum over all states they are the states.
pub trait AnyState: Any + Send + Sync {
    /// The space of σ.
    fn hilbert(&self) -> &Hilbert;
    /// The type of log ψ.
    fn dtype(&self) -> Dtype;
    /// Entries of θ, masked ones included.
    fn n_parameters(&self) -> usize;
    /// The collection `params`.
    fn variables(&self) -> Variables;
    /// Replaces all parameters.
    ///
    /// # Errors
    /// An array is missing, too many, or of another shape or type.
    fn set_variables(&mut self, variables: &Variables) -> Result<()>;
    /// Draws initial parameters.
    fn init(&mut self, key: Key);
    /// A θ-shaped vector as arrays, as [`variables`](Self::variables) has them.
    ///
    /// # Errors
    /// Another length or type than θ's.
    fn unravel(&self, vector: &Array) -> Result<Variables>;
    /// θ in one vector, of the type of log ψ.
    fn theta(&self) -> Array;
    /// Which entries of θ are not masked.
    fn active(&self) -> Vec<usize>;
    /// Replaces the parameters by those of a file.
    ///
    /// # Errors
    /// As [`Params::load`].
    fn load(&mut self, path: &Path) -> Result<()>;
    /// Writes the parameters to a safetensors file.
    ///
    /// # Errors
    /// The file cannot be written.
    fn save(&self, path: &Path) -> Result<()>;
    /// log ψ(σ), `(sample,)`.
    ///
    /// # Errors
    /// As [`check_batch`](crate::models::Ansatz::check_batch).
    fn log_psi(&self, sigma: &[u8]) -> Result<Array>;

    /// The sampler; `None` for a sum over all states.
    fn sampler(&self) -> Option<DirectSampler>;
    /// Goes on with another sampler; nothing for a sum over all states.
    fn set_sampler(&mut self, sampler: DirectSampler);
    /// The key by which the samples that are kept were drawn, or else the next will be.
    fn samples_key(&self) -> Option<Key>;
    /// Samples of one draw; `None` for a sum over all states.
    fn n_samples(&self) -> Option<usize>;
    /// Changes the samples of one draw, at least 1; nothing for a sum over all states.
    fn set_n_samples(&mut self, n_samples: usize);
    /// Draws fresh samples, which are kept: so many, or those of one draw.
    ///
    /// # Errors
    /// As [`McState::sample`].
    fn sample(&mut self, n_samples: Option<usize>) -> Result<&[u8]>;
    /// The samples that are kept; draws them if there are none.
    ///
    /// # Errors
    /// As [`McState::sample`].
    fn samples(&mut self) -> Result<&[u8]>;
    /// Forgets the samples.
    fn reset(&mut self);

    /// Local values of an operator on the samples that are kept, and what they estimate.
    ///
    /// # Errors
    /// An operator on another space.
    fn local_values(&mut self, operator: &dyn Operator) -> Result<(Vec<c64>, Stats)>;
    /// ⟨O⟩ and its gradient, θ-shaped, on the samples that are kept.
    ///
    /// # Errors
    /// An operator on another space.
    fn expect_and_grad(&mut self, operator: &dyn Operator) -> Result<(Stats, Array)>;
    /// ⟨O⟩ from so many fresh samples, which are not kept.
    ///
    /// # Errors
    /// As [`McState::expect_of`].
    fn expect_of(&mut self, operator: &dyn Operator, n_samples: usize) -> Result<Stats>;
    /// The quantum geometric tensor on the samples that are kept, by real parameters that are not masked.
    ///
    /// # Errors
    /// None but those of a sum over all states.
    fn metric(&mut self) -> Result<Mat<f64>>;
    /// Takes so many fresh samples into a measurement.
    ///
    /// # Errors
    /// An observable on another space; a sum over all states.
    fn measure(&mut self, measurement: &mut Measurement, n_samples: usize) -> Result<()>;
    /// Takes the samples that are kept into a measurement.
    ///
    /// # Errors
    /// As of [`measure`](Self::measure).
    fn measure_kept(&mut self, measurement: &mut Measurement) -> Result<()>;
    /// Lets another thread stop work that is under way, as [`VariationalState::set_interrupt`] says.
    fn set_interrupt(&mut self, interrupt: Interrupt);
    /// A copy.
    fn duplicate(&self) -> Box<dyn AnyState>;
}

/// A state by samples, with initial parameters by `parameters`.
///
/// # Errors
/// `n_samples` is 0.
pub fn mc_state(
    model: AnyModel,
    parameters: Key,
    sampler: DirectSampler,
    n_samples: usize,
) -> Result<Box<dyn AnyState>> {
    with_model!(model, model => {
        let params = model.init(parameters);
        let state = McState::of(model, params, sampler, n_samples)?;
        Ok(Box::new(Held::new(Kind::Mc(state))))
    })
}

/// A state summed over all basis states, with initial parameters by `parameters`.
///
/// # Errors
/// The Hilbert space is too large to enumerate.
pub fn full_sum_state(model: AnyModel, parameters: Key) -> Result<Box<dyn AnyState>> {
    with_model!(model, model => {
        let params = model.init(parameters);
        Ok(Box::new(Held::new(Kind::FullSum(FullSumState::of(model, params)?))))
    })
}

#[derive(Clone)]
enum Kind<S: Scalar> {
    Mc(McState<S>),
    FullSum(FullSumState<S>),
}

/// A state with the samples it drew last.
#[derive(Clone)]
pub(super) struct Held<S: Scalar> {
    kind: Kind<S>,
    samples: Option<Samples<S>>,
    /// The key of the last draw that may have been kept.
    drawn_by: Option<Key>,
}

impl<S: Scalar> Held<S> {
    fn new(kind: Kind<S>) -> Self {
        Self {
            kind,
            samples: None,
            drawn_by: None,
        }
    }

    fn next_key(&self) -> Option<Key> {
        match &self.kind {
            Kind::Mc(state) => Some(state.sampler().key()),
            Kind::FullSum(_) => None,
        }
    }

    /// The samples of an estimate are now those of the state.
    pub(super) fn keep(&mut self, samples: &Samples<S>) {
        match &mut self.samples {
            Some(kept) => kept.clone_from(samples),
            None => self.samples = Some(samples.clone()),
        }
    }

    fn state(&self) -> &dyn VariationalState<S> {
        match &self.kind {
            Kind::Mc(state) => state,
            Kind::FullSum(state) => state,
        }
    }

    fn state_mut(&mut self) -> &mut dyn VariationalState<S> {
        match &mut self.kind {
            Kind::Mc(state) => state,
            Kind::FullSum(state) => state,
        }
    }

    fn kept(&mut self) -> Result<&Samples<S>> {
        if self.samples.is_none() {
            self.drawn_by = self.next_key();
        }
        let drawn = match (&mut self.kind, self.samples.take()) {
            (_, Some(kept)) => kept,
            (Kind::Mc(state), None) => state.sample()?,
            (Kind::FullSum(state), None) => Samples {
                sigma: state.states().to_vec(),
                log_psi: Vec::new(),
            },
        };
        Ok(self.samples.insert(drawn))
    }

    /// An estimate on the samples that are kept.
    fn estimate(&mut self, operator: &dyn Operator) -> Result<Estimate<S>> {
        let samples = self.kept()?.clone();
        match &mut self.kind {
            Kind::Mc(state) => state.estimate_on(samples, operator),
            Kind::FullSum(state) => state.estimate(operator),
        }
    }

    fn vector(values: &[S]) -> Array {
        Array::new(&[values.len()], values.to_vec()).expect("one axis of all values")
    }

    fn by_samples(&mut self) -> Result<&mut McState<S>> {
        match &mut self.kind {
            Kind::Mc(state) => Ok(state),
            Kind::FullSum(_) => Err(Error::invalid(
                "state",
                "an `McState`",
                "a `FullSumState`, which has no samples",
                "take expectation values, which are exact",
            )),
        }
    }
}

impl<S: Scalar> VariationalState<S> for Held<S> {
    fn model(&self) -> &dyn Autoregressive<S> {
        self.state().model()
    }

    fn params(&self) -> &Params<S> {
        self.state().params()
    }

    fn params_mut(&mut self) -> &mut Params<S> {
        self.state_mut().params_mut()
    }

    fn estimate_into(&mut self, operator: &dyn Operator, out: &mut Estimate<S>) -> Result<()> {
        let key = self.next_key();
        self.state_mut().estimate_into(operator, out)?;
        self.drawn_by = key;
        Ok(())
    }

    fn rewind(&mut self) {
        self.state_mut().rewind();
    }

    fn key(&self) -> Option<Key> {
        self.state().key()
    }

    fn set_key(&mut self, key: Key) {
        self.state_mut().set_key(key);
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.state_mut().set_interrupt(interrupt);
    }

    fn interrupt(&self) -> &Interrupt {
        self.state().interrupt()
    }
}

impl<S: Scalar> AnyState for Held<S> {
    fn hilbert(&self) -> &Hilbert {
        self.model().hilbert()
    }

    fn dtype(&self) -> Dtype {
        S::DTYPE
    }

    fn n_parameters(&self) -> usize {
        self.params().layout.n_parameters()
    }

    fn variables(&self) -> Variables {
        Variables::from_params(self.params())
    }

    fn set_variables(&mut self, variables: &Variables) -> Result<()> {
        let params = variables.to_params(&self.params().layout)?;
        *self.params_mut() = params;
        self.reset();
        Ok(())
    }

    fn init(&mut self, key: Key) {
        let params = self.model().init(key);
        *self.params_mut() = params;
        self.reset();
    }

    fn unravel(&self, vector: &Array) -> Result<Variables> {
        let layout = &self.params().layout;
        let values: Vec<S> = vector.values()?;
        if values.len() != layout.n_parameters() {
            return Err(Error::invalid(
                "vector",
                format!("{} numbers, as θ has", layout.n_parameters()),
                values.len(),
                "give a vector of the state's parameters",
            ));
        }
        Ok(Variables::from_params(&Params {
            layout: Arc::clone(layout),
            values,
        }))
    }

    fn theta(&self) -> Array {
        Self::vector(&self.params().values)
    }

    fn active(&self) -> Vec<usize> {
        let layout = &self.params().layout;
        let all = 0..layout.n_parameters();
        all.filter(|&i| layout.active(i).is_some()).collect()
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let layout = Arc::clone(&self.params().layout);
        *self.params_mut() = Params::load(layout, path)?.params;
        self.reset();
        Ok(())
    }

    fn save(&self, path: &Path) -> Result<()> {
        self.params().save(path)
    }

    fn log_psi(&self, sigma: &[u8]) -> Result<Array> {
        let theta = &self.params().values;
        let log_psi = log_psi(self.model(), theta, sigma, self.interrupt())?;
        Ok(Self::vector(&log_psi))
    }

    fn sampler(&self) -> Option<DirectSampler> {
        match &self.kind {
            Kind::Mc(state) => Some(state.sampler()),
            Kind::FullSum(_) => None,
        }
    }

    fn samples_key(&self) -> Option<Key> {
        match self.samples {
            Some(_) => self.drawn_by,
            None => self.next_key(),
        }
    }

    fn set_sampler(&mut self, sampler: DirectSampler) {
        if let Kind::Mc(state) = &mut self.kind {
            state.set_sampler(sampler);
            self.samples = None;
        }
    }

    fn n_samples(&self) -> Option<usize> {
        match &self.kind {
            Kind::Mc(state) => Some(state.n_samples()),
            Kind::FullSum(_) => None,
        }
    }

    fn set_n_samples(&mut self, n_samples: usize) {
        if let Kind::Mc(state) = &mut self.kind {
            state.set_n_samples(n_samples);
            self.samples = None;
        }
    }

    fn sample(&mut self, n_samples: Option<usize>) -> Result<&[u8]> {
        match &mut self.kind {
            Kind::Mc(state) => {
                let per_draw = state.n_samples();
                let key = state.sampler().key();
                state.set_n_samples(n_samples.unwrap_or(per_draw));
                let drawn = state.sample();
                state.set_n_samples(per_draw);
                self.samples = Some(drawn?);
                self.drawn_by = Some(key);
            }
            Kind::FullSum(_) => self.samples = None,
        }
        self.samples()
    }

    fn samples(&mut self) -> Result<&[u8]> {
        Ok(&self.kept()?.sigma)
    }

    fn reset(&mut self) {
        self.samples = None;
    }

    fn local_values(&mut self, operator: &dyn Operator) -> Result<(Vec<c64>, Stats)> {
        let estimate = self.estimate(operator)?;
        Ok((estimate.local_values, estimate.stats))
    }

    fn expect_and_grad(&mut self, operator: &dyn Operator) -> Result<(Stats, Array)> {
        let estimate = self.estimate(operator)?;
        let params = self.params();
        let gradient = estimate.gradient_unless(self.model(), &params.values, self.interrupt())?;
        let gradient: Vec<S> = params.layout.scatter(&gradient);
        Ok((estimate.stats, Self::vector(&gradient)))
    }

    fn expect_of(&mut self, operator: &dyn Operator, n_samples: usize) -> Result<Stats> {
        self.by_samples()?.expect_of(operator, n_samples)
    }

    fn metric(&mut self) -> Result<Mat<f64>> {
        let identity = crate::operator::LocalOperator::identity(self.hilbert());
        let estimate = self.estimate(&identity)?;
        self.quantum_geometric_tensor(&estimate)
    }

    fn measure(&mut self, measurement: &mut Measurement, n_samples: usize) -> Result<()> {
        let state = self.by_samples()?;
        let per_step = state.n_samples();
        state.set_n_samples(n_samples);
        let measured = state.measure(measurement);
        state.set_n_samples(per_step);
        measured
    }

    fn measure_kept(&mut self, measurement: &mut Measurement) -> Result<()> {
        self.by_samples()?;
        self.kept()?;
        let (state, samples) = (self.state(), self.samples.as_ref());
        let sigma = samples.map_or(&[][..], |samples| &samples.sigma);
        measurement.fold(state.model(), &state.params().values, sigma)
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.state_mut().set_interrupt(interrupt);
    }

    fn duplicate(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }
}

impl dyn AnyState {
    /// The state of a scalar that is known.
    pub(super) fn typed<S: Scalar>(&self) -> Result<&Held<S>> {
        let any: &dyn Any = self;
        any.downcast_ref().ok_or_else(|| other_scalar::<S>(self))
    }

    /// The same, to change it.
    pub(super) fn typed_mut<S: Scalar>(&mut self) -> Result<&mut Held<S>> {
        self.typed::<S>()?;
        let any: &mut dyn Any = self;
        Ok(any.downcast_mut().expect("the scalar was looked at"))
    }
}

fn other_scalar<S: Scalar>(state: &dyn AnyState) -> Error {
    Error::invalid(
        "state",
        format!("a state of {}", S::DTYPE),
        format!("one of {}", state.dtype()),
        "make the driver anew for this state",
    )
}
