//! Spaces.

use autoket::hilbert;
use numpy::PyArrayDyn;
use pyo3::prelude::*;

use crate::arrays::States;
use crate::errors::OrRaise;

/// A Hilbert space, by whatever name.
#[pyclass(frozen, eq, module = "autoket._native")]
#[derive(Clone, PartialEq)]
pub struct Hilbert(pub hilbert::Hilbert);

#[pymethods]
impl Hilbert {
    /// Spins s on N sites.
    #[staticmethod]
    fn spin(s: f64, n_sites: usize, inverted_ordering: bool) -> PyResult<Self> {
        let space = hilbert::Hilbert::spin(s, n_sites).or_raise()?;
        Ok(Self(space.with_inverted_ordering(inverted_ordering)))
    }

    #[getter]
    fn n_sites(&self) -> usize {
        self.0.n_sites()
    }

    #[getter]
    fn local_states(&self) -> Vec<f64> {
        self.0.local_states().to_vec()
    }

    fn all_states<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDyn<i8>>> {
        let sigma = self.0.all_states().or_raise()?;
        let batch = vec![sigma.len() / self.0.n_sites()];
        States { sigma, batch }.write(py, &self.0)
    }
}
