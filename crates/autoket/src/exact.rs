//! Exact diagonalisation: the energies that a variational one is measured against.

mod ising_chain;
mod lanczos;
mod sector;

pub use ising_chain::ising_chain_energy;
pub use sector::SectorBasis;

use std::mem::size_of;

use faer::linalg::evd::ComputeEigenvectors;
use faer::traits::ComplexField;

use crate::error::{Error, Result};
use crate::hilbert::Hilbert;
use crate::linalg::eigen;
use crate::operator::{Operator, check_rows, sparse};
use crate::random::Key;
use crate::scalar::{Scalar, c64};

/// Spaces up to this size are solved densely by [`ground_state_energy`].
const DENSE_STATES: u64 = 256;
/// Spaces up to this size take seconds.
const QUICK_STATES: u64 = 1 << 18;
/// The tightest tolerance that rounding leaves within reach.
const MIN_TOLERANCE: f64 = 1e-13;

/// What [`lanczos_ed`] should find, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosOptions {
    /// How many of the lowest energies, counted with their multiplicity. NetKet's `k`.
    pub n_energies: usize,
    /// An energy is found when ‖Hv - Ev‖ is below this times the largest |E| met.
    ///
    /// Its error is of the order of the square of that, so 10⁻⁹ reaches rounding.
    pub tolerance: f64,
    /// The most products H v before giving up.
    pub max_iterations: usize,
    /// The most bytes to take: the matrix is stored where it fits beside the vectors, and made anew in each product
    /// where it does not.
    pub memory: usize,
    /// The random start vector; the result depends on it by rounding only.
    pub key: Key,
}

impl Default for LanczosOptions {
    fn default() -> Self {
        Self {
            n_energies: 1,
            tolerance: 1e-9,
            max_iterations: 5000,
            memory: 1 << 32,
            key: Key::new(0),
        }
    }
}

/// What [`lanczos_ed`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct LanczosInfo {
    /// The lowest energies, ascending.
    pub energies: Vec<f64>,
    /// Their normalised eigenvectors over the basis states by number.
    pub vectors: Vec<Vec<c64>>,
    /// The largest ‖Hv - Ev‖ among them, computed at the end.
    pub residual: f64,
    /// Products H v done.
    pub iterations: usize,
}

/// All energies, ascending, by dense diagonalisation. NetKet: `full_ed`.
///
/// # Errors
/// The operator is not Hermitian; its space has more than 2¹³ states.
///
/// # Example
/// ```
/// use autoket::{exact, graph::Graph, hilbert::Hilbert, operator::ising};
/// let h = ising(&Hilbert::spin(0.5, 2)?, &Graph::chain(2, false)?, 1.0, 1.0)?;
/// let energies = exact::full_ed(&h)?;
/// assert!((energies[0] + 5.0_f64.sqrt()).abs() < 1e-14);
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn full_ed(operator: &dyn Operator) -> Result<Vec<f64>> {
    check_hermitian(operator)?;
    let hilbert = operator.hilbert();
    let n = hilbert.check_n_states("dense diagonalisation", sparse::MAX_DENSE_STATES)?;
    check_rows(operator, sparse::MAX_DENSE_STATES)?;
    dense_energies(&sparse::Whole(operator), n, operator.is_real())
}

/// All eigenvalues of a Hermitian matrix of `n` rows, ascending.
fn dense_energies(rows: &dyn sparse::MatrixRows, n: usize, is_real: bool) -> Result<Vec<f64>> {
    fn energies<S: Scalar + ComplexField<Real = f64>>(
        rows: &dyn sparse::MatrixRows,
        n: usize,
    ) -> Result<Vec<f64>> {
        let matrix = sparse::stored::<S>(rows, n).to_dense();
        Ok(eigen(matrix.as_ref(), ComputeEigenvectors::No)?.0)
    }
    match is_real {
        true => energies::<f64>(rows, n),
        false => energies::<c64>(rows, n),
    }
}

