//! Local values Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ): the change from σ to σ' is followed only where it can be seen.
//!
//! Connected states of a few neighbouring blocks of samples are sorted by the sites that change. Those with
//! the same sites are evaluated together, a lane for each: in the lanes of their block where a block has
//! one for about every sample (a flip in a field), gathered from several blocks where it has not (an
//! exchange, for antiparallel spins only).

use std::sync::Arc;

use rayon::prelude::*;

use super::cones::{Cone, UNCHANGED};
use super::forward::Block;
use super::patterns::{Element, Patterns};
use super::plan::{MixOperand, Step, Work};
use super::{Arnn, Weights, lanes, zero_row};
use crate::models::RowOf;
use crate::operator::{Connected, Operator};
use crate::scalar::{Real, Scalar, c64};
use crate::simd::{
    Flat, Row, Start, Tap, add_log_conditional, add_product, exp_complex, gather_lanes,
};

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
    /// Changes of each node, one after the other.
    changes: Vec<Vec<R::Row>>,
    /// Rows of each part of the head, one group after the other.
    outputs: Vec<Vec<R::Row>>,
    /// One node's rows at one position, before the activation.
    z: Vec<R::Row>,
    /// Rows with lanes from several blocks, and operands of products.
    gathered: [Vec<R::Row>; 3],
}

impl<R: Real> Default for Scratch<R> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            changes: Vec::new(),
            outputs: Vec::new(),
            z: Vec::new(),
            gathered: Default::default(),
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
        let n_sites = model.n_positions();
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
enum Lanes<'a, R: Real> {
    /// All from one block, in place.
    InPlace(&'a Block<R>),
    /// Each from a block of its own.
    Gathered(&'a [&'a [R]]),
}

/// The activations from which changes are followed.
#[derive(Clone, Copy)]
struct Before<'a, S: Scalar> {
    model: &'a Arnn<S>,
    lanes: Lanes<'a, S::Real>,
}

impl<'a, S: Scalar> Before<'a, S> {
    /// A node's rows at a position.
    fn node<'b>(
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
                self.gathered(base + first, stride, scratch)
            }
        }
    }

    /// The log-conditionals of the states that a position is in, and these states.
    fn own<'b>(self, position: usize, scratch: &'b mut Vec<RowOf<S>>) -> &'b [RowOf<S>]
    where
        'a: 'b,
    {
        let stride = S::PLANES + 1;
        let first = position * stride;
        match self.lanes {
            Lanes::InPlace(block) => &block.own[first..][..stride],
            Lanes::Gathered(_) => {
                self.gathered(self.model.lane_layout.own + first, stride, scratch)
            }
        }
    }

    /// Rows of a part of the head, at `n` positions.
    fn part<'b>(
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
                self.gathered(self.model.lane_layout.base[part] + first, n, scratch)
            }
        }
    }

    /// Rows of a part of the head at a position, with their changes.
    fn part_changed<'b>(
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

    fn gathered<'b>(
        self,
        first: usize,
        n: usize,
        scratch: &'b mut Vec<RowOf<S>>,
    ) -> &'b [RowOf<S>] {
        let rows = at_least::<S::Real>(scratch, n);
        if let Lanes::Gathered(lanes) = self.lanes {
            gather_lanes::<S::Real>(self.model.tiles.level, lanes, first, rows);
        }
        rows
    }
}

/// The first `n` rows of memory that only grows.
fn at_least<R: Real>(memory: &mut Vec<R::Row>, n: usize) -> &mut [R::Row] {
    if memory.len() < n {
        memory.resize(n, zero_row::<R>());
    }
    &mut memory[..n]
}

