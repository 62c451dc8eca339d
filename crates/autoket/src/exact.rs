//! Exact diagonalisation: the energies that a variational one is measured against.

mod beginnings;
mod directory;
mod ising_chain;
mod lanczos;
mod orbits;
mod sector;

pub use ising_chain::ising_chain_energy;
pub use sector::SectorBasis;

use std::collections::HashSet;
use std::mem::size_of;
use std::ops::ControlFlow;

use faer::linalg::evd::ComputeEigenvectors;
use faer::traits::ComplexField;

use crate::error::{Error, Result};
use crate::graph::Sector;
use crate::hilbert::Hilbert;
use crate::linalg::eigen;
use crate::operator::sparse::MatrixRows;
use crate::operator::{Connected, Operator, check_rows, hermitian, sparse};
use crate::random::Key;
use crate::scalar::{Scalar, c64};

/// Spaces up to this size are solved densely by [`ground_state_energy`].
const DENSE_STATES: u64 = 256;
/// Spaces up to this size take seconds.
const QUICK_STATES: u64 = 1 << 18;
/// States whose rows tell how long rows are.
const ROWS_LOOKED_AT: usize = 1024;
/// The tightest tolerance that rounding leaves within reach.
const MIN_TOLERANCE: f64 = 1e-13;

/// What [`lanczos_ed`] should find, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosOptions {
    /// How many of the lowest energies, counted with their multiplicity. NetKet's `k`.
    pub n_energies: usize,
    /// An energy is found when ‖Hv - Ev‖ is below this times the width of the spectrum, as far as it is met.
    ///
    /// Its error is of the order of the square of that by the distance to the next energy, so 10⁻⁹ reaches rounding.
    pub tolerance: f64,
    /// The most products H v before giving up.
    pub max_iterations: usize,
    /// The most bytes to take: the matrix is stored where it fits beside the vectors, and made anew in each product
    /// where it does not. That of a [`LocalOperator`](crate::operator::LocalOperator) is not needed, but in a sector and
    /// where few particles on many sites or a rule of one's own leave few states of many: products go by its terms.
    pub memory: usize,
    /// The matrix is not stored, whether it fits or not. NetKet: `matrix_free`.
    pub matrix_free: bool,
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
            matrix_free: false,
            key: Key::new(0),
        }
    }
}

/// How the product of an operator and a vector is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// By a matrix that is stored.
    Stored,
    /// Term by term, without a matrix.
    ByTerms,
    /// By rows of the matrix, which are made anew each time: tens of times slower.
    ByRows,
}

/// What the Lanczos method will take, told before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanczosPlan {
    /// Elements of a vector.
    pub n_states: usize,
    /// How products H v are done.
    pub products: Products,
    /// Memory for the vectors, a sector's tables and states, and the matrix, if it is stored: about as much. What
    /// products by terms look up takes little beside the vectors, unless the space is small.
    pub bytes: usize,
}

