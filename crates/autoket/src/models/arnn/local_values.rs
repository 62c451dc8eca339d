//! Local values Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ): the change from σ to σ' is followed only where it can be seen.
//!
//! Connected states of a few neighbouring blocks of samples are sorted by the sites that change. Those with
//! the same sites are evaluated together, a lane for each: in the lanes of their block where a block has
//! one for about every sample (a flip in a field), gathered from several blocks where it has not (an
//! exchange, for antiparallel spins only).

use std::sync::Arc;

use rayon::prelude::*;

use super::cones::Cone;
use super::follow::{Change, MAX_LANES, Scratch};
use super::forward::Block;
use super::origin::Origin;
use super::patterns::Patterns;
use super::{Arnn, Weights, lanes};
use crate::operator::{Connected, Operator};
use crate::scalar::{Real, Scalar, c64};

/// Blocks whose connected states are sorted together, at most.
const NEIGHBOURS: usize = 8;
/// Bytes that they may take on each thread.
const BLOCKS_MEMORY: usize = 32 << 20;

/// What is wanted of connected states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// ψ(σ')/ψ(σ)
    Ratios,
    /// Their logarithms.
    Logs,
}

/// The connected states of some blocks, by the sites that change.
#[derive(Debug)]
pub(super) struct ConeSpace<R: Real> {
    /// The operator's row of each sample.
    rows: Vec<Connected>,
    wanted: Wanted,
    /// What is wanted of each element of each row.
    ratios: Vec<Vec<c64>>,
    /// In a constrained space, where the automaton stands: see `read_samples`.
    places: Vec<u32>,
    patterns: Patterns,
    scratch: Scratch<R>,
}

impl<R: Real> Default for ConeSpace<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            wanted: Wanted::Ratios,
            ratios: Vec::new(),
            places: Vec::new(),
            patterns: Patterns::default(),
            scratch: Scratch::default(),
        }
    }
}

impl<R: Real> ConeSpace<R> {
    /// The operator's row of each sample, its elements sorted by the sites they change.
    fn find_rows<S: Scalar<Real = R>>(
        &mut self,
        model: &Arnn<S>,
        sigma: &[u8],
        operator: &dyn Operator,
        wanted: Wanted,
    ) {
        let n_sites = model.n_positions();
        let n_samples = sigma.len() / n_sites;
        let (rows, ratios) = (&mut self.rows, &mut self.ratios);
        rows.resize_with(n_samples.max(rows.len()), Connected::default);
        ratios.resize_with(n_samples.max(ratios.len()), Vec::new);
        let samples = sigma.chunks_exact(n_sites).zip(rows.iter_mut());
        for ((sigma, row), ratios) in samples.zip(ratios) {
            operator.connected(sigma, row);
            ratios.clear();
            // What a diagonal element has.
            let same = match wanted {
                Wanted::Ratios => c64::ONE,
                Wanted::Logs => c64::ZERO,
            };
            ratios.resize(row.len(), same);
        }
        self.wanted = wanted;
        self.patterns.sort(model, &self.rows[..n_samples]);
        model.read_samples(sigma, &mut self.places);
    }
}

impl<S: Scalar> Arnn<S> {
    /// Follows all connected states of a batch, and lets `take` make of each sample's row, and the ratios of its
    /// elements or their logarithms, what goes into `out`.
    pub(super) fn follow_batch<T: Send>(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        operator: &dyn Operator,
        wanted: Wanted,
        out: &mut [T],
        take: impl Fn(&Connected, &[c64]) -> T + Sync,
    ) {
        let n_sites = self.n_positions();
        let neighbours = self.neighbours(out.len()) * lanes::<S>();
        sigma
            .par_chunks(neighbours * n_sites)
            .zip(out.par_chunks_mut(neighbours))
            .for_each(|(sigma, out)| {
                self.with_workspace(|workspace| {
                    let n_blocks = out.len().div_ceil(lanes::<S>());
                    let (blocks, space) = (&mut workspace.blocks, &mut workspace.cones);
                    blocks.resize_with(n_blocks.max(blocks.len()), || Block::new(self));
                    space.find_rows(self, sigma, operator, wanted);
                    self.follow_all(weights, sigma, &mut blocks[..n_blocks], space);
                    let rows = space.rows.iter().zip(&space.ratios);
                    for (out, (row, ratios)) in out.iter_mut().zip(rows) {
                        *out = take(row, ratios);
                    }
                });
            });
    }

