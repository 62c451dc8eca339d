//! Exact diagonalisation: the energies that a variational one is measured against.

mod ising_chain;
mod lanczos;

pub use ising_chain::ising_chain_energy;

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
    /// The most vectors kept before restarting from the best of them.
    pub basis_size: usize,
    /// Bytes up to which the matrix is stored, and made anew in each product above.
    pub matrix_bytes: usize,
    /// The random start vector; the result depends on it by rounding only.
    pub key: Key,
}

impl Default for LanczosOptions {
    fn default() -> Self {
        Self {
            n_energies: 1,
            tolerance: 1e-9,
            max_iterations: 5000,
            basis_size: 24,
            matrix_bytes: 1 << 31,
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
    fn energies<S: Scalar + ComplexField<Real = f64>>(operator: &dyn Operator) -> Result<Vec<f64>> {
        let matrix = sparse::sparse::<S>(operator)?.to_dense();
        Ok(eigen(matrix.as_ref(), ComputeEigenvectors::No)?.0)
    }
    check_hermitian(operator)?;
    let hilbert = operator.hilbert();
    hilbert.check_n_states("dense diagonalisation", sparse::MAX_DENSE_STATES)?;
    match operator.is_real() {
        true => energies::<f64>(operator),
        false => energies::<c64>(operator),
    }
}

/// The lowest energies by the Lanczos method, on all threads. NetKet: `lanczos_ed`.
///
/// Thick restarts and full orthogonalisation; one eigenvector after the other, each orthogonal to
/// those before, so that a degenerate energy comes as often as it should.
/// The matrix is stored if it fits `matrix_bytes`. Real operators are solved in real arithmetic.
/// Bit-identical for any number of threads.
///
/// # Errors
/// The operator is not Hermitian or leaves its space; that has more than 2³² states; an option makes no sense;
/// `max_iterations` was reached.
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
    check_hermitian(operator)?;
    let hilbert = operator.hilbert();
    let n = hilbert.check_n_states("the Lanczos method", sparse::MAX_APPLY_STATES)?;
    check_options(&options, n)?;
    match operator.is_real() {
        true => lanczos::lanczos::<f64>(operator, n, &options),
        false => lanczos::lanczos::<c64>(operator, n, &options),
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
    if options.basis_size < 4 {
        return Err(Error::invalid(
            "basis_size",
            "at least 4",
            options.basis_size,
            "20 to 50 is usual",
        ));
    }
    Ok(())
}

/// The matrix of an operator, stored or made anew in each product.
enum Matrix<'a, S> {
    Stored(sparse::Csr<S>),
    Free(&'a dyn Operator),
}

impl<'a, S: Scalar<Real = f64>> Matrix<'a, S> {
    fn new(operator: &'a dyn Operator, n_states: usize, max_bytes: usize) -> Result<Self> {
        let row = operator.max_conn_size() * (size_of::<u32>() + size_of::<S>());
        match row.checked_mul(n_states).is_some_and(|n| n <= max_bytes) {
            true => Ok(Self::Stored(sparse::sparse(operator)?)),
            false => {
                check_rows(operator, sparse::MAX_APPLY_STATES)?;
                Ok(Self::Free(operator))
            }
        }
    }

    /// y = O x.
    fn multiply(&self, x: &[S], y: &mut [S]) {
        match self {
            Self::Stored(csr) => csr.multiply(x, y),
            Self::Free(operator) => sparse::multiply(*operator, x, y),
        }
    }
}
