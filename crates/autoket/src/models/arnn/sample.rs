//! Direct sampling: the forward pass with a draw after each site.

use rayon::prelude::*;

use super::{Arnn, lanes};
use crate::models::Samples;
use crate::nn::Packed;
use crate::random::Key;
use crate::scalar::Scalar;
use crate::simd::{draw, uniforms};

impl<S: Scalar> Arnn<S> {
    /// The key of each site: the scan's key is split, one half draws, the other goes on.
    fn keys_of_sites(&self, key: Key) -> Vec<Key> {
        let mut carry = key;
        (0..self.hilbert.n_sites())
            .map(|_| {
                let [next, key] = carry.split();
                carry = next;
                key
            })
            .collect()
    }

    pub(super) fn sample_blocks(
        &self,
        packed: &[Packed<S::Real>],
        key: Key,
        samples: &mut Samples<S>,
    ) {
        let (n_sites, lanes) = (self.hilbert.n_sites(), lanes::<S>());
        let width = self.hilbert.local_size() * S::PLANES;
        let keys = self.keys_of_sites(key);
        samples
            .sigma
            .par_chunks_mut(lanes * n_sites)
            .zip(samples.log_psi.par_chunks_mut(lanes))
            .enumerate()
            .for_each(|(b, (sigma, log_psi))| {
                self.with_workspace(|workspace| {
                    let block = &mut workspace.blocks[0];
                    let mut uniform = [0.0; 32];
                    for site in 0..n_sites {
                        for layer in 0..self.layers.len() {
                            self.site(packed, block, layer, site);
                        }
                        let first = (b * lanes) as u64;
                        uniforms(self.tiles.level, keys[site], first, &mut uniform[..lanes]);
                        draw::<S::Real>(
                            self.tiles.level,
                            S::PLANES,
                            self.machine_pow,
                            &block.log_conditionals[site * width..][..width],
                            &uniform[..lanes],
                            &mut workspace.cumulative,
                            &mut block.index[site * lanes..][..lanes],
                        );
                        self.put_values(block, site);
                        self.pick_own(block, site);
                    }
                    for (lane, sigma) in sigma.chunks_exact_mut(n_sites).enumerate() {
                        for (site, index) in sigma.iter_mut().enumerate() {
                            *index = block.index[site * lanes + lane];
                        }
                    }
                    self.log_psi_of_block(block, log_psi);
                });
            });
    }
}
