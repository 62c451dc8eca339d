//! Operators as matrices over the numbered basis states.

use std::ops::Range;

use faer::Mat;
use rayon::prelude::*;

use super::halves::Halves;
use super::hermitian::Hermitian;
use super::{Connected, LocalOperator, Operator, check_rows};
use crate::error::{Error, Result};
use crate::hilbert::{Hilbert, Walk};
use crate::scalar::{Scalar, c64};

/// The most states of a sparse matrix.
const MAX_SPARSE_STATES: u64 = 1 << 24;
/// The most states of a dense matrix.
pub(crate) const MAX_DENSE_STATES: u64 = 1 << 13;
/// The most states of a product with a vector.
pub(crate) const MAX_APPLY_STATES: u64 = 1 << 32;
/// Rows done at a time by one thread; results do not depend on it.
pub(crate) const ROWS_PER_CHUNK: usize = 1024;
/// Chunks between two looks at a matrix that is being made.
pub(super) const CHUNKS_PER_LOOK: usize = 256;

/// A square sparse matrix by compressed rows, columns ascending in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr<S = c64> {
    row_starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<S>,
}

impl<S: Scalar> Csr<S> {
    /// The number of rows, and of columns.
    pub fn n_rows(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Where each row starts in `columns` and `values`; one more entry ends the last.
    pub fn row_starts(&self) -> &[usize] {
        &self.row_starts
    }

    /// The column of every stored element.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The value of every stored element.
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// The columns and values of one row.
    #[inline]
    pub fn row(&self, row: usize) -> (&[u32], &[S]) {
        let elements = self.row_starts[row]..self.row_starts[row + 1];
        (&self.columns[elements.clone()], &self.values[elements])
    }

    /// A matrix of the rows of several.
    fn concat(blocks: &[Self]) -> Self {
        let n_elements = blocks.iter().map(|block| block.values.len()).sum();
        let n_rows: usize = blocks.iter().map(Self::n_rows).sum();
        let mut all = Self {
            row_starts: Vec::with_capacity(n_rows + 1),
            columns: Vec::with_capacity(n_elements),
            values: Vec::with_capacity(n_elements),
        };
        all.row_starts.push(0);
        for block in blocks {
            let first = all.values.len();
            let ends = &block.row_starts[1..];
            all.row_starts.extend(ends.iter().map(|end| first + end));
            all.columns.extend(&block.columns);
            all.values.extend(&block.values);
        }
        all
    }

    /// y = A x, for some of the rows of a matrix.
    pub(super) fn multiply(&self, x: &[S], y: &mut [S]) {
        for (row, y) in y.iter_mut().enumerate() {
            let (columns, values) = self.row(row);
            let elements = columns.iter().zip(values);
            *y = elements
                .map(|(&column, &mel)| mel * x[column as usize])
                .sum();
        }
    }

    /// As a dense matrix.
    pub fn to_dense(&self) -> Mat<S> {
        let mut dense = Mat::from_fn(self.n_rows(), self.n_rows(), |_, _| S::zero());
        for row in 0..self.n_rows() {
            let (columns, values) = self.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                dense[(row, column as usize)] = value;
            }
        }
        dense
    }
}

/// The matrix ⟨σ|O|σ′⟩ over all basis states by number. NetKet: `to_sparse`.
///
/// # Errors
/// The space has more than 2²⁴ states; the operator [leaves](super::check_closed) it.
pub fn to_sparse(operator: &dyn Operator) -> Result<Csr> {
    sparse(operator)
}

/// [`to_sparse`] in the real or complex numbers.
pub(crate) fn sparse<S: Scalar>(operator: &dyn Operator) -> Result<Csr<S>> {
    let n = operator
        .hilbert()
        .check_n_states("the sparse matrix", MAX_SPARSE_STATES)?;
    check_rows(operator, MAX_APPLY_STATES)?;
    Ok(whole(&Whole(operator), n))
}

/// Takes the number of a row and its (column, element) pairs.
pub(crate) type TakeRow<'a> = dyn FnMut(usize, &mut dyn Iterator<Item = (usize, c64)>) + 'a;

