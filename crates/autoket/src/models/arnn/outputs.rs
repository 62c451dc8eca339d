//! What nodes give, for those who look inside.

use super::{Arnn, Node};
use crate::scalar::{Real, Scalar};

impl<S: Scalar> Arnn<S> {
    /// The features of a node before its activation or after it, `(sample, position, feature)`.
    pub(in crate::models) fn features_of(
        &self,
        theta: &[S],
        sigma: &[u8],
        node: Node,
        activated: bool,
    ) -> Vec<S> {
        let n_samples = sigma.len() / self.n_positions();
        let plan = &self.plan.nodes[node.0];
        let first = if activated { plan.after } else { 0 };
        let per_sample = self.n_positions() * plan.width / plan.planes;
        let mut all = vec![S::zero(); n_samples * per_sample];
        self.for_each_block(theta, sigma, &mut all, per_sample, |block, all| {
            for (lane, all) in all.chunks_exact_mut(per_sample).enumerate() {
                let rows = block.rows[node.0].chunks_exact(plan.stride);
                let rows =
                    rows.flat_map(|rows| rows[first..][..plan.width].chunks_exact(plan.planes));
                for (out, rows) in all.iter_mut().zip(rows) {
                    *out = match rows {
                        [re, im] => S::new(re[lane], im[lane]),
                        _ => S::new(rows[0][lane], S::Real::from_f64(0.0)),
                    };
                }
            }
        });
        all
    }
}
