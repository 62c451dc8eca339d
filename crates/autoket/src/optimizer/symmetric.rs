//! Symmetric matrices that are products of panels of rows of lanes.

use std::ops::Range;

use faer::{Mat, MatMut, MatRef};
use rayon::prelude::*;

use crate::interrupt::Interrupt;
use crate::ranks::{Part, Question, Ranks};
use crate::scalar::Real;
use crate::simd::{Across, Precision, Row, Start, Tap, Tiles, add_columns, level};

/// The lower triangle of a symmetric matrix, columns one after the other.
#[derive(Debug, Default)]
pub(super) struct Symmetric {
    n: usize,
    /// From one column to the next.
    stride: usize,
    columns: Vec<f64>,
    /// Who shares its columns, [`DEALT`] at a time in turn, until they are gathered.
    ranks: Ranks,
}

/// Columns that are dealt out to a rank at once, and that a thread makes at once.
pub(super) const DEALT: usize = 32;

/// Numbers between columns: with a power of 2 from column to column, all would meet in the same lines of the cache.
const GAP: usize = 8;

/// Products are summed in the precision of the panels over so many terms, and these sums in double precision.
const TERMS: usize = 128;
/// Rows that a thread makes before it goes on to the next terms: with those of the columns they stay in the cache of a
/// core.
const ROWS: usize = 128;

impl Symmetric {
    /// Makes it zero, with `n` lines; each of the ranks will make its share of the columns.
    pub fn reset(&mut self, n: usize, ranks: &Ranks) {
        self.ranks.clone_from(ranks);
        (self.n, self.stride) = (n, n + GAP);
        self.columns.clear();
        self.columns.resize(n * self.stride, 0.0);
    }

    /// Does this rank make the column?
    pub fn is_own(&self, column: usize) -> bool {
        self.owner(column) == self.ranks.rank()
    }

    /// To and fro, as columns become shorter.
    fn owner(&self, column: usize) -> usize {
        let (dealt, size) = (column / DEALT, self.ranks.size());
        let turn = dealt % size;
        match dealt / size % 2 {
            0 => turn,
            _ => size - 1 - turn,
        }
    }

    /// Takes the columns that other ranks made.
    pub fn gather(&mut self) {
        self.gather_columns(0..self.n);
    }

    /// Takes those of some columns that other ranks made.
    pub fn gather_columns(&mut self, columns: Range<usize>) {
        // From the diagonal on.
        let of_column = |column: usize| Part {
            owner: self.owner(column),
            first: column * (self.stride + 1),
            len: self.n - column,
        };
        let parts: Vec<Part> = columns.map(of_column).collect();
        self.ranks
            .complete(&mut self.columns, &parts, Question::new("a matrix"));
    }

    /// Adds `x` to the diagonal.
    pub fn shift(&mut self, x: f64) {
        for i in 0..self.n {
            self.columns[i * (self.stride + 1)] += x;
        }
    }

    /// Puts 1 on the diagonal from line `n` on.
    pub fn fill_diagonal(&mut self, n: usize) {
        for i in n..self.n {
            self.columns[i * (self.stride + 1)] = 1.0;
        }
    }

    /// Lines and columns.
    pub fn n_lines(&self) -> usize {
        self.n
    }

    pub fn as_ref(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice_with_stride(&self.columns, self.n, self.n, self.stride)
    }

    pub fn as_mut(&mut self) -> MatMut<'_, f64> {
        let stride = self.stride;
        MatMut::from_column_major_slice_with_stride_mut(&mut self.columns, self.n, self.n, stride)
    }

    /// All columns, and the way from one to the next.
    pub fn columns_mut(&mut self) -> (&mut [f64], usize) {
        (&mut self.columns, self.stride)
    }

    /// The first `n` lines, both triangles.
    pub fn to_mat(&self, n: usize) -> Mat<f64> {
        Mat::from_fn(n, n, |i, j| self.columns[i.min(j) * self.stride + i.max(j)])
    }

    /// Adds L Rᵀ from line `at` on, where that lies in the lower triangle.
    ///
    /// L and R are panels of `depth` rows each: lanes are lines of the product, rows its terms.
    /// Ends early where it is asked to.
    pub fn add_products<R: Real>(
        &mut self,
        at: [usize; 2],
        left: &[R::Row],
        right: &[R::Row],
        depth: usize,
        interrupt: &Interrupt,
    ) {
        let (stride, lanes) = (self.stride, R::Row::LANES);
        if depth == 0 || self.n == 0 {
            return;
        }
        let columns = right.len() / depth * lanes;
        let own: Vec<bool> = (at[1]..at[1] + columns)
            .step_by(DEALT)
            .map(|column| self.is_own(column))
            .collect();
        self.columns[at[1] * stride..][..columns * stride]
            .par_chunks_mut(DEALT * stride)
            .zip(right.par_chunks(DEALT / lanes * depth))
            .enumerate()
            .filter(|(c, _)| own[*c])
            .for_each(|(c, (columns, right))| {
                let first_column = at[1] + c * DEALT;
                for (r, left) in left.chunks(ROWS / lanes * depth).enumerate() {
                    let first_row = at[0] + r * ROWS;
                    // Nothing of it on or below the diagonal?
                    let above = first_row + left.len() / depth * lanes <= first_column;
                    if above || interrupt.is_raised() {
                        continue;
                    }
                    add_tile::<R>(
                        columns,
                        stride,
                        [first_row, first_column],
                        left,
                        right,
                        depth,
                    );
                }
            });
    }
}

/// Adds the products of some panels to some columns, where they are not above the diagonal.
fn add_tile<R: Real>(
    columns: &mut [f64],
    stride: usize,
    [first_row, first_column]: [usize; 2],
    left: &[R::Row],
    right: &[R::Row],
    depth: usize,
) {
    let tiles = Tiles {
        level: level(),
        precision: Precision::Default,
    };
    let lanes = R::Row::LANES;
    let mut products = [R::Row::splat(R::zero()); 32];
    let products = &mut products[..lanes];
    let whole = [Tap { block: 0, row: 0 }];
    for start in (0..depth).step_by(TERMS) {
        let terms = start..(start + TERMS).min(depth);
        for (l, left) in left.chunks_exact(depth).enumerate() {
            let last_row = first_row + (l + 1) * lanes - 1;
            for (r, right) in right.chunks_exact(depth).enumerate() {
                if last_row < first_column + r * lanes {
                    break;
                }
                tiles.site::<R>(
                    Across::<R>(&right[terms.clone()]),
                    Start::Zero,
                    terms.len(),
                    &whole,
                    &left[terms.clone()],
                    products,
                );
                let columns = &mut columns[r * lanes * stride + first_row + l * lanes..];
                add_columns::<R>(tiles.level, products, columns, stride);
            }
        }
    }
}
