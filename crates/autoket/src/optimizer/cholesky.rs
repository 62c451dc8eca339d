//! Cholesky's decomposition of a [`Symmetric`], panel by panel, by all threads and ranks.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Conj, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::Symmetric;
use super::symmetric::DEALT;
use crate::interrupt::Interrupt;

/// Columns of a panel.
const PANEL: usize = 128;
/// Rows that a thread works on at once. Blocks are the same for any number of threads, and so are the bits.
const ROWS: usize = 256;

impl Symmetric {
    /// M ← L, a lower triangle with L Lᵀ = M, which then all ranks have.
    ///
    /// Each needs but its own columns of M. Panel by panel, owners tell its columns to all, who make the panel, each for
    /// itself as others would wait for it, and subtract its products from their own columns behind it.
    ///
    /// False where M is not positive to rounding, and where it was interrupted: then M is lost.
    pub fn decompose(&mut self, interrupt: &Interrupt) -> bool {
        (0..self.n_lines()).step_by(PANEL).all(|first| {
            if interrupt.is_raised() {
                return false;
            }
            let width = PANEL.min(self.n_lines() - first);
            self.gather_columns(first..first + width);
            let is_positive = self.make_panel(first, width);
            if is_positive {
                self.subtract_products(first, width);
            }
            is_positive
        })
    }

    /// b ← (L Lᵀ)⁻¹ b, once it was decomposed.
    pub fn solve(&self, b: &mut [f64]) {
        let x = MatMut::from_column_major_slice_mut(b, b.len(), 1);
        let no_scratch = &mut [];
        solve::solve_in_place_with_conj(
            self.as_ref(),
            Conj::No,
            x,
            Par::Seq,
            MemStack::new(no_scratch),
        );
    }

    /// L in some columns, of M without what panels before it contribute; false where that is not positive.
    fn make_panel(&mut self, first: usize, width: usize) -> bool {
        let panel = self.as_mut().subcols_mut(first, width);
        let (mut top, below) = panel.split_at_row_mut(first).1.split_at_row_mut(width);
        let scratch = factor::cholesky_in_place_scratch::<f64>(width, Par::Seq, Default::default());
        let made = factor::cholesky_in_place(
            top.as_mut(),
            Default::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        );
        if made.is_err() {
            return false;
        }
        let top = top.as_ref();
        below.par_row_chunks_mut(ROWS).for_each(|rows| {
            solve_lower_triangular_in_place(top, rows.transpose_mut(), Par::Seq);
        });
        true
    }

    /// Takes P Pᵀ from the own columns behind a panel P.
    fn subtract_products(&mut self, first: usize, width: usize) {
        let (n, behind) = (self.n_lines(), first + width);
        let own: Vec<bool> = (behind..n)
            .step_by(DEALT)
            .map(|column| self.is_own(column))
            .collect();
        let (columns, stride) = self.columns_mut();
        let (before, columns) = columns.split_at_mut(behind * stride);
        let panel = &before[first * stride..];
        let panel = MatRef::from_column_major_slice_with_stride(panel, n, width, stride);
        columns
            .par_chunks_mut(DEALT * stride)
            .zip(own)
            .enumerate()
            .filter(|(_, (_, is_own))| *is_own)
            .for_each(|(block, (columns, _))| {
                let at = behind + block * DEALT;
                let width = DEALT.min(n - at);
                let columns =
                    MatMut::from_column_major_slice_with_stride_mut(columns, n, width, stride);
                let (top, below) = columns.split_at_row_mut(at).1.split_at_row_mut(width);
                let right = panel.subrows(at, width);
                triangular::matmul(
                    top,
                    BlockStructure::TriangularLower,
                    Accum::Add,
                    right,
                    BlockStructure::Rectangular,
                    right.transpose(),
                    BlockStructure::Rectangular,
                    -1.0,
                    Par::Seq,
                );
                let rows = below.par_row_chunks_mut(ROWS).enumerate();
                rows.for_each(|(chunk, rows)| {
                    let left = panel.subrows(at + width + chunk * ROWS, rows.nrows());
                    matmul(rows, Accum::Add, left, right.transpose(), -1.0, Par::Seq);
                });
            });
    }
}