/// What is asked for of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    All,
    /// Those of Hermitian matrices that tell the rest.
    FromDiagonal,
}

/// The rows of a matrix, made on demand.
pub(crate) trait MatrixRows: Sync {
    /// Gives each row to `f`, with no columns left out but such as are not asked for.
    fn for_rows(&self, rows: Range<usize>, columns: Columns, f: &mut TakeRow<'_>);

    /// The operator, if products go by [`Halves`]: as fast as with a stored matrix, and without one.
    fn by_halves(&self) -> Option<&LocalOperator> {
        None
    }
}

/// The matrix of an operator that keeps to its space, over all basis states by number.
pub(crate) struct Whole<'a>(pub &'a dyn Operator);

/// A matrix of `n` rows.
pub(crate) fn whole<S: Scalar>(matrix: &dyn MatrixRows, n: usize) -> Csr<S> {
    let blocks = chunks(n).into_par_iter();
    let blocks = blocks.map(|rows| block(matrix, rows, Columns::All));
    Csr::concat(&blocks.collect::<Vec<_>>())
}

/// Some rows of a matrix, with no other columns than are asked for.
pub(super) fn block<S: Scalar>(
    matrix: &dyn MatrixRows,
    rows: Range<usize>,
    columns: Columns,
) -> Csr<S> {
    let mut block = CsrBuilder::default();
    matrix.for_rows(rows, columns, &mut |number, row| {
        let asked = row.filter(|&(column, _)| columns == Columns::All || column >= number);
        block.push_row(asked.map(|(column, mel)| (column as u32, S::from_c64(mel))));
    });
    block.finish()
}

/// A [`Csr`] that is made row by row.
pub(super) struct CsrBuilder<S> {
    row_starts: Vec<usize>,
    elements: Vec<(u32, S)>,
}

impl<S> Default for CsrBuilder<S> {
    fn default() -> Self {
        Self {
            row_starts: vec![0],
            elements: Vec::new(),
        }
    }
}

impl<S: Scalar> CsrBuilder<S> {
    /// The next row, by its columns and elements in any order; those of one column are added up.
    pub fn push_row(&mut self, row: impl Iterator<Item = (u32, S)>) {
        let elements = &mut self.elements;
        let first = elements.len();
        elements.extend(row);
        elements[first..].sort_unstable_by_key(|&(column, _)| column);
        let mut kept = first;
        for i in first..elements.len() {
            if kept > first && elements[kept - 1].0 == elements[i].0 {
                let value = elements[i].1;
                elements[kept - 1].1 += value;
            } else {
                elements[kept] = elements[i];
                kept += 1;
            }
        }
        elements.truncate(kept);
        self.row_starts.push(elements.len());
    }

    pub fn finish(self) -> Csr<S> {
        Csr {
            row_starts: self.row_starts,
            columns: self.elements.iter().map(|element| element.0).collect(),
            values: self.elements.iter().map(|element| element.1).collect(),
        }
    }
}

/// The dense matrix ⟨σ|O|σ′⟩ over all basis states by number. NetKet: `to_dense`.
///
/// # Errors
/// The space has more than 2¹³ states; the operator [leaves](super::check_closed) it.
pub fn to_dense(operator: &dyn Operator) -> Result<Mat<c64>> {
    operator
        .hilbert()
        .check_n_states("the dense matrix", MAX_DENSE_STATES)?;
    Ok(to_sparse(operator)?.to_dense())
}

/// y = O x without storing the matrix: `x` and `y` over all basis states by number.
///
/// Runs on all threads of the pool; the result does not depend on their number.
///
/// # Errors
/// `x` or `y` has not one element per basis state; the operator [leaves](super::check_closed) the space.
pub fn apply(operator: &dyn Operator, x: &[c64], y: &mut [c64]) -> Result<()> {
    let n = operator
        .hilbert()
        .check_n_states("a vector", MAX_APPLY_STATES)?;
    for (field, len) in [("x", x.len()), ("y", y.len())] {
        if len != n {
            return Err(Error::invalid(
                field,
                format!(
                    "{n} elements, one per basis state of {}",
                    operator.hilbert()
                ),
                format!("{len} elements"),
                "give the amplitudes of all basis states",
            ));
        }
    }
    check_rows(operator, MAX_APPLY_STATES)?;
    Matrix::unstored(&Whole(operator)).multiply(x, y);
    Ok(())
}