    /// Blocks whose connected states are sorted together: as many as leave every thread some groups,
    /// and fit a stated memory. No value depends on it.
    fn neighbours(&self, n_samples: usize) -> usize {
        let blocks = n_samples.div_ceil(lanes::<S>());
        let shared = blocks / (4 * rayon::current_num_threads());
        // Twice: by rows and by lanes.
        let bytes = 2 * self.lane_layout.stride * lanes::<S>() * size_of::<S::Real>();
        let fitting = BLOCKS_MEMORY / bytes;
        shared.min(fitting).clamp(1, NEIGHBOURS)
    }

    /// What follows from a change of some sites.
    pub(super) fn cone(&self, sites: &[u32]) -> Arc<Cone> {
        let positions: Vec<u32> = sites.iter().map(|&s| self.positions[s as usize]).collect();
        self.cones.get(&self.plan, &self.parts, &positions)
    }

    /// Finds the ratios of all connected states of some blocks.
    fn follow_all(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        blocks: &mut [Block<S::Real>],
        space: &mut ConeSpace<S::Real>,
    ) {
        let ConeSpace {
            rows,
            wanted,
            ratios,
            places,
            patterns,
            scratch,
        } = space;
        let wanted = *wanted;
        let of_blocks = sigma.chunks(lanes::<S>() * self.n_positions());
        let gathers = patterns.met(|pattern| pattern.sparse).next().is_some();
        // One block after the other where its lanes are full: its activations stay in cache.
        let mut of_lane = [None; MAX_LANES];
        for (b, (block, of_block)) in blocks.iter_mut().zip(of_blocks).enumerate() {
            self.load(block, of_block);
            self.forward(weights, block);
            self.relate(block);
            if gathers {
                block.scatter(self);
            }
            for pattern in patterns.met(|pattern| !pattern.sparse) {
                let elements = pattern.of_block::<S>(b);
                if elements.is_empty() {
                    continue;
                }
                of_lane.fill(None);
                for &element in elements {
                    of_lane[element.sample as usize % lanes::<S>()] = Some(element);
                }
                let origin = Origin::in_place(self, block);
                let change = Change {
                    origin,
                    weights,
                    cone: &pattern.cone(self),
                    sigma,
                    places,
                    wanted,
                };
                change.follow(&of_lane, rows, ratios, scratch);
            }
        }
        for pattern in patterns.met(|pattern| pattern.sparse) {
            let cone = pattern.cone(self);
            for elements in pattern.elements.chunks(lanes::<S>()) {
                // Lanes left over follow sample 0, in vain.
                let mut from = [blocks[0].lane(0); MAX_LANES];
                of_lane.fill(None);
                for (lane, &element) in elements.iter().enumerate() {
                    let sample = element.sample as usize;
                    from[lane] = blocks[sample / lanes::<S>()].lane(sample % lanes::<S>());
                    of_lane[lane] = Some(element);
                }
                let origin = Origin::gathered(self, &from[..lanes::<S>()]);
                let change = Change {
                    origin,
                    weights,
                    cone: &cone,
                    sigma,
                    places,
                    wanted,
                };
                change.follow(&of_lane, rows, ratios, scratch);
            }
        }
    }

    /// Finds what is followed of the head's parts.
    fn relate(&self, block: &mut Block<S::Real>) {
        for (part, base) in self.parts.iter().zip(&mut block.base) {
            let node = &self.plan.nodes[part.node];
            let skipped = node.width - part.width;
            let rows = block.rows[part.node].chunks_exact(node.stride);
            for (base, rows) in base.chunks_exact_mut(part.width).zip(rows) {
                let rows = &rows[node.after..];
                base.copy_from_slice(&rows[skipped..]);
                if part.relative {
                    for (q, row) in base.iter_mut().enumerate() {
                        if (q + skipped).is_multiple_of(node.planes) {
                            for (x, first) in row.iter_mut().zip(rows[0].iter()) {
                                *x -= *first;
                            }
                        }
                    }
                }
            }
        }
    }
}
