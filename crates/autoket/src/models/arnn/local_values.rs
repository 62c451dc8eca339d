//! Local values Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ): the change from σ to σ' is followed only where it can be seen.
//!
//! Connected states of a few neighbouring blocks of samples are sorted by the sites that change. Those with
//! the same sites are evaluated together, a lane for each: in the lanes of their block where a block has
//! one for about every sample (a flip in a field), gathered from several blocks where it has not (an
//! exchange, for antiparallel spins only).
//!
//! Log-conditionals stay the same if one real number is added to all outputs of a site: so the first output
//! is taken as 0, and only the others are followed, relative to it.

use rayon::prelude::*;

use super::cones::Cone;
use super::forward::Block;
use super::patterns::{Element, Patterns};
use super::{Arnn, lanes};
use crate::nn::Packed;
use crate::operator::{Connected, Operator};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{Flat, Row, Start, add_log_conditional, exp_complex};

/// Blocks whose connected states are sorted together, at most.
const NEIGHBOURS: usize = 8;
/// Bytes that they may take on each thread.
const BLOCKS_MEMORY: usize = 32 << 20;
/// Lanes of the widest row.
const MAX_LANES: usize = 32;

/// The connected states of some blocks, by the sites that change.
#[derive(Debug)]
pub(super) struct ConeSpace<R: Real> {
    /// The operator's row of each sample.
    rows: Vec<Connected>,
    /// ψ(σ')/ψ(σ) of each element of each row.
    ratios: Vec<Vec<c64>>,
    patterns: Patterns,
    scratch: Scratch<R>,
}

impl<R: Real> Default for ConeSpace<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            ratios: Vec::new(),
            patterns: Patterns::default(),
            scratch: Scratch::default(),
        }
    }
}

/// Memory for following one change.
#[derive(Debug)]
struct Scratch<R: Real> {
    /// New local states of the sites that change.
    values: Vec<R::Row>,
    /// Changes of each layer's input.
    changes: Vec<Vec<R::Row>>,
    /// One site's outputs before the activation.
    z: Vec<R::Row>,
    gathered: Vec<R::Row>,
}

impl<R: Real> Default for Scratch<R> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            changes: Vec::new(),
            z: Vec::new(),
            gathered: Vec::new(),
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
    ) {
        let n_sites = model.hilbert.n_sites();
        let n_samples = sigma.len() / n_sites;
        let (rows, ratios) = (&mut self.rows, &mut self.ratios);
        rows.resize_with(n_samples.max(rows.len()), Connected::default);
        ratios.resize_with(n_samples.max(ratios.len()), Vec::new);
        let samples = sigma.chunks_exact(n_sites).zip(rows.iter_mut());
        for ((sigma, row), ratios) in samples.zip(ratios) {
            operator.connected(sigma, row);
            ratios.clear();
            ratios.resize(row.len(), c64::ONE);
        }
        self.patterns.sort(model, &self.rows[..n_samples]);
    }
}

/// Where the lanes of a row come from.
#[derive(Clone, Copy)]
enum Source<'a, R: Real> {
    /// All from one block, in place.
    InPlace(&'a Block<R>),
    /// Each from (block, lane).
    Gathered(&'a [Block<R>], &'a [(u8, u8)]),
}

impl<'a, R: Real> Source<'a, R> {
    /// Some rows of a block's memory, with the lanes of this source.
    fn rows<'b>(
        self,
        memory: impl Fn(&Block<R>) -> &[R::Row],
        first: usize,
        n: usize,
        scratch: &'b mut Vec<R::Row>,
    ) -> &'b [R::Row]
    where
        'a: 'b,
    {
        match self {
            Self::InPlace(block) => &memory(block)[first..first + n],
            Self::Gathered(blocks, lanes) => {
                let scratch = at_least::<R>(scratch, n);
                for (lane, &(block, from)) in lanes.iter().enumerate() {
                    let rows = &memory(&blocks[block as usize])[first..first + n];
                    for (to, row) in scratch.iter_mut().zip(rows) {
                        to[lane] = row[from as usize];
                    }
                }
                scratch
            }
        }
    }
}

/// The first `n` rows of memory that only grows.
fn at_least<R: Real>(memory: &mut Vec<R::Row>, n: usize) -> &mut [R::Row] {
    if memory.len() < n {
        memory.resize(n, R::Row::splat(R::zero()));
    }
    &mut memory[..n]
}

