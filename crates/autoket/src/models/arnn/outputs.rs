//! What the layers put out, for those who look inside.

use super::{Ansatz, Arnn};
use crate::scalar::{Real, Scalar};

impl<S: Scalar> Arnn<S> {
    /// The outputs of each linear layer before the activation, `(sample, position, feature)`.
    pub fn layer_outputs(&self, theta: &[S], sigma: &[u8]) -> Vec<Vec<S>> {
        let n_samples = sigma.len() / self.hilbert().n_sites();
        let outputs = self.plan.linear().map(|(number, _)| {
            let node = &self.plan.nodes[number];
            let features = node.width / node.planes;
            let per_sample = self.n_positions() * features;
            let mut all = vec![S::zero(); n_samples * per_sample];
            self.for_each_block(theta, sigma, &mut all, per_sample, |block, all| {
                for (lane, all) in all.chunks_exact_mut(per_sample).enumerate() {
                    let rows = block.rows[number].chunks_exact(node.stride);
                    let rows = rows.flat_map(|rows| rows[..node.width].chunks_exact(node.planes));
                    for (out, rows) in all.iter_mut().zip(rows) {
                        *out = match rows {
                            [re, im] => S::new(re[lane], im[lane]),
                            _ => S::new(rows[0][lane], S::Real::from_f64(0.0)),
                        };
                    }
                }
            });
            all
        });
        outputs.collect()
    }
}
