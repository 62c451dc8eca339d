//! The backward pass of a block of lanes: ∂ log ψ/∂θ for each sample, or its sum with cotangents.

use rayon::prelude::*;

use super::forward::Block;
use super::plan::{Linear, MixOperand, MixTerm, NodePlan, Step, Work};
use super::{Arnn, Weights, lanes, zero_row};
use crate::models::{RowOf, SUMMED};
use crate::scalar::{Real, Scalar};
use crate::simd::{Flat, Start, add_lanes, add_product, pull_back_conditionals};

/// Memory of a backward pass.
#[derive(Debug)]
pub(super) struct BackwardSpace<R: Real> {
    /// Cotangents of each node before its activation, `[position][row]`, for each block at hand.
    cotangents: Vec<Vec<Vec<R::Row>>>,
    /// Derivatives by one block of weights.
    derivatives: Vec<R::Row>,
    /// Cotangents of one position's log-amplitudes and phases.
    states: Vec<R::Row>,
    /// The cotangent of a mix.
    dz: Vec<R::Row>,
}

impl<R: Real> Default for BackwardSpace<R> {
    fn default() -> Self {
        Self {
            cotangents: Vec::new(),
            derivatives: Vec::new(),
            states: Vec::new(),
            dz: Vec::new(),
        }
    }
}

/// Where derivatives go: a number, or a row of lanes, for each part of each entry of θ that is not masked.
enum Sink<'a, R: Real> {
    /// The sum over lanes is added.
    Sum(&'a mut [f64]),
    /// Each lane apart.
    Lanes(&'a mut [R::Row]),
}

impl<R: Real> Sink<'_, R> {
    fn put(&mut self, level: fearless_simd::Level, k: usize, rows: &[R::Row]) {
        match self {
            Self::Sum(sum) => add_lanes::<R>(level, rows, &mut sum[k..k + rows.len()]),
            Self::Lanes(all) => all[k..k + rows.len()].copy_from_slice(rows),
        }
    }
}

/// Where a layer's derivatives stand among the entries of θ that are not masked.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// The first entry of the bias.
    pub bias: Option<usize>,
    /// For each block of weights of each source its first entry, and the steps from one input feature to the next.
    pub blocks: Vec<Vec<(usize, usize)>>,
}

/// Sums over samples are done in parts of at most so many blocks, and of as many bytes of activations
/// as stay in cache, each in order: the result does not depend on threads.
const BLOCKS: usize = 8;
const BYTES: usize = 2 << 20;
/// Bytes of sums of parts that wait to be added up; of one thread's `SUMMED` samples there may be more.
const WAITING: usize = 64 << 20;

impl<S: Scalar> Arnn<S> {
    pub(super) fn vjp_of_batch(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        cotangent: &[S],
        sum: &mut [f64],
    ) {
        let (n_sites, lanes) = (self.n_positions(), lanes::<S>());
        let rows = self.plan.nodes.iter().map(|node| node.stride + node.width);
        let bytes = n_sites * rows.sum::<usize>() * size_of::<RowOf<S>>();
        let fitting = BYTES / bytes;
        // A power of 2, so that parts end where `SUMMED` samples do.
        let part = (1 << fitting.clamp(1, BLOCKS).ilog2()) * lanes;
        let n_reals = sum.len();
        // Sums of parts that wait to be added up.
        let bytes = (SUMMED / part) * n_reals * size_of::<f64>();
        let summed = (WAITING / bytes.max(1)).max(rayon::current_num_threads()) * SUMMED;
        let rounds = sigma.chunks(summed * n_sites);
        for (sigma, cotangent) in rounds.zip(cotangent.chunks(summed)) {
            self.add_gradients(weights, sigma, cotangent, part, sum);
        }
    }

