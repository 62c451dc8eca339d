//! Masked dense layer (Germain et al., arXiv:1502.03509).

use super::masked::{Array, Block, Input, Lists, MaskedLayer, Read};
use super::{Initializer, positive};
use crate::error::Result;

/// Every site sees all earlier ones and (unless it is exclusive) itself, each pair with weights of its own.
///
/// y\[j, o\] = bias\[j, o\] + Σ_{i ≤ j} Σ_f kernel\[(i, f), (j, o)\] x\[i, f\].
/// The kernel is `(sites · features in, sites · features out)`, the bias `(sites, features out)`.
/// NetKet: `MaskedDense1D`.
#[derive(Clone, Debug)]
pub struct MaskedDense1d {
    /// Sites.
    pub n_sites: usize,
    /// Features in and out, at each site.
    pub features: [usize; 2],
    /// Is a site's own input left out, as in the first layer of a network?
    pub exclusive: bool,
    /// Is there a bias?
    pub use_bias: bool,
    /// How the kernel begins, before the mask and its correction √(entries/unmasked entries).
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl MaskedDense1d {
    /// The layer.
    ///
    /// # Errors
    /// A zero among the sizes.
    pub fn build(self) -> Result<MaskedLayer> {
        let Self {
            n_sites,
            features,
            exclusive,
            use_bias,
            kernel_init,
            bias_init,
        } = self;
        positive("n_sites", &[n_sites])?;
        positive("features", &features)?;
        let [features_in, features_out] = features;
        super::entries("features", &[n_sites, features_in, n_sites, features_out])?;
        let seen = |to: usize| to + usize::from(!exclusive);
        let (rows, columns) = (n_sites * features_in, n_sites * features_out);
        let mask: Vec<bool> = (0..rows * columns)
            .map(|k| k / columns / features_in < seen(k % columns / features_out))
            .collect();
        let pairs: usize = (0..n_sites).map(seen).sum();
        let mut blocks = Vec::with_capacity(pairs);
        let mut reads = Lists::with_capacity(n_sites, pairs);
        for to in 0..n_sites {
            for from in 0..seen(to) {
                reads.push(Read {
                    block: blocks.len() as u32,
                    from: from as u32,
                });
                blocks.push(Block {
                    first: from * features_in * columns + to * features_out,
                    stride: columns,
                });
            }
            reads.end();
        }
        Ok(MaskedLayer {
            class: "MaskedDense1D",
            lattice: vec![n_sites],
            features_out,
            inputs: vec![Input {
                features: features_in,
                reads,
                blocks,
            }],
            kernel: Array {
                name: "kernel",
                shape: vec![rows, columns],
                init: kernel_init,
                key: if use_bias { 2 } else { 1 },
            },
            mask: Some(mask),
            // A single site sees nothing: there is nothing to make up for.
            correction: ((n_sites * n_sites) as f64 / pairs.max(1) as f64).sqrt(),
            bias: use_bias.then(|| Array {
                name: "bias",
                shape: vec![n_sites, features_out],
                init: bias_init,
                key: 1,
            }),
        })
    }
}
