//! Variational states.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use autoket::any::{self, AnyState};
use autoket::random::Key;
use autoket::sampler::DirectSampler;
use autoket::{Error, Interrupt, stats};
use num_complex::Complex;
use numpy::{IntoPyArray, PyArray1, PyArrayDyn};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyDict;

use crate::arrays::{States, from_numpy, shaped, to_numpy};
use crate::errors::{OrRaise, exception};
use crate::models::{Module, Wave};
use crate::module::{from_mapping, to_dict};
use crate::operator::Operator;
use crate::ranks::ranks;
use crate::signals::watched;

/// Mean, error of the mean, variance, samples.
pub type Stats = (Complex<f64>, f64, f64, usize);

/// Statistics as Python takes them.
pub fn numbers(stats: &stats::Stats) -> Stats {
    (
        stats.mean,
        stats.error_of_mean,
        stats.variance,
        stats.n_samples,
    )
}

/// A state by samples, or summed over all basis states.
#[pyclass(frozen, module = "autoket._native")]
pub struct State(Mutex<Box<dyn AnyState>>);

/// A key of Python.
pub type Words = (u32, u32);

fn key((high, low): Words) -> Key {
    Key::from_words([high, low])
}

/// The wave function of a model.
pub fn wave(model: &Module) -> PyResult<&Wave> {
    model.wave.as_ref().ok_or_else(|| {
        let cure = "take an autoregressive model of nk.models";
        exception(Error::invalid(
            "model",
            "a wave function",
            "another module",
            cure,
        ))
    })
}

impl State {
    /// The state, once no other thread works with it.
    pub fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Box<dyn AnyState>> {
        self.0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work with a state: Ctrl-C ends it within a moment, and leaves the state as it was.
///
/// # Errors
/// As [`watched`].
fn with_state<T: Send>(
    py: Python<'_>,
    state: &mut dyn AnyState,
    work: impl FnOnce(&mut dyn AnyState) -> Result<T, Error> + Send,
) -> PyResult<Result<T, Error>> {
    let interrupt = Interrupt::default();
    state.set_interrupt(interrupt.clone());
    watched(py, &interrupt, || work(state))
}

#[pymethods]
impl State {
    /// A state by samples.
    #[staticmethod]
    fn mc(
        py: Python<'_>,
        model: &Module,
        parameters: Words,
        sampler: Words,
        enumerates: bool,
        n_samples: usize,
    ) -> PyResult<Self> {
        let wave = wave(model)?;
        let ranks = ranks(py);
        let state = py.detach(|| {
            let model = wave.build()?.shared(&ranks);
            let sampler = match enumerates {
                true => DirectSampler::by_enumeration(key(sampler)),
                false => DirectSampler::new(key(sampler)),
            };
            any::mc_state(model, key(parameters), sampler, n_samples)
        });
        Ok(Self(Mutex::new(state.or_raise()?)))
    }

    /// A state summed over all basis states.
    #[staticmethod]
    fn full_sum(py: Python<'_>, model: &Module, parameters: Words) -> PyResult<Self> {
        let wave = wave(model)?;
        let ranks = ranks(py);
        let state = py.detach(|| {
            let model = wave.build()?.shared(&ranks);
            any::full_sum_state(model, key(parameters))
        });
        Ok(Self(Mutex::new(state.or_raise()?)))
    }

    fn duplicate(&self, py: Python<'_>) -> Self {
        Self(Mutex::new(self.lock(py).duplicate()))
    }

    fn n_parameters(&self, py: Python<'_>) -> usize {
        self.lock(py).n_parameters()
    }

    fn variables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let variables = self.lock(py).variables();
        to_dict(py, &variables)
    }

    fn set_variables(&self, variables: Bound<'_, PyAny>) -> PyResult<()> {
        let py = variables.py();
        let variables = from_mapping(&variables)?;
        self.lock(py).set_variables(&variables).or_raise()
    }

    /// A θ-shaped vector as a tree.
    fn unravel<'py>(&self, vector: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = vector.py();
        let tree = self.lock(py).unravel(&from_numpy(&vector)?).or_raise()?;
        to_dict(py, &tree)
    }

