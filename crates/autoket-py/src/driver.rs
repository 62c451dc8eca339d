//! Steps of variational Monte Carlo, which Ctrl-C can stop.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use autoket::any::{self, AnyMinimizer, AnyState};
use autoket::checkpoint::Checkpoint;
use autoket::optimizer::{Rule, Schedule, Sr, SrForm};
use autoket::{Error, Interrupt};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyDict;

use crate::errors::OrRaise;
use crate::operator::Operator;
use crate::ranks::ranks;
use crate::signals::watched;
use crate::threads::at_work;
use crate::vqs::{State, Stats, numbers};

/// Steps of variational Monte Carlo for states of one scalar.
#[pyclass(frozen, module = "autoket._native")]
pub struct Minimizer(Mutex<Box<dyn AnyMinimizer>>);

/// Diagonal shift, momentum, form.
type SrFields = (f64, Option<f64>, Option<String>);

fn sr((diag_shift, momentum, form): SrFields) -> PyResult<Sr> {
    let form = match form.as_deref() {
        None => None,
        Some("metric") => Some(SrForm::Metric),
        Some("gram") => Some(SrForm::Gram),
        Some("layerwise") => Some(SrForm::Layerwise),
        Some("cg") => Some(SrForm::Cg),
        Some(other) => {
            return Err(Error::invalid(
                "form",
                "metric, gram, layerwise or cg",
                other,
                "leave it out: the cheapest is taken",
            ))
            .or_raise();
        }
    };
    Ok(Sr {
        diag_shift: Schedule::Constant(diag_shift),
        momentum,
        form,
    })
}

fn rule(name: &str, numbers: &[f64]) -> PyResult<Rule> {
    Ok(match (name, numbers) {
        ("Sgd", []) => Rule::Sgd,
        ("Momentum", &[beta, nesterov]) => Rule::Momentum {
            beta,
            nesterov: nesterov != 0.0,
        },
        ("Adam", &[b1, b2, eps]) => Rule::Adam { b1, b2, eps },
        ("AMSGrad", &[b1, b2, eps]) => Rule::AmsGrad { b1, b2, eps },
        ("AdaGrad", &[eps, initial_accumulator_value]) => Rule::AdaGrad {
            eps,
            initial_accumulator_value,
        },
        ("RmsProp", &[beta, eps]) => Rule::RmsProp { beta, eps },
        _ => {
            return Err(PyValueError::new_err(format!(
                "no rule {name} of {} numbers",
                numbers.len()
            )));
        }
    })
}

#[pymethods]
impl Minimizer {
    #[new]
    fn new(
        py: Python<'_>,
        state: &State,
        hamiltonian: &Operator,
        rule_name: &str,
        rule_numbers: Vec<f64>,
        sr_fields: Option<SrFields>,
    ) -> PyResult<Self> {
        let rule = rule(rule_name, &rule_numbers)?;
        let sr = sr_fields.map(sr).transpose()?;
        let state = state.lock(py);
        let state: &dyn AnyState = &**state;
        let operator = hamiltonian.shared();
        // Rows of an operator written in Python may be asked for.
        let made = at_work(py, || {
            any::minimizer(state, operator, rule, Schedule::Constant(0.0), sr)
        })?;
        hamiltonian.check()?;
        let mut minimizer = made.or_raise()?;
        let ranks = ranks(py);
        minimizer.set_memory(py.detach(|| ranks.memory(None)));
        Ok(Self(Mutex::new(minimizer)))
    }

    /// The first half of a step: the energy, and whether the solver fell back.
    ///
    /// # Errors
    /// `KeyboardInterrupt` within a moment of Ctrl-C: state and minimizer are as before.
    fn propose(
        &self,
        py: Python<'_>,
        state: &State,
        hamiltonian: &Operator,
        sr_fields: Option<SrFields>,
        temperature: f64,
    ) -> PyResult<(Stats, Option<bool>)> {
        let mut minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = state.lock(py);
        let interrupt = Interrupt::default();
        minimizer.set_interrupt(interrupt.clone());
        minimizer.set_sr(sr_fields.map(sr).transpose()?);
        minimizer.set_temperature(Schedule::Constant(temperature));
        let (minimizer, state) = (&mut **minimizer, &mut **state);
        let record = watched(py, &interrupt, || minimizer.propose(state));
        hamiltonian.check()?;
        let record = record?.or_raise()?;
        let fallback = record.solution.map(|solution| solution.fallback);
        Ok((numbers(&record.energy), fallback))
    }

    /// The second half: the optimizer moves the parameters.
    fn accept(&self, py: Python<'_>, state: &State, learning_rate: f64) -> PyResult<()> {
        let mut minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        minimizer.set_learning_rate(Schedule::Constant(learning_rate));
        minimizer.accept(&mut **state.lock(py)).or_raise()
    }

    /// The second half, where a rule of another library has moved the parameters.
    fn accept_elsewhere(&self, py: Python<'_>) {
        let mut minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        minimizer.accept_elsewhere();
    }

    /// Takes the first half back, if it was not accepted.
    fn withdraw(&self, py: Python<'_>, state: &State) -> PyResult<()> {
        let mut minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        minimizer.withdraw(&mut **state.lock(py)).or_raise()
    }

    /// Writes a checkpoint.
    fn save(&self, py: Python<'_>, state: &State, path: PathBuf) -> PyResult<()> {
        let minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        let checkpoint = minimizer.checkpoint(&**state.lock(py)).or_raise()?;
        py.detach(|| checkpoint.write(&path)).or_raise()
    }

    /// Goes on from a checkpoint, which must have come as far as `begun`; the steps done.
    fn load(&self, py: Python<'_>, state: &State, path: PathBuf, begun: usize) -> PyResult<usize> {
        let mut minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        let checkpoint = py.detach(|| Checkpoint::read(&path)).or_raise()?;
        let reached: usize = checkpoint.parse("step").or_raise()?;
        if reached < begun {
            return Err(Error::invalid(
                "checkpoint",
                format!("a file of step {begun} or later, which this driver has reached"),
                format!("step {reached} in {}", path.display()),
                "take a new driver, or another file",
            ))
            .or_raise();
        }
        minimizer
            .restore(&mut **state.lock(py), &checkpoint)
            .or_raise()?;
        Ok(minimizer.steps())
    }

    /// The update that the last proposal found, a tree.
    fn change<'py>(&self, py: Python<'py>, state: &State) -> PyResult<Bound<'py, PyDict>> {
        let minimizer = self
            .0
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner);
        let tree = state.lock(py).unravel(&minimizer.change()).or_raise()?;
        crate::module::to_dict(py, &tree)
    }
}
