//! Spaces.

use std::sync::{Arc, Mutex};

use autoket::Error;
use autoket::hilbert::{self, Constraint};
use autoket::random::Key;
use numpy::{PyArrayDyn, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{States, as_dtype, shaped};
use crate::errors::OrRaise;

/// The most states that a constraint on whole states is asked about.
const MAX_TABLE: usize = 1 << 20;

/// A Hilbert space, by whatever name.
#[pyclass(frozen, eq, module = "autoket._native")]
#[derive(Clone, PartialEq)]
pub struct Hilbert(pub hilbert::Hilbert);

/// Local indices `(..., site)`.
type Indices<'py> = Bound<'py, PyArrayDyn<u8>>;

#[pymethods]
impl Hilbert {
    /// Spins s on N sites.
    #[staticmethod]
    fn spin(s: f64, n_sites: usize, inverted_ordering: bool) -> PyResult<Self> {
        let space = hilbert::Hilbert::spin(s, n_sites).or_raise()?;
        Ok(Self(space.with_inverted_ordering(inverted_ordering)))
    }

    #[staticmethod]
    fn qubit(n_sites: usize) -> PyResult<Self> {
        Ok(Self(hilbert::Hilbert::qubit(n_sites).or_raise()?))
    }

    #[staticmethod]
    fn fock(n_max: usize, n_sites: usize) -> PyResult<Self> {
        Ok(Self(hilbert::Hilbert::fock(n_max, n_sites).or_raise()?))
    }

    #[staticmethod]
    fn spin_orbital_fermions(n_orbitals: usize, s: Option<f64>) -> PyResult<Self> {
        let space = hilbert::Hilbert::spin_orbital_fermions(n_orbitals, s);
        Ok(Self(space.or_raise()?))
    }

    fn with_descending_numbers(&self) -> Self {
        Self(self.0.clone().with_descending_numbers(true))
    }

    fn with_sum(&self, total: i64) -> PyResult<Self> {
        self.with(Constraint::sum(total))
    }

    fn with_sum_over(&self, sites: Vec<usize>, total: i64) -> PyResult<Self> {
        self.with(Constraint::sum_over(sites, total))
    }

    fn with_parity(&self, even: bool) -> PyResult<Self> {
        self.with(Constraint::parity(even))
    }

    /// The states that a function of all states at once, `(state, site)`, allows.
    fn with_allowed(&self, name: &str, allowed: &Bound<'_, PyAny>) -> PyResult<Self> {
        let d = self.0.local_size();
        let n_sites = self.0.n_sites();
        let n_states = d.checked_pow(n_sites as u32).filter(|&n| n <= MAX_TABLE);
        let Some(n_states) = n_states else {
            return Err(Error::TooLarge {
                what: format!("a constraint on whole states of {}", self.0),
                needed: format!("{d}^{n_sites} states"),
                limit: format!("{MAX_TABLE} states"),
                cure: "give the constraint `start` and `step`, which read a state site by site"
                    .into(),
            })
            .or_raise();
        };
        let mut sigma = vec![0; n_states * n_sites];
        for (number, sigma) in sigma.chunks_exact_mut(n_sites).enumerate() {
            let mut rest = number;
            for index in sigma.iter_mut().rev() {
                *index = (rest % d) as u8;
                rest /= d;
            }
        }
        let states = shaped(allowed.py(), sigma, &[n_states, n_sites])?;
        let answers: PyReadonlyArray1<'_, bool> = allowed.call1((states,))?.extract()?;
        let answers = answers.as_slice()?.to_vec();
        if answers.len() != n_states {
            return Err(Error::invalid(
                "constraint",
                format!("one truth value for each of {n_states} states"),
                answers.len(),
                "return an array of shape x.shape[:-1]",
            ))
            .or_raise();
        }
        let local_states = self.0.local_states().to_vec();
        let step = move |number: &[i64], site: usize, state: i64| {
            let index = local_states.iter().position(|&x| x as i64 == state)?;
            let number = number[0] * local_states.len() as i64 + index as i64;
            match site + 1 == n_sites {
                true => answers[number as usize].then(|| vec![0]),
                false => Some(vec![number]),
            }
        };
        self.with(Constraint::custom(name, vec![0], step))
    }

    /// The states that `step(memory, site, state)` reads to their end.
    fn with_steps(
        &self,
        py: Python<'_>,
        name: &str,
        start: Vec<i64>,
        step: Py<PyAny>,
    ) -> PyResult<Self> {
        let failure: Arc<Mutex<Option<PyErr>>> = Arc::default();
        let failed = Arc::clone(&failure);
        let step = move |memory: &[i64], site: usize, state: i64| {
            let next = Python::attach(|py| {
                let memory = PyTuple::new(py, memory)?;
                let next = step.bind(py).call1((memory, site, state))?;
                next.extract::<Option<Vec<i64>>>()
            });
            next.unwrap_or_else(|error| {
                if let Ok(mut failed) = failed.lock() {
                    failed.get_or_insert(error);
                }
                None
            })
        };
        let space = py.detach(|| {
            let constraint = Constraint::custom(name, start, step);
            self.0.clone().with_constraint(constraint)
        });
        if let Some(error) = failure.lock().ok().and_then(|mut failure| failure.take()) {
            return Err(error);
        }
        Ok(Self(space.or_raise()?))
    }

    #[getter]
    fn n_sites(&self) -> usize {
        self.0.n_sites()
    }

    #[getter]
    fn local_states(&self) -> Vec<f64> {
        self.0.local_states().to_vec()
    }

    /// None if they are too many to count.
    #[getter]
    fn n_states(&self) -> Option<u64> {
        self.0.n_states()
    }

    fn all_states<'py>(&self, py: Python<'py>) -> PyResult<Indices<'py>> {
        let sigma = py.detach(|| self.0.all_states()).or_raise()?;
        let n_states = sigma.len() / self.0.n_sites();
        shaped(py, sigma, &[n_states, self.0.n_sites()])
    }

    fn numbers_to_states<'py>(
        &self,
        py: Python<'py>,
        numbers: &Bound<'py, PyAny>,
    ) -> PyResult<Indices<'py>> {
        let numbers = as_dtype::<i64>(numbers, "int64")?;
        let n_sites = self.0.n_sites();
        let n_states = self.0.n_states();
        let mut sigma = vec![0; numbers.len() * n_sites];
        for (&number, sigma) in numbers
            .as_slice()?
            .iter()
            .zip(sigma.chunks_exact_mut(n_sites))
        {
            let known = u64::try_from(number)
                .ok()
                .filter(|&number| n_states.is_none_or(|n| number < n));
            let Some(number) = known else {
                return Err(Error::invalid(
                    "numbers",
                    format!("numbers from 0 to {}", n_states.unwrap_or(u64::MAX) - 1),
                    number,
                    format!("give numbers of states of {}", self.0),
                ))
                .or_raise();
            };
            self.0.number_to_state(number, sigma);
        }
        let shape = [numbers.shape(), &[n_sites]].concat();
        shaped(py, sigma, &shape)
    }

    fn states_to_numbers<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
        let states = States::read(&self.0, states)?;
        let number = |sigma: &[u8]| match self.0.state_to_number(sigma) {
            Some(number) => Ok(number as i64),
            None => Err(Error::invalid(
                "states",
                format!("states of {}", self.0),
                format!("{:?}", self.0.values_of(sigma)),
                "the constraint leaves this state out",
            )),
        };
        let numbers = states.sigma.chunks_exact(self.0.n_sites()).map(number);
        let numbers = numbers.collect::<Result<Vec<_>, _>>().or_raise()?;
        shaped(py, numbers, &states.batch)
    }

    /// Local indices of states `(..., site)`, which may violate constraints.
    fn indices_of<'py>(
        &self,
        py: Python<'py>,
        states: &Bound<'py, PyAny>,
    ) -> PyResult<Indices<'py>> {
        let values = as_dtype::<f64>(states, "float64")?;
        let sigma = self.0.indices_of(values.as_slice()?).or_raise()?;
        shaped(py, sigma, values.shape())
    }

    /// Uniformly distributed: `(state, site)`. Without constraints, the numbers of `jax.random.randint`.
    fn random_states<'py>(
        &self,
        py: Python<'py>,
        key: [u32; 2],
        n: usize,
    ) -> PyResult<Indices<'py>> {
        let key = Key::from_words(key);
        let n_sites = self.0.n_sites();
        let sigma = match self.0.is_constrained() {
            true => py.detach(|| self.0.random_states(key, n)),
            false => {
                let d = self.0.local_size() as u64;
                let [high, low] = key.split::<2>();
                // 2⁶⁴ modulo d.
                let factor = (u64::MAX % d + 1) % d;
                let index = |i: u64| {
                    let high = high.bits64(i) % d * factor;
                    ((high + low.bits64(i) % d) % d) as u8
                };
                (0..(n * n_sites) as u64).map(index).collect()
            }
        };
        shaped(py, sigma, &[n, n_sites])
    }

    fn __repr__(&self) -> String {
        self.0.name()
    }
}

impl Hilbert {
    fn with(&self, constraint: Constraint) -> PyResult<Self> {
        Ok(Self(self.0.clone().with_constraint(constraint).or_raise()?))
    }
}
