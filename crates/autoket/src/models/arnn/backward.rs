//! The backward pass of a block of lanes.

use rayon::prelude::*;

use super::forward::Workspace;
use super::{Arnn, lanes, module};
use crate::nn::{Grad, GradBlock, Packed};
use crate::scalar::{Real, Scalar};
use crate::simd::{Row, exp_in_place, log_normalise};

/// What a backward pass keeps of the forward pass, and the cotangents.
#[derive(Debug)]
pub(super) struct BackwardSpace<R: Real> {
    /// Outputs of each layer before the activation.
    before: Vec<Vec<R::Row>>,
    /// Cotangents of each layer's output.
    cotangents: Vec<Vec<R::Row>>,
}

impl<R: Real> Default for BackwardSpace<R> {
    fn default() -> Self {
        Self {
            before: Vec::new(),
            cotangents: Vec::new(),
        }
    }
}

/// Sums over samples are done in so many parts, each in order: the result does not depend on threads.
const PARTS: usize = 32;

impl<S: Scalar> Arnn<S> {
    pub(super) fn backward_blocks(
        &self,
        packed: &[Packed<S::Real>],
        sigma: &[u8],
        cotangent: &[S],
        grad: Grad,
    ) {
        let (n_sites, block) = (self.hilbert.n_sites(), lanes::<S>());
        let n_reals = self.layout.n_active() * S::PLANES;
        match grad {
            Grad::PerSample(rows) => sigma
                .par_chunks(block * n_sites)
                .zip(cotangent.par_chunks(block))
                .zip(rows.par_chunks_mut(block * n_reals))
                .for_each(|((sigma, cotangent), rows)| {
                    self.with_workspace(|workspace| {
                        self.backward_block(
                            packed,
                            workspace,
                            sigma,
                            cotangent,
                            Grad::PerSample(rows),
                        );
                    });
                }),
            Grad::Sum(sum) => {
                let n_blocks = cotangent.len().div_ceil(block);
                let part = n_blocks.div_ceil(PARTS).max(1) * block;
                let parts: Vec<Vec<f64>> = sigma
                    .par_chunks(part * n_sites)
                    .zip(cotangent.par_chunks(part))
                    .map(|(sigma, cotangent)| {
                        let mut sum = vec![0.0; n_reals];
                        self.with_workspace(|workspace| {
                            let blocks = sigma.chunks(block * n_sites).zip(cotangent.chunks(block));
                            for (sigma, cotangent) in blocks {
                                let grad = Grad::Sum(&mut sum);
                                self.backward_block(packed, workspace, sigma, cotangent, grad);
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
        }
    }

    fn backward_block(
        &self,
        packed: &[Packed<S::Real>],
        workspace: &mut Workspace<S::Real>,
        sigma: &[u8],
        cotangent: &[S],
        grad: Grad,
    ) {
        self.load(workspace, sigma);
        let mut space = std::mem::take(&mut workspace.backward);
        self.forward_keeping(packed, workspace, &mut space);
        let last = self.layers.len() - 1;
        self.cotangents_of_outputs(workspace, cotangent, &mut space.cotangents[last]);
        let n_reals = self.layout.n_active() * S::PLANES;
        let mut grad = GradBlock {
            grad,
            n_reals,
            n_samples: cotangent.len(),
        };
        for layer in (0..=last).rev() {
            let (below, dy) = space.cotangents.split_at_mut(layer);
            let ranges = ["kernel", "bias"].map(|name| self.layout.range(&module(layer), name));
            let place = |name: &str, i: usize| {
                let range = ranges[usize::from(name == "bias")].as_ref()?;
                self.layout.active(range.start + i)
            };
            let x = &workspace.activations[layer];
            let mut dx = below.last_mut();
            self.layers[layer].backward(
                self.tiles,
                &packed[layer],
                &x[..x.len() / 2],
                &dy[0],
                dx.as_mut().map(|dx| &mut dx[..]),
                &place,
                &mut grad,
            );
            if let Some(dx) = dx {
                self.activation.pull_back::<S>(&space.before[layer - 1], dx);
            }
        }
        workspace.backward = space;
    }

    /// The forward pass, with outputs before the activation kept.
    fn forward_keeping(
        &self,
        packed: &[Packed<S::Real>],
        workspace: &mut Workspace<S::Real>,
        space: &mut BackwardSpace<S::Real>,
    ) {
        let n_sites = self.hilbert.n_sites();
        if space.before.is_empty() {
            let zero = <S::Real as Real>::Row::splat(S::Real::from_f64(0.0));
            let outputs = || {
                workspace.width[1..]
                    .iter()
                    .map(|w| vec![zero; n_sites * w])
                    .collect()
            };
            (space.before, space.cotangents) = (outputs(), outputs());
        }
        for layer in 0..self.layers.len() {
            let width = workspace.width[layer + 1];
            let (x, y) = workspace.activations.split_at_mut(layer + 1);
            let before = &mut space.before[layer];
            for (site, before) in before.chunks_exact_mut(width).enumerate() {
                let (x, rows) = (&x[layer], &workspace.rows[layer]);
                self.layers[layer].forward_site(self.tiles, &packed[layer], site, x, rows, before);
            }
            let y = &mut y[0][..n_sites * width];
            y.copy_from_slice(before);
            if layer + 1 < self.layers.len() {
                self.activation.apply::<S>(y);
            } else {
                for y in y.chunks_exact_mut(width) {
                    log_normalise::<S::Real>(self.tiles.level, S::PLANES, self.machine_pow, y);
                }
            }
        }
    }

    /// Cotangents of the last layer: d Re log ψ/d Re yᵢ(s) = δ(s, σᵢ) - pᵢ(s), d Im log ψ/d Im yᵢ(s) = δ(s, σᵢ).
    fn cotangents_of_outputs(
        &self,
        workspace: &Workspace<S::Real>,
        cotangent: &[S],
        dy: &mut [<S::Real as Real>::Row],
    ) {
        let (block, d) = (lanes::<S>(), self.hilbert.local_size());
        let zero = S::Real::from_f64(0.0);
        let mut parts = [<S::Real as Real>::Row::splat(zero); 2];
        for (lane, c) in cotangent.iter().enumerate() {
            (parts[0][lane], parts[1][lane]) = (c.re(), c.im());
        }
        let power = S::Real::from_f64(self.machine_pow.into());
        dy.copy_from_slice(workspace.outputs());
        for (k, dy) in dy.chunks_exact_mut(S::PLANES).enumerate() {
            let (site, state) = (k / d, k % d);
            for y in dy[0].iter_mut() {
                *y *= power;
            }
            exp_in_place::<S::Real>(self.tiles.level, &mut dy[..1]);
            let index = &workspace.index[site * block..][..block];
            for lane in 0..block {
                let drawn = S::Real::from_f64(f64::from(u8::from(index[lane] as usize == state)));
                dy[0][lane] = parts[0][lane] * (drawn - dy[0][lane]);
                if S::PLANES == 2 {
                    dy[1][lane] = parts[1][lane] * drawn;
                }
            }
        }
    }
}
