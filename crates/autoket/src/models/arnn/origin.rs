//! The activations from which changes are followed, whether lanes are those of a block or gathered.

use super::forward::Block;
use super::{Arnn, zero_row};
use crate::models::RowOf;
use crate::scalar::{Real, Scalar};
use crate::simd::gather_lanes;

/// Where the lanes of a row come from.
#[derive(Clone, Copy)]
enum Lanes<'a, R: Real> {
    /// All from one block, in place.
    InPlace(&'a Block<R>),
    /// Each from a block of its own.
    Gathered(&'a [&'a [R]]),
}

/// The activations from which changes are followed.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a, S: Scalar> {
    pub(super) model: &'a Arnn<S>,
    lanes: Lanes<'a, S::Real>,
}

impl<'a, S: Scalar> Origin<'a, S> {
    /// Those of a block.
    pub(super) fn in_place(model: &'a Arnn<S>, block: &'a Block<S::Real>) -> Self {
        let lanes = Lanes::InPlace(block);
        Self { model, lanes }
    }

    /// Those of a lane of some block for each lane, as [`Block::lane`] gives them.
    pub(super) fn gathered(model: &'a Arnn<S>, lanes: &'a [&'a [S::Real]]) -> Self {
        let lanes = Lanes::Gathered(lanes);
        Self { model, lanes }
    }

    /// A node's rows at a position.
    pub(super) fn node<'b>(
        self,
        node: usize,
        position: usize,
        scratch: &'b mut Vec<RowOf<S>>,
    ) -> &'b [RowOf<S>]
    where
        'a: 'b,
    {
        let stride = self.model.plan.nodes[node].stride;
        let first = position * stride;
        match self.lanes {
            Lanes::InPlace(block) => &block.rows[node][first..][..stride],
            Lanes::Gathered(_) => {
                let base = self.model.lane_layout.rows[node];
                self.gather(base + first, stride, scratch)
            }
        }
    }

    /// The log-conditionals of the states that a position is in, and these states.
    pub(super) fn own<'b>(self, position: usize, scratch: &'b mut Vec<RowOf<S>>) -> &'b [RowOf<S>]
    where
        'a: 'b,
    {
        let stride = S::PLANES + 1;
        let first = position * stride;
        match self.lanes {
            Lanes::InPlace(block) => &block.own[first..][..stride],
            Lanes::Gathered(_) => self.gather(self.model.lane_layout.own + first, stride, scratch),
        }
    }

    /// Rows of a part of the head, at `n` positions.
    pub(super) fn part<'b>(
        self,
        part: usize,
        position: usize,
        n: usize,
        scratch: &'b mut Vec<RowOf<S>>,
    ) -> &'b [RowOf<S>]
    where
        'a: 'b,
    {
        let width = self.model.parts[part].width;
        let (first, n) = (position * width, n * width);
        match self.lanes {
            Lanes::InPlace(block) => &block.base[part][first..][..n],
            Lanes::Gathered(_) => {
                self.gather(self.model.lane_layout.base[part] + first, n, scratch)
            }
        }
    }

    /// Rows of a part of the head at a position, with their changes.
    pub(super) fn part_changed<'b>(
        self,
        part: usize,
        position: usize,
        changes: &[RowOf<S>],
        scratch: &'b mut Vec<RowOf<S>>,
    ) -> &'b [RowOf<S>]
    where
        'a: 'b,
    {
        let n = changes.len();
        match self.lanes {
            Lanes::InPlace(block) => {
                let rows = &block.base[part][position * n..][..n];
                at_least::<S::Real>(scratch, n).copy_from_slice(rows);
            }
            Lanes::Gathered(_) => {
                self.part(part, position, 1, scratch);
            }
        }
        for (row, change) in scratch.iter_mut().zip(changes) {
            for (x, change) in row.iter_mut().zip(change.iter()) {
                *x += *change;
            }
        }
        &scratch[..n]
    }

    fn gather(self, first: usize, n: usize, scratch: &mut Vec<RowOf<S>>) -> &[RowOf<S>] {
        let rows = at_least::<S::Real>(scratch, n);
        if let Lanes::Gathered(lanes) = self.lanes {
            gather_lanes::<S::Real>(self.model.tiles.level, lanes, first, rows);
        }
        rows
    }
}

/// The first `n` rows of memory that only grows.
pub(super) fn at_least<R: Real>(memory: &mut Vec<R::Row>, n: usize) -> &mut [R::Row] {
    if memory.len() < n {
        memory.resize(n, zero_row::<R>());
    }
    &mut memory[..n]
}