    /// The same for some samples, whose sums by `part` samples are all there at once.
    fn add_gradients(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        cotangent: &[S],
        part: usize,
        sum: &mut [f64],
    ) {
        let (n_sites, lanes, n_reals) = (self.n_positions(), lanes::<S>(), sum.len());
        let parts: Vec<Vec<f64>> = sigma
            .par_chunks(part * n_sites)
            .zip(cotangent.par_chunks(part))
            .map(|(sigma, cotangent)| {
                let mut sum = vec![0.0; n_reals];
                self.with_workspace(|workspace| {
                    let samples = sigma.chunks(lanes * n_sites).zip(cotangent.chunks(lanes));
                    for (b, (sigma, cotangent)) in samples.enumerate() {
                        if b == workspace.blocks.len() {
                            workspace.blocks.push(Block::new(self));
                        }
                        let block = &mut workspace.blocks[b];
                        self.load(block, sigma);
                        self.forward(weights, block);
                        // Lanes left over have cotangent 0.
                        let mut c = [zero_row::<S::Real>(); 2];
                        for (lane, z) in cotangent.iter().enumerate() {
                            (c[0][lane], c[1][lane]) = (z.re(), z.im());
                        }
                        self.cotangents(weights, block, &mut workspace.backward, b, &c);
                    }
                    let blocks = &workspace.blocks[..cotangent.len().div_ceil(lanes)];
                    self.derivatives(blocks, &mut workspace.backward, Sink::Sum(&mut sum));
                });
                sum
            })
            .collect();
        for parts in parts.chunks(SUMMED / part) {
            let (first, rest) = parts.split_at(1);
            let mut whole = first[0].clone();
            rest.iter().for_each(|part| add_sums(part, &mut whole));
            add_sums(&whole, sum);
        }
    }

