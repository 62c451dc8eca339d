//! Operators written in Python.

use std::collections::BTreeMap;
use std::sync::Mutex;

use autoket::Error;
use autoket::c64;
use autoket::hilbert::Hilbert;
use autoket::operator::{Connected, Operator};
use num_complex::Complex;
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::OrRaise;

/// An operator whose rows a function of Python makes.
///
/// A row cannot fail: after an exception all elements are NaN until [`check`](Self::check) hands it on.
#[derive(Debug)]
pub struct PythonOperator {
    hilbert: Hilbert,
    rows: Py<PyAny>,
    max_conn_size: usize,
    is_hermitian: bool,
    is_real: bool,
    failure: Mutex<Option<PyErr>>,
}

impl PythonOperator {
    /// `rows(local indices)` returns local indices `(n, site)` and elements `(n,)`.
    pub fn new(
        hilbert: Hilbert,
        rows: Py<PyAny>,
        max_conn_size: usize,
        is_hermitian: bool,
        is_real: bool,
    ) -> Self {
        Self {
            hilbert,
            rows,
            max_conn_size,
            is_hermitian,
            is_real,
            failure: Mutex::new(None),
        }
    }

    /// The exception raised since the last look.
    ///
    /// # Errors
    /// That exception.
    pub fn check(&self) -> PyResult<()> {
        match self.failure.lock().ok().and_then(|mut error| error.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn failed(&self) -> bool {
        self.failure.lock().is_ok_and(|error| error.is_some())
    }

    /// Elements by the changes that make σ′, the diagonal first.
    fn row(&self, py: Python<'_>, sigma: &[u8]) -> PyResult<BTreeMap<Vec<(u32, u8)>, c64>> {
        let sites = PyArray1::from_slice(py, sigma);
        let row = self.rows.bind(py).call1((sites,))?;
        let (indices, mels): (PyReadonlyArray2<'_, u8>, PyReadonlyArray1<'_, Complex<f64>>) =
            row.extract()?;
        if indices.shape() != [mels.len(), sigma.len()] {
            return Err(Error::invalid(
                "get_conn_padded",
                format!("as many states of {} sites as elements", sigma.len()),
                format!("shape {:?} and {} elements", indices.shape(), mels.len()),
                "return x' of shape (..., n, site) and elements of shape (..., n)",
            ))
            .or_raise();
        }
        let mut elements = BTreeMap::new();
        let states = indices.as_slice()?.chunks_exact(sigma.len());
        for (state, &mel) in states.zip(mels.as_slice()?) {
            let sites = (0..).zip(state.iter().zip(sigma));
            let changed = sites.filter(|(_, (new, old))| new != old);
            let changes: Vec<(u32, u8)> = changed.map(|(site, (&new, _))| (site, new)).collect();
            *elements.entry(changes).or_default() += mel;
        }
        Ok(elements)
    }
}

impl Operator for PythonOperator {
    fn hilbert(&self) -> &Hilbert {
        &self.hilbert
    }

    fn is_hermitian(&self) -> bool {
        self.is_hermitian
    }

    fn is_real(&self) -> bool {
        self.is_real
    }

    fn max_conn_size(&self) -> usize {
        self.max_conn_size
    }

    fn connected(&self, sigma: &[u8], out: &mut Connected) {
        out.clear();
        let unknown = c64::new(f64::NAN, 0.0);
        if self.failed() {
            return out.push(unknown, &[]);
        }
        match Python::attach(|py| self.row(py, sigma)) {
            Ok(elements) => {
                for (changes, mel) in elements.iter().filter(|(_, mel)| **mel != c64::ZERO) {
                    out.push(*mel, changes);
                }
            }
            Err(error) => {
                if let Ok(mut failure) = self.failure.lock() {
                    failure.get_or_insert(error);
                }
                out.push(unknown, &[]);
            }
        }
    }
}