impl<S: Scalar> Arnn<S> {
    pub(super) fn local_values_of_batch(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        operator: &dyn Operator,
        values: &mut [c64],
    ) {
        let n_sites = self.hilbert.n_sites();
        let neighbours = self.neighbours(values.len()) * lanes::<S>();
        sigma
            .par_chunks(neighbours * n_sites)
            .zip(values.par_chunks_mut(neighbours))
            .for_each(|(sigma, values)| {
                self.with_workspace(|workspace| {
                    let n_blocks = values.len().div_ceil(lanes::<S>());
                    let (blocks, space) = (&mut workspace.blocks, &mut workspace.cones);
                    blocks.resize_with(n_blocks.max(blocks.len()), || Block::new(self));
                    space.find_rows(self, sigma, operator);
                    self.follow_all(packed, sigma, &mut blocks[..n_blocks], space);
                    for ((value, row), ratios) in
                        values.iter_mut().zip(&space.rows).zip(&space.ratios)
                    {
                        let terms = row.iter().zip(ratios);
                        *value = terms.map(|((mel, _), ratio)| mel * ratio).sum();
                    }
                });
            });
    }

    /// Blocks whose connected states are sorted together: as many as leave every thread some groups,
    /// and fit a stated memory. No value depends on it.
    fn neighbours(&self, n_samples: usize) -> usize {
        let blocks = n_samples.div_ceil(lanes::<S>());
        let shared = blocks / (4 * rayon::current_num_threads());
        let features = self.wiring.iter().map(|w| w.features[0] + w.features[1]);
        let rows = self.hilbert.n_sites() * features.sum::<usize>();
        let fitting = BLOCKS_MEMORY / (rows * size_of::<<S::Real as Real>::Row>());
        shared.min(fitting).clamp(1, NEIGHBOURS)
    }

    /// Finds the ratios of all connected states of some blocks.
    fn follow_all(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        blocks: &mut [Block<S::Real>],
        space: &mut ConeSpace<S::Real>,
    ) {
        let ConeSpace {
            rows,
            ratios,
            patterns,
            scratch,
        } = space;
        let sigma = sigma.chunks(lanes::<S>() * self.hilbert.n_sites());
        // One block after the other where its lanes are full: its activations stay in cache.
        let mut of_lane = [None; MAX_LANES];
        for (b, (block, sigma)) in blocks.iter_mut().zip(sigma).enumerate() {
            self.load(block, sigma);
            self.forward(packed, block);
            self.relate(block);
            for pattern in patterns.met(|pattern| !pattern.sparse) {
                let elements = pattern.of_block::<S>(b);
                if elements.is_empty() {
                    continue;
                }
                of_lane.fill(None);
                for &element in elements {
                    of_lane[element.sample as usize % lanes::<S>()] = Some(element);
                }
                let source = Source::InPlace(block);
                self.follow(
                    packed,
                    source,
                    &pattern.cone(self),
                    &of_lane,
                    rows,
                    ratios,
                    scratch,
                );
            }
        }
        for pattern in patterns.met(|pattern| pattern.sparse) {
            let cone = pattern.cone(self);
            for elements in pattern.elements.chunks(lanes::<S>()) {
                // Lanes left over follow sample 0, in vain.
                let mut from = [(0, 0); MAX_LANES];
                of_lane.fill(None);
                for (lane, &element) in elements.iter().enumerate() {
                    let sample = element.sample as usize;
                    from[lane] = ((sample / lanes::<S>()) as u8, (sample % lanes::<S>()) as u8);
                    of_lane[lane] = Some(element);
                }
                let source = Source::Gathered(blocks, &from[..lanes::<S>()]);
                self.follow(packed, source, &cone, &of_lane, rows, ratios, scratch);
            }
        }
    }

    /// Finds the last outputs relative to the first of each site.
    fn relate(&self, block: &mut Block<S::Real>) {
        let width = self.hilbert.local_size() * S::PLANES;
        let outputs = block.outputs[self.layers.len() - 1].chunks_exact(width);
        let relative = outputs.flat_map(|site| {
            site.iter().enumerate().skip(1).map(|(o, row)| {
                let mut row = *row;
                if o % S::PLANES == 0 {
                    for (x, first) in row.iter_mut().zip(site[0].iter()) {
                        *x -= *first;
                    }
                }
                row
            })
        });
        for (to, row) in block.relative.iter_mut().zip(relative) {
            *to = row;
        }
    }