/// The lowest energies by the Lanczos method, on all threads. NetKet: `lanczos_ed`.
///
/// One eigenvector after the other, each orthogonal to those before, so that energies come with their multiplicity:
/// for a few of the lowest.
/// Five vectors are kept, and one for each energy found. Real operators are solved in real arithmetic.
/// Bit-identical for any number of threads.
///
/// # Errors
/// The operator is not Hermitian or leaves its space; that has more than 2³² states; an option makes no sense;
/// the vectors do not fit `memory`; `max_iterations` was reached.
///
/// # Example
/// ```
/// use autoket::exact::{self, LanczosOptions};
/// use autoket::{graph::Graph, hilbert::Hilbert, operator::heisenberg};
/// let h = heisenberg(&Hilbert::spin(0.5, 8)?, &Graph::chain(8, true)?, &[-1.0], None)?;
/// let two = LanczosOptions { n_energies: 2, ..Default::default() };
/// let info = exact::lanczos_ed(&h, two)?;
/// // A ferromagnet: 9 states share the lowest energy.
/// assert!(info.energies.iter().all(|energy| (energy + 8.0).abs() < 1e-12));
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn lanczos_ed(operator: &dyn Operator, options: LanczosOptions) -> Result<LanczosInfo> {
    lanczos_ed_watched(operator, options, &mut |_| ())
}

/// How far [`lanczos_ed_watched`] has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosProgress {
    /// Energies found.
    pub found: usize,
    /// Products H v done.
    pub iterations: usize,
    /// The last residual estimated for the next energy, as `tolerance` counts; infinite before the first.
    pub residual: f64,
}

/// [`lanczos_ed`], with a look at each product.
///
/// # Errors
/// As [`lanczos_ed`].
pub fn lanczos_ed_watched(
    operator: &dyn Operator,
    options: LanczosOptions,
    watch: &mut dyn FnMut(LanczosProgress),
) -> Result<LanczosInfo> {
    check_hermitian(operator)?;
    let hilbert = operator.hilbert();
    let n = hilbert.check_n_states("the Lanczos method", sparse::MAX_APPLY_STATES)?;
    check_options(&options, n)?;
    check_rows(operator, sparse::MAX_APPLY_STATES)?;
    let (rows, row) = (sparse::Whole(operator), operator.max_conn_size());
    match operator.is_real() {
        true => lanczos::lanczos::<f64>(&rows, n, row, &options, watch),
        false => lanczos::lanczos::<c64>(&rows, n, row, &options, watch),
    }
}

/// The lowest energy, by the quicker of [`full_ed`] and [`lanczos_ed`].
///
/// # Errors
/// As those.
pub fn ground_state_energy(operator: &dyn Operator) -> Result<f64> {
    match operator.hilbert().n_states() {
        Some(n) if n <= DENSE_STATES => Ok(full_ed(operator)?[0]),
        _ => Ok(lanczos_ed(operator, LanczosOptions::default())?.energies[0]),
    }
}

/// Whether [`ground_state_energy`] takes seconds at most: 2¹⁸ states or fewer.
pub fn is_quick(hilbert: &Hilbert) -> bool {
    hilbert.n_states().is_some_and(|n| n <= QUICK_STATES)
}

fn check_hermitian(operator: &dyn Operator) -> Result<()> {
    match operator.is_hermitian() {
        true => Ok(()),
        false => Err(Error::invalid(
            "operator",
            "a Hermitian operator",
            "one that differs from its adjoint",
            "add its adjoint to it",
        )),
    }
}

fn check_options(options: &LanczosOptions, n_states: usize) -> Result<()> {
    if !(1..=n_states).contains(&options.n_energies) {
        return Err(Error::invalid(
            "n_energies",
            format!("1 to {n_states}, the number of basis states"),
            options.n_energies,
            "ask for fewer energies",
        ));
    }
    if !(MIN_TOLERANCE..1.0).contains(&options.tolerance) {
        return Err(Error::invalid(
            "tolerance",
            format!("a number from {MIN_TOLERANCE:e} to 1"),
            options.tolerance,
            "1e-9 gives energies to rounding",
        ));
    }
    Ok(())
}

/// A matrix, stored or made anew in each product.
enum Matrix<'a, S> {
    Stored(sparse::Csr<S>),
    Free(&'a dyn sparse::MatrixRows),
}

impl<'a, S: Scalar<Real = f64>> Matrix<'a, S> {
    /// Stored, if `n` rows of up to `row` elements fit in so many bytes.
    fn new(rows: &'a dyn sparse::MatrixRows, n: usize, row: usize, bytes: usize) -> Self {
        // Until it is put together, its parts are there, too.
        let bytes_of_row = 2 * row * (size_of::<u32>() + size_of::<S>());
        let fits = bytes_of_row.checked_mul(n).is_some_and(|n| n <= bytes);
        match fits && n <= u32::MAX as usize {
            true => Self::Stored(sparse::stored(rows, n)),
            false => Self::Free(rows),
        }
    }

    /// y = A x.
    fn multiply(&self, x: &[S], y: &mut [S]) {
        match self {
            Self::Stored(csr) => csr.multiply(x, y),
            Self::Free(rows) => sparse::multiply(*rows, x, y),
        }
    }
}
