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
    /// Cotangents of each layer's output.
    cotangents: Vec<Vec<R::Row>>,
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

/// Sums over samples are done in so many parts, each in order: the result does not depend on threads.
const PARTS: usize = 32;

impl<S: Scalar> Arnn<S> {
    pub(super) fn vjp_of_batch(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        cotangent: &[S],
        sum: &mut [f64],
    ) {
        let (n_sites, lanes) = (self.hilbert.n_sites(), lanes::<S>());
        let n_blocks = cotangent.len().div_ceil(lanes);
        let part = n_blocks.div_ceil(PARTS).max(1) * lanes;
        let parts: Vec<Vec<f64>> = sigma
            .par_chunks(part * n_sites)
            .zip(cotangent.par_chunks(part))
            .map(|(sigma, cotangent)| {
                let mut sum = vec![0.0; sum.len()];
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    for (sigma, cotangent) in
                        sigma.chunks(lanes * n_sites).zip(cotangent.chunks(lanes))
                    {
                        self.load(block, sigma);
                        self.forward(packed, block);
                        // Lanes left over have cotangent 0.
                        let mut c = [zero_row::<S::Real>(); 2];
                        for (lane, z) in cotangent.iter().enumerate() {
                            (c[0][lane], c[1][lane]) = (z.re(), z.im());
                        }
                        let sink = Sink::Sum(&mut sum);
                        self.backward(packed, block, &mut workspace.backward, &c, sink);
                    }
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
                        let sink = Sink::Lanes(out);
                        self.backward(packed, block, &mut workspace.backward, &c, sink);
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
                        self.cotangents(packed, block, &mut workspace.backward, &c);
                        let cotangents = &workspace.backward.cotangents;
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

    /// Pulls the cotangents of log ψ, real and imaginary part, back to the parameters.
    fn backward(
        &self,
        packed: &[Packed<S::Real>],
        block: &Block<S::Real>,
        space: &mut BackwardSpace<S::Real>,
        cotangent: &[<S::Real as Real>::Row; 2],
        mut sink: Sink<S::Real>,
    ) {
        self.cotangents(packed, block, space, cotangent);
        for (layer, dy) in space.cotangents.iter().enumerate() {
            let x = &block.inputs[layer];
            self.derivatives(layer, x, dy, &mut space.derivatives, &mut sink);
        }
    }

    /// Pulls the cotangents of log ψ, real and imaginary part, back to the outputs of all layers.
    fn cotangents(
        &self,
        packed: &[Packed<S::Real>],
        block: &Block<S::Real>,
        space: &mut BackwardSpace<S::Real>,
        cotangent: &[<S::Real as Real>::Row; 2],
    ) {
        let n_sites = self.hilbert.n_sites();
        let cotangents = &mut space.cotangents;
        if cotangents.is_empty() {
            let outputs = self.wiring.iter().map(|wiring| wiring.features[1]);
            cotangents.extend(outputs.map(|width| vec![zero_row::<S::Real>(); n_sites * width]));
        }
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

    /// The derivatives by a layer's parameters, from its input and the cotangents of its output.
    fn derivatives(
        &self,
        layer: usize,
        x: &[<S::Real as Real>::Row],
        dy: &[<S::Real as Real>::Row],
        scratch: &mut Vec<<S::Real as Real>::Row>,
        sink: &mut Sink<S::Real>,
    ) {
        let (wiring, columns) = (&self.wiring[layer], &self.columns[layer]);
        let [features_in, features_out] = wiring.features;
        let level = self.tiles.level;
        if let Some(bias) = columns.bias {
            if wiring.bias_stride > 0 {
                sink.put(level, bias * S::PLANES, dy);
            } else {
                scratch.clear();
                scratch.resize(features_out, zero_row::<S::Real>());
                for dy in dy.chunks_exact(features_out) {
                    for (sum, dy) in scratch.iter_mut().zip(dy) {
                        add::<S::Real>(sum, S::Real::from_f64(1.0), dy);
                    }
                }
                sink.put(level, bias * S::PLANES, scratch);
            }
        }
        scratch.resize(features_in * features_out, zero_row::<S::Real>());
        for (joins, &(first, stride)) in wiring.joins.iter().zip(&columns.blocks) {
            let features = [features_in, features_out];
            if let (1, Sink::Lanes(rows)) = (S::PLANES, &mut *sink) {
                let rows = &mut rows[first..];
                self.tiles
                    .outer::<S::Real>(joins, x, dy, features, rows, stride);
                continue;
            }
            let products = &mut scratch[..features_in * features_out];
            self.tiles
                .outer::<S::Real>(joins, x, dy, features, products, features_out);
            let products = match (S::PLANES, self.layers[layer].features()[0]) {
                // Entries of a real input's weights are side by side as they should be.
                (1, _) => products,
                (_, scalars) if scalars == features_in => products,
                _ => conjugate_products::<S::Real>(products, features_out),
            };
            for (i, products) in products.chunks_exact(features_out).enumerate() {
                sink.put(level, (first + i * stride) * S::PLANES, products);
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