/// A matrix that vectors are multiplied with.
pub(crate) enum Matrix<'a, S> {
    Stored(Hermitian<S>),
    Halves(Halves<S>),
    /// Its rows are made anew in each product.
    Free(&'a dyn MatrixRows),
}

impl<'a, S: Scalar<Real = f64>> Matrix<'a, S> {
    pub fn unstored(rows: &'a dyn MatrixRows) -> Self {
        match rows.by_halves() {
            Some(operator) => Self::Halves(Halves::new(operator)),
            None => Self::Free(rows),
        }
    }

    /// y = A x.
    pub fn multiply(&mut self, x: &[S], y: &mut [S]) {
        match self {
            Self::Stored(matrix) => matrix.multiply(x, y),
            Self::Halves(halves) => halves.multiply(x, y),
            Self::Free(rows) => multiply(*rows, x, y),
        }
    }
}

/// y = A x, rows made anew.
fn multiply<S: Scalar>(matrix: &dyn MatrixRows, x: &[S], y: &mut [S]) {
    let chunks = y.par_chunks_mut(ROWS_PER_CHUNK).enumerate();
    chunks.for_each(|(chunk, y)| {
        let first = chunk * ROWS_PER_CHUNK;
        matrix.for_rows(first..first + y.len(), Columns::All, &mut |number, row| {
            y[number - first] = row.map(|(column, mel)| S::from_c64(mel) * x[column]).sum();
        });
    });
}

impl MatrixRows for Whole<'_> {
    fn by_halves(&self) -> Option<&LocalOperator> {
        let fit = Halves::<f64>::fit(self.0.hilbert());
        self.0.as_local().filter(|_| fit)
    }

    fn for_rows(&self, rows: Range<usize>, _: Columns, f: &mut TakeRow<'_>) {
        let Self(operator) = self;
        let hilbert = operator.hilbert();
        let strides = strides(hilbert);
        let mut sigma = vec![0; hilbert.n_sites()];
        let mut connected = Connected::default();
        let mut walk = Walk::default();
        for number in rows {
            hilbert.number_to_state(number as u64, &mut sigma);
            operator.connected(&sigma, &mut connected);
            if let Some(automaton) = hilbert.automaton() {
                automaton.walk(&sigma, &mut walk);
            }
            let column = |changes: &[(u32, u8)]| {
                if let Some(automaton) = hilbert.automaton() {
                    let number = automaton.number_of_changed(&walk, &sigma, changes);
                    let number = number.expect("the operator has been checked");
                    return hilbert.turned(number) as usize;
                }
                changes.iter().fold(number, |column, &(site, new)| {
                    let site = site as usize;
                    let old = usize::from(sigma[site]) * strides[site];
                    column + usize::from(new) * strides[site] - old
                })
            };
            let mut row = connected
                .iter()
                .map(|(mel, changes)| (column(changes), mel));
            f(number, &mut row);
        }
    }
}

/// What a step of each site's local index adds to the number of a state.
fn strides(hilbert: &Hilbert) -> Vec<usize> {
    let d = hilbert.local_size();
    let n = hilbert.n_sites();
    // Constrained spaces are numbered otherwise, and may have more sites than digits fit.
    let stride = |site| d.checked_pow((n - 1 - site) as u32).unwrap_or(0);
    (0..n).map(stride).collect()
}

/// Rows that are done at a time.
pub(super) fn chunks(n: usize) -> Vec<Range<usize>> {
    (0..n)
        .step_by(ROWS_PER_CHUNK)
        .map(|first| first..n.min(first + ROWS_PER_CHUNK))
        .collect()
}
