//! Masked one-dimensional convolution.

use super::masked::{Array, Block, Input, Lists, MaskedLayer, Read};
use super::{Initializer, positive};
use crate::error::{Error, Result};

/// Convolution over a chain, seeing sites to the left and (unless it is exclusive) the site itself.
///
/// y\[j, o\] = bias\[o\] + Σ_{a, i} kernel\[a, i, o\] x\[j - (k-1-a)·d, i\], 0 outside the chain.
/// The kernel is `(k, features in, features out)`; a first layer's lacks the last entry, a = k-1.
/// NetKet: `MaskedConv1D`.
#[derive(Clone, Debug)]
pub struct MaskedConv1d {
    /// Sites of the chain.
    pub n_sites: usize,
    /// Features in and out.
    pub features: [usize; 2],
    /// Length of the kernel; an exclusive one has an entry less.
    pub kernel_size: usize,
    /// Steps between neighbouring entries of the kernel.
    pub kernel_dilation: usize,
    /// Is a site's own input left out, as in the first layer of a network?
    pub exclusive: bool,
    /// Is there a bias?
    pub use_bias: bool,
    /// How the kernel begins.
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl MaskedConv1d {
    /// The layer.
    ///
    /// # Errors
    /// A zero among the sizes, or an exclusive kernel of length 1.
    pub fn build(self) -> Result<MaskedLayer> {
        let Self {
            n_sites,
            features,
            kernel_size,
            kernel_dilation,
            exclusive,
            use_bias,
            kernel_init,
            bias_init,
        } = self;
        positive("n_sites", &[n_sites])?;
        positive("features", &features)?;
        positive("kernel_size", &[kernel_size])?;
        positive("kernel_dilation", &[kernel_dilation])?;
        super::entries("kernel_size", &[kernel_size, features[0], features[1]])?;
        let used = kernel_size - usize::from(exclusive);
        if used == 0 {
            return Err(Error::invalid(
                "kernel_size",
                "a kernel that reads at least one earlier site",
                "1, of which an exclusive layer leaves nothing",
                "make it at least 2",
            ));
        }
        let block = features[0] * features[1];
        let read = |site: usize, a: usize| {
            let from = site.checked_sub((kernel_size - 1 - a) * kernel_dilation)?;
            Some(Read {
                block: a as u32,
                from: from as u32,
            })
        };
        Ok(MaskedLayer {
            class: "MaskedConv1D",
            lattice: vec![n_sites],
            features_out: features[1],
            inputs: vec![Input {
                features: features[0],
                reads: (0..n_sites)
                    .map(|site| (0..used).filter_map(|a| read(site, a)).collect())
                    .collect::<Lists<_>>(),
                blocks: (0..used)
                    .map(|a| Block {
                        first: a * block,
                        stride: features[1],
                    })
                    .collect(),
            }],
            kernel: Array {
                name: "kernel",
                shape: [used].into_iter().chain(features).collect(),
                init: kernel_init,
                key: if use_bias { 2 } else { 1 },
            },
            mask: None,
            correction: 1.0,
            bias: use_bias.then(|| Array {
                name: "bias",
                shape: vec![features[1]],
                init: bias_init,
                key: 1,
            }),
        })
    }
}