    /// Evaluates one connected state in each lane that has one, all with the same sites changed.
    fn follow(
        &self,
        packed: &[Packed<S::Real>],
        source: Source<S::Real>,
        cone: &Cone,
        of_lane: &[Option<Element>; MAX_LANES],
        rows: &[Connected],
        ratios: &mut [Vec<c64>],
        scratch: &mut Scratch<S::Real>,
    ) {
        let Scratch {
            values,
            changes,
            z,
            gathered,
        } = scratch;
        let lanes_in_use = || of_lane[..lanes::<S>()].iter().enumerate();
        values.clear();
        changes.resize_with(self.layers.len(), Vec::new);
        changes[0].clear();
        for (which, &site) in cone.sites.iter().enumerate() {
            let old = source.rows(|block| &block.inputs[0], site as usize, 1, gathered)[0];
            let mut new = old;
            for (lane, element) in lanes_in_use() {
                if let Some(e) = element {
                    let (_, index) = rows[e.sample as usize].changes(e.element as usize)[which];
                    new[lane] = self.local_states[index as usize];
                }
            }
            let mut change = new;
            for (change, old) in change.iter_mut().zip(old.iter()) {
                *change -= *old;
            }
            values.push(new);
            changes[0].push(change);
        }
        let mut sums = [[0.0; MAX_LANES]; 2];
        let last = self.layers.len() - 1;
        for (layer, reached) in cone.layers[..last].iter().enumerate() {
            let [features_in, features_out] = self.wiring[layer].features;
            let weights = Flat {
                weights: &packed[layer].weights[..],
                features_out,
            };
            let (read, written) = changes.split_at_mut(layer + 1);
            let written = at_least::<S::Real>(&mut written[0], reached.sites.len() * features_out);
            let z = at_least::<S::Real>(z, features_out);
            let written = written.chunks_exact_mut(features_out);
            for (place, (&site, change)) in reached.sites.iter().zip(written).enumerate() {
                let first = site as usize * features_out;
                let base = source.rows(|b| &b.outputs[layer], first, features_out, gathered);
                let (start, taps) = (Start::Rows(base), reached.taps.get(place));
                self.tiles
                    .site::<S::Real>(weights, start, features_in, taps, &read[layer], z);
                let base = source.rows(|b| &b.inputs[layer + 1], first, features_out, gathered);
                self.activation.apply::<S>(z, Some(base), change);
            }
        }
        let [features_in, width] = self.wiring[last].features;
        let weights = Flat {
            weights: &packed[last].relative[..],
            features_out: width - 1,
        };
        let z = at_least::<S::Real>(z, width);
        z[0] = <S::Real as Real>::Row::splat(S::Real::from_f64(0.0));
        let base = |site: u32| (site as usize * (width - 1), width - 1);
        let reached = &cone.layers[last];
        for (place, &site) in reached.sites.iter().enumerate() {
            let (first, n) = base(site);
            let start = Start::Rows(source.rows(|b| &b.relative, first, n, gathered));
            let (taps, x, z_rest) = (reached.taps.get(place), &changes[last], &mut z[1..]);
            self.tiles
                .site::<S::Real>(weights, start, features_in, taps, x, z_rest);
            self.add_change(source, cone, values, site, z, gathered, &mut sums);
        }
        for &site in &cone.unreached {
            let (first, n) = base(site);
            z[1..].copy_from_slice(source.rows(|b| &b.relative, first, n, gathered));
            self.add_change(source, cone, values, site, z, gathered, &mut sums);
        }
        let [re, im] = &mut sums;
        exp_complex(self.tiles.level, re, im);
        for (lane, element) in lanes_in_use() {
            if let Some(e) = element {
                ratios[e.sample as usize][e.element as usize] = c64::new(re[lane], im[lane]);
            }
        }
    }

    /// Adds the change of the log-conditional of a site's own state, where its last outputs are `z` and a number.
    fn add_change(
        &self,
        source: Source<S::Real>,
        cone: &Cone,
        values: &[<S::Real as Real>::Row],
        site: u32,
        z: &[<S::Real as Real>::Row],
        gathered: &mut Vec<<S::Real as Real>::Row>,
        sums: &mut [[f64; MAX_LANES]; 2],
    ) {
        let site = site as usize;
        let value = match cone.sites.iter().position(|&s| s as usize == site) {
            Some(which) => values[which],
            None => source.rows(|b| &b.inputs[0], site, 1, gathered)[0],
        };
        let before = source.rows(|b| &b.own, site * S::PLANES, S::PLANES, gathered);
        add_log_conditional::<S::Real>(
            self.tiles.level,
            S::PLANES,
            self.machine_pow,
            &self.local_states,
            &value,
            z,
            before,
            sums,
        );
    }
}
