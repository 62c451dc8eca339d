//! The backward pass of a block of lanes: ∂ log ψ/∂θ for each sample, or its sum with cotangents.

use rayon::prelude::*;

use super::forward::Block;
use super::{Arnn, lanes};
use crate::nn::Packed;
use crate::scalar::{Real, Scalar};
use crate::simd::{Flat, Row, Start, add_lanes, pull_back_conditionals};

/// Memory of a backward pass.
#[derive(Debug)]
pub(super) struct BackwardSpace<R: Real> {
    /// Cotangents of each layer's output, for each block at hand.
    cotangents: Vec<Vec<Vec<R::Row>>>,
    /// Derivatives by one block of weights.
    derivatives: Vec<R::Row>,
}

impl<R: Real> Default for BackwardSpace<R> {
    fn default() -> Self {
        Self {
            cotangents: Vec::new(),
            derivatives: Vec::new(),
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
#[derive(Debug)]
pub(super) struct Columns {
    /// The first entry of the bias.
    pub bias: Option<usize>,
    /// For each block of weights its first entry, and the steps from one input feature to the next.
    pub blocks: Vec<(usize, usize)>,
}

/// Sums over samples are done in parts of at most so many blocks, and of as many bytes of activations
/// as stay in cache, each in order: the result does not depend on threads.
const BLOCKS: usize = 8;
const BYTES: usize = 2 << 20;

impl<S: Scalar> Arnn<S> {
    pub(super) fn vjp_of_batch(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        cotangent: &[S],
        sum: &mut [f64],
    ) {
        let (n_sites, lanes) = (self.hilbert.n_sites(), lanes::<S>());
        let features = self.wiring.iter().map(|w| w.features[0] + w.features[1]);
        let rows = n_sites * features.sum::<usize>();
        let fitting = BYTES / (rows * size_of::<<S::Real as Real>::Row>());
        let part = fitting.clamp(1, BLOCKS) * lanes;
        let n_reals = sum.len();
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
                        self.forward(packed, block);
                        // Lanes left over have cotangent 0.
                        let mut c = [zero_row::<S::Real>(); 2];
                        for (lane, z) in cotangent.iter().enumerate() {
                            (c[0][lane], c[1][lane]) = (z.re(), z.im());
                        }
                        self.cotangents(packed, block, &mut workspace.backward, b, &c);
                    }
                    let blocks = &workspace.blocks[..cotangent.len().div_ceil(lanes)];
                    self.derivatives(blocks, &mut workspace.backward, Sink::Sum(&mut sum));
                });
                sum
            })
            .collect();
        for part in parts {
            for (sum, part) in sum.iter_mut().zip(part) {
                *sum += part;
            }
        }
    }

    pub(super) fn jacobian_of_batch(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        out: &mut [<S::Real as Real>::Row],
    ) {
        let (n_sites, lanes) = (self.hilbert.n_sites(), lanes::<S>());
        let n_reals = self.layout.n_active() * S::PLANES;
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
                    self.forward(packed, block);
                    for (plane, out) in out.chunks_exact_mut(n_reals).enumerate() {
                        let c = self.unit(plane, sigma.len() / n_sites);
                        let space = &mut workspace.backward;
                        self.cotangents(packed, block, space, 0, &c);
                        self.derivatives(std::slice::from_ref(block), space, Sink::Lanes(out));
                    }
                });
            });
    }

    pub(super) fn factors_of_batch(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        out: &mut [<S::Real as Real>::Row],
    ) {
        let (n_sites, lanes) = (self.hilbert.n_sites(), lanes::<S>());
        let features = self.wiring.iter().map(|wiring| wiring.features);
        let rows = n_sites * features.map(|[i, o]| i + o).sum::<usize>();
        sigma
            .par_chunks(lanes * n_sites)
            .zip(out.par_chunks_mut(S::PLANES * rows))
            .for_each(|(sigma, out)| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    self.load(block, sigma);
                    self.forward(packed, block);
                    for (plane, out) in out.chunks_exact_mut(rows).enumerate() {
                        let c = self.unit(plane, sigma.len() / n_sites);
                        self.cotangents(packed, block, &mut workspace.backward, 0, &c);
                        let cotangents = &workspace.backward.cotangents[0];
                        let layers = block.inputs.iter().zip(cotangents);
                        let factors = layers.flat_map(|(x, dy)| x.iter().chain(dy));
                        for (out, factor) in out.iter_mut().zip(factors) {
                            *out = *factor;
                        }
                    }
                });
            });
    }

    /// The cotangent that asks for the real or the imaginary part of log ψ of the first samples of a block.
    fn unit(&self, plane: usize, n_samples: usize) -> [<S::Real as Real>::Row; 2] {
        let mut c = [zero_row::<S::Real>(); 2];
        c[plane][..n_samples].fill(S::Real::from_f64(1.0));
        c
    }

    /// Pulls the cotangents of log ψ, real and imaginary part, back to the outputs of all layers,
    /// into place `number` of the space.
    fn cotangents(
        &self,
        packed: &[Packed<S::Real>],
        block: &Block<S::Real>,
        space: &mut BackwardSpace<S::Real>,
        number: usize,
        cotangent: &[<S::Real as Real>::Row; 2],
    ) {
        let n_sites = self.hilbert.n_sites();
        while space.cotangents.len() <= number {
            let outputs = self.wiring.iter().map(|wiring| wiring.features[1]);
            let rows = outputs.map(|width| vec![zero_row::<S::Real>(); n_sites * width]);
            space.cotangents.push(rows.collect());
        }
        let cotangents = &mut space.cotangents[number];
        let last = self.layers.len() - 1;
        let width = self.hilbert.local_size() * S::PLANES;
        for (site, dy) in cotangents[last].chunks_exact_mut(width).enumerate() {
            pull_back_conditionals::<S::Real>(
                self.tiles.level,
                S::PLANES,
                self.machine_pow,
                &self.local_states,
                &block.inputs[0][site],
                &block.log_conditionals[site * width..][..width],
                cotangent,
                dy,
            );
        }
        for layer in (1..=last).rev() {
            let wiring = &self.wiring[layer];
            let [features_in, features_out] = wiring.features;
            let (below, dy) = cotangents.split_at_mut(layer);
            let (dx, dy) = (&mut below[layer - 1], &dy[0]);
            let weights = Flat {
                weights: &packed[layer].transposed[..],
                features_out: features_in,
            };
            for (site, dx) in dx.chunks_exact_mut(features_in).enumerate() {
                let taps = wiring.back.get(site);
                self.tiles
                    .site::<S::Real>(weights, Start::Zero, features_out, taps, dy, dx);
            }
            self.activation
                .pull_back::<S>(&block.outputs[layer - 1], dx);
        }
    }

    /// The derivatives by all parameters, from the inputs and the cotangents of some blocks.
    fn derivatives(
        &self,
        blocks: &[Block<S::Real>],
        space: &mut BackwardSpace<S::Real>,
        mut sink: Sink<S::Real>,
    ) {
        let BackwardSpace {
            cotangents,
            derivatives,
        } = space;
        let zero = zero_row::<S::Real>();
        for layer in 0..self.layers.len() {
            let mut samples: [(&[_], &[_]); BLOCKS] = [(&[], &[]); BLOCKS];
            for ((samples, block), dy) in samples.iter_mut().zip(blocks).zip(&*cotangents) {
                *samples = (&block.inputs[layer][..], &dy[layer][..]);
            }
            let samples = &samples[..blocks.len()];
            let (wiring, columns) = (&self.wiring[layer], &self.columns[layer]);
            let [features_in, features_out] = wiring.features;
            let level = self.tiles.level;
            if let Some(bias) = columns.bias {
                let width = match wiring.bias_stride {
                    0 => features_out,
                    _ => features_out * self.hilbert.n_sites(),
                };
                derivatives.clear();
                derivatives.resize(width, zero);
                for dy in samples.iter().flat_map(|(_, dy)| dy.chunks_exact(width)) {
                    for (sum, dy) in derivatives.iter_mut().zip(dy) {
                        add::<S::Real>(sum, S::Real::from_f64(1.0), dy);
                    }
                }
                sink.put(level, bias * S::PLANES, derivatives);
            }
            derivatives.resize(derivatives.len().max(features_in * features_out), zero);
            let features = [features_in, features_out];
            for (joins, &(first, stride)) in wiring.joins.iter().zip(&columns.blocks) {
                if let (1, Sink::Lanes(rows)) = (S::PLANES, &mut sink) {
                    let rows = &mut rows[first..];
                    self.tiles
                        .outer::<S::Real>(joins, samples, features, rows, stride);
                    continue;
                }
                let products = &mut derivatives[..features_in * features_out];
                self.tiles
                    .outer::<S::Real>(joins, samples, features, products, features_out);
                let products = match self.layers[layer].features()[0] == features_in {
                    // Entries of a real input's weights are side by side as they should be.
                    true => products,
                    false => conjugate_products::<S::Real>(products, features_out),
                };
                for (i, products) in products.chunks_exact(features_out).enumerate() {
                    sink.put(level, (first + i * stride) * S::PLANES, products);
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

fn zero_row<R: Real>() -> R::Row {
    R::Row::splat(R::zero())
}
