//! What the layers put out, for those who look inside.

use super::{Ansatz, Arnn};
use crate::scalar::Scalar;

impl<S: Scalar> Arnn<S> {
    /// The outputs of each layer before the activation, `(sample, site, feature)`.
    pub fn layer_outputs(&self, theta: &[S], sigma: &[u8]) -> Vec<Vec<S>> {
        let n_sites = self.hilbert().n_sites();
        let widths: Vec<usize> = self
            .layers
            .iter()
            .map(|layer| n_sites * layer.features()[1])
            .collect();
        let per_sample = widths.iter().sum();
        let n_samples = sigma.len() / n_sites;
        let mut all = vec![S::zero(); n_samples * per_sample];
        self.for_each_block(theta, sigma, &mut all, per_sample, |block, all| {
            for (lane, all) in all.chunks_exact_mut(per_sample).enumerate() {
                let rows = block
                    .outputs
                    .iter()
                    .flat_map(|rows| rows.chunks_exact(S::PLANES));
                for (out, rows) in all.iter_mut().zip(rows) {
                    *out = S::new(rows[0][lane], rows[S::PLANES - 1][lane]);
                }
            }
        });
        let mut outputs: Vec<Vec<S>> = widths
            .iter()
            .map(|width| Vec::with_capacity(n_samples * width))
            .collect();
        for mut sample in all.chunks_exact(per_sample) {
            for (output, &width) in outputs.iter_mut().zip(&widths) {
                let (own, rest) = sample.split_at(width);
                output.extend_from_slice(own);
                sample = rest;
            }
        }
        outputs
    }
}