impl<S: Scalar> Arnn<S> {
    pub(super) fn local_values_of_batch(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        operator: &dyn Operator,
        values: &mut [c64],
    ) {
        let n_sites = self.n_positions();
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
                    self.follow_all(weights, sigma, &mut blocks[..n_blocks], space);
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
            ratios,
            patterns,
            scratch,
        } = space;
        let sigma = sigma.chunks(lanes::<S>() * self.n_positions());
        let gathers = patterns.met(|pattern| pattern.sparse).next().is_some();
        // One block after the other where its lanes are full: its activations stay in cache.
        let mut of_lane = [None; MAX_LANES];
        for (b, (block, sigma)) in blocks.iter_mut().zip(sigma).enumerate() {
            self.load(block, sigma);
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
                let lanes = Lanes::InPlace(block);
                let cone = pattern.cone(self);
                self.follow(weights, lanes, &cone, &of_lane, rows, ratios, scratch);
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
                let lanes = Lanes::Gathered(&from[..lanes::<S>()]);
                self.follow(weights, lanes, &cone, &of_lane, rows, ratios, scratch);
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
                        if (q + skipped) % node.planes == 0 {
                            for (x, first) in row.iter_mut().zip(rows[0].iter()) {
                                *x -= *first;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Evaluates one connected state in each lane that has one, all with the same sites changed.
    fn follow(
        &self,
        weights: &Weights<S::Real>,
        lanes: Lanes<S::Real>,
        cone: &Cone,
        of_lane: &[Option<Element>; MAX_LANES],
        rows: &[Connected],
        ratios: &mut [Vec<c64>],
        scratch: &mut Scratch<S::Real>,
    ) {
        let before = Before { model: self, lanes };
        let lanes_in_use = || of_lane[..self::lanes::<S>()].iter().enumerate();
        let changes = &mut scratch.changes;
        changes.resize_with(self.plan.nodes.len(), Vec::new);
        for (changes, &rows) in changes.iter_mut().zip(&cone.rows) {
            at_least::<S::Real>(changes, rows as usize);
        }
        scratch.values.clear();
        for (which, &position) in cone.positions.iter().enumerate() {
            let own = before.own(position as usize, &mut scratch.gathered[0]);
            let old = own[S::PLANES];
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
            scratch.values.push(new);
            changes[0][which] = change;
        }
        let mut taps = cone.taps.iter();
        for &(step, row) in &cone.steps {
            let row = row as usize;
            let positions = &cone.positions;
            self.follow_step(weights, before, positions, step, row, &mut taps, scratch);
        }
        self.follow_parts(weights, before, cone, scratch);
        let mut sums = [[0.0; MAX_LANES]; 2];
        self.add_changes(before, cone, scratch, &mut sums);
        let [re, im] = &mut sums;
        exp_complex(self.tiles.level, re, im);
        for (lane, element) in lanes_in_use() {
            if let Some(e) = element {
                ratios[e.sample as usize][e.element as usize] = c64::new(re[lane], im[lane]);
            }
        }
    }

    /// Finds the change of one node at one position, from those of what it reads.
    fn follow_step<'c>(
        &self,
        weights: &Weights<S::Real>,
        before: Before<S>,
        positions: &[u32],
        step: Step,
        row: usize,
        taps: &mut impl Iterator<Item = &'c [Tap]>,
        scratch: &mut Scratch<S::Real>,
    ) {
        let Scratch {
            values,
            changes,
            z,
            gathered: [gathered, a_new, b_new],
            ..
        } = scratch;
        let (number, position) = (step.node as usize, step.position as usize);
        let node = &self.plan.nodes[number];
        let z = at_least::<S::Real>(z, node.width);
        match &node.work {
            Work::Input => {}
            Work::Linear(linear) => {
                let mut written = std::mem::take(&mut changes[number]);
                let change = &mut written[row..][..node.width];
                let packed = weights.layer(number);
                let mut add_products = |mut start: Start<S::Real>, z: &mut [RowOf<S>]| {
                    for (source, packed) in linear.sources.iter().zip(&packed.inputs) {
                        let flat = Flat {
                            weights: &packed.weights[..],
                            features_out: node.width,
                        };
                        let (x, taps) = (&changes[source.node], taps.next().unwrap_or_default());
                        self.tiles
                            .site::<S::Real>(flat, start, source.width, taps, x, z);
                        start = Start::Own;
                    }
                };
                if node.after == 0 {
                    // What has no activation changes by what is added.
                    add_products(Start::Zero, change);
                } else {
                    let base = before.node(number, position, gathered);
                    add_products(Start::Rows(&base[..node.width]), z);
                    node.apply::<S>(z, Some(&base[node.after..]), change);
                }
                changes[number] = written;
            }
            Work::Mix(terms) => {
                z.fill(zero_row::<S::Real>());
                for term in terms {
                    let mut operand = |operand: &MixOperand, new: &mut Vec<RowOf<S>>| {
                        let taps = taps.next().unwrap_or_default();
                        let position = operand.position(position)?;
                        let old = before.node(operand.node, position, gathered);
                        let new = at_least::<S::Real>(new, node.width);
                        new.copy_from_slice(&old[operand.first..][..node.width]);
                        if taps[0].row != UNCHANGED {
                            let change = &changes[operand.node][taps[0].row as usize..];
                            for (new, change) in new.iter_mut().zip(change) {
                                for (new, change) in new.iter_mut().zip(change.iter()) {
                                    *new += *change;
                                }
                            }
                        }
                        Some(())
                    };
                    let a = operand(&term.a, a_new);
                    let b = term.b.as_ref().map(|b| operand(b, b_new));
                    if a.is_none() || b == Some(None) {
                        continue;
                    }
                    let b = b.map(|_| &b_new[..node.width]);
                    let mut factor =
                        <RowOf<S> as Row<S::Real>>::splat(S::Real::from_f64(term.factor));
                    if let Some(when) = &term.when {
                        let Some(position) = when.position(position) else {
                            continue;
                        };
                        let changed = positions.iter().position(|&p| p as usize == position);
                        let value = match changed {
                            Some(which) => values[which],
                            None => before.own(position, gathered)[S::PLANES],
                        };
                        factor = self.factor(term.factor, when, &value);
                    }
                    let a = &a_new[..node.width];
                    add_product::<S::Real>(self.tiles.level, node.planes, &factor, a, b, false, z);
                }
                let base = &before.node(number, position, gathered)[node.after..];
                let change = &mut changes[number][row..][..node.width];
                node.apply::<S>(z, Some(base), change);
            }
        }
    }

    /// Finds the rows of the head's parts where they are linear and have changed.
    fn follow_parts(
        &self,
        weights: &Weights<S::Real>,
        before: Before<S>,
        cone: &Cone,
        scratch: &mut Scratch<S::Real>,
    ) {
        let Scratch {
            changes,
            outputs,
            gathered: [gathered, ..],
            ..
        } = scratch;
        outputs.resize_with(self.parts.len(), Vec::new);
        for (p, (part, reached)) in self.parts.iter().zip(&cone.parts).enumerate() {
            let Work::Linear(linear) = &self.plan.nodes[part.node].work else {
                continue;
            };
            let of_group = part.group * part.width;
            let rows = at_least::<S::Real>(&mut outputs[p], reached.groups.len() * of_group);
            let mut taps = reached.taps.iter();
            for (&group, rows) in reached.groups.iter().zip(rows.chunks_exact_mut(of_group)) {
                let first = group as usize * part.group;
                let n = part.group.min(self.n_positions() - first);
                let rows = &mut rows[..n * part.width];
                let mut start = Start::Rows(before.part(p, first, n, gathered));
                for (source, weights) in linear.sources.iter().zip(&weights.parts[p]) {
                    let flat = Flat {
                        weights: &weights[..],
                        features_out: of_group,
                    };
                    let (x, taps) = (&changes[source.node], taps.next().unwrap_or_default());
                    self.tiles
                        .site::<S::Real>(flat, start, source.width, taps, x, rows);
                    start = Start::Own;
                }
            }
        }
    }

    /// Adds up the changes of log-conditionals.
    fn add_changes(
        &self,
        before: Before<S>,
        cone: &Cone,
        scratch: &mut Scratch<S::Real>,
        sums: &mut [[f64; MAX_LANES]; 2],
    ) {
        let Scratch {
            values,
            changes,
            outputs,
            gathered,
            ..
        } = scratch;
        let zero = zero_row::<S::Real>();
        let [gathered, of_parts @ ..] = gathered;
        for &(position, places) in &cone.outputs {
            let mut rows: [&[RowOf<S>]; 2] = [&[]; 2];
            let of_parts = self.parts.iter().zip(of_parts.iter_mut()).enumerate();
            for ((p, (part, memory)), rows) in of_parts.zip(&mut rows) {
                let node = &self.plan.nodes[part.node];
                let place = places[p] as usize;
                *rows = if places[p] == UNCHANGED {
                    before.part(p, position as usize, 1, memory)
                } else if node.last {
                    &outputs[p][place..]
                } else {
                    let changes = &changes[part.node][place..][..part.width];
                    before.part_changed(p, position as usize, changes, memory)
                };
            }
            let own = before.own(position as usize, gathered);
            let value = match cone.positions.iter().position(|&p| p == position) {
                Some(which) => &values[which],
                None => &own[S::PLANES],
            };
            // Where a part is relative to the first state, that is 0.
            let row = |k: usize| {
                let (part, k) = self.part_of_row(k);
                match k.checked_sub(usize::from(self.parts[part].relative)) {
                    Some(k) => &rows[part][k],
                    None => &zero,
                }
            };
            add_log_conditional::<S::Real>(
                self.tiles.level,
                S::PLANES,
                self.machine_pow,
                &self.local_states,
                value,
                row,
                own,
                sums,
            );
        }
    }

    /// The part of the head that gives a row `[state][plane]`, and which of its node's it is.
    #[inline]
    fn part_of_row(&self, row: usize) -> (usize, usize) {
        match self.parts.len() {
            1 => (0, row),
            n => (row % n, row / n),
        }
    }
}
