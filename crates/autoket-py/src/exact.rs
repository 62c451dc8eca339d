//! Exact diagonalisation.

use std::ops::ControlFlow;

use autoket::Interrupt;
use autoket::exact::{self, LanczosOptions, LanczosProgress, SectorBasis};
use num_complex::Complex;
use numpy::{PyArray1, PyArrayDyn};
use pyo3::prelude::*;

use crate::arrays::shaped;
use crate::errors::OrRaise;
use crate::graph::Sector;
use crate::operator::Operator;
use crate::signals::watched;
use crate::threads::at_work;

/// All energies, of a sector if one is given.
#[pyfunction]
pub fn full_ed<'py>(
    py: Python<'py>,
    operator: &Operator,
    sector: Option<&Sector>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let shared = operator.shared();
    let energies = at_work(py, || match sector {
        None => exact::full_ed(&*shared),
        Some(sector) => SectorBasis::new(shared.hilbert(), &sector.0)?.full_ed(&*shared),
    })?;
    operator.check()?;
    Ok(PyArray1::from_vec(py, energies.or_raise()?))
}

/// The lowest energies, and their vectors `(state, energy)`.
///
/// `matrix_free`: the matrix is not stored.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn lanczos_ed<'py>(
    py: Python<'py>,
    operator: &Operator,
    sector: Option<&Sector>,
    n_energies: usize,
    tolerance: f64,
    max_iterations: usize,
    memory: usize,
    matrix_free: bool,
) -> PyResult<(
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArrayDyn<Complex<f64>>>,
)> {
    let shared = operator.shared();
    let interrupt = Interrupt::default();
    let found = watched(py, &interrupt, || {
        let watch = &mut |_: LanczosProgress| match interrupt.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let basis =
            sector.map(|sector| SectorBasis::search(shared.hilbert(), &sector.0, &interrupt));
        let basis = basis.transpose()?;
        let options = LanczosOptions {
            n_energies,
            tolerance,
            max_iterations,
            memory,
            matrix_free,
            ..LanczosOptions::default()
        };
        match &basis {
            None => exact::lanczos_ed_watched(&*shared, options, watch),
            Some(basis) => basis.lanczos_ed_watched(&*shared, options, watch),
        }
    });
    operator.check()?;
    let found = found?.or_raise()?;
    let n = found.vectors[0].len();
    let k = found.vectors.len();
    let elements = (0..n * k).map(|i| found.vectors[i % k][i / k]).collect();
    let energies = PyArray1::from_vec(py, found.energies);
    Ok((energies, shaped(py, elements, &[n, k])?))
}

/// The Ising chain by free fermions.
#[pyfunction]
#[pyo3(signature = (n_sites, h, J, pbc))]
#[allow(non_snake_case)]
pub fn ising_chain_energy(n_sites: usize, h: f64, J: f64, pbc: bool) -> PyResult<f64> {
    exact::ising_chain_energy(n_sites, h, J, pbc).or_raise()
}

/// Bytes to take where nobody says.
#[pyfunction]
pub fn quarter_of_free_memory() -> usize {
    autoket::memory::quarter_of_free()
}