impl LanczosOptions {
    /// How an operator will be diagonalised on its space, before anything is computed.
    ///
    /// # Errors
    /// More than 2³² states; an option makes no sense; the vectors do not fit `memory`.
    ///
    /// # Example
    /// ```
    /// use autoket::exact::{LanczosOptions, Products};
    /// use autoket::{graph::Graph, hilbert::Hilbert, operator::heisenberg};
    /// let h = heisenberg(&Hilbert::spin(0.5, 30)?, &Graph::chain(30, true)?, &[1.0], None)?;
    /// // 2³⁰ states: four vectors of 8 GiB.
    /// let refused = LanczosOptions::default().plan(&h).unwrap_err().to_string();
    /// assert!(refused.contains("would need 34.36 GB, the limit is 4.295 GB"), "{refused}");
    /// let plan = LanczosOptions { memory: 1 << 36, ..Default::default() }.plan(&h)?;
    /// assert_eq!(plan.products, Products::ByTerms);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn plan(&self, operator: &dyn Operator) -> Result<LanczosPlan> {
        let hilbert = operator.hilbert();
        let n = hilbert.check_n_states("the Lanczos method", sparse::MAX_APPLY_STATES)?;
        let by_rows = sparse::Whole(operator).by_halves().is_none();
        let rows = by_rows.then(|| RowSample::of(operator, 1));
        self.plan_of(n, rows, operator.is_real(), 0)
    }

    /// The same in a sector, before its states are known, as many as the orbits would be if all were of one size.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn plan_sector(&self, operator: &dyn Operator, sector: &Sector) -> Result<LanczosPlan> {
        let is_real = operator.is_real() && sector.is_real();
        let hilbert = operator.hilbert();
        let n_states = sector::n_states_about(hilbert, sector)?;
        check_options(self, hilbert.n_states().map_or(usize::MAX, |n| n as usize))?;
        let n_states = n_states.max(self.n_energies);
        let rows = RowSample::of(operator, sector.n_characters());
        let beside = orbits::bytes(hilbert, sector.permutations().len(), n_states);
        self.plan_of(n_states, Some(rows), is_real, beside)
    }

    /// The same for a matrix of `n_states` such rows; `None`: products go by terms.
    /// A sector takes memory `beside`.
    fn plan_of(
        &self,
        n_states: usize,
        rows: Option<RowSample>,
        is_real: bool,
        beside: usize,
    ) -> Result<LanczosPlan> {
        check_options(self, n_states)?;
        let (element, found) = match is_real {
            // In the end real eigenvectors become complex.
            true => (size_of::<f64>(), self.n_energies + 1),
            false => (size_of::<c64>(), 1),
        };
        let n_vectors = self.n_energies + lanczos::VECTORS.max(found);
        let vectors = n_vectors as u128 * element as u128 * n_states as u128 + beside as u128;
        let Some(left) = (self.memory as u128).checked_sub(vectors) else {
            return Err(Error::TooLarge {
                what: format!(
                    "{n_vectors} vectors of {n_states} states{}",
                    if beside > 0 {
                        ", with the sector's states and tables,"
                    } else {
                        ""
                    }
                ),
                needed: size(vectors),
                limit: size(self.memory as u128),
                cure:
                    "raise `memory` if the machine has more, take fewer sites or a sector of them"
                        .into(),
            });
        };
        let matrix = |rows: RowSample| {
            let RowSample { elements, n_values } = rows;
            let bytes = match is_real {
                true => hermitian::bytes::<f64>(n_states, elements, n_values),
                false => hermitian::bytes::<c64>(n_states, elements, n_values),
            };
            bytes as u128
        };
        let may_store = !self.matrix_free && n_states <= u32::MAX as usize;
        let (products, beside) = match rows.map(matrix) {
            None => (Products::ByTerms, 0),
            Some(matrix) if may_store && matrix <= left => (Products::Stored, matrix),
            Some(_) => (Products::ByRows, 0),
        };
        Ok(LanczosPlan {
            n_states,
            products,
            bytes: (vectors + beside) as usize,
        })
    }
}

/// What some rows of an operator tell of its matrix.
struct RowSample {
    /// Elements of a row beside the diagonal: the mean over random states and three times its error.
    elements: f64,
    /// How many values they have, at least.
    n_values: usize,
}

impl RowSample {
    /// Of an operator whose elements are multiplied by so many characters.
    fn of(operator: &dyn Operator, n_characters: usize) -> Self {
        let hilbert = operator.hilbert();
        let states = hilbert.random_states(Key::new(0), ROWS_LOOKED_AT);
        let mut row = Connected::default();
        let mut values = HashSet::new();
        let counts: Vec<f64> = states
            .chunks_exact(hilbert.n_sites())
            .map(|sigma| {
                operator.connected(sigma, &mut row);
                let beside = row.iter().filter(|(_, changes)| !changes.is_empty());
                beside
                    .map(|(mel, _)| values.insert([mel.re.to_bits(), mel.im.to_bits()]))
                    .count() as f64
            })
            .collect();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        Self {
            elements: mean + 3.0 * (variance / n).sqrt(),
            n_values: values.len() * n_characters,
        }
    }
}

