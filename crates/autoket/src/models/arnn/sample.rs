//! Direct sampling: the forward pass with a draw after each site.

use rayon::prelude::*;

use super::{Arnn, lanes};
use crate::hilbert::Hilbert;
use crate::models::Samples;
use crate::nn::Packed;
use crate::random::Key;
use crate::scalar::Scalar;
use crate::simd::{draw, uniforms};

/// The key of each site: the scan's key is split, one half draws, the other goes on.
fn keys_of_sites(hilbert: &Hilbert, key: Key) -> Vec<Key> {
    let mut carry = key;
    (0..hilbert.n_sites())
        .map(|_| {
            let [next, key] = carry.split();
            carry = next;
            key
        })
        .collect()
}

impl<S: Scalar> Arnn<S> {
    pub(super) fn sample_blocks(
        &self,
        packed: &[Packed<S::Real>],
        n_samples: usize,
        key: Key,
    ) -> Samples<S> {
        let (n_sites, block) = (self.hilbert.n_sites(), lanes::<S>());
        let keys = keys_of_sites(&self.hilbert, key);
        let mut sigma = vec![0; n_samples * n_sites];
        let mut log_psi = vec![S::zero(); n_samples];
        sigma
            .par_chunks_mut(block * n_sites)
            .zip(log_psi.par_chunks_mut(block))
            .enumerate()
            .for_each(|(b, (sigma, log_psi))| {
                self.with_workspace(|workspace| {
                    let mut uniform = [0.0; 32];
                    for site in 0..n_sites {
                        for layer in 0..self.layers.len() {
                            self.site(packed, workspace, layer, site, site);
                        }
                        let first = (b * block) as u64;
                        uniforms(self.tiles.level, keys[site], first, &mut uniform[..block]);
                        let width = workspace.width[self.layers.len()];
                        let outputs = &workspace.activations[self.layers.len()];
                        draw::<S::Real>(
                            self.tiles.level,
                            S::PLANES,
                            self.machine_pow,
                            &outputs[site * width..][..width],
                            &uniform[..block],
                            &mut workspace.cumulative,
                            &mut workspace.index[site * block..][..block],
                        );
                        self.put_values(workspace, site, site);
                    }
                    for (lane, sigma) in sigma.chunks_exact_mut(n_sites).enumerate() {
                        for (site, index) in sigma.iter_mut().enumerate() {
                            *index = workspace.index[site * block + lane];
                        }
                    }
                    self.log_psi_of_block(workspace, log_psi);
                });
            });
        Samples { sigma, log_psi }
    }
}