    pub(super) fn jacobian_of_batch(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        out: &mut [RowOf<S>],
    ) {
        let (n_sites, lanes) = (self.n_positions(), lanes::<S>());
        let n_reals = self.layout.n_reals::<S>();
        if n_reals == 0 {
            return;
        }
        sigma
            .par_chunks(lanes * n_sites)
            .zip(out.par_chunks_mut(S::PLANES * n_reals))
            .for_each(|(sigma, out)| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    self.load(block, sigma);
                    self.forward(weights, block);
                    for (plane, out) in out.chunks_exact_mut(n_reals).enumerate() {
                        let c = self.unit(plane, sigma.len() / n_sites);
                        let space = &mut workspace.backward;
                        self.cotangents(weights, block, space, 0, &c);
                        self.derivatives(std::slice::from_ref(block), space, Sink::Lanes(out));
                    }
                });
            });
    }

    pub(super) fn factors_of_batch(
        &self,
        weights: &Weights<S::Real>,
        sigma: &[u8],
        out: &mut [RowOf<S>],
    ) {
        let (n_sites, lanes) = (self.n_positions(), lanes::<S>());
        let linear = || self.plan.linear();
        let width = |(node, linear): (usize, &Linear)| {
            linear.sources[0].width + self.plan.nodes[node].width
        };
        let rows = n_sites * linear().map(width).sum::<usize>();
        sigma
            .par_chunks(lanes * n_sites)
            .zip(out.par_chunks_mut(S::PLANES * rows))
            .for_each(|(sigma, out)| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    self.load(block, sigma);
                    self.forward(weights, block);
                    for (plane, out) in out.chunks_exact_mut(rows).enumerate() {
                        let c = self.unit(plane, sigma.len() / n_sites);
                        self.cotangents(weights, block, &mut workspace.backward, 0, &c);
                        let cotangents = &workspace.backward.cotangents[0];
                        let factors = linear().flat_map(|(node, linear)| {
                            let source = &self.plan.nodes[linear.sources[0].node];
                            let x = block.rows[linear.sources[0].node].chunks_exact(source.stride);
                            x.flat_map(|x| &x[source.after..]).chain(&cotangents[node])
                        });
                        for (out, factor) in out.iter_mut().zip(factors) {
                            *out = *factor;
                        }
                    }
                });
            });
    }

    /// The cotangent that asks for the real or the imaginary part of log ψ of the first samples of a block.
    fn unit(&self, plane: usize, n_samples: usize) -> [RowOf<S>; 2] {
        let mut c = [zero_row::<S::Real>(); 2];
        c[plane][..n_samples].fill(S::Real::from_f64(1.0));
        c
    }

    /// Pulls the cotangents of log ψ, real and imaginary part, back to all nodes, into place `number` of the space.
    fn cotangents(
        &self,
        weights: &Weights<S::Real>,
        block: &Block<S::Real>,
        space: &mut BackwardSpace<S::Real>,
        number: usize,
        cotangent: &[RowOf<S>; 2],
    ) {
        let n_positions = self.n_positions();
        while space.cotangents.len() <= number {
            let rows = |node: &NodePlan| vec![zero_row::<S::Real>(); n_positions * node.width];
            let all = self.plan.nodes.iter().map(rows).collect();
            space.cotangents.push(all);
        }
        let cotangents = &mut space.cotangents[number];
        for (node, cotangents) in self.plan.nodes.iter().zip(cotangents.iter_mut()) {
            if node.seeded {
                cotangents.fill(zero_row::<S::Real>());
            }
        }
        let states = &mut space.states;
        states.resize(self.hilbert.local_size() * S::PLANES, zero_row::<S::Real>());
        let width = states.len();
        for position in 0..n_positions {
            pull_back_conditionals::<S::Real>(
                self.tiles.level,
                S::PLANES,
                self.machine_pow,
                &self.local_states,
                &block.rows[0][position],
                &block.log_conditionals[position * width..][..width],
                cotangent,
                states,
            );
            for part in &self.parts {
                let dz = &mut cotangents[part.node][position * part.places.len()..];
                for (dz, &place) in dz.iter_mut().zip(&part.places) {
                    *dz = states[place];
                }
            }
        }
        for &step in self.plan.steps.iter().rev() {
            self.pull_back(weights, block, cotangents, &mut space.dz, step);
        }
    }

    /// Completes the cotangent of one node at one position: all that read it are done.
    fn pull_back(
        &self,
        weights: &Weights<S::Real>,
        block: &Block<S::Real>,
        cotangents: &mut [Vec<RowOf<S>>],
        dz: &mut Vec<RowOf<S>>,
        step: Step,
    ) {
        let (number, position) = (step.node as usize, step.position as usize);
        let node = &self.plan.nodes[number];
        let mut all = std::mem::take(&mut cotangents[number]);
        let dy = &mut all[position * node.width..][..node.width];
        let mut start = if node.seeded { Start::Own } else { Start::Zero };
        for &(reader, source) in &node.readers {
            let width = self.plan.nodes[reader].width;
            let Work::Linear(linear) = &self.plan.nodes[reader].work else {
                continue;
            };
            let flat = Flat {
                weights: &weights.layer(reader).inputs[source].transposed[..],
                features_out: node.width,
            };
            let taps = linear.sources[source].back.get(position);
            self.tiles
                .site::<S::Real>(flat, start, width, taps, &cotangents[reader], dy);
            start = Start::Own;
        }
        if node.after > 0 {
            let z = &block.rows[number][position * node.stride..][..node.width];
            node.pull_back::<S>(z, dy);
        }
        let Work::Mix(terms) = &node.work else {
            cotangents[number] = all;
            return;
        };
        // A recurrent node passes its cotangent on to itself.
        dz.clear();
        dz.extend_from_slice(dy);
        cotangents[number] = all;
        for term in terms {
            self.pull_back_term(block, cotangents, dz, position, node.planes, term);
        }
    }

    /// Passes the cotangent of a mix on to the operands of one term.
    fn pull_back_term(
        &self,
        block: &Block<S::Real>,
        cotangents: &mut [Vec<RowOf<S>>],
        dz: &[RowOf<S>],
        position: usize,
        planes: usize,
        term: &MixTerm,
    ) {
        let factor = match &term.when {
            None => self.factor(term.factor, None),
            Some(when) => {
                let Some(position) = when.position(position) else {
                    return;
                };
                self.factor(term.factor, Some((when, &block.rows[0][position])))
            }
        };
        let rows = |operand: &MixOperand| {
            let source = &self.plan.nodes[operand.node];
            let first = operand.position(position)? * source.stride + operand.first;
            Some(&block.rows[operand.node][first..][..dz.len()])
        };
        let mut give = |to: &MixOperand, other: Option<&[RowOf<S>]>| {
            let Some(position) = to.position(position) else {
                return;
            };
            let source = &self.plan.nodes[to.node];
            let first = position * source.width + to.first - source.after;
            let dy = &mut cotangents[to.node][first..][..dz.len()];
            add_product::<S::Real>(self.tiles.level, planes, &factor, dz, other, true, dy);
        };
        match &term.b {
            None => give(&term.a, None),
            Some(b) => {
                if let (Some(of_a), Some(of_b)) = (rows(&term.a), rows(b)) {
                    give(&term.a, Some(of_b));
                    give(b, Some(of_a));
                }
            }
        }
    }

    /// The derivatives by all parameters, from the rows and the cotangents of some blocks.
    fn derivatives(
        &self,
        blocks: &[Block<S::Real>],
        space: &mut BackwardSpace<S::Real>,
        mut sink: Sink<S::Real>,
    ) {
        let BackwardSpace {
            cotangents,
            derivatives,
            ..
        } = space;
        let zero = zero_row::<S::Real>();
        let level = self.tiles.level;
        for (number, linear) in self.plan.linear() {
            let node = &self.plan.nodes[number];
            let columns = &self.columns[number];
            let (planes, width_out) = (node.planes, node.width);
            if let Some(bias) = columns.bias {
                let width = match linear.bias_stride {
                    0 => width_out,
                    _ => width_out * self.n_positions(),
                };
                derivatives.clear();
                derivatives.resize(width, zero);
                let dz = cotangents[..blocks.len()].iter().map(|all| &all[number]);
                for dz in dz.flat_map(|dz| dz.chunks_exact(width)) {
                    for (sum, dz) in derivatives.iter_mut().zip(dz) {
                        add::<S::Real>(sum, S::Real::from_f64(1.0), dz);
                    }
                }
                sink.put(level, bias * planes, derivatives);
            }
            for (source, blocks_of_source) in linear.sources.iter().zip(&columns.blocks) {
                let mut samples: [(&[_], &[_]); BLOCKS] = [(&[], &[]); BLOCKS];
                for ((samples, block), dz) in samples.iter_mut().zip(blocks).zip(&*cotangents) {
                    *samples = (&block.rows[source.node][..], &dz[number][..]);
                }
                let samples = &samples[..blocks.len()];
                let features = [source.width, width_out];
                let n_products = source.width * width_out;
                derivatives.resize(derivatives.len().max(n_products), zero);
                for (joins, &(first, stride)) in source.joins.iter().zip(blocks_of_source) {
                    if let (1, Sink::Lanes(rows)) = (planes, &mut sink) {
                        let rows = &mut rows[first..];
                        self.tiles
                            .outer::<S::Real>(joins, samples, features, rows, stride);
                        continue;
                    }
                    let products = &mut derivatives[..n_products];
                    self.tiles
                        .outer::<S::Real>(joins, samples, features, products, width_out);
                    let products = match self.plan.nodes[source.node].planes {
                        // Entries of a real input's weights are side by side as they should be.
                        1 => products,
                        _ => conjugate_products::<S::Real>(products, width_out),
                    };
                    for (i, products) in products.chunks_exact(width_out).enumerate() {
                        sink.put(level, (first + i * stride) * planes, products);
                    }
                }
            }
        }
    }
}

/// conj(x) dy of complex numbers from the products of their parts, two lines of them into one:
/// x is (re, im) of one feature in lines 2i and 2i + 1, dy in columns 2o and 2o + 1.
fn conjugate_products<R: Real>(products: &mut [R::Row], features_out: usize) -> &mut [R::Row] {
    let lines = products.len() / features_out / 2;
    for i in 0..lines {
        for o in (0..features_out).step_by(2) {
            let at = |line: usize, o: usize| (2 * i + line) * features_out + o;
            let (mut re, mut im) = (products[at(0, o)], products[at(0, o + 1)]);
            add::<R>(&mut re, R::one(), &products[at(1, o + 1)]);
            add::<R>(&mut im, -R::one(), &products[at(1, o)]);
            products[i * features_out + o] = re;
            products[i * features_out + o + 1] = im;
        }
    }
    &mut products[..lines * features_out]
}

/// a ← a + sign · b, lane by lane.
fn add<R: Real>(a: &mut R::Row, sign: R, b: &R::Row) {
    for (a, &b) in a.iter_mut().zip(b.iter()) {
        *a += sign * b;
    }
}

fn add_sums(part: &[f64], sum: &mut [f64]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}