/// A number of bytes in four digits.
fn size(bytes: u128) -> String {
    let bytes = bytes as f64;
    let (unit, name) = match bytes {
        1e9.. => (1e9, "GB"),
        1e6.. => (1e6, "MB"),
        1e3.. => (1e3, "kB"),
        _ => (1.0, "B"),
    };
    let digits = (3.0 - (bytes / unit).max(1.0).log10().floor()).max(0.0);
    format!("{:.*} {name}", digits as usize, bytes / unit)
}

/// What [`lanczos_ed`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct LanczosInfo {
    /// The lowest energies, ascending.
    pub energies: Vec<f64>,
    /// Their normalised eigenvectors over the basis states by number.
    pub vectors: Vec<Vec<c64>>,
    /// ‖Hv - Ev‖ of each, computed at the end.
    pub residuals: Vec<f64>,
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
fn dense_energies(rows: &dyn MatrixRows, n: usize, is_real: bool) -> Result<Vec<f64>> {
    fn energies<S: Scalar + ComplexField<Real = f64>>(
        rows: &dyn MatrixRows,
        n: usize,
    ) -> Result<Vec<f64>> {
        let matrix = sparse::whole::<S>(rows, n);
        let squares = matrix.values().iter().map(|x| x.to_c64().norm_sqr());
        check_finite(squares.sum())?;
        let matrix = matrix.to_dense();
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
/// Three vectors are kept, and one for each energy. Real operators are solved in real arithmetic.
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
    lanczos_ed_watched(operator, options, &mut |_| ControlFlow::Continue(()))
}

/// How far [`lanczos_ed_watched`] has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosProgress {
    /// Energies found.
    pub found: usize,
    /// Rows of the matrix made, if it is stored.
    pub rows: usize,
    /// Products H v done.
    pub iterations: usize,
    /// The next energy as last estimated, from above.
    pub energy: Option<f64>,
    /// The residual estimated with it, as `tolerance` counts; infinite before the first.
    pub residual: f64,
    /// Once it has converged: products left to make its eigenvector.
    pub left: Option<usize>,
}

impl Default for LanczosProgress {
    /// Nothing done.
    fn default() -> Self {
        Self {
            found: 0,
            rows: 0,
            iterations: 0,
            energy: None,
            residual: f64::INFINITY,
            left: None,
        }
    }
}

/// Takes a look, and says whether to go on.
pub type Watch<'a> = dyn FnMut(LanczosProgress) -> ControlFlow<()> + 'a;

/// [`lanczos_ed`], with a look at each product.
///
/// # Errors
/// As [`lanczos_ed`]; [`Error::Interrupted`], where `watch` breaks off.
///
/// # Example
/// ```
/// use std::ops::ControlFlow;
/// use autoket::exact::{self, LanczosOptions};
/// use autoket::{graph::Graph, hilbert::Hilbert, operator::ising};
/// let h = ising(&Hilbert::spin(0.5, 8)?, &Graph::chain(8, true)?, 1.0, 1.0)?;
/// let mut products = 0;
/// exact::lanczos_ed_watched(&h, LanczosOptions::default(), &mut |progress| {
///     products = progress.iterations;
///     ControlFlow::Continue(())
/// })?;
/// assert!(products > 0);
/// # Ok::<(), autoket::Error>(())
/// ```
pub fn lanczos_ed_watched(
    operator: &dyn Operator,
    options: LanczosOptions,
    watch: &mut Watch<'_>,
) -> Result<LanczosInfo> {
    check_hermitian(operator)?;
    let plan = options.plan(operator)?;
    check_rows(operator, sparse::MAX_APPLY_STATES)?;
    let rows = sparse::Whole(operator);
    match operator.is_real() {
        true => lanczos::lanczos::<f64>(&rows, plan, &options, watch),
        false => lanczos::lanczos::<c64>(&rows, plan, &options, watch),
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

/// Checks a sum of squares of what an operator makes.
fn check_finite(squares: f64) -> Result<()> {
    match squares.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(
            "operator",
            "elements whose squares stay below 1e308",
            "larger ones, or NaN",
            "take another unit of energy",
        )),
    }
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