    fn init(&self, py: Python<'_>, parameters: Words) {
        let mut state = self.lock(py);
        let state: &mut dyn AnyState = &mut **state;
        py.detach(|| state.init(key(parameters)));
    }

    /// The key of the next draw.
    fn sampler_key(&self, py: Python<'_>) -> Option<[u32; 2]> {
        self.lock(py).sampler().map(|sampler| sampler.key().words())
    }

    /// The key by which the samples that are kept were drawn, or else the next will be.
    fn samples_key(&self, py: Python<'_>) -> Option<[u32; 2]> {
        self.lock(py).samples_key().map(Key::words)
    }

    fn set_sampler_key(&self, py: Python<'_>, words: Words) {
        let mut state = self.lock(py);
        if let Some(sampler) = state.sampler() {
            state.set_sampler(sampler.at(key(words)));
        }
    }

    fn n_samples(&self, py: Python<'_>) -> Option<usize> {
        self.lock(py).n_samples()
    }

    fn set_n_samples(&self, py: Python<'_>, n_samples: usize) {
        self.lock(py).set_n_samples(n_samples);
    }

    fn reset(&self, py: Python<'_>) {
        self.lock(py).reset();
    }

    /// The samples, `(sample, site)`: drawn anew if asked for, so many or those of one draw, or if there are none.
    fn samples<'py>(
        &self,
        py: Python<'py>,
        fresh: bool,
        n_samples: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut state = self.lock(py);
        let state: &mut dyn AnyState = &mut **state;
        let sigma = with_state(py, state, |state| match fresh {
            true => state.sample(n_samples).map(<[u8]>::to_vec),
            false => state.samples().map(<[u8]>::to_vec),
        })?;
        let sigma = sigma.or_raise()?;
        let hilbert = state.hilbert();
        let batch = vec![sigma.len() / hilbert.n_sites()];
        States { sigma, batch }.write(py, hilbert)
    }

    /// log ψ(σ), shaped as the batch.
    fn log_value<'py>(&self, states: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = states.py();
        let mut state = self.lock(py);
        let states = States::read(state.hilbert(), &states)?;
        let found = with_state(py, &mut **state, |state| state.log_psi(&states.sigma))?;
        let log_psi = found.or_raise()?;
        to_numpy(py, &log_psi)?.call_method1("reshape", (states.batch,))
    }

    /// Local values on the samples, and their statistics.
    #[allow(clippy::type_complexity)]
    fn local_values<'py>(
        &self,
        py: Python<'py>,
        operator: &Operator,
    ) -> PyResult<(Bound<'py, PyArray1<Complex<f64>>>, Stats)> {
        let shared = operator.shared();
        let mut state = self.lock(py);
        let state: &mut dyn AnyState = &mut **state;
        let found = with_state(py, state, |state| state.local_values(&*shared))?;
        operator.check()?;
        let (values, stats) = found.or_raise()?;
        Ok((values.into_pyarray(py), numbers(&stats)))
    }

    /// ⟨O⟩ and its gradient, a tree.
    fn expect_and_grad<'py>(
        &self,
        py: Python<'py>,
        operator: &Operator,
    ) -> PyResult<(Stats, Bound<'py, PyDict>)> {
        let shared = operator.shared();
        let mut state = self.lock(py);
        let state: &mut dyn AnyState = &mut **state;
        let found = with_state(py, state, |state| state.expect_and_grad(&*shared))?;
        operator.check()?;
        let (stats, gradient) = found.or_raise()?;
        let gradient = state.unravel(&gradient).or_raise()?;
        Ok((numbers(&stats), to_dict(py, &gradient)?))
    }

    /// The quantum geometric tensor by real parameters that are not masked, and which entries of θ these are of.
    #[allow(clippy::type_complexity)]
    fn metric<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyArrayDyn<f64>>, Vec<usize>)> {
        let mut state = self.lock(py);
        let state: &mut dyn AnyState = &mut **state;
        let metric = with_state(py, state, |state| state.metric())?.or_raise()?;
        let n = metric.nrows();
        let values = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let values = values.map(|(i, j)| metric[(i, j)]).collect();
        Ok((shaped(py, values, &[n, n])?, state.active()))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.lock(py).save(&path).or_raise()
    }

    fn load(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.lock(py).load(&path).or_raise()
    }
}
