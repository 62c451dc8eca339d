//! Direct sampling: the forward pass with a draw at each position.

use rayon::prelude::*;

use super::forward::Block;
use super::{Arnn, Weights, lanes};
use crate::models::Samples;
use crate::random::Key;
use crate::scalar::Scalar;
use crate::simd::{draw, uniforms};

impl<S: Scalar> Arnn<S> {
    /// The key of each position: the scan's key is split, one half draws, the other goes on.
    fn keys(&self, key: Key) -> Vec<Key> {
        let mut carry = key;
        (0..self.n_positions())
            .map(|_| {
                let [next, key] = carry.split();
                carry = next;
                key
            })
            .collect()
    }

    pub(super) fn sample_blocks(
        &self,
        weights: &Weights<S::Real>,
        first: usize,
        key: Key,
        samples: &mut Samples<S>,
    ) {
        let (n_sites, lanes) = (self.n_positions(), lanes::<S>());
        let width = self.hilbert.local_size() * S::PLANES;
        let keys = self.keys(key);
        samples
            .sigma
            .par_chunks_mut(lanes * n_sites)
            .zip(samples.log_psi.par_chunks_mut(lanes))
            .enumerate()
            .for_each(|(b, (sigma, log_psi))| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    let mut uniform = [0.0; 32];
                    for position in 0..n_sites {
                        self.steps(weights, block, self.plan.part(position));
                        self.allow(block, position);
                        self.normalise(block, position);
                        let place = (first + b * lanes) as u64;
                        let key = keys[position];
                        uniforms(self.tiles.level, key, place, &mut uniform[..lanes]);
                        draw::<S::Real>(
                            self.tiles.level,
                            S::PLANES,
                            self.machine_pow,
                            &block.log_conditionals[position * width..][..width],
                            &uniform[..lanes],
                            &mut workspace.cumulative,
                            &mut block.index[position * lanes..][..lanes],
                        );
                        self.keep_allowed(block, position);
                        self.read(block, position);
                        self.put_values(block, position);
                        self.pick_own(block, position);
                    }
                    self.add_phases(weights, block);
                    for (lane, sigma) in sigma.chunks_exact_mut(n_sites).enumerate() {
                        for (position, &site) in self.order.iter().enumerate() {
                            sigma[site as usize] = block.index[position * lanes + lane];
                        }
                    }
                    self.log_psi_of_block(block, log_psi);
                });
            });
    }

    /// Phases do not matter for a draw: they are found once all is drawn.
    fn add_phases(&self, weights: &Weights<S::Real>, block: &mut Block<S::Real>) {
        if self.plan.phases().is_empty() {
            return;
        }
        self.steps(weights, block, self.plan.phases());
        for position in 0..self.n_positions() {
            self.normalise(block, position);
            self.pick_own(block, position);
        }
    }
}
